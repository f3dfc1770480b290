"""When a difference between two views of the same traffic is one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costtui.analysis.reconcile import (
    LEAST_NANO,
    Verdict,
    deciding,
    difference,
    gap_of,
    measures,
    telling,
    uncertain,
    verdict,
)
from costtui.model.charge import Exactness
from costtui.model.comparison import Compared
from costtui.model.snapshot import Totals

DOLLAR = 10**9


def row(
    counted: Totals | int,
    seen: Totals | int,
    edge: int = 0,
    *,
    gateway: str = "g",
    stretch: tuple[int, int] = (0, 3600),
    counting: tuple[str, ...] = ("a",),
    known: bool = True,
    reading: bool = False,
) -> Compared:
    one, other = (
        t if isinstance(t, Totals) else Totals(requests=1, input=t // 3000, effective_nano=t)
        for t in (counted, seen)
    )
    ends = Totals(input=edge // 3000, effective_nano=edge)
    return Compared(gateway, (), "r", *stretch, one, other, ends, counting, known, reading)


def test_a_difference_counts_when_it_is_beyond_all_three() -> None:
    assert verdict(row(100 * DOLLAR, 100 * DOLLAR)) is Verdict.AGREES
    # half a percent of the larger side
    assert verdict(row(100 * DOLLAR, 99_500_000_000)) is Verdict.AGREES
    assert verdict(row(100 * DOLLAR, 99_499_999_999)) is Verdict.DIFFERS
    assert verdict(row(99_499_999_999, 100 * DOLLAR)) is Verdict.DIFFERS
    # one cent
    assert verdict(row(LEAST_NANO, 0)) is Verdict.AGREES
    assert verdict(row(LEAST_NANO + 1, 0)) is Verdict.DIFFERS
    # what may lie on the other side of an end
    assert verdict(row(100 * DOLLAR, 98 * DOLLAR, 2 * DOLLAR)) is Verdict.AGREES
    assert verdict(row(100 * DOLLAR, 98 * DOLLAR, 2 * DOLLAR - 1)) is Verdict.DIFFERS


def test_where_the_ends_are_all_there_is_nothing_can_be_said() -> None:
    assert verdict(row(2 * DOLLAR, 0, 2 * DOLLAR)) is Verdict.OPEN
    assert verdict(row(2 * DOLLAR, 2 * DOLLAR, 4 * DOLLAR)) is Verdict.AGREES


def test_what_cannot_be_compared_says_why() -> None:
    assert verdict(row(DOLLAR, 0, stretch=(0, 0))) is Verdict.OPEN
    assert verdict(row(DOLLAR, 0, reading=True)) is Verdict.OPEN
    assert verdict(row(DOLLAR, 0, known=False)) is Verdict.UNSEEN
    assert verdict(row(0, DOLLAR, counting=())) is Verdict.UNCOUNTED


def test_usage_that_only_one_side_can_price_is_compared_by_its_tokens() -> None:
    priced = Totals(requests=10, input=1_000_000, effective_nano=3 * DOLLAR)
    unpriced = Totals(requests=10, input=1_000_000, unpriced_requests=10, unpriced_tokens=10**6)
    guessed = priced._replace(effective_nano=5 * DOLLAR, estimated_nano=5 * DOLLAR)
    for other in (unpriced, guessed):
        assert measures(row(priced, other)) == ("tokens",)
        assert verdict(row(priced, other)) is Verdict.AGREES
        assert gap_of(row(priced, other)) == (1_000_000, 1_000_000)
        fewer = other._replace(input=900_000)
        assert verdict(row(priced, fewer)) is Verdict.DIFFERS
        assert gap_of(row(priced, fewer)) == (900_000, 1_000_000)
    silent = unpriced._replace(input=0, unpriced_tokens=0)  # it counts requests alone
    assert verdict(row(priced, silent)) is Verdict.OPEN


def test_where_both_sides_have_some_of_it_costs_are_compared_and_tokens_too() -> None:
    some = Totals(
        requests=10, input=1_000_000, effective_nano=3 * DOLLAR, unpriced_requests=1,
        unpriced_tokens=1000, estimated_nano=DOLLAR,
    )  # fmt: skip
    assert measures(row(some, some)) == ("cost", "tokens")
    assert verdict(row(some, some)) is Verdict.AGREES
    cheaper = some._replace(effective_nano=2 * DOLLAR)
    assert (verdict(row(some, cheaper)), deciding(row(some, cheaper))) == (Verdict.DIFFERS, "cost")
    fewer = some._replace(input=900_000)
    assert (verdict(row(some, fewer)), deciding(row(some, fewer))) == (Verdict.DIFFERS, "tokens")
    guessed = some._replace(unpriced_requests=0, unpriced_tokens=0)
    assert measures(row(guessed, guessed)) == ("cost",)


def test_a_difference_of_bounds_is_an_estimate() -> None:
    exact = Totals(requests=1, effective_nano=5)
    assert uncertain(row(exact, exact)) is Exactness.EXACT
    assert uncertain(row(exact, exact._replace(lower_bounds=1))) is Exactness.ESTIMATE


def test_hints_are_few_and_the_largest_comes_first() -> None:
    rows = [
        row(100 * DOLLAR, 90 * DOLLAR, gateway="ten"),
        row(100 * DOLLAR, 100 * DOLLAR, gateway="same"),
        row(0, 40 * DOLLAR, counting=(), stretch=(0, 0), gateway="uncounted"),
        row(0, LEAST_NANO, counting=(), stretch=(0, 0), gateway="a cent that nobody counts"),
        row(100 * DOLLAR, 0, reading=True, gateway="reading"),
        row(100 * DOLLAR, 0, known=False, gateway="unseen"),
    ]
    assert [r.gateway for r in telling(rows)] == ["uncounted", "ten"]


@given(*([st.integers(0, 10**14)] * 3))
def test_the_verdict_does_not_depend_on_which_side_is_which(
    one: int, other: int, edge: int
) -> None:
    assert verdict(row(one, other, edge)) is verdict(row(other, one, edge))
    there, back = difference(row(one, other)), difference(row(other, one))
    assert (there.cost_nano, there.tokens) == (-back.cost_nano, -back.tokens)
    if verdict(row(one, other, edge)) is Verdict.DIFFERS:
        assert abs(one - other) > max(LEAST_NANO, edge)
