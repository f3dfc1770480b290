"""Is this file a copy of content that is already known?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from costtui.sources.jsonl import content
from costtui.sources.jsonl.content import HEAD, digest, plain_hash
from costtui.sources.jsonl.handles import FileMovedError
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.reading import intact
from costtui.sources.jsonl.state import FileState


class Head(NamedTuple):
    """How a file begins."""

    gz: bool
    begin: int
    data: bytes

    @property
    def length(self) -> int:
        return len(self.data)


class Verdict(Enum):
    """What a file is to content that is known."""

    OTHER = "other"
    """Something else."""
    SAME = "same"
    """The content itself, in another file than before: go on where reading stopped."""
    COVERED = "covered"
    """A copy of no more than what was read."""
    COPY = "copy"
    """A copy of content that is still where it was."""
    LONGER = "longer"
    """It begins with all of content that is still where it was, and goes on."""
    LATER = "later"
    """Something is just changing: decide at the next poll."""


def head_of(fd: int, file: Seen) -> Head:
    """How a file begins. Raises OSError."""
    if content.is_gzip(fd):
        return Head(True, *content.gzip_head(fd))
    return Head(False, *content.plain_head(fd, file.size))


def begins_alike(state: FileState, head: Head) -> bool:
    """Could `head` begin `state`'s content, as far as its fingerprint reaches?"""
    return (
        0 < state.head_len <= head.length
        and state.begin == head.begin
        and digest(head.data[: state.head_len]) == state.head
    )


def against_lost(state: FileState, head: Head, fd: int, file: Seen) -> Verdict:
    """`file` against content that is in no file any more. Raises OSError."""
    if not begins_alike(state, head):
        return Verdict.OTHER
    if head.gz:
        # Comparing the rest means decompressing all of it; done on the way to `live`.
        return Verdict.SAME
    if file.size < state.live:
        # A copy has another name. What is shorter under the old name was truncated and written
        # anew, though it may begin with the same kilobyte. (Inodes tell nothing: the copy may
        # have been given the one that just became free.)
        return Verdict.OTHER if file.path == state.path else Verdict.COVERED
    return Verdict.SAME if intact(fd, state) else Verdict.OTHER


def against_present(
    state: FileState, there: Seen, head: Head, fd: int, file: Seen
) -> tuple[Verdict, int]:
    """`file` against content that is still in the file `there`; and how many bytes they share.

    Raises OSError.
    """
    if head.gz or state.gz:
        return (Verdict.COPY if begins_alike(state, head) else Verdict.OTHER), 0
    if state.begin != head.begin:
        return Verdict.OTHER, 0
    try:
        with content.opened(there.path) as other:
            found = os.fstat(other)
            if (found.st_dev, found.st_ino) != there.inode:
                raise FileMovedError
            first = os.pread(other, HEAD, state.begin)
            shared = min(found.st_size, file.size)
            length = min(len(first), head.length)
            if first[:length] != head.data[:length] or not length:
                # Only matters when the fingerprint says that it used to be the same, and only while
                # the other one is no longer what was read of it. (A fingerprint taken of a torn
                # first line fits every log of that day.)
                same = digest(first[: state.head_len]) == state.head and intact(other, state)
                if begins_alike(state, head) and not same:
                    return Verdict.LATER, 0
                return Verdict.OTHER, 0
            size = min(HEAD, shared - state.begin)
            if plain_hash(fd, shared - size, size) == plain_hash(other, shared - size, size):
                return (Verdict.LONGER if file.size > shared else Verdict.COPY), shared
            # Not the same; if the other one has just been truncated, it was.
            return (Verdict.OTHER if intact(other, state) else Verdict.LATER), 0
    except (FileNotFoundError, FileMovedError):
        return (Verdict.LATER if begins_alike(state, head) else Verdict.OTHER), 0


def best_first(states: Iterable[FileState]) -> list[FileState]:
    """The order in which known content is tried: what was read furthest first."""
    return sorted(states, key=lambda s: (-s.live, s.key))


START = 128
"""Bytes of each head that are kept in memory."""


class Known:
    """All known content by how it begins, so that a thousand files are not compared with each
    other one by one."""

    def __init__(self, states: Iterable[FileState], starts: Mapping[str, bytes]) -> None:
        self._by_head: dict[tuple[int, int, str], list[str]] = {}
        self._by_start: dict[tuple[int, bytes], list[str]] = {}
        self._lengths: set[int] = set()
        for state in states:
            self.add(state, starts.get(state.key, b""))

    def add(self, state: FileState, start: bytes) -> None:
        """`start` is up to `START` bytes of its head; nothing when they were never read."""
        if state.known:
            self._lengths.add(state.head_len)
            self._by_head.setdefault((state.begin, state.head_len, state.head), []).append(
                state.key
            )
            self._by_start.setdefault((state.begin, start), []).append(state.key)

    def alike(self, head: Head) -> list[str]:
        """Keys of content that may begin as `head` does."""
        found: dict[str, None] = {}
        for length in self._lengths:
            if length <= head.length:
                hashed = digest(head.data[:length])
                found |= dict.fromkeys(self._by_head.get((head.begin, length, hashed), ()))
        if head.length >= START:
            starts = [(head.begin, head.data[:START])]
        else:
            starts = [
                (begin, start)
                for begin, start in self._by_start
                if begin == head.begin and start.startswith(head.data)
            ]
        # Longer than the file is now: it may be a copy that is just being made.
        for start in starts:
            found |= dict.fromkeys(self._by_start.get(start, ()))
        return list(found)
