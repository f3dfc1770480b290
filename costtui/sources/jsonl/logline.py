"""The very line of a log that a request was read from, with what stands around it.

A record says in which part and at which byte it was read. The checkpoint says where the content of
that part was seen last; since then the log may have been rotated, copied and truncated, or
compressed. So the files that may hold it are looked at in the order in which the source would
find them, and the first one whose line *is* the request is the answer: its id, or else its moment,
is looked for in the line itself. Nothing here changes what a source remembers.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from costtui.errors import SourceFormatError
from costtui.model.safetext import safe_name
from costtui.sources.jsonl import content, paths
from costtui.sources.jsonl.content import GzipText
from costtui.sources.jsonl.decode import bare
from costtui.sources.jsonl.state import FileState, load
from costtui.sources.jsonl.timestamps import UNITS, parse_rfc3339
from costtui.sources.jsonl.values import MAX_LINE, clean

AROUND = 64 * 1024
"""Bytes before and after the line in which its neighbours are looked for."""
NEIGHBOURS = 40
"""Lines before and after it at most."""
NEIGHBOUR = 500
"""Bytes of a neighbour that are kept."""
KEPT = 16 * 1024
"""Bytes of the line itself that are kept."""
MAX_FILES = 200
"""Files that are looked into."""
_VALUES = 5000
"""Values of a line that are compared."""
_STEP = 1024 * 1024


class Wanted(NamedTuple):
    """What the store knows of where a request was read."""

    part: str
    offset: int
    """Byte of the decompressed text."""
    time_ns: int
    request_id: str


class LogLine(NamedTuple):
    """A line as it is in a file now."""

    path: str
    packed: bool
    """A .gz: offsets count in its decompressed text."""
    offset: int
    line: bytes
    """Its first `KEPT` bytes, without the newline."""
    length: int
    """Bytes of the whole line; of what was looked at where `more`."""
    more: bool
    """The line is longer than is ever read."""
    before: tuple[bytes, ...]
    """The lines above, the nearest last, cut to `NEIGHBOUR` bytes."""
    after: tuple[bytes, ...]
    proof: str
    """What makes it this request: `request id` or `timestamp`; empty when nothing does."""


def find(
    checkpoint: Iterable[tuple[str, str]], wanted: Wanted, *, seconds: float = 20.0
) -> LogLine | str:
    """The line, or why there is none, for people to read.

    `checkpoint` is that of the source: (part, state). Ends after about `seconds`: the text of a
    .gz can only be reached by decompressing all that is before it. Reads at most some 4 MB of a
    plain file.
    """
    if wanted.offset < 0 or not wanted.part:
        return "it was not read from a log: counters and series keep no lines"
    states = _candidates(checkpoint, wanted)
    if not states:
        return f"the collector remembers no log called {wanted.part} any more"
    until = time.monotonic() + seconds
    other: LogLine | None = None
    problems: list[str] = []
    looked = 0
    for path in _places(states):
        if time.monotonic() > until:
            problems.append("there was no time to look into all files")
            break
        try:
            found = _look(path, wanted, until)
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}")
            continue
        looked += 1
        if isinstance(found, str):
            problems.append(found)
        elif found is not None and found.proof:
            return found
        elif found is not None and other is None:
            other = found
    if other is not None:
        return other
    where = states[0].path
    if problems:
        return "; ".join(problems[:3])
    if looked:
        return f"{where} and its generations end before byte {wanted.offset:,}: the line is gone"
    return f"{where} is gone, and so are its rotated generations"


def seen_at(checkpoint: Iterable[tuple[str, str]], part: str, offset: int) -> str:
    """The path of the file that byte `offset` of a part was seen in last; `""` where the collector
    does not remember. Looks at no disk."""
    found = _candidates(checkpoint, Wanted(part, offset, 0, "")) if part and offset >= 0 else []
    return found[0].path if found else ""


def _candidates(checkpoint: Iterable[tuple[str, str]], wanted: Wanted) -> list[FileState]:
    """The contents whose records may carry this part, the likeliest first."""
    found = []
    for key, text in checkpoint:
        with suppress(SourceFormatError):
            state = load(key, text)
            # A key is the part under which content was first seen; `#2` tells a second one apart.
            first = key.rpartition("#")[0] if key.rpartition("#")[2].isdigit() else key
            if wanted.part in (state.part, first, key):
                found.append(state)
    covered = wanted.offset
    return sorted(found, key=lambda s: (bool(s.of), s.live <= covered, bool(s.gone), -s.seen_ns))


def _places(states: list[FileState]) -> Iterator[str]:
    """Files that may hold one of `states`: where they were, where their inodes are, and what is
    named as a generation of them. Plain ones first: the others take time."""
    homes = list(dict.fromkeys(s.path for s in states))
    origins = list(dict.fromkeys(o for s in states for o in (s.origin, s.path) if o))
    inodes = {(s.dev, s.ino) for s in states}
    seen: dict[tuple[int, int], paths.Seen] = {}
    for number, path in enumerate((*homes, *origins, *paths.siblings([*homes, *origins]))):
        named = number < len(homes) + len(origins)
        try:
            file = paths.look(path, named)
        except OSError:
            if named:
                yield path  # opening it says what is the matter
            continue
        if file is None:
            continue
        if named or file.inode in inodes or any(paths.is_generation(path, o) for o in origins):
            seen.setdefault(file.inode, file)
    order = sorted(
        seen.values(),
        key=lambda f: (
            f.path.endswith(".gz"),
            f.inode not in inodes,
            not f.configured,
            -f.mtime_ns,
        ),
    )
    yield from (f.path for f in order[:MAX_FILES])


class _Window:
    """A stretch of text that starts at `low` and can be made longer. Raises OSError."""

    def __init__(self, fd: int, low: int, until: float) -> None:
        self._fd = fd
        self._low = low
        self._text = GzipText() if content.is_gzip(fd) else None
        self.late = False
        while self._text is not None and self._text.start < low:
            self._text.fill(fd, min(_STEP, low - self._text.start))
            if not self._text.buffer:
                break
            self._text.drop(min(len(self._text.buffer), low - self._text.start))
            if time.monotonic() > until:
                self.late = True
                break

    @property
    def packed(self) -> bool:
        return self._text is not None

    def take(self, count: int) -> bytes:
        """Its first `count` bytes, fewer at the end of the text."""
        if self._text is None:
            return os.pread(self._fd, count, self._low)
        if self._text.start != self._low:
            return b""
        self._text.fill(self._fd, count)
        return bytes(self._text.buffer[:count])


def _look(path: str, wanted: Wanted, until: float) -> LogLine | str | None:
    """What is at the wanted byte of a file; None where it ends before, or why it was not read."""
    low = max(0, wanted.offset - AROUND)
    at = wanted.offset - low
    with content.opened(path) as fd:
        window = _Window(fd, low, until)
        if window.late:
            return f"{path}: byte {wanted.offset:,} is too far into a compressed log to be reached"
        data = window.take(at + 4 * AROUND)
        end = data.find(b"\n", at)
        if end < 0 and len(data) == at + 4 * AROUND:
            data = window.take(at + MAX_LINE)
            end = data.find(b"\n", at)
            more = end < 0 and len(data) == at + MAX_LINE
        else:
            more = False
        if len(data) <= at:
            return None
        line = data[at:] if end < 0 else data[at:end]
        rest = b"" if end < 0 else window.take(end + 1 + AROUND)[end + 1 :]
        packed = window.packed
    before = data[:at].split(b"\n")[:-1] if at and data[at - 1 : at] == b"\n" else [data[:at]]
    if low and before:
        before = before[1:]  # begins in the middle
    after = rest.split(b"\n")
    if after and (len(rest) == AROUND or not after[-1]):
        after.pop()
    return LogLine(
        path, packed, wanted.offset, line[:KEPT], len(line), more,
        tuple(part[:NEIGHBOUR] for part in before[-NEIGHBOURS:] if part),
        tuple(part[:NEIGHBOUR] for part in after[:NEIGHBOURS]),
        "" if more else _proof(line, wanted),
    )  # fmt: skip


def _proof(line: bytes, wanted: Wanted) -> str:
    """Why this line is the wanted request, `""` where nothing says so."""
    try:
        value = json.loads(bare(line).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return ""
    moment = named = False
    for each in _leaves(value):
        said = each if isinstance(each, str) else str(each)
        if wanted.request_id and wanted.request_id in (clean(said), safe_name(clean(said))):
            named = True
        elif isinstance(each, str):
            with suppress(ValueError):
                moment = moment or parse_rfc3339(each) == wanted.time_ns
        elif not moment:
            for unit in UNITS.values():
                with suppress(ValueError, OverflowError):
                    moment = moment or unit(each) == wanted.time_ns
    # A number as an id is also a count of something.
    if named and (moment or len(wanted.request_id) >= 6):
        return "request id"
    return "timestamp" if moment else ""


def _leaves(value: object) -> Iterator[str | int | float]:
    """Texts and numbers of parsed JSON, the first `_VALUES` of them."""
    waiting = [value]
    left = _VALUES
    while waiting and left > 0:
        each = waiting.pop()
        left -= 1
        if isinstance(each, dict):
            waiting.extend(list(each.values())[:_VALUES])
        elif isinstance(each, list):
            waiting.extend(each[:_VALUES])
        elif isinstance(each, str) or (
            isinstance(each, int | float) and not isinstance(each, bool)
        ):
            yield each
