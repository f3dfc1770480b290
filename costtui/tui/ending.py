"""Ending on a signal, also when the terminal is gone; and what is kept of a crash.

When an ssh connection dies, writing to its terminal fails; Textual's writer thread ends, its queue
fills, and the event loop waits on it for ever, while the reader of keys spins on a descriptor that
is always ready. A handler of the loop is then never called, so this one is Python's own, which
runs even while the main thread waits, and it does not rely on the orderly way.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.app import App

PATIENCE = 3.0
"""Seconds for the orderly way out. The collector child ends by itself when its pipe closes."""
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
"""SIGINT as `kill` sends it: ctrl+c is a key while the screen is on."""
RESET = (
    "\x1b[0m\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?7h\x1b[8h"
    "\x1b[<u\x1b[H\x1b[2J\x1b[?1049l\x1b[?25h"
)
"""Everything that Textual's driver and ours switch on, off again."""
CRASH = "crash.log"


def end_on_signals(loop: AbstractEventLoop, leave: Callable[[int], object]) -> Callable[[], None]:
    """On a signal of `ENDING` call `leave(128 + signal)` in `loop`, and end the process in any
    case.

    Returns what puts the former handlers back. Main thread only.
    """

    def handle(number: int, _: object) -> None:
        watchdog = threading.Timer(PATIENCE, _give_up, (128 + number,))
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(leave, 128 + number)

    before: dict[int, Any] = {n: signal.signal(n, handle) for n in ENDING}

    def restore() -> None:
        for number, former in before.items():
            signal.signal(number, former)

    return restore


def _give_up(code: int) -> None:
    """The orderly way did not come to its end. The terminal is given back if it takes that without
    waiting: it may be gone, or stopped by ctrl+s."""
    with suppress(OSError, termios.error):
        modes = termios.tcgetattr(0)
        modes[0] |= termios.ICRNL | termios.IXON
        modes[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(0, termios.TCSANOW, modes)
        if select.select([], [2], [], 0)[1]:
            os.write(2, RESET.encode())
    os._exit(code)


def keep_crash(app: App[int], renderables: list[RenderableType], folder: Path) -> tuple[str, str]:
    """Write where it went wrong to a file of the user's alone. (what, file or `""`)."""
    import traceback

    error = app._exception
    if error is not None:
        what = f"{type(error).__name__}: {error}"
        text = "".join(traceback.format_exception(error))
    else:
        text = _plain(renderables)
        what = (text.strip().splitlines() or ["the screen stopped"])[-1].strip()
    path = folder / CRASH
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return what, ""
    return what, str(path)


def _plain(renderables: list[RenderableType]) -> str:
    """What Textual would have printed, without colours."""
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=100, color_system=None)
    for renderable in renderables:
        console.print(renderable)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()
