"""Usage by model and a small catalogue that no release changes, for the screens about prices."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from costtui.model.snapshot import Totals, View
from costtui.model.spending import Days, Spent

NANO = 1_000_000_000
VERSION = "0.0.0"
D = Decimal

RATES: dict[tuple[str, str], dict[str, str]] = {
    ("anthropic", "claude-sonnet-4-5"): {"input_mtok": "3", "cache_read_mtok": "0.3",
                                         "cache_write_mtok": "3.75", "output_mtok": "15"},
    ("anthropic", "claude-haiku-4-5"): {"input_mtok": "1", "cache_read_mtok": "0.1",
                                        "cache_write_mtok": "1.25", "output_mtok": "5"},
    ("openai", "gpt-5"): {"input_mtok": "1.25", "cache_read_mtok": "0.125", "output_mtok": "10"},
    ("openai", "gpt-5-mini"): {"input_mtok": "0.25", "cache_read_mtok": "0.025",
                               "output_mtok": "2"},
    ("openai", "text-embedding-3-large"): {"input_mtok": "0.13"},
    ("google", "gemini-2.5-pro"): {"input_mtok": "1.25", "cache_read_mtok": "0.3125",
                                   "output_mtok": "10"},
    ("openrouter", "qwen/qwen3-coder-plus"): {"input_mtok": "1", "output_mtok": "5"},
}  # fmt: skip
"""USD per 1M tokens by the catalogue's own keys; gemini has a tier above 200,000 tokens."""

USED: tuple[tuple[str, str, str, int], ...] = (
    # provider, model, how it is priced, thousands of requests
    ("anthropic", "claude-sonnet-4-5", "listed", 61),
    ("openai", "gpt-5", "over", 40),
    ("gcp.gemini", "gemini-2.5-pro", "tiers", 17),
    ("anthropic", "claude-haiku-4-5", "listed", 22),
    ("openai", "gpt-5-mini", "under", 48),
    ("qwen", "qwen3-coder-plus", "unpriced", 9),
    ("ollama", "llama3.3:70b", "free", 14),
    ("corp", "our-model", "listed", 6),
    ("mistral", "mistral-large-latest", "reported", 3),
    ("openai", "text-embedding-3-large", "embedding", 90),
    ("openai", "", "failed", 1),
)


def models() -> Any:
    """The catalogue as `Catalogue._load` gives it: provider id → provider."""
    from genai_prices.types import (
        ClauseEquals,
        ModelInfo,
        ModelPrice,
        Provider,
        Tier,
        TieredPrices,
    )

    owners: dict[str, list[Any]] = {}
    for (owner, name), rates in RATES.items():
        prices: dict[str, Any] = {key: D(rate) for key, rate in rates.items()}
        if name.startswith("gemini"):
            prices["input_mtok"] = TieredPrices(D("1.25"), [Tier(200_000, D("2.5"))])
            prices["output_mtok"] = TieredPrices(D("10"), [Tier(200_000, D("15"))])
        owners.setdefault(owner, []).append(
            ModelInfo(id=name, match=ClauseEquals(name), prices=ModelPrice(**prices))
        )
    return {
        owner: Provider(id=owner, name=owner, api_pattern="", models=found)
        for owner, found in owners.items()
    }


def freeze_catalogue(monkeypatch: Any) -> None:
    """Let the catalogue be `RATES`."""
    import costtui.pricing.catalogue as catalogue

    known = models()
    monkeypatch.setattr(catalogue.Catalogue, "_load", lambda _: known)
    monkeypatch.setattr(catalogue, "catalogue_version", lambda: VERSION)


def spent(
    view: View, by: tuple[str, ...] = (), used: tuple[tuple[str, str, str, int], ...] = USED
) -> tuple[Spent, ...]:
    """The same for the same view; by a second dimension it is divided between three values, one of
    which reads nothing from the cache."""
    wanted = {f.dimension: f.value for f in view.filters if f.op == "="}
    values = {"gateway": ("kong-eu", "llm-proxy"),
              "consumer": ("checkout-assistant", "search", "support-bot")}  # fmt: skip
    parts = values[by[0]] if by else ("",)
    rows = []
    for provider, model, how, thousands in used:
        if (wanted.get("provider", provider), wanted.get("model", model)) != (provider, model):
            continue
        for at, part in enumerate(parts):
            uncached = bool(by) and part == "support-bot"
            row = _row(provider, model, how, thousands * 1000 // len(parts), uncached)
            if by == ("gateway",) and at == 0:
                row = row._replace(told=Totals())  # a page of counters tells no money
            rows.append(row._replace(key=(provider, model, *((part,) if by else ()))))
    rows.sort(key=lambda s: (-s.total.effective_nano, -s.total.requests, s.key))
    return tuple(rows)


def _row(provider: str, model: str, how: str, requests: int, uncached: bool) -> Spent:
    rng = random.Random(f"{provider}/{model}")
    if how == "failed":
        return Spent((provider, model), Totals(requests=requests, errors=requests))
    fresh, read = requests * rng.randrange(300, 900), requests * rng.randrange(400, 900)
    write = requests * 90 if provider == "anthropic" else 0
    output = requests * rng.randrange(60, 190)
    if how == "embedding":
        read = output = 0
    elif uncached:
        fresh, read = fresh + read, 0
    used = Totals(requests=requests, errors=requests // 400, throttled=requests // 900,
                  input=fresh, cache_read=read, cache_write=write, output=output)  # fmt: skip
    rates = RATES.get(({"gcp.gemini": "google"}.get(provider, provider), model), {})
    own = {k: D(v) * 1000 for k, v in rates.items()}
    if provider == "corp":
        own = {"input_mtok": D(400), "output_mtok": D(1600)}
    first = own.get("input_mtok", D(0))
    nano = int(
        fresh * first + read * own.get("cache_read_mtok", first)
        + write * own.get("cache_write_mtok", first) + output * own.get("output_mtok", D(0))
    )  # fmt: skip
    if how == "unpriced":
        lost = used._replace(unpriced_requests=requests, unpriced_tokens=used.tokens)
        return Spent((provider, model), lost)
    if how == "reported":
        told = used._replace(effective_nano=9 * NANO, reported_nano=9 * NANO)
        return Spent((provider, model), told)
    if how in ("over", "under"):
        paid = nano * (112 if how == "over" else 96) // 100
        told = used._replace(effective_nano=paid, list_nano=nano, reported_nano=paid)
        return Spent((provider, model), told, ((0, told),), told)
    whole = used._replace(effective_nano=nano, list_nano=nano)
    if how == "tiers":  # a tenth of it were long requests, at twice the rates
        long = used._replace(**{f: v // 10 for f, v in used._asdict().items() if v})
        short = used._replace(**{f: v - v // 10 for f, v in used._asdict().items() if v})
        dear = int(long.input * 2500 + long.cache_read * D("312.5") + long.output * 15_000)
        cheap = int(short.input * 1250 + short.cache_read * D("312.5") + short.output * 10_000)
        long = long._replace(effective_nano=dear, list_nano=dear)
        short = short._replace(effective_nano=cheap, list_nano=cheap)
        return Spent((provider, model), short.plus(long), ((0, short), (200_000, long)))
    return Spent((provider, model), whole, ((0, whole),))


def days(view: View, now: float) -> Days:
    """Thirty days of a fleet that rests at the weekend."""
    rng = random.Random(4)
    midnight = int(now) // 86400 * 86400
    rows = []
    for back in range(30, 0, -1):
        start = midnight - back * 86400
        quiet = datetime.fromtimestamp(start, UTC).weekday() >= 5
        nano = int((140 if quiet else 490) * NANO * rng.uniform(0.86, 1.14))
        rows.append((start, Totals(requests=nano // 7_100_000, input=nano // 900,
                                   effective_nano=nano)))  # fmt: skip
    month = Totals(requests=1_300_000, input=10**9, effective_nano=9_318_440_000_000,
                   unpriced_tokens=1_640_000)  # fmt: skip
    last = Totals(requests=1_700_000, input=10**9, effective_nano=11_802_070_000_000)
    first = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
    return Days(view, month, last, int(first), tuple(rows), now - 60 * 86400)
