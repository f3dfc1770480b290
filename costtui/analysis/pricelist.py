"""The price list of the models that were used: rates with who says so, and what they came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from costtui.model.charge import Exactness
from costtui.model.money import divide_half_even
from costtui.model.snapshot import Totals, View
from costtui.model.spending import Spent
from costtui.model.timewindow import DAY, Window, floor_to
from costtui.model.usage import TOKEN_TYPES
from costtui.pricing.rates import FALLBACK, Found, Layer, RateCard, compile_card

Find = Callable[[str, str, date], Found | None]
"""`Pricer.found`, perhaps with a memory."""
MILLION: Final = 1_000_000


def dearer_by(card: RateCard | None, dear: str, cheap: str) -> Fraction:
    """nano-USD a token that `dear` costs more than `cheap`; 0 where a rate is not known."""
    if card is None or card.free:
        return Fraction(0)
    one, other = card.rate(dear), card.rate(cheap)
    if one is None or other is None:
        return Fraction(0)
    return Fraction(Decimal(one)) * 1000 - Fraction(Decimal(other)) * 1000


def cache_balance(card: RateCard | None, total: Totals) -> tuple[int, int]:
    """(nano-USD that tokens read from a cache cost less than as input, what writing it cost more as
    a negative number)."""
    writes = total.cache_write * dearer_by(card, "cache_write", "input")
    writes += total.cache_write_1h * dearer_by(card, "cache_write_1h", "input")
    return round(total.cache_read * dearer_by(card, "input", "cache_read")), -round(writes)


@dataclass(frozen=True, slots=True)
class Priced:
    """One model that was used."""

    spent: Spent
    found: Found | None
    """On the last day of the window; None where no layer knows it."""
    alias: str = ""
    """Who says that its provider goes by another name (`Pricer.alias`)."""
    changed: bool = False
    """Its rates were others on the first day of the window."""
    near: tuple[tuple[str, str], ...] = ()
    """Known models with a name like it, where it has no rate."""

    @property
    def key(self) -> tuple[str, str]:
        return self.spent.provider, self.spent.model

    @property
    def card(self) -> RateCard | None:
        return self.found.card if self.found is not None else None

    @property
    def unpriced(self) -> bool:
        """Is any of its usage in no sum of money?"""
        return bool(self.spent.total.unpriced_tokens or self.spent.total.unpriced_requests)

    @property
    def missing(self) -> tuple[str, ...]:
        """Kinds of token that were used and have no rate although the model has one."""
        card, used = self.card, self.spent.total[3:9]
        if card is None or card.free or not card.rates:
            return ()
        kinds = zip(TOKEN_TYPES, used, strict=True)
        return tuple(kind for kind, n in kinds if n and card.rate(kind) is None)

    @property
    def where(self) -> str:
        """Where its rate comes from, in a word: `unpriced`, `free`, `pricing[2]`, `pricing_file`,
        `catalogue`, `reported` (by the source alone), `by the hour`, or `-` where nothing was sold:
        requests that failed."""
        if self.unpriced and self.found is None:
            return "unpriced"
        if self.found is None:
            if self.spent.standing.effective_nano:
                return "by the hour"
            return "reported" if self.spent.total.effective_nano or self.spent.total.tokens else "-"
        source = self.found.card.source
        if self.found.card.free:
            return "free"
        if source is None:
            return "-"
        return source.place if source.layer is Layer.PRICING else source.layer.value

    @property
    def cache_saved_nano(self) -> int:
        """nano-USD that caching has saved at its rates, all in all; negative where it cost more.
        An estimate: at the last rates of the window and the base tier."""
        return sum(cache_balance(self.card, self.spent.total))

    @property
    def paid_nano(self) -> int | None:
        """nano-USD really paid per 1M tokens that have a price; None without any."""
        total = self.spent.total
        tokens = total.tokens - total.unpriced_tokens
        money = total.effective_nano - self.spent.standing.effective_nano
        return divide_half_even(money * MILLION, tokens) if tokens > 0 else None

    @property
    def paid_exactness(self) -> Exactness:
        """Of `paid_nano`: unpriced usage is left out of both its sides, and a quotient has no
        bound."""
        total = self.spent.total
        guessed = total.estimated_nano or total.estimated_requests or total.lower_bounds
        return Exactness.ESTIMATE if guessed else Exactness.EXACT

    @property
    def over_list(self) -> tuple[int, int] | None:
        """(reported minus list, list) nano-USD of what the source reported money for; None where
        there is nothing to compare."""
        told = self.spent.told
        if not told.reported_nano or not told.list_nano:
            return None
        return told.reported_nano - told.list_nano, told.list_nano


@dataclass(frozen=True, slots=True)
class PriceList:
    """Every model of a view."""

    view: View
    rows: tuple[Priced, ...]
    catalogue: str
    """Version of the catalogue; "" without one."""
    problem: str = ""
    """Why some of the configured prices could not be read."""


def price_list(
    find: Find, alias: Callable[[str], str], rows: Iterable[Spent], view: View, catalogue: str
) -> PriceList:
    """The list of a view. `rows` are by provider and model alone."""
    window = view.window
    first, last = day_of(window.start), day_of(max(window.start, window.end - 1))
    out = []
    for spent in rows:
        found = find(spent.provider, spent.model, last)
        before = find(spent.provider, spent.model, first) if first != last else found
        changed = _rates_of(before) != _rates_of(found)
        out.append(Priced(spent, found, alias(spent.provider), changed))
    return PriceList(view, tuple(out), catalogue)


def day_of(seconds: int) -> date:
    """The UTC day: what rates are dated by."""
    return datetime.fromtimestamp(seconds, UTC).date()


def _rates_of(found: Found | None) -> object:
    if found is None:
        return None
    card = found.card
    return card.rates, card.tiers, card.per_request, card.free, card.periods


# One model in full ------------------------------------------------------------------------------


class Stretch(NamedTuple):
    """A part of a window with one set of rates."""

    start: int
    end: int
    found: Found | None


class Part(NamedTuple):
    """One line of the sum that makes a list cost."""

    kind: str
    """A token kind, or `requests`."""
    tier: int
    """As in `Charge.tier`."""
    since: date | None
    """The first day of the stretch, where the window has several."""
    number: int
    rate: Decimal | None
    """USD per 1M tokens, or per request."""
    taken_from: str
    """The kind whose rate it is, where it has none of its own."""
    nano: int | None


class Worked(NamedTuple):
    """How a list cost comes about."""

    parts: tuple[Part, ...]
    list_nano: int
    """What was charged."""
    rest_nano: int
    """Charged minus what the parts add up to: rounding of single charges, rates by the hour, or a
    configuration that is not the collector's."""


def stretches(find: Callable[[date], Found | None], window: Window) -> list[Stretch]:
    """A window by the days on which a rate changed."""
    out: list[Stretch] = []
    at = window.start
    while at < window.end:
        end = min(floor_to(at, DAY) + DAY, window.end)
        found = find(day_of(at))
        if out and _rates_of(out[-1].found) == _rates_of(found):
            out[-1] = out[-1]._replace(end=end)
        else:
            out.append(Stretch(at, end, found))
        at = end
    return out


def work_out(parts: Sequence[tuple[Stretch, Spent | None]]) -> Worked:
    """Each stretch with the usage of one model in it."""
    lines: list[Part] = []
    charged = 0
    for stretch, spent in parts:
        if spent is None:
            continue
        charged += sum(totals.list_nano for _, totals in spent.listed)
        since = day_of(stretch.start) if len(parts) > 1 else None
        for tier, totals in spent.listed:
            lines += _lines(stretch.found, tier, totals, since)
    return Worked(tuple(lines), charged, charged - sum(p.nano or 0 for p in lines))


def _lines(found: Found | None, tier: int, used: Totals, since: date | None) -> Iterable[Part]:
    card = found.card if found is not None else None
    compiled = compile_card(card) if card is not None else None
    table = dict(card.rates) if card is not None else {}
    row = compiled.base if compiled is not None else (None,) * len(TOKEN_TYPES)
    for at, start in enumerate(t.start for t in card.tiers) if card is not None else ():
        if 0 < start <= tier and compiled is not None and card is not None:
            table, row = dict(card.tiers[at].rates), compiled.tiers[at][1]
    for kind, count, rate in zip(TOKEN_TYPES, used[3:9], row, strict=True):
        if not count:
            continue
        owner = owner_of(table, kind)
        nano = None
        if compiled is not None and rate is not None:
            nano = divide_half_even(count * rate, compiled.divisor)
        free = card is not None and (card.free or not card.rates)
        shown = table.get(owner) if owner else Decimal(0) if free else None
        yield Part(kind, tier, since, count, shown, owner if owner != kind else "", nano)
    if card is not None and compiled is not None and card.per_request is not None:
        billable = max(used.requests - used.errors - used.throttled, 0)
        nano = divide_half_even(billable * compiled.request, compiled.divisor)
        yield Part("requests", tier, since, billable, card.per_request, "", nano)


def owner_of(table: dict[str, Decimal], kind: str) -> str:
    """The kind whose rate `kind` takes, `""` where there is none (`rates.resolve`)."""
    name: str | None = kind
    while name is not None and name not in table:
        name = FALLBACK.get(name)
    return name or ""
