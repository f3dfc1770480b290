"""Prices, findings and days as tables of values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from costtui.analysis.whatif import plain
from costtui.model.charge import Exactness
from costtui.model.money import decimal_text
from costtui.model.snapshot import View
from costtui.model.usage import TOKEN_TYPES
from costtui.tui.sheet import Sheet, Value

if TYPE_CHECKING:
    from costtui.analysis.advice import Advice
    from costtui.analysis.pricelist import Part
    from costtui.model.spending import Days
    from costtui.tui.widgets.price_table import Row


def prices(view: View, rows: Sequence[Row]) -> Sheet:
    """The price list. Rates are USD per 1M tokens as decimal text, with the parent's rate where a
    kind has none of its own."""
    return Sheet(
        "prices",
        ("provider", "model", "from", "place", "line", "entry", "valid_from", "valid_until",
         *(f"rate_{kind}" for kind in TOKEN_TYPES), "per_request", "tiers", "changed_in_window",
         "requests", "tokens", *(f"tokens_{k}" for k in TOKEN_TYPES), "unpriced_requests",
         "unpriced_tokens", "cost", "cost_nano", "exactness", "list_cost_nano",
         "paid_nano_per_1m", "compared_reported_nano", "compared_list_nano", "what_if",
         "what_if_cost_nano", "cache_saved_nano"),
        tuple(_price(row) for row in rows),
        view,
    )  # fmt: skip


def _price(row: Row) -> tuple[Value, ...]:
    priced, total = row.priced, row.total
    card = priced.card
    source = card.source if card else None
    rates: list[Value] = []
    for kind in TOKEN_TYPES:
        rate = card.rate(kind) if card else None
        rates.append("0" if card and card.free else None if rate is None else plain(rate))
    told = priced.spent.told
    compared = priced.over_list is not None
    return (
        priced.spent.provider, priced.spent.model, priced.where,
        source.place if source else "", source.line or None if source else None,
        source.entry if source else "",
        str(card.valid_from or "") if card else "", str(card.valid_until or "") if card else "",
        *rates,
        plain(card.per_request) if card and card.per_request is not None else None,
        " ".join(str(tier.start) for tier in card.tiers) if card else "", int(priced.changed),
        total.requests, total.tokens, *total[3:9], total.unpriced_requests, total.unpriced_tokens,
        decimal_text(total.effective_nano), total.effective_nano, total.exactness.word,
        total.list_nano, priced.paid_nano, told.reported_nano if compared else None,
        told.list_nano if compared else None, row.assumed.label if row.assumed else "",
        row.would, priced.cache_saved_nano,
    )  # fmt: skip


def parts(view: View, rows: Sequence[Part]) -> Sheet:
    """How one list cost comes about."""
    return Sheet(
        "price",
        ("since", "tier", "kind", "number", "rate", "rate_of", "cost_nano"),
        tuple(
            (str(p.since or ""), p.tier, p.kind, p.number,
             None if p.rate is None else plain(p.rate), p.taken_from or p.kind, p.nano)
            for p in rows
        ),
        view,
    )  # fmt: skip


def findings(advice: Advice) -> Sheet:
    """The findings in their order."""
    return Sheet(
        "advice",
        ("kind", "what", "todo", "sure", "stake_nano", "exactness", "requests", "tokens",
         "gateway", "consumer", "provider", "model", "pricing_line"),
        tuple(
            (f.kind.value, f.what, f.todo, f.sure, f.stake_nano,
             Exactness(f.exactness).word if f.stake_nano is not None else "unknown",
             f.requests, f.tokens,
             *(dict(f.subject).get(d) for d in ("gateway", "consumer", "provider", "model")),
             f.line)
            for f in advice.findings
        ),
        advice.view,
    )  # fmt: skip


def days(found: Days, zone: tzinfo) -> Sheet:
    """The last whole days."""
    return Sheet(
        "days",
        ("day", "cost", "cost_nano", "exactness", "requests", "tokens"),
        tuple(
            (datetime.fromtimestamp(start, zone).date().isoformat(),
             decimal_text(t.effective_nano), t.effective_nano, t.exactness.word, t.requests,
             t.tokens)
            for start, t in found.days
        ),
        found.view,
    )  # fmt: skip
