"""A resize storm must end in a whole screen of the right size.

Seen twice in the end-to-end test under load, cause not found: after several changes of size in a
row the screen kept pieces of a former frame. So at each tick the size is compared with the
terminal's own, and after a change everything is drawn once more.
"""

from __future__ import annotations

import os

from textual.app import App
from textual.events import Resize
from textual.geometry import Size


class Resizing:
    """Remembers the size at the last tick."""

    def __init__(self) -> None:
        self._drawn: Size | None = None

    def settle(self, app: App[int]) -> None:
        """Bring the screen to the terminal's size; nothing when that has not changed."""
        if app.is_headless:
            return
        try:
            terminal = Size(*os.get_terminal_size(2))
        except OSError:
            return  # the terminal is gone; SIGHUP ends us
        if terminal != app.size:
            app.post_message(Resize(terminal, terminal))
        elif self._drawn is not None and self._drawn != terminal:
            app.screen.refresh(layout=True)
        self._drawn = app.size
