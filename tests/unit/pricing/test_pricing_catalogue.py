"""Our arithmetic on the catalogue's rates against the catalogue's own `calc_price`."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costtui.config.schema import Config, StoreConfig
from costtui.model.charge import CostBasis, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.money import nano_from_decimal
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer

CONFIG = Config(store=StoreConfig(Path("unused")))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

USAGES = [
    (1, 0, 0, 0, 1, 0),
    (1200, 0, 0, 0, 345, 0),
    (1000, 300, 50, 7, 400, 90),
    (0, 100_000, 0, 0, 10, 0),
    (90_001, 30_000, 3_001, 400, 77_777, 333),
    (250_000, 9, 0, 0, 2_000, 1),
    (127_999, 1, 0, 0, 1, 0),
    (128_000, 1, 0, 0, 1, 0),
    (199_990, 10, 0, 0, 1, 0),
    (199_990, 11, 0, 0, 1, 0),
    (600_000, 0, 0, 0, 5, 5),
]


def record(
    provider: str,
    model: str,
    usage: tuple[int, ...] = (),
    moment: datetime = NOON,
    **changes: Any,
) -> UsageRecord:
    ns = int(moment.timestamp()) * 10**9
    kinds = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
    values: dict[str, Any] = {
        "request_id": "r",
        **dict(zip(kinds, usage, strict=False)),
        **changes,
    }
    return UsageRecord(ns, ns, Dimensions(provider, model), **values)


def library_nano(provider: str, model: str, usage: tuple[int, ...], moment: datetime) -> int:
    """What genai-prices itself says, rounded once."""
    from genai_prices import Usage, calc_price

    fresh, read, write, write_1h, output, reasoning = usage
    price = calc_price(
        Usage(
            input_tokens=fresh + read + write + write_1h,
            cache_read_tokens=read,
            cache_write_tokens=write + write_1h,
            cache_write_1h_tokens=write_1h,
            output_tokens=output + reasoning,
            output_reasoning_tokens=reasoning,
        ),
        model,
        provider_id=provider,
        genai_request_timestamp=moment,
    )
    return nano_from_decimal(price.total_price)


def every_model() -> Iterator[tuple[str, str]]:
    from genai_prices.data import providers

    for provider in providers:
        for model in provider.models:
            yield provider.id, model.id


def test_every_model_of_the_catalogue_costs_what_the_catalogue_says() -> None:
    pricer = Pricer(CONFIG)
    compared = unpriced = 0
    for number, (provider, model) in enumerate(every_model()):
        usage = USAGES[number % len(USAGES)]
        charge = pricer.charge(record(provider, model, usage), CostPolicy.COMPUTED)
        if charge.basis is CostBasis.UNPRICED:
            unpriced += 1
            continue
        try:
            expected = library_nano(provider, model, usage, NOON)
        except LookupError:
            continue  # the model's own id is not a name it matches
        assert charge.effective_nano == expected, (provider, model, usage)
        compared += 1
    assert compared > 2000
    assert unpriced < 260


@pytest.mark.parametrize("usage", USAGES)
@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("openai", "gpt-5-mini"),
        ("openai", "o3"),
        ("openai", "text-embedding-3-small"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("google", "gemini-2.5-pro"),
        ("google", "gemini-2.5-flash"),
        ("deepseek", "deepseek-chat"),
        ("x-ai", "grok-4-fast"),
        ("mistral", "mistral-large-latest"),
        ("perplexity", "sonar-deep-research"),
        ("perplexity", "sonar-pro"),
        ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("azure", "gpt-4o"),
        ("groq", "llama-3.3-70b-versatile"),
    ],
)
def test_well_known_models_cost_what_the_catalogue_says(
    provider: str, model: str, usage: tuple[int, ...]
) -> None:
    charge = Pricer(CONFIG).charge(record(provider, model, usage), CostPolicy.COMPUTED)
    assert charge.effective_nano == library_nano(provider, model, usage, NOON)
    assert charge.list_nano == charge.effective_nano
    assert charge.basis is CostBasis.COMPUTED


@pytest.mark.parametrize(
    ("model", "moments"),
    [
        ("o3", [datetime(2025, 6, 9, 23, 59, tzinfo=UTC), datetime(2025, 6, 10, tzinfo=UTC)]),
        (
            "deepseek-chat",
            [
                datetime(2026, 1, 1, hour, minute, tzinfo=UTC)
                for hour in (0, 1, 16, 23)
                for minute in (0, 29, 30, 31, 59)
            ],
        ),
    ],
)
def test_prices_by_date_and_hour(model: str, moments: list[datetime]) -> None:
    provider = "openai" if model == "o3" else "deepseek"
    pricer = Pricer(CONFIG)
    prices = set()
    for moment in moments:
        charge = pricer.charge(record(provider, model, USAGES[2], moment), CostPolicy.COMPUTED)
        assert charge.effective_nano == library_nano(provider, model, USAGES[2], moment)
        prices.add(charge.effective_nano)
    assert len(prices) == 2


def test_published_rates_by_hand() -> None:
    """gpt-4o: $2.50 in, $1.25 cached, $10 out per 1M tokens (formats.md and the price page)."""
    charge = Pricer(CONFIG).charge(
        record("openai", "gpt-4o", (1000, 400, 0, 0, 100, 20)), CostPolicy.COMPUTED
    )
    # 1000×2500 + 400×1250 + 120×10000 nano-USD
    assert charge == (4_200_000, 4_200_000, CostBasis.COMPUTED, 0)


def test_the_cliff_of_a_long_context() -> None:
    pricer = Pricer(CONFIG)
    below = pricer.charge(record("gemini", "gemini-2.5-pro", (200_000,)), CostPolicy.COMPUTED)
    above = pricer.charge(record("gemini", "gemini-2.5-pro", (200_001,)), CostPolicy.COMPUTED)
    assert below == (250_000_000, 250_000_000, CostBasis.COMPUTED, 0)
    assert above == (500_002_500, 500_002_500, CostBasis.COMPUTED, 200_000)


def test_aggregated_usage_of_a_tiered_model() -> None:
    pricer = Pricer(CONFIG)
    day = record("anthropic", "claude-sonnet-4-5", (1_000_000,), request_id=None, requests=90)
    assert pricer.charge(day, CostPolicy.COMPUTED) == (
        3_000_000_000,
        3_000_000_000,
        CostBasis.ESTIMATED,
        -1,
    )
    # No request in an interval of 200,000 input tokens can have had more than 200,000.
    small = record("anthropic", "claude-sonnet-4-5", (200_000,), request_id=None, requests=9)
    assert pricer.charge(small, CostPolicy.COMPUTED)[2:] == (CostBasis.COMPUTED, 0)
    # Money that the source reported stays reported; only the list price is an assumption.
    paid = day._replace(reported_nano=5)
    assert pricer.charge(paid, CostPolicy.REPORTED) == (5, 3_000_000_000, CostBasis.REPORTED, -1)


def test_a_roll_up_keeps_the_tier_its_requests_had() -> None:
    pricer = Pricer(CONFIG)
    day = record("anthropic", "claude-sonnet-4-5", (1_000_000,), request_id=None, requests=9)
    at = {tier: pricer.charge_at(day, CostPolicy.COMPUTED, tier) for tier in (0, 200_000, -1)}
    assert at[0] == (3_000_000_000, 3_000_000_000, CostBasis.COMPUTED, 0)
    assert at[200_000] == (6_000_000_000, 6_000_000_000, CostBasis.COMPUTED, 200_000)
    assert at[-1] == (3_000_000_000, 3_000_000_000, CostBasis.ESTIMATED, -1)
    flat = record("openai", "gpt-4o", (1_000_000,), request_id=None)
    assert pricer.charge_at(flat, CostPolicy.COMPUTED, 0) == pricer.charge(
        flat, CostPolicy.COMPUTED
    )


@pytest.mark.parametrize(
    ("provider", "model", "origin"),
    [
        ("OpenAI", "GPT-4o", "openai/gpt-4o"),
        ("azure.openai", "gpt-4o", "azure/gpt-4o"),
        ("azure.ai.openai", "gpt-4o", "azure/gpt-4o"),
        ("x_ai", "grok-4", "x-ai/grok-4-0709"),
        ("vertex_ai", "gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("gcp.gemini", "models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("mistral_ai", "mistral-large-latest", "mistral/"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws/"),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws/",
        ),
        ("openai", "openai/gpt-4o", "openai/gpt-4o"),
        ("openrouter", "openai/gpt-4o", "openrouter/"),
        ("", "openai/gpt-4o", "openai/gpt-4o"),
        ("", "vertex_ai/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("", "gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("", "text-embedding-3-small", "openai/text-embedding-3-small"),
        ("", "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("litellm", "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
    ],
)
def test_names_of_gateways(provider: str, model: str, origin: str) -> None:
    card = Pricer(CONFIG).rates(provider, model, NOON.date())
    assert card is not None
    assert card.origin.startswith(f"catalogue genai-prices 0.2.3: {origin}")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("ollama", "llama3.1"),
        ("ollama", "gpt-4o"),
        ("vllm", "meta-llama/Llama-3.1-8B-Instruct"),
        ("openai-compatible", "gpt-4o"),
        ("my-openai", "gpt-4o"),
        ("huggingface", "gpt-4o"),
        ("llama2", "llama2"),
        ("openai", "mystery-model-9000"),
        ("openai", "anthropic/claude-sonnet-4-5"),
        ("openai", ""),
        ("", ""),
        ("", "gpt-oss-120b"),
        ("", "deepseek-r1:7b"),
        ("", "llama-3.3-70b-versatile"),
        ("", "unknown"),
        ("\x00", "\ud800" * 500),
    ],
)
def test_what_nobody_is_known_to_sell_is_unpriced(provider: str, model: str) -> None:
    pricer = Pricer(CONFIG)
    assert pricer.rates(provider, model, NOON.date()) is None
    charge = pricer.charge(record(provider, model, (10, 0, 0, 0, 5)), CostPolicy.REPORTED)
    assert charge == (0, None, CostBasis.UNPRICED, 0)


def test_aliases_of_the_configuration_are_laid_over_ours() -> None:
    config = Config(
        store=CONFIG.store,
        provider_aliases=(("Corp-LLM", "openai"), ("gemini", "nobody")),
    )
    pricer = Pricer(config)
    assert pricer.rates("corp-llm", "gpt-4o", NOON.date()) is not None
    assert pricer.rates("gemini", "gemini-2.5-pro", NOON.date()) is None
    assert pricer.fingerprint != Pricer(CONFIG).fingerprint


def test_without_the_catalogue_nothing_has_a_price() -> None:
    pricer = Pricer(Config(store=CONFIG.store, catalogue=False))
    assert pricer.rates("openai", "gpt-4o", NOON.date()) is None
    assert pricer.fingerprint != Pricer(CONFIG).fingerprint


def test_a_card_says_what_holds_since_when() -> None:
    card = Pricer(CONFIG).rates("openai", "o3", date(2026, 1, 1))
    assert card is not None
    assert card.valid_from == date(2025, 6, 10)
    assert card.rate("input") == Decimal(2)
    assert card.rate("cache_write_1h") == Decimal(2)
    assert card.rate("reasoning") == Decimal(8)
    tiered = Pricer(CONFIG).rates("google", "gemini-2.5-pro", date(2026, 1, 1))
    assert tiered is not None
    assert tiered.rate("output") == Decimal(10)
    assert tiered.rate("output", 200_001) == Decimal(15)


def test_importing_pricing_imports_no_catalogue() -> None:
    code = (
        "import sys, pathlib\n"
        "from costtui.config.schema import Config, StoreConfig\n"
        "from costtui.pricing.calculate import Pricer\n"
        "p = Pricer(Config(store=StoreConfig(pathlib.Path('x'))))\n"
        "p.fingerprint\n"
        "bad = {'genai_prices', 'pydantic', 'yaml', 'textual', 'httpx'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(bad)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_catalogue_itself_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Pricer(CONFIG).rates("openai", "gpt-4o", NOON.date())
