"""Which rows answer for a window: whole days, then six-hours, hours, ten-minutes and minutes at
its edges, so that any window is a few thousand rows."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from costtui.model.timewindow import DAY, MINUTE, Window, floor_to
from costtui.store.levels import LEVELS, Floors


class Segment(NamedTuple):
    """All rows of `table` with `low <= t < high`."""

    table: str
    low: int
    high: int


def cover(low: int, high: int, coarsest: int = DAY) -> list[Segment]:
    """Segments that together are exactly `[low, high)`, whole minutes, oldest first."""
    return _cover(low, high, sum(1 for level in LEVELS if level.step <= coarsest) - 1)


def _cover(low: int, high: int, at: int) -> list[Segment]:
    if low >= high or at < 0:
        return []
    table, step, _ = LEVELS[at]
    first, last = ceil_to(low, step), floor_to(high, step)
    if first >= last:
        return _cover(low, high, at - 1)
    return [
        *_cover(low, first, at - 1),
        Segment(table, first, last),
        *_cover(last, high, at - 1),
    ]


def ceil_to(seconds: int, step: int) -> int:
    return -(-seconds // step) * step


def kept(window: Window, floors: Floors) -> Window:
    """`window`, widened to what is still kept of it: where minutes are gone it begins and ends at
    an hour, where hours are gone at a UTC day, and its chart is no finer than that."""
    coarse = _finest(window.start, floors)
    start = floor_to(window.start, coarse)
    end = max(start, ceil_to(window.end, _finest(max(window.end - 1, start), floors)))
    if (start, end) == (window.start, window.end) and coarse <= window.step:
        return window
    return replace(window, start=start, end=end, step=max(window.step, coarse))


def _finest(t: int, floors: Floors) -> int:
    return floors.finest_step(t) or DAY


def whole_minutes(window: Window) -> Window:
    """`window` with its ends on whole minutes, which rows can answer for."""
    start, end = floor_to(window.start, MINUTE), ceil_to(window.end, MINUTE)
    if (start, end) == (window.start, window.end):
        return window
    return replace(window, start=start, end=max(start, end))
