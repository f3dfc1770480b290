"""When the log's requests happen: times drawn for a stretch, lines in the order of five workers."""

from __future__ import annotations

import random

from costtui.demo.proxylines import SECOND_NS, LineMaker
from costtui.demo.rhythm import Intensity, poisson


def stretch(
    maker: LineMaker,
    rng: random.Random,
    intensity: Intensity,
    start: int,
    seconds: int,
    factor: float = 1.0,
) -> list[str]:
    """The lines of `[start, start + seconds)`, as the proxy's workers get to write them."""
    keyed: list[tuple[int, str]] = []
    for route, rate in enumerate(intensity.routes):
        count = poisson(rng, rate * factor * seconds)
        if count:
            keyed += draw(maker, rng, route, count, start, seconds)
    keyed.sort()
    return [line for _, line in keyed]


def draw(
    maker: LineMaker, rng: random.Random, route: int, count: int, start: int, seconds: int
) -> list[tuple[int, str]]:
    """`count` requests of one route: (moment of writing, line) pairs, unordered."""
    dice = memoryview(rng.randbytes(8 * count)).cast("Q").tolist()
    span = seconds * SECOND_NS
    begin = start * SECOND_NS
    more = memoryview(rng.randbytes(8 * count)).cast("Q").tolist()
    moments = [begin + (word * span >> 64) for word in more]
    lines = maker.lines(route, moments, dice)
    # Each line is written up to half a second after its request, so the lines are not in order.
    return [
        (moment + (word & 0x1FFFFFFF), line)
        for moment, word, line in zip(moments, dice, lines, strict=True)
    ]
