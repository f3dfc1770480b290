"""The month by group: what was spent and what it will have been."""

from __future__ import annotations

from costtui.model.charge import Exactness
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line
from costtui.tui.spark import bar
from costtui.tui.told import Row, Told
from costtui.tui.widgets.forecast_cards import estimated
from costtui.tui.widgets.panel import NO_VALUE, put_amount
from costtui.tui.widgets.table import Column, Table

_COLUMNS = (("end", "month end", 11), ("so far", "so far", 10), ("share", "%", 5),
            ("rest", "still to come", 13), ("week", "last 7d", 9), ("bar", "", 14))  # fmt: skip
"""(id, title, width), the most wanted first, which is also from left to right."""


class ForecastTable(Table[Row]):
    """The cursor stands on groups; the whole month is always the last line."""

    header_from = 5
    told: Told | None = None

    def show(self, told: Told | None) -> None:
        if told and self.told and told.outlook.dimension != self.told.outlook.dimension:
            self.cursor, self.cursor_key, self.scrolled = 0, "", 0
        self.told = told
        self.foot = told.all_rows if told else None
        self.set_items(told.rows if told else ())

    def key(self, item: Row) -> str:
        return item.key

    def _label(self, row: Row) -> str:
        if row.total:
            return "all"
        dimension = self.told.outlook.dimension if self.told else ""
        return outside(self.look.named(dimension, row.key)) or NO_VALUE

    def columns(self, width: int) -> list[Column]:
        longest = max((cell_len(self._label(row)) for row in self.items), default=8)
        left = width - 1 - max(14, min(longest, width // 3))
        out = [Column("name", "name", 0)]
        for name, title, wide in _COLUMNS:
            if wide + 1 <= left:
                out.append(Column(name, title, wide, "left" if name == "bar" else "right"))
                left -= wide + 1
        return out

    def title_line(self) -> Line:
        dimension = self.told.outlook.dimension if self.told else "groups"
        line = Line(self.look).put(dimension, "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {len(self.items)}", "quiet")
        return line

    def note_line(self) -> Line:
        line = super().note_line()
        if self.items and (self.told is None or self.told.known):
            middle = f" {self.look.glyphs.middle} " if line.width else ""
            line.put(f"{middle}the rest is shared out as the last 7 days were", "quiet")
        return line

    def empty_text(self) -> str:
        return "no usage this month" if self.told else "reading …"

    def draw(self, item: Row, column: Column, line: Line) -> None:
        told, width = self.told, column.width
        if told is None:
            return
        group, whole = item.group, told.all_rows.end_nano
        sign = estimated(group.to_date) if item.end_nano else Exactness.EXACT
        g = self.look.glyphs
        match column.id:
            case "name":
                role = "title" if item.total else "text" if item.key else "quiet"
                line.cell(self._label(item), width, role)
            case "end":
                if not told.known:
                    line.cell("-", width, "quiet", "right")
                elif not item.end_nano and group.to_date.unpriced_tokens:
                    line.cell("unpriced", width, "warn", "right")
                else:
                    text = fmt.money(item.end_nano, width, sign, g)
                    line.cell(text, width, "value", "right")
            case "so far":
                put_amount(line, self.look, group.to_date, "cost", width)
            case "week":
                put_amount(line, self.look, group.week, "cost", width)
            case "rest":
                rest = item.end_nano - group.to_date.effective_nano
                text = fmt.money(rest, width, sign, g) if told.known else "-"
                line.cell(text, width, "text" if told.known else "quiet", "right")
            case "share":
                line.cell(fmt.share(item.end_nano, whole, width), width, "quiet", "right")
            case "bar":
                filled = bar(item.end_nano, whole, width, g.fills)
                line.put(filled, "bar").put(g.rest * (width - len(filled)), "rest")
