"""Reading a file that the user named: bounded in size and time, whatever it turns out to be."""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path
from typing import Final

PATIENCE: Final = 3.0
"""Seconds that a pipe gets to bring something. `--config <(make-it)` is a pipe; so is a FIFO into
which nobody writes, and reading that would wait for ever."""


def read_bytes(path: Path | str, limit: int) -> bytes:
    """At most `limit + 1` bytes: more than `limit` is too large. Raises OSError, also where nothing
    comes out of a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISREG(kind):
            with os.fdopen(os.dup(descriptor), "rb") as file:
                return file.read(limit + 1)
        data = _from_stream(descriptor, limit)
        if not data and stat.S_ISFIFO(kind):
            raise OSError("is a pipe with nothing in it")
        return data
    finally:
        os.close(descriptor)


def _from_stream(descriptor: int, limit: int) -> bytes:
    data = bytearray()
    deadline = time.monotonic() + PATIENCE
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while len(data) <= limit:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise OSError(f"is no file, and nothing came out of it for {PATIENCE:g} s")
        try:
            piece = os.read(descriptor, limit + 1 - len(data))
        except BlockingIOError:
            continue
        if not piece:
            break
        data += piece
    return bytes(data)


def must_be_file(path: str) -> None:
    """Raises OSError where `path` is none that can be opened and read to an end; for libraries that
    open it themselves."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("is not a file")
    finally:
        os.close(descriptor)
