"""Where one is, as plain values: what a view keeps and what is remembered.

Kept as names and not as a `State`, and read without trust: a file may be older or newer than this
program, or edited by hand. What is not understood is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from costtui.model.dimension import tag_of
from costtui.model.timewindow import WINDOW_BY_NAME
from costtui.tui.shown import SORTS
from costtui.tui.state import CHARTS, GROUPS, UNITS, State, parse_filter

FIELDS: dict[str, tuple[object, ...]] = {
    "window": tuple(WINDOW_BY_NAME),
    "group": GROUPS,
    "sort": SORTS,
    "reverse": (False, True),
    "unit": UNITS,
    "compare": (True, False),
    "chart": tuple(CHARTS),
}
"""Fields of `State` that views keep and that are remembered, each with what it may be. A group may
be a tag, too."""


@runtime_checkable
class Sortable(Protocol):
    """A screen with an order of its own; one without has the state's."""

    def sorts(self) -> tuple[str, ...]:
        """The columns it can be sorted by."""

    def sort_to(self, column: str, *, reverse: bool) -> None:
        """Sort by this one."""

    def sorting(self) -> dict[str, Any]:
        """`sort` and `reverse` as they are, for a view."""


def taken(state: State) -> dict[str, Any]:
    """The fields of a state."""
    return {name: getattr(state, name) for name in FIELDS}


def laid_on(state: State, values: Mapping[str, Any], tags: Sequence[str] = ()) -> State:
    """`state` with those values that are understood. `tags` are those that consumers have."""
    good: dict[str, Any] = {
        name: value
        for name, value in values.items()
        if isinstance(value, str | bool)
        and (value in FIELDS.get(name, ()) or (name == "group" and tag_of(str(value)) in tags))
    }
    return state._replace(**good)


def filters_text(state: State) -> list[str]:
    """The filters as one would type them behind `/`."""
    return [typed(f.dimension, f.op, f.value) for f in state.filters]


def typed(dimension: str, op: str, value: str) -> str:
    """A filter in the language of `parse_filter`."""
    if dimension != "any":
        return f"{dimension}{op}{value}"
    return {"*": "", "!*": "!", "~": "~", "!~": "!~"}.get(op, "") + value


def filtered(state: State, filters: Iterable[object], tags: Sequence[str] = ()) -> State:
    """`state` with exactly these filters, live; Esc takes them away from the last one on. A text
    that is no filter is left out."""
    state = state._replace(filters=(), trail=(), back=0, anchor=0.0)
    for text in filters:
        try:
            state = state.filtered(parse_filter(str(text), tags))
        except ValueError:
            continue
    return state
