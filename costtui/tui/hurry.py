"""What makes a start quick and keys quick after it, without being asked: the collector of cycles is
kept away, and the other windows are read while nobody asks for anything."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from costtui.model.timewindow import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer

    from costtui.tui.app import CosttuiApp
    from costtui.tui.data import Data, Desk

EVERY = 0.3
"""Seconds between two looks whether there is time to read ahead."""
REST = 4
"""Looks in a row at which nothing was asked, before it begins."""
WIDE = 1000
"""Rows of a panel from which nothing is read ahead: each window would take half a second, and put
out of memory what the one on screen needs."""


@contextmanager
def starting() -> Iterator[None]:
    """Importing and mounting make a hundred thousand objects that stay. Looking through them for
    cycles again and again takes 32 of 407 ms until the first figure."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def started() -> None:
    """The first screen is painted: what is there now stays, and is left out of all later looks."""
    gc.freeze()
    gc.enable()


class Ahead:
    """Reads each of the other windows once, so that the first key to one finds most of it in
    memory (a million requests: 3 ms in place of 25-105)."""

    def __init__(self, app: CosttuiApp, desk: Desk) -> None:
        self._app, self._desk = app, desk
        self._left: Sequence[str] = [window.name for window in WINDOWS]
        self._state: object = None
        self._rested = 0
        self._timer: Timer = app.set_interval(EVERY, self._look)

    def _look(self) -> None:
        state, overview = self._app.state, self._app.shown.overview
        quiet = state is self._state and not state.past and overview is not None
        self._rested = self._rested + 1 if quiet else 0
        self._state = state
        if (
            overview is not None
            and max((len(b.groups) for b in overview.breakdowns), default=0) >= WIDE
        ):
            self._left = ()
        if not self._left:
            self._timer.stop()
        elif self._rested >= REST:
            name, *left = self._left
            if name == state.window or self._desk.ask_idle("ahead", self._read(name)):
                self._left = left

    def _read(self, name: str) -> Callable[[Data], None]:
        app = self._app
        now = app.clock.now()
        state = app.state.with_window(name)
        view = state.view(now, app.look.zone)
        panels = state.panels

        def read(data: Data) -> None:
            data.overview(view, now, panels)

        return read
