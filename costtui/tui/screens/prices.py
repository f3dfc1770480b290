"""What every model costs, who says so, what it came to, and what if it had cost something else."""

from __future__ import annotations

from textual.app import ComposeResult

from costtui.analysis.pricelist import Priced, PriceList
from costtui.analysis.whatif import Assumed, Typed, typed_rates
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, Push
from costtui.tui.price_sheet import prices as price_sheet
from costtui.tui.rates import rates_of
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet
from costtui.tui.shown import Shown
from costtui.tui.widgets.price_table import PriceTable, Row
from costtui.tui.widgets.rate_note import RateNote, yaml_of
from costtui.tui.widgets.ratebar import RateBar
from costtui.tui.widgets.table import Table


class PricesScreen(SideScreen):
    """F8. Rates that are chosen here live in this screen and nowhere else."""

    where = "prices"
    title_text = "prices"
    BINDINGS = textual_bindings("prices")
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    DEFAULT_CSS = """
    PricesScreen RateNote { height: 7; }
    PricesScreen.-tall RateNote { height: 10; }
    """

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.prices: PriceList | None = None
        self.chosen: dict[tuple[str, str], Assumed] = {}
        self.everywhere: Assumed | None = None

    def body(self) -> ComposeResult:
        table = PriceTable(self.look, id="prices")
        table.chosen = self._assumed
        yield table
        yield RateNote(self.look, id="rate")

    def on_mount(self) -> None:
        self.table.focus()
        files = rates_of(self).config.files
        self.query_one(RateNote).config = outside(files[0].name, 60) if files else ""
        self.show(self.shown)

    @property
    def table(self) -> PriceTable:
        return self.query_one(PriceTable)

    # Data -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._waiting = True
        self.post_message(Ask("prices", rates_of(self).prices, self._asked))

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - cheap enough
        self._ask()

    def show(self, shown: Shown) -> None:
        super().show(shown)
        key = (shown.state.place, shown.state.filters)
        if self.due(shown, key, self.prices.view if self.prices else None):
            self._ask()
        self._draw()

    def answered(self, answer: Answer) -> None:
        if answer.kind == "prices" and isinstance(answer.value, PriceList):
            self._waiting = False
            if answer.tag == self._asked:
                self.prices = answer.value
                self._draw()
        elif answer.kind == "rates of" and isinstance(answer.tag, tuple):
            key, typed = answer.tag
            if isinstance(answer.value, Assumed):
                self._choose(key, typed, answer.value)
            elif isinstance(answer.value, str):
                text = outside(answer.value, 300)
                self.notify(text, title="What if", severity="error", markup=False)
                self._open_bar("\x1f".join(key), f"{'all ' * typed.everywhere}{typed.name}")

    def _draw(self) -> None:
        self.table.show(self.shown, self.prices)
        self._note()

    def _note(self) -> None:
        note = self.query_one(RateNote)
        note.row = self.table.current
        note.display = note.row is not None or self.prices is None
        note.redraw()

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.table:
            self._note()

    # What if --------------------------------------------------------------------------------

    def _assumed(self, priced: Priced) -> Assumed | None:
        return self.chosen.get(priced.key, self.everywhere)

    def action_what_if(self) -> None:
        row = self.table.current
        if row is not None:
            self._open_bar(row.key)

    def _open_bar(self, key: str, text: str = "") -> None:
        row = next((r for r in self.table.items if r.key == key), None)
        if row is not None and not self.query(RateBar) and self.app.screen is self:
            self.mount(RateBar(self.focused, self.table.name_of(row), key, text))

    def on_rate_bar_typed(self, message: RateBar.Typed) -> None:
        typed, prices = message.typed, self.prices
        row = next((r for r in self.table.items if r.key == message.key), None)
        if row is None or prices is None:
            return
        key = row.priced.key
        if typed.rates:
            self._choose(key, typed, typed_rates(typed.rates))
        elif not typed.name:
            self._choose(key, typed, None)
        else:
            name, view, near = typed.name, prices.view, key[0]
            seen = [r.key for r in prices.rows]
            like = rates_of(self).like
            job = lambda _, __, ___: like(name, view, seen, near)  # noqa: E731
            self.post_message(Ask("rates of", job, (key, typed)))

    def _choose(self, key: tuple[str, str], typed: Typed, assumed: Assumed | None) -> None:
        """Take rates, or with None take them back."""
        if typed.everywhere:
            self.chosen.clear()
            self.everywhere = assumed
        elif assumed is not None:
            self.chosen[key] = assumed
        elif self.chosen.pop(key, None) is None:
            self.everywhere = None
        self._draw()

    # Keys -----------------------------------------------------------------------------------

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    def action_sort(self, step: int) -> None:
        self.table.sort_by(step)
        self._note()

    def action_reverse(self) -> None:
        self.table.turn()
        self._note()

    def as_at_start(self) -> bool:
        """The order as it was when it was opened; what was typed stays. False where it is that."""
        moved = (self.table.sort, self.table.reverse) != ("from", False)
        self.table.sort, self.table.reverse = "from", False
        self._draw()
        return moved

    def action_detail(self) -> None:
        """Everything about the model under the cursor."""
        row = self.table.current
        if row is not None:
            chosen = row
            self.post_message(Push(lambda look, shown: _price_screen(look, shown, chosen)))

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """What `e` writes: the rows as they are, with what was chosen."""
        return None if self.prices is None else price_sheet(self.prices.view, self.table.items)

    def value(self) -> str:
        """What `y` copies: the line for `pricing:`, or the model's name where it needs none."""
        row = self.table.current
        return (yaml_of(row) or "/".join(filter(None, row.priced.key))) if row else ""


def _price_screen(look: Look, shown: Shown, row: Row) -> SideScreen:
    from costtui.tui.screens.price import PriceScreen

    return PriceScreen(look, shown, row)
