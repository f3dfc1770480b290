"""Looking into files: fingerprints, holes, and compressed text read as it comes.

Every read here is positional and bounded. An `OSError` goes to the caller: that a file cannot be
read must never be mistaken for its content having changed.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

HEAD = 1024
"""Bytes of a fingerprint."""
_BLOCK = 256 * 1024
_GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor for reading. Never blocks: a FIFO is refused, not waited for."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def digest(data: bytes) -> str:
    """64 bits: two of a million files share it with a chance of one in 37 million."""
    return blake2b(data, digest_size=8).hexdigest()


def is_gzip(fd: int) -> bool:
    """By the magic number: a rotated log keeps it under any name."""
    return os.pread(fd, 2, 0) == _GZIP


def begin_of(fd: int, size: int) -> int:
    """Length of the run of zero bytes at the start; a sparse hole costs nothing."""
    return skip_zeros(fd, 0, size)


def skip_zeros(fd: int, at: int, size: int) -> int:
    """The offset of the first byte from `at` that is not zero, or `size`."""
    while at < size:
        block = os.pread(fd, min(_BLOCK, size - at), at)
        if not block:
            return at
        kept = block.lstrip(b"\0")
        if kept:
            return at + len(block) - len(kept)
        at = _next_data(fd, at + len(block), size)
    return size


def _next_data(fd: int, at: int, size: int) -> int:
    """Jump over a hole where the file system knows of it."""
    seek_data = getattr(os, "SEEK_DATA", None)
    if seek_data is None or at >= size:
        return min(at, size)
    try:
        return max(at, min(size, os.lseek(fd, at, seek_data)))
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but hole up to the end
            return size
        return at


def plain_hash(fd: int, at: int, length: int) -> str | None:
    """The fingerprint of `length` bytes at `at`; None when there are not that many."""
    data = os.pread(fd, length, at) if length else b""
    return digest(data) if len(data) == length else None


def unpacked_size(fd: int, size: int) -> int:
    """What a gzip trailer says (modulo 4 GiB, of the last member): a hint, never trusted."""
    if size < 18:
        return 0
    return int(struct.unpack("<I", os.pread(fd, 4, size - 4))[0])


class GzipText:
    """The text of a .gz, forwards, with a bounded buffer.

    The standard `GzipFile` throws away what it has when the file ends early, and a file that is
    just being compressed does. Several members, and zeros after them, are read as one text.
    """

    def __init__(self) -> None:
        self._packed_at = 0
        self._inflate = zlib.decompressobj(wbits=31)
        self._input = b""
        self.buffer = bytearray()
        self.start = 0
        """Offset of the buffer's first byte in the text."""
        self.ended = False
        """A member ended and nothing follows it (yet)."""
        self.damage = ""
        """What zlib said when the file turned out to be damaged."""

    @property
    def end(self) -> int:
        """Offset just behind the buffer."""
        return self.start + len(self.buffer)

    def fill(self, fd: int, wanted: int) -> None:
        """Decompress until the buffer holds `wanted` bytes or there is no more for now."""
        while len(self.buffer) < wanted and not self.damage:
            if not self._input:
                self._input = os.pread(fd, _BLOCK, self._packed_at)
                self._packed_at += len(self._input)
                if not self._input:
                    return
            if self._inflate.eof:
                self._input = self._input.lstrip(b"\0")
                if not self._input:
                    continue
                self._inflate = zlib.decompressobj(wbits=31)
            try:
                self.buffer += self._inflate.decompress(
                    self._input, max(1, wanted - len(self.buffer))
                )
            except zlib.error as error:
                self.damage = str(error)
                return
            self._input = self._inflate.unconsumed_tail or self._inflate.unused_data
            self.ended = self._inflate.eof

    def drop(self, count: int) -> None:
        """Forget the first `count` bytes of the buffer."""
        del self.buffer[:count]
        self.start += count


def gzip_head(fd: int) -> tuple[int, bytes]:
    """(length of the run of zeros at the start, up to `HEAD` bytes after it) of a .gz's text."""
    text = GzipText()
    text.fill(fd, HEAD)
    while text.buffer and not text.buffer.strip(b"\0"):
        text.drop(len(text.buffer))
        text.fill(fd, _BLOCK)
    zeros = len(text.buffer) - len(text.buffer.lstrip(b"\0"))
    text.drop(zeros)
    text.fill(fd, HEAD)
    return text.start, bytes(text.buffer[:HEAD])


def plain_head(fd: int, size: int) -> tuple[int, bytes]:
    """As `gzip_head`, of a plain file."""
    begin = begin_of(fd, size)
    return begin, os.pread(fd, HEAD, begin)
