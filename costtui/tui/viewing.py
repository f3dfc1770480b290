"""Saved views and what is remembered: where one starts, and by which name that is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from costtui.config.schema import tag_names
from costtui.tui import place
from costtui.tui.bindings import KEYS, Key
from costtui.tui.commanding import Commanding
from costtui.tui.navigation import SCREENS
from costtui.tui.state import State

if TYPE_CHECKING:
    from costtui.config.schema import Config
    from costtui.tui.habits import Habits, View


class Viewing(Commanding):
    """The app's part that knows places by name."""

    config: Config
    habits: Habits
    usual = State()
    """Where a start is that nothing is remembered for: as configured."""
    first_theme = ""
    """The theme that was put on at the start."""
    first_screen = ""
    """The screen to open at the start; `""` is the overview."""
    keys: Sequence[Key] = KEYS
    """The bindings, with the user's own keys."""
    _view: tuple[str, View] | None = None
    """The view that was opened last; its name is shown while one is in it."""
    _view_asked = False
    """The command line named a view: this run is of that, and no start for the next one."""
    _opening = False
    _before_reset: State | None = None
    """Where the user was when everything was put back; `:back` goes there."""

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The names of the tags that consumers have."""
        return tag_names(self.config.consumers)

    def set_keys(self, keymap: Mapping[str, tuple[str, ...]]) -> None:
        """Give the user's keys to Textual and to whatever shows keys."""
        if keymap:
            from costtui.tui.keymap import applied, for_textual

            self.keys = applied(keymap)
            self.set_keymap(for_textual(keymap))

    # Start and end --------------------------------------------------------------------------

    def starting_state(self, window: str | None, view: str) -> tuple[State, str]:
        """Where to start and on which screen: a view, or what is remembered, over what is
        configured. Raises UsageError when there is no such view."""
        state, screen = self._usual(window)
        if view:
            found = self.habits.view(view)
            self._view, self._view_asked = (view, found), True
            state = _of_view(state, found, self.tags)
            if window:
                state = state.with_window(window)
            screen = str(found.get("screen") or "overview")
        return state, screen if screen in SCREENS else ""

    def _usual(self, window: str | None) -> tuple[State, str]:
        kept = self.habits.remembered()
        self.usual = State(window=window or self.config.display.window)
        state = place.laid_on(self.usual, kept, self.tags)
        if window:
            state = state.with_window(window)
        return state, str(kept.get("screen", ""))

    def open_first_screen(self) -> None:
        if self.first_screen:
            self.action_goto(self.first_screen)
            self._sort_screen(self._view[1] if self._view else {})

    def starts_like_this(self) -> bool:
        """Would the next start show what is on screen? Only then may it show this frame first."""
        if self._view_asked:
            return False
        state, screen = self._usual(None)
        theme = self.habits.remembered_theme() or self.first_theme
        same = place.taken(state) == place.taken(self.state)
        same = same and not self.state.past
        return same and screen in ("", "overview") and (theme == self.theme or self.no_color)

    def moved(self, before: State, after: State) -> None:
        """Remember what the user chose by a key or a command."""
        if not self._opening:
            for name in place.FIELDS:
                value = getattr(after, name)
                if value != getattr(before, name):
                    self.habits.note(name, value)

    def keep_habits(self) -> None:
        """At the end: what was chosen, and where one is. A view is a visit."""
        if self._screen_stack and not self.view_name(self.state):
            self.habits.note("screen", self._screen_name())
        if self.theme != self.first_theme and not self.looking:
            self.habits.note("theme", self.theme)
            self.first_theme = self.theme
        self.habits.keep()

    def action_reset(self) -> None:
        """Everything as configured: filters, period, group, unit, order, chart, comparison. Once
        more does nothing: who presses it to be sure must not end up where he was."""
        state = self.state
        start = self.usual._replace(proposed=state.proposed)
        screens = [screen for screen in self.screen_stack if screen.is_mounted]
        moved = [screen.as_at_start() for screen in screens if hasattr(screen, "as_at_start")]
        text = f"As configured: {self.usual.window}, no filter. :back goes to where you were."
        if state._replace(trail=()) == start:
            text = f"As configured{'.' if any(moved) else ' already.'}"
        else:
            self._before_reset = state
            self.go(self.usual)
            if state.paused:
                self.ask_overview()
        self.notify(text, title="View", timeout=4, markup=False)

    def before_reset(self, _: str = "") -> None:
        """To where the user was when everything was put back (`:back`). Raises ValueError."""
        before = self._before_reset
        if before is None:
            raise ValueError(f"nothing was put back with {self.look.key('reset')}")
        self._before_reset = None
        self.go(before)

    # Views ----------------------------------------------------------------------------------

    def _screen_name(self) -> str:
        """The name of the screen above the overview; `overview` without one."""
        for screen in self.screen_stack[1:2]:
            where = str(getattr(screen, "where", ""))
            return where if where in SCREENS and where != "views" else "overview"
        return "overview"

    def view_name(self, state: State) -> str:
        """The view that `state` is exactly, of that which was opened last."""
        return self._view[0] if self._view and _is(state, self._view[1], self.tags) else ""

    def action_views(self) -> None:
        self.action_goto("views")

    def open_view(self, name: str) -> None:
        """Go to a view. Raises ValueError when there is none of this name."""
        found = self.habits.views().get(name)
        if found is None:
            raise ValueError(f"no view is called {name}")
        self._view, self._opening = (name, found), True
        try:
            self.go(_of_view(self.state, found, self.tags))
        finally:
            self._opening = False
        screen = str(found.get("screen") or "overview")
        if screen in SCREENS:
            self.action_goto(screen)
            self._sort_screen(found)
        else:
            self.action_overview()

    def save_view(self, name: str) -> None:
        """Keep where one is. Raises ValueError with what is wrong."""
        name = name.strip()
        filters = place.filters_text(self.state)
        view: View = {"screen": self._screen_name(), **place.taken(self.state), "filters": filters}
        if isinstance(self.screen, place.Sortable):
            view |= self.screen.sorting()
        again = self.habits.save(name, view)
        self._view = (name, view)
        self.show(self.shown)
        self.notify(f"{'Saved again' if again else 'Saved'}: {name}. :view {name} comes back here.",
                    title="View", markup=False)  # fmt: skip

    def forget_view(self, name: str) -> None:
        """Raises ValueError with what is wrong."""
        self.habits.forget(name)
        if self._view is not None and self._view[0] == name:
            self._view = None
        self.show(self.shown)
        self.notify(f"Forgot {name}", title="View", timeout=3, markup=False)

    def _sort_screen(self, view: Mapping[str, Any]) -> None:
        """The order of a screen that has its own."""
        sort, reverse = str(view.get("sort") or ""), bool(view.get("reverse"))
        if sort:
            # behind its mounting: before that it has no table
            self.screen.call_after_refresh(self.sort_screen, sort, reverse=reverse)

    def sort_screen(self, column: str, *, reverse: bool = False) -> None:
        """Sort the present screen, if it can be sorted by this."""
        screen = self.screen
        if isinstance(screen, place.Sortable) and column in screen.sorts():
            screen.sort_to(column, reverse=reverse)


def _of_view(state: State, view: Mapping[str, Any], tags: Sequence[str]) -> State:
    filters = view.get("filters")
    given = filters if isinstance(filters, list | tuple) else ()
    # a zoom is of a moment, and a view has none
    state = place.filtered(state._replace(zoom=None), given, tags)
    return place.laid_on(state, view, tags)


def _is(state: State, view: Mapping[str, Any], tags: Sequence[str]) -> bool:
    """Is this exactly the view?"""
    view_state = _of_view(state, view, tags)
    return not state.past and view_state._replace(trail=()) == state._replace(trail=())
