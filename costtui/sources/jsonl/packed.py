"""Reading .gz files: forwards only, with the stream kept open between two chunks."""

from __future__ import annotations

from costtui.sources.jsonl.content import HEAD, GzipText, digest
from costtui.sources.jsonl.decode import Decoder
from costtui.sources.jsonl.handles import Handles
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.reading import TOO_LONG, Step
from costtui.sources.jsonl.state import FileState
from costtui.sources.jsonl.values import MAX_LINE, Decoded

SKIP_BYTES = 64 * 1024 * 1024
"""Decompressed bytes passed over in one step (about 0.2 s)."""
MAX_STREAMS = 4
"""Streams kept open: each holds up to a chunk of text."""


class GzipReader:
    """Reads compressed logs; `chunk_bytes` ≤ `MAX_LINE` of text at a time."""

    def __init__(self, decoder: Decoder, handles: Handles, chunk_bytes: int) -> None:
        self._decoder = decoder
        self._handles = handles
        self._chunk = max(1, min(chunk_bytes, MAX_LINE))
        self._streams: dict[str, GzipText] = {}

    def forget(self) -> None:
        """Drop all streams."""
        self._streams.clear()

    def pending(self, state: FileState, file: Seen) -> bool:
        """Is there anything to read?"""
        return state.history_left > 0 or state.done != file.size

    def step(self, state: FileState, file: Seen) -> Step | None:
        """The next chunk. A step without change means: ask again, it is on its way there.

        What was not read of the content when it was still a plain file comes last. Raises
        OSError and FileMovedError.
        """
        if state.done != file.size:
            return self._forward(state, file)
        return self._middle(state, file) if state.history_left else None

    def _forward(self, state: FileState, file: Seen) -> Step | None:
        with self._handles.use(state, file) as fd:
            text = self._stream(state, state.live)
            if not self._reach(text, fd, state.live):
                if not _exhausted(text, fd):
                    return Step(state, Decoded())
                # Shorter than what was read of the plain file: nothing in it is new.
                return Step(state._replace(done=file.size, check=False), Decoded())
            if state.check:
                return self._compared(state, text)
            data, long, whole = self._lines(text, fd, state.long)
        decoded = Decoded()
        if data and not (state.long or long):
            decoded = self._decoder.decode(data, state.live, state.part, state.cut_ns)
        elif long and not state.long:
            decoded.skip(state.live, 0, TOO_LONG, data[:HEAD])
        changed = state._replace(path=file.path)
        if data:
            ends = data[-1:] == b"\n" or long
            changed = changed._replace(
                live=state.live + len(data),
                long=long,
                lines=state.lines + decoded.lines if state.lines >= 0 and ends else -1,
                tail_len=min(HEAD, len(data)),
                tail=digest(data[-HEAD:]),
            )
        elif not text.damage and (not whole or text.buffer):
            return None  # the end of a line that is still being compressed
        text.drop(len(data))
        if whole and not text.buffer:
            changed = changed._replace(done=file.size)
            self._streams.pop(state.key, None)
        if text.damage:
            decoded.skip(text.end, -1, f"the compressed file is damaged: {text.damage}", b"")
            changed = changed._replace(done=file.size)
            self._streams.pop(state.key, None)
        return Step(changed, decoded)

    def _lines(self, text: GzipText, fd: int, long: bool) -> tuple[bytes, bool, bool]:
        """(what to consume, does a too long line go on after it, is this the end of the text)."""
        text.fill(fd, self._chunk)
        zeros = len(text.buffer) - len(text.buffer.lstrip(b"\0"))
        if zeros and not long:
            return bytes(text.buffer[:zeros]), False, _exhausted(text, fd)
        end = (text.buffer.find(b"\n") if long else text.buffer.rfind(b"\n")) + 1
        if not end and not long:
            text.fill(fd, MAX_LINE)
            end = text.buffer.find(b"\n") + 1
        whole = _exhausted(text, fd)
        if end:
            return bytes(text.buffer[:end]), False, whole
        if len(text.buffer) >= MAX_LINE or (long and text.buffer):
            return bytes(text.buffer), True, whole
        if whole and text.ended:
            return bytes(text.buffer), False, True
        return b"", long, whole

    def _middle(self, state: FileState, file: Seen) -> Step | None:
        """History of content that was compressed before all of it was read, oldest first."""
        with self._handles.use(state, file) as fd:
            text = self._stream(state, state.floor)
            if not self._reach(text, fd, state.floor):
                if not _exhausted(text, fd):
                    return Step(state, Decoded())
                return Step(state._replace(floor=state.low), Decoded())
            text.fill(fd, min(self._chunk, state.history_left))
            room = text.buffer[: state.history_left]
            end = room.rfind(b"\n") + 1
            if not end:
                text.fill(fd, min(MAX_LINE, state.history_left))
                room = text.buffer[: state.history_left]
                end = room.find(b"\n") + 1
        decoded = Decoded()
        data = bytes(room[:end]) if end else bytes(room)
        if end:
            decoded = self._decoder.decode(data, state.floor, state.part, state.cut_ns)
        else:
            decoded.skip(state.floor, -1, TOO_LONG, data[:HEAD])
        text.drop(len(data))
        floor = state.floor + len(data) if data else state.low
        if floor >= state.low:
            self._streams.pop(state.key, None)
        return Step(state._replace(floor=floor), decoded)

    def _stream(self, state: FileState, at: int) -> GzipText:
        text = self._streams.pop(state.key, None)
        # A stream that ended is opened again: the file has grown since.
        if text is None or text.start > at or text.damage:
            text = GzipText()
        self._streams[state.key] = text
        while len(self._streams) > MAX_STREAMS:
            del self._streams[next(iter(self._streams))]
        return text

    def _reach(self, text: GzipText, fd: int, at: int) -> bool:
        """Move the stream to `at`; False when that takes longer than a step, or it ends before.

        Just before `at` it stops at a place from which the text before it can be compared.
        """
        stop = max(0, at - HEAD)
        room = SKIP_BYTES
        while text.start < stop and room > 0:
            text.fill(fd, min(self._chunk, stop - text.start))
            if not text.buffer:
                return False
            passed = min(len(text.buffer), stop - text.start)
            text.drop(passed)
            room -= passed
        if text.start < stop:
            return False
        if text.start < at:
            text.fill(fd, at - text.start)
            if text.end < at:
                return False
            self._before = bytes(text.buffer[: at - text.start])
            text.drop(at - text.start)
        return True

    _before = b""
    """The text just before the last place that was reached."""

    def _compared(self, state: FileState, text: GzipText) -> Step:
        """Was it right to take this file for the content that was read as a plain file?"""
        before = self._before[len(self._before) - state.tail_len :]
        if text.start == state.live and digest(before) == state.tail:
            return Step(state._replace(check=False), Decoded())
        self._streams.pop(state.key, None)
        return Step(state._replace(ino=0, check=False), Decoded())


def _exhausted(text: GzipText, fd: int) -> bool:
    """Has everything the file holds now been decompressed?"""
    before = text.end
    text.fill(fd, len(text.buffer) + 1)
    return text.end == before
