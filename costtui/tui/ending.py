"""Ending on a signal, also when the terminal is gone.

When an ssh connection dies, writing to its terminal fails; Textual's writer thread ends, its queue
fills, and the event loop waits on it for ever, while the reader of keys spins on a descriptor that
is always ready. A handler of the loop is then never called, so this one is Python's own, which
runs even while the main thread waits, and it does not rely on the orderly way.
"""

from __future__ import annotations

import os
import signal
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

PATIENCE = 3.0
"""Seconds for the orderly way out. The collector child ends by itself when its pipe closes."""


def end_on_signals(loop: AbstractEventLoop, leave: Callable[[int], object]) -> Callable[[], None]:
    """On SIGTERM and SIGHUP call `leave(128 + signal)` in `loop`, and end the process in any case.

    Returns what puts the former handlers back. Main thread only.
    """

    def handle(number: int, _: object) -> None:
        watchdog = threading.Timer(PATIENCE, os._exit, (128 + number,))
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(leave, 128 + number)

    before: dict[int, Any] = {n: signal.signal(n, handle) for n in (signal.SIGTERM, signal.SIGHUP)}

    def restore() -> None:
        for number, former in before.items():
            signal.signal(number, former)

    return restore
