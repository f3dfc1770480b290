"""One dimension of the spend: dearest first, share, change and trend of each row."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set

from costtui.model.snapshot import Breakdown, Group, Totals
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line, Look
from costtui.tui.marks import GAP
from costtui.tui.shown import (
    UNIT_NAMES,
    Shown,
    amount,
    change_role,
    exactness_in,
    has_amount,
    is_money,
    nothing_matches,
    number,
    ordered,
    sort_mark,
    trend,
)
from costtui.tui.spark import GAP as GAP_LEVEL
from costtui.tui.spark import bar, levels
from costtui.tui.widgets.kpi import marks_on
from costtui.tui.widgets.table import Column, Table

_OPTIONAL = ("spark", "change", "share", "bar", "requests", "tokens")
"""Columns beyond name and value, the most wanted first."""
_WIDTHS = {"spark": 8, "change": 7, "share": 4, "bar": 8, "requests": 8, "tokens": 7}
_ORDER = ("name", "value", "share", "bar", "change", "spark", "requests", "tokens")
_TRENDS = {"cost": "trend $", "tokens": "trend tok", "requests": "trend req", "rate": "trend $/M"}
_NAME_WISH = 22
_SPARK_MOST = 30
_MEASURED = 500
"""Rows whose names decide how wide the first column is; all ten thousand took 8 ms a drawing."""
NO_VALUE = "(none)"


class Panel(Table[Group]):
    """The breakdown of what is shown by one dimension."""

    shown: Shown | None = None
    dimension = ""
    breakdown: Breakdown | None = None
    _shared: Set[str] = frozenset()
    """Names that more than one key has."""
    _order: tuple[str, bool, str] | None = None
    """How the rows are ordered; None before they are."""

    def show(self, shown: Shown, dimension: str) -> None:
        """Draw `dimension` of what is shown."""
        self.shown = shown
        if dimension != self.dimension:
            self.dimension, self.cursor, self.cursor_key, self.scrolled = dimension, 0, "", 0
        found = None
        if shown.overview is not None:
            found = next((b for b in shown.overview.breakdowns if b.dimension == dimension), None)
        if found is not self.breakdown:
            self.breakdown, self._order = found, None
            self._shared = self._names_of_several()
        state = shown.state
        order = (state.sort, state.reverse, state.unit)
        if order == self._order:  # the same rows in the same order: what is visible may differ
            self.redraw()
            return
        if self._order not in (None, order) and not self.has_focus:
            self.cursor, self.cursor_key, self.scrolled = 0, "", 0
        self._order = order
        self.set_items(ordered(found, state, self._title_of) if found else ())

    def _names_of_several(self) -> Set[str]:
        """Names that several keys have. Only the configuration's names can be."""
        seen: set[str] = set()
        shared: set[str] = set()
        if self.breakdown is not None and self.dimension == "consumer":
            for group in self.breakdown.groups:
                name = self.look.named("consumer", group.key)
                (shared if name in seen else seen).add(name)
        return shared

    def _title_of(self, key: str) -> str:
        """What is shown for a key; a name that several ids have is told apart by the id."""
        name = self.look.named(self.dimension, key)
        return f"{name} ({key})" if name in self._shared else name

    def key(self, item: Group) -> str:
        return item.key

    def columns(self, width: int) -> list[Column]:
        state = self.shown.state if self.shown else None
        unit = state.unit if state else "cost"
        wanted = [
            c
            for c in _OPTIONAL
            if not (
                c == unit
                or (c == "change" and state and not state.compare)
                or (c in ("share", "bar") and unit == "rate")  # a mean has no parts
            )
        ]
        chosen: list[str] = []
        least = {**_WIDTHS, "spark": 14} if width >= 58 else _WIDTHS
        left = width - 10 - 12 - 1
        for name in wanted:
            cost = least[name] + 1
            if left - cost >= (0 if len(chosen) < 3 else _NAME_WISH - 12):
                chosen.append(name)
                left -= cost
        widths = dict(least)
        longest = max((len(self._title_of(g.key)) for g in self.items[:_MEASURED]), default=8)
        spare = left + 12 - max(12, min(longest + 1, 34))
        if "spark" in chosen and spare > 0:
            widths["spark"] += min(spare, _SPARK_MOST - widths["spark"])
        out = []
        for name in _ORDER:
            if name == "name":
                out.append(Column("name", self._titled("name", "name"), 0))
            elif name == "value":
                out.append(Column("value", self._titled(UNIT_NAMES[unit], "value"), 9, "right"))
            elif name in chosen:
                title = {"spark": _TRENDS[unit], "bar": "", "share": "%"}.get(name, name)
                right = name in ("share", "change", "requests", "tokens")
                align = "right" if right else "left"
                out.append(Column(name, self._titled(title, name), widths[name], align))
        return out

    def _titled(self, title: str, sort: str) -> str:
        if self.shown is None:
            return title
        return title + sort_mark(self.shown.state, sort, self.look.glyphs)

    def header_role(self, column: Column) -> str:
        return "accent" if self.shown and self.shown.state.sort == column.id else "quiet"

    def title_line(self) -> Line:
        line = Line(self.look).put(self.dimension, "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {len(self.items)}", "quiet")
        return line

    def marks_beside(self) -> set[str]:
        """Of the figures and the chart above."""
        overview = self.shown.overview if self.shown else None
        if self.shown is None or overview is None:
            return set()
        found = marks_on(self.shown, self.screen.size.width if self.is_attached else 0)
        return found | ({GAP} if overview.gap_buckets else set())

    def empty_text(self) -> str:
        overview = self.shown.overview if self.shown else None
        why = ""
        if self.shown is not None and overview is not None and not overview.total.requests:
            why = nothing_matches(self.shown.state, self.look.named)
        if self.size.width and cell_len(why) + 4 > self.size.width:
            why = why.partition(" (")[0]  # the chart has room for the advice
        return why or "no usage in this window"

    def draw(self, item: Group, column: Column, line: Line) -> None:
        shown, g = self.shown, self.look.glyphs
        if shown is None or shown.overview is None:
            return
        unit = shown.state.unit
        now, before = amount(item.totals, unit), amount(item.previous, unit)
        whole = amount(shown.overview.total, unit)
        width = column.width
        match column.id:
            case "name":
                role = "text" if item.key else "quiet"
                if self._fires(item.key):
                    role = "over"
                line.cell(told_apart(outside(self._title_of(item.key)) or NO_VALUE, width,
                                     self.look.glyphs.cut), width, role)  # fmt: skip
            case "value":
                put_amount(line, self.look, item.totals, unit, width)
            case "share":
                line.cell(fmt.share(now, whole, width), width, "quiet", "right")
            case "bar":
                filled = bar(now, whole, width, g.fills)
                line.put(filled, "bar")
                line.put(g.rest * (width - len(filled)), "rest")
            case "change":
                role = change_role(now, before, cost=is_money(unit))
                line.cell(fmt.change(now, before, g, width), width, role, "right")
            case "spark":
                put_spark(line, self.look, trend(item, unit), shown.overview.gap_buckets, width)
            case "requests":
                line.cell(fmt.count(item.totals.requests, width), width, "text", "right")
            case "tokens":
                line.cell(fmt.compact(item.totals.tokens, width), width, "text", "right")

    def _fires(self, key: str) -> bool:
        alerts = self.shown.overview.alerts if self.shown and self.shown.overview else ()
        return any(a.state == "firing" and (self.dimension, key) in a.labels for a in alerts)


def put_amount(line: Line, look: Look, totals: Totals, unit: str, width: int) -> None:
    """The number that `unit` stands for, right-aligned; its mark in another colour."""
    value, exactness = amount(totals, unit), exactness_in(totals, unit)
    if is_money(unit) and not totals.effective_nano and totals.unpriced_tokens:
        line.cell("unpriced", width, "warn", "right")
        return
    if not has_amount(totals, unit):
        line.cell("-", width, "quiet", "right")
        return
    text = number(value, unit, width, exactness, look.glyphs)
    line.put(" " * (width - len(text)))
    sign = fmt.mark(exactness, look.glyphs)
    line.put(text[: len(sign)], "warn").put(text[len(sign) :], "value")


def put_spark(
    line: Line, look: Look, values: Sequence[int], gaps: Collection[int], width: int
) -> None:
    """A trend in exactly `width` cells, from zero."""
    start = line.width
    colors = look.palette.gradient(8)
    for level in levels(values, gaps, width):
        if level == GAP_LEVEL:
            line.put(look.glyphs.gap, "faint")
        elif level == 0:
            line.put(" ")
        else:
            line.styled(look.glyphs.levels[level - 1], colors[level - 1])
    line.to(start + width)


def told_apart(name: str, width: int, cut: str) -> str:
    """A name in `width` cells, its end kept: `agentgateway-eu` and `-us` differ only there."""
    if len(name) <= width or width < 9 or not name.isascii():
        return name
    return name[: width - 4 - len(cut)] + cut + name[-4:]
