"""What counts beside what reconciling sources saw: one row a gateway and source."""

from __future__ import annotations

from costtui.analysis.reconcile import difference, uncertain, verdict
from costtui.model.charge import Exactness
from costtui.model.comparison import Compared
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.differences import ROLES, percent, said, stretch
from costtui.tui.look import Line
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.table import Column, Table


class ComparedTable(Table[Compared]):
    """Sums of the stretch that both sides cover; the bottom edge says which."""

    header_from = 4

    def key(self, item: Compared) -> str:
        return f"{item.source}\n{item.gateway}"

    def columns(self, width: int) -> list[Column]:
        longest = max((cell_len(outside(r.gateway)) for r in self.items), default=0)
        money = [Column(name, name, 9, "right") for name in ("counted", "seen")]
        columns = [
            Column("gateway", "gateway", min(max(longest, 8), 30 if width >= 100 else 18)),
            *money,
            Column("off", "difference", 10, "right"),
            Column("percent", "%", 6, "right"),
        ]
        if width >= 100:
            columns[1:1] = [Column("source", "seen by", 16)]
            columns += [
                Column("tokens", "tokens", 8, "right"),
                Column("requests", "requests", 8, "right"),
            ]
        return [*columns, Column("said", "", 0)]

    def title_line(self) -> Line:
        line = Line(self.look).put("reconciled", "focus-title" if self.has_focus else "title")
        return line.put(f" {len(self.items)}", "quiet") if self.items else line

    def note_line(self) -> Line:
        """The stretch of the row under the cursor."""
        row = self.current
        if row is None:
            return super().note_line()
        name = f"{outside(row.source, 24)}: " if self.has_focus else ""
        return Line(self.look).put(f"{name}{stretch(row, self.look)}", "quiet")

    def draw(self, item: Compared, column: Column, line: Line) -> None:
        width, off = column.width, difference(item)
        match column.id:
            case "gateway":
                line.cell(outside(item.gateway) or NO_VALUE, width, "text")
            case "source":
                line.cell(outside(item.source), width, "quiet")
            case "counted" | "seen":
                counted = column.id == "counted"
                totals = item.counted if counted else item.seen
                if not (item.counting if counted else item.known):
                    line.cell("-", width, "quiet", "right")
                else:
                    self._money(totals.effective_nano, totals.exactness, width, line)
            case "off" if not item.covered:
                line.cell("-", width, "quiet", "right")
            case "off":
                self._money(off.cost_nano, uncertain(item), width, line)
            case "percent":
                line.cell(percent(item, width), width, ROLES[verdict(item)], "right")
            case "tokens" | "requests":
                number = getattr(off, column.id) if item.covered else 0
                text = fmt.compact(number, width) if number else "=" if item.covered else "-"
                line.cell(text, width, "text" if number else "quiet", "right")
            case "said":
                line.cell(said(item), width, ROLES[verdict(item)])

    def _money(self, nano: int, exactness: Exactness, width: int, line: Line) -> None:
        text = fmt.money(nano, width, exactness, self.look.glyphs)
        line.cell(text, width, "value" if nano else "quiet", "right")
