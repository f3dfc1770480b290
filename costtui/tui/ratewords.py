"""Rates and where they come from, in words. Pure; text from outside is made harmless here."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from costtui.analysis.pricelist import owner_of
from costtui.model.money import divide_half_even
from costtui.model.usage import TOKEN_TYPES
from costtui.pricing.rates import Layer, RateCard, Rates
from costtui.tui import format as fmt
from costtui.tui.cells import outside

if TYPE_CHECKING:
    from costtui.analysis.pricelist import Priced

KINDS = {
    "input": "input", "cache_read": "cache read", "cache_write": "cache write",
    "cache_write_1h": "1h cache write", "output": "output", "reasoning": "reasoning",
}  # fmt: skip


def rate_text(rate: Decimal, width: int = 12) -> str:
    """USD per 1M tokens: two decimals at least, no more than it has, rounded where it must be."""
    exponent = rate.normalize().as_tuple().exponent
    decimals = max(2, -exponent if isinstance(exponent, int) else 2)
    for places in (*range(min(decimals, 9), -1, -1),):
        text = f"{rate.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}"
        if len(text) <= width:
            if rate and not Decimal(text.replace(",", "")):
                return f"<{Decimal(1).scaleb(3 - width):f}" if width >= 4 else fmt.TOO_WIDE
            return text
    return fmt.compact(int(rate), width)


def rates_text(rates: Rates) -> str:
    """`input $3.00, cache read $0.30, output $15.00`: the rates that have their own."""
    table = dict(rates)
    return ", ".join(f"{KINDS[k]} ${rate_text(table[k])}" for k in TOKEN_TYPES if k in table)


def tier_texts(card: RateCard) -> Iterator[str]:
    """One text for each tier: what differs from the one below it."""
    below = dict(card.rates)
    for tier in card.tiers:
        own = dict(tier.rates)
        differs = tuple((k, r) for k, r in tier.rates if below.get(k) != r)
        yield f"above {fmt.compact(tier.start)} input tokens: {rates_text(differs or tier.rates)}"
        below = own


def taken_from(card: RateCard, kind: str) -> str:
    """The kind whose rate `kind` takes; its own name, another, or `""`."""
    return owner_of(dict(card.rates), kind)


def where_text(row: Priced, config: str) -> str:
    """Who says what a model costs, in a sentence. `config` is the name of the configuration
    file."""
    found = row.found
    if found is None:
        if row.unpriced:
            return "no rate in pricing:, pricing_file: or the catalogue"
        if row.where == "by the hour":
            return "by the hour: the source says what stands and what an hour of it costs"
        if row.where == "-":
            return "nothing was sold: these are requests that failed"
        return "reported by the source; no list price is known beside it"
    source = found.card.source
    if source is None:
        return outside(found.card.origin)
    place = source.place
    if source.layer is Layer.PRICING:
        place = f"{source.place} of {config}" if config else source.place
    line = f", line {source.line}" if source.line else ""
    entry = f" ({outside(source.entry, 80)})" if source.entry else ""
    return f"{outside(place, 120)}{line}{entry}"


def alias_text(row: Priced) -> str:
    """What the name became on its way to the rate; `""` where it is as the source wrote it."""
    if row.found is None:
        return ""
    provider, model = row.found.via
    if (provider, model) == (row.spent.provider.lower(), row.spent.model.lower()):
        return ""
    who = f" ({row.alias})" if row.alias else ""
    return f"found as {outside(f'{provider}/{model}' if provider else model, 120)}{who}"


def near_text(row: Priced) -> str:
    """Known models with a name like it."""
    return outside(", ".join(f"{provider}/{model}" for provider, model in row.near), 300)


def missing_text(row: Priced) -> str:
    """Why usage of a model that has a rate is unpriced; `""` where it is not."""
    if not row.unpriced or row.found is None:
        return ""
    if row.missing:
        kinds = " and ".join(KINDS[kind] for kind in row.missing)
        return f"no {kinds} rate: usage with {kinds} tokens is unpriced"
    return "some usage has no rate yet: history gets it when the collector next starts"


def dates_text(card: RateCard) -> str:
    """From and until which day the rates hold, as far as anybody says."""
    out = []
    if card.valid_from is not None:
        out.append(f"since {card.valid_from}")
    if card.valid_until is not None:
        out.append(f"until {card.valid_until}")
    return ", ".join(out)


def over_text(off: int, listed: int, width: int = 7) -> str:
    """Reported against list: `+12%`, `-3.4%`, `0%`, `<0.1%` either way, `+×14`."""
    sign = "+" if off > 0 else "-" if off < 0 else ""
    tenths = divide_half_even(abs(off) * 1000, max(1, listed))
    if off and not tenths:
        return "<0.1%"
    if tenths >= 10_000:
        text = f"×{fmt.compact(divide_half_even(abs(off) + listed, listed), 5)}"
    else:
        text = f"{tenths // 10}.{tenths % 10}%" if 0 < tenths < 100 else f"{tenths // 10}%"
    text = sign + text
    return text if len(text) <= width else fmt.TOO_WIDE


def over_role(off: int, listed: int) -> str:
    """2 % over list is worth a look, 10 % is wrong; less is a discount."""
    if off * 10 >= listed:
        return "over"
    if off * 50 >= listed:
        return "warn"
    return "ok" if -off * 50 >= listed else "quiet"


def signed(nano: int, width: int, about: str = "") -> str:
    """A difference of money with its sign; `about` is the mark of an estimate."""
    sign = about + ("+" if nano > 0 else "-" if nano < 0 else "")
    return sign + fmt.money(abs(nano), width - len(sign))
