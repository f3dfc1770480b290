"""What one model costs on one day, and that card compiled to integers.

Rates are Decimal USD per 1M tokens, as they are published. Multiplying Decimals costs 2 µs a
charge; the same rates as integers over a common power of ten give the same number, to the digit,
in a fifth of a microsecond. `compile_card` does that once per (provider, model, day).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

from costtui.errors import PricingError
from costtui.model.money import divide_half_even
from costtui.model.usage import TOKEN_TYPES

FALLBACK: Final = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "reasoning": "output",
}
"""Whose rate a token kind takes where it has none of its own: a cached token is an input token
first, a reasoning token an output token. This is also what the catalogue's own arithmetic does."""

Rates = tuple[tuple[str, Decimal], ...]
"""(token kind, USD per 1M tokens)."""

_NANO_PER_TOKEN_SHIFT: Final = 3
"""1 USD per 1M tokens is 10**3 nano-USD a token."""
_NANO_SHIFT: Final = 9
_MIN_EXPONENT: Final = -60
_MAX_EXPONENT: Final = 18


class Layer(Enum):
    """Which of the three layers knew a rate; the value is how people and exports call it."""

    PRICING = "pricing"
    PRICING_FILE = "pricing_file"
    CATALOGUE = "catalogue"


class Origin(NamedTuple):
    """Where a rate is written. Filled in where the match is decided, and nowhere else."""

    layer: Layer
    place: str
    """`pricing[2]` (as the configuration's own messages count, from 0), the name of the pricing
    file, or the catalogue with its version."""
    entry: str
    """What stands there: the entry's globs, or the model that was found, `openai/gpt-5`."""
    line: int = 0
    """In the configuration or the pricing file; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Rates of requests with more than `start` input tokens, cached ones included."""

    start: int
    rates: Rates
    """Complete: a kind whose rate is the same in every tier is repeated."""


@dataclass(frozen=True, slots=True)
class RateCard:
    """What one model costs on one day, and who says so."""

    origin: str
    """For example `pricing: entry 3` or `catalogue genai-prices 0.2.3: openai/gpt-4o`."""
    rates: Rates = ()
    """The base tier, only the kinds that have a rate of their own."""
    tiers: tuple[Tier, ...] = ()
    """Ascending; a cliff: the last tier a request reaches prices all of its tokens."""
    per_request: Decimal | None = None
    """USD per successful request."""
    estimated: bool = False
    """A price per request from the configuration stands for tokens: the cost is an estimate."""
    free: bool = False
    valid_from: date | None = None
    """The first day (UTC) of these rates, None where nobody says."""
    valid_until: date | None = None
    """The first day (UTC) on which they no longer hold, None where nobody says."""
    source: Origin | None = None
    """`origin` in parts, None for a card that nobody looked up."""
    periods: tuple[tuple[int, RateCard], ...] = ()
    """(second of the UTC day, card from then on) where rates depend on the time of day; the
    first starts at 0. Empty for nearly every model."""

    def rate(self, kind: str, context: int = 0) -> Decimal | None:
        """USD per 1M tokens of `kind` in a request with `context` input tokens, the fallback
        applied; None when no rate is known."""
        table = dict(self.rates)
        for tier in self.tiers:
            if context > tier.start:
                table = dict(tier.rates)
        return resolve(table, kind)


def resolve(table: dict[str, Decimal], kind: str) -> Decimal | None:
    """The rate of `kind` with the fallback applied."""
    name: str | None = kind
    while name is not None:
        if name in table:
            return table[name]
        name = FALLBACK.get(name)
    return None


Row = tuple[int | None, int | None, int | None, int | None, int | None, int | None]
"""Integer rates in the order of `TOKEN_TYPES`; None where no rate is known."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A card as integers: nano-USD = (Σ tokens × rate + requests × `request`) / `divisor`."""

    base: Row
    tiers: tuple[tuple[int, Row], ...]
    """(start, rates), ascending."""
    request: int
    divisor: int
    estimated: bool
    periods: tuple[tuple[int, Compiled], ...] = ()


def compile_card(card: RateCard) -> Compiled:
    """Integers over one power of ten. Raises PricingError for a rate no money needs."""
    tables = [dict(card.rates), *(dict(tier.rates) for tier in card.tiers)]
    shift = 0
    for table in tables:
        for rate in table.values():
            shift = max(shift, -(_exponent(rate, card) + _NANO_PER_TOKEN_SHIFT))
    if card.per_request is not None:
        shift = max(shift, -(_exponent(card.per_request, card) + _NANO_SHIFT))
    rows = [_row(card, table, shift) for table in tables]
    request = 0
    if card.per_request is not None:
        request = _scaled(card.per_request, _NANO_SHIFT + shift)
    return Compiled(
        base=rows[0],
        tiers=tuple(zip((tier.start for tier in card.tiers), rows[1:], strict=True)),
        request=request,
        divisor=10**shift,
        estimated=card.estimated,
        periods=tuple((second, compile_card(other)) for second, other in card.periods),
    )


def _row(card: RateCard, table: dict[str, Decimal], shift: int) -> Row:
    if card.free:
        return (0, 0, 0, 0, 0, 0)
    if card.per_request is not None and not table:
        return (0, 0, 0, 0, 0, 0)  # the requests pay for the tokens
    found = [resolve(table, kind) for kind in TOKEN_TYPES]
    a, b, c, d, e, f = (
        None if rate is None else _scaled(rate, _NANO_PER_TOKEN_SHIFT + shift) for rate in found
    )
    return (a, b, c, d, e, f)


def _exponent(rate: Decimal, card: RateCard) -> int:
    exponent = rate.as_tuple().exponent
    if not isinstance(exponent, int) or rate < 0:
        raise PricingError(f"{card.origin}: {rate} is not a price")
    if not _MIN_EXPONENT <= exponent <= _MAX_EXPONENT or rate.adjusted() > _MAX_EXPONENT:
        raise PricingError(f"{card.origin}: {rate} is out of range for a price")
    return exponent


def _scaled(rate: Decimal, shift: int) -> int:
    """`rate` × 10**`shift`, exactly; the shift makes it whole."""
    _, digits, exponent = rate.as_tuple()
    assert isinstance(exponent, int)
    power = exponent + shift
    # The common shift is at least every rate's own, so the power is never negative.
    return int("".join(map(str, digits))) * int(10**power)


class Found(NamedTuple):
    """A card and the name under which it was found."""

    card: RateCard
    via: tuple[str, str]
    """(provider, model) that matched: as the source wrote it, or one of its `spellings`."""


def product(
    row: Row, tokens: tuple[int, ...], *, requests: int = 0, per_request: int = 0, divisor: int
) -> int | None:
    """nano-USD of `tokens` (in the order of `TOKEN_TYPES`), rounded half-even once; None where a
    kind that was used has no rate."""
    total = requests * per_request
    for count, rate in zip(tokens, row, strict=True):
        if count:
            if rate is None:
                return None
            total += count * rate
    return divide_half_even(total, divisor)
