"""Who uses the simulated fleet and what it serves: consumers, models, rates, routes.

Every rate is a whole number of nano-USD per token, so the truth is integer arithmetic without a
single rounding. A unit test holds the rates against the price catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple


class Rates(NamedTuple):
    """nano-USD per token (USD per 1M tokens × 1000)."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


OPENAI, ANTHROPIC, GEMINI = "openai", "anthropic", "gemini"
MISTRAL, DEEPSEEK, OLLAMA = "mistral", "deepseek", "ollama"

MYSTERY = "mystery-model-9000"
"""No list has a rate for it."""

RATES: dict[tuple[str, str], Rates] = {
    (OPENAI, "gpt-4.1"): Rates(2_000, 8_000, 500),
    (OPENAI, "gpt-4o-mini"): Rates(150, 600, 75),
    (OPENAI, "gpt-4.1-nano"): Rates(100, 400, 25),
    (ANTHROPIC, "claude-sonnet-4-5"): Rates(3_000, 15_000, 300, 3_750),
    (ANTHROPIC, "claude-haiku-4-5"): Rates(1_000, 5_000, 100, 1_250),
    (GEMINI, "gemini-2.5-pro"): Rates(1_250, 10_000, 125),
    (GEMINI, "gemini-2.5-flash"): Rates(300, 2_500, 30),
    (MISTRAL, "mistral-large-latest"): Rates(2_000, 6_000),
    (DEEPSEEK, "deepseek-chat"): Rates(270, 1_100, 70),
}


class DemoConsumer(NamedTuple):
    """A consumer of the fleet."""

    id: str
    """As the gateway writes it."""
    name: str
    team: str
    weight: int
    """Share of the requests, in 256ths."""


SECRET_USER = "token:sk-demo4f9a8c7e2b61d05"
"""A consumer that is itself an API key, as the proxy logs it."""

CONSUMERS: tuple[DemoConsumer, ...] = (
    DemoConsumer("checkout", "Checkout assistant", "commerce", 56),
    DemoConsumer("search", "Search ranking", "commerce", 48),
    DemoConsumer("support-bot", "Support bot", "care", 44),
    DemoConsumer("data-science", "Notebooks", "research", 34),
    DemoConsumer("mobile-app", "Mobile app", "commerce", 26),
    DemoConsumer("docs-ai", "Docs writer", "platform", 20),
    DemoConsumer(SECRET_USER, "CI pipeline", "platform", 16),
    DemoConsumer("r&d", "R&D lab", "research", 12),
)


def shown_consumer(user: str) -> str:
    """The consumer as costtui stores it: a key only as its fingerprint.

    Worked out here again, from the documented form, so that a test can hold both against each
    other.
    """
    if not user.startswith("token:"):
        return user
    return "key:" + sha256(user.removeprefix("token:").encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Route:
    """One model behind one gateway."""

    provider: str
    model: str
    weight: float
    """Share of the gateway's requests."""
    mean_input: int
    """Tokens of a typical request, cached ones included."""
    mean_output: int
    rates: Rates | None = None
    """What costtui is to bill; None when no list has a rate."""
    known: bool = True
    """The gateway has a rate and reports money."""
    cache_read: float = 0.0
    """Share of the input read from a cache."""
    cache_write: float = 0.0
    inclusive: bool = True
    """The gateway's `input` holds the cached tokens, too (not for Anthropic)."""
    matched: str = ""
    """The proxy priced it by a similar name: an estimate."""
    hidden: float = 0.0
    """Thinking tokens that only the log's `total_tokens` shows, as a share of the output."""


def _route(
    provider: str,
    model: str,
    weight: float,
    sizes: tuple[int, int],
    *,
    cache: tuple[float, float] = (0.0, 0.0),
    hidden: float = 0.0,
    known: bool = True,
) -> Route:
    return Route(
        provider,
        model,
        weight,
        sizes[0],
        sizes[1],
        rates=RATES[provider, model],
        known=known,
        cache_read=cache[0],
        cache_write=cache[1],
        inclusive=provider != ANTHROPIC,
        hidden=hidden,
    )


KONG_ROUTES = (
    _route(OPENAI, "gpt-4.1", 0.34, (1_500, 350)),
    _route(OPENAI, "gpt-4o-mini", 0.34, (900, 260)),
    _route(MISTRAL, "mistral-large-latest", 0.17, (1_200, 320)),
    _route(GEMINI, "gemini-2.5-flash", 0.13, (2_100, 280)),
    Route(OPENAI, MYSTERY, 0.02, 700, 200, known=False),
)
EU_ROUTES = (
    _route(ANTHROPIC, "claude-sonnet-4-5", 0.42, (5_200, 480), cache=(0.55, 0.08)),
    _route(ANTHROPIC, "claude-haiku-4-5", 0.38, (2_400, 300), cache=(0.35, 0.05)),
    _route(OPENAI, "gpt-4.1", 0.20, (2_000, 380), cache=(0.30, 0.0)),
)
US_ROUTES = (
    _route(GEMINI, "gemini-2.5-pro", 0.30, (4_000, 620), cache=(0.25, 0.0)),
    _route(OPENAI, "gpt-4o-mini", 0.40, (1_100, 300), cache=(0.20, 0.0)),
    _route(ANTHROPIC, "claude-sonnet-4-5", 0.27, (4_600, 450), cache=(0.50, 0.07)),
    Route(OPENAI, MYSTERY, 0.03, 900, 250, known=False),
)
PROXY_ROUTES = (
    _route(ANTHROPIC, "claude-sonnet-4-5", 0.22, (3_800, 520)),
    _route(OPENAI, "gpt-4.1", 0.17, (1_700, 400)),
    _route(OPENAI, "gpt-4o-mini", 0.18, (800, 240)),
    _route(GEMINI, "gemini-2.5-pro", 0.11, (3_000, 700), hidden=0.4),
    _route(DEEPSEEK, "deepseek-chat", 0.12, (1_400, 420)),
    # The proxy's own list lacks it and logs 0: costtui computes what it cost.
    _route(OPENAI, "gpt-4.1-nano", 0.07, (600, 150), known=False),
    Route(OLLAMA, "llama3.1:8b", 0.08, 1_000, 300, rates=Rates(0, 0), known=False),
    Route(
        OPENAI,
        "gpt-4o-mini-support-ft",
        0.03,
        900,
        220,
        rates=RATES[OPENAI, "gpt-4o-mini"],
        matched="gpt-4o-mini",
    ),
    Route(OPENAI, MYSTERY, 0.02, 1_000, 260, known=False),
)
