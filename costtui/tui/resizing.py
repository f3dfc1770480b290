"""A change of size must end in a whole screen of the right size.

Three ways in which it does not. The first two were seen in a stress test that changes the size in
bursts: 11 of 340 ended in a mess.

- Signals nest. Textual reads the size in its handler of SIGWINCH; a second signal that interrupts
  the first one's handler reads the newer size and posts it first. So the size is read when the
  event is handled: whatever the order, the last event handled reads the last size.
- There and back. The terminal was smaller for a moment and lost what did not fit, but when the
  event is handled it has its old size again. Textual lays out, finds nothing changed, and paints
  nothing. The same happens when Textual joins two events into one. So the whole screen is painted
  once more when the size has come to rest.
- A screen posts its own size to itself after each layout; between two changes that event can be
  handled after the newer one. So the size of each screen is compared with the app's, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.css.query import NoMatches
from textual.events import Event, Resize
from textual.geometry import Size

from costtui.tui import terminal
from costtui.tui.look import Line, Look
from costtui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.timer import Timer

REST = 0.05
"""Seconds without a change after which a size is taken for final."""
SMALLEST = Size(40, 8)
"""Below this there is no screen that says anything: a title, three lines, the keys."""


class TooSmall(Lines):
    """One line instead of a mess."""

    DEFAULT_CSS = """
    TooSmall { overlay: screen; position: absolute; width: 100vw; height: 100vh; }
    """

    def lines(self, size: Size) -> list[Line]:
        text = f"too small: {size.width}x{size.height}, needs {SMALLEST.width}x{SMALLEST.height}"
        if size.width < len(text):
            text = "too small"
        above = [Line(self.look)] * ((size.height - 1) // 2)
        return [*above, Line(self.look).put(text, "warn")]


class Fitting(App[int]):
    """An app whose screen fits its terminal."""

    look: Look
    drew = False
    """Has the terminal been ours?"""
    _resting: Timer | None = None
    _changed = False

    def terminal_size(self) -> tuple[int, int] | None:
        """(columns, lines) of the terminal; None where there is none to ask."""
        return None if self.is_headless else terminal.size()

    @property
    def _background_screens(self) -> list[Screen[object]]:
        """Screens that can be seen under the top one. Textual counts the next one also where the
        top one is opaque, and would repaint on the top one whatever changes under it."""
        if self._screen_stack and self._screen_stack[-1].styles.background.a == 1:
            return []
        return super()._background_screens

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Resize):
            found = self.terminal_size()
            now = Size(*found) if found is not None else event.size
            if not now:
                return  # the terminal is gone; SIGHUP ends us
            if self._changed:
                self._changed = False
                self._rest()
            event = Resize(now, now, pixel_size=event.pixel_size)
        await super().on_event(event)

    def size_changed(self) -> None:
        """The kernel said so, or the terminal was somebody else's for a while. (The sizes that
        Textual tells at the start are of a screen on which there is nothing yet.) A mark and not
        another kind of event: of two Resize events that wait, Textual drops the first."""
        self._changed = True
        self.post_message(Resize(self.size, self.size))

    def _rest(self) -> None:
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self.settle)

    def on_resize(self, event: Resize) -> None:
        """The screens are told by Textual, a moment later; `App.size` is still the former."""
        self.fit(event.size)

    def settle(self) -> None:
        """The size has come to rest: paint everything at that size."""
        self._resting = None
        if not self._screen_stack:
            return
        found = self.terminal_size()
        if found is not None and Size(*found) != self.size:
            self.size_changed()  # that event still waits: this machine is busy
            return
        self.fit()
        for screen in (*self._background_screens, self.screen):
            if screen._compositor.size != self.size:  # `Screen.size` is the app's
                screen.post_message(Resize(self.size, self.size))
        self.screen.refresh()

    def action_redraw(self) -> None:
        """Something else wrote on the terminal: `wall`, the kernel, a job in the background."""
        take_back = getattr(self._driver, "take_back", None)
        if take_back is not None:
            take_back()
        self.settle()

    def fit(self, size: Size | None = None) -> None:
        """Cover what does not fit `size`, which is the app's."""
        if not self._screen_stack:
            return
        width, height = size or self.size
        small = width < SMALLEST.width or height < SMALLEST.height
        for screen in self.screen_stack:
            self._cover(screen, small=small)

    def _cover(self, screen: Screen[object], *, small: bool) -> None:
        if not screen.is_mounted:
            return
        try:
            cover = screen.query_one(TooSmall)
        except NoMatches:
            if small:
                screen.mount(TooSmall(self.look))
        else:
            cover.display = small
