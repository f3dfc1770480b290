"""What the user is looking at, as values: every key is a pure step from one state to the next."""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at

GROUPS = ("model", "provider", "consumer", "gateway", "endpoint", "team")
"""What the big panel may show, in the order of `g`."""
PANELS = ("provider", "model", "consumer", "gateway")
"""The dimensions that always have a panel, in the order of a drill-down."""
UNITS = ("cost", "tokens", "requests")
MAX_BACK = 1000
"""Periods; far beyond what any store keeps, and it bounds the calendar arithmetic."""


class Mark(NamedTuple):
    """Where a step of the breadcrumb came from, so that Esc goes back exactly there."""

    filters: tuple[Filter, ...]
    group: str
    cursor: str
    """Key of the row that was drilled into."""


class State(NamedTuple):
    """One position of the whole screen. Every method returns a new one.

    Named tuples and not dataclasses in the modules that load before first paint: making a frozen
    dataclass takes a millisecond, and there would be a dozen.
    """

    window: str = "24h"
    back: int = 0
    """Periods in the past; 0 is live."""
    anchor: float = 0.0
    """The `now` that a past window counts from: looking back must not slide."""
    filters: tuple[Filter, ...] = ()
    group: str = "model"
    trail: tuple[Mark, ...] = ()
    sort: str = "value"
    reverse: bool = False
    unit: str = "cost"
    compare: bool = True
    paused: bool = False

    def view(self, now: float, zone: tzinfo) -> View:
        """The question to ask at `now` (epoch seconds)."""
        moment = self.anchor if self.back else now
        window = window_at(WINDOW_BY_NAME[self.window], moment, zone, self.back)
        return View(window, self.filters)

    @property
    def panels(self) -> tuple[str, ...]:
        """The dimensions on screen, big one first."""
        return (self.group, *(d for d in PANELS if d != self.group))[:4]

    def with_window(self, name: str) -> State:
        """Another length, live again: two periods back of 24h is not two periods back of 7d."""
        return self._replace(window=name, back=0, anchor=0.0)

    def earlier(self, now: float) -> State:
        anchor = self.anchor if self.back else now
        return self._replace(back=min(MAX_BACK, self.back + 1), anchor=anchor)

    def later(self) -> State:
        back = max(0, self.back - 1)
        return self._replace(back=back, anchor=self.anchor if back else 0.0)

    def live(self) -> State:
        return self._replace(back=0, anchor=0.0, paused=False)

    def next_dimension(self) -> str | None:
        """Where a drill from the big panel leads; None when only requests are left."""
        fixed = {f.dimension for f in self.filters if f.op == "="}
        free = [d for d in PANELS if d not in fixed]
        return free[0] if free else None

    def drill(self, dimension: str, value: str) -> State:
        """Narrow to one row; the next dimension takes the big panel."""
        mark = Mark(self.filters, self.group, value)
        narrowed = self._replace(
            filters=(*self.filters, Filter(dimension, value)),
            trail=(*self.trail, mark),
        )
        return narrowed._replace(group=narrowed.next_dimension() or self.group)

    def at_end(self, dimension: str) -> bool:
        """Would a drill on `dimension` leave nothing to break down by?"""
        fixed = {f.dimension for f in self.filters if f.op == "="} | {dimension}
        return all(d in fixed for d in PANELS)

    def filtered(self, found: Filter) -> State:
        """One more `/` filter."""
        if found in self.filters:
            return self
        return self._replace(
            filters=(*self.filters, found),
            trail=(*self.trail, Mark(self.filters, self.group, "")),
        )

    def climb(self) -> tuple[State, str] | None:
        """One step out and the row key to put the cursor on; None at the top."""
        if not self.trail:
            return None
        mark = self.trail[-1]
        state = self._replace(filters=mark.filters, group=mark.group, trail=self.trail[:-1])
        return state, mark.cursor

    def with_next_group(self) -> State:
        at = GROUPS.index(self.group)
        return self._replace(group=GROUPS[(at + 1) % len(GROUPS)])

    def with_next_unit(self) -> State:
        at = UNITS.index(self.unit)
        return self._replace(unit=UNITS[(at + 1) % len(UNITS)])


def parse_filter(text: str) -> Filter:
    """What was typed after `/`. Raises ValueError with a reason to show.

    `claude` contains, `!claude` contains not, `~cl.*5` matches, `!~cl.*5` does not,
    `provider=anthropic`, `model!=gpt-5`, `model~^gpt`, `model!~^gpt`, `consumer=` (no value).
    """
    import re

    from costtui.model.dimension import DIMENSIONS, MAPPED_DIMENSIONS

    text = text.strip()
    known = (*DIMENSIONS, *MAPPED_DIMENSIONS)
    found = re.match(r"([a-z_]+)(!=|!~|=|~)(.*)", text, re.DOTALL)
    if found and found.group(1) in known:
        dimension, op, value = found.groups()
    elif found and found.group(2) in ("=", "!=") and found.group(1).isalpha():
        raise ValueError(f"no dimension is called {found.group(1)}; there are {', '.join(known)}")
    else:
        dimension = "any"
        prefixes = (("!~", "!~"), ("~", "~"), ("!", "!*"), ("", "*"))
        prefix, op = next((p, o) for p, o in prefixes if text.startswith(p))
        value = text[len(prefix) :]
        if not value:
            raise ValueError("nothing to filter by")
    value = value.strip()
    if op in ("~", "!~"):
        try:
            re.compile(value)
        except (re.error, OverflowError) as error:
            raise ValueError(f"not a regular expression: {error}") from None
    return Filter(dimension, value, op)
