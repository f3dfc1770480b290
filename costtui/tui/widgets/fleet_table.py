"""All gateways: one row each over the usual periods, and a row of all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from costtui.model.fleet import Fleet, GatewayUsage
from costtui.model.snapshot import SourceStatus, Totals
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line
from costtui.tui.marks import of_exactness
from costtui.tui.shown import Shown, amount, change_role, exactness_in, nothing_matches
from costtui.tui.spark import bar
from costtui.tui.widgets.health import health, troubles
from costtui.tui.widgets.panel import NO_VALUE, put_amount, put_spark
from costtui.tui.widgets.table import Column, Table

PERIODS: dict[str, Callable[[GatewayUsage], Totals]] = {
    "window": lambda g: g.window,
    "day": lambda g: g.day,
    "week": lambda g: g.week,
    "month": lambda g: g.month,
    "hour": lambda g: g.hour,
}
"""Columns that show the unit of a period; `window` only where no other one has its length."""
COUNTS: dict[str, Callable[[Totals], int]] = {
    "requests": lambda t: t.requests,
    "input": lambda t: t.input + t.cache_write + t.cache_write_1h,
    "cached": lambda t: t.cache_read,
    "output": lambda t: t.output + t.reasoning,
}
"""Disjoint, and the same words as in the list of requests: what was written to a cache was sent,
and only what was read from one is cached. The prices screen separates all kinds."""
SHARES: dict[str, Callable[[Totals], int]] = {
    "errors": lambda t: t.errors,
    "throttled": lambda t: t.throttled,
}
_OWN_COLUMN = {"24h": "day", "7d": "week", "30d": "month", "1h": "hour"}
_WANTED = ("window", "day", "week", "month", "errors", "throttled", "hour", "change", "spark",
           "requests", "output", "input", "cached", "bar", "state", "share")  # fmt: skip
"""Columns beside the name, the most wanted first."""
_ORDER = ("window", "day", "week", "month", "hour", "change", "share", "bar", "spark", "requests",
          "input", "cached", "output", "errors", "throttled", "state")  # fmt: skip
_WIDTHS = {
    **dict.fromkeys(PERIODS, 8), **dict.fromkeys(COUNTS, 6), **dict.fromkeys(SHARES, 4),
    "change": 7, "share": 4, "bar": 6, "spark": 8, "state": 5,
}  # fmt: skip
_NARROW = {"change": 6, "spark": 5}
"""Widths with which all columns that ops look at fit 80 cells beside names of 17."""
_NARROW_BELOW = 96
_TITLES = {"day": "24h", "week": "7d", "month": "30d", "hour": "/h", "share": "%", "bar": "",
           "spark": "trend", "requests": "req", "input": "in", "output": "out", "errors": "err",
           "throttled": "429"}  # fmt: skip
_UNSORTED = frozenset({"bar", "share", "spark", "state"})
_NAME_LEAST, _NAME_MOST, _SPARK_MOST = 14, 32, 30
_SAID = {"gap": "nothing was read for a part of this window", "new": "never read yet"}
_WORST = ("down", "late", "gap", "new", "ok")


class FleetTable(Table[GatewayUsage]):
    """The cursor stands on gateways; their sum is always the last line."""

    header_from = 5
    shown: Shown | None = None
    fleet: Fleet | None = None
    sort = "day"
    reverse = False

    def show(self, shown: Shown, fleet: Fleet | None) -> None:
        self.shown, self.fleet = shown, fleet
        self.foot = fleet.total if fleet is not None else None
        self.set_items(self._ordered(fleet.gateways) if fleet is not None else ())

    # Order ----------------------------------------------------------------------------------

    def _ordered(self, rows: Iterable[GatewayUsage]) -> list[GatewayUsage]:
        """Dearest first, names from A, or reversed; names decide between equals."""
        found = sorted(rows, key=lambda g: g.key.casefold())
        if self.sort == "name":
            return found[::-1] if self.reverse else found
        return sorted(found, key=self._value, reverse=not self.reverse)

    def _value(self, row: GatewayUsage) -> float:
        unit = self.shown.state.unit if self.shown else "cost"
        if self.sort in PERIODS:
            return amount(PERIODS[self.sort](row), unit)
        if self.sort in COUNTS:
            return COUNTS[self.sort](row.window)
        if self.sort in SHARES:
            part = SHARES[self.sort](row.window)
            return part if self._counted else part / max(1, row.window.requests)
        now, before = amount(row.window, unit), amount(row.previous, unit)
        return now / before if before > 0 else inf if now > 0 else -1.0

    def sortable(self) -> list[str]:
        """The columns that are visible and can order the rows."""
        return [c.id for c in self.columns(self.size.width - 3) if c.id not in _UNSORTED]

    def sort_by(self, step: int) -> None:
        """By the next column to the right (1) or left (-1) of those that are visible."""
        ids = self.sortable()
        at = ids.index(self.sort) if self.sort in ids else 0
        self.sort, self.reverse = ids[(at + step) % len(ids)], False
        if self.shown is not None:
            self.show(self.shown, self.fleet)

    def turn(self) -> None:
        self.reverse = not self.reverse
        if self.shown is not None:
            self.show(self.shown, self.fleet)

    # State ----------------------------------------------------------------------------------

    def _sources(self, row: GatewayUsage) -> list[SourceStatus]:
        overview = self.shown.overview if self.shown else None
        return [s for s in overview.sources if s.name in row.sources] if overview else []

    def state(self, row: GatewayUsage) -> tuple[str, str]:
        """(`ok`, `gap`, `late`, `down`, `new` or nothing, role): the worst of the sources that
        count a gateway. `gap`: they answer, and one was down within the window."""
        overview = self.shown.overview if self.shown else None
        if overview is None:
            return "", "quiet"
        states = [health(s, overview.taken_at) for s in self._sources(row)]
        if not overview.view.window.live:  # what is not known of then is not new
            states = [s for s in states if s[0] != "new"]
        if row.gap:
            states.append(("gap", "warn"))
        return min(states, key=lambda s: _WORST.index(s[0]), default=("", "quiet"))

    # Table ----------------------------------------------------------------------------------

    def key(self, item: GatewayUsage) -> str:
        return item.key

    def columns(self, width: int) -> list[Column]:
        window = self.fleet.view.window.name if self.fleet else ""
        longest = max((cell_len(outside(g.key)) + 2 for g in self.items), default=0)
        least = max(_NAME_LEAST, min(longest, width // 3, _NAME_MOST))
        widths = {**_WIDTHS, **(_NARROW if width < _NARROW_BELOW else {})}
        if self._counted and width >= _NARROW_BELOW:
            widths |= dict.fromkeys(SHARES, 6)
        left = width - least - 1
        chosen: list[str] = []
        for name in _WANTED:
            hidden = (
                (name == "window" and (not window or window in _OWN_COLUMN))
                or (name == "change" and self.shown and not self.shown.state.compare)
                or (name in ("bar", "share") and self.shown and self.shown.state.unit == "rate")
            )
            if not hidden and widths[name] + 1 <= left:
                chosen.append(name)
                left -= widths[name] + 1
        spare = left - max(0, min(longest, _NAME_MOST) - least)
        if spare > 0:
            widths["spark"] += min(spare, _SPARK_MOST - widths["spark"])
        columns = [Column("name", self._titled("name", "  gateway"), 0)]
        for name in _ORDER:
            if name in chosen:
                title = window if name == "window" else _TITLES.get(name, name)
                align = "left" if name in _UNSORTED - {"share"} else "right"
                columns.append(Column(name, self._titled(name, title), widths[name], align))
        return columns

    @property
    def _counted(self) -> bool:
        """Are errors and 429 numbers of requests and not shares of them?"""
        return self.shown is not None and self.shown.state.unit == "requests"

    def _titled(self, column: str, title: str) -> str:
        if column != self.sort:
            return title
        down = self.reverse if column == "name" else not self.reverse
        return title + (self.look.glyphs.sort_down if down else self.look.glyphs.sort_up)

    def header_role(self, column: Column) -> str:
        return "accent" if column.id == self.sort else "quiet"

    def title_line(self) -> Line:
        line = Line(self.look).put("gateways", "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {len(self.items)}", "quiet")
        return line

    def note_line(self) -> Line:
        """What is the matter with the gateway under the cursor; else of what the columns are."""
        line = Line(self.look)
        if self.current is not None and self.has_focus:
            state, role = self.state(self.current)
            facts = [f for s in self._sources(self.current) for f in troubles(s)]
            if state and state != "ok":
                text = f" {self.look.glyphs.middle} ".join([_SAID.get(state, state), *facts])
                return line.put(outside(text), role)
        if self.fleet is not None and self.items:
            what = "requests" if self._counted else "shares"
            line.put(f"err and 429 ({what}), trend, change: {self.fleet.view.window.name}", "quiet")
        return line

    def marks_beside(self) -> set[str]:
        """Of the figures above."""
        fleet, unit = self.fleet, self.shown.state.unit if self.shown else "cost"
        if fleet is None:
            return set()
        sums = (fleet.today, fleet.week, fleet.month, fleet.total.hour)
        return of_exactness(*(exactness_in(t, unit) for t in sums))

    def empty_text(self) -> str:
        shown = self.shown
        if shown is None or self.fleet is None or shown.overview is None:
            return "reading …" if shown is None or not shown.error else outside(shown.error)
        if shown.condition == "welcome":
            return "no source is configured yet; costtui demo shows this screen at work"
        if shown.state.filters:
            return nothing_matches(shown.state, self.look.named)
        key = self.look.key("sources")
        return f"no gateway has been read yet; {key} shows what the sources are doing"

    def draw(self, item: GatewayUsage, column: Column, line: Line) -> None:
        shown, width, fleet = self.shown, column.width, self.fleet
        if shown is None or fleet is None:
            return
        unit, name, total = shown.state.unit, column.id, item is fleet.total
        if name == "name":
            self._label(item, width, line, total=total)
        elif name in PERIODS:
            totals = PERIODS[name](item)
            if not total and self._unknown(item, totals):
                line.cell("-", width, "quiet", "right")
            else:
                put_amount(line, self.look, totals, unit, width)
        elif name in COUNTS:
            number = COUNTS[name](item.window)
            line.cell(fmt.compact(number, width), width, "text" if number else "quiet", "right")
        elif name in SHARES:
            part = SHARES[name](item.window)
            text = fmt.share(part, item.window.requests, width) or "-"
            if self._counted:
                text = fmt.compact(part, width)
            line.cell(text, width, "warn" if part else "quiet", "right")
        else:
            self._relation(item, fleet, column, unit, line)

    def _unknown(self, item: GatewayUsage, totals: Totals) -> bool:
        """Nothing was heard of it, so nothing is known: that is not $0."""
        return not (totals.requests or totals.tokens) and self.state(item)[0] in ("down", "new")

    def _label(self, item: GatewayUsage, width: int, line: Line, *, total: bool) -> None:
        g = self.look.glyphs
        state, role = ("", "quiet") if total else self.state(item)
        light = {"down": g.cross, "late": g.warn, "gap": g.gap, "": " "}.get(state, g.dot)
        line.put(light, role).put(" ")
        if total:
            line.cell("all gateways" if width >= 14 else "all", width - 2, "title")
        else:
            text = outside(item.key) or NO_VALUE
            line.cell(text, width - 2, "text" if item.key else "quiet")

    def _relation(
        self, item: GatewayUsage, fleet: Fleet, column: Column, unit: str, line: Line
    ) -> None:
        """A cell that compares: with all gateways, with before, with itself over time."""
        width, g = column.width, self.look.glyphs
        now, whole = amount(item.window, unit), amount(fleet.total.window, unit)
        match column.id:
            case "change":
                before = amount(item.previous, unit)
                role = change_role(now, before, cost=unit == "cost")
                line.cell(fmt.change(now, before, g, width), width, role, "right")
            case "share":
                line.cell(fmt.share(now, whole, width), width, "quiet", "right")
            case "bar":
                filled = bar(now, whole, width, g.fills)
                line.put(filled, "bar").put(g.rest * (width - len(filled)), "rest")
            case "spark":
                values = item.spark_requests if unit == "requests" else item.spark
                put_spark(line, self.look, values, fleet.gap_buckets, width)
            case "state":
                state, role = ("", "quiet") if item is fleet.total else self.state(item)
                line.cell(state, width, role)
