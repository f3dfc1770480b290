"""Small files of the user's own: private, whole or not at all. Standard library only."""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

LIMIT = 1_000_000
"""Bytes; what is larger was not written by us. A 400x100 screen in true colour has 300,000."""


OLD = 3600.0
"""Seconds after which a file that a process was writing is left over, if that process is gone."""
_MOST = 10_000
"""Entries of a folder that are looked at: an export goes to wherever the user is."""
_swept: set[tuple[Path, str]] = set()


def read(path: Path) -> str:
    """The text, `""` when there is none that can be read."""
    try:
        return read_strictly(path)
    except (OSError, ValueError):
        return ""


def read_strictly(path: Path) -> str:
    """The text, `""` where there is no file. Raises OSError, and ValueError for what we did not
    write: not a plain file (a pipe or a device never ends), too large, not UTF-8."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("is not a file")
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise ValueError("is too large")
    return data.decode("utf-8-sig")


def write(path: Path, text: str) -> None:
    """Write beside `path` and move over it, mode 0600. Raises OSError or UnicodeEncodeError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(path.parent, re.escape(path.name))
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except (OSError, UnicodeEncodeError):
        with suppress(OSError):
            beside.unlink()
        raise


def sweep(folder: Path, names: str) -> None:
    """Remove what processes that were killed left in `folder`: `.NAME.PID`, and an empty NAME that
    such a one had reserved; NAME as the regular expression `names` says. Only plain files of this
    user, an hour old, of processes that are gone; once a process. Never raises."""
    if (folder, names) in _swept:
        return
    _swept.add((folder, names))
    left = re.compile(rf"\.({names})\.(\d{{1,10}})")
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _MOST):
            found = left.fullmatch(entry.name)
            if found and _left_over(entry, int(found[2])):
                with suppress(OSError):
                    reserved = folder / found[1]
                    if stat.S_ISREG(reserved.lstat().st_mode) and not reserved.stat().st_size:
                        reserved.unlink()
                with suppress(OSError):
                    os.unlink(entry.path)


def _left_over(entry: os.DirEntry[str], pid: int) -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
        mine = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not mine or time.time() - found.st_mtime < OLD:
            return False
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
