"""Who says what a model costs: told where the match is decided, down to the line of the file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from costtui.config.load import load
from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.pricing.calculate import Pricer
from costtui.pricing.catalogue import catalogue_version
from costtui.pricing.rates import Found, Layer, Origin

DAY = date(2026, 11, 2)

PROXY = """\
providers:
  acme:
    models:
      big:
        aliases: [huge]
        pricing: {input: 4, output: 8}
      long:
        pricing:
          - {threshold: 200000, input: 2, output: 12}
          - {threshold: 0, input: 4, output: 18}
"""

CONFIG = """\
catalogue: true
pricing_file: proxy.yml
provider_aliases: {corp-llm: openai}
pricing:
  - {provider: openai, model: "gpt-4o*", input: 2, output: 9}

  - provider: acme
    model: small
    from: 2026-01-01
    until: 2027-01-01
    input: 1
    output: 2
"""


def pricer(folder: Path) -> Pricer:
    (folder / "proxy.yml").write_text(PROXY)
    (folder / "config.yml").write_text(CONFIG)
    return Pricer(load(folder / "config.yml", env={"HOME": str(folder)}))


def found(priced: Pricer, provider: str, model: str, day: date = DAY) -> Found:
    known = priced.found(provider, model, day)
    assert known is not None
    return known


def test_an_entry_says_its_number_and_its_line(tmp_path: Path) -> None:
    priced = pricer(tmp_path)
    first = found(priced, "OpenAI", "gpt-4o-mini")
    assert first.card.source == Origin(Layer.PRICING, "pricing[0]", "openai/gpt-4o*", 5)
    assert first.via == ("openai", "gpt-4o-mini")
    second = found(priced, "acme", "small")
    assert second.card.source == Origin(Layer.PRICING, "pricing[1]", "acme/small", 7)
    assert (second.card.valid_from, second.card.valid_until) == (date(2026, 1, 1), date(2027, 1, 1))
    assert priced.found("acme", "small", date(2027, 1, 1)) is None


def test_an_alias_is_told(tmp_path: Path) -> None:
    priced = pricer(tmp_path)
    by_alias = found(priced, "corp-llm", "gpt-4o")
    assert by_alias.via == ("openai", "gpt-4o")
    assert priced.alias("corp-llm") == "provider_aliases"
    assert priced.alias("vertex_ai") == "built in"
    assert priced.alias("openai") == priced.alias("nobody") == ""


def test_the_pricing_file_says_its_line(tmp_path: Path) -> None:
    priced = pricer(tmp_path)
    place = "pricing file proxy.yml"
    assert found(priced, "acme", "big").card.source == Origin(
        Layer.PRICING_FILE, place, "acme/big", 6
    )
    assert found(priced, "acme", "huge").card.source == Origin(
        Layer.PRICING_FILE, place, "acme/big", 6
    )
    assert found(priced, "acme", "long").card.source == Origin(
        Layer.PRICING_FILE, place, "acme/long", 9
    )


def test_the_catalogue_says_its_version_and_its_name(tmp_path: Path) -> None:
    card = found(pricer(tmp_path), "", "openai/gpt-4.1").card
    place = f"catalogue genai-prices {catalogue_version()}"
    assert card.source == Origin(Layer.CATALOGUE, place, "openai/gpt-4.1")
    assert card.origin == f"{place}: openai/gpt-4.1"


def test_a_dated_price_of_the_catalogue_has_both_ends() -> None:
    priced = Pricer(Config(store=StoreConfig(Path("unused"))))
    from genai_prices.data import providers

    starts: list[date] = []
    for p in providers:
        for model in p.models:
            conditional: Any = model.prices if isinstance(model.prices, list) else ()
            days = [getattr(c.constraint, "start_date", None) for c in conditional]
            if any(days) and not starts:
                starts = sorted(day for day in days if day is not None)
                owner, name = p.id, model.id
    before = found(priced, owner, name, date.fromordinal(starts[0].toordinal() - 1)).card
    assert (before.valid_from, before.valid_until) == (None, starts[0])
    after = found(priced, owner, name, starts[-1]).card
    assert (after.valid_from, after.valid_until) == (starts[-1], None)


def test_an_entry_that_only_moves_changes_no_price() -> None:
    def fingerprint(line: int) -> Any:
        entry = PriceOverride("p", "m", rates=(("input", Decimal(1)),), line=line)
        config = Config(store=StoreConfig(Path("unused")), pricing=(entry,))
        assert entry == PriceOverride("p", "m", rates=(("input", Decimal(1)),))
        return Pricer(config).fingerprint

    assert fingerprint(3) == fingerprint(300)


def test_every_name_that_is_listed_can_be_asked_for(tmp_path: Path) -> None:
    names = pricer(tmp_path).known()
    assert ("acme", "huge") in names
    assert ("openai", "gpt-4o") in names
    assert Pricer(Config(store=StoreConfig(Path("unused")), catalogue=False)).known() == []
