"""One model's rate in full, and how its cost comes about, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult

from costtui.analysis.whatif import doubt, would_cost
from costtui.model.money import decimal_text
from costtui.tui import format as fmt
from costtui.tui import ratewords as words
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask
from costtui.tui.price_sheet import parts
from costtui.tui.rates import Detail, rates_of
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet
from costtui.tui.shown import Shown
from costtui.tui.widgets.grid import Entry, Grid
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.price_table import Row
from costtui.tui.widgets.rate_note import yaml_of
from costtui.tui.widgets.sum_table import SumTable, sum_lines

LISTS = ("sum", "facts")


class PriceScreen(SideScreen):
    """Enter on a row of the price list."""

    where = "price"
    title_text = "price"
    BINDINGS = textual_bindings("price")

    def __init__(self, look: Look, shown: Shown, row: Row) -> None:
        super().__init__(look, shown)
        self.row = row
        self.detail: Detail | None = None
        self._asked: object = None

    def body(self) -> ComposeResult:
        provider, model = (outside(part, 60) for part in self.row.priced.key)
        name = f"{provider}/{model}" if provider else model
        table = SumTable(self.look, id="sum")
        table.title, table.assumed = name or NO_VALUE, self.row.assumed is not None
        yield table
        yield Grid(self.look, ("", ""), title="where it comes from", empty="reading …",
                   counted=False, id="facts")  # fmt: skip

    def on_mount(self) -> None:
        self.pane = LISTS[0]
        self.query_one("#facts", Grid).header_from = 10_000  # its columns need no titles
        self.query_one("#sum").focus()
        self.show(self.shown)

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - cheap enough
        rates, (provider, model) = rates_of(self), self.row.priced.key
        job = lambda data, view, now: rates.detail(data, view, now, provider, model)  # noqa: E731
        self.post_message(Ask("price", job, self._asked))

    def show(self, shown: Shown) -> None:
        super().show(shown)
        state = shown.state
        key = (state.place, state.filters, self.row.priced.key)
        if key != self._asked:
            self._asked = key
            self.store_changed()

    def answered(self, answer: Answer) -> None:
        if answer.kind != "price" or not isinstance(answer.value, Detail):
            return
        if answer.tag != self._asked:
            return
        self.detail = answer.value
        table, facts = self.query_one(SumTable), self.query_one("#facts", Grid)
        table.empty = "no tokens were used in this window"
        total = answer.value.priced.spent.total
        marks = [fmt.mark(e, self.look.glyphs) for e in (doubt(total), total.exactness)]
        rows = sum_lines(answer.value, self.row.assumed, self._would(), *marks)
        height = min(max(1, len(rows)) + 3, self.size.height * 3 // 5)
        if table.styles.height is None or table.styles.height.value != height:
            table.styles.height = height
        table.set_items(rows)
        facts.set_items(list(self._facts(answer.value)))

    def _would(self) -> int | None:
        """What the model would have cost in the window as it is now."""
        if self.row.assumed is None or self.detail is None:
            return None
        return would_cost(self.row.assumed, self.detail.priced.spent.total)

    def _facts(self, detail: Detail) -> Iterator[Entry]:
        priced, files = detail.priced, rates_of(self).config.files
        card, total, g = priced.card, priced.spent.total, self.look.glyphs
        config = outside(files[0].name, 60) if files else ""

        def fact(name: str, text: str, role: str = "text", value: str = "") -> Entry:
            return Entry(f"{name} {text}", (name, text), ("quiet", role), value or text)

        lost = priced.found is None and priced.unpriced
        yield fact("from", words.where_text(priced, config), "warn" if lost else "text")
        alias = words.alias_text(priced)
        if alias:
            yield fact("name", alias)
        if words.missing_text(priced):
            yield fact("unpriced", words.missing_text(priced), "warn")
        if card is not None:
            if card.free:
                yield fact("rates", "free")
            elif card.rates:
                yield fact("rates", words.rates_text(card.rates))
            if card.per_request is not None:
                yield fact("a request", f"${words.rate_text(card.per_request)}")
            for text in words.tier_texts(card):
                yield fact("tier", text)
            if card.periods:
                yield fact("periods", f"{len(card.periods)} in a day (UTC)")
            if words.dates_text(card):
                yield fact("valid", words.dates_text(card))
        if priced.changed:
            yield fact("changed", "its rates changed within this window", "warn")
        tried = [f"{p}/{m}" if p else m for p, m in detail.looked_for]
        yield fact("looked for", outside(", ".join(tried), 300), "quiet")
        if lost:
            yield fact("did you mean", words.near_text(priced) or "nothing is near")
        yield fact("cost", fmt.money(total.effective_nano, 20, total.exactness, g, cents=True)
                   if total.effective_nano or not lost else "unpriced", "value")  # fmt: skip
        paid = priced.paid_nano
        if paid is not None:
            text = fmt.money(paid, 14, priced.paid_exactness, g)
            yield fact("paid", f"{text} per 1M tokens, of all kinds together")
        over = priced.over_list
        if over is not None:
            told = priced.spent.told
            yield fact("reported", f"${decimal_text(told.reported_nano)} where list price is "
                       f"${decimal_text(told.list_nano)}: {words.over_text(*over, 12)}",
                       words.over_role(*over) if over[0] > 0 else "text")  # fmt: skip
        standing = priced.spent.standing
        if standing.effective_nano:
            yield fact("by the hour", fmt.money(standing.effective_nano, 14, standing.exactness, g))
        if self.row.assumed is not None:
            rates = words.rates_text(self.row.assumed.card.rates)
            yield fact("what if", f"{outside(self.row.assumed.label, 80)}: {rates}")
        line = yaml_of(self.row)
        if line:
            yield fact("pricing:", outside(line, 400), "key", line)

    def action_panel(self, step: int) -> None:
        self.pane = LISTS[(LISTS.index(self.pane) + step) % len(LISTS)]
        self.query_one(f"#{self.pane}").focus(scroll_visible=False)

    def value(self) -> str:
        """What `y` copies."""
        if self.pane == "sum":
            line = self.query_one(SumTable).current
            return (line.cost or line.would) if line else ""
        entry = self.query_one("#facts", Grid).current
        return entry.value if entry else ""

    def sheet(self) -> Sheet | None:
        """What `e` writes: the sum."""
        overview = self.shown.overview
        if self.detail is None or overview is None:
            return None
        return parts(overview.view, self.detail.worked.parts)
