"""A page in windows of whole lines: unpacked while it is searched, and never whole in memory.

A page of 500,000 series is 74 MB, and gzip brings it in 3. Unpacked at once and joined it needs
150 MB of fresh memory at every scrape, and touching that costs as much as reading it: 100,000
series took 36 ms that way, and 20 ms in windows that stay in the processor's cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from costtui.errors import SourceFormatError

WINDOW = 1 << 18
"""Bytes. Of 64 KB to 1 MB the fastest by a little, and one search (0.2 ms) holds the interpreter
for as long as it takes."""

LONGEST = 8 << 20
"""Bytes of one line, wanted or not: a page without line ends must not become memory after all."""

_join = b"".join

_HEAD = 512
_TAIL = 64


class PageText:
    """One page. Reading it again unpacks it again, so only what is rare does."""

    def __init__(self, pieces: Callable[[], Iterable[bytes]]) -> None:
        """`pieces` gives the page from its beginning, in pieces of any size; it may raise
        SourceFormatError."""
        self._pieces = pieces
        self._shown: set[bytes] | None = None
        self.head = b""
        """Its first bytes, once it was read."""
        self.tail = b""
        """Its last bytes, once it was read to the end."""

    @classmethod
    def whole(cls, body: bytes) -> PageText:
        """A page that is in memory, with a newline in front (see `exposition.framed`)."""
        return cls(lambda: (body[1:],))

    def windows(self) -> Iterator[tuple[bytes, int, int]]:
        """(bytes, start, end): all lines in order, each with the newline *before* it.

        Where the windows are cut depends on the page alone and not on how it came over the wire.
        """
        parts, size, enough = [b"\n"], 1, WINDOW
        self.head, last = b"", b""
        for piece in chain(self._pieces(), (None,)):
            if piece is not None:
                parts.append(piece)
                size += len(piece)
                if size <= enough:
                    continue
            buffer = _join(parts)
            self.head = self.head or buffer[1 : 1 + _HEAD]
            start = 0
            while size - start > WINDOW:
                end = buffer.rfind(b"\n", start + 1, start + WINDOW + 1)
                if end < 0:
                    end = buffer.find(b"\n", start + WINDOW + 1)
                if end < 0:
                    break
                yield buffer, start, end
                last, start = buffer[max(start, end - _TAIL) : end], end
            parts = [buffer[start:]]
            size -= start
            if size > LONGEST + WINDOW:
                raise SourceFormatError(f"a line of more than {LONGEST >> 20} MB")
            # A line without an end is not joined anew with each piece.
            enough = max(WINDOW, 2 * size)
        rest = parts[0]
        self.tail = (last + rest[-_TAIL:])[-_TAIL:]
        yield rest, 0, size

    def find(self, pattern: re.Pattern[bytes], limit: int) -> list[bytes]:
        """Every match of `pattern`, which begins with the newline before a line and does not end
        within one. Raises SourceFormatError when they are more than `limit` bytes."""
        found: list[bytes] = []
        size = 0
        for buffer, start, end in self.windows():
            matches = pattern.findall(buffer, start, end)
            if matches:
                size += sum(map(len, matches))
                if size > limit:
                    raise SourceFormatError(f"more than {limit >> 20} MB of wanted lines")
                found += matches
        return found

    def shows(self, name: str, names: Iterable[str]) -> bool:
        """Does a line begin with the metric `name`? All of `names` are looked for at once, when
        the first of them is asked for."""
        if self._shown is None:
            missing = {other.encode() for other in names}
            self._shown = set()
            for buffer, start, end in self.windows():
                for raw in missing - self._shown:
                    if any(buffer.find(b"\n" + raw + c, start, end) >= 0 for c in (b"{", b" ")):
                        self._shown.add(raw)
        return name.encode() in self._shown

    def place(self, line: bytes) -> tuple[int, int]:
        """Where `line` stands: byte offset, and line number from 1 on. (0, 1) if it does not."""
        offset, number = 0, 1
        for buffer, start, end in self.windows():
            at = buffer.find(b"\n" + line, start, end)
            if at >= 0:
                return offset + at - start, number + buffer.count(b"\n", start, at)
            offset += end - start
            number += buffer.count(b"\n", start, end)
        return 0, 1
