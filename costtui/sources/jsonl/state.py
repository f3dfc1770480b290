"""What the checkpoint remembers about one log's content.

A state belongs to *content*, not to a path: content that was renamed, copied or compressed takes
its state along, and a file whose content was replaced gets a new one. See
docs/decisions/020-jsonl-identity.md.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from costtui.errors import SourceFormatError


class FileState(NamedTuple):
    """How far one log was read. Offsets are bytes of the decompressed text."""

    key: str
    """The checkpoint part; never changes."""
    path: str
    """Where the content was seen last."""
    origin: str = ""
    """The configured path it was written under."""
    part: str = ""
    """The short name its records carry."""
    dev: int = 0
    ino: int = 0
    gz: bool = False
    begin: int = 0
    """Length of the run of zero bytes at the start: a hole that copytruncate left."""
    head_len: int = 0
    head: str = ""
    """Hash of `head_len` (≤ 1024) bytes from `begin`."""
    live: int = 0
    """Everything in [split, live) was read."""
    tail_len: int = 0
    tail: str = ""
    """Hash of the `tail_len` (≤ 1024) bytes before `live`."""
    low: int = 0
    """History not yet read is [floor, low)."""
    floor: int = 0
    hist: int = 0
    """Bytes of history at first sight, for the progress bar."""
    lines: int = 0
    """Lines before `live`, for messages; -1 when not known."""
    cut_ns: int = 0
    """Lines older than this are left out (`since:`)."""
    long: bool = False
    """`live` is inside a line that is too long to read."""
    low_long: bool = False
    """`low` is inside a line that is too long to read."""
    old: bool = False
    """Everything in it is history."""
    done: int = 0
    """Compressed size when a .gz was read to its end; 0 before that."""
    check: bool = False
    """A .gz took this state over by its head alone; its text before `live` is still to be
    compared."""
    of: str = ""
    """The key of the content this is a copy of; it is not read while that one is there."""
    seen_ns: int = 0
    """Modification time when it was read last, nanoseconds."""
    gone: int = 0
    """Since when no file holds this content, epoch seconds; 0 when one does."""

    @property
    def history_left(self) -> int:
        """Bytes of history still to be read."""
        return max(0, self.low - self.floor)

    @property
    def known(self) -> bool:
        """Was anything of it read, so that it can be recognised?"""
        return self.head_len > 0


_DEFAULTS = FileState("", "")._asdict()


def dump(state: FileState) -> str:
    """Compact JSON without defaults. ASCII, so that odd file names survive."""
    values = state._asdict()
    del values["key"]
    kept = {k: v for k, v in values.items() if v != _DEFAULTS[k] or k == "path"}
    return json.dumps(kept, separators=(",", ":"))


def load(key: str, text: str) -> FileState:
    """The inverse of `dump`. Fields of a newer version are ignored. Raises SourceFormatError."""
    try:
        raw = json.loads(text)
        kept = {k: v for k, v in raw.items() if k in _DEFAULTS and k != "key"}
        if any(type(v) is not type(_DEFAULTS[k]) for k, v in kept.items()):
            raise TypeError
        return FileState(key, **kept)
    except (ValueError, TypeError, AttributeError):
        raise SourceFormatError(f"the checkpoint of {key!r} cannot be read") from None
