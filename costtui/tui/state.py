"""What the user is looking at, as values: every key is a pure step from one state to the next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import NamedTuple

from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import (
    MINUTE,
    WINDOW_BY_NAME,
    Window,
    ceil_minute,
    start_of_day,
    start_of_month,
    start_of_next_month,
    step_for,
    window_at,
)

GROUPS = ("model", "provider", "consumer", "gateway", "endpoint", "service", "team", "org")
"""What the big panel may show, in the order of `g`; after these come tags."""
PANELS = ("provider", "model", "consumer", "gateway")
"""The dimensions that always have a panel, in the order of a drill-down."""
UNITS = ("cost", "tokens", "requests", "rate")
"""`rate` is $ per 1M tokens."""
CHARTS = {"time": "time", "groups": "stacked", "tokens": "mix", "cumulative": "sum"}
"""What the overview's chart shows, by the word behind `:chart`: the kind of `curves.KINDS`."""
CUSTOM = "custom"
"""The name of a window that was zoomed into."""
MAX_BACK = 1000
"""Periods; far beyond what any store keeps, and it bounds the calendar arithmetic."""


Place = tuple[str, int, float, tuple[int, int] | None]
"""Where in time a state is: window, back, anchor, zoom."""


class Mark(NamedTuple):
    """Where a step of the breadcrumb came from, so that Esc goes back exactly there."""

    filters: tuple[Filter, ...]
    group: str
    cursor: str
    """Key of the row that was drilled into."""
    before: State | None = None
    """Everything, where the step went to another window, too."""
    screen: str = ""
    """The screen that the step was made on, where that is not the overview."""
    place: Place | None = None
    """Where in time a zoom came from; None where the step was no zoom."""


class State(NamedTuple):
    """One position of the whole screen. Every method returns a new one.

    Named tuples and not dataclasses in the modules that load before first paint: making a frozen
    dataclass takes a millisecond, and there would be a dozen.
    """

    window: str = "24h"
    back: int = 0
    """Periods before `anchor`."""
    anchor: float = 0.0
    """The `now` that a past window counts from: looking back must not slide. 0 is live."""
    filters: tuple[Filter, ...] = ()
    group: str = "model"
    proposed: bool = False
    """The group is what a drill proposed, and not what the user chose."""
    trail: tuple[Mark, ...] = ()
    sort: str = "value"
    reverse: bool = False
    unit: str = "cost"
    compare: bool = True
    paused: bool = False
    zoom: tuple[int, int] | None = None
    """A stretch of time that was zoomed into, epoch seconds; it takes the window's place."""
    chart: str = "time"
    """A word of `CHARTS`."""

    @property
    def place(self) -> Place:
        """Where in time this is: what a question about a window depends on."""
        return self.window, self.back, self.anchor, self.zoom

    @property
    def window_name(self) -> str:
        """As in the window of `view`."""
        return CUSTOM if self.zoom else self.window

    @property
    def past(self) -> bool:
        """Does the window stand still? Stepped back, at a moment, or zoomed in: a zoom does so
        even where it reaches up to now."""
        return self.anchor > 0 or self.zoom is not None

    def view(self, now: float, zone: tzinfo) -> View:
        """The question to ask at `now` (epoch seconds)."""
        if self.zoom:
            start, end = self.zoom
            window = Window(start, end, step_for(end - start), CUSTOM, live=False)
            return View(window, self.filters)
        window = window_at(WINDOW_BY_NAME[self.window], self.anchor or now, zone, self.back)
        return View(replace(window, live=False) if self.past else window, self.filters)

    @property
    def panels(self) -> tuple[str, ...]:
        """The dimensions on screen, big one first."""
        return (self.group, *(d for d in PANELS if d != self.group))[:4]

    def with_window(self, name: str) -> State:
        """Another length, out of any zoom: around the moment that was gone to, else live. Two
        periods back of 24h is not two periods back of 7d."""
        anchor = 0.0 if self.back else self.anchor
        return self._unzoomed()._replace(window=name, back=0, anchor=anchor)

    def at(self, moment: float) -> State:
        """The screen as it was at `moment`, epoch seconds: the window of this length whose newest
        minute holds it. A zoom is left, because it is of another moment."""
        return self._unzoomed()._replace(back=0, anchor=moment)

    def zoomed(self, start: int, end: int) -> State:
        """Into `[start, end)`, whole minutes. Esc leads back to exactly here."""
        mark = Mark(self.filters, self.group, "", place=self.place)
        return self._replace(zoom=(start, end), trail=(*self.trail, mark))

    def _unzoomed(self) -> State:
        """Without any zoom, and no way back into one but with a whole state."""
        return self._replace(zoom=None, trail=tuple(m for m in self.trail if m.place is None))

    def _shifted(self, zoom: tuple[int, int], periods: int, now: float) -> State:
        """The zoom moved by its own length; neither into the future nor before 1970."""
        start, end = zoom
        by = periods * (end - start)
        outside = start + by > now or start + by <= 0
        return self if outside else self._replace(zoom=(start + by, end + by))

    def earlier(self, now: float, zone: tzinfo = UTC) -> State:
        if self.zoom:
            return self._shifted(self.zoom, -1, now)
        if self.anchor and not self.back:
            return self.at(self._beside(-1, zone))
        return self._replace(back=min(MAX_BACK, self.back + 1), anchor=self.anchor or now)

    def later(self, now: float = 0.0, zone: tzinfo = UTC) -> State:
        """One period on; live where that would not be past. A zoom moves by its own length, up to
        `now`. `now` and `zone` matter to a zoom and to a moment that was gone to."""
        if self.zoom:
            return self._shifted(self.zoom, 1, now)
        if self.back > 1:
            return self._replace(back=self.back - 1)
        moment = self._beside(1, zone) if self.anchor and not self.back else now
        if moment < now and ceil_minute(moment) < ceil_minute(now):
            return self.at(moment)
        return self._replace(back=0, anchor=0.0)

    def _beside(self, step: int, zone: tzinfo) -> float:
        """The moment one period before or after `anchor`: of a calendar window, its end."""
        spec = WINDOW_BY_NAME[self.window]
        if spec.seconds:
            return max(float(MINUTE), self.anchor + step * spec.seconds)
        month = spec.name == "month"
        if step < 0:
            start = (start_of_month if month else start_of_day)(self.anchor, zone)
            return max(float(MINUTE), start - 1.0)
        end = self.anchor
        for _ in range(2):
            end = start_of_next_month(end, zone) if month else _start_of_next_day(end, zone)
        return end - 1.0

    def live(self) -> State:
        return self._unzoomed()._replace(back=0, anchor=0.0, paused=False)

    def fixed(self) -> set[str]:
        """Dimensions of which the filters leave one value."""
        return {f.dimension for f in self.filters if f.op == "="}

    def next_dimension(self, single: Collection[str] = ()) -> str | None:
        """Where a drill from the big panel leads; None when only requests are left. `single` are
        dimensions that are known to have one value."""
        fixed = self.fixed()
        free = [d for d in PANELS if d not in fixed]
        return next((d for d in free if d not in single), free[0] if free else None)

    def drill(self, dimension: str, value: str, single: Collection[str] = ()) -> State:
        """Narrow to one row; the next dimension takes the big panel."""
        mark = Mark(self.filters, self.group, value)
        narrowed = self._replace(
            filters=(*self.filters, Filter(dimension, value)),
            trail=(*self.trail, mark),
        )
        following = narrowed.next_dimension(single) or self.group
        return narrowed._replace(group=following, proposed=True)

    def settled(self, single: Collection[str]) -> State:
        """The group that a drill should have proposed, now that the answer says which dimensions
        have a single value in what is left. What the user chose stays."""
        if not self.proposed or self.group not in single:
            return self
        return self._replace(group=self.next_dimension(single) or self.group)

    def at_end(self, dimension: str, single: Collection[str] = ()) -> bool:
        """Would a drill on `dimension` leave nothing to break down by?"""
        done = {*self.fixed(), *single, dimension}
        return all(d in done for d in PANELS)

    def filtered(self, found: Filter) -> State:
        """One more `/` filter."""
        if found in self.filters:
            return self
        return self._replace(
            filters=(*self.filters, found),
            trail=(*self.trail, Mark(self.filters, self.group, "")),
        )

    def visit(
        self,
        filters: tuple[Filter, ...],
        window: str,
        moment: float,
        screen: str = "",
        zoom: tuple[int, int] | None = None,
    ) -> State:
        """Narrow to several values at once, in a window that ends with `moment` (0 is live) or in
        exactly `zoom`, as one step: Esc goes back to this state, and to `screen`."""
        new = tuple(f for f in filters if f not in self.filters)
        cursor = new[-1].value if new else ""
        mark = Mark(self.filters, self.group, cursor, self, screen)
        state = self._replace(
            filters=(*self.filters, *new), trail=(*self.trail, mark), window=window, back=0,
            anchor=moment, zoom=zoom,
        )  # fmt: skip
        return state._replace(group=state.next_dimension() or self.group)

    def without(self, index: int) -> State:
        """The filter at `index` is taken out of the stack; the others and the ways back to them
        stay as they are."""
        if not 0 <= index < len(self.filters):
            return self
        # A mark holds the filters before its step, a beginning of the present ones. A step that
        # made this filter alone goes with it; one that made several stays for the others, and one
        # that went elsewhere in time stays as the way back: zooms and visits.
        sizes = [*(len(m.filters) for m in self.trail), len(self.filters)]
        trail = tuple(
            mark._replace(
                filters=_without(mark.filters, index),
                before=mark.before and mark.before.without(index),
            )
            for n, mark in enumerate(self.trail)
            if mark.before or not (sizes[n] == index and sizes[n + 1] == index + 1)
        )
        return self._replace(filters=_without(self.filters, index), trail=trail)

    def with_inverted(self, index: int) -> State:
        """The filter at `index` lets pass what it did not, here and on the way back."""

        def turned(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
            return tuple(f.inverted if n == index else f for n, f in enumerate(filters))

        trail = tuple(
            m._replace(filters=turned(m.filters), before=m.before and m.before.with_inverted(index))
            for m in self.trail
        )
        return self._replace(filters=turned(self.filters), trail=trail)

    def climb(self) -> tuple[State, str] | None:
        """One step out and the row key to put the cursor on; None at the top."""
        if not self.trail:
            return None
        mark = self.trail[-1]
        if mark.before is not None:
            before = mark.before
            look = {name: getattr(self, name) for name in _LOOK}
            return before._replace(**look), mark.cursor
        state = self._replace(
            filters=mark.filters, group=mark.group, trail=self.trail[:-1], proposed=False
        )
        if mark.place is not None:
            window, back, anchor, zoom = mark.place
            state = state._replace(window=window, back=back, anchor=anchor, zoom=zoom)
        return state, mark.cursor

    def with_group(self, dimension: str) -> State:
        return self._replace(group=dimension, proposed=False)

    def with_next_group(self, groups: Sequence[str] = GROUPS) -> State:
        return self.with_group(following(self.group, groups))

    def with_next_unit(self) -> State:
        at = UNITS.index(self.unit)
        return self._replace(unit=UNITS[(at + 1) % len(UNITS)])

    def with_next_chart(self) -> State:
        return self._replace(chart=following(self.chart, tuple(CHARTS)))


_LOOK = ("sort", "reverse", "unit", "compare", "paused", "chart")
"""How things are shown: what going back leaves as it is."""


def _start_of_next_day(moment: float, zone: tzinfo) -> int:
    return start_of_day(start_of_day(moment, zone) + 36 * 3600, zone)


def _without(filters: tuple[Filter, ...], index: int) -> tuple[Filter, ...]:
    return (*filters[:index], *filters[index + 1 :])


def following(one: str, names: Sequence[str]) -> str:
    """What comes after `one` in a ring of names; the first where it is none of them."""
    at = names.index(one) + 1 if one in names else 0
    return names[at % len(names)] if names else one


def parse_filter(text: str, tags: Sequence[str] = ()) -> Filter:
    """What was typed after `/`. Raises ValueError with a reason to show. `tags` are the names of
    the tags that consumers have.

    `claude` contains, `!claude` contains not, `~cl.*5` matches, `!~cl.*5` does not,
    `provider=anthropic`, `model!=gpt-5`, `model~^gpt`, `model!~^gpt`, `consumer=` (no value),
    `tag:env=prod`.
    """
    import re

    from costtui.config.words import nearest
    from costtui.model.dimension import known_dimensions, tag_of

    text = text.strip()
    known = known_dimensions(tags)
    found = re.match(r"(tag:[^!=~]*|[a-z_]+)(!=|!~|=|~)(.*)", text, re.DOTALL)
    if found and tag_of(found.group(1)) and found.group(1) not in known:
        near = nearest(tag_of(found.group(1)), tags)
        there = f"there are {', '.join(tags)}" if tags else "`consumers:` gives them"
        meant = f"; did you mean tag:{near}?" if near else ""
        raise ValueError(f"no consumer has {found.group(1)}; {there}{meant}")
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
