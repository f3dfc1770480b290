"""What is worth a look in this window, with the money at stake."""

from __future__ import annotations

from textual.app import ComposeResult

from costtui.analysis.advice import Advice
from costtui.model.snapshot import Filter
from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, change
from costtui.tui.price_sheet import findings
from costtui.tui.rates import rates_of
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet
from costtui.tui.shown import Shown
from costtui.tui.widgets.finding_table import FindingNote, FindingTable
from costtui.tui.widgets.table import Table


class AdviceScreen(SideScreen):
    """F7."""

    where = "advice"
    title_text = "advice"
    BINDINGS = textual_bindings("advice")
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    DEFAULT_CSS = "AdviceScreen.-tall FindingNote { height: 10; }"

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.advice: Advice | None = None

    def body(self) -> ComposeResult:
        yield FindingTable(self.look, id="findings")
        yield FindingNote(self.look, id="finding")

    def on_mount(self) -> None:
        self.table.focus()
        self.query_one(FindingNote).table = self.table
        self.show(self.shown)

    @property
    def table(self) -> FindingTable:
        return self.query_one(FindingTable)

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - cheap enough
        self._waiting = True
        self.post_message(Ask("advice", rates_of(self).advice, self._asked))

    def show(self, shown: Shown) -> None:
        super().show(shown)
        key = (shown.state.place, shown.state.filters)
        if self.due(shown, key, self.advice.view if self.advice else None):
            self.store_changed()
        self._draw()

    def answered(self, answer: Answer) -> None:
        if answer.kind == "advice" and isinstance(answer.value, Advice):
            self._waiting = False
            if answer.tag == self._asked:
                self.advice = answer.value
                self._draw()

    def _draw(self) -> None:
        self.table.show(self.shown, self.advice)
        self._note()

    def _note(self) -> None:
        note = self.query_one(FindingNote)
        note.finding = self.table.current
        note.redraw()

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.table:
            self._note()

    def action_drill(self) -> None:
        """The overview, narrowed to what the finding is about."""
        finding = self.table.current
        if finding is None:
            return
        state = self.shown.state
        for dimension, value in finding.subject:
            if Filter(dimension, value) not in state.filters:
                state = state.drill(dimension, value)
        change(self, state)
        self.post_message(Open("overview"))

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    def sheet(self) -> Sheet | None:
        """What `e` writes."""
        return None if self.advice is None else findings(self.advice)

    def value(self) -> str:
        """What `y` copies: the line for `pricing:`, else what it is about."""
        finding = self.table.current
        return (finding.line or self.table.subject(finding)) if finding else ""
