"""What the user is looking at, as values: every key is a pure step from one state to the next."""

from __future__ import annotations

from datetime import tzinfo
from math import inf
from typing import NamedTuple

from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import WINDOW_BY_NAME, Window, step_for, window_at

GROUPS = ("model", "provider", "consumer", "gateway", "endpoint", "team")
"""What the big panel may show, in the order of `g`."""
PANELS = ("provider", "model", "consumer", "gateway")
"""The dimensions that always have a panel, in the order of a drill-down."""
UNITS = ("cost", "tokens", "requests", "rate")
"""`rate` is $ per 1M tokens."""
CUSTOM = "custom"
"""The name of a window that was zoomed into."""
MAX_BACK = 1000
"""Periods; far beyond what any store keeps, and it bounds the calendar arithmetic."""


class Mark(NamedTuple):
    """Where a step of the breadcrumb came from, so that Esc goes back exactly there."""

    filters: tuple[Filter, ...]
    group: str
    cursor: str
    """Key of the row that was drilled into."""
    place: tuple[str, int, float, tuple[int, int] | None] | None = None
    """Where in time a zoom came from; None where the step was no zoom."""


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
    zoom: tuple[int, int] | None = None
    """A stretch of time that was zoomed into, epoch seconds; it takes the window's place."""

    @property
    def place(self) -> tuple[str, int, float, tuple[int, int] | None]:
        """Where in time this is: what a question about a window depends on."""
        return self.window, self.back, self.anchor, self.zoom

    @property
    def window_name(self) -> str:
        """As in the window of `view`."""
        return CUSTOM if self.zoom else self.window

    @property
    def past(self) -> bool:
        """Does the window stand still?"""
        return bool(self.back or self.zoom)

    def view(self, now: float, zone: tzinfo) -> View:
        """The question to ask at `now` (epoch seconds)."""
        if self.zoom:
            start, end = self.zoom
            window = Window(start, end, step_for(end - start), CUSTOM, live=False)
            return View(window, self.filters)
        moment = self.anchor if self.back else now
        window = window_at(WINDOW_BY_NAME[self.window], moment, zone, self.back)
        return View(window, self.filters)

    @property
    def panels(self) -> tuple[str, ...]:
        """The dimensions on screen, big one first."""
        return (self.group, *(d for d in PANELS if d != self.group))[:4]

    def with_window(self, name: str) -> State:
        """Another length, live again: two periods back of 24h is not two periods back of 7d."""
        return self._unzoomed()._replace(window=name, back=0, anchor=0.0)

    def zoomed(self, start: int, end: int) -> State:
        """Into `[start, end)`, whole minutes. Esc leads back to exactly here."""
        mark = Mark(self.filters, self.group, "", self.place)
        return self._replace(zoom=(start, end), trail=(*self.trail, mark))

    def _unzoomed(self) -> State:
        """Without any zoom, and no way back into one."""
        return self._replace(zoom=None, trail=tuple(m for m in self.trail if m.place is None))

    def _shifted(self, periods: int, now: float) -> State:
        """A zoom moved by its own length; neither into the future nor before 1970."""
        assert self.zoom is not None
        start, end = self.zoom
        by = periods * (end - start)
        outside = start + by > now or start + by <= 0
        return self if outside else self._replace(zoom=(start + by, end + by))

    def earlier(self, now: float) -> State:
        if self.zoom:
            return self._shifted(-1, now)
        anchor = self.anchor if self.back else now
        return self._replace(back=min(MAX_BACK, self.back + 1), anchor=anchor)

    def later(self, now: float = inf) -> State:
        if self.zoom:
            return self._shifted(1, now)
        back = max(0, self.back - 1)
        return self._replace(back=back, anchor=self.anchor if back else 0.0)

    def live(self) -> State:
        return self._unzoomed()._replace(back=0, anchor=0.0, paused=False)

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
        if mark.place is not None:
            window, back, anchor, zoom = mark.place
            state = state._replace(window=window, back=back, anchor=anchor, zoom=zoom)
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
