"""Where in a big log a moment begins, and where its lines do.

Lines are written by several workers, so they are only nearly in order; the search aims
`MARGIN_S` early. Being wrong is not a mistake: what lies before the split is read as history.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from costtui.sources.jsonl.content import skip_zeros
from costtui.sources.jsonl.timestamps import SECOND_NS
from costtui.sources.jsonl.values import MAX_LINE

MARGIN_S = 900
"""Seconds by which lines may be out of order."""
_PROBE = 64 * 1024
_CLOSE_ENOUGH = 256 * 1024


def line_start_before(fd: int, at: int, floor: int) -> int:
    """The start of the line that holds byte `at - 1`, or `at` when that byte ends a line."""
    while at > floor:
        begin = max(floor, at - _PROBE)
        found = os.pread(fd, at - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        at = begin
    return floor


def first_since(
    fd: int, floor: int, end: int, since_ns: int, moment: Callable[[bytes], int | None]
) -> int:
    """The start of a line before which (nearly) everything is older than `since_ns`.

    Bytes in [floor, end); about 20 small reads for 10 GB.
    """
    wanted = since_ns - MARGIN_S * SECOND_NS
    low, high = floor, end
    while high - low > _CLOSE_ENOUGH:
        middle = (low + high) // 2
        found = _moment_after(fd, middle, high, moment)
        if found is not None and found[1] < wanted:
            low = found[0]
        else:
            high = middle
    return low


def _moment_after(
    fd: int, at: int, end: int, moment: Callable[[bytes], int | None]
) -> tuple[int, int] | None:
    """(start, moment) of the first line that starts after `at` and says when it was."""
    at = skip_zeros(fd, at, end)
    # A line longer than what is read at all counts as new: that only costs order, not lines.
    for size in (_PROBE, MAX_LINE):
        block = os.pread(fd, min(size, end - at), at)
        start = block.find(b"\n") + 1
        while 0 < start < len(block):
            stop = block.find(b"\n", start)
            if stop < 0:
                break
            when = moment(block[start:stop])
            if when is not None:
                return at + start, when
            start = stop + 1
        if len(block) < size:
            break
    return None
