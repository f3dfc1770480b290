"""The price list: its words, what changed, and a list cost worked out kind by kind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from costtui.analysis.pricelist import (
    Priced,
    Stretch,
    day_of,
    price_list,
    stretches,
    work_out,
)
from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.model.charge import CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Totals, View
from costtui.model.spending import Spent
from costtui.model.timewindow import DAY, Window
from costtui.model.usage import TOKEN_TYPES, UsageRecord
from costtui.pricing.calculate import Pricer

D = Decimal
START = int(datetime(2026, 11, 2, tzinfo=UTC).timestamp())


def rates(**values: str) -> tuple[tuple[str, Decimal], ...]:
    return tuple((kind, D(rate)) for kind, rate in values.items())


def pricer(*entries: PriceOverride, catalogue: bool = False) -> Pricer:
    return Pricer(Config(store=StoreConfig(Path("x")), pricing=entries, catalogue=catalogue))


def rows_of(priced: Pricer, *spent: Spent, days: int = 1) -> tuple[Priced, ...]:
    window = Window(START, START + days * DAY, 3600)
    return price_list(priced.found, priced.alias, spent, View(window), "9").rows


def used(**values: Any) -> Spent:
    return Spent(("p", "m"), Totals(requests=1, **values))


def test_where_a_rate_comes_from_in_a_word() -> None:
    own = PriceOverride("p", "m", rates=rates(input="1", output="2"))
    (row,) = rows_of(pricer(PriceOverride("q"), own), used(input=1))
    assert row.where == "pricing[1]"
    assert rows_of(pricer(PriceOverride("p", free=True)), used(input=1))[0].where == "free"
    nobody = pricer()
    assert rows_of(nobody, used(input=1, unpriced_tokens=1))[0].where == "unpriced"
    assert rows_of(nobody, used(input=1, effective_nano=5))[0].where == "reported"
    assert rows_of(nobody, Spent(("p", ""), Totals(requests=1, errors=1)))[0].where == "-"
    hours = Totals(effective_nano=7)
    assert rows_of(nobody, Spent(("p", "m"), hours, standing=hours))[0].where == "by the hour"
    spent = Spent(("x_ai", "grok-4"), Totals(requests=1, input=3))
    (row,) = rows_of(pricer(catalogue=True), spent)
    assert (row.where, row.alias) == ("catalogue", "built in")


def test_what_is_paid_leaves_out_what_has_no_price_and_what_only_stands() -> None:
    standing = Totals(effective_nano=10**9)
    total = Totals(input=3_000_000, unpriced_tokens=1_000_000, effective_nano=5 * 10**9)
    (row,) = rows_of(pricer(), Spent(("p", "m"), total, standing=standing))
    assert row.paid_nano == 2 * 10**9
    assert rows_of(pricer(), used(input=5, unpriced_tokens=5))[0].paid_nano is None


def test_reported_is_compared_where_there_is_something_to_compare() -> None:
    told = Totals(reported_nano=112, list_nano=100)
    assert rows_of(pricer(), Spent(("p", "m"), told, told=told))[0].over_list == (12, 100)
    assert rows_of(pricer(), Spent(("p", "m"), told))[0].over_list is None


def test_a_kind_that_was_used_and_has_no_rate_is_named() -> None:
    only = PriceOverride("p", "m", rates=rates(input="1"))
    (row,) = rows_of(pricer(only), used(input=1, output=2, reasoning=1, unpriced_tokens=4))
    assert row.missing == ("output", "reasoning")
    assert row.unpriced
    assert rows_of(pricer(only), used(input=1, cache_read=4))[0].missing == ()


def test_rates_that_changed_within_the_window_are_marked() -> None:
    second = date(2026, 11, 3)
    priced = pricer(
        PriceOverride("p", "m", until=second, rates=rates(input="1", output="2")),
        PriceOverride("p", "m", start=second, rates=rates(input="3", output="2")),
    )
    assert rows_of(priced, used(input=1), days=2)[0].changed
    assert not rows_of(priced, used(input=1), days=1)[0].changed
    window = Window(START + 3600, START + 2 * DAY + 60, 3600)
    cuts = stretches(lambda day: priced.found("p", "m", day), window)
    assert [(s.start, s.end) for s in cuts] == [
        (START + 3600, START + DAY), (START + DAY, START + 2 * DAY + 60),
    ]  # fmt: skip
    assert stretches(lambda _: None, window) == [Stretch(window.start, window.end, None)]


kinds = st.lists(st.integers(0, 10**9), min_size=6, max_size=6)


@given(
    st.lists(st.tuples(st.booleans(), kinds, st.booleans()), max_size=6),
    st.decimals("0.001", 90, places=3),
    st.decimals("0.001", 90, places=3),
)
def test_kinds_tiers_and_stretches_add_up_to_what_was_charged(
    requests: list[tuple[bool, list[int], bool]], first: Decimal, second: Decimal
) -> None:
    """Two days with other rates each, a price that is a whole number of nano-USD a token."""
    changes = date(2026, 11, 3)
    priced = pricer(
        PriceOverride("p", "m", until=changes, rates=rates(input=f"{first}", output="7.125")),
        PriceOverride("p", "m", start=changes,
                      rates=rates(input=f"{second}", cache_read="0.25", output="3")),
    )  # fmt: skip
    sums: dict[bool, Totals] = {}
    charged = 0
    for late, counts, _ in requests:
        ns = (START + (DAY if late else 0) + 60) * 10**9
        own: dict[str, Any] = dict(zip(TOKEN_TYPES, counts, strict=True))
        record = UsageRecord(ns, ns, Dimensions("p", "m"), request_id="r")._replace(**own)
        listed = priced.charge(record, CostPolicy.COMPUTED).list_nano
        assert listed is not None
        charged += listed
        sums[late] = sums.get(late, Totals()).plus(Totals(requests=1, list_nano=listed, **own))
    window = Window(START, START + 2 * DAY, 3600)
    cuts = stretches(lambda day: priced.found("p", "m", day), window)
    parts = [
        (cut, Spent(("p", "m"), sums[late], ((0, sums[late]),)) if late in sums else None)
        for late, cut in zip((False, True), cuts, strict=True)
    ]
    worked = work_out(parts)
    assert worked.list_nano == charged
    assert worked.rest_nano == 0
    assert sum(p.number for p in worked.parts) == sum(sum(c) for _, c, _ in requests)


def test_a_tier_has_its_own_line_and_an_assumed_one_says_so() -> None:
    priced = pricer(catalogue=True)
    found = priced.found("google", "gemini-2.5-pro", date(2026, 11, 2))
    assert found is not None
    tier = found.card.tiers[0]
    cheap, dear, counted = (Totals(input=n, list_nano=m) for n, m in
                            ((1000, 1_250_000), (300_000, 750_000_000), (9, 11_250)))  # fmt: skip
    spent = Spent(("google", "gemini-2.5-pro"), Totals(), ((-1, counted), (0, cheap),
                                                           (tier.start, dear)))  # fmt: skip
    worked = work_out([(Stretch(START, START + DAY, found), spent)])
    assert [(p.kind, p.tier, p.rate, p.nano) for p in worked.parts] == [
        ("input", -1, D("1.25"), 11_250),
        ("input", 0, D("1.25"), 1_250_000),
        ("input", tier.start, dict(tier.rates)["input"], 750_000_000),
    ]
    assert worked.rest_nano == 0


def test_what_the_kinds_do_not_add_up_to_is_said() -> None:
    fine = PriceOverride("p", "m", rates=rates(input="0.0004", output="1"))
    priced = pricer(fine)
    found = priced.found("p", "m", date(2026, 11, 2))
    # three requests of one token each: 0.4 nano-USD, rounded to nothing three times
    spent = used(input=3)._replace(listed=((0, Totals(input=3, list_nano=0)),))
    worked = work_out([(Stretch(START, START + DAY, found), spent)])
    assert (worked.parts[0].nano, worked.rest_nano) == (1, -1)


def test_requests_that_are_paid_for_have_a_line() -> None:
    each = PriceOverride("p", "m", per_request=D("0.003"))
    found = pricer(each).found("p", "m", date(2026, 11, 2))
    total = Totals(requests=10, errors=2, throttled=1, input=50, list_nano=21_000_000)
    worked = work_out(
        [(Stretch(START, START + DAY, found), Spent(("p", "m"), total, ((0, total),)))]
    )
    assert [(p.kind, p.number, p.nano) for p in worked.parts] == [
        ("input", 50, 0), ("requests", 7, 21_000_000),
    ]  # fmt: skip
    assert worked.rest_nano == 0
    assert day_of(START) == date(2026, 11, 2)
