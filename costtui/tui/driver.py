"""The terminal as we found it: Textual's driver, and what it leaves open.

Nothing is asked of the terminal. Textual asks two questions at its start (`?2026$p`, `?2048$p`);
whoever quits before the answers come, as over a satellite or when `q` is typed ahead, finds them
typed into the shell. The first one's answer is not needed, because a terminal that does not know
the mode ignores it; the second one's would replace SIGWINCH, which is enough.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import threading
from typing import Any, ClassVar

from textual.driver import Driver
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver

from costtui.tui.lastscreen import ENTER
from costtui.tui.pasting import PasteParser
from costtui.tui.resizing import Fitting

_IN_ORDER = "\x1b[8l"
"""ECMA-48 BDSM, explicit: a terminal that reorders right-to-left text would move the numbers behind
a Hebrew name to its other side. A cell stays where it was put."""
_BY_ITSELF = "\x1b[8h"
_POINTER = "\x1b]22;"
"""OSC 22, the shape of the mouse's pointer: Textual sets it also where it has no mouse."""
_MODES = "\x1b[?25l\x1b[?1004h\x1b[?2004h\x1b[?7l" + _IN_ORDER
"""No cursor, focus and pastes told, no wrapping at the right edge."""
_PLAIN = "\x1b(B\x0f\x1b[4l\x1b[?6l\x1b[r\x1b[0m"
"""What a binary file on the terminal may have switched: letters drawn as lines, insert mode, a part
that scrolls, colours. The soft reset (DECSTR) would do it in four bytes; the Linux console has
none."""


class TerminalDriver(LinuxDriver):
    """Draws on the terminal and gives it back."""

    painted: ClassVar[bool] = False
    """Is the alternate screen on already, with something on it?"""
    _watching: threading.Thread | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._stopped = self._ended = False
        self._entered = not self.painted
        super().__init__(*arguments, **options)

    def write(self, data: str) -> None:
        if data == ENTER and not self._entered:
            # some terminals clear the alternate screen when they are told to enter it again
            self._entered = True
            return
        if data.startswith(_POINTER) and not self._mouse:
            return
        super().write(data)

    def run_input_thread(self) -> None:
        linux_driver.XTermParser = PasteParser  # type: ignore[attr-defined]
        super().run_input_thread()

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is None:
            return  # in the background: stopped at once
        if isinstance(self._app, Fitting):
            self._app.drew = True
        self.write(_IN_ORDER)
        if self._watching is None:
            self._watching = threading.Thread(target=self._watch, name="hangup", daemon=True)
            self._watching.start()
        # After Textual's: it drops a SIGWINCH where the terminal reports its size in band.
        signal.signal(signal.SIGWINCH, self._resized)

    def _watch(self) -> None:
        """A terminal can go without a SIGHUP, where it is not our controlling one. Textual would
        read its end for ever (45 % of a processor) and wait for ever to write to it."""
        poll = select.poll()
        poll.register(self.fileno, 0)  # what is always told: hung up, or an error
        while not poll.poll():
            pass
        if callable(signal.getsignal(signal.SIGHUP)):  # `ending` is there to end it
            os.kill(os.getpid(), signal.SIGHUP)

    def _resized(self, *_: object) -> None:
        """What the size is, the app looks up itself. Two of these may run one in the other, so a
        size read here could arrive after a newer one."""
        if isinstance(self._app, Fitting):
            self._loop.call_soon_threadsafe(self._app.size_changed)

    def _query_in_band_window_resize(self) -> None:
        """Not asked."""

    def _request_terminal_sync_mode_support(self) -> None:
        """Not asked, taken for granted: a whole frame at once where the terminal can."""
        self._app._sync_available = True

    def disable_input(self) -> None:
        # Before what has arrived is thrown away: what arrives later goes to the shell.
        if not self._ended:
            self._ended = True
            self.write("\x1b[?1004l")
        super().disable_input()

    def stop_application_mode(self) -> None:
        # Where there is no other screen to go back to (the Linux console, GNU screen as it comes)
        # the prompt would be written over what was drawn.
        self.write(_BY_ITSELF + "\x1b[0m\x1b[H\x1b[2J")
        super().stop_application_mode()

    # Stopped and continued ------------------------------------------------------------------
    # In the loop and not in the handlers: one that interrupts a write would wait for ever for the
    # lock of the queue that it interrupted.

    def _sigtstp_application(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if not self._ended:
            self._stopped = True
            super()._sigtstp_application()

    def _sigcont_application(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        """Textual starts everything a second time, also when nothing was stopped: systemd sends
        SIGCONT with SIGTERM, and two threads would then read keys."""
        if self._stopped:
            self._stopped = self._ended = False
            super()._sigcont_application()
            self._resized()
        elif not self._ended and self._writer_thread is not None:
            self._again()

    def _again(self) -> None:
        """After a SIGSTOP nobody could prepare for: the shell has had the terminal meanwhile."""
        try:
            if os.tcgetpgrp(self.fileno) != os.getpgrp():
                return
            modes = termios.tcgetattr(self.fileno)
            modes[3] = self._patch_lflag(modes[3])
            modes[0] = self._patch_iflag(modes[0])
            modes[6][termios.VMIN] = 1
            termios.tcsetattr(self.fileno, termios.TCSANOW, modes)
        except (OSError, termios.error):
            return
        self.take_back()
        self._resized()

    def take_back(self) -> None:
        """Others have written on the terminal. All has to be painted again."""
        self.write(ENTER + _PLAIN + _MODES)


class PaintedDriver(TerminalDriver):
    """Takes over a screen that has been painted."""

    painted = True


def driver_for(chosen: type[Driver], *, painted: bool) -> type[Driver]:
    """Ours in place of Textual's own; another one (a test's, TEXTUAL_DRIVER) stays."""
    if chosen is not LinuxDriver:
        return chosen
    return PaintedDriver if painted else TerminalDriver
