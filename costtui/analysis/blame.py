"""Why cost moved: what each combination of dimensions contributed, and by which of three causes.

Pure, and exact: contributions add up to the difference to the nano-dollar, and so do the three
causes of each. Docs: docs/decisions/049-time-travel.md.

The cost of a combination is requests × size of a request × price of a unit of size:
`C = n · s · p`. `s = W / n` is the size in weighted tokens, `p = C / W` the money for one. Volume,
mix and price are the Shapley values of n, s and p: the effect of a factor, averaged over the six
orders in which the three can be changed from then to now. For volume that is

    (n1 - n0) · (2·s0·p0 + s1·p0 + s0·p1 + 2·s1·p1) / 6

and the others by turning the letters. Changing them one after the other would be as exact, but its
answer depends on which comes first, and going back from now to then would not be the opposite of
going from then to now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from costtui.model.money import divide_half_even
from costtui.model.movement import BY, Key, Moved
from costtui.model.snapshot import Totals

WEIGHTS: Mapping[str, int] = {
    "input": 20, "cache_read": 2, "cache_write": 25, "cache_write_1h": 40, "output": 100,
    "reasoning": 100,
}  # fmt: skip
"""What a token of each kind usually costs beside one of input (20): a tenth for a cached one, a
quarter more or double for writing a cache, five times for output. The store keeps the money of all
kinds together, so the rates themselves are not known here; where a model's own relations differ,
a change of the mix of kinds shows partly as price."""

PENNY = 10_000_000
"""nano-USD. What moved by less than a cent is no step."""
STEPS_MOST = 8
_ALONE = (3, 4)
"""A part of a combination that makes this share of its movement is told apart."""


class Parts(NamedTuple):
    """A difference of nano-USD by cause; the sum of the three is the difference."""

    volume: int
    """More or fewer requests (tokens, where no requests are counted). All of what is new or
    gone."""
    price: int
    """Another price for the same tokens."""
    mix: int
    """Bigger or smaller requests, or another mix of token kinds."""

    @property
    def total(self) -> int:
        return self.volume + self.price + self.mix


class Contribution(NamedTuple):
    """What one combination moved."""

    values: tuple[tuple[str, str], ...]
    """(dimension, value): model, consumer and gateway, and provider or endpoint where one of
    several moved."""
    before: Totals
    now: Totals
    parts: Parts

    @property
    def difference(self) -> int:
        """nano-USD, more is positive."""
        return self.now.effective_nano - self.before.effective_nano


class Step(NamedTuple):
    """A bucket of a chart in which cost rose."""

    at: int
    before: int
    """The bucket that it is compared with: the last one before it that is no gap."""
    cost: int
    """nano-USD in the bucket."""
    cost_before: int

    @property
    def rise(self) -> int:
        return self.cost - self.cost_before


def weight(totals: Totals) -> int:
    """The size of some usage in weighted tokens."""
    return sum(getattr(totals, kind) * factor for kind, factor in WEIGHTS.items())


def split(before: Totals, now: Totals) -> Parts:
    """The difference of two sums by cause."""
    c0, c1 = before.effective_nano, now.effective_nano
    n0, n1 = before.requests, now.requests
    w0, w1 = weight(before), weight(now)
    counted, sized = n0 > 0 and n1 > 0, w0 > 0 and w1 > 0
    if counted and sized:
        # The formulas above over one denominator: integers are ten times as fast as fractions.
        whole = 6 * n0 * n1 * w0 * w1
        volume = divide_half_even(
            (n1 - n0) * (2 * w0 * w1 * (c0 * n1 + c1 * n0) + c0 * n0 * w1 * w1 + c1 * n1 * w0 * w0),
            whole,
        )
        mix = divide_half_even(
            (w1 * n0 - w0 * n1) * (c0 * w1 * (2 * n0 + n1) + c1 * w0 * (n0 + 2 * n1)), whole
        )
        return Parts(volume, c1 - c0 - volume - mix, mix)
    if counted or sized:
        # Two factors: how much (requests, or tokens where those are not counted) and for how much.
        q0, q1 = (n0, n1) if counted else (w0, w1)
        volume = divide_half_even((q1 - q0) * (c0 * q1 + c1 * q0), 2 * q0 * q1)
        return Parts(volume, c1 - c0 - volume, 0)
    return Parts(c1 - c0, 0, 0)


def contributions(rows: Iterable[Moved]) -> tuple[Contribution, ...]:
    """What moved, the most first. The sum over all of `difference` is that of the rows."""
    groups: dict[Key, list[Moved]] = {}
    for row in rows:
        _, model, consumer, gateway, _ = row.key
        groups.setdefault((model, consumer, gateway), []).append(row)
    found = []
    for members in groups.values():
        for provider, own in _told_apart(members, "provider"):
            for endpoint, last in _told_apart(own, "endpoint"):
                found.append(_contribution(last, {**provider, **endpoint}))
    found = [c for c in found if c.difference or any(c.parts)]
    found.sort(key=lambda c: (-abs(c.difference), c.values))
    return tuple(found)


def _told_apart(
    rows: Sequence[Moved], dimension: str
) -> list[tuple[dict[str, str], Sequence[Moved]]]:
    """`rows` by `dimension` where one of its values makes most of what moved, else together."""
    at = BY.index(dimension)
    by_value: dict[str, list[Moved]] = {}
    for row in rows:
        by_value.setdefault(row.key[at], []).append(row)
    moved = {value: abs(_moved(own)) for value, own in by_value.items()}
    several = len(by_value) > 1
    if not several or max(moved.values()) * _ALONE[1] < sum(moved.values()) * _ALONE[0]:
        return [({}, rows)]
    return [({dimension: value}, own) for value, own in by_value.items()]


def _moved(rows: Iterable[Moved]) -> int:
    return sum(r.now.effective_nano - r.before.effective_nano for r in rows)


def _contribution(rows: Sequence[Moved], more: Mapping[str, str]) -> Contribution:
    before, now = Totals(), Totals()
    for row in rows:
        before, now = before.plus(row.before), now.plus(row.now)
    _, model, consumer, gateway, _ = rows[0].key
    values = {"model": model, "consumer": consumer, "gateway": gateway, **more}
    return Contribution(tuple(values.items()), before, now, split(before, now))


def steps(
    cost: Sequence[int], gaps: frozenset[int], *, first_clipped: bool = False
) -> tuple[Step, ...]:
    """The buckets in which cost rose the most, the greatest rise first, at most `STEPS_MOST`.

    A rise counts from the bucket before, or from the median of the three before where that is
    higher: what comes back after a dip is no step. Less than a cent is none, nor less than a tenth
    of what it rose from. A gap is not a zero: what follows it is compared with what was before it.
    `first_clipped`: the first bucket is only partly in the window, so nothing is compared with it.
    """
    known: list[int] = []
    found = []
    for index, value in enumerate(cost):
        if index in gaps:
            continue
        if known:
            before = cost[known[-1]]
            base = max(before, _median([cost[i] for i in known[-3:]]))
            if value - base >= max(PENNY, base // 10):
                found.append(Step(index, known[-1], value, before))
        if index or not first_clipped:
            known.append(index)
    found.sort(key=lambda s: (-s.rise, s.at))
    return tuple(found[:STEPS_MOST])


def _median(values: Sequence[int]) -> int:
    """The lower one of the two in the middle."""
    return sorted(values)[(len(values) - 1) // 2]


def main_cause(parts: Parts) -> str:
    """`volume`, `price` or `mix`: what made most of the difference."""
    sign = 1 if parts.total >= 0 else -1
    return max(("volume", "price", "mix"), key=lambda name: sign * int(getattr(parts, name)))
