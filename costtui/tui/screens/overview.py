"""The overview: every figure of the window, and the way down to one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen

from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Open, Push, StartConfig, change
from costtui.tui.screens.repainting import Repainting
from costtui.tui.shown import SORTS, Shown
from costtui.tui.state import CHARTS, State
from costtui.tui.widgets.alerts import Alerts
from costtui.tui.widgets.bars import Keys, Status
from costtui.tui.widgets.chart import Chart
from costtui.tui.widgets.header import Header
from costtui.tui.widgets.health import Sources
from costtui.tui.widgets.kpi import Kpi
from costtui.tui.widgets.lines import Lines, Sized
from costtui.tui.widgets.notice import Notice
from costtui.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.events import DescendantFocus

    from costtui.tui.sheet import Sheet

PANES = ("panel-0", "panel-1", "panel-2", "panel-3", "alerts", "sources", "chart")
"""What Tab goes through, in order."""
CHART_TIPS = {
    "time": "Usage by time, in the unit",
    "groups": "Stacked by what the big panel shows, the largest five and the rest",
    "tokens": "Tokens by kind: input, cache, output, reasoning",
    "cumulative": "Added up, beside the period before and the limit of an alert",
}
"""The word behind `:chart` → its tooltip in the palette."""

WIDTHS = [(0, "-narrow"), (100, "-normal")]
HEIGHTS = [(0, "-short"), (34, "-middle"), (56, "-tall")]
"""(from so many cells, class): what fits is said in overview.tcss."""


def size_classes(width: int, height: int) -> str:
    """The classes that the breakpoints will give a screen of this size."""
    fitting = (max(p for p in points if p[0] <= n)
               for points, n in ((WIDTHS, width), (HEIGHTS, height)))  # fmt: skip
    return " ".join(name for _, name in fitting)


class Box(Sized, Container):
    """Some panes beside each other."""


class OverviewScreen(Repainting):
    """Layout, and messages to actions. It owns no data: `show` gives it what to draw."""

    where = "overview"
    AUTO_FOCUS = "#panel-0"
    BINDINGS = textual_bindings("overview")
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, look: Look, shown: Shown, size: tuple[int, int]) -> None:
        """`size` is the terminal's: styles made for it are not made again at the first resize."""
        super().__init__(classes=size_classes(*size))
        self.look = look
        self.shown = shown
        self.pane = PANES[0]
        self._wanted_row = ""
        self._composed = False

    def compose(self) -> ComposeResult:
        look = self.look
        yield Header(look, id="header")
        yield Kpi(look, id="kpi")
        yield Chart(look, id="chart")
        with Box(id="body"):
            for number in range(4):
                yield Panel(look, id=f"panel-{number}", classes="-current" * (number == 0))
        with Box(id="bottom"):
            yield Alerts(look, id="alerts")
            yield Sources(look, id="sources")
        yield Notice(look, id="notice")
        yield Status(look, id="status")
        yield Keys(look, id="keys")

    def on_mount(self) -> None:
        self._composed = True
        self.show(self.shown)

    # What is shown --------------------------------------------------------------------------

    def show(self, shown: Shown) -> None:
        """Draw this from now on. Widgets repaint only what is different."""
        self.shown = shown
        if not self._composed:
            return
        bare = shown.condition != "ready"
        self.set_class(bare, "-notice")
        keys = self.query_one(Keys)
        if keys.bare is not bare:
            keys.bare = bare
            keys.redraw()
        dimensions = shown.state.panels
        for number in range(4):
            panel = self.query_one(f"#panel-{number}", Panel)
            panel.show(shown, dimensions[number])
        if self._wanted_row and shown.overview is not None and not shown.pending:
            self.query_one("#panel-0", Panel).select(self._wanted_row)
            self._wanted_row = ""
        for table in (self.query_one(Alerts), self.query_one(Sources)):
            if table.id != self.pane:  # its rows were not chosen by anybody: the worst is on top
                table.cursor, table.cursor_key, table.scrolled = 0, "", 0
            table.show(shown)
        self.query_one(Chart).kind = CHARTS[shown.state.chart]
        for widget in self.query(Lines):
            if isinstance(widget, Header | Kpi | Chart | Notice | Status):
                widget.shown = shown
                widget.redraw()

    def change(self, state: State) -> None:
        change(self, state)

    def answered(self, answer: Answer) -> None:
        """What the chart asked for."""
        if self._composed:
            self.query_one(Chart).answered(answer)

    @property
    def current_pane(self) -> Lines:
        return self.query_one(f"#{self.pane}", Lines)

    # Panels ---------------------------------------------------------------------------------

    def go_to(self, pane: str) -> None:
        """Make a pane the current one: it has the focus, and the room where there is little."""
        if pane != self.pane:
            self.current_pane.remove_class("-current")
            self.pane = pane
            self.current_pane.add_class("-current")
        self._arrange(maximised=self.has_class("-max"))
        self.current_pane.focus(scroll_visible=False)

    def _arrange(self, *, maximised: bool) -> None:
        """Say in classes which part of the screen the current pane is in.

        One call for all: each change of a screen's class makes the styles of everything anew.
        """
        bottom = self.pane in ("alerts", "sources")
        states = {
            "-max": maximised,
            "-show-bottom": bottom,
            "-in-body": self.pane.startswith("panel"),
            "-in-bottom": bottom,
            "-in-chart": self.pane == "chart",
        }
        if any(self.has_class(name) is not on for name, on in states.items()):
            self.update_classes(states)
        chart = self.query_one(Chart)
        wanted = maximised and self.pane == "chart"
        if chart.maximised is not wanted:
            chart.maximised = wanted
            chart.forget()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        name = event.widget.id or ""
        if name in PANES and name != self.pane:
            self.go_to(name)

    def action_panel(self, step: int) -> None:
        at = PANES.index(self.pane)
        self.go_to(PANES[(at + step) % len(PANES)])

    def action_maximise(self) -> None:
        self._arrange(maximised=not self.has_class("-max"))

    # Rows -----------------------------------------------------------------------------------

    def action_drill(self) -> None:
        pane = self.current_pane
        state = self.shown.state
        if isinstance(pane, Alerts):
            self._drill_alert(pane)
            return
        if isinstance(pane, Sources):
            self.post_message(Open("sources"))
            return
        if isinstance(pane, Chart):
            pane.zoom()
            return
        if not isinstance(pane, Panel) or pane.current is None:
            return
        single = self.shown.single
        end = state.at_end(pane.dimension, single)
        self.change(state.drill(pane.dimension, pane.current.key, single))
        if end:
            self.post_message(Open("requests"))
        elif not self.has_class("-max"):
            self.go_to("panel-0")

    def _drill_alert(self, pane: Alerts) -> None:
        """Enter on an alert shows the usage that it is about."""
        if pane.current is None:
            return
        state = self.shown.state
        for dimension, value in pane.current.labels:
            state = state.drill(dimension, value)
        if state is not self.shown.state:
            self.change(state)
            self.go_to("panel-0")

    def climbed(self, row: str) -> None:
        """The state went one step up; put the cursor back on the row it came from."""
        self._wanted_row = row
        self.go_to("panel-0")

    # Chart ----------------------------------------------------------------------------------

    def action_chart(self, kind: str = "") -> None:
        """The next kind of chart, or the one that is named."""
        state = self.shown.state
        self.change(state._replace(chart=kind) if kind else state.with_next_chart())

    def action_crosshair(self) -> None:
        self.go_to("chart")
        self.query_one(Chart).move(0)

    def action_cross(self, step: int) -> None:
        if self.pane == "chart":
            self.query_one(Chart).move(step)

    def action_mark(self) -> None:
        if self.pane == "chart":
            self.query_one(Chart).mark()

    def let_go(self) -> bool:
        """Esc while the chart is pointed at, or a pane has the whole screen. Was it for these?"""
        if self.pane == "chart" and self.query_one(Chart).let_go(wholly=not self.shown.state.trail):
            return True
        if self.has_class("-max") and not self.shown.state.trail:
            self._arrange(maximised=False)
            return True
        return False

    def zoomed_out(self, start: int) -> None:
        """The state left a zoom; point at what was zoomed into."""
        self.go_to("chart")
        self.query_one(Chart).point_at(start)

    def chart_kinds(self) -> list[tuple[str, str]]:
        """What the chart can show: the word to type and its meaning."""
        return list(CHART_TIPS.items())

    def as_at_start(self) -> bool:
        """Put back the panes; False where there was nothing to put back."""
        moved = self.has_class("-max") or self.pane != PANES[0]
        self.query_one(Chart).point_at(None)
        self._arrange(maximised=False)
        if self.app.screen is self:
            self.go_to(PANES[0])
        return moved

    def sheet(self) -> Sheet | None:
        """What `e` writes: the current pane."""
        from costtui.tui import sheet

        overview, pane = self.shown.overview, self.current_pane
        if overview is None:
            return None
        if isinstance(pane, Panel):
            return sheet.groups(overview.view, pane.dimension, pane.items, self.look.consumer)
        if isinstance(pane, Alerts):
            return sheet.alerts(overview.view, pane.items, self.look.consumer)
        if isinstance(pane, Sources):
            return sheet.sources(overview.view, pane.items)
        return pane.sheet() if isinstance(pane, Chart) else None

    def value(self) -> str:
        """What `y` copies: the name under the cursor."""
        pane = self.current_pane
        if isinstance(pane, Panel):
            return pane.current.key if pane.current else ""
        if isinstance(pane, Alerts):
            return pane.current.rule if pane.current else ""
        if isinstance(pane, Sources):
            return (pane.current.error or pane.current.name) if pane.current else ""
        return pane.value() if isinstance(pane, Chart) else ""

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    def action_start_config(self) -> None:
        self.post_message(StartConfig())

    def action_why(self) -> None:
        """Of the bar under the crosshair, where there is one."""
        overview, chart = self.shown.overview, self.query_one(Chart)
        pointed = chart.crosshair(overview) if overview is not None else None
        if overview is None or pointed is None:
            self.post_message(Open("why"))
            return
        at = overview.view.window.buckets()[pointed.at]
        self.post_message(Push(lambda look, shown: _why(look, shown, at)))

    def action_group(self) -> None:
        self.change(self.shown.state.with_next_group(self.shown.groups))

    def action_group_by(self) -> None:
        """The chooser: which dimension has the big panel."""
        self.post_message(Push(lambda look, shown: _chooser(look, shown, self._group_by)))

    def _group_by(self, choice: dict[str, str]) -> None:
        self.change(self.shown.state.with_group(choice["group"]))
        self.go_to("panel-0")

    def action_unit(self) -> None:
        self.change(self.shown.state.with_next_unit())

    def action_compare(self) -> None:
        self.change(self.shown.state._replace(compare=not self.shown.state.compare))

    def action_sort(self, step: int) -> None:
        state = self.shown.state
        at = SORTS.index(state.sort) + step
        self.change(state._replace(sort=SORTS[at % len(SORTS)], reverse=False))

    def action_reverse(self) -> None:
        self.change(self.shown.state._replace(reverse=not self.shown.state.reverse))


def _why(look: Look, shown: Shown, at: int) -> Screen[None]:
    from costtui.tui.screens.why import WhyScreen

    return WhyScreen(look, shown, at=at)


def _chooser(look: Look, shown: Shown, done: Callable[[dict[str, str]], object]) -> Screen[None]:
    from costtui.tui.screens.chooser import Chooser

    return Chooser(look, shown, {"group": shown.state.group}, done)
