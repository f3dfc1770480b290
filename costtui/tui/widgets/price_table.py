"""The price list: each model's rates, where they come from, what it came to, and what if."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import inf
from typing import NamedTuple

from costtui.analysis.pricelist import Priced, PriceList
from costtui.analysis.whatif import Assumed, doubt, would_cost
from costtui.model.charge import Exactness
from costtui.model.snapshot import Totals
from costtui.model.spending import Spent
from costtui.tui import format as fmt
from costtui.tui import ratewords as words
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line
from costtui.tui.shown import Shown, nothing_matches
from costtui.tui.widgets.panel import NO_VALUE, put_amount
from costtui.tui.widgets.table import Column, Table

KIND_COLUMNS = {"in": "input", "cached": "cache_read", "write": "cache_write", "out": "output",
                "reason": "reasoning"}  # fmt: skip
_WIDTHS = {"provider": 11, **dict.fromkeys(KIND_COLUMNS, 6), "from": 11, "tier": 6, "requests": 7,
           "tokens": 6, "cost": 9, "paid": 7, "list": 7, "what": 9, "diff": 9}  # fmt: skip
_WANTED = ("cost", "what", "diff", "in", "out", "from", "tokens", "cached", "list", "paid",
           "provider", "write", "requests", "reason", "tier")  # fmt: skip
"""Columns beside the name, the most wanted first."""
_ORDER = ("provider", "in", "cached", "write", "out", "reason", "tier", "from", "requests",
          "tokens", "cost", "paid", "list", "what", "diff")  # fmt: skip
_TITLES = {
    "requests": "req",
    "paid": "$/1M",
    "list": "vs list",
    "what": "what if",
    "diff": "change",
}
_LEFT = frozenset({"provider", "from", "name"})
_NAME_LEAST, _NAME_MOST = 18, 34


class Row(NamedTuple):
    """One model, and what it would have cost at the rates that somebody chose."""

    priced: Priced
    assumed: Assumed | None = None
    would: int | None = None
    """nano-USD; None where nothing was chosen or a kind of token has no rate in it."""
    whole: Exactness | None = None
    """How right `would` is, in the sum of all rows."""

    @property
    def key(self) -> str:
        return "\x1f".join(self.priced.key)

    @property
    def total(self) -> Totals:
        return self.priced.spent.total

    @property
    def instead(self) -> int:
        """nano-USD of this row in a sum of what-if costs: as it was where nothing is assumed."""
        return self.total.effective_nano if self.would is None else self.would

    @property
    def exactness(self) -> Exactness:
        """Of `instead`."""
        if self.whole is not None:
            return self.whole
        return self.total.exactness if self.would is None else doubt(self.total)


class PriceTable(Table[Row]):
    """Unpriced models first; the sum of all is always the last line."""

    header_from = 5
    shown: Shown | None = None
    prices: PriceList | None = None
    chosen: Callable[[Priced], Assumed | None] = staticmethod(lambda _: None)
    sort = "from"
    reverse = False
    _provider_shown = False
    _saved = 0
    """nano-USD by caching, an estimate."""
    _assumed = False
    """Is there a what-if on screen?"""

    def show(self, shown: Shown, prices: PriceList | None) -> None:
        if prices is not self.prices:
            self._saved = sum(p.cache_saved_nano for p in prices.rows) if prices else 0
        self.shown, self.prices = shown, prices
        rows = [self._row_of(p) for p in prices.rows] if prices is not None else []
        self._assumed = any(r.assumed is not None for r in rows)
        self.foot = _sum(rows) if len(rows) > 1 else None
        names = [r.priced.spent.model for r in rows]
        self._shared = {n for n in names if names.count(n) > 1} if len(names) < 500 else set(names)
        self.set_items(self._ordered(rows))

    def _row_of(self, priced: Priced) -> Row:
        assumed = self.chosen(priced)
        would = None if assumed is None else would_cost(assumed, priced.spent.total)
        return Row(priced, assumed, would)

    # Order ----------------------------------------------------------------------------------

    def _ordered(self, rows: Sequence[Row]) -> list[Row]:
        found = sorted(rows, key=lambda r: (r.priced.spent.model.casefold(), r.priced.key))
        if self.sort in ("name", "provider"):
            if self.sort == "provider":
                found.sort(key=lambda r: r.priced.spent.provider.casefold())
            return found[::-1] if self.reverse else found
        return sorted(found, key=self._value, reverse=not self.reverse)

    def _value(self, row: Row) -> tuple[Decimal | float, ...]:
        total, priced = row.total, row.priced
        match self.sort:
            case "from":
                return (total.unpriced_tokens or inf if priced.unpriced else -1,
                        total.effective_nano, total.tokens)  # fmt: skip
            case "tokens":
                return (total.tokens,)
            case "requests":
                return (total.requests,)
            case "paid":
                return (-1 if priced.paid_nano is None else priced.paid_nano,)
            case "list":
                over = priced.over_list
                return (-inf if over is None else over[0] / over[1],)
            case "what":
                return (row.instead,)
            case "diff":
                return (row.instead - total.effective_nano,)
            case "tier":
                return (len(priced.card.tiers) if priced.card else -1,)
            case "cost":
                return (total.effective_nano, total.tokens)
        rate = priced.card.rate(KIND_COLUMNS[self.sort]) if priced.card else None
        return (Decimal(-1) if rate is None else rate,)

    def sort_by(self, step: int) -> None:
        """By the next column to the right (1) or left (-1) of those that are visible."""
        ids = [c.id for c in self.columns(self.size.width - 3)]
        at = ids.index(self.sort) if self.sort in ids else 0
        self.sort, self.reverse = ids[(at + step) % len(ids)], False
        self._again()

    def turn(self) -> None:
        self.reverse = not self.reverse
        self._again()

    def _again(self) -> None:
        if self.shown is not None:
            self.show(self.shown, self.prices)

    # Table ----------------------------------------------------------------------------------

    def key(self, item: Row) -> str:
        return item.key

    def name_of(self, row: Row, *, provider: bool = False) -> str:
        """The model; with its provider where another one has the same and no column tells."""
        spent = row.priced.spent
        model = spent.model or NO_VALUE
        whole = (provider or spent.model in self._shared) and spent.provider
        return outside(f"{spent.provider}/{model}" if whole else model, 120)

    def columns(self, width: int) -> list[Column]:
        longest = max((cell_len(self.name_of(r)) for r in self.items), default=0)
        least = max(_NAME_LEAST, min(longest, _NAME_MOST, width // 4))
        left = width - least - 1
        chosen: list[str] = []
        for name in _WANTED:
            if name in ("what", "diff") and not self._assumed:
                continue
            if left >= _WIDTHS[name] + 1:
                chosen.append(name)
                left -= _WIDTHS[name] + 1
            elif name != "provider":
                break
        self._provider_shown = "provider" in chosen
        columns = [Column("name", "model" + self._arrow("name"), 0)]
        for name in _ORDER:
            if name in chosen:
                align = "left" if name in _LEFT else "right"
                title = _TITLES.get(name, name) + self._arrow(name)
                columns.append(Column(name, title, _WIDTHS[name], align))
        return columns

    def _arrow(self, name: str) -> str:
        if name != self.sort:
            return ""
        down = self.reverse if name in ("name", "provider") else not self.reverse
        return self.look.glyphs.sort_down if down else self.look.glyphs.sort_up

    def header_role(self, column: Column) -> str:
        return "accent" if column.id == self.sort else "quiet"

    def title_line(self) -> Line:
        line = Line(self.look).put("prices", "focus-title" if self.has_focus else "title")
        if self.prices is not None:
            lost = sum(1 for r in self.prices.rows if r.unpriced)
            line.put(f" {len(self.prices.rows)}", "quiet")
            if lost:
                line.put(f" {self.look.glyphs.middle} ", "quiet").put(f"{lost} unpriced", "warn")
            line.put(f" {self.look.glyphs.middle} USD per 1M tokens", "quiet")
            saved = self._saved
            if saved:
                text = fmt.money(abs(saved), 10, Exactness.ESTIMATE, self.look.glyphs)
                word = f"caching {'saved' if saved > 0 else 'cost'} {text}"
                line.put(f" {self.look.glyphs.middle} ", "quiet").put(word, "text")
        return line

    def note_line(self) -> Line:
        if self.prices is not None and self.prices.problem:
            return Line(self.look).put(outside(self.prices.problem, 160), "warn")
        line = super().note_line()
        if self.prices is not None and self.prices.catalogue:
            gap = f" {self.look.glyphs.middle} " if line.width else ""
            what = "catalogue " if self.size.width >= 100 else ""
            line.put(f"{gap}{what}genai-prices {self.prices.catalogue}", "quiet")
        return line

    def empty_text(self) -> str:
        if self.prices is None:
            return "reading the prices …"
        why = nothing_matches(self.shown.state, self.look.named) if self.shown else ""
        return why or "no usage in this window: prices are shown of the models that were used"

    def draw(self, item: Row, column: Column, line: Line) -> None:
        width, total, priced = column.width, item.total, item.priced
        whole = item is self.foot
        match column.id:
            case "name":
                role = "warn" if priced.unpriced else "text" if priced.spent.model else "quiet"
                text = self.name_of(item)
                if self._provider_shown:
                    text = outside(priced.spent.model, 120) or NO_VALUE
                line.cell("all models" if whole else text, width, "text" if whole else role)
            case "provider":
                text = outside(priced.spent.provider, 40) or NO_VALUE
                line.cell("" if whole else text, width, "quiet")
            case "from":
                text = {"pricing_file": "file"}.get(priced.where, priced.where)
                role = {"unpriced": "warn", "free": "ok"}.get(text, "quiet")
                changed = "*" if priced.changed else ""
                line.cell("" if whole else text + changed, width, role)
            case "requests":
                line.cell(fmt.count(total.requests, width), width, "text", "right")
            case "tokens":
                line.cell(fmt.compact(total.tokens, width), width, "text", "right")
            case "cost":
                put_amount(line, self.look, total, "cost", width)
            case "paid":
                paid = priced.paid_nano
                marked = (width, priced.paid_exactness, self.look.glyphs)
                text = "-" if paid is None else fmt.money(paid, *marked)
                line.cell(text, width, "text" if paid else "quiet", "right")
            case "list":
                over = priced.over_list
                text = "" if over is None else words.over_text(*over, width)
                line.cell(text, width, words.over_role(*over) if over else "quiet", "right")
            case "what" | "diff":
                self._draw_what_if(item, column, line, whole=whole)
            case _:
                self._draw_rate(item, column, line, whole=whole)

    def _draw_what_if(self, item: Row, column: Column, line: Line, *, whole: bool) -> None:
        width = column.width
        if item.assumed is None and not whole:
            line.cell("", width)
        elif item.would is None:
            line.cell("no rate" if column.id == "what" else "", width, "warn", "right")
        elif column.id == "what":
            text = fmt.money(item.would, width, item.exactness, self.look.glyphs)
            line.cell(text, width, "value", "right")
        else:
            off = item.would - item.total.effective_nano
            role = "warn" if off > 0 else "ok" if off < 0 else "quiet"
            text = words.signed(off, width, self.look.glyphs.about)
            line.cell(text, width, role, "right")

    def _draw_rate(self, item: Row, column: Column, line: Line, *, whole: bool) -> None:
        card, width = item.priced.card, column.width
        if whole or card is None:
            line.cell("" if whole else "-", width, "faint", "right")
            return
        if column.id == "tier":
            text = f">{fmt.compact(card.tiers[0].start, width - 1)}" if card.tiers else ""
            line.cell(text, width, "quiet", "right")
            return
        kind = KIND_COLUMNS[column.id]
        rate = card.rate(kind)
        if card.free:
            line.cell("0", width, "faint", "right")
        elif rate is not None:
            own = words.taken_from(card, kind) == kind
            line.cell(words.rate_text(rate, width), width, "text" if own else "faint", "right")
        elif card.per_request is not None:
            each = {"in": words.rate_text(card.per_request, width), "out": "/req"}
            line.cell(each.get(column.id, ""), width, "text", "right")
        else:
            line.cell("-", width, "faint", "right")

    _shared: set[str] = set()  # noqa: RUF012 - replaced, never changed


def _sum(rows: Sequence[Row]) -> Row:
    """All rows together. What is compared with list price is added up too."""
    told, standing, total = Totals(), Totals(), Totals()
    for row in rows:
        spent = row.priced.spent
        total = total.plus(spent.total)
        told, standing = told.plus(spent.told), standing.plus(spent.standing)
    whole = Spent(("", ""), total, (), told, standing)
    if all(r.would is None for r in rows):
        return Row(Priced(whole, None))
    right = Exactness.EXACT
    for row in rows:
        right = Exactness(right | row.exactness)
    return Row(Priced(whole, None), None, sum(r.instead for r in rows), right)
