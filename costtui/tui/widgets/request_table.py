"""The requests behind the numbers, newest first, or the dearest or the biggest ones."""

from __future__ import annotations

from costtui.model.charge import CostBasis
from costtui.model.snapshot import RequestRow
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.look import Line
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.table import Column, Table

NANOSECONDS = 1_000_000_000
ORDERS = ("time", "tokens", "cost")
"""Columns that requests can be sorted by, from left to right."""
_WORDS = {"time": ("newest", "oldest"), "tokens": ("biggest", "smallest"),
          "cost": ("dearest", "cheapest")}  # fmt: skip


class RequestTable(Table[RequestRow]):
    """One row a request. More rows are asked for when the cursor nears the end."""

    complete = False
    """There are no older ones."""
    order = "time"
    reverse = False
    day = False
    """Show the date, too: the window is longer than a day."""

    def key(self, item: RequestRow) -> str:
        return str(item.id)

    def columns(self, width: int) -> list[Column]:
        columns = [
            Column("time", "time", 14 if self.day else 8),
            Column("status", "code", 4, "right"),
            Column("model", "model", 0),
            Column("consumer", "consumer", 20 if width >= 100 else 14),
        ]
        if width >= 100:
            columns.append(Column("provider", "provider", 12))
            columns.append(Column("gateway", "gateway", 14))
        columns.append(Column("tokens", "tokens", 7, "right"))
        columns.append(Column("latency", "took", 6, "right"))
        columns.append(Column("cost", "cost", 10, "right"))
        arrow = self.look.glyphs.sort_up if self.reverse else self.look.glyphs.sort_down
        return [c._replace(title=c.title + arrow) if c.id == self.order else c for c in columns]

    def header_role(self, column: Column) -> str:
        return "accent" if column.id == self.order else "quiet"

    def title_line(self) -> Line:
        line = Line(self.look).put("requests", "focus-title" if self.has_focus else "title")
        if self.items:
            number, first = f"{len(self.items):,}", _WORDS[self.order][self.reverse]
            if self.complete or first == "newest":
                line.put(f" {number}{'' if self.complete else ' and more'}, {first} first", "quiet")
            else:
                line.put(f" the {number} {first}", "quiet")
        return line

    def empty_text(self) -> str:
        return "no single requests here: counters keep none, and old ones are forgotten"

    def draw(self, item: RequestRow, column: Column, line: Line) -> None:
        width = column.width
        match column.id:
            case "time":
                moment = item.time_ns / NANOSECONDS
                text = fmt.time_of_day(moment, self.look.zone)
                if self.day:
                    text = fmt.date_and_time(moment, self.look.zone)[5:]
                line.cell(text, width, "quiet")
            case "status":
                role = "over" if item.errors else "warn" if item.throttled else "quiet"
                text = str(item.status) if item.status else "-"
                line.cell(text, width, role, "right")
            case "tokens":
                line.cell(fmt.compact(item.tokens, width), width, "text", "right")
            case "latency":
                line.cell(fmt.milliseconds(item.latency_ms), width, "quiet", "right")
            case "cost":
                if item.basis is CostBasis.UNPRICED:
                    line.cell("unpriced", width, "warn", "right")
                else:
                    text = fmt.money(item.effective_nano, width, item.exactness, self.look.glyphs)
                    line.cell(text, width, "value", "right")
            case name:
                value = str(getattr(item.dims, name))
                line.cell(
                    outside(self.look.named(name, value)) or NO_VALUE,
                    width,
                    "text" if value else "quiet",
                )
