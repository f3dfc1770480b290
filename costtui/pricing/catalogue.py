"""The offline price catalogue (genai-prices), asked once per (provider, model, day).

Importing it costs 0.25–0.35 s and 25 MB, so it is imported when a model is first priced, and only
by the process that prices. Its `calc_price` takes 340 µs a call; only its *rates* are used here
and the arithmetic is ours (`rates.compile_card`). The tests compare the two over the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from costtui.pricing.aliases import MAKER_NAMES, RESELLERS, SOLE_SELLERS
from costtui.pricing.rates import Found, Layer, Origin, RateCard, Rates, Tier

_KEYS: Final = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
}
"""The catalogue's price key → token kind. A `cache_write_5m_mtok` stands for `cache_write`."""

_REQUEST_KEY: Final = "requests_kcount"


def catalogue_version() -> str:
    """The installed catalogue's version, without importing it; `""` when it is not there."""
    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return ""


class Catalogue:
    """Rates by day from the installed genai-prices."""

    def __init__(self) -> None:
        self._providers: dict[str, Any] | None = None
        self._name = f"catalogue genai-prices {catalogue_version()}"

    def find(self, names: Sequence[tuple[str, str]], day: date) -> Found | None:
        """The card of the first of `names` (see `match.spellings`) that the catalogue prices."""
        for provider_id, model_ref in names:
            if not model_ref:
                continue
            found = self._model(provider_id, model_ref)
            if found is not None:
                card = self._card(*found, day)
                return None if card is None else Found(card, (found[0], model_ref))
        return None

    def names(self) -> list[tuple[str, str]]:
        """Every (provider, model) of the catalogue, as it calls them."""
        return [(p.id, m.id) for p in self._load().values() for m in p.models]

    def _load(self) -> dict[str, Any]:
        if self._providers is None:
            from genai_prices.data import providers

            self._providers = {provider.id: provider for provider in providers}
        return self._providers

    def _model(self, provider_id: str, model_ref: str) -> tuple[str, Any] | None:
        providers = self._load()
        if provider_id:
            provider = providers.get(provider_id)
            if provider is None:
                return None
            model = provider.find_model(model_ref, all_providers=list(providers.values()))
            return None if model is None else (provider_id, model)
        return self._by_name_alone(providers, model_ref)

    def _by_name_alone(self, providers: dict[str, Any], model_ref: str) -> tuple[str, Any] | None:
        for maker, pattern in MAKER_NAMES:
            if pattern.match(model_ref) and maker in providers:
                model = providers[maker].find_model(model_ref)
                return None if model is None else (maker, model)
        if ":" in model_ref:
            return None  # `deepseek-r1:7b` is a tag of a local server
        sellers = {
            provider_id: model
            for provider_id, provider in providers.items()
            if provider_id not in RESELLERS
            and (model := provider.find_model(model_ref)) is not None
        }
        if len(sellers) == 1:
            ((provider_id, model),) = sellers.items()
            if provider_id in SOLE_SELLERS:
                return provider_id, model
        return None

    def _card(self, provider_id: str, model: Any, day: date) -> RateCard | None:
        seconds = _changes_of_day(model)
        cards = [
            (second, self._card_at(provider_id, model, _moment(day, second))) for second in seconds
        ]
        first = cards[0][1]
        if len(cards) == 1 or first is None:
            return first
        return RateCard(
            origin=first.origin,
            rates=first.rates,
            tiers=first.tiers,
            per_request=first.per_request,
            valid_from=first.valid_from,
            valid_until=first.valid_until,
            source=first.source,
            periods=tuple((second, card) for second, card in cards if card is not None),
        )

    def _card_at(self, provider_id: str, model: Any, moment: datetime) -> RateCard | None:
        prices = {
            key: value
            for key, value in vars(model.get_prices(moment)).items()
            if value is not None and not key.startswith("_")
        }
        table = {kind: prices[key] for key, kind in _KEYS.items() if key in prices}
        if "cache_write_5m_mtok" in prices:
            table["cache_write"] = prices["cache_write_5m_mtok"]
        if "input" not in table and "output" not in table:
            return None  # no price for text: priced by the hour, the page, or not at all
        if "output" not in table and not any(key.startswith("output_") for key in prices):
            # Embeddings are sold by their input alone. With a price for audio or images out,
            # output tokens of an unknown kind stay unpriced instead.
            table["output"] = Decimal(0)
        per_thousand = prices.get(_REQUEST_KEY)
        return RateCard(
            origin=f"{self._name}: {provider_id}/{model.id}",
            rates=_base(table),
            tiers=_tiers(table),
            per_request=None if per_thousand is None else _plain(per_thousand) / 1000,
            valid_from=_valid_from(model, moment),
            valid_until=_valid_until(model, moment),
            source=Origin(Layer.CATALOGUE, self._name, f"{provider_id}/{model.id}"),
        )


def _moment(day: date, second: int) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(seconds=second)


def _plain(price: Any) -> Decimal:
    """The base price of a plain or tiered price."""
    value: Decimal = price if isinstance(price, Decimal) else price.base
    return value


def _base(table: dict[str, Any]) -> Rates:
    return tuple((kind, _plain(price)) for kind, price in table.items())


def _tiers(table: dict[str, Any]) -> tuple[Tier, ...]:
    starts = sorted(
        {
            tier.start
            for price in table.values()
            if not isinstance(price, Decimal)
            for tier in price.tiers
        }
    )
    return tuple(
        Tier(start, tuple((kind, _above(price, start)) for kind, price in table.items()))
        for start in starts
    )


def _above(price: Any, start: int) -> Decimal:
    """The price of a request with more than `start` input tokens."""
    value = _plain(price)
    if not isinstance(price, Decimal):
        for tier in price.tiers:
            if tier.start <= start:
                value = tier.price
    return value


def _changes_of_day(model: Any) -> list[int]:
    """Seconds of the UTC day at which the model's price may change; 0 is always one."""
    seconds = {0}
    if isinstance(model.prices, list):
        for conditional in model.prices:
            for name in ("start_time", "end_time"):
                moment = getattr(conditional.constraint, name, None)
                if moment is not None:
                    offset = moment.utcoffset() or timedelta()
                    of_day = timedelta(
                        hours=moment.hour, minutes=moment.minute, seconds=moment.second
                    )
                    seconds.add(int((of_day - offset).total_seconds()) % 86400)
    return sorted(seconds)


def _starts(model: Any) -> list[date]:
    """The days on which a price of the model begins."""
    if not isinstance(model.prices, list):
        return []
    return [
        conditional.constraint.start_date
        for conditional in model.prices
        if hasattr(conditional.constraint, "start_date")
    ]


def _valid_from(model: Any, moment: datetime) -> date | None:
    return max((day for day in _starts(model) if day <= moment.date()), default=None)


def _valid_until(model: Any, moment: datetime) -> date | None:
    return min((day for day in _starts(model) if day > moment.date()), default=None)
