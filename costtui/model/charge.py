"""What usage costs and how we know."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class CostBasis(IntEnum):
    """How a cost came about. Part of a series' identity, so that history can be re-priced.

    The numbers are stored: never renumber.
    """

    UNPRICED = 0
    """No rate is known: counted in tokens and requests, in no sum of money, `≥` on it."""
    REPORTED = 1
    """Money the source itself reported."""
    COMPUTED = 2
    """Tokens × published or configured rate."""
    ESTIMATED = 3
    """Priced per request, by the source's own guess, or at an assumed tier: `~`."""


class CostPolicy(IntEnum):
    """A source's `cost:` policy: which money becomes `effective_cost`."""

    REPORTED = 1
    """The source's own money; where it reports none, computed."""
    COMPUTED = 2
    """Tokens × rate, whatever the source says."""
    ESTIMATED = 3
    """As computed, but marked as an estimate."""


class Charge(NamedTuple):
    """The cost of one `UsageRecord`."""

    effective_nano: int
    """nano-USD; 0 when unpriced."""
    list_nano: int | None
    """Tokens × rate, nano-USD; None when no rate is known."""
    basis: CostBasis
    tier: int = 0
    """The context-length threshold (input tokens of one request) whose rates applied; 0 is the
    base tier; -1 says that usage came aggregated and the base tier of a tiered model was
    assumed."""


class Exactness(IntEnum):
    """How right a number is. A set of two bits, so two of them combine with `|`."""

    EXACT = 0
    LOWER_BOUND = 1
    ESTIMATE = 2
    ESTIMATED_LOWER_BOUND = 3

    @property
    def mark(self) -> str:
        """What stands before the number on every screen and report."""
        return ("", "≥", "~", "≥~")[self]

    @property
    def word(self) -> str:
        """The stable spelling in JSON and CSV."""
        return ("exact", "lower_bound", "estimate", "estimated_lower_bound")[self]


def exactness(*, lower_bound: bool, estimate: bool) -> Exactness:
    """Combine the two ways a number can be less than exact."""
    return Exactness(int(lower_bound) | 2 * int(estimate))
