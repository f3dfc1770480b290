"""Which series of a page carry which quantity, and what their labels mean, in PromQL.

The same presets that costtui reads pages with (`sources.presets`), said as selectors: what
`sources.metrics.mapping` decides for a series, a matcher decides here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import translate
from typing import Final

from costtui.alerts.promrules.text import NO_VALUES, one_of, quote
from costtui.config.schema import SourceConfig
from costtui.model.dimension import value_or_none
from costtui.sources.metrics.shape import UNITS, InclusionRule, MetricRule, Pick, Shape

COST: Final = "cost_usd"
TOKENS: Final = "tokens"
REQUESTS: Final = "requests"
ERRORS: Final = "errors"
THROTTLED: Final = "throttled"

Matcher = tuple[str, str, str]
"""(label, operator, value)."""

_CACHE: Final = ("cache_read", "cache_write", "cache_write_1h")


@dataclass(frozen=True, slots=True)
class Part:
    """Some series of one metric that add to one quantity."""

    quantity: str
    metric: str
    selectors: tuple[tuple[Matcher, ...], ...]
    """Any of them; a series that two of them fit counts once."""
    factor: Decimal
    """Its number times this is USD, tokens or requests; of a gauge, USD an hour."""
    rule: MetricRule
    unless: tuple[str, ...] = ()
    """Not while one of these metrics is on the same page."""
    instead: tuple[tuple[Matcher, ...], ...] = ()
    """Not for traffic that has one of these series of the metric."""


@dataclass(frozen=True, slots=True)
class Page:
    """One source: its preset and its own settings."""

    config: SourceConfig
    shape: Shape
    instance: str = ""
    """`host:port`, where another source has metrics of the same names."""

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def names(self) -> tuple[str, ...]:
        """Every metric that is counted."""
        return tuple(dict.fromkeys(n for rule in self.shape.metrics for n in rule.names))

    def picks(self, rule: MetricRule) -> dict[str, Pick]:
        return {**self.shape.dimensions, **(rule.dimensions or {})}

    def selector(self, metric: str, matchers: Sequence[Matcher] = ()) -> str:
        """`metric{…}`, with what restricts the whole source."""
        inside = [f"{label}{op}{quote(value)}" for label, op, value in matchers]
        if self.instance:
            inside.append(f"instance={quote(self.instance)}")
        if self.config.match:
            inside.append(self.config.match)
        if metric and not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", metric):
            inside.insert(0, f"__name__={quote(metric)}")
            metric = ""
        return metric + ("{" + ", ".join(inside) + "}" if inside else "")

    def any_of(self, metrics: Sequence[str]) -> str:
        """Every series of some metrics."""
        return self.selector("", [("__name__", "=~", one_of(metrics))])

    def parts(self) -> tuple[Part, ...]:
        return tuple(self._parts())

    def _parts(self) -> Iterator[Part]:
        for rule in self.shape.metrics:
            for place, name in enumerate(rule.names):
                # Names that say the same: the first that is on the page counts.
                unless = (*rule.names[:place], *rule.unless)
                for quantity, selectors, instead in self._quantities(rule):
                    factor = UNITS[rule.unit] * (rule.rate if rule.rate is not None else 1)
                    made = tuple(
                        (*where, *matchers)
                        for where in [tuple(_where(rule)) + tuple(self._service(rule))]
                        for matchers in selectors
                    )
                    if made:
                        yield Part(quantity, name, made, factor, rule, unless, instead)

    def _quantities(
        self, rule: MetricRule
    ) -> Iterator[tuple[str, Sequence[tuple[Matcher, ...]], tuple[tuple[Matcher, ...], ...]]]:
        """(quantity, selectors, what stands in their place where it is there)."""
        codes = (rule.code_label, *rule.code_label_else)
        match rule.quantity:
            case "tokens":
                yield TOKENS, self._tokens(rule), ()
            case "cost" if rule.part_label:
                labels = (rule.part_label, *rule.part_label_else)
                whole = NO_VALUES + "|(?i:" + one_of(rule.wholes) + ")"
                pieces = tuple(_first(labels, whole, negate=True, empty=False))
                yield COST, pieces, ()
                yield COST, tuple(_first(labels, whole, empty=True)), pieces
            case "cost" | "cost_rate":
                yield COST, [()], ()
            case "requests":
                yield REQUESTS, [()], ()
            case "errors" | "throttled":
                yield REQUESTS, [()], ()
                yield ERRORS if rule.quantity == "errors" else THROTTLED, [()], ()
            case "requests_by_code":
                fine, slow = _outcomes(rule)
                none_is_fine = rule.unknown_code == "ok"
                failed = list(_first(codes, fine, negate=True, empty=not none_is_fine))
                yield REQUESTS, [()] if rule.count == "all" else failed, ()
                bad = f"{fine}|{slow}" if slow else fine
                yield ERRORS, list(_first(codes, bad, negate=True, empty=not none_is_fine)), ()
                if slow:
                    yield THROTTLED, list(_first(codes, slow, empty=False)), ()

    def _tokens(self, rule: MetricRule) -> list[tuple[Matcher, ...]]:
        kinds = [("", rule.kind)] if not rule.kind_label else list(rule.kinds.items())
        out: list[tuple[Matcher, ...]] = []
        for wanted, rules in (
            (("input", "output"), None),
            (_CACHE, self.shape.input_includes_cache),
            (("reasoning",), self.shape.output_includes_reasoning),
        ):
            values = [value for value, kind in kinds if kind in wanted]
            if not values:
                continue
            scopes = [()] if rules is None else self._outside(rules, self.picks(rule))
            for scope in scopes:
                if not rule.kind_label:
                    out.append(scope)
                    continue
                labels = (rule.kind_label, *rule.kind_label_else)
                empty = "" in values
                given = one_of(v for v in values if v)
                out += [(*scope, *m) for m in _first(labels, given, empty=empty)]
        return out

    def _outside(
        self, rules: Sequence[InclusionRule], picks: Mapping[str, Pick]
    ) -> list[tuple[Matcher, ...]]:
        """Selectors of the traffic whose parts are not inside the whole. A gateway is taken for a
        new one: PromQL could ask for its version, but not compare `1.4.1` with `1.10`."""
        out: list[tuple[Matcher, ...]] = []
        for one in rules:
            if one.up_to or (one.option and self.config.options.get(one.option) is not True):
                continue
            if (one.provider, one.model) == ("*", "*"):
                return out if one.includes else [*out, ()]
            if one.includes:
                continue
            scope: list[tuple[Matcher, ...]] = [()]
            for dimension, glob in (("provider", one.provider), ("model", one.model)):
                labels = picks.get(dimension, Pick()).labels
                if glob != "*" and labels:
                    found = list(_first(labels, f"(?i:{glob_pattern(glob)})", empty=False))
                    scope = [(*a, *b) for a in scope for b in found]
            out += scope
        return out

    def by_version(self) -> tuple[InclusionRule, ...]:
        """Rules that hold for old gateways only, and are not asked about here."""
        rules = (*self.shape.input_includes_cache, *self.shape.output_includes_reasoning)
        return tuple(rule for rule in rules if rule.up_to)

    def _service(self, rule: MetricRule) -> Iterator[Matcher]:
        """Where `services:` says which are LLM traffic, others are not."""
        if rule.service_label and self.config.services and not rule.service_as_provider:
            known = one_of(name for name, _ in self.config.services)
            yield rule.service_label, "=~", f"{known}|{NO_VALUES}|"


def _where(rule: MetricRule) -> Iterator[Matcher]:
    for condition in rule.where:
        yield condition.label, "!~" if condition.negate else "=~", one_of(condition.values)


def _first(
    labels: Sequence[str], pattern: str, *, negate: bool = False, empty: bool
) -> Iterator[tuple[Matcher, ...]]:
    """Series of which the first of `labels` with a value fits `pattern` (or does not). `empty`: do
    those count that have none?"""
    last = len(labels) - 1
    for place, label in enumerate(labels):
        before = tuple((other, "=", "") for other in labels[:place])
        also = empty and place == last
        if negate:
            yield (*before, (label, "!~", pattern if also else f"{pattern}|"))
        elif pattern or also:
            yield (*before, (label, "=~", f"{pattern}|" if also and pattern else pattern))


def _outcomes(rule: MetricRule) -> tuple[str, str]:
    """(codes that are no failure, codes that mean throttled) as patterns, as
    `mapping.Mapper` reads them."""
    slow = one_of(rule.throttled)
    fine = [re.escape(code) for code in sorted(rule.ok - rule.throttled)]
    fine.append("[1-3][0-9][0-9]")
    if rule.unknown_code == "ok":
        fine.append(NO_VALUES)
    return "|".join(fine), slow


def glob_pattern(glob: str) -> str:
    """A glob as a pattern of RE2, which has no `\\Z` and anchors by itself."""
    pattern = translate(glob)
    return re.sub(r"^\(\?s:(.*)\)\\[Zz]$", r"(?s:\1)", pattern, flags=re.DOTALL)


def plain_glob(glob: str) -> str:
    """The pattern of a text that need not be a glob."""
    return glob_pattern(glob) if any(c in glob for c in "*?[") else re.escape(glob)


def service_names(page: Page) -> dict[str, tuple[str, str]]:
    """service → (provider, model)."""
    return {
        name: (service.provider, service.model)
        for name, service in page.config.services
        if value_or_none(name)
    }
