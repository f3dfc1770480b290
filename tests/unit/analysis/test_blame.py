"""Steps and causes of small cases that can be checked by hand."""

from __future__ import annotations

from costtui.analysis.blame import contributions, main_cause, split, steps
from costtui.model.movement import Moved
from costtui.model.snapshot import Totals

USD = 1_000_000_000
NONE: frozenset[int] = frozenset()


def used(requests: int, tokens: int, nano: int) -> Totals:
    return Totals(requests=requests, input=tokens, effective_nano=nano)


def test_volume_price_and_mix_of_one_combination() -> None:
    # 10 requests of 100 tokens at 1 → 20 requests of 150 tokens at 2: 1,000 → 6,000
    parts = split(used(10, 1000, 1000), used(20, 3000, 6000))
    # by hand: volume = 10 · (2·100·1 + 150·1 + 100·2 + 2·150·2) / 6, and so on
    assert (parts.volume, parts.mix, parts.price) == (1917, 1167, 1916)
    assert main_cause(parts) == "volume"


def test_output_instead_of_input_is_mix_where_prices_are_usual() -> None:
    before = Totals(requests=1, input=1000, output=100, effective_nano=1500)
    now = Totals(requests=1, input=1000, output=200, effective_nano=2000)
    assert split(before, now) == (0, 0, 500)


def test_counters_without_requests_go_by_tokens_and_infrastructure_by_money() -> None:
    assert split(used(0, 100, 100), used(0, 300, 300)) == (200, 0, 0)
    assert split(used(4, 0, 100), used(4, 0, 300)) == (0, 200, 0)
    assert split(used(0, 0, 100), used(0, 0, 300)) == (200, 0, 0)


def row(provider: str, endpoint: str, before: int, now: int) -> Moved:
    key = (provider, "gpt-5", "search", "kong-eu", endpoint)
    return Moved(key, used(1, 1, before), used(1, 1, now))


def test_a_provider_or_endpoint_is_named_where_one_of_several_moved() -> None:
    alone = contributions([row("openai", "/chat", 10, 500), row("azure", "/chat", 10, 11)])
    assert [dict(c.values)["provider"] for c in alone] == ["openai", "azure"]
    both = contributions([row("openai", "/chat", 10, 500), row("azure", "/chat", 10, 400)])
    assert [len(c.values) for c in both] == [3]
    assert both[0].difference == 880
    ends = contributions([row("openai", "/chat", 10, 500), row("openai", "/embed", 10, 11)])
    assert dict(ends[0].values)["endpoint"] == "/chat"
    one = contributions([row("openai", "/chat", 10, 500)])
    assert one[0].values == (("model", "gpt-5"), ("consumer", "search"), ("gateway", "kong-eu"))


def test_the_greatest_step_is_first_and_a_dip_is_none() -> None:
    cost = [USD, USD, 5 * USD, 5 * USD, 5 * USD, 0, 5 * USD, 7 * USD]
    found = steps(cost, NONE)
    assert [(s.at, s.before, s.rise) for s in found] == [(2, 1, 4 * USD), (7, 6, 2 * USD)]


def test_pennies_gaps_and_a_clipped_start_are_no_steps() -> None:
    assert steps([1000, 9_000_000, 1000], NONE) == ()
    assert steps([100 * USD, 105 * USD], NONE) == ()
    # the bucket after a gap is compared with the one before the gap
    assert steps([USD, 0, 0, USD], frozenset({1, 2})) == ()
    assert [s[:2] for s in steps([USD, 0, 9 * USD], frozenset({1}))] == [(2, 0)]
    assert steps([USD // 20, USD, USD], NONE, first_clipped=True) == ()
    assert steps([], NONE) == ()
