"""Where reading begins in a file that is seen for the first time.

Newest first: what the last day wrote is live, what is older is history that is filled in behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from costtui.sources.jsonl import content, paths
from costtui.sources.jsonl.match import Head
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.reading import tail_of
from costtui.sources.jsonl.search import MARGIN_S, first_since, line_start_before
from costtui.sources.jsonl.state import FileState
from costtui.sources.jsonl.timestamps import SECOND_NS
from costtui.sources.jsonl.values import clean

SMALL = 1024 * 1024
"""A recent file up to this size is read whole: looking for the split would take as long."""
_PART_LIMIT = 300
"""Characters of a short path."""


class Beginner:
    """Makes the first state of a file."""

    def __init__(
        self,
        patterns: Iterable[str],
        moment: Callable[[bytes], int | None],
        horizon_s: int,
        since_s: int | None,
    ) -> None:
        folders = [paths.fixed_folder(p) for p in patterns]
        self._root = os.path.commonpath(folders) if folders else os.sep
        self._moment = moment
        self._horizon_s = horizon_s
        self._since_s = since_s

    def part(self, path: str) -> str:
        """The short name of a file: its path from the folder all configured paths share."""
        short = clean(os.path.relpath(path, self._root), 4 * _PART_LIMIT)
        return short if len(short) <= _PART_LIMIT else "…" + short[-_PART_LIMIT:]

    def moved(self, state: FileState, file: Seen) -> FileState:
        """Content that is in another place now."""
        return state._replace(path=file.path, part=self.part(file.path))

    def known(
        self, file: Seen, fd: int, head: Head, free: Callable[[str], bool], shared: int
    ) -> FileState:
        """A file whose first `shared` bytes were read elsewhere. Raises OSError."""
        state = self._first(file, head, free, file.path if file.configured else "")
        if head.gz:
            return state._replace(done=file.size)
        live = line_start_before(fd, shared, head.begin)
        tail_len, tail = tail_of(b"", fd, live, head.begin)
        return state._replace(
            live=live, low=live, floor=live, tail_len=tail_len, tail=tail, lines=-1
        )

    def new(
        self, file: Seen, fd: int, head: Head, free: Callable[[str], bool], origin: str, now: float
    ) -> FileState:
        """A file of which nothing was read. Raises OSError."""
        state = self._first(file, head, free, origin)
        modified = file.mtime_ns / SECOND_NS
        old = modified < now - self._horizon_s
        if self._since_s is not None:
            cut = now - self._since_s
            state = state._replace(cut_ns=max(0, int(cut * SECOND_NS)))
            if modified < cut - MARGIN_S:
                return self._nothing(state, file, fd, head)
        if head.gz:
            return state._replace(old=old, hist=content.unpacked_size(fd, file.size) if old else 0)
        if not old and file.size - head.begin <= SMALL:
            return state
        floor = head.begin
        if state.cut_ns:
            floor = first_since(fd, floor, file.size, state.cut_ns, self._moment)
        if old:
            split = line_start_before(fd, file.size, floor)
        else:
            since_ns = int((now - self._horizon_s) * SECOND_NS)
            split = first_since(fd, floor, file.size, since_ns, self._moment)
        tail_len, tail = tail_of(b"", fd, split, head.begin)
        return state._replace(
            live=split,
            low=split,
            floor=floor,
            hist=split - floor,
            tail_len=tail_len,
            tail=tail,
            lines=0 if split == head.begin else -1,
            old=old,
        )

    def _nothing(self, state: FileState, file: Seen, fd: int, head: Head) -> FileState:
        """All of it is older than `since:`."""
        if head.gz:
            return state._replace(done=file.size, old=True)
        end = line_start_before(fd, file.size, head.begin)
        tail_len, tail = tail_of(b"", fd, end, head.begin)
        return state._replace(live=end, low=end, floor=end, tail_len=tail_len, tail=tail, lines=-1)

    def _first(self, file: Seen, head: Head, free: Callable[[str], bool], origin: str) -> FileState:
        part = self.part(file.path)
        key = part
        number = 1
        while not free(key):
            number += 1
            key = f"{part}#{number}"
        return FileState(
            key,
            file.path,
            origin=origin,
            part=part,
            dev=file.dev,
            ino=file.ino,
            gz=head.gz,
            begin=head.begin,
            head_len=head.length,
            head=content.digest(head.data),
            live=head.begin if not head.gz else 0,
            low=head.begin,
            floor=head.begin,
            seen_ns=file.mtime_ns if origin == file.path else 0,
        )
