"""What this month will have cost: F6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, change
from costtui.tui.screens.side import SideScreen, Title
from costtui.tui.shown import Shown
from costtui.tui.told import Told, tell
from costtui.tui.widgets.forecast_cards import ForecastCards
from costtui.tui.widgets.forecast_chart import ForecastChart, month_name
from costtui.tui.widgets.forecast_table import ForecastTable

if TYPE_CHECKING:
    from costtui.tui.sheet import Sheet


class ForecastScreen(SideScreen):
    """It asks when it is opened, when filters or group change, and once a minute after that: the
    calendar month in hand has nothing to do with the window of the other screens."""

    where = "forecast"
    title_text = "forecast"
    BINDINGS = textual_bindings("forecast")
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-middle")]  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (116, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    ForecastScreen { layout: vertical; }
    ForecastScreen #month { height: 17; }
    ForecastScreen.-short #month { height: 9; }
    ForecastScreen.-wide #cards { height: 4; }
    ForecastScreen.-max #month { height: 1fr; }
    ForecastScreen.-max #groups, ForecastScreen.-max #cards { display: none; }
    """

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.told: Told | None = None
        self._asked: object = None
        self._minute = 0

    def body(self) -> ComposeResult:
        yield ForecastCards(self.look, id="cards")
        yield ForecastChart(self.look, id="month")
        yield ForecastTable(self.look, id="groups")

    def on_mount(self) -> None:
        self.table.focus()
        self.show(self.shown)

    @property
    def table(self) -> ForecastTable:
        return self.query_one(ForecastTable)

    # Data -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        zone, by, limits = self.look.zone, self.shown.state.group, self.shown.limits
        key = self._asked
        self.post_message(
            Ask("forecast", lambda data, view, now: tell(data, view, by, zone, now, limits), key)
        )

    def store_changed(self, *, asked: bool = True) -> None:
        """A forecast does not change with every request: once a minute, unless it is `asked`."""
        overview = self.shown.overview
        minute = int(overview.taken_at) // 60 if overview is not None else 0
        if asked or minute != self._minute:
            self._minute = minute
            self._ask()

    def show(self, shown: Shown) -> None:
        super().show(shown)
        key = shown.state.filters, shown.state.group
        if key != self._asked:
            self._asked = key
            self._ask()
        if shown.error and self.told is None:
            self.query_one(ForecastChart).empty = "could not be read; the overview says why"
            self._draw()

    def answered(self, answer: Answer) -> None:
        fitting = answer.kind == "forecast" and answer.tag == self._asked
        if fitting and isinstance(answer.value, Told):
            self.told = answer.value
            self._draw()

    def _draw(self) -> None:
        told = self.told
        cards, chart = self.query_one(ForecastCards), self.query_one(ForecastChart)
        cards.told = chart.told = told
        if told is not None:
            title = self.query_one(Title)
            title.own = month_name(told, self.look), told.outlook.view.window.start, \
                told.outlook.until  # fmt: skip
            title.redraw()
        cards.redraw()
        chart.redraw()
        self.table.show(told)

    # Keys -----------------------------------------------------------------------------------

    def action_group(self) -> None:
        change(self, self.shown.state.with_next_group(self.shown.groups))

    def action_maximise(self) -> None:
        chart = self.query_one(ForecastChart)
        chart.maximised = not chart.maximised
        self.set_class(chart.maximised, "-max")
        (chart if chart.maximised else self.table).focus()
        chart.forget()

    def action_drill(self) -> None:
        """Narrow to the group under the cursor; the overview shows what is in it."""
        row = self.table.current
        if row is not None and self.told is not None:
            dimension = self.told.outlook.dimension
            state = self.shown.state.drill(dimension, row.key, self.shown.single)
            change(self, state)
            self.post_message(Open("overview"))

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """What `e` writes: the groups and the month; maximised, the line."""
        from costtui.tui import sheet

        if self.told is None:
            return None
        if self.query_one(ForecastChart).maximised:
            return sheet.forecast_line(self.told)
        return sheet.forecast(self.told, self.look.consumer)

    def value(self) -> str:
        """What `y` copies."""
        return self.table.current.key if self.table.current else ""
