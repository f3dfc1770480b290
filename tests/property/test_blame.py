"""Contributions and causes add up to the difference, to the nano-dollar, for any usage."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from costtui.analysis.blame import Parts, contributions, split, steps, weight
from costtui.model.movement import Moved
from costtui.model.snapshot import Totals

small = st.integers(0, 3) | st.integers(0, 10**6)
money = st.integers(0, 10) | st.integers(0, 10**15)


@st.composite
def usage(draw: st.DrawFn) -> Totals:
    if draw(st.integers(0, 5)) == 0:
        return Totals()
    return Totals(
        requests=draw(small), input=draw(small), cache_read=draw(small), cache_write=draw(small),
        cache_write_1h=draw(small), output=draw(small), reasoning=draw(small),
        effective_nano=draw(money),
    )  # fmt: skip


names = st.sampled_from(["", "a", "b", "c"])
keys = st.tuples(names, names, names, names, names)


def walked(before: Totals, now: Totals) -> tuple[Fraction, Fraction, Fraction]:
    """Volume, price and mix by walking all six orders: the definition, computed the long way."""
    old = (Fraction(before.requests), Fraction(weight(before), before.requests),
           Fraction(before.effective_nano, weight(before)))  # fmt: skip
    new = (Fraction(now.requests), Fraction(weight(now), now.requests),
           Fraction(now.effective_nano, weight(now)))  # fmt: skip
    effect = [Fraction(0)] * 3
    for order in permutations(range(3)):
        at = list(old)
        for factor in order:
            start = at[0] * at[1] * at[2]
            at[factor] = new[factor]
            effect[factor] += (at[0] * at[1] * at[2] - start) / 6
    volume, mix, price = effect
    return volume, price, mix


@given(usage(), usage())
def test_the_causes_add_up_and_going_back_is_the_opposite(before: Totals, now: Totals) -> None:
    parts = split(before, now)
    assert parts.total == now.effective_nano - before.effective_nano
    assert split(now, before) == Parts(*(-p for p in parts))
    assert split(before, before) == (0, 0, 0)
    if all((before.requests, now.requests, weight(before), weight(now))):
        for found, exact in zip(parts, walked(before, now), strict=True):
            assert abs(found - exact) <= 1


@given(usage(), st.integers(1, 50))
def test_more_of_the_same_is_volume(before: Totals, times: int) -> None:
    now = Totals(*(v * times for v in before))
    assert split(before, now) == (before.effective_nano * (times - 1), 0, 0)


@given(usage(), money)
def test_what_is_new_or_gone_is_volume(now: Totals, spent: int) -> None:
    now = now._replace(effective_nano=spent)
    assert split(Totals(), now) == (spent, 0, 0)
    assert split(now, Totals()) == (-spent, 0, 0)


@given(usage(), st.integers(0, 50))
def test_the_same_tokens_for_other_money_is_price(before: Totals, times: int) -> None:
    now = before._replace(effective_nano=before.effective_nano * times)
    if before.requests or weight(before):
        assert split(before, now) == (0, before.effective_nano * (times - 1), 0)


@given(usage(), st.integers(1, 50))
def test_bigger_requests_at_the_same_price_are_mix(before: Totals, times: int) -> None:
    now = Totals(*(v * times for v in before))._replace(requests=before.requests)
    if before.requests and weight(before):
        assert split(before, now) == (0, 0, before.effective_nano * (times - 1))


@given(st.dictionaries(keys, st.tuples(usage(), usage()), max_size=25))
def test_contributions_add_up_to_the_whole(
    found: dict[tuple[str, ...], tuple[Totals, Totals]],
) -> None:
    rows = [Moved(key, *pair) for key, pair in found.items()]
    parts = contributions(rows)
    whole = sum(n.effective_nano - b.effective_nano for b, n in found.values())
    assert sum(c.difference for c in parts) == whole
    assert sum(c.parts.total for c in parts) == whole
    assert all(c.parts.total == c.difference for c in parts)
    sizes = [abs(c.difference) for c in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert len({c.values for c in parts}) == len(parts)
    # What a contribution says is what its values select from the rows, so that the filters made
    # of it show its money.
    for c in parts:
        named = dict(c.values)
        chosen = [
            r for r in rows
            if all(value == dict(zip(("provider", "model", "consumer", "gateway", "endpoint"),
                                     r.key, strict=True))[name] for name, value in named.items())
        ]  # fmt: skip
        assert sum(r.now.effective_nano for r in chosen) == c.now.effective_nano


@given(
    st.lists(st.integers(0, 10**12) | st.integers(0, 10**7), max_size=60),
    st.sets(st.integers(0, 60)),
    st.booleans(),
)
def test_steps_are_rises_between_what_is_known(
    cost: list[int], gaps: set[int], clipped: bool
) -> None:
    found = steps(cost, frozenset(gaps), first_clipped=clipped)
    rises = [s.rise for s in found]
    assert rises == sorted(rises, reverse=True)
    for step in found:
        assert step.at not in gaps
        assert step.before not in gaps
        assert step.before < step.at
        assert all(i in gaps for i in range(step.before + 1, step.at))
        assert not (clipped and step.before == 0)
        assert step.rise >= 10_000_000
        assert (step.cost, step.cost_before) == (cost[step.at], cost[step.before])
