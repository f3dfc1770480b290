"""When is a difference between two views of the same traffic one?

Never is it exactly nothing: two clocks, two reads of a counter, a rounding. A hint that is always
there is read by nobody, so a difference counts when it is beyond all three of: half a percent of
the larger side, one cent, and what two reads can have on the other side of an end of the stretch
(docs/decisions/044-reconcile.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from costtui.model.charge import Exactness
from costtui.model.comparison import Compared
from costtui.model.money import NANO
from costtui.model.snapshot import Totals

PER_MILLE: Final = 5
"""Of the larger side. Rounding of a gateway that reports money (one proxy rounds every request up
to $0.0001) and clocks a second apart stay below it on a day of any traffic worth a look."""
LEAST_NANO: Final = NANO // 100
LEAST_TOKENS: Final = 1000
"""Where no cost can be compared: about a cent at usual prices."""


class Verdict(Enum):
    """What to make of one comparison; the value is its word in reports."""

    AGREES = "agrees"
    DIFFERS = "differs"
    OPEN = "open"
    """Nothing can be said yet: no common stretch, one too short, or history is being read."""
    UNCOUNTED = "uncounted"
    """The reconciling source saw a gateway that no source counts."""
    UNSEEN = "unseen"
    """The reconciling source has nothing of a gateway that it is said to see."""


class Difference(NamedTuple):
    """What was seen minus what was counted; negative where less was seen."""

    cost_nano: int
    tokens: int
    requests: int


def difference(row: Compared) -> Difference:
    one, other = row.counted, row.seen
    return Difference(
        other.effective_nano - one.effective_nano,
        other.tokens - one.tokens,
        other.requests - one.requests,
    )


def uncertain(row: Compared) -> Exactness:
    """Of a difference. Bounds do not subtract: where a side is not exact it is an estimate."""
    exact = row.counted.exactness is row.seen.exactness is Exactness.EXACT
    return Exactness.EXACT if exact else Exactness.ESTIMATE


def by_tokens(row: Compared) -> bool:
    """Must tokens decide? Usage without a price on one side, or priced by a guess, makes costs
    differ where the traffic does not."""
    return any(
        t.unpriced_requests or t.unpriced_tokens or t.exactness & Exactness.ESTIMATE
        for t in (row.counted, row.seen)
    )


def verdict(row: Compared) -> Verdict:
    """What the numbers of one row say."""
    if not row.counting:
        return Verdict.UNCOUNTED
    if not row.known:
        return Verdict.UNSEEN
    if row.reading or not row.covered:
        return Verdict.OPEN
    if by_tokens(row):
        one, other, edge, least = (*map(_tokens, (row.counted, row.seen, row.edge)), LEAST_TOKENS)
        if not one or not other:  # one side counts no tokens at all
            return Verdict.OPEN if one != other else Verdict.AGREES
    else:
        one, other, edge, least = (*map(_cost, (row.counted, row.seen, row.edge)), LEAST_NANO)
    gap, larger = abs(one - other), max(one, other)
    if gap <= least or gap * 1000 <= PER_MILLE * larger:
        return Verdict.AGREES
    if gap > edge:
        return Verdict.DIFFERS
    # All of it may lie at the ends; where the ends are all there is, that says nothing.
    return Verdict.OPEN if 2 * edge >= one + other else Verdict.AGREES


def _tokens(totals: Totals) -> int:
    return totals.tokens


def _cost(totals: Totals) -> int:
    return totals.effective_nano


def gap_of(row: Compared) -> tuple[int, int]:
    """(what was seen, what was counted) in the measure that decides: nano-USD, else tokens."""
    measure = _tokens if by_tokens(row) else _cost
    return measure(row.seen), measure(row.counted)


def telling(rows: Iterable[Compared]) -> list[Compared]:
    """The rows that are worth a hint, the largest difference first: what differs, and money that
    passes a gateway which nobody counts."""
    found = [
        row
        for row in rows
        if (said := verdict(row)) is Verdict.DIFFERS
        or (said is Verdict.UNCOUNTED and row.seen.effective_nano > LEAST_NANO)
    ]
    return sorted(found, key=lambda r: (-abs(difference(r).cost_nano), r.gateway, r.source))
