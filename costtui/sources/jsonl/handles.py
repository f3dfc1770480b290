"""Descriptors of the logs that are being written, kept open between polls.

A log that is deleted or moved out of sight between two polls can still be read to its end, and
an inode that is held open cannot be given to another file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.state import FileState

MAX_OPEN = 64


class FileMovedError(Exception):
    """The path names another file than a moment ago: look again at the next poll."""


class Handles:
    """At most `MAX_OPEN` descriptors, by state key; those used longest ago go first."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    @contextmanager
    def use(self, state: FileState, file: Seen) -> Iterator[int]:
        """A descriptor of exactly `file`. Raises OSError and FileMovedError."""
        fd = self._open.pop(state.key, None)
        if fd is not None and not _is(fd, file.dev, file.ino):
            os.close(fd)
            fd = None
        if fd is None:
            fd = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if not _is(fd, file.dev, file.ino):
                os.close(fd)
                raise FileMovedError
        self._open[state.key] = fd
        while len(self._open) > MAX_OPEN:
            self.close(next(iter(self._open)))
        yield fd

    def look(self, state: FileState) -> tuple[Seen, bool] | None:
        """The file that is still held for `state`, and whether it has a name anywhere."""
        fd = self._open.get(state.key)
        if fd is None or not _is(fd, state.dev, state.ino):
            return None
        found = os.fstat(fd)
        file = Seen(state.path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, False)
        return file, found.st_nlink > 0

    def close(self, key: str) -> None:
        """Close one, if it is open."""
        fd = self._open.pop(key, None)
        if fd is not None:
            os.close(fd)

    def keep_only(self, states: dict[str, FileState]) -> None:
        """Close what does not belong to one of `states`."""
        for key, fd in list(self._open.items()):
            state = states.get(key)
            if state is None or not _is(fd, state.dev, state.ino):
                self.close(key)


def is_file(fd: int, file: Seen) -> bool:
    """Is `fd` the very file that was looked at?"""
    return _is(fd, file.dev, file.ino)


def _is(fd: int, dev: int, ino: int) -> bool:
    found = os.fstat(fd)
    return (found.st_dev, found.st_ino) == (dev, ino)
