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
"""Where costs cannot be compared: about a cent at usual prices."""


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


def measures(row: Compared) -> tuple[str, ...]:
    """What is compared: `cost`, `tokens`, or both.

    Prices are the same for both sides, so usage without one, or priced by a guess, is left out of
    or guessed in both costs alike. Where only one side has such usage (the other one reports its
    money, say) costs differ though the traffic does not, and tokens alone decide.
    """
    one, other = row.counted, row.seen
    unpriced = [bool(t.unpriced_requests or t.unpriced_tokens) for t in (one, other)]
    guessed = [bool(t.exactness & Exactness.ESTIMATE) for t in (one, other)]
    if unpriced[0] is not unpriced[1] or guessed[0] is not guessed[1]:
        return ("tokens",)
    return ("cost", "tokens") if unpriced[0] else ("cost",)


def verdict(row: Compared) -> Verdict:
    """What the numbers of one row say."""
    if not row.counting:
        return Verdict.UNCOUNTED
    if not row.known:
        return Verdict.UNSEEN
    if row.reading or not row.covered:
        return Verdict.OPEN
    found = {_judged(row, measure) for measure in measures(row)}
    return next(v for v in (Verdict.DIFFERS, Verdict.OPEN, Verdict.AGREES) if v in found)


def _judged(row: Compared, measure: str) -> Verdict:
    one, other, edge = (_amount(t, measure) for t in (row.counted, row.seen, row.edge))
    if measure == "tokens" and (not one or not other):  # one side counts no tokens at all
        return Verdict.OPEN if one != other else Verdict.AGREES
    gap, larger = abs(one - other), max(one, other)
    least = LEAST_TOKENS if measure == "tokens" else LEAST_NANO
    if gap <= least or gap * 1000 <= PER_MILLE * larger:
        return Verdict.AGREES
    if gap > edge:
        return Verdict.DIFFERS
    # All of it may lie at the ends; where the ends are all there is, that says nothing.
    return Verdict.OPEN if 2 * edge >= one + other else Verdict.AGREES


def _amount(totals: Totals, measure: str) -> int:
    return totals.tokens if measure == "tokens" else totals.effective_nano


def deciding(row: Compared) -> str:
    """The measure that the verdict is about: the first that differs, else the first."""
    found = measures(row)
    if not row.covered:
        return found[0]
    return next((m for m in found if _judged(row, m) is Verdict.DIFFERS), found[0])


def gap_of(row: Compared) -> tuple[int, int]:
    """(what was seen, what was counted) in the measure that decides: nano-USD or tokens."""
    measure = deciding(row)
    return _amount(row.seen, measure), _amount(row.counted, measure)


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
