"""One step of reading: a bounded chunk of a file → records and the state that covers them.

Nothing here changes what is remembered; a step that is thrown away (cancelled, or its batch not
stored) is simply read again.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from costtui.sources.jsonl.content import HEAD, digest, plain_hash, skip_zeros
from costtui.sources.jsonl.decode import Decoder
from costtui.sources.jsonl.handles import Handles
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.search import line_start_before
from costtui.sources.jsonl.state import FileState
from costtui.sources.jsonl.values import MAX_LINE, Decoded

IDLE_S = 60.0
"""A log nobody has written to for this long has no writer in the middle of a line."""
TOO_LONG = "the line is longer than 4 MB"


class Step(NamedTuple):
    """What one chunk held, and the state that says it was read."""

    state: FileState
    decoded: Decoded
    others: tuple[FileState, ...] = ()
    """Further states that change with it."""


def tail_of(data: bytes, fd: int, end: int, floor: int) -> tuple[int, str]:
    """(length, hash) of the ≤ `HEAD` bytes before `end`; `data` ends there."""
    length = min(HEAD, end - floor)
    if len(data) >= length:
        return length, digest(data[len(data) - length :])
    return length, plain_hash(fd, end - length, length) or ""


def intact(fd: int, state: FileState) -> bool:
    """Does the file still begin, and go on up to `live`, as it did when it was read?"""
    if state.begin and os.pread(fd, 1, state.begin - 1) != b"\0":
        return False
    if plain_hash(fd, state.begin, state.head_len) != state.head and state.head_len:
        return False
    return (
        not state.tail_len
        or plain_hash(fd, state.live - state.tail_len, state.tail_len) == state.tail
    )


class PlainReader:
    """Reads plain files; `chunk_bytes` ≤ `MAX_LINE` at a time."""

    def __init__(self, decoder: Decoder, handles: Handles, chunk_bytes: int) -> None:
        self._decoder = decoder
        self._handles = handles
        self._chunk = max(1, min(chunk_bytes, MAX_LINE))

    def live(self, state: FileState, file: Seen, settled: bool) -> Step | None:
        """What was appended since; None when there is no whole line yet.

        `settled` says that nobody writes to the file any more, so a last line without a newline
        is whole when it parses. Raises OSError and FileMovedError.
        """
        if file.size <= state.live:
            return None
        with self._handles.use(state, file) as fd:
            data = os.pread(fd, min(self._chunk, file.size - state.live), state.live)
            if not state.long and data[:1] == b"\0":
                return self._hole(state, file, fd)
            if state.long:
                return self._finish(state, file, fd, *_end_of_long(data))
            end = data.rfind(b"\n") + 1
            if not end and len(data) < MAX_LINE:
                data = os.pread(fd, min(MAX_LINE, file.size - state.live), state.live)
                end = data.find(b"\n") + 1
            if not end and len(data) >= MAX_LINE:
                return self._finish(state, file, fd, data, Decoded(), True)
            if not end and settled and self._decoder.complete(data):
                end = len(data)
            if not end:
                return None
            data = data[:end]
            decoded = self._decoder.decode(data, state.live, state.part, state.cut_ns)
            return self._finish(state, file, fd, data, decoded, False)

    def _hole(self, state: FileState, file: Seen, fd: int) -> Step | None:
        """Skip zero bytes where a line should begin: no line, so nothing to report."""
        at = skip_zeros(fd, state.live, file.size)
        return self._finish(state, file, fd, b"", Decoded(), False, at)

    def _finish(
        self,
        state: FileState,
        file: Seen,
        fd: int,
        data: bytes,
        decoded: Decoded,
        long: bool,
        live: int | None = None,
    ) -> Step | None:
        live = state.live + len(data) if live is None else live
        # Read first, compared after: if the text before it is still the old one now, the file
        # was not truncated before the chunk was read.
        head = os.pread(fd, HEAD, state.begin) if state.head_len < HEAD else b""
        if not intact(fd, state) or os.fstat(fd).st_size < live:
            return None
        if head and data and state.live == state.begin and not head.startswith(data[:HEAD]):
            return None
        lines = state.lines
        if lines >= 0:
            lines = lines + decoded.lines if data[-1:] in (b"\n", b"") or long else -1
        tail_len, tail = tail_of(data, fd, live, state.begin)
        changed = state._replace(
            live=live, long=long, lines=lines, tail_len=tail_len, tail=tail, path=file.path
        )
        if head:
            changed = changed._replace(head_len=len(head), head=digest(head))
        if file.path == state.origin:
            changed = changed._replace(seen_ns=file.mtime_ns)
        if long and not state.long:
            decoded.skip(state.live, 0, TOO_LONG, data[:HEAD])
        return Step(changed, decoded)

    def history(self, state: FileState, file: Seen) -> Step | None:
        """The newest part of the history that was not read yet, or None."""
        if not state.history_left:
            return None
        with self._handles.use(state, file) as fd:
            low, floor = state.low, state.floor
            start = max(floor, low - self._chunk)
            data = os.pread(fd, low - start, start)
            decoded = Decoded()
            if state.low_long:
                at = data.rfind(b"\n") + 1
                found = at > 0 or start == floor
                changed = state._replace(low=start + at, low_long=not found)
                if found:
                    text = os.pread(fd, HEAD, changed.low)
                    decoded.skip(changed.low, -1, TOO_LONG, text)
                return self._checked(fd, changed, decoded)
            if start > floor:
                begin = _boundary(data)
                if begin is None:
                    start = line_start_before(fd, low - 1, max(floor, low - MAX_LINE))
                    if start > floor and os.pread(fd, 1, start - 1) != b"\n":
                        within = state._replace(low=start, low_long=True)
                        return self._checked(fd, within, decoded)
                    data, begin = os.pread(fd, low - start, start), 0
                start, data = start + begin, data[begin:]
            decoded = self._decoder.decode(data, start, state.part, state.cut_ns)
            return self._checked(fd, state._replace(low=start), decoded)

    @staticmethod
    def _checked(fd: int, changed: FileState, decoded: Decoded) -> Step | None:
        return Step(changed, decoded) if intact(fd, changed) else None


def _boundary(data: bytes) -> int | None:
    """The first line start in a chunk that ends with a newline; None when there is none."""
    at = data.find(b"\n") + 1
    return at if 0 < at < len(data) else None


def _end_of_long(data: bytes) -> tuple[bytes, Decoded, bool]:
    """(bytes to pass over, nothing read, is the long line still going on)."""
    end = data.find(b"\n") + 1
    decoded = Decoded()
    decoded.lines = 1 if end else 0
    return (data[:end] if end else data), decoded, not end
