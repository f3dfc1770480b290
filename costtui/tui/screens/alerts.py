"""The alerts: how each instance stands, and what changed in the window."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from costtui.config.durations import parse_duration
from costtui.model.dimension import is_dimension
from costtui.model.snapshot import AlertChange, AlertStatus, Filter
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, Push, change
from costtui.tui.screens.side import SideScreen, Title
from costtui.tui.sheet import Sheet, alert_history, alerts
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.why import covering
from costtui.tui.widgets.alert_lists import AlertHistory, AlertsInFull, lasting

LISTS = ("instances", "history")


class AlertsScreen(SideScreen):
    """F4. Of the window that is shown: of the past where that is in the past."""

    where = "alerts"
    title_text = "alerts"
    BINDINGS = textual_bindings("alerts")
    DEFAULT_CSS = """
    AlertsScreen.-none #history { display: none; }
    AlertsScreen.-none #instances { height: 1fr; }
    """

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.pane = LISTS[0]
        self._asked: object = None
        self._changes: Sequence[AlertChange] = ()

    def body(self) -> ComposeResult:
        yield AlertsInFull(self.look, id="instances")
        yield AlertHistory(self.look, id="history")

    def on_mount(self) -> None:
        self.instances.focus()
        self.show(self.shown)

    @property
    def instances(self) -> AlertsInFull:
        return self.query_one(AlertsInFull)

    @property
    def history(self) -> AlertHistory:
        return self.query_one(AlertHistory)

    # Data -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        self.post_message(
            Ask(
                "alert_history",
                # to the very end: what changes in this minute is in it
                lambda data, view, _: data.alert_history(view.window.start, view.window.end),
                self._asked,
            )
        )

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - cheap enough
        self._ask()

    def show(self, shown: Shown) -> None:
        super().show(shown)
        table = self.instances
        table.show(shown)
        self.set_class(not table.items and not shown.rules, "-none")
        height = max(5, min(len(table.items) + 3, (self.size.height - 2) * 3 // 5))
        if not self.has_class("-none") and (
            table.styles.height is None or table.styles.height.value != height
        ):
            table.styles.height = height
        firing, pending = (sum(a.state == s for a in table.items) for s in ("firing", "pending"))
        title = self.query_one(Title)
        known = bool(table.items) or not self.shown.state.past
        title.text = f"alerts: {firing} firing, {pending} pending" if known else "alerts"
        title.redraw()
        state = shown.state
        key = state.place
        if key != self._asked:
            self._asked = key
            self._ask()

    def answered(self, answer: Answer) -> None:
        """The history arrived."""
        if answer.kind == "alert_history" and answer.tag == self._asked:
            self._changes = answer.value if isinstance(answer.value, list | tuple) else ()
            self._draw()

    def _draw(self) -> None:
        rows = lasting(self._changes)
        rule = self.history.rule
        self.history.set_items([r for r in rows if not rule or r.change.status.rule == rule])

    # Keys -----------------------------------------------------------------------------------

    def action_panel(self, step: int) -> None:
        if self.has_class("-none"):
            return
        self.pane = LISTS[(LISTS.index(self.pane) + step) % len(LISTS)]
        self.query_one(f"#{self.pane}").focus(scroll_visible=False)

    @property
    def _current(self) -> tuple[AlertStatus, float] | None:
        """The alert under the cursor, and the moment that it is about (0 is now)."""
        if self.history.has_focus:
            row = self.history.current
            return (row.change.status, row.change.at) if row else None
        status, overview = self.instances.current, self.shown.overview
        if status is None:
            return None
        live = overview is None or overview.view.window.live
        return status, 0.0 if live else float(overview.view.window.end - 1) if overview else 0.0

    def _about(self) -> State | None:
        """The state that shows the usage of the alert under the cursor, in its window."""
        if self._current is None:
            return None
        status, moment = self._current
        rules = [r for r in self.shown.alert_rules if r.name == status.rule]
        where = rules[0].where if rules else ()
        # `step` of a budget and the like are no dimensions of usage.
        labels = [(d, v) for d, v in status.labels if d == "source" or is_dimension(d)]
        filters = [Filter(d, v) for d, v in (*where, *labels)]
        try:
            seconds = int(parse_duration(status.window))
        except ValueError:
            seconds = rules[0].window if rules else 0
        window = covering(seconds) if seconds else self.shown.state.window
        return self.shown.state.visit(tuple(dict.fromkeys(filters)), window, moment, "alerts")

    def action_drill(self) -> None:
        """The overview of what the alert is about."""
        state = self._about()
        if state is not None:
            change(self, state)
            self.post_message(Open("overview"))

    def action_why(self) -> None:
        from costtui.tui.screens.why import WhyScreen

        state = self._about()
        if state is not None:
            self.post_message(Push(lambda look, shown: WhyScreen(look, shown, about=state)))

    def action_history_of(self) -> None:
        """The history of one rule, or of all again."""
        history, current = self.history, self._current
        history.rule = "" if history.rule or current is None else current[0].rule
        self._draw()

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """What `e` writes."""
        if self.shown.overview is None:
            return None
        view = self.shown.overview.view
        if self.pane == "history":
            rows = [r.change for r in self.history.items]
            return alert_history(view, rows, self.look.consumer)
        return alerts(view, self.instances.items, self.look.consumer)

    def value(self) -> str:
        """What `y` copies."""
        return outside(self._current[0].rule) if self._current else ""
