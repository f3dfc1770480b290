"""What a series means: which dimensions its usage belongs to and which quantity it is.

Asked once for each never-seen series; the answer is kept with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase, translate
from hashlib import blake2b
from typing import NamedTuple

from costtui.config.schema import ServiceMapping, SourceConfig
from costtui.model.dimension import Dimensions, stored_value, value_or_none
from costtui.model.money import MAX_NANO, NANO
from costtui.model.safetext import visible
from costtui.sources.metrics.shape import (
    UNITS,
    InclusionRule,
    MetricRule,
    Pick,
    Shape,
)
from costtui.sources.metrics.shape_reader import version_number

INPUT, CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H, OUTPUT, REASONING = range(6)
COST, REQUESTS, ERRORS, THROTTLED, LOOKUPS = range(6, 11)
FIELDS = 11
"""How many quantities are summed for each combination of dimensions, in the order above."""

KIND_FIELD = {
    "input": INPUT,
    "cache_read": CACHE_READ,
    "cache_write": CACHE_WRITE,
    "cache_write_1h": CACHE_WRITE_1H,
    "output": OUTPUT,
    "reasoning": REASONING,
}

_PLAIN = re.compile(r"(\d{1,15})(?:\.0+)?")
_INFORMATION = re.compile(r"[1-5]\d\d")

CLOCK_NAMES = ("process_start_time_seconds",)

GAUGE = "g:"
"""Prefix of the checkpoint parts that are gauges."""


class Placement(NamedTuple):
    """One thing that a series says."""

    dims: Dimensions
    fields: tuple[int, ...]
    """The quantities that its increments are added to."""
    rule: int
    """Which of the shape's metrics said so."""
    name: str
    """Under which of its names."""
    whole: bool = False
    """It is the sum of parts that may be on the page as well."""
    estimated: bool = False
    """It is money that the page itself calls an estimate."""


@dataclass(slots=True, eq=False)
class Series:
    """A series, understood."""

    key: str
    """Its checkpoint part."""
    role: str
    """`counter`, `gauge`, `created`, `start`, `version`, `marker` or `ignored`."""
    placements: tuple[Placement, ...] = ()
    factor: Decimal | None = None
    """Multiply the number by it; None for plain whole numbers. Of a gauge: USD an hour for 1."""
    pair: tuple[str, bytes] = ("", b"")
    """What a counter and its `_created` have in common."""
    version: str = ""
    stamp: tuple[bytes, float] = (b"", 0.0)
    """Of a `created` series: its text and what it came to, so that it is read once."""
    dollars: bool = False
    """Its number is money, in USD."""
    presence: bool = False
    """Of a gauge: its number says nothing, only that it is there (see `gauges.levels`)."""


class Mapper:
    """Places series by a shape and a source's own settings."""

    def __init__(self, shape: Shape, config: SourceConfig) -> None:
        self.shape = shape
        self._gateway = config.gateway
        self.gateway_labels = config.gateway_labels
        self._gateways = [(re.compile(translate(glob)), name) for glob, name in config.gateways]
        self._hosts = {e.host: e.gateway for e in config.elsewhere if e.host and e.gateway}
        self._services: dict[str, ServiceMapping] = dict(config.services)
        self._options = {k for k, v in config.options.items() if v is True}
        self._rules: dict[str, list[int]] = {}
        gauges: set[str] = set()
        for number, rule in enumerate(shape.metrics):
            if rule.quantity == "cost_rate":
                if rule.rate is None:
                    continue  # no option gives it a price
                gauges.update(rule.names)
            for name in rule.names:
                self._rules.setdefault(name, []).append(number)
        self._selections = {name: self._selection(name) for name in self._rules}
        counters = self._rules.keys() - gauges
        self._created = {_base(name) + "_created" for name in counters} - set(self._rules)
        self._dims: dict[Dimensions, Dimensions] = {}
        self._included: dict[tuple[str, str, str], tuple[bool, bool]] = {}
        self.unknown_kinds: set[str] = set()
        """Values of a token-kind label that the shape does not know: not counted, shown."""

    def wanted(self) -> frozenset[str]:
        """The sample names to look for on the page."""
        names = {*self._rules, *self._created, *CLOCK_NAMES, self.shape.version[0]}
        for rule in self.shape.metrics:
            names.update(rule.unless)
        return frozenset(names - {""})

    def counted(self) -> frozenset[str]:
        """`counter_name` of every metric that is counted."""
        return frozenset(map(self.counter_name, self._rules))

    def counter_name(self, name: str) -> str:
        """A metric's name with what makes another selection of its series."""
        return self._selections[name]

    def identity(self, name: str, wire: bytes) -> bytes:
        """What a series is kept by: `wire`, as the page shows it, and its unit. A number that was
        read in another unit is another counter's."""
        numbers = self._rules.get(name)
        if numbers is None:
            return wire
        rule = self.shape.metrics[numbers[0]]
        return wire + f"\0{rule.quantity == 'cost'} {rule.unit}".encode()

    def _selection(self, name: str) -> str:
        rules = [self.shape.metrics[number] for number in self._rules[name]]
        services = sorted(self._services) if any(rule.service_label for rule in rules) else []
        what = "\n".join([rules[0].unit, *services, *(rule.selection() for rule in rules)])
        return f"{name} {blake2b(what.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"

    def labels_of(self, name: str) -> list[str]:
        """The labels that decide what a series of this metric means."""
        found: set[str] = set()
        for number in self._rules.get(name, ()):
            rule = self.shape.metrics[number]
            found |= rule.label_names()
            for pick in self.shape.dimensions.values():
                found.update(pick.labels)
        return sorted(found)

    def series(self, name: str, labels: Mapping[str, str], key: str, identity: bytes) -> Series:
        """Understand one series."""
        tail = identity[len(name) :]
        numbers = self._rules.get(name)
        if numbers is not None:
            places = (self._place(number, name, labels) for number in numbers)
            placements = tuple(place for place in places if place is not None)
            rule = self.shape.metrics[numbers[0]]
            if rule.quantity == "cost_rate" and placements:
                return _gauge(rule, placements, key)
            return Series(
                key,
                "counter" if placements else "ignored",
                placements,
                _factor(rule),
                (_base(name), tail),
                dollars=bool(placements) and COST in placements[0].fields and UNITS[rule.unit] == 1,
            )
        if name in self._created:
            return Series(key, "created", pair=(name.removesuffix("_created"), tail))
        if name in CLOCK_NAMES:
            return Series(key, "start")
        if name == self.shape.version[0]:
            return Series(key, "version", version=labels.get(self.shape.version[1], ""))
        return Series(key, "marker")

    def _place(self, number: int, name: str, labels: Mapping[str, str]) -> Placement | None:
        rule = self.shape.metrics[number]
        if not all(condition.holds(labels) for condition in rule.where):
            return None
        fields = self._fields(rule, labels)
        if not fields:
            return None
        picks = {**self.shape.dimensions, **(rule.dimensions or {})}
        found = {key: stored_value(key, _pick(pick, labels)) for key, pick in picks.items()}
        if rule.service_label:
            service = value_or_none(labels.get(rule.service_label, ""))
            mapped = self._services.get(service)
            if mapped is not None:
                found.update(provider=mapped.provider, model=mapped.model)
            elif rule.service_as_provider:
                found["provider"] = stored_value("provider", service)
            elif self._services and service:
                # The user said which services are LLM traffic; this one is something else.
                return None
        dims = Dimensions(gateway=self.gateway(labels), service=rule.service, **found)
        # One object for all series of the same traffic: sums are kept by it at every scrape, and
        # two that are the same need not be compared word by word.
        if len(self._dims) > 100_000:
            self._dims.clear()
        dims = self._dims.setdefault(dims, dims)
        return Placement(dims, fields, number, name, _is_whole(rule, labels), rule.estimated)

    def gateway(self, labels: Mapping[str, str]) -> str:
        """Which gateway a series with `labels` is of."""
        for label in self.gateway_labels:
            value = labels.get(label, "")
            if not value:
                continue
            for pattern, name in self._gateways:
                if pattern.match(value):
                    return name
            # A page that another source reads is known by that source's name for it.
            return self._hosts.get(same_host(value)) or stored_value("gateway", value)
        return self._gateway

    def _fields(self, rule: MetricRule, labels: Mapping[str, str]) -> tuple[int, ...]:
        match rule.quantity:
            case "tokens":
                kind = rule.kind
                if rule.kind_label:
                    value = _label(labels, rule.kind_label, rule.kind_label_else)
                    kind = rule.kinds.get(value, "")
                    if not kind:
                        if len(self.unknown_kinds) < 10:
                            self.unknown_kinds.add(visible(value, 40) or "(none)")
                        return ()
                return () if kind == "ignore" else (KIND_FIELD[kind],)
            case "cost" | "cost_rate":
                return (COST,)
            case "requests":
                return (REQUESTS,)
            case "errors":
                return (REQUESTS, ERRORS)
            case "throttled":
                return (REQUESTS, THROTTLED)
            case "unpriced_lookups":
                code = _label(labels, rule.code_label, rule.code_label_else)
                return () if code in rule.priced else (LOOKUPS,)
        code = _label(labels, rule.code_label, rule.code_label_else)
        outcome = _outcome(rule, code)
        if outcome == "ok":
            return (REQUESTS,) if rule.count == "all" else ()
        return (REQUESTS, THROTTLED if outcome == "throttled" else ERRORS)

    def inclusions(self, dims: Dimensions, version: str) -> tuple[bool, bool]:
        """(input includes cache, output includes reasoning) for this traffic."""
        key = (dims.provider, dims.model, version)
        answer = self._included.get(key)
        if answer is None:
            if len(self._included) > 10_000:
                self._included.clear()
            answer = self._included[key] = (
                self._decide(self.shape.input_includes_cache, *key),
                self._decide(self.shape.output_includes_reasoning, *key),
            )
        return answer

    def _decide(
        self, rules: Iterable[InclusionRule], provider: str, model: str, version: str
    ) -> bool:
        """A gateway that does not say its version is an old one; one whose version is not a
        number (`main`, `dev`) is a new one."""
        running = version_number(version) if version else ()
        for rule in rules:
            if rule.option and rule.option not in self._options:
                continue
            if rule.up_to and (running is None or running > rule.up_to):
                continue
            if fnmatchcase(provider.lower(), rule.provider) and fnmatchcase(
                model.lower(), rule.model
            ):
                return rule.includes
        return True


def same_host(instance: str) -> str:
    """`host:port` in the one way that two spellings of this machine have in common."""
    host, colon, port = instance.rpartition(":")
    return f"127.0.0.1{colon}{port}" if host in ("localhost", "[::1]", "::1") else instance


def amount(series: Series, number: str) -> int:
    """A counter's number as an integer: whole tokens or requests, rounded down (differences of
    rounded totals telescope), or nano-USD. Raises ValueError beyond a 64-bit integer."""
    if series.factor is None:
        plain = _PLAIN.fullmatch(number)
        if plain is not None:
            return int(plain[1])
    value = Decimal(number)
    if value.adjusted() > 30:
        raise ValueError("the number is too large")
    if series.factor is not None:
        value *= series.factor
    if series.placements and COST in series.placements[0].fields:
        result = int((value * NANO).to_integral_value())
    else:
        result = int(value)
    if result > MAX_NANO:
        raise ValueError("the number is too large")
    return result


def quick_nano(text: bytes) -> int | None:
    """nano-USD of ` 0.58385524000000003`, as `amount` has it, in a third of its time; None for
    every other form, which `amount` is there for."""
    whole, _, part = text[1:].partition(b".")
    places = len(part)
    if (
        text[:1] != b" "
        or not (part.isdigit() and whole.isdigit())
        or len(whole) > 9
        or places > 18
    ):
        return None
    if places <= 9:
        return int(whole + part) * _TENS[9 - places]
    nano, rest = divmod(int(whole + part), _TENS[places - 9])
    half = _TENS[places - 9] // 2
    return nano + (rest > half or (rest == half and nano & 1))


_TENS: tuple[int, ...] = tuple(10**n for n in range(10))


def _gauge(rule: MetricRule, placements: tuple[Placement, ...], key: str) -> Series:
    """A gauge is known by its own series; one that only says that something is there, by what it
    is there for: several such series say it once."""
    if rule.presence:
        about = "\0".join((placements[0].name, *placements[0].dims))
        key = blake2b(about.encode("utf-8", "replace"), digest_size=8).hexdigest()
    rate = (rule.rate or Decimal(0)) * UNITS[rule.unit]
    key = GAUGE + key.rpartition(":")[2]
    return Series(key, "gauge", placements[:1], rate, presence=rule.presence)


def _label(labels: Mapping[str, str], name: str, others: tuple[str, ...]) -> str:
    """The value of a label, under the first of its spellings that has one."""
    value = labels.get(name, "")
    for other in others:
        if value:
            break
        value = labels.get(other, "")
    return value


def _is_whole(rule: MetricRule, labels: Mapping[str, str]) -> bool:
    """Is this cost the sum of parts? One that does not say which part it is, is."""
    if not rule.part_label:
        return False
    part = value_or_none(_label(labels, rule.part_label, rule.part_label_else))
    return not part or part.lower() in rule.wholes


def _factor(rule: MetricRule) -> Decimal | None:
    factor = UNITS[rule.unit]
    return None if factor == 1 and rule.quantity != "cost" else factor


def _base(name: str) -> str:
    """What a counter's name and its `_created` have in common."""
    for suffix in ("_total", "_sum", "_count"):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def _outcome(rule: MetricRule, code: str) -> str:
    """`ok`, `throttled` or `error`, by an HTTP status or the name of an error."""
    if code in rule.throttled:
        return "throttled"
    if code in rule.ok:
        return "ok"
    if not value_or_none(code):
        return rule.unknown_code
    if _INFORMATION.fullmatch(code):
        return "ok" if code < "400" else "error"
    return "error"


def _pick(pick: Pick, labels: Mapping[str, str]) -> str:
    if pick.value:
        return pick.value
    for label in pick.labels:
        value = value_or_none(labels.get(label, ""))
        if value:
            return value
    return ""
