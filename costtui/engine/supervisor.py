"""A viewer's own collector: started when nobody else collects, ended with the viewer.

The child watches its standard input: when the viewer goes away, however it went, the pipe
closes and the child ends. That covers a kill -9 of the viewer, which a signal handler cannot.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from costtui.store.lock import WriterLock

STOP_WAIT = 5.0
"""Seconds a child gets to end its transaction before it is killed (which is safe, too)."""

LOG_LIMIT = 1 << 20
"""Bytes of the collector's log after which the next child begins a new one; one old one stays."""


class Supervisor:
    """Keeps a collector alive for one store."""

    def __init__(self, store: Path, arguments: Sequence[str], log_file: Path) -> None:
        """`arguments` follow `costtui collect`; `log_file` takes what the child has to say."""
        self._lock = WriterLock(store)
        self._arguments = list(arguments)
        self._log_file = log_file
        self._child: subprocess.Popen[bytes] | None = None

    def ensure(self) -> str | None:
        """Start a collector unless one runs.

        Cheap enough for every second: one `flock` probe. Returns None while all is well, else
        why the last child ended.
        """
        if self._child is not None:
            code = self._child.poll()
            if code is None:
                return None
            self._close_pipe()
            self._child = None
            if code != 0 and self._lock.holder() is None:
                reason = self._last_line()
                self._start()
                return reason or f"the collector ended with code {code}"
        if self._lock.holder() is None:
            self._start()
        return None

    def _start(self) -> None:
        self._log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._log_file.is_file() and self._log_file.stat().st_size > LOG_LIMIT:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        with self._log_file.open("ab") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "costtui", "collect", "--with-parent", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _last_line(self) -> str:
        """What the child said last: its error is one line."""
        try:
            with self._log_file.open("rb") as file:
                file.seek(max(0, self._log_file.stat().st_size - 4096))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def _close_pipe(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            with suppress(OSError):
                self._child.stdin.close()

    def stop(self) -> None:
        """End the child, if there is one. May be called twice."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            with suppress(OSError):
                child.stdin.close()
        try:
            child.wait(STOP_WAIT)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
