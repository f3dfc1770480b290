"""The last screen of last time, on the terminal before anything heavy is imported.

Importing Textual alone takes 200 ms and reading a configuration 30 to 90 ms more. What was on
screen when costtui was last left is known, so it is painted first, marked `as of …`, 40 ms after
the command was typed; the live screen replaces it cell by cell. Nothing here imports more than the
standard library, and everything that is wrong with the file means "no last screen".
"""

from __future__ import annotations

import json
import os
import signal
import sys
import termios
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, Self

from costtui.tui import private
from costtui.tui.terminal import colors

ENTER = "\x1b[?1049h"
"""To the alternate screen: what Textual writes, too."""
HIDE_CURSOR = "\x1b[?25l"
LEAVE = "\x1b[0m\x1b[H\x1b[2J\x1b[?1049l\x1b[?25h"
FORMAT = 2
_ENVIRONMENT = ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "HOME",
                "COST_TRACKING_FILE")  # fmt: skip


def key_of(
    options: Mapping[str, object], config_file: Path, env: Mapping[str, str], remembered: Path
) -> str:
    """What must be the same for the old screen to be of the same things: command line,
    environment, the configuration file as it was, and what is remembered."""
    try:
        stat = config_file.stat()
        file: list[object] = [str(config_file), stat.st_mtime_ns, stat.st_size]
    except OSError:
        file = [str(config_file)]
    chosen = {k: v for k, v in sorted(env.items())
              if k in _ENVIRONMENT or k.startswith("COSTTUI_")}  # fmt: skip
    chosen["colors"] = colors(env)
    said = {k: str(v) for k, v in sorted(options.items()) if v}
    return json.dumps([FORMAT, said, file, chosen, os.getcwd(), private.read(remembered)])


class LastScreen:
    """`with LastScreen(path, key):` paints the old screen; leaving the block leaves the terminal
    as it was."""

    def __init__(self, path: Path, key: Callable[[], str]) -> None:
        """`key` is asked again at the end: what is remembered has changed by then."""
        self._path = path
        self._key = key
        self._modes: list[object] | None = None
        self.painted = False

    def __enter__(self) -> Self:
        frame = self._read()
        # Keys typed from now on wait for the real screen, are not echoed over the old one or onto
        # the shell's, and ctrl+z does not leave its shell with our screen.
        self._modes = termios.tcgetattr(0)
        quiet = termios.tcgetattr(0)
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        quiet[6][termios.VSUSP] = b"\0"
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        termios.tcsetattr(0, termios.TCSANOW, quiet)
        if frame:
            self.painted = True
            _write(ENTER + HIDE_CURSOR + "\x1b[H" + frame)
        return self

    def handed_over(self) -> None:
        """The real screen has had the terminal and given it back: leaving the alternate screen
        a second time would put the cursor over what was printed since."""
        self.painted = False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError, termios.error):  # the terminal may be gone
            if self.painted:
                _write(LEAVE)
            termios.tcsetattr(0, termios.TCSANOW, self._modes)  # type: ignore[arg-type]

    def _read(self) -> str:
        """The frame, if there is one of this key, for this size."""
        try:
            size = os.get_terminal_size(2)
            head, _, frame = private.read(self._path).partition("\n")
            known = json.loads(head)
        except (OSError, ValueError):
            return ""
        return frame if known == [self._key(), size.columns, size.lines] else ""

    def keep(self, frame: str, width: int, height: int) -> None:
        """Remember a screen, private to the user. Failing to is no reason to say anything."""
        head = json.dumps([self._key(), width, height])
        with suppress(OSError, UnicodeEncodeError):
            private.write(self._path, f"{head}\n{frame}")


def _write(text: str) -> None:
    """To the terminal, by the way that Textual takes."""
    sys.__stderr__.write(text)  # type: ignore[union-attr]
    sys.__stderr__.flush()  # type: ignore[union-attr]


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
