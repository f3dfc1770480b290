"""What a server is asked to add up itself: the metrics of a preset, or the user's own PromQL.

Both give one number a series and window, so both are estimates: `increase()` extrapolates to the
window's edges and loses the first value of a new series, and a rate is what it was at one moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple, Protocol

from costtui.config.schema import PER_SECONDS, QueryConfig, SourceConfig
from costtui.model.dimension import Dimensions, stored_value
from costtui.model.money import NANO
from costtui.model.safetext import visible
from costtui.sources.metrics.mapping import (
    COST,
    KIND_FIELD,
    REQUESTS,
    Mapper,
    Placement,
    Series,
)
from costtui.sources.metrics.shape import UNITS, MetricRule, Shape
from costtui.sources.prometheus.api import quote

LOOK_BACK_MS: Final = 300_000
"""The least that `increase()` looks at: two scrapes at any usual interval."""

_LARGEST: Final = Decimal(2**62)


class Found(NamedTuple):
    """One number of one window, understood."""

    placements: tuple[Placement, ...]
    amount: Decimal
    """In the smallest unit: tokens, requests or nano-USD."""


class Ask(Protocol):
    """One query."""

    covers: bool
    """It is money that pays for all traffic of its gateway."""

    rank: tuple[int, int]
    """(what it measures, preference): of several that measure the same, a window takes the first
    that has a number in it."""

    def promql(self, window_ms: int, /) -> str:
        """The query whose value at a moment is of the window before it."""

    def take(self, metric: Mapping[str, str], text: str, window_ms: int, /) -> Found | None:
        """Understand a number; None where it says nothing. Raises ValueError for one that no
        amount can be."""


class MetricAsk:
    """The growth of one metric of a preset, added up by the labels that the preset reads."""

    def __init__(
        self,
        rule: MetricRule,
        name: str,
        rank: tuple[int, int],
        mapper: Mapper,
        config: SourceConfig,
    ) -> None:
        self.rank = rank
        self.covers = rule.covers_page
        self._name = name
        self._mapper = mapper
        labels = [*mapper.labels_of(name), *config.gateway_labels]
        self._by = ", ".join(dict.fromkeys(labels))
        match = f",{config.match}" if config.match else ""
        self._selector = f"{{__name__={quote(name)}{match}}}"
        # Of the same gateway: others may have an older version that says it in another way.
        on = ", ".join(config.gateway_labels)
        self._unless = "".join(
            f" unless on ({on}) count by ({on}) ({{__name__={quote(other)}{match}}})"
            for other in rule.unless
        )
        self._series: dict[tuple[tuple[str, str], ...], Series] = {}

    def promql(self, window_ms: int, /) -> str:
        by = f" by ({self._by})" if self._by else ""
        # A minute may hold one scrape, of which nothing grows: a minute's share of five then.
        look = max(window_ms, LOOK_BACK_MS)
        share = "" if look == window_ms else f" * {window_ms / look:g}"
        return f"sum{by} (increase({self._selector}[{look}ms])){share}{self._unless}"

    def take(self, metric: Mapping[str, str], text: str, _window_ms: int, /) -> Found | None:
        identity = tuple(sorted(metric.items()))
        series = self._series.get(identity)
        if series is None:
            if len(self._series) > 50_000:
                self._series.clear()
            labels = dict(metric)
            made = self._mapper.series(self._name, labels, "", self._name.encode())
            series = self._series[identity] = made
        if not series.placements:
            return None
        rule = self._mapper.shape.metrics[series.placements[0].rule]
        scale = UNITS[rule.unit] * (NANO if rule.quantity == "cost" else 1)
        number = _number(text)
        return None if number is None else Found(series.placements, number * scale)


class QueryAsk:
    """A rate of the user's own PromQL, times the length of the window."""

    def __init__(self, query: QueryConfig, number: int, mapper: Mapper) -> None:
        self.rank = (number, 0)
        self.covers = False
        self._query = query
        self._mapper = mapper
        field = {"cost": COST, "requests": REQUESTS}.get(query.quantity)
        self._fields = (KIND_FIELD[query.quantity] if field is None else field,)
        self._scale = NANO if query.quantity == "cost" else 1
        self._per_ms = PER_SECONDS[query.per] * 1000

    def promql(self, _window_ms: int, /) -> str:
        return self._query.query

    def take(self, metric: Mapping[str, str], text: str, window_ms: int, /) -> Found | None:
        number = _number(text)
        if number is None:
            return None
        found = {
            name: stored_value(name, metric.get(label, ""))
            for name, label in self._query.dimensions
        }
        found |= dict(self._query.values)
        found["gateway"] = found.get("gateway") or self._mapper.gateway(metric)
        place = Placement(Dimensions(**found), self._fields, self.rank[0], "")
        return Found((place,), number * self._scale * window_ms / self._per_ms)


def asks_of(config: SourceConfig, shape: Shape, mapper: Mapper) -> list[Ask]:
    """Every query of a source that lets the server add up."""
    if config.queries:
        return [QueryAsk(query, number, mapper) for number, query in enumerate(config.queries)]
    return [
        MetricAsk(rule, name, (number, preference), mapper, config)
        for number, rule in enumerate(shape.metrics)
        if rule.quantity != "cost_rate"  # a gauge does not grow
        for preference, name in enumerate(rule.names)
    ]


def _number(text: str) -> Decimal | None:
    """None for NaN. Raises ValueError for what no amount can be."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{visible(text, 40)} is not a number") from None
    if number.is_nan():
        return None
    if number < 0 or number > _LARGEST:
        raise ValueError(f"{visible(text, 40)} is no amount")
    return number
