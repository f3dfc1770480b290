"""Small files of the user's own: private, whole or not at all. Standard library only."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LIMIT = 1_000_000
"""Bytes; what is larger was not written by us."""


def read(path: Path) -> str:
    """The text, `""` when there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LIMIT else ""
    except (OSError, ValueError):
        return ""


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
