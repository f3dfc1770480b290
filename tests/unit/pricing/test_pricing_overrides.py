from __future__ import annotations

import datetime as dt
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.errors import PricingError
from costtui.model.charge import Charge, CostBasis, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer

D = Decimal
STORE = StoreConfig(Path("unused"))


def pricer(*entries: PriceOverride, **config: Any) -> Pricer:
    return Pricer(Config(store=STORE, pricing=entries, **config))


def record(provider: str, model: str, on: date = date(2026, 3, 2), **values: Any) -> UsageRecord:
    ns = int(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC).timestamp()) * 10**9
    return UsageRecord(ns, ns, Dimensions(provider, model), **{"request_id": "r", **values})


def cost(priced_by: Pricer, provider: str, model: str, **values: Any) -> Charge:
    return priced_by.charge(record(provider, model, **values), CostPolicy.REPORTED)


def rates(**values: str) -> tuple[tuple[str, Decimal], ...]:
    return tuple((kind, D(rate)) for kind, rate in values.items())


def test_an_entry_beats_the_catalogue_and_the_last_entry_wins() -> None:
    priced_by = pricer(
        PriceOverride("openai", "gpt-*", rates=rates(input="1", output="2")),
        PriceOverride("OpenAI", "gpt-4o*", rates=rates(input="3", output="4")),
    )
    assert cost(priced_by, "openai", "gpt-4o-mini", input=10, output=1).effective_nano == 34_000
    assert cost(priced_by, "openai", "GPT-4.1", input=10, output=1).effective_nano == 12_000
    card = priced_by.rates("openai", "gpt-4o", date(2026, 1, 1))
    assert card is not None
    assert card.origin == "pricing: entry 2"


def test_an_entry_may_use_the_catalogues_name_or_the_gateways() -> None:
    for provider in ("x-ai", "x_ai"):
        priced_by = pricer(PriceOverride(provider, "grok-*", rates=rates(input="1", output="1")))
        assert cost(priced_by, "x_ai", "grok-4", input=7).effective_nano == 7_000
    priced_by = pricer(PriceOverride("openai", "gpt-4o", rates=rates(input="1", output="1")))
    assert cost(priced_by, "", "openai/gpt-4o", input=7).effective_nano == 7_000
    assert cost(priced_by, "azure", "gpt-4o", input=7).effective_nano == 17_500


def test_dates_are_half_open_utc_days() -> None:
    priced_by = pricer(
        PriceOverride(
            model="m",
            start=date(2026, 1, 2),
            until=date(2026, 1, 4),
            rates=rates(input="1", output="1"),
        )
    )
    seen = [
        priced_by.charge(
            record("p", "m", date(2026, 1, day), input=1_000_000), CostPolicy.COMPUTED
        ).list_nano
        for day in (1, 2, 3, 4)
    ]
    assert seen == [None, 10**9, 10**9, None]


def test_a_kind_without_a_rate_takes_its_parents() -> None:
    priced_by = pricer(PriceOverride(model="m", rates=rates(input="1", output="10")))
    assert (
        cost(
            priced_by, "p", "m", input=1, cache_read=1, cache_write=1, cache_write_1h=1
        ).effective_nano
        == 4 * 1000
    )
    assert cost(priced_by, "p", "m", output=1, reasoning=1).effective_nano == 2 * 10_000
    priced_by = pricer(
        PriceOverride(model="m", rates=rates(input="1", cache_write="3", output="10"))
    )
    assert cost(priced_by, "p", "m", cache_write=1, cache_write_1h=1).effective_nano == 6_000


def test_a_kind_that_nobody_priced_is_not_free() -> None:
    priced_by = pricer(PriceOverride(model="m", rates=rates(input="1")))
    assert cost(priced_by, "p", "m", input=5).basis is CostBasis.COMPUTED
    assert cost(priced_by, "p", "m", input=5, output=1) == (0, None, CostBasis.UNPRICED, 0)
    assert cost(priced_by, "p", "m", input=5, output=1, reported_nano=9) == (
        9,
        None,
        CostBasis.REPORTED,
        0,
    )


def test_a_price_per_request_is_an_estimate_and_failures_are_not_billed() -> None:
    priced_by = pricer(PriceOverride("anthropic", per_request=D("0.003")))
    assert cost(priced_by, "anthropic", "any", requests=10, errors=2, throttled=3) == (
        15_000_000,
        15_000_000,
        CostBasis.ESTIMATED,
        0,
    )
    tokens = cost(priced_by, "anthropic", "any", requests=2, input=10**9, output=10**9)
    assert tokens == (6_000_000, 6_000_000, CostBasis.ESTIMATED, 0)


def test_the_services_of_the_issue() -> None:
    """Anthropic $0.003, DeepSeek $0.0002, Grok $0.00001 a request, Ollama free."""
    priced_by = pricer(
        PriceOverride("anthropic", per_request=D("0.003")),
        PriceOverride("deepseek", per_request=D("0.0002")),
        PriceOverride("x_ai", per_request=D("0.00001")),
        PriceOverride("ollama", free=True),
    )
    found = {
        provider: cost(priced_by, provider, "", requests=1000)
        for provider in ("anthropic", "deepseek", "x_ai", "ollama")
    }
    assert {name: charge.effective_nano for name, charge in found.items()} == {
        "anthropic": 3_000_000_000,
        "deepseek": 200_000_000,
        "x_ai": 10_000_000,
        "ollama": 0,
    }
    assert found["ollama"].basis is CostBasis.COMPUTED


def test_a_price_per_request_may_come_on_top_of_tokens() -> None:
    priced_by = pricer(
        PriceOverride(model="m", rates=rates(input="1", output="1"), per_request=D("0.01"))
    )
    assert cost(priced_by, "p", "m", input=500, requests=2) == (
        20_500_000,
        20_500_000,
        CostBasis.ESTIMATED,
        0,
    )


REPORTED_CASES = [
    # reported, estimated, values → effective, basis (gpt-4o list price of 1000 in: 2,500,000)
    (700, False, {"input": 1000}, (700, 2_500_000, CostBasis.REPORTED, 0)),
    (700, True, {"input": 1000}, (700, 2_500_000, CostBasis.ESTIMATED, 0)),
    (0, False, {"input": 1000}, (2_500_000, 2_500_000, CostBasis.COMPUTED, 0)),
    (0, True, {"input": 1000}, (2_500_000, 2_500_000, CostBasis.COMPUTED, 0)),
    (None, False, {"input": 1000}, (2_500_000, 2_500_000, CostBasis.COMPUTED, 0)),
    (0, False, {"errors": 1}, (0, 0, CostBasis.REPORTED, 0)),
    (None, False, {"errors": 1}, (0, 0, CostBasis.COMPUTED, 0)),
    (None, False, {"throttled": 1}, (0, 0, CostBasis.COMPUTED, 0)),
    (9, False, {"errors": 1}, (9, 0, CostBasis.REPORTED, 0)),
]


@pytest.mark.parametrize(("reported", "estimated", "values", "expected"), REPORTED_CASES)
def test_reported_money(
    reported: int | None,
    estimated: bool,
    values: dict[str, Any],
    expected: tuple[int, int, CostBasis, int],
) -> None:
    usage = record("openai", "gpt-4o", reported_nano=reported, estimated=estimated, **values)
    assert pricer().charge(usage, CostPolicy.REPORTED) == expected


def test_the_policies_on_one_request() -> None:
    usage = record("openai", "gpt-4o", input=1000, reported_nano=7)
    found = {policy: pricer().charge(usage, policy) for policy in CostPolicy}
    assert found[CostPolicy.REPORTED] == (7, 2_500_000, CostBasis.REPORTED, 0)
    assert found[CostPolicy.COMPUTED] == (2_500_000, 2_500_000, CostBasis.COMPUTED, 0)
    assert found[CostPolicy.ESTIMATED] == (2_500_000, 2_500_000, CostBasis.ESTIMATED, 0)


@pytest.mark.parametrize("policy", list(CostPolicy))
@pytest.mark.parametrize("model", ["gpt-4o", "nobody-sells-this"])
def test_failures_alone_are_never_unpriced_and_never_an_estimate(
    policy: CostPolicy, model: str
) -> None:
    usage = record("openai", model, requests=3, errors=1, throttled=2)
    assert pricer().charge(usage, policy) == (0, 0, CostBasis.COMPUTED, 0)


@pytest.mark.parametrize("policy", list(CostPolicy))
def test_unknown_models(policy: CostPolicy) -> None:
    usage = record("openai", "nobody-sells-this", input=5)
    assert pricer().charge(usage, policy) == (0, None, CostBasis.UNPRICED, 0)
    assert pricer().charge(usage._replace(reported_nano=0), policy).basis is CostBasis.UNPRICED
    paid = pricer().charge(usage._replace(reported_nano=44), policy)
    if policy is CostPolicy.REPORTED:
        assert paid == (44, None, CostBasis.REPORTED, 0)
    else:
        assert paid == (0, None, CostBasis.UNPRICED, 0)


def test_the_fingerprint_follows_every_price() -> None:
    base = PriceOverride(model="m", rates=rates(input="1"))
    entries = [
        (),
        (base,),
        (base, base),
        (PriceOverride(model="m", rates=rates(input="1.01")),),
        (PriceOverride(model="m", rates=rates(output="1")),),
        (PriceOverride(model="m", start=date(2026, 1, 1), rates=rates(input="1")),),
        (PriceOverride(model="m", free=True),),
        (PriceOverride(model="m", per_request=D("1")),),
    ]
    assert len({pricer(*each).fingerprint for each in entries}) == len(entries)
    assert pricer(base).fingerprint == pricer(base).fingerprint


@pytest.mark.parametrize("rate", ["1E-99", "1E+30", "-1", "NaN", "Infinity"])
def test_a_rate_that_is_no_price_is_a_typed_error(rate: str) -> None:
    with pytest.raises(PricingError, match="pricing: entry 1"):
        cost(pricer(PriceOverride(rates=(("input", D(rate)),))), "p", "m", input=1)


def test_made_up_models_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costtui.pricing.calculate._CACHE_LIMIT", 100)
    priced_by = pricer(catalogue=False)
    for number in range(1000):
        cost(priced_by, "p", f"model-{number}", input=1)
    assert len(priced_by._cache) <= 100


@pytest.mark.parametrize("start_ns", [-(2**62), 0, 2**62, 10**19])
def test_any_moment_can_be_priced(start_ns: int) -> None:
    usage = UsageRecord(start_ns, start_ns, Dimensions("openai", "gpt-4o"), input=1)
    assert pricer().charge(usage, CostPolicy.COMPUTED).effective_nano == 2500


@pytest.mark.parametrize("policy", list(CostPolicy))
@pytest.mark.parametrize("entries", [(), (PriceOverride(rates=(("input", Decimal(1)),)),)])
def test_infrastructure_costs_what_it_costs_under_every_policy(
    policy: CostPolicy, entries: tuple[PriceOverride, ...]
) -> None:
    """It has no tokens, so a policy about tokens × price does not reach it."""
    used = UsageRecord(
        0, 10**9, Dimensions(service="infrastructure"), requests=0, reported_nano=5, estimated=True
    )
    assert pricer(*entries).charge(used, policy)[:1] == (5,)
    assert pricer(*entries).charge(used, policy).basis is CostBasis.ESTIMATED
