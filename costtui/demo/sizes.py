"""Tables the traffic draws from: one random 64-bit word decides a whole request.

A table look-up by a few bits costs 60 ns where `rng.lognormvariate` costs 1 µs; the log writer
has 5 µs for a line.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from costtui.demo.people import CONSUMERS

TABLE = 1024
"""Entries (10 bits) of a size table."""
LARGEST = 100_000
"""Tokens: below every context-length tier, so one rate holds for every request."""

CONSUMER_TABLE: tuple[int, ...] = tuple(
    index for index, who in enumerate(CONSUMERS) for _ in range(who.weight)
)
"""256 indices into `CONSUMERS`, by weight (8 bits)."""


def token_sizes(rng: random.Random, mean: int) -> list[int]:
    """A table of request sizes around `mean` with a long tail."""
    # exp(-σ²/2) makes the mean of the log-normal distribution `mean`.
    return [
        max(1, min(LARGEST, round(mean * 0.7 * rng.lognormvariate(0.0, 0.85))))
        for _ in range(TABLE)
    ]


def spread(total: int, weights: Sequence[float]) -> list[int]:
    """`total` shared out by `weights`, in integers, nothing lost."""
    whole = sum(weights)
    shares = [int(total * weight / whole) for weight in weights]
    shares[0] += total - sum(shares)
    return shares
