"""Charges against plain Decimal arithmetic."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.model.charge import CostBasis, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.usage import TOKEN_TYPES, UsageRecord
from costtui.pricing.calculate import Pricer

DIMS = Dimensions("p", "m")
RATE = st.decimals(0, 10_000, places=9) | st.decimals(0, 1, places=18)
OPTIONAL = ("cache_read", "cache_write", "cache_write_1h", "reasoning")
RATES = st.fixed_dictionaries(
    {"input": RATE, "output": RATE}, optional=dict.fromkeys(OPTIONAL, RATE)
)
TOKENS = st.lists(st.integers(0, 10**7), min_size=6, max_size=6)


def usage(tokens: list[int], requests: int = 1, request_id: str | None = "r") -> UsageRecord:
    named = dict(zip(TOKEN_TYPES, tokens, strict=True))
    return UsageRecord(0, 0, DIMS, requests, request_id=request_id, **named)  # type: ignore[arg-type]


def pricer(rates: dict[str, Decimal], per_request: Decimal | None = None) -> Pricer:
    entry = PriceOverride(rates=tuple(rates.items()), per_request=per_request)
    return Pricer(Config(store=StoreConfig(Path("unused")), pricing=(entry,), catalogue=False))


def by_decimal(rates: dict[str, Decimal], tokens: list[int], fee: Decimal = Decimal(0)) -> int:
    """The definition: USD = Σ tokens × rate / 1M + requests × fee, rounded once to nano-USD."""
    own = dict(rates)
    own.setdefault("cache_read", own["input"])
    own.setdefault("cache_write", own["input"])
    own.setdefault("cache_write_1h", own["cache_write"])
    own.setdefault("reasoning", own["output"])
    with localcontext(prec=200):
        usd = sum(
            (own[kind] * count / 10**6 for kind, count in zip(TOKEN_TYPES, tokens, strict=True)),
            fee,
        )
        return int((usd * 10**9).to_integral_value(rounding=ROUND_HALF_EVEN))


@given(RATES, TOKENS)
def test_a_charge_is_exact_and_rounded_once(rates: dict[str, Decimal], tokens: list[int]) -> None:
    charge = pricer(rates).charge(usage(tokens), CostPolicy.COMPUTED)
    assert charge == (by_decimal(rates, tokens),) * 2 + (CostBasis.COMPUTED, 0)


@given(RATES, TOKENS, st.decimals(0, 100, places=12), st.integers(0, 1000))
def test_a_price_per_request_on_top_is_exact(
    rates: dict[str, Decimal], tokens: list[int], fee: Decimal, requests: int
) -> None:
    charge = pricer(rates, fee).charge(usage(tokens, requests), CostPolicy.COMPUTED)
    with localcontext(prec=200):
        assert charge.effective_nano == by_decimal(rates, tokens, fee * requests)


@given(RATES, TOKENS, st.integers(0, 5), st.integers(1, 10**6))
def test_more_tokens_never_cost_less(
    rates: dict[str, Decimal], tokens: list[int], kind: int, more: int
) -> None:
    priced_by = pricer(rates)
    before = priced_by.charge(usage(tokens), CostPolicy.COMPUTED).effective_nano
    tokens[kind] += more
    assert priced_by.charge(usage(tokens), CostPolicy.COMPUTED).effective_nano >= before


@given(RATES)
def test_nothing_costs_nothing(rates: dict[str, Decimal]) -> None:
    assert pricer(rates).charge(usage([0] * 6), CostPolicy.COMPUTED).effective_nano == 0


@given(RATES, st.lists(TOKENS, min_size=1, max_size=20))
def test_a_sum_of_charges_is_the_charge_of_the_sum(
    rates: dict[str, Decimal], many: list[list[int]]
) -> None:
    """Each charge is rounded once, so n of them are off by at most n halves of a nano-dollar."""
    priced_by = pricer(rates)
    parts = sum(priced_by.charge(usage(t), CostPolicy.COMPUTED).effective_nano for t in many)
    total = [sum(column) for column in zip(*many, strict=True)]
    whole = priced_by.charge(usage(total), CostPolicy.COMPUTED).effective_nano
    assert abs(parts - whole) * 2 <= len(many) + 1


@given(RATES, TOKENS, st.sampled_from(list(CostPolicy)), st.none() | st.integers(0, 10**12))
def test_list_cost_does_not_depend_on_the_policy(
    rates: dict[str, Decimal], tokens: list[int], policy: CostPolicy, reported: int | None
) -> None:
    record = usage(tokens)._replace(reported_nano=reported)
    charge = pricer(rates).charge(record, policy)
    assert charge.list_nano == by_decimal(rates, tokens)
    if policy is CostPolicy.REPORTED and reported:
        assert charge[0::2] == (reported, CostBasis.REPORTED)
    else:
        assert charge.effective_nano in (charge.list_nano, reported)
