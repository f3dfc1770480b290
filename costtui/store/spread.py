"""Usage of a long interval, divided over the time it spans.

A counter that could not be read for an hour tells how much was used in that hour and not when.
Put at the end it would look like a spike, so it is spread evenly; in integers, so that not a token
and not a nano-dollar is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from costtui.model.timewindow import MINUTE
from costtui.store.levels import LEVELS, WIDTH

LONGEST_POINT_NS: Final = 120_000_000_000
"""An interval up to this long is put into the minute in which it ends."""

MOST_PIECES: Final = 1440
"""A minute each up to a day; longer outages are spread over coarser steps, so that one record
after a year of silence does not write half a million rows."""

_NS: Final = 1_000_000_000
_LOWER_BOUNDS: Final = WIDTH - 1


def spread(
    start_ns: int, end_ns: int, values: Sequence[int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(start of a minute, its share) for `[start_ns, end_ns)`; the shares add up to `values`.

    Each share is the difference of two rounded running totals, so it is within one unit of even
    and three requests in an hour end up twenty minutes apart; the method of largest remainders
    would put all three at its beginning. The last value, the count of lower bounds, is not divided:
    every piece may hide the loss, so every piece carries it. Failed requests are part of the
    requests in every piece: the successful ones are what is divided.
    """
    requests, errors, throttled, *rest = values
    values = (requests - errors - throttled, errors, throttled, *rest)
    step = next(
        (level.step for level in LEVELS if (end_ns - start_ns) // (level.step * _NS) < MOST_PIECES),
        LEVELS[-1].step,
    )
    step_ns = step * _NS
    length = end_ns - start_ns
    edge = start_ns - start_ns % step_ns
    done = [0] * len(values)
    bounds = values[_LOWER_BOUNDS]
    position = start_ns
    while position < end_ns:
        edge += step_ns
        until = min(edge, end_ns)
        running = [value * (until - start_ns) // length for value in values]
        share = [new - old for new, old in zip(running, done, strict=True)]
        done = running
        share[_LOWER_BOUNDS] = bounds
        share[0] += share[1] + share[2]
        yield position // _NS // MINUTE * MINUTE, tuple(share)
        position = until
