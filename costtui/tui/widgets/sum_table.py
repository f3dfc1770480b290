"""How one cost comes about: a line for each kind of token, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costtui.analysis.pricelist import Part
from costtui.analysis.whatif import Assumed, would_cost
from costtui.model.money import decimal_text
from costtui.model.snapshot import Totals
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import ratewords as words
from costtui.tui.look import Line
from costtui.tui.rates import Detail
from costtui.tui.widgets.table import Column, Table

_SMALL = 1000
"""nano-USD a line that roundings of single charges may come to, and more than that they do not."""


class SumLine(NamedTuple):
    """One line, as text that is already right."""

    name: str
    number: str
    rate: str
    cost: str
    would: str
    note: str
    role: str = "text"


def usd(nano: int) -> str:
    """To the last digit: this is where a user adds it up."""
    return f"-${decimal_text(-nano)}" if nano < 0 else f"${decimal_text(nano)}"


def sum_lines(
    detail: Detail, assumed: Assumed | None, would: int | None, about: str, now: str
) -> list[SumLine]:
    """The lines of a model. `about` is the mark of what-if costs, `now` that of its cost."""
    worked, spent = detail.worked, detail.priced.spent
    rows = [_line(part, assumed, about) for part in worked.parts]
    if worked.rest_nano:
        why = "rounding of single charges"
        if abs(worked.rest_nano) > _SMALL * max(1, len(rows)):
            why = "charged at other rates than these"
        rows.append(SumLine("not in these", "", "", usd(worked.rest_nano), "", why, "quiet"))
    if rows:
        rows.append(SumLine("list cost", "", "", usd(worked.list_nano), "", "", "value"))
    rows += _without_rate(detail, assumed, about)
    if would is not None:
        paid = now + usd(spent.total.effective_nano)
        if not spent.total.effective_nano and detail.priced.unpriced:
            paid = "unpriced"
        rows.append(SumLine("in all", "", "", paid, about + usd(would), "", "value"))
    return rows


def _line(part: Part, assumed: Assumed | None, about: str) -> SumLine:
    rate = "-" if part.rate is None else words.rate_text(part.rate)
    cost, role = ("no rate", "warn") if part.nano is None else (usd(part.nano), "text")
    return SumLine(
        words.KINDS.get(part.kind, part.kind), f"{part.number:,}", rate, cost,
        _would(part.kind, part.number, assumed, about), _how(part), role,
    )  # fmt: skip


def _would(kind: str, number: int, assumed: Assumed | None, about: str) -> str:
    if assumed is None:
        return ""
    used = Totals(requests=number) if kind == "requests" else Totals(**{kind: number})
    nano = would_cost(assumed, used)
    return "no rate" if nano is None else about + usd(nano)


def _without_rate(detail: Detail, assumed: Assumed | None, about: str) -> Iterator[SumLine]:
    """Usage that has no list price, by kind."""
    spent, priced = detail.priced.spent, detail.priced
    lost = priced.unpriced
    for at, kind in enumerate(TOKEN_TYPES, start=3):
        number = spent.total[at] - spent.standing[at] - sum(t[at] for _, t in spent.listed)
        if number:
            note = "in no sum of money" if lost else "its money is what the source reported"
            yield SumLine(
                words.KINDS[kind], f"{number:,}", "-", "unpriced" if lost else "no list price",
                _would(kind, number, assumed, about), note, "warn" if lost else "text",
            )  # fmt: skip


def _how(part: Part) -> str:
    texts = []
    if part.kind == "requests":
        texts.append("USD a request that was answered")
    elif part.taken_from:
        texts.append(f"the {words.KINDS[part.taken_from]} rate: it has none of its own")
    if part.tier > 0:
        texts.append(f"requests above {part.tier:,} input tokens")
    elif part.tier < 0:
        texts.append("from a counter: the base tier is assumed")
    if part.since is not None:
        texts.append(f"from {part.since} on")
    return "; ".join(texts)


class SumTable(Table[SumLine]):
    """Numbers under one another, to the last digit."""

    title = ""
    empty = "reading …"
    assumed = False
    header_from = 3

    def key(self, item: SumLine) -> str:
        return f"{item.name} {item.number} {item.rate} {item.note}"

    def columns(self, width: int) -> list[Column]:
        columns = [
            Column("name", "kind", 14),
            Column("number", "number", 15, "right"),
            Column("rate", "USD per 1M", 10, "right"),
            Column("cost", "cost", 17, "right"),
        ]
        if self.assumed:
            columns.append(Column("would", "what if", 17, "right"))
            if width < 100:
                del columns[2]
        return [*columns, Column("note", "", 0)]

    def draw(self, item: SumLine, column: Column, line: Line) -> None:
        role = item.role
        if column.id in ("note", "name") and role != "value":
            role = "quiet" if column.id == "note" else "text"
        elif column.id == "note":
            role = "quiet"
        line.cell(getattr(item, column.id), column.width, role, column.align)

    def title_line(self) -> Line:
        return Line(self.look).put(self.title, "focus-title" if self.has_focus else "title")

    def empty_text(self) -> str:
        return self.empty
