"""Usage × rate = charge: the one place where money is made.

Layers, the first that knows a model wins: `pricing:` entries (the last that matches), the
`pricing_file:`, the offline catalogue. What no layer knows is *unpriced*, never guessed.

`Pricer.charge` is called a hundred thousand times a second while a log is loaded, so rates are
resolved once per (provider, model, day) and the common case is one dictionary look-up, six integer
products and one tuple (0.8–0.9 µs measured, of which 0.45 is unpacking the record, the look-up and
the tuple). Everything rare (long contexts, prices by the hour, kinds without a rate) goes to
`_charge_with`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final

from costtui.config.schema import Config
from costtui.errors import Problem
from costtui.model.charge import Charge, CostBasis, CostPolicy
from costtui.model.dimension import INFRASTRUCTURE, Dimensions
from costtui.model.money import divide_half_even
from costtui.model.requests import Priced, Requests, usage
from costtui.model.usage import UsageRecord
from costtui.pricing.aliases import PROVIDER_ALIASES
from costtui.pricing.catalogue import Catalogue, catalogue_version
from costtui.pricing.match import Overrides, spellings
from costtui.pricing.rates import Compiled, Found, RateCard, Row, compile_card, product

_RULES: Final = "1"
"""Raised by hand when the same inputs would be priced differently: history is then re-priced."""

_DAY_NS: Final = 86_400 * 1_000_000_000
_CACHE_LIMIT: Final = 50_000
"""Cached (provider, model, day) cards, about 30 MB; a flood of made-up models starts it anew."""

_REPORTED = CostBasis.REPORTED
_COMPUTED = CostBasis.COMPUTED
_ESTIMATED = CostBasis.ESTIMATED
_UNPRICED = CostBasis.UNPRICED
_POLICY_REPORTED = CostPolicy.REPORTED
_POLICY_ESTIMATED = CostPolicy.ESTIMATED

_Plain = tuple[int, int, int, int, int, int, int, int, int]
"""Six base rates, the rate of a request, the divisor, and the most input tokens for which they
hold (0 without tiers)."""
_Rates = tuple[int, int, int, int, int]
"""Of a request that only has input and output: their rates, its own, the divisor, and the most
input tokens for which they hold. These are -1 where it is not that simple, and the divisor is 0
where nothing is known."""
_ANY_SIZE: Final = 2**63
_UNKNOWN: Final = (0, 0, 0, 0, -1)
_NOT_SIMPLE: Final = (0, 0, 0, 1, -1)
_SECOND_NS: Final = 1_000_000_000
_new = tuple.__new__


class Pricer:
    """Prices usage with one configuration. Cheap to make; the catalogue is imported only when a
    model is first looked up in it. May be shared by threads.

    Raises PricingError when `pricing_file:` cannot be used at all; single entries of it that
    cannot be read are in `problems`.
    """

    def __init__(self, config: Config) -> None:
        self._aliases: Mapping[str, str] = {
            name.strip().lower(): target.strip().lower() for name, target in config.provider_aliases
        }
        self._overrides = Overrides(config.pricing)
        self._config = config
        self._catalogue = Catalogue() if config.catalogue else None
        self._file = None
        self.problems: tuple[Problem, ...] = ()
        if config.pricing_file is not None:
            from costtui.pricing import proxyfile

            self._file = proxyfile.load(config.pricing_file)
            self.problems = tuple(self._file.problems)
        self._cache: dict[tuple[str, str, int], tuple[_Plain | None, Compiled | None]] = {}

    @cached_property
    def fingerprint(self) -> str:
        """Changes when any price could have changed: history priced under another one is to be
        re-priced. Stable across runs and machines."""
        parts = [
            _RULES,
            repr(self._config.pricing),
            self._file.digest if self._file is not None else "",
            repr(sorted(self._aliases.items())),
            repr(sorted(PROVIDER_ALIASES.items())),
            catalogue_version() if self._catalogue is not None else "no catalogue",
        ]
        return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def rates(self, provider: str, model: str, day: date) -> RateCard | None:
        """What a model costs on a UTC day and who says so; None when it is unpriced."""
        found = self.found(provider, model, day)
        return None if found is None else found.card

    def found(self, provider: str, model: str, day: date) -> Found | None:
        """As `rates`, with the name that matched."""
        names = self.names(provider, model)
        found = self._overrides.find(provider, model, names, day)
        if found is None and self._file is not None:
            found = self._file.find(provider, model, names, self._aliases)
        if found is None and self._catalogue is not None:
            found = self._catalogue.find(names, day)
        return found

    def names(self, provider: str, model: str) -> list[tuple[str, str]]:
        """(provider, model) that are looked for, best first; beside the name as it is written."""
        return spellings(provider, model, self._aliases)

    def alias(self, provider: str) -> str:
        """Who says that `provider` goes by another name: `provider_aliases`, `built in`, or
        `""` where nobody does."""
        name = provider.strip().lower()
        if name in self._aliases:
            return "provider_aliases"
        return "built in" if PROVIDER_ALIASES.get(name, name) != name else ""

    def known(self) -> list[tuple[str, str]]:
        """Every (provider, model) that the pricing file or the catalogue lists by name."""
        listed = list(self._file.cards) if self._file is not None else []
        return listed + (self._catalogue.names() if self._catalogue is not None else [])

    def charge(self, record: UsageRecord, policy: CostPolicy) -> Charge:
        """The cost of `record`. Never raises for any usage or any name."""
        (
            start_ns, _, dims, requests, errors, throttled, fresh, read, write, write_1h, output,
            reasoning, reported, estimated, _, request_id, _, _, _, _, _,
        ) = record  # fmt: skip
        entry = self._cache.get((dims[0], dims[1], start_ns // _DAY_NS))
        if entry is None:
            entry = self._resolve(dims[0], dims[1], start_ns // _DAY_NS)
        plain = entry[0]
        if plain is None:
            return self._charge_with(entry[1], record, policy, None)
        p_input, p_read, p_write, p_write_1h, p_output, p_reasoning, p_request, divisor, most = (
            plain
        )
        if most and fresh + read + write + write_1h > most:
            return self._charge_with(entry[1], record, policy, None)
        total = (
            fresh * p_input
            + read * p_read
            + write * p_write
            + write_1h * p_write_1h
            + output * p_output
            + reasoning * p_reasoning
        )
        if p_request:
            total += max(requests - errors - throttled, 0) * p_request
        listed = total if divisor == 1 else divide_half_even(total, divisor)
        if policy is _POLICY_REPORTED and reported is not None:
            # A request with tokens and a reported 0 was not priced by its source. A cost counter
            # that stands still was: its money came with the scrape before or comes with the next.
            if (
                reported
                or request_id is None
                or not (fresh or output or read or write or write_1h or reasoning)
            ):
                basis = _ESTIMATED if estimated else _REPORTED
                return _new(Charge, (reported, listed, basis, 0))
        elif reported and dims[5] == INFRASTRUCTURE:
            # No tokens and no rate: what the policy says about them does not reach it.
            basis = _ESTIMATED if estimated else _REPORTED
            return _new(Charge, (reported, listed, basis, 0))
        elif policy is _POLICY_ESTIMATED and (
            requests > errors + throttled
            or (fresh or output or read or write or write_1h or reasoning)
        ):
            return _new(Charge, (listed, listed, _ESTIMATED, 0))
        if estimated and request_id is None:
            # Usage that a server added up is an estimate, and so is what it costs. (A request's
            # flag speaks of the money that its source reported.)
            return _new(Charge, (listed, listed, _ESTIMATED, 0))
        return _new(Charge, (listed, listed, _COMPUTED, 0))

    def charge_all(self, records: Sequence[UsageRecord], policy: CostPolicy) -> Sequence[Priced]:
        """`charge` of each of `records`, in their order."""
        if not isinstance(records, Requests):
            charge = self.charge
            return [charge(record, policy) for record in records]
        out: list[Priced] = []
        append = out.append
        by_source = policy is _POLICY_REPORTED
        otherwise = _ESTIMATED if policy is _POLICY_ESTIMATED else _COMPUTED
        low = high = 0
        rates: dict[Dimensions, _Rates] = {}
        for row in records.rows:
            ns, dims, used, made, reported, estimated, _, _, _, _ = row
            if not low <= ns < high:
                low = ns - ns % _DAY_NS
                high = low + _DAY_NS
                rates = {}
            found = rates.get(dims)
            if found is None:
                found, since, until = self._rates(dims, ns)
                low, high = max(low, since), min(high, until)
                rates[dims] = found
            p_input, p_output, p_request, divisor, most = found
            if used <= most:
                listed = used * p_input + made * p_output + p_request
                if divisor != 1:
                    listed = divide_half_even(listed, divisor)
                if by_source and reported is not None and (reported or not (used or made)):
                    append((reported, listed, _ESTIMATED if estimated else _REPORTED, 0))
                else:
                    append((listed, listed, otherwise, 0))
            elif divisor:
                append(self.charge(usage(row), policy))
            elif by_source and reported is not None and (reported or not (used or made)):
                append((reported, None, _ESTIMATED if estimated else _REPORTED, 0))
            else:
                append((0, None, _UNPRICED, 0))
        return out

    def _rates(self, dims: Dimensions, ns: int) -> tuple[_Rates, int, int]:
        """The rates at a moment, and since and until when they hold, as far as that is less than
        the day."""
        day, rest = divmod(ns, _DAY_NS)
        key = (dims.provider, dims.model, day)
        card = (self._cache.get(key) or self._resolve(*key))[1]
        if card is None:
            return _UNKNOWN, 0, _ANY_SIZE
        since, until = 0, _DAY_NS
        for start, other in card.periods:
            if rest >= start * _SECOND_NS:
                since, card = start * _SECOND_NS, other
            else:
                until = min(until, start * _SECOND_NS)
        midnight = day * _DAY_NS
        return _simple(card), midnight + since, midnight + until

    def charge_at(self, record: UsageRecord, policy: CostPolicy, tier: int) -> Charge:
        """As `charge`, for usage whose `tier` was settled when it was first priced: a roll-up of
        requests keeps its tier (≥ 0), and -1 stays an assumption."""
        if record.request_id is None:
            record = record._replace(request_id="")
        start_ns, dims = record.start_ns, record.dims
        key = (dims.provider, dims.model, start_ns // _DAY_NS)
        plain, compiled = self._cache.get(key) or self._resolve(*key)
        if plain is not None and not plain[-1]:
            return self.charge(record, policy)
        return self._charge_with(compiled, record, policy, tier)

    def _resolve(
        self, provider: str, model: str, day: int
    ) -> tuple[_Plain | None, Compiled | None]:
        card = self.rates(provider, model, _date(day))
        entry: tuple[_Plain | None, Compiled | None] = (None, None)
        if card is not None:
            compiled = compile_card(card)
            entry = (_plain(compiled), compiled)
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        self._cache[provider, model, day] = entry
        return entry

    def _charge_with(
        self, card: Compiled | None, record: UsageRecord, policy: CostPolicy, known: int | None
    ) -> Charge:
        """Every case that is not plain. `known` is the tier where it was settled before."""
        tokens = record[6:12]
        billable = max(record.requests - record.errors - record.throttled, 0)
        own = policy is CostPolicy.REPORTED or record.dims.service == INFRASTRUCTURE
        reported = record.reported_nano if own else None
        listed: int | None
        listed, tier, assumed = None, 0, False
        if not billable and not any(tokens):
            listed = 0  # only failures: nothing was sold, so nothing is unpriced
        elif card is not None:
            if card.periods:
                card = _period(card, record.start_ns)
            row, tier, assumed = _tier(card, record, known)
            listed = _product(card, row, tokens, billable)
            assumed = assumed or card.estimated
        if reported is not None and (
            reported
            or record.request_id is None
            or not (any(tokens) or (card is not None and card.estimated and billable))
        ):
            basis = CostBasis.ESTIMATED if record.estimated else CostBasis.REPORTED
            return Charge(reported, listed, basis, tier)
        if listed is None:
            return Charge(0, None, CostBasis.UNPRICED, 0)
        sold = billable or any(tokens)
        guessed = record.estimated and record.request_id is None
        if sold and (assumed or guessed or policy is CostPolicy.ESTIMATED):
            return Charge(listed, listed, CostBasis.ESTIMATED, tier)
        return Charge(listed, listed, CostBasis.COMPUTED, tier)


def _date(day: int) -> date:
    """The UTC date of a day number, kept inside what `date` can say."""
    days = max(min(day, 2_932_896), -719_162)
    return date(1970, 1, 1) + timedelta(days=days)


def _plain(card: Compiled) -> _Plain | None:
    if card.periods or card.estimated or None in card.base:
        return None
    if card.tiers and card.tiers[0][0] == 0:
        return None
    a, b, c, d, e, f = (rate or 0 for rate in card.base)
    most = card.tiers[0][0] if card.tiers else 0
    return (a, b, c, d, e, f, card.request, card.divisor, most)


def _simple(card: Compiled) -> _Rates:
    used, made = card.base[0], card.base[4]
    most = card.tiers[0][0] if card.tiers else _ANY_SIZE
    if card.estimated or card.periods or used is None or made is None or not most:
        return _NOT_SIMPLE
    return (used, made, card.request, card.divisor, most)


def _period(card: Compiled, start_ns: int) -> Compiled:
    second = start_ns % _DAY_NS // _SECOND_NS
    chosen = card
    for start, other in card.periods:
        if second >= start:
            chosen = other
    return chosen


def _tier(card: Compiled, record: UsageRecord, known: int | None) -> tuple[Row, int, bool]:
    """(rates, tier, is the tier an assumption) for one record.

    A tier depends on the input tokens of one request. Usage from a counter has lost that size,
    but where the whole interval holds no more input than the lowest threshold, no request in it
    can have passed it: then the base tier is a fact and not an assumption.
    """
    if not card.tiers:
        return card.base, 0, False
    context = record.input + record.cache_read + record.cache_write + record.cache_write_1h
    if known is not None:
        if known < 0:
            return card.base, -1, True
        context = known + 1 if known else 0
    elif record.request_id is None:
        if context <= card.tiers[0][0]:
            return card.base, 0, False
        return card.base, -1, True
    row, tier = card.base, 0
    for start, rates in card.tiers:
        if context > start:
            row, tier = rates, start
    return row, tier, False


def _product(card: Compiled, row: Row, tokens: tuple[int, ...], billable: int) -> int | None:
    """nano-USD, or None where a token kind that was used has no rate."""
    return product(row, tokens, requests=billable, per_request=card.request, divisor=card.divisor)
