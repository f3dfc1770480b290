"""What a metrics preset says, as plain values. docs/sources-metrics.md documents each key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from costtui.model.dimension import INFRASTRUCTURE, LLM

TOKEN_KINDS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
QUANTITIES = (
    "tokens",
    "cost",
    "requests",
    "errors",
    "throttled",
    "requests_by_code",
    "unpriced_lookups",
    "cost_rate",
)
UNITS: dict[str, Decimal] = {
    "usd": Decimal(1),
    "cents": Decimal("0.01"),
    "micro_usd": Decimal("0.000001"),
    "nano_usd": Decimal("0.000000001"),
    "tokens": Decimal(1),
    "thousand_tokens": Decimal(1000),
    "requests": Decimal(1),
    "one": Decimal(1),
    "gigabytes": Decimal("1e-9"),
    "gibibytes": Decimal(1) / 2**30,
}
MONEY_UNITS = ("usd", "cents", "micro_usd", "nano_usd")
RATE_UNITS = ("one", "gigabytes", "gibibytes")
"""What the price of a `cost_rate` is for: one of the gauge's units, 10⁹ or 2³⁰ of them."""
MAPPED = ("provider", "model", "consumer", "endpoint")
"""The dimensions that labels can fill; `gateway` is the source's own, `service` the metric's."""
SERVICES = (LLM, INFRASTRUCTURE)
MODEL_FROM = "model_from"
"""The option that says which of `models` a record's model is."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Where a dimension's value comes from."""

    labels: tuple[str, ...] = ()
    """In order of preference: the first with a value counts."""
    value: str = ""
    """A fixed value, for pages that serve one provider."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A series counts only where the label has (or has not) one of the values."""

    label: str
    values: frozenset[str]
    negate: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        return (labels.get(self.label, "") in self.values) != self.negate


@dataclass(frozen=True, slots=True)
class MetricRule:
    """One metric and what its value means."""

    names: tuple[str, ...]
    """Sample names that say the same; the first one that is on the page counts."""
    quantity: str
    unit: str = ""
    kind: str = ""
    """tokens: the kind of all series, when no label says it."""
    kind_label: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """tokens: label value → token kind, or `ignore`."""
    code_label: str = "code"
    throttled: frozenset[str] = frozenset({"429"})
    """requests_by_code: values that mean rate limiting."""
    ok: frozenset[str] = frozenset()
    """requests_by_code: values that are no HTTP status and yet no error."""
    unknown_code: str = "ok"
    """requests_by_code: what a code without a value means: `ok` or `error`."""
    count: str = "all"
    """requests_by_code: `all` requests or only the `failed` ones."""
    priced: frozenset[str] = frozenset({"Exact"})
    """unpriced_lookups: values of `code_label` that are no loss."""
    service_label: str = ""
    """Its value is looked up in the source's `services:`."""
    service_as_provider: bool = False
    """A service that `services:` does not know is shown as the provider."""
    where: tuple[Condition, ...] = ()
    unless: tuple[str, ...] = ()
    """Not counted while one of these metrics is on the page: they say the same, better."""
    dimensions: Mapping[str, Pick] | None = None
    """Laid over the preset's."""
    service: str = LLM
    """`infrastructure`: what it costs is no LLM's."""
    kind_label_else: tuple[str, ...] = ()
    """Other spellings of `kind_label`; the first of all that has a value counts."""
    code_label_else: tuple[str, ...] = ()
    part_label: str = ""
    """cost: a label that splits a cost into parts that add up …"""
    part_label_else: tuple[str, ...] = ()
    wholes: frozenset[str] = frozenset({"total"})
    """… and its values that mean their sum: counted only where no part is on the page."""
    covers_page: bool = False
    """cost: it pays for all traffic on the page, although its labels say less than those of the
    tokens: while it is there, no tokens are priced."""
    price: tuple[str, ...] = ()
    """cost_rate: number options whose product is USD an hour for one unit. Where one has no
    value, the metric is not read."""
    presence: bool = False
    """cost_rate: the series says only that the thing is there, and is worth 1 in all."""
    estimated: bool = False
    """cost: the page itself calls this money an estimate."""
    rate: Decimal | None = None
    """cost_rate: the price once the options are known; not a key."""

    def selection(self) -> str:
        """What decides which series of the metric count. Where it changed, one that counts now
        may have been there all the time."""
        rules = (
            *(self.kind_label, *self.kind_label_else, *sorted(self.kinds.items())),
            *(self.code_label, *self.code_label_else, self.count, self.unknown_code),
            *(sorted(values) for values in (self.throttled, self.ok, self.priced)),
            *sorted((c.label, sorted(c.values), c.negate) for c in self.where),
        )
        return json.dumps(rules)

    def label_names(self) -> frozenset[str]:
        """Every label that this rule reads, dimensions of the preset not included."""
        names = {*self.kind_label_else, *self.code_label_else, *self.part_label_else}
        names.update((self.kind_label, self.part_label, self.service_label))
        if self.quantity in ("requests_by_code", "unpriced_lookups"):
            names.add(self.code_label)
        names.update(condition.label for condition in self.where)
        for pick in (self.dimensions or {}).values():
            names.update(pick.labels)
        return frozenset(names - {""})


@dataclass(frozen=True, slots=True)
class Option:
    """What the user may set under `options:`."""

    about: str
    number: bool = False
    """A number that is not negative; else a switch."""
    default: Decimal | None = None


@dataclass(frozen=True, slots=True)
class InclusionRule:
    """Is a part inside the whole? The first rule that matches decides."""

    includes: bool
    provider: str = "*"
    """Glob on the provider, case-insensitive."""
    model: str = "*"
    up_to: tuple[int, ...] = ()
    """Only for gateway versions up to this one."""
    option: str = ""
    """Only where this switch of `options:` is on."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What to tell the user when some metrics are there and others are not."""

    present: tuple[str, ...]
    absent: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A whole preset."""

    name: str = ""
    title: str = ""
    about: str = ""
    url: str = ""
    metrics: tuple[MetricRule, ...] = ()
    dimensions: Mapping[str, Pick] = field(default_factory=dict)
    input_includes_cache: tuple[InclusionRule, ...] = (InclusionRule(True),)
    output_includes_reasoning: tuple[InclusionRule, ...] = (InclusionRule(True),)
    version: tuple[str, str] = ("", "")
    """(info metric, label) that says the gateway's version."""
    resets: str = "single"
    """`together`: one counter that fell says that all of them started again."""
    zero_cost_is_unknown: bool = False
    """A cost series that stands at 0 says nothing (formats: "free" or "not priced")."""
    options: Mapping[str, Option] = field(default_factory=dict)
    hints: tuple[Hint, ...] = ()
    limits: tuple[str, ...] = ()
    """What this page cannot tell, a sentence each."""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which models the source tells apart (`response`, `requested` …) → labels of each."""
    name_filter: str = ""
    """Query parameter by which the page can be asked for some sample names only."""
    idle_series_vanish: bool = False
    """Idle series are deleted one by one: one that began again alone lost nothing."""

    @property
    def has_cost(self) -> bool:
        return any(rule.quantity == "cost" for rule in self.metrics)
