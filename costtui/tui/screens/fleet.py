"""All gateways on one screen: what each costs a day, a week and a month, and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from costtui.model.fleet import Fleet
from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, Push, change
from costtui.tui.screens.side import SideScreen
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.widgets.chart import Chart
from costtui.tui.widgets.fleet_cards import FleetCards
from costtui.tui.widgets.fleet_table import FleetTable

if TYPE_CHECKING:
    from costtui.tui.sheet import Sheet


class FleetScreen(SideScreen):
    """`f`. It asks when it is opened, when the view changes and when the store has changed."""

    where = "fleet"
    title_text = "fleet"
    BINDINGS = textual_bindings("fleet")
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-middle")]  # noqa: RUF012
    DEFAULT_CSS = """
    FleetScreen { layout: vertical; }
    FleetScreen #chart { height: 12; }
    FleetScreen.-short #chart, FleetScreen.-bare #chart { display: none; }
    FleetScreen.-bare #cards { display: none; }
    """

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.fleet: Fleet | None = None

    def body(self) -> ComposeResult:
        yield FleetCards(self.look, id="cards")
        yield FleetTable(self.look, id="gateways")
        yield Chart(self.look, id="chart")

    def on_mount(self) -> None:
        self.table.focus()
        self.show(self.shown)

    @property
    def table(self) -> FleetTable:
        return self.query_one(FleetTable)

    # Data -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._waiting = True
        self.post_message(Ask("fleet", lambda data, view, now: data.fleet(view, now)))

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - cheap enough
        self._ask()

    def show(self, shown: Shown) -> None:
        super().show(shown)
        key = (shown.state.place, shown.state.filters)
        if self.due(shown, key, self.fleet.view if self.fleet else None):
            self._ask()
        self._draw()

    def answered(self, answer: Answer) -> None:
        fleet, state = answer.value, self.shown.state
        if answer.kind != "fleet" or not isinstance(fleet, Fleet):
            return
        self._waiting = False
        window = fleet.view.window
        if (window.name, fleet.view.filters, window.live) == (
            state.window_name, state.filters, not state.past,
        ):  # fmt: skip
            self.fleet = fleet
            self._draw()

    def _draw(self) -> None:
        self.set_class(self.shown.condition != "ready", "-bare")
        self.table.show(self.shown, self.fleet)
        cards, chart = self.query_one(FleetCards), self.query_one(Chart)
        cards.shown, cards.fleet, chart.shown = self.shown, self.fleet, self.shown
        cards.redraw()
        chart.redraw()

    # Keys -----------------------------------------------------------------------------------

    def _change(self, state: State) -> None:
        change(self, state)

    def action_drill(self) -> None:
        """Narrow to the gateway under the cursor; the overview shows what is in it."""
        row = self.table.current
        if row is not None:
            self._change(self.shown.state.drill("gateway", row.key))
            self.post_message(Open("overview"))

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    def action_why(self) -> None:
        from costtui.tui.screens.why import WhyScreen

        self.post_message(Push(WhyScreen))

    def action_unit(self) -> None:
        self._change(self.shown.state.with_next_unit())

    def action_compare(self) -> None:
        self._change(self.shown.state._replace(compare=not self.shown.state.compare))

    def action_sort(self, step: int) -> None:
        self.table.sort_by(step)

    def action_reverse(self) -> None:
        self.table.turn()

    def sorts(self) -> tuple[str, ...]:
        return tuple(self.table.sortable())

    def sort_to(self, column: str, *, reverse: bool) -> None:
        self.table.sort, self.table.reverse = column, reverse
        self._draw()

    def as_at_start(self) -> bool:
        """The order as it was when it was opened; False where it is that."""
        moved = self.sorting() != {"sort": "day", "reverse": False}
        self.sort_to("day", reverse=False)
        return moved

    def sorting(self) -> dict[str, object]:
        return {"sort": self.table.sort, "reverse": self.table.reverse}

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """What `e` writes: the rows as they are, and the sum."""
        from costtui.tui.sheet import fleet

        if self.fleet is None:
            return None
        return fleet(self.fleet.view, [*self.table.items, self.fleet.total])

    def value(self) -> str:
        """What `y` copies."""
        return self.table.current.key if self.table.current else ""
