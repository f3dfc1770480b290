"""Keys that change what the user is looking at, or take it away: steps from state to state."""

from __future__ import annotations

import os
from datetime import tzinfo
from pathlib import Path

from costtui.engine.clock import Clock
from costtui.model.timewindow import ceil_minute
from costtui.tui import format as fmt
from costtui.tui.messages import Filtered, StateChanged, Travelled
from costtui.tui.navigation import Navigation
from costtui.tui.screens.overview import OverviewScreen
from costtui.tui.shown import Shown
from costtui.tui.state import State


class Steps(Navigation):
    """The app's half that knows keys. The other half, which asks and shows, is `CosttuiApp`."""

    state: State
    clock: Clock
    export_dir: Path | None
    _zone: tzinfo

    # What the other half says ---------------------------------------------------------------

    def _key(self) -> object:
        """What numbers depend on: equal keys need no new question."""
        raise NotImplementedError

    def ask_overview(self, *, mark: bool = True) -> None:
        raise NotImplementedError

    def _refresh_others(self, *, asked: bool = True) -> None:
        raise NotImplementedError

    def show(self, shown: Shown) -> None:
        raise NotImplementedError

    def moved(self, before: State, after: State) -> None:
        """The user is about to be somewhere else."""
        raise NotImplementedError

    @property
    def overview_screen(self) -> OverviewScreen:
        raise NotImplementedError

    # State ----------------------------------------------------------------------------------

    def on_state_changed(self, message: StateChanged) -> None:
        self.go(message.state)

    def go(self, state: State) -> None:
        """Another state: shown at once, asked for where the numbers differ."""
        self.moved(self.state, state)
        before, self.state = self._key(), state
        self.show(self.shown._replace(state=state))
        if self._key() != before:
            self.ask_overview()
            self._refresh_others()

    def action_window(self, name: str) -> None:
        self.go(self.state.with_window(name))

    def action_earlier(self) -> None:
        earlier = self.state.earlier(self.clock.now(), self._zone)
        why = self.too_early(earlier)
        if why or earlier == self.state:
            self._refuse(why or "This is as far back as it goes.")
        else:
            self.go(earlier)

    def _refuse(self, why: str) -> None:
        self.notify(why, title="Time", timeout=4, markup=False)

    def too_early(self, state: State) -> str:
        """Why there is nothing to see that far back: before 1970, or before the first usage of the
        store; `""` where there may be."""
        window = state.view(self.clock.now(), self._zone).window
        overview = self.shown.overview
        earliest = overview.earliest if overview is not None else 0.0
        if earliest and window.end <= earliest:
            first = fmt.day_and_minute(earliest, self._zone)
            return f"Usage begins on {first}: there is nothing before that."
        return "There is nothing before 1970." if window.start < 0 else ""

    def action_later(self) -> None:
        self.go(self.state.later(self.clock.now(), self._zone))

    def action_live(self) -> None:
        self.go(self.state.live())
        self.ask_overview()

    def action_pause(self) -> None:
        self.go(self.state._replace(paused=not self.state.paused))
        if not self.state.paused:
            self.ask_overview()

    def action_refresh(self) -> None:
        self.ask_overview()
        self._refresh_others()

    def action_climb(self) -> None:
        let_go = getattr(self.screen, "let_go", None)
        if let_go is not None and let_go():
            return
        if len(self.screen_stack) > 1:
            self.pop_screen()
            return
        step, zoom = self.state.climb(), self.state.zoom
        if step is not None:
            state, row = step
            mark = self.state.trail[-1]
            if mark.place is not None and zoom is not None:
                self.overview_screen.zoomed_out(zoom[0])
            else:
                self.overview_screen.climbed(row)
            self.go(state)
            if mark.screen:
                self.action_goto(mark.screen)

    def travel(self, text: str) -> None:
        """Go to a moment as it is typed (`:at`). Raises ValueError with a reason to show."""
        from costtui.tui.moments import parse_moment

        moment = parse_moment(text, self.clock.now(), self._zone)
        why = self.too_early(self.state.at(moment))
        if why:
            raise ValueError(why)
        self.go_to(moment)

    def go_to(self, moment: float) -> None:
        """Show what was at `moment`, epoch seconds; live where that is this minute or later."""
        past = ceil_minute(moment) < ceil_minute(self.clock.now())
        self.go(self.state.at(moment if past else 0.0))

    def on_travelled(self, message: Travelled) -> None:
        why = self.too_early(self.state.at(message.moment))
        if why:
            self._refuse(why)
        else:
            self.go_to(message.moment)

    def action_at(self) -> None:
        """The line that asks for a moment."""
        from costtui.tui.widgets.atbar import AtBar
        from costtui.tui.widgets.filterbar import FilterBar

        screen = self.screen
        if getattr(screen, "where", "help") != "help" and not screen.query(FilterBar):
            screen.mount(AtBar(screen.focused, self.clock, self._zone))

    def action_filters(self) -> None:
        from costtui.tui.screens.filters import FilterList

        self.push_screen(FilterList(self.look, self.shown))

    # Take away ------------------------------------------------------------------------------

    def action_export(self, kind: str) -> None:
        from costtui.tui import takeaway

        places = takeaway.folders(self.export_dir, os.environ)
        takeaway.export(self, kind, places, self.clock.now(), self._zone)

    def action_copy(self) -> None:
        from costtui.tui import takeaway

        takeaway.copy(self)

    def on_filtered(self, message: Filtered) -> None:
        self.go(self.state.filtered(message.filter))
