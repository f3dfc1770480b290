"""Strict reading of a preset or of a source's `fields:`, which have the same shape.

Everything wrong is collected and named with its key and the nearest right spelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from costtui.sources.metrics.faults import Faults, flag, join, words
from costtui.sources.metrics.options import read_options
from costtui.sources.metrics.shape import (
    MAPPED,
    MONEY_UNITS,
    QUANTITIES,
    RATE_UNITS,
    SERVICES,
    TOKEN_KINDS,
    Condition,
    Hint,
    InclusionRule,
    MetricRule,
    Option,
    Pick,
    Shape,
)

_TOP = tuple(field.name for field in fields(Shape))
_NO_KEYS = ("names", "rate", "kind_label_else", "code_label_else", "part_label_else")
_METRIC = ("name", *(field.name for field in fields(MetricRule) if field.name not in _NO_KEYS))
_FOR_QUANTITY = {
    "kind": ("tokens",),
    "kind_label": ("tokens",),
    "kinds": ("tokens",),
    "code_label": ("requests_by_code", "unpriced_lookups"),
    "throttled": ("requests_by_code",),
    "ok": ("requests_by_code",),
    "unknown_code": ("requests_by_code",),
    "count": ("requests_by_code",),
    "priced": ("unpriced_lookups",),
    "part_label": ("cost",),
    "wholes": ("cost",),
    "covers_page": ("cost",),
    "estimated": ("cost",),
    "price": ("cost_rate",),
    "presence": ("cost_rate",),
}


def read_shape(data: Any, faults: Faults, key: str = "") -> Shape:
    """YAML data → Shape. What is wrong goes to `faults`; the result is then not to be used."""
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping")
        return Shape()
    faults.keys(key, data, _TOP)
    texts = {k: str(data[k]) for k in ("name", "title", "about", "url") if k in data}
    rules = data.get("metrics", [])
    if not isinstance(rules, list) or not rules:
        faults.add(join(key, "metrics"), "must be a list of at least one metric")
        rules = []
    place = join(key, "metrics")
    metrics = tuple(_metric(rule, faults, f"{place}[{i}]") for i, rule in enumerate(rules))
    resets = data.get("resets", "single")
    faults.one_of(join(key, "resets"), resets, ("single", "together"))
    options = read_options(data.get("options", {}), faults, join(key, "options"))
    for i, rule in enumerate(metrics):
        for option in rule.price:
            numbers = [name for name, one in options.items() if one.number]
            faults.one_of(f"{place}[{i}].price", option, numbers)
    _one_role(metrics, faults, place)
    return Shape(
        **texts,
        metrics=metrics,
        dimensions=_dimensions(data.get("dimensions", {}), faults, join(key, "dimensions")),
        input_includes_cache=_inclusion(data, "input_includes_cache", options, faults, key),
        output_includes_reasoning=_inclusion(
            data, "output_includes_reasoning", options, faults, key
        ),
        version=_version(data.get("version"), faults, join(key, "version")),
        resets=str(resets),
        zero_cost_is_unknown=flag(data, "zero_cost_is_unknown", faults, key),
        options=options,
        hints=_hints(data.get("hints", []), faults, join(key, "hints")),
        limits=words(data.get("limits", []), faults, join(key, "limits")),
        models=_models(data.get("models", {}), faults, join(key, "models")),
        name_filter=str(data.get("name_filter", "")),
        idle_series_vanish=flag(data, "idle_series_vanish", faults, key),
    )


def _models(data: Any, faults: Faults, key: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping, for example {response: label, requested: label}")
        return {}
    return {str(k): words(v, faults, join(key, str(k))) for k, v in data.items()}


def _one_role(metrics: Iterable[MetricRule], faults: Faults, key: str) -> None:
    """A metric is a gauge or a counter: its number cannot be read both ways."""
    roles: dict[str, bool] = {}
    for i, rule in enumerate(metrics):
        for name in rule.names:
            gauge = rule.quantity == "cost_rate"
            if roles.setdefault(name, gauge) != gauge:
                faults.add(f"{key}[{i}]", f"{name} is a gauge in one metric, a counter in another")


def _metric(data: Any, faults: Faults, key: str) -> MetricRule:
    nothing = MetricRule((), "requests")
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping")
        return nothing
    faults.keys(key, data, _METRIC)
    names = words(data.get("name"), faults, join(key, "name"))
    quantity = data.get("quantity")
    if not faults.one_of(join(key, "quantity"), quantity, QUANTITIES):
        return nothing
    for name, quantities in _FOR_QUANTITY.items():
        if name in data and quantity not in quantities:
            faults.add(join(key, name), f"has no meaning for quantity {quantity}")
    units = (
        MONEY_UNITS
        if quantity == "cost"
        else ("tokens", "thousand_tokens")
        if quantity == "tokens"
        else RATE_UNITS
        if quantity == "cost_rate"
        else ("requests",)
    )
    unit = data.get("unit", units[0])
    faults.one_of(join(key, "unit"), unit, units)
    kinds = data.get("kinds", {})
    if not isinstance(kinds, Mapping):
        faults.add(join(key, "kinds"), "must be a mapping of label value to token kind")
        kinds = {}
    for value, kind in kinds.items():
        faults.one_of(join(key, f"kinds.{value}"), kind, (*TOKEN_KINDS, "ignore"))
    if "kind" in data:
        faults.one_of(join(key, "kind"), data["kind"], TOKEN_KINDS)
    if quantity == "tokens" and ("kind" in data) == ("kind_label" in data):
        faults.add(key, "needs either kind or kind_label with kinds")
    for name in ("kind_label", "code_label", "part_label"):
        if name in data and data[name] in ("", []):
            faults.add(join(key, name), "must name a label")
    if "kind_label" in data and not kinds:
        faults.add(key, "kind_label needs kinds")
    for name, allowed in (
        ("unknown_code", ("ok", "error")),
        ("count", ("all", "failed")),
        ("service", SERVICES),
    ):
        if name in data:
            faults.one_of(join(key, name), data[name], allowed)
    kind_label, kind_label_else = _labels(data, "kind_label", "", faults, key)
    code_label, code_label_else = _labels(data, "code_label", "code", faults, key)
    part_label, part_label_else = _labels(data, "part_label", "", faults, key)
    return MetricRule(
        names=names,
        quantity=str(quantity),
        unit=str(unit),
        kind=str(data.get("kind", "")),
        kind_label=kind_label,
        kinds={str(k): str(v) for k, v in kinds.items()},
        code_label=code_label,
        throttled=frozenset(words(data.get("throttled", ["429"]), faults, join(key, "throttled"))),
        ok=frozenset(words(data.get("ok", []), faults, join(key, "ok"))),
        unknown_code=str(data.get("unknown_code", "ok")),
        count=str(data.get("count", "all")),
        priced=frozenset(words(data.get("priced", ["Exact"]), faults, join(key, "priced"))),
        service_label=str(data.get("service_label", "")),
        service_as_provider=flag(data, "service_as_provider", faults, key),
        where=_where(data.get("where", {}), faults, join(key, "where")),
        unless=words(data.get("unless", []), faults, join(key, "unless")),
        dimensions=_dimensions(data["dimensions"], faults, join(key, "dimensions"))
        if "dimensions" in data
        else None,
        service=str(data.get("service", "llm")),
        kind_label_else=kind_label_else,
        code_label_else=code_label_else,
        part_label=part_label,
        part_label_else=part_label_else,
        wholes=frozenset(words(data.get("wholes", ["total"]), faults, join(key, "wholes"))),
        covers_page=flag(data, "covers_page", faults, key),
        price=words(data.get("price", []), faults, join(key, "price")),
        presence=flag(data, "presence", faults, key),
        estimated=flag(data, "estimated", faults, key),
    )


def _labels(
    data: Mapping[Any, Any], name: str, default: str, faults: Faults, key: str
) -> tuple[str, tuple[str, ...]]:
    """A label, and its other spellings in order of preference."""
    first, *others = words(data.get(name, default), faults, join(key, name)) or ("",)
    return first, tuple(others)


def _dimensions(data: Any, faults: Faults, key: str) -> dict[str, Pick]:
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping of dimension to labels")
        return {}
    faults.keys(key, data, MAPPED)
    picks: dict[str, Pick] = {}
    for name, where in data.items():
        if isinstance(where, Mapping):
            faults.keys(join(key, str(name)), where, ("value",))
            picks[str(name)] = Pick(value=str(where.get("value", "")))
        else:
            picks[str(name)] = Pick(words(where, faults, join(key, str(name))))
    return picks


def _where(data: Any, faults: Faults, key: str) -> tuple[Condition, ...]:
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping of label to values")
        return ()
    conditions = []
    for label, wanted in data.items():
        place = join(key, str(label))
        negate = isinstance(wanted, Mapping)
        if isinstance(wanted, Mapping):
            faults.keys(place, wanted, ("not",))
            wanted = wanted.get("not", [])
        values = frozenset(words(wanted, faults, place))
        conditions.append(Condition(str(label), values, negate))
    return tuple(conditions)


def _inclusion(
    data: Mapping[Any, Any], name: str, options: Mapping[str, Option], faults: Faults, key: str
) -> tuple[InclusionRule, ...]:
    value = data.get(name, True)
    key = join(key, name)
    if isinstance(value, bool):
        return (InclusionRule(value),)
    if not isinstance(value, list):
        faults.add(key, "must be true, false or a list of rules")
        return ()
    rules = []
    for i, rule in enumerate(value):
        place = f"{key}[{i}]"
        if not isinstance(rule, Mapping) or not isinstance(rule.get("includes"), bool):
            faults.add(place, "must be a mapping with includes: true or false")
            continue
        faults.keys(place, rule, ("includes", "provider", "model", "up_to", "option"))
        option = str(rule.get("option", ""))
        if option:
            faults.one_of(
                join(place, "option"), option, (o for o in options if not options[o].number)
            )
        up_to = version_number(str(rule.get("up_to", "")))
        rules.append(
            InclusionRule(
                rule["includes"],
                str(rule.get("provider", "*")).lower(),
                str(rule.get("model", "*")).lower(),
                up_to or (),
                option,
            )
        )
    return tuple(rules)


def version_number(text: str) -> tuple[int, ...] | None:
    """`v1.4.1` → (1, 4, 1); None where `text` does not begin with a number. A build after a
    release (`1.4.1-12-gabc`) counts as later than it."""
    digits = text.lstrip("vV")
    head, _, tail = digits.partition("-")
    parts = head.split(".")
    if not all(part.isdecimal() and len(part) < 9 for part in parts):
        return None
    later = tail.partition("-")[0].isdecimal()
    return (*map(int, parts), *((0, 1) if later else ()))


def _version(data: Any, faults: Faults, key: str) -> tuple[str, str]:
    if data is None:
        return ("", "")
    if not isinstance(data, Mapping) or {"metric", "label"} != set(data):
        faults.add(key, "must be a mapping with metric and label")
        return ("", "")
    return (str(data["metric"]), str(data["label"]))


def _hints(data: Any, faults: Faults, key: str) -> tuple[Hint, ...]:
    hints = []
    for i, hint in enumerate(data if isinstance(data, list) else [data]):
        place = f"{key}[{i}]"
        if not isinstance(hint, Mapping) or "note" not in hint:
            faults.add(place, "must be a mapping with present, absent and note")
            continue
        faults.keys(place, hint, ("present", "absent", "note"))
        present = words(hint.get("present", []), faults, join(place, "present"))
        absent = words(hint.get("absent", []), faults, join(place, "absent"))
        hints.append(Hint(present, absent, str(hint["note"])))
    return tuple(hints)
