"""The two lists of the why screen: what to explain, and who made it."""

from __future__ import annotations

from costtui.analysis.blame import Contribution
from costtui.model.snapshot import Filter
from costtui.tui import format as fmt
from costtui.tui.look import Line
from costtui.tui.spark import bar
from costtui.tui.why import Row, Why, cause, row_text, signed, who
from costtui.tui.widgets.chart_labels import PER
from costtui.tui.widgets.table import Column, Table

LITTLE = 1_000_000
"""nano-USD: a cause of less is not worth its digits."""


def role_of(nano: int) -> str:
    """More money warns, less is good."""
    return "warn" if nano > 0 else "ok" if nano < 0 else "quiet"


class StepTable(Table[Row]):
    """The whole window against the one before, then the greatest steps in it."""

    header_from = 4
    found: Why | None = None

    def key(self, item: Row) -> str:
        return item.key

    def columns(self, width: int) -> list[Column]:
        when = 22 if width >= 76 else 18
        columns = [Column("when", "when", when), Column("now", "cost", 10, "right")]
        columns += [Column("before", "before", 10, "right"), Column("rise", "moved", 10, "right"),
                    Column("change", "", 7, "right"), Column("bar", "", 0)]  # fmt: skip
        return columns

    def title_line(self) -> Line:
        line = Line(self.look).put("steps", "focus-title" if self.has_focus else "title")
        if self.found is None:
            return line
        per = PER.get(self.found.view.window.step, "")
        number = len(self.items) - 1
        what = f" the {number} greatest in cost {per}" if number > 0 else f" none in cost {per}"
        return line.put(what, "quiet")

    def empty_text(self) -> str:
        return "reading …"

    def draw(self, item: Row, column: Column, line: Line) -> None:
        found, g, width = self.found, self.look.glyphs, column.width
        if found is None:
            return
        match column.id:
            case "when":
                line.cell(row_text(item, found, self.look.zone), width, "text")
            case "now":
                line.cell(fmt.money(item.cost, width), width, "value", "right")
            case "before":
                line.cell(fmt.money(item.cost_before, width), width, "quiet", "right")
            case "rise":
                line.cell(signed(item.rise, width, g), width, role_of(item.rise), "right")
            case "change":
                text = fmt.change(item.cost, item.cost_before, g, width)
                line.cell(text, width, role_of(item.rise), "right")
            case "bar":
                note = " a source was silent before" if item.after_gap and not item.whole else ""
                room = max(0, min(width - len(note), 30))
                most = max((abs(r.rise) for r in self.items if not r.whole), default=0)
                filled = "" if item.whole else bar(abs(item.rise), most, room, g.fills)
                line.put(filled, "bar").cell(note, width - len(filled), "warn")


class Movers(Table[Contribution]):
    """Who moved, the most first, and by which cause."""

    header_from = 5
    filters: tuple[Filter, ...] = ()
    whole = 0
    """nano-USD that all of them moved together."""
    loading_text = "reading …"

    def key(self, item: Contribution) -> str:
        return "\0".join(part for pair in item.values for part in pair)

    def columns(self, width: int) -> list[Column]:
        columns = [Column("who", "who moved", 0)]
        if width >= 136:
            columns.append(Column("cause", "mostly", 26))
        money = 10 if width >= 100 else 8
        names = ["before", "now", "off"] if width >= 100 else ["now", "off"]
        titles = {"before": "then", "off": "moved"}
        return [*columns, *(Column(n, titles.get(n, n), money, "right")
                            for n in (*names, "volume", "price", "mix"))]  # fmt: skip

    def title_line(self) -> Line:
        line = Line(self.look).put("who", "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {len(self.items)}, together {signed(self.whole, 12)}", "quiet")
        return line

    def note_line(self) -> Line:
        line = super().note_line()
        if not line.width and self.items:
            line.put("volume + price + mix = moved", "faint")
        return line

    def empty_text(self) -> str:
        return self.loading_text

    def draw(self, item: Contribution, column: Column, line: Line) -> None:
        g, width = self.look.glyphs, column.width
        match column.id:
            case "who":
                line.cell(who(item, self.look.named, self.filters, g, width), width, "text")
            case "cause":
                line.cell(cause(item, g), width, "quiet")
            case "before" | "now":
                sums = item.now if column.id == "now" else item.before
                role = "value" if column.id == "now" else "quiet"
                if not sums.effective_nano and sums.unpriced_tokens:
                    line.cell("unpriced", width, "warn", "right")
                else:
                    text = fmt.money(sums.effective_nano, width, sums.exactness, g)
                    line.cell(text, width, role, "right")
            case "off":
                line.cell(signed(item.difference, width, g), width, role_of(item.difference),
                          "right")  # fmt: skip
            case name:
                part = int(getattr(item.parts, name))
                text = signed(part, width, g) if not 0 < abs(part) < LITTLE else "<$0.001"
                role = role_of(part) if abs(part) >= LITTLE else "quiet"
                line.cell(text, width, role, "right")
