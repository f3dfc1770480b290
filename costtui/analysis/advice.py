"""What may be worth a look: pure judgements from sums to findings, with the money at stake.

Nothing here guesses. A finding without an amount says "unknown"; one that rests on an assumption is
`~`; nothing is said about the quality of a model (what another one would have cost is arithmetic
that the user asks for, `whatif`). The thresholds are in docs/decisions/047-prices-screen.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from statistics import median
from typing import Final, NamedTuple

from costtui.analysis.pricelist import Find, Priced, cache_balance, day_of, dearer_by
from costtui.analysis.whatif import yaml_line
from costtui.model.charge import Exactness
from costtui.model.money import NANO
from costtui.model.snapshot import Totals, View
from costtui.model.spending import Spent
from costtui.pricing.rates import RateCard

LEAST_NANO: Final = NANO // 100
"""Less than a cent in a window is worth no line."""
LIST_PER_MILLE: Final = 20
"""Reported money this far from list price is no rounding."""
FAILED_PER_MILLE: Final = 50
FAILED_LEAST: Final = 20
"""Requests of a consumer before its failures say anything."""
CONTEXT_LEAST: Final = 100_000
"""Input tokens of a consumer before its share of cache reads says anything."""
SHARE_BELOW: Final = Fraction(1, 10)
"""Of the median: a share less far below it is a difference in what is asked, not a fault."""
PEERS_LEAST: Final = 3
"""Consumers of one model that make a median."""


class Kind(Enum):
    """What a finding is about; the value is its word on screen and in exports."""

    UNPRICED = "unpriced"
    OVER_LIST = "over list"
    UNDER_LIST = "under list"
    FAILURES = "failures"
    CACHE_SHARE = "few cache reads"
    CACHE_WRITES = "cache not read"


class Finding(NamedTuple):
    """One thing to look at."""

    kind: Kind
    subject: tuple[tuple[str, str], ...]
    """(dimension, value): the filters that show it. Text from outside."""
    stake_nano: int | None
    """nano-USD in this window; None where nobody can know."""
    exactness: Exactness
    sure: str
    """`fact`, `likely` or `hint`."""
    what: str
    """One sentence, without text from outside."""
    todo: str
    tokens: int = 0
    requests: int = 0
    line: str = ""
    """YAML for `pricing:`, where that is what to do."""


class Advice(NamedTuple):
    """The findings of a view, the most money first, and what was looked at."""

    view: View
    findings: tuple[Finding, ...]
    models: int
    consumers: int
    gateways: int
    failures_priced: bool
    """False where the window is too long to look at single failed requests."""


def advise(
    view: View,
    find: Find,
    models: Sequence[Priced],
    by_gateway: Sequence[Spent],
    by_consumer: Sequence[Spent],
    failed: Mapping[str, int] | None,
) -> Advice:
    """`by_gateway` and `by_consumer` are by (provider, model, gateway) and (…, consumer). `failed`
    is the money (nano-USD) of single failed requests by consumer, None where it is not known."""
    day = day_of(max(view.window.start, view.window.end - 1))

    def card(spent: Spent) -> RateCard | None:
        found = find(spent.provider, spent.model, day)
        return None if found is None else found.card

    found = [
        *unpriced(models),
        *off_list(by_gateway),
        *failures(by_consumer, failed),
        *cache_share([(s, card(s)) for s in by_consumer]),
        *unread_writes([(s, card(s)) for s in by_consumer]),
    ]
    found.sort(key=_rank)
    return Advice(
        view,
        tuple(found),
        len(models),
        len({s.key[2] for s in by_consumer}),
        len({s.key[2] for s in by_gateway}),
        failed is not None,
    )


def _rank(finding: Finding) -> tuple[int, int, int, str, object]:
    """Unpriced usage first: it may be any amount, and every total is a lower bound because of it.
    Then by money; what has none known last."""
    first = 0 if finding.kind is Kind.UNPRICED else 1 if finding.stake_nano is not None else 2
    return (first, -(finding.stake_nano or 0), -finding.tokens, finding.kind.value, finding.subject)


def unpriced(models: Iterable[Priced]) -> list[Finding]:
    """Models whose usage has no rate."""
    out = []
    for row in models:
        total = row.spent.total
        if not row.unpriced:
            continue
        if row.found is None:
            todo = "give it a rate under pricing: (F8 and = work it out)"
        elif row.missing:
            todo = "its rate lacks a kind of token that was used: complete it (F8 shows where)"
        else:
            todo = "a rate is known now: history gets it when the collector next starts"
        out.append(
            Finding(
                Kind.UNPRICED,
                (("provider", row.spent.provider), ("model", row.spent.model)),
                None,
                Exactness.LOWER_BOUND,
                "fact",
                "no rate is known for this model: it is in no sum of money",
                todo,
                total.unpriced_tokens,
                total.unpriced_requests,
                yaml_line(row.spent.provider, row.spent.model, None) if row.found is None else "",
            )
        )
    return out


def off_list(by_gateway: Iterable[Spent]) -> list[Finding]:
    """Gateways whose own money is far from tokens × list price."""
    out = []
    for spent in by_gateway:
        told, listed = spent.told.reported_nano, spent.told.list_nano
        off = told - listed
        if not told or not listed or abs(off) * 1000 < listed * LIST_PER_MILLE:
            continue
        if abs(off) < LEAST_NANO:
            continue
        over = off > 0
        out.append(
            Finding(
                Kind.OVER_LIST if over else Kind.UNDER_LIST,
                _subject(spent, "gateway"),
                off if over else 0,
                Exactness(spent.told.exactness & Exactness.ESTIMATE),
                "fact" if over else "hint",
                f"it reports {percent(off, listed)} {'over' if over else 'under'} list price",
                "compare its price table with the rates in F8, or set cost: computed"
                if over
                else "a discount, or a rate that is too high: if yours, put it under pricing:",
                spent.told.tokens,
                spent.told.requests,
            )
        )
    return out


def failures(by_consumer: Iterable[Spent], failed: Mapping[str, int] | None) -> list[Finding]:
    """Consumers of whose requests many fail."""
    whole: dict[str, Totals] = {}
    for spent in by_consumer:
        name = spent.key[2]
        whole[name] = whole.get(name, Totals()).plus(spent.total)
    out = []
    for name, total in whole.items():
        if not name:
            continue  # nobody to speak to: it is whatever has no consumer
        bad = total.errors + total.throttled
        paid = (failed or {}).get(name, 0)
        often = total.requests >= FAILED_LEAST and bad * 1000 >= total.requests * FAILED_PER_MILLE
        if not often and paid < LEAST_NANO:
            continue
        what = f"{percent(bad, total.requests)} of its requests failed"
        if total.throttled:
            what += f", {percent(total.throttled, bad)} of these with 429"
        todo = "find the errors with F3; what is tried again is paid twice"
        if total.throttled * 2 > bad:
            todo = "slow it down or raise its limit: what is tried again costs time and tokens"
        out.append(
            Finding(
                Kind.FAILURES,
                (("consumer", name),),
                paid or None,
                Exactness.LOWER_BOUND if paid else Exactness.EXACT,
                "fact" if paid else "hint",
                what,
                todo,
                total.tokens,
                bad,
            )
        )
    return out


def cache_share(rows: Iterable[tuple[Spent, RateCard | None]]) -> list[Finding]:
    """Consumers that read far less from the cache than others with the same model."""
    by_model: dict[tuple[str, ...], list[tuple[Spent, RateCard | None, Fraction]]] = {}
    for spent, card in rows:
        context = context_of(spent.total)
        if context >= CONTEXT_LEAST and spent.key[2]:
            share = Fraction(spent.total.cache_read, context)
            by_model.setdefault(spent.key[:2], []).append((spent, card, share))
    out = []
    for peers in by_model.values():
        if len(peers) < PEERS_LEAST:
            continue
        middle = median(share for _, _, share in peers)
        for spent, card, share in peers:
            cheaper = dearer_by(card, "input", "cache_read")
            if middle - share < SHARE_BELOW or cheaper <= 0:
                continue
            saved = round((middle - share) * context_of(spent.total) * cheaper)
            if saved >= LEAST_NANO:
                out.append(
                    Finding(
                        Kind.CACHE_SHARE,
                        _subject(spent, "consumer"),
                        saved,
                        Exactness.ESTIMATE,
                        "hint",
                        f"{percent(share.numerator, share.denominator)} of its input is read from "
                        f"the cache, {percent(middle.numerator, middle.denominator)} at the median "
                        f"of {len(peers)} consumers",
                        "put what stays the same first in the prompt, and keep it word for word",
                        context_of(spent.total),
                        spent.total.requests,
                    )
                )
    return out


def unread_writes(rows: Iterable[tuple[Spent, RateCard | None]]) -> list[Finding]:
    """Cache writes that cost more than what was read from the cache has saved."""
    out = []
    for spent, card in rows:
        total = spent.total
        lost = -sum(cache_balance(card, total))
        if lost < LEAST_NANO:
            continue
        written = total.cache_write + total.cache_write_1h
        out.append(
            Finding(
                Kind.CACHE_WRITES,
                _subject(spent, "consumer"),
                lost,
                Exactness.ESTIMATE,
                "likely",
                f"it wrote {percent(written, context_of(total))} of its input to the cache and "
                f"read {percent(total.cache_read, context_of(total))} from it",
                "write less to the cache, or reuse the prefix before it runs out",
                written,
                total.requests,
            )
        )
    return out


def context_of(used: Totals) -> int:
    """Input tokens, cached ones included."""
    return used.input + used.cache_read + used.cache_write + used.cache_write_1h


def _subject(spent: Spent, dimension: str) -> tuple[tuple[str, str], ...]:
    provider, model, value = spent.key
    return ((dimension, value), ("provider", provider), ("model", model))


def percent(part: int, whole: int) -> str:
    """`12%`, `3.4%` below ten, `<0.1%`; without a sign."""
    if whole <= 0:
        return "0%"
    tenths = round(Fraction(abs(part) * 1000, whole))
    if not tenths:
        return "<0.1%" if part else "0%"
    return f"{tenths // 10}.{tenths % 10}%" if tenths < 100 else f"{round(Fraction(tenths, 10))}%"
