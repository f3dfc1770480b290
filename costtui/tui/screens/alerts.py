"""The alerts: how each instance stands, and what changed in the window."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import DescendantFocus

from costtui.config.durations import parse_duration
from costtui.model.alert import Matcher
from costtui.model.dimension import is_dimension
from costtui.model.snapshot import AlertChange, AlertStatus, Filter
from costtui.tui import mute_sheet
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, Push, change
from costtui.tui.muting import counted, kind_of
from costtui.tui.screens.mutable import MutableScreen
from costtui.tui.screens.side import Title
from costtui.tui.sheet import Sheet, alert_history, alerts
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.why import covering
from costtui.tui.widgets.alert_lists import AlertHistory, AlertsInFull, lasting
from costtui.tui.widgets.mute_lists import Notifiers, Silences, in_full

LISTS = ("instances", "history", "silences", "notifiers")


class AlertsScreen(MutableScreen):
    """F4. Of the window that is shown: of the past where that is in the past. What is under the
    alerts is one of the other lists where there is little room, and all of them where there is
    more."""

    where = "alerts"
    title_text = "alerts"
    BINDINGS = textual_bindings("alerts")
    DEFAULT_CSS = """
    AlertsScreen #below { height: 9; }
    AlertsScreen #below Table { width: 1fr; height: 1fr; }
    AlertsScreen.-narrow #below { layout: vertical; }
    AlertsScreen.-wide #below { layout: horizontal; }
    AlertsScreen.-short #below { height: 1fr; display: none; }
    AlertsScreen.-short.-low #below { display: block; }
    AlertsScreen.-short.-low #history { display: none; }
    AlertsScreen.-short #silences, AlertsScreen.-short #notifiers { display: none; }
    AlertsScreen.-short #below .-current { display: block; }
    AlertsScreen.-none #history, AlertsScreen.-none #below { display: none; }
    AlertsScreen.-none #instances { height: 1fr; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.pane = LISTS[0]
        self._asked: object = None
        self._changes: Sequence[AlertChange] = ()

    def body(self) -> ComposeResult:
        yield AlertsInFull(self.look, id="instances")
        yield AlertHistory(self.look, id="history")
        with Container(id="below"):
            yield Silences(self.look, id="silences")
            yield Notifiers(self.look, id="notifiers")

    def on_mount(self) -> None:
        self.instances.focus()
        self.show(self.shown)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Also a click goes to a list."""
        if event.widget.id in LISTS:
            self.pane = event.widget.id

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
        self.query_one(Silences).show(shown)
        self.query_one(Notifiers).show(shown)
        self.set_class(not table.items and not shown.rules and not shown.budgets, "-none")
        part = 3 if self.size.height < 34 else 2  # fifths
        height = max(5, min(len(table.items) + 3, (self.size.height - 2) * part // 5))
        if not self.has_class("-none") and (
            table.styles.height is None or table.styles.height.value != height
        ):
            table.styles.height = height
        firing, muted = counted(table.items, table.mutes)
        pending = sum(a.state == "pending" for a in table.items)
        quiet = f" ({muted} muted)" if muted else ""
        title = self.query_one(Title)
        known = bool(table.items) or not self.shown.state.past
        told = known and self.app.size.width >= 100  # beside the window's times
        title.text = f"alerts: {firing} firing{quiet}, {pending} pending" if told else "alerts"
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
        self._go_to(LISTS[(LISTS.index(self.pane) + step) % len(LISTS)])

    def _go_to(self, pane: str) -> None:
        self.pane = pane
        self.set_class(pane in LISTS[2:], "-low")
        for name in LISTS[2:]:
            self.query_one(f"#{name}").set_class(name == pane, "-current")
        # behind the styles: what is not displayed yet takes no focus
        self.call_later(self.query_one(f"#{pane}").focus, scroll_visible=False)

    def action_silences(self) -> None:
        """To the first one, which is an active one where there is any."""
        if not self.has_class("-none"):
            self._go_to("silences")
            self.query_one(Silences).action_top()

    def action_end_silence(self) -> None:
        """End the one under the cursor of the silences."""
        silence = self.query_one(Silences).current
        if self.pane != "silences" or silence is None:
            text = f"{self.look.key('silences')} goes to the silences; there it ends one."
            self.notify(text, title="Alerts", timeout=3, markup=False)
        elif not self._refused():
            self.quieting.end_silence(silence.id)

    @property
    def _current(self) -> tuple[AlertStatus, float] | None:
        """The alert under the cursor, and the moment that it is about (0 is now)."""
        if self.pane == "history":
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

    def action_acknowledge(self) -> None:
        """The cursor goes on to the next one that somebody is told of: the row that is now
        acknowledged sinks among the muted ones, and a silence was not meant for these."""
        table, mutes = self.instances, self.instances.mutes
        here = table.current if self.pane == LISTS[0] else None
        super().action_acknowledge()
        if (
            self.quieting.refusal()
            or here is None
            or here.state != "firing"
            or kind_of(here, mutes)
        ):
            return
        loud = [n for n, a in enumerate(table.items)
                if a.state == "firing" and not kind_of(a, mutes) and n != table.cursor]  # fmt: skip
        after = [n for n in loud if n > table.cursor] or loud
        if after:
            table.go(after[0])

    def action_drill(self) -> None:
        """The overview of what the alert is about; a silence in full."""
        if self.pane == "silences":
            silence = self.query_one(Silences).current
            if silence is not None:
                from costtui.tui.screens.full_text import FullTextScreen

                name = f"silence {silence.id}"
                text = in_full(silence, self.look, self.query_one(Silences).now)
                self.post_message(Push(lambda look, shown: FullTextScreen(look, shown, name, text)))
            return
        state = self._about()
        if state is not None:
            change(self, state)
            self.post_message(Open("overview"))

    def action_why(self) -> None:
        from costtui.tui.screens.why import WhyScreen

        state = self._about()
        if state is not None:
            self.post_message(Push(lambda look, shown: WhyScreen(look, shown, about=state)))

    def alerts_here(self) -> Sequence[AlertStatus]:
        """As it is now, also where the cursor stands on what it was."""
        if self._current is None or self.pane not in LISTS[:2]:
            return ()
        status, _ = self._current
        now = self.shown.overview.alerts if self.shown.overview is not None else ()
        return [a for a in now if (a.rule, a.labels) == (status.rule, status.labels)]

    def matchers_here(self) -> tuple[Matcher, ...]:
        if self._current is None or self.pane not in LISTS[:2]:
            return ()
        from costtui.engine.muting import matchers_of

        return matchers_of(self._current[0])

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
        if self.pane == "silences":
            table = self.query_one(Silences)
            return mute_sheet.silences(view, table.items, table.now)
        if self.pane == "notifiers":
            return mute_sheet.notifiers(view, self.query_one(Notifiers).items)
        instances = self.instances
        made = alerts(view, instances.items, self.look.consumer)
        return mute_sheet.with_mutes(made, instances.items, instances.mutes)

    def value(self) -> str:
        """What `y` copies."""
        silence, health = self.query_one(Silences).current, self.query_one(Notifiers).current
        if self.pane == "silences":
            return str(silence.id) if silence is not None else ""
        if self.pane == "notifiers":
            return outside(health.error or health.name) if health is not None else ""
        return outside(self._current[0].rule) if self._current else ""
