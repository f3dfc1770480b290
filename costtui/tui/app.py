"""The application: keys in, questions to the reader's thread, answers to the screen.

Nothing here waits. A key changes the state and asks; until the answer comes the screen shows what
it has, marked when that takes longer than a glance. With nothing new there is no query and no
output at all.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual.screen import Screen
from textual.timer import Timer

from costtui.config.schema import Config, tag_names
from costtui.engine.clock import Clock, SystemClock
from costtui.engine.zone import zone_of
from costtui.model.snapshot import Overview
from costtui.model.timewindow import MINUTE
from costtui.tui import hurry, theming
from costtui.tui.alarm import Alarm
from costtui.tui.bindings import textual_bindings
from costtui.tui.crashing import Crashing
from costtui.tui.data import Answer, Data, Desk, consumer_names
from costtui.tui.driver import driver_for
from costtui.tui.ending import end_on_signals
from costtui.tui.firstrun import FirstConfig, FirstRun
from costtui.tui.glyphs import glyphs_for
from costtui.tui.habits import Habits
from costtui.tui.look import Look
from costtui.tui.messages import Answered, Ask, OwnAnswer
from costtui.tui.month_end import KIND as MONTH_END
from costtui.tui.month_end import MonthEnds
from costtui.tui.palette import Palette
from costtui.tui.quieting import Quieting
from costtui.tui.rates import Rates
from costtui.tui.screens.overview import OverviewScreen
from costtui.tui.shown import Shown
from costtui.tui.theme_watch import ThemeWatch
from costtui.tui.viewing import Viewing
from costtui.tui.watch import News, Watch
from costtui.tui.widgets.health import states_moved

_LOG = logging.getLogger(__name__)
HERE = Path(__file__).parent
FIRST_ANSWER_WAIT = 0.2
"""Seconds that mounting waits for the first answer: painting an empty screen and then a full one
costs 15 ms more. A million requests are read in 0.07-0.1 s."""
GLANCE = 0.15
"""Seconds after which an open question is marked on the screen."""
STARTING = 10.0
"""Seconds that a new collector gets before its silence is called stale."""
QUICK = 0.2
"""Seconds between two looks while nothing has arrived yet: the first numbers are waited for."""
RETRY = 3.0
"""Seconds between two tries to read a store that could not be read."""


class CosttuiApp(Crashing, Quieting, Viewing):
    """costtui on a terminal. `run()` returns the exit code."""

    TITLE = "costtui"
    # Textual loads no CSS_PATH of a default screen.
    CSS_PATH: ClassVar = [HERE / "app.tcss", HERE / "screens" / "overview.tcss"]
    BINDINGS = textual_bindings("app")
    ALLOW_SELECT = False

    def __init__(
        self,
        data_factory: Callable[[], Data],
        *,
        config: Config,
        clock: Clock | None = None,
        ensure_collector: Callable[[], str | None] | None = None,
        theme: str | None = None,
        themes_dir: Path | None = None,
        ascii_only: bool | None = None,
        encoding: str = "utf-8",
        window: str | None = None,
        export_dir: Path | None = None,
        wait_for_first: float = FIRST_ANSWER_WAIT,
        sample_config: str = "sample-config.yml",
        keep_screen: Callable[[str, int, int], None] | None = None,
        painted: bool = False,
        first: FirstConfig | None = None,
        greeting: str = "",
        habits: Habits | None = None,
        view: str = "",
        warning: str = "",
        readonly: bool = False,
    ) -> None:
        """`data_factory` is called in the reader's thread, again after an error.

        `ensure_collector` starts a collector unless one runs and returns why that failed, or
        None; it is called every refresh, in the reader's thread. `theme`, `ascii_only` and
        `window` override the configuration. `export_dir` is where exports go instead of the
        current directory. `keep_screen` takes the last frame and its size; `painted` says that
        the alternate screen is on and shows an old one. `first` is what can be done without a
        configuration; `greeting` is said at the start, and `warning`. `habits` are saved views and
        remembered settings, `view` the view to start in. `readonly` writes nothing to the store.
        Raises UsageError when there is no such view.
        """
        no_color = os.environ.get("NO_COLOR") is not None
        super().__init__(ansi_color=True if no_color else None)
        self.animation_level = "none"
        self.config, self.readonly = config, readonly
        self.rates = Rates(config)
        self.clock = clock or SystemClock()
        self.export_dir = export_dir
        self._keep_screen = keep_screen
        self.warning = warning
        self.driver_class = driver_for(self.driver_class, painted=painted)
        self._wait_for_first = wait_for_first
        self.themes_dir = themes_dir
        ascii_wanted = config.display.ascii if ascii_only is None else ascii_only
        self.habits = habits or Habits()
        self.set_keys(dict(config.keymap))
        self.state, screen = self.starting_state(window, view)
        self._desk = Desk(data_factory)
        self.watch_store = Watch(ensure_collector)
        zone = zone_of(config.timezone)
        self._zone = zone
        self._alarm = Alarm(self, config.display.alerts)
        self._asked_minute = 0
        self._failed_at = 0.0
        self._glance: Timer | None = None
        self._restore_signals: Callable[[], None] = lambda: None
        self._theme_watch = ThemeWatch()
        self._month_ends = MonthEnds(self.clock.now())
        self._first = FirstRun(first)
        self._greeting = greeting
        self._desk.start()
        self.ask_overview(mark=False)
        notice = theming.first(
            self, theme, config.display.theme, themes_dir, self.habits.remembered_theme()
        )
        self.first_screen, self.first_theme = screen, self.theme
        self.look = Look(
            Palette(self.theme_variables),
            glyphs_for(ascii_only=ascii_wanted, encoding=encoding),
            zone,
            consumer_names(config.consumers),
            tag_names(config.consumers),
            self.keys,
        )
        self.set_class(self.look.glyphs.ascii, "-ascii")
        self.shown = Shown(
            self.state,
            configured=bool(config.sources),
            rules=len(config.alerts),
            alert_rules=config.alerts,
            budgets=config.budgets,
            notifiers=config.notifiers,
            notice=notice,
            starting=ensure_collector is not None,
            sample_config=sample_config,
            config_file=", ".join(str(file) for file in config.files),
            view_name=self.view_name(self.state),
            usual=self.usual,
        )

    # Start and end --------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        answer = self._desk.take_early("overview", self._wait_for_first)
        if answer is not None:
            self._take(answer)
        return OverviewScreen(self.look, self.shown, self.size)

    def on_mount(self) -> None:
        self._desk.attach(lambda answer: self.post_message(Answered(answer)))
        self.theme_changed_signal.subscribe(self, lambda _: self._new_palette())
        self.set_interval(max(0.2, self.config.display.refresh), self.tick)
        self._quick = self.set_interval(QUICK, self._look_quickly)
        # After the first paint: a collector that starts takes a processor for a moment.
        self.call_after_refresh(self._look)
        if self.shown.starting:
            self.set_timer(STARTING, lambda: self.show(self.shown._replace(starting=False)))
        if not self.is_headless:
            import asyncio

            self._restore_signals = end_on_signals(asyncio.get_running_loop(), self.exit)
            self.call_after_refresh(hurry.started)
        self.open_first_screen()
        for title, text in (("Theme", self.shown.notice), ("Keys", self.warning)):
            if text:
                self.call_after_refresh(
                    self.notify, text, title=title, severity="warning", markup=False, timeout=10
                )

        if self._greeting:
            self.call_after_refresh(
                self.notify, self._greeting, title="Configuration", timeout=12, markup=False
            )
        self._first.shown(self)

    def exit(self, result: int | None = None, return_code: int = 0, message: Any = None) -> None:
        self.keep_habits()
        if self._keep_screen is not None and not self.is_headless:
            from costtui.tui.takeaway import last_frame

            frame = last_frame(self)
            if frame:
                self._keep_screen(frame, *self.size)
        super().exit(result, return_code, message)

    def on_unmount(self) -> None:
        self._restore_signals()
        self._alarm.close()
        self._desk.close()

    async def settled(self) -> None:
        """Until every question asked so far has been answered; for tests and `--once`."""
        import asyncio

        await asyncio.to_thread(self._desk.idle)

    # Questions ------------------------------------------------------------------------------

    @property
    def overview_screen(self) -> OverviewScreen:
        screen = self.screen_stack[0]
        assert isinstance(screen, OverviewScreen)
        return screen

    def _key(self) -> object:
        state = self.state
        return state.place, state.filters, frozenset(state.panels)

    def ask_overview(self, *, mark: bool = True) -> None:
        """Ask for what the state says. `mark` says on screen when it takes a while."""
        now = self.clock.now()
        view, panels = self.state.view(now, self._zone), self.state.panels
        self._asked_minute = int(now) // MINUTE
        read = self.watch_store.overview
        self._desk.ask("overview", lambda data: read(data, view, now, panels), self._key())
        if mark and self._glance is None:
            self._glance = self.set_timer(GLANCE, self._mark_pending)

    def on_ask(self, message: Ask) -> None:
        """A screen's own question; the answer goes to its `answered`."""
        now = self.clock.now()
        view = self.state.view(now, self._zone)
        job = message.job
        self._desk.ask(message.kind, lambda data: job(data, view, now), message.tag)

    def _mark_pending(self) -> None:
        if self._glance is not None:
            self._glance.stop()
            self._glance = None
        self.show(self.shown._replace(pending=True))

    def tick(self) -> None:
        """Look for something new. Costs one `PRAGMA data_version` when there is nothing."""
        self._theme_watch.look(self, self.themes_dir, self.clock.monotonic())
        now = self.clock.now()
        if (self.shown.error and now - self._failed_at >= RETRY) or (
            not self.state.paused
            and not self.state.past
            and (int(now) // MINUTE != self._asked_minute)
        ):
            self.ask_overview(mark=False)
        overview = self.shown.overview
        live = overview is not None and overview.view.window.live
        if overview is not None and live and not self.state.paused and states_moved(overview, now):
            self.show(self.shown._replace(overview=replace(overview, taken_at=now)))
        self._month_ends.look(self.shown, now, self._zone, self._desk.ask)
        self._look()

    def _look(self, *, ensure: bool = True) -> None:
        now = self.clock.now()
        self._desk.ask("check", lambda data: self.watch_store.check(data, now, ensure=ensure))

    def _look_quickly(self) -> None:
        if self.shown.condition == "ready":
            self._quick.stop()
        elif self.shown.condition != "error":
            self._look(ensure=False)

    def on_answered(self, message: Answered) -> None:
        answer = message.answer
        if answer.kind == "check":
            self._checked(answer)
        elif answer.kind == "overview":
            if answer.tag == self._key():
                self._take(answer)
                self.show(self.shown)
        elif answer.kind == MONTH_END:
            self.show(self._month_ends.laid_on(self.shown, answer))
        elif isinstance(answer.tag, OwnAnswer):
            answer.tag.answered(answer)
        elif answer.error is not None:
            self._fail(answer.error)
        elif answer.kind == "firing":
            self._alarm.look_back(answer.value)
        else:
            for screen in self.screen_stack:
                handler = getattr(screen, "answered", None)
                if handler is not None and screen.is_mounted:
                    handler(answer)

    def _checked(self, answer: Answer) -> None:
        if answer.error is not None:
            self._fail(answer.error)
            return
        news = answer.value
        assert isinstance(news, News)
        shown = news.laid_on(self.shown, self.clock.now())
        if shown is not self.shown:
            self.show(shown)
        if news.changed and not self.state.paused:
            self.ask_overview(mark=False)
            self._refresh_others(asked=False)
            if self.state.past:  # whoever looks back still hears what fires now
                self._desk.ask("firing", lambda d: (d.alerts(), d.silences(), d.acks()))

    def _refresh_others(self, *, asked: bool = True) -> None:
        for screen in self.screen_stack[1:]:
            handler = getattr(screen, "store_changed", None)
            if handler is not None and screen.is_mounted:  # or it asks when it is
                handler(asked=asked)

    def _fail(self, error: BaseException) -> None:
        self._failed_at = self.clock.now()
        text = str(error) or type(error).__name__
        if text != self.shown.error:
            _LOG.error("%s", text)
            self.show(self.shown._replace(error=text))

    def _take(self, answer: Answer) -> None:
        """An overview came, or why it did not."""
        if self._glance is not None:
            self._glance.stop()
            self._glance = None
        if isinstance(answer.value, Overview):
            # The panels are in the answer whichever of them is the big one.
            self.state = self.state.settled(Shown(self.state, answer.value).single)
            self.shown = self.shown._replace(
                state=self.state, overview=answer.value, pending=False, error=""
            )
            if answer.value.view.window.live:  # what fired in the past does not ring now
                self._alarm.look_at(self.shown, past=False)
        elif answer.error is not None:
            self._failed_at = self.clock.now()
            text = str(answer.error) or type(answer.error).__name__
            if text != self.shown.error:
                _LOG.error("%s", text)
            self.shown = self.shown._replace(state=self.state, error=text, pending=False)

    def show(self, shown: Shown) -> None:
        """Put this on screen."""
        self.shown = shown = shown._replace(view_name=self.view_name(shown.state))
        if self._screen_stack:
            self.overview_screen.show(shown)
            for screen in self.screen_stack[1:]:
                if not hasattr(screen, "show"):
                    continue
                if screen.is_mounted:
                    screen.show(shown)
                else:  # opened by the key before this one: it has no widgets yet
                    screen.call_later(self._show_late, screen)
            self._first.shown(self)

    def _show_late(self, screen: Any) -> None:
        """A screen has been mounted; what it was made from may be old by now."""
        if screen.is_mounted and screen in self.screen_stack:
            screen.show(self.shown)

    def on_start_config(self) -> None:
        self._first.begin(self)

    # Theme ----------------------------------------------------------------------------------

    def action_next_theme(self) -> None:
        theming.following(self, self.themes_dir)

    def action_choose_theme(self) -> None:
        if self.no_color:
            theming.following(self, self.themes_dir)  # says why there is nothing to choose
            return
        from costtui.tui.screens.themes import ThemesScreen

        if not isinstance(self.screen, ThemesScreen):
            self.push_screen(ThemesScreen(self.look, self.shown, self.themes_dir))

    def _new_palette(self) -> None:
        from costtui.tui.widgets.lines import Lines

        self.look.palette = Palette(self.theme_variables)
        for screen in self.screen_stack:
            for widget in screen.query(Lines):
                widget.forget()
