"""Findings: each with the money at stake worked out by hand, and nothing said below a threshold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from costtui.analysis.advice import (
    Kind,
    advise,
    cache_share,
    failures,
    off_list,
    percent,
    unpriced,
    unread_writes,
)
from costtui.analysis.pricelist import Priced
from costtui.model.charge import Exactness
from costtui.model.money import NANO
from costtui.model.snapshot import Totals, View
from costtui.model.spending import Spent
from costtui.model.timewindow import Window
from costtui.pricing.rates import Found, RateCard

D = Decimal
START = int(datetime(2026, 11, 2, tzinfo=UTC).timestamp())
VIEW = View(Window(START, START + 86400, 3600))
CARD = RateCard("test", (("input", D(3)), ("cache_read", D("0.3")), ("cache_write", D("3.75")),
                         ("output", D(15))))  # fmt: skip
M = 1_000_000


def by(name: str, model: str = "m", **used: Any) -> Spent:
    return Spent(("p", model, name), Totals(**used))


def test_unpriced_usage_has_an_unknown_stake_and_the_line_to_write() -> None:
    row = Priced(Spent(("qwen", "q*"), Totals(requests=3, unpriced_requests=2, unpriced_tokens=9)),
                 None)  # fmt: skip
    (found,) = unpriced([row, Priced(Spent(("p", "m"), Totals(requests=1)), Found(CARD, ("", "")))])
    assert (found.stake_nano, found.tokens, found.requests) == (None, 9, 2)
    assert found.line.startswith('- {provider: qwen, model: "q[*]", input: …')
    assert found.subject == (("provider", "qwen"), ("model", "q*"))


def test_a_rate_that_is_known_meanwhile_needs_no_line() -> None:
    total = Totals(requests=1, input=5, unpriced_tokens=5)
    (found,) = unpriced([Priced(Spent(("p", "m"), total), Found(CARD, ("", "")))])
    assert not found.line
    assert "collector" in found.todo
    short = RateCard("test", (("input", D(1)),))
    total = total._replace(output=3)
    (found,) = unpriced([Priced(Spent(("p", "m"), total), Found(short, ("", "")))])
    assert "lacks a kind" in found.todo


def gateway(reported: int, listed: int, **more: int) -> Spent:
    told = Totals(reported_nano=reported, list_nano=listed, **more)
    return Spent(("p", "m", "gw"), told, told=told)


def test_money_far_over_list_is_at_stake_and_under_list_is_none() -> None:
    over, under = off_list([gateway(112 * NANO, 100 * NANO), gateway(96 * NANO, 100 * NANO)])
    assert (over.kind, over.stake_nano, over.exactness) == (
        Kind.OVER_LIST, 12 * NANO, Exactness.EXACT,
    )  # fmt: skip
    assert "12% over" in over.what
    assert over.subject == (("gateway", "gw"), ("provider", "p"), ("model", "m"))
    assert (under.kind, under.stake_nano) == (Kind.UNDER_LIST, 0)
    assert "4.0% under" in under.what


def test_rounding_and_cents_are_no_finding() -> None:
    assert off_list([gateway(1019 * NANO // 10, 100 * NANO)]) == []  # 1.9 %
    assert off_list([gateway(19_000_000, 10_000_000)]) == []  # 90 % of nothing
    assert off_list([gateway(0, 100 * NANO), gateway(100 * NANO, 0)]) == []


def test_what_a_source_guessed_is_marked() -> None:
    (found,) = off_list([gateway(200 * NANO, 100 * NANO, estimated_nano=NANO)])
    assert found.exactness is Exactness.ESTIMATE


def test_failures_of_a_consumer_over_all_of_its_models() -> None:
    rows = [by("a", "m", requests=60, errors=2), by("a", "n", requests=40, throttled=4),
            by("b", requests=100, errors=4), by("", requests=10, errors=10),
            by("c", requests=19, errors=19)]  # fmt: skip
    (found,) = failures(rows, None)
    assert found.subject == (("consumer", "a"),)
    assert (found.stake_nano, found.sure) == (None, "hint")
    assert "6.0%" in found.what
    assert "67%" in found.what
    assert "slow it down" in found.todo


def test_money_of_failed_requests_is_a_lower_bound() -> None:
    (found,) = failures([by("b", requests=1000, errors=1)], {"b": 3 * NANO, "gone": NANO})
    assert (found.stake_nano, found.exactness) == (3 * NANO, Exactness.LOWER_BOUND)
    assert failures([by("b", requests=1000, errors=1)], {"b": 9_999_999}) == []


def test_a_share_far_below_the_median_is_worth_the_difference() -> None:
    shares = {"a": 9, "b": 8, "c": 0, "d": 7}
    rows = [(by(n, input=(10 - r) * M, cache_read=r * M), CARD) for n, r in shares.items()]
    (found,) = cache_share(rows)
    # the median of 90, 80, 70 and 0 % is 75 %; 7.5 million tokens at $3.00 - $0.30
    assert found.subject[0] == ("consumer", "c")
    assert found.stake_nano == int(Fraction("7.5") * (3 - Fraction("0.3")) * NANO)
    assert found.exactness is Exactness.ESTIMATE


def test_no_share_without_peers_rates_or_enough_input() -> None:
    three = [(by(n, input=M, cache_read=9 * M), CARD) for n in "ab"]
    low = by("c", input=10 * M)
    assert cache_share([*three[:1], (low, CARD)]) == []
    assert cache_share([*three, (low, None)]) == []
    assert cache_share([*three, (low, RateCard("", (("input", D(3)),)))]) == []
    assert cache_share([*three, (by("c", input=99_999), CARD)]) == []
    assert cache_share([*three, (by("", input=10 * M), CARD)]) == []
    assert cache_share([*three, (by("c", input=19 * M, cache_read=81 * M), CARD)]) == []
    assert len(cache_share([*three, (low, CARD)])) == 1


def test_cache_writes_that_nobody_reads_cost_their_premium() -> None:
    wrote = by("a", input=M, cache_write=4 * M, cache_read=M)
    (found,) = unread_writes([(wrote, CARD)])
    # 4 million written at $0.75 more, one read at $2.70 less
    assert found.stake_nano == 300_000_000
    assert unread_writes([(by("a", cache_write=4 * M, cache_read=2 * M), CARD)]) == []
    assert unread_writes([(wrote, None)]) == []
    assert unread_writes([(wrote, RateCard("", (("input", D(3)),)))]) == []
    assert unread_writes([(wrote, RateCard("", CARD.rates, free=True))]) == []


def test_a_long_lived_cache_costs_its_own_premium() -> None:
    card = RateCard("", (*CARD.rates, ("cache_write_1h", D(6))))
    (found,) = unread_writes([(by("a", cache_write_1h=M), card)])
    assert found.stake_nano == 3 * NANO


def test_unpriced_first_then_by_money_then_what_has_none() -> None:
    models = [Priced(Spent(("u", n), Totals(unpriced_tokens=t)), None) for n, t in
              (("few", 5), ("many", 50))]  # fmt: skip
    advice = advise(
        VIEW,
        lambda *_: Found(CARD, ("", "")),
        models,
        [gateway(112 * NANO, 100 * NANO), gateway(500 * NANO, 400 * NANO)],
        [by("slow", requests=100, throttled=90), by("x", requests=1)],
        None,
    )
    assert [(f.kind, f.stake_nano) for f in advice.findings] == [
        (Kind.UNPRICED, None), (Kind.UNPRICED, None), (Kind.OVER_LIST, 100 * NANO),
        (Kind.OVER_LIST, 12 * NANO), (Kind.FAILURES, None),
    ]  # fmt: skip
    assert advice.findings[0].tokens == 50
    assert (advice.models, advice.gateways, advice.consumers) == (2, 1, 2)
    assert not advice.failures_priced


def test_rates_are_those_of_the_end_of_the_window() -> None:
    days: list[date] = []

    def find(_: str, __: str, day: date) -> None:
        days.append(day)

    advise(VIEW, find, [], [], [by("x", requests=1)], {})
    assert set(days) == {date(2026, 11, 2)}


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=8))
def test_no_potential_is_more_than_the_input_costs(pairs: list[tuple[int, int]]) -> None:
    rows = [(by(f"c{n}", input=i, cache_read=r), CARD) for n, (i, r) in enumerate(pairs)]
    for found in cache_share(rows):
        own = next(s.total for s, _ in rows if s.key[2] == found.subject[0][1])
        assert found.stake_nano is not None
        assert 0 < found.stake_nano <= own.input * 2700


def test_percentages() -> None:
    assert [percent(*p) for p in ((0, 9), (1, 10**9), (-5, 100), (1, 3), (5, 0))] == [
        "0%", "<0.1%", "5.0%", "33%", "0%",
    ]  # fmt: skip
