"""One writer per store: an advisory `flock` on `<store>.lock`.

The kernel drops the lock when its process ends, however it ends, so there is no stale lock to
clean up. A pid file alone was rejected: pids are reused, and one container cannot see another's.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

from costtui.errors import StoreError, StoreReadOnlyError

_TRIES = 5
"""A probe by `holder()` holds a shared lock for some microseconds, which an `acquire` at the same
moment must not take for a writer."""
_PAUSE = 0.002


class LockHolder(NamedTuple):
    """Who holds the lock, for messages; the fields are empty where the file does not say."""

    pid: int
    started: str
    host: str

    def __str__(self) -> str:
        if not self.pid:
            return "an unknown process"
        return f"process {self.pid} on {self.host}, since {self.started}"


class WriterLock:
    """The right to write the store at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".lock")
        self._fd = -1

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd >= 0

    def acquire(self) -> bool:
        """Take the lock without waiting; False when someone else holds it.

        Makes the store's folder (0700) where it is missing. Raises `StoreReadOnlyError` where
        the lock file cannot be made, `StoreError` where the file system knows no locks.
        """
        if self.held:
            return True
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreReadOnlyError(
                f"{self.path}: cannot be written ({error.strerror}); make its folder writable or "
                "choose another store with --db"
            ) from error
        try:
            taken = self._try(fd)
            if taken:
                _write_holder(fd, self.path)
        except BaseException:
            os.close(fd)
            raise
        if not taken:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def _try(self, fd: int) -> bool:
        for attempt in range(_TRIES):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt + 1 < _TRIES:
                    time.sleep(_PAUSE)
            except OSError as error:
                raise StoreError(
                    f"{self.path}: cannot be locked ({error.strerror}); put the store on a local "
                    "disk"
                ) from error
            else:
                return True
        return False

    def release(self) -> None:
        """Give the lock back. May be called twice.

        The file stays: removing it would let two processes lock two different files.
        """
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def holder(self) -> LockHolder | None:
        """Who holds the lock, None when nobody does. Never keeps the lock."""
        if self.held:
            return _read_holder(self._fd)
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                return None
            raise StoreError(f"{self.path}: cannot be read ({error.strerror})") from error
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read_holder(fd)
            except OSError:
                return None  # no locks here, so nobody can hold one
            return None
        finally:
            os.close(fd)


def _write_holder(fd: int, path: Path) -> None:
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = json.dumps({"pid": os.getpid(), "started": started, "host": socket.gethostname()})
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, text.encode(), 0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
        # A full disk costs the name in a message; the lock itself needs no space.


def _read_holder(fd: int) -> LockHolder:
    try:
        data = json.loads(os.pread(fd, 4096, 0))
        return LockHolder(int(data["pid"]), str(data["started"]), str(data["host"]))
    except (OSError, ValueError, KeyError, TypeError):
        return LockHolder(0, "", "")
