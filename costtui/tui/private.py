"""Small files of the user's own: private, whole or not at all. Standard library only."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

LIMIT = 1_000_000
"""Bytes; what is larger was not written by us."""


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
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except (OSError, UnicodeEncodeError):
        with suppress(OSError):
            beside.unlink()
        raise
