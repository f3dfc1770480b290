"""What usage would have cost: what may be typed, exact arithmetic, YAML that says the same."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costtui.analysis.whatif import (
    Typed,
    like,
    nearest_names,
    parse,
    plain,
    typed_rates,
    would_cost,
    yaml_line,
)
from costtui.config.load import load
from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.model.charge import CostBasis, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Totals
from costtui.model.usage import TOKEN_TYPES, UsageRecord
from costtui.pricing.calculate import Pricer
from costtui.pricing.rates import RateCard, resolve

D = Decimal
KINDS = ("input", "cache_read", "cache_write", "output", "reasoning")
DAY = date(2026, 11, 2)
rate = st.decimals(0, 10_000, places=6, allow_nan=False) | st.sampled_from(
    [D(0), D("0.0000004"), D("0.0375"), D(15), D("1E+2")]
)
count = st.integers(0, 10**13)


def pricer(*entries: PriceOverride, **options: Any) -> Pricer:
    return Pricer(Config(store=StoreConfig(Path("unused")), pricing=entries, **options))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("3 15", {"input": "3", "output": "15"}),
        ("3/15", {"input": "3", "output": "15"}),
        ("$3 / $15.50", {"input": "3", "output": "15.50"}),
        ("  .5   2. ", {"input": ".5", "output": "2"}),
        ("3/0.3/15", {"input": "3", "cache_read": "0.3", "output": "15"}),
        (
            "3/0.3/3.75/15",
            {"input": "3", "cache_read": "0.3", "cache_write": "3.75", "output": "15"},
        ),
        ("1", dict.fromkeys(KINDS, "1")),
        ("$.5", dict.fromkeys(KINDS, ".5")),
        (
            "1 2 3 4 5",
            {"input": "1", "cache_read": "2", "cache_write": "3", "output": "4", "reasoning": "5"},
        ),
    ],
)
def test_rates_are_usd_per_million(text: str, kinds: dict[str, str]) -> None:
    assert dict(parse(text).rates) == {k: D(v) for k, v in kinds.items()}
    assert not parse(text).everywhere
    assert parse(f"all {text}") == Typed(True, parse(text).rates)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("", Typed(False)),
        ("all", Typed(True)),
        ("ALL  ", Typed(True)),
        ("like gpt-5-mini", Typed(False, name="gpt-5-mini")),
        ("all like openai/gpt-5", Typed(True, name="openai/gpt-5")),
        ("gpt-5-mini", Typed(False, name="gpt-5-mini")),
        ("allam-7b", Typed(False, name="allam-7b")),
        ("like 3 15", Typed(False, name="3 15")),
    ],
)
def test_a_name_or_nothing(text: str, typed: Typed) -> None:
    assert parse(text) == typed


@pytest.mark.parametrize("text", ["3 x", "3,5 15", "1 2 3 4 5 6", "1e3 4", "3 -15", "٣ 4"])
def test_what_is_neither_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate"):
        parse(text)


@given(st.text(max_size=60) | st.text("0123456789./$ alike", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        typed = parse(text)
        assert not (typed.rates and typed.name)
        if typed.rates:
            typed_rates(typed.rates)


@given(
    st.lists(rate, min_size=5, max_size=5),
    st.lists(count, min_size=6, max_size=6),
)
def test_a_cost_is_the_exact_product_rounded_once(rates: list[D], counts: list[int]) -> None:
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    assumed = typed_rates(tuple(zip(kinds, rates, strict=True)))
    used = Totals(7, 0, 0, *counts)
    table = dict(zip(kinds, rates, strict=True))
    exact = Fraction(0)
    for kind, number in zip(TOKEN_TYPES, counts, strict=True):
        own = resolve(table, kind)
        assert own is not None
        exact += number * Fraction(own) * 1000
    assert would_cost(assumed, used) == round(exact)  # Fraction rounds half to even


@given(st.lists(rate, min_size=2, max_size=2), st.lists(st.integers(0, 10**9), min_size=2))
def test_it_is_what_the_collector_would_charge(rates: list[D], counts: list[int]) -> None:
    own = (("input", rates[0]), ("output", rates[1]))
    entry = PriceOverride("p", "m", rates=own)
    record = UsageRecord(0, 0, Dimensions("p", "m"), input=counts[0], output=counts[1],
                         request_id="r")  # fmt: skip
    charge = pricer(entry, catalogue=False).charge(record, CostPolicy.COMPUTED)
    used = Totals(requests=1, input=counts[0], output=counts[1])
    assert would_cost(typed_rates(own), used) == charge.effective_nano


def test_a_kind_without_a_rate_has_no_cost() -> None:
    only = typed_rates((("input", D(1)),))
    assert would_cost(only, Totals(requests=1, input=5)) == 5000
    assert would_cost(only, Totals(requests=1, input=5, output=1)) is None


def test_the_rates_of_a_model_by_its_name() -> None:
    priced = pricer(PriceOverride("corp", "our-*", rates=(("input", D(2)), ("output", D(4)))))
    seen = [("corp", "our-model"), ("x", "unknown-model")]
    assert like(priced, "our-model", DAY, seen).label == "corp/our-model"
    assert dict(like(priced, "openai/gpt-4o", DAY, seen).card.rates)["input"] == D("2.5")
    assert like(priced, "GPT-4o", DAY, seen).label == "openai/gpt-4o"
    assert like(priced, "our-model-9", DAY, [], near="corp").label == "corp/our-model-9"


def test_a_name_that_is_not_known_or_not_enough_is_refused() -> None:
    priced = pricer()
    with pytest.raises(ValueError, match=r'did you mean "gpt-4.1-nano"'):
        like(priced, "gpt-4.1-nanoo", DAY, [])
    name = min(m for _, m in priced.known() if m.startswith("llama-3.3-70b"))
    with pytest.raises(ValueError, match=r"sellers .* write .*/llama-3.3-70b"):
        like(priced, name, DAY, [])


def test_near_names_begin_with_those_of_the_same_provider() -> None:
    near = nearest_names(pricer(), "open_ai", "gpt-5-minii")
    assert near[0] == ("openai", "gpt-5-mini")
    assert nearest_names(pricer(catalogue=False), "openai", "gpt-5") == []


NAMES = st.text(st.characters(codec="utf-8"), max_size=25)


@given(NAMES, NAMES, rate, rate)
@example("", "", D(3), D(15))
@example("a*b", "x[1]?", D(3), D(15))
@example("no", "3.10", D(3), D(15))
@example("o'x", '"{}: #, ]', D(0), D("1E+2"))
@example("模型", "emoji 🚀", D(1), D(2))
@example("\x1b[2J\U0001123f", "\ufeff\u2028\n\x85", D(1), D(2))
@example("${HOME}", "$$ ${", D(1), D(2))
@example("İstanbul", "ẞ", D(1), D(2))
def test_the_line_prices_that_model_when_it_is_put_under_pricing(
    provider: str, model: str, first: D, second: D
) -> None:
    import tempfile

    rates = (("input", first), ("output", second))
    line = yaml_line(provider, model, RateCard("what if", rates))
    assert "\n" not in line
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.yml"
        path.write_text(f"catalogue: false\npricing:\n  {line}\n", encoding="utf-8")
        config = load(path, env={"HOME": folder})
    record = UsageRecord(0, 0, Dimensions(provider, model), input=7, output=3, request_id="r")
    charge = Pricer(config).charge(record, CostPolicy.COMPUTED)
    assert charge.basis is CostBasis.COMPUTED
    used = Totals(requests=1, input=7, output=3)
    assert charge.effective_nano == would_cost(typed_rates(rates), used)
    if not model.isprintable():  # a character that cannot be written is `?`: any one
        return
    other = record._replace(dims=Dimensions(provider, model + "x"))
    assert Pricer(config).charge(other, CostPolicy.COMPUTED).basis is CostBasis.UNPRICED


def test_the_line_of_other_ways_to_price() -> None:
    assert yaml_line("o", "m", RateCard("", free=True)) == "- {provider: o, model: m, free: true}"
    each = RateCard("", per_request=D("0.0030"))
    assert yaml_line("o", "m", each).endswith("per_request: 0.003}")
    assert "input: …" in yaml_line("o", "m", None)


def test_rates_are_written_without_an_exponent() -> None:
    assert [plain(D(t)) for t in ("1E+2", "3.750", "0.10", "0", "0.000", "1E-7")] == [
        "100", "3.75", "0.1", "0", "0", "0.0000001",
    ]  # fmt: skip
