from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.errors import PricingError
from costtui.model.charge import CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer
from costtui.pricing.proxyfile import load

PROXY = """\
enabled: true
features: {cost_tracking: {enabled: true}}
providers:
  openai:
    enabled: true
    models:
      "gpt-4o":
        aliases: ["gpt-4o-2024-08-06", gpt-4o-latest]
        limits: {tokens_per_minute: 450_000}
        pricing:
          input: 2.40
          output: 9.60
          overrides:
            gpt-4o-latest: {input: 4.80, output: 14.40}
      free-form:
        enabled: false
  gemini:
    models:
      gemini-9-pro:
        pricing:
          - threshold: 0
            input: 4.00
            output: 18.00
          - threshold: 200_000
            input: 2.00
            output: 12.00
"""
DAY = date(2026, 3, 2)


def write(folder: Path, text: str) -> Path:
    path = folder / "proxy.yml"
    path.write_text(text, encoding="utf-8")
    return path


def pricer(path: Path, *entries: PriceOverride) -> Pricer:
    return Pricer(Config(store=StoreConfig(Path("unused")), pricing_file=path, pricing=entries))


def nano(priced_by: Pricer, provider: str, model: str, tokens: int) -> int | None:
    usage = UsageRecord(0, 0, Dimensions(provider, model), input=tokens, request_id="r")
    return priced_by.charge(usage, CostPolicy.COMPUTED).list_nano


def test_prices_aliases_and_exceptions(tmp_path: Path) -> None:
    priced_by = pricer(write(tmp_path, PROXY))
    assert priced_by.problems == ()
    assert nano(priced_by, "openai", "gpt-4o", 1000) == 2_400_000
    assert nano(priced_by, "openai", "GPT-4o-2024-08-06", 1000) == 2_400_000
    assert nano(priced_by, "openai", "gpt-4o-latest", 1000) == 4_800_000
    assert nano(priced_by, "", "gpt-4o", 1000) == 2_400_000
    card = priced_by.rates("openai", "gpt-4o", DAY)
    assert card is not None
    assert card.origin == "pricing file proxy.yml: openai/gpt-4o"


def test_tiers_are_upper_bounds_and_zero_is_the_rest(tmp_path: Path) -> None:
    priced_by = pricer(write(tmp_path, PROXY))
    assert nano(priced_by, "gemini", "gemini-9-pro", 200_000) == 200_000 * 2000
    assert nano(priced_by, "gemini", "gemini-9-pro", 200_001) == 200_001 * 4000
    # the same provider under another gateway's name
    assert nano(priced_by, "gcp.vertex_ai", "gemini-9-pro", 1) == 2000


def test_it_sits_between_the_overrides_and_the_catalogue(tmp_path: Path) -> None:
    entry = PriceOverride("openai", "gpt-4o", rates=(("input", Decimal(1)), ("output", Decimal(1))))
    priced_by = pricer(write(tmp_path, PROXY), entry)
    assert nano(priced_by, "openai", "gpt-4o", 1000) == 1_000_000
    assert nano(priced_by, "openai", "gpt-4o-latest", 1000) == 4_800_000
    assert nano(priced_by, "openai", "gpt-4o-mini", 1000) == 150_000


def test_the_fingerprint_follows_the_file(tmp_path: Path) -> None:
    first = pricer(write(tmp_path, PROXY)).fingerprint
    assert pricer(write(tmp_path, PROXY)).fingerprint == first
    assert pricer(write(tmp_path, PROXY.replace("2.40", "2.41"))).fingerprint != first


def test_what_cannot_be_read_is_named_and_the_rest_stands(tmp_path: Path) -> None:
    text = """\
providers:
  openai:
    models:
      a: {pricing: {input: cheap, output: 1}}
      b: {pricing: 3}
      c: {pricing: {input: -1}}
      d: {pricing: []}
      e: {pricing: {currency: USD}}
      f:
        pricing:
          - {threshold: 10, input: 1}
          - {threshold: many, input: 2}
      good: {pricing: {input: 0.0000000001, output: 1}}
      quiet:
  broken:
    models: [x]
"""
    path = write(tmp_path, text)
    prices = load(path)
    assert [str(problem) for problem in prices.problems] == [
        f"{path}:4: providers.openai.models.a.pricing.input: 'cheap' is not a number",
        f"{path}:5: providers.openai.models.b.pricing: "
        "expected input and output in USD per 1M tokens",
        f"{path}:6: providers.openai.models.c.pricing.input: -1 is not a price",
        f"{path}:7: providers.openai.models.d.pricing: the list of tiers is empty",
        f"{path}:8: providers.openai.models.e.pricing: neither input nor output has a price",
        f"{path}:12: providers.openai.models.f.pricing[1]: 'many' is not a number",
        f"{path}:16: providers.broken.models: expected a mapping",
    ]
    assert list(prices.cards) == [("openai", "good")]


def test_merge_keys_are_followed(tmp_path: Path) -> None:
    text = """\
x: &cheap
  pricing: {input: 1, output: 2}
providers:
  openai:
    models:
      a: {<<: *cheap, enabled: true}
"""
    assert nano(pricer(write(tmp_path, text)), "openai", "a", 5) == 5000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "providers: expected a mapping"),
        ("- a\n- b\n", "providers: expected a mapping"),
        ("providers: 3\n", r"proxy.yml:1: providers: expected"),
        ("a: [\n", r"proxy.yml:2: no YAML"),
        ("a: \x00\n", "no YAML"),
        pytest.param("[" * 3000, "no YAML", id="deep"),
    ],
)
def test_a_file_that_is_no_use_at_all(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PricingError, match=message):
        pricer(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PricingError, match=r"proxy\.yml: cannot read"):
        pricer(tmp_path / "proxy.yml")
    with pytest.raises(PricingError, match="cannot read"):
        pricer(tmp_path)
