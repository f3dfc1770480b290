"""Strict reading of a preset or of a source's `fields:`, which have the same shape.

Everything wrong is collected and named with its key and the nearest right spelling.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from costtui.sources.metrics.shape import (
    MAPPED,
    MONEY_UNITS,
    QUANTITIES,
    TOKEN_KINDS,
    Condition,
    Hint,
    InclusionRule,
    MetricRule,
    Pick,
    Shape,
)


class Faults:
    """Collects (key, message) pairs while a shape is read."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, key: str, message: str) -> None:
        self.found.append((key, message))

    def one_of(self, key: str, value: Any, allowed: Iterable[str]) -> bool:
        """Complain unless `value` is one of `allowed`."""
        names = list(allowed)
        if isinstance(value, str) and value in names:
            return True
        self.add(key, f"{value!r} is not one of {', '.join(names)}{nearest(str(value), names)}")
        return False

    def keys(self, key: str, data: Mapping[Any, Any], allowed: Iterable[str]) -> None:
        names = list(allowed)
        for name in data:
            if name not in names:
                self.add(_join(key, str(name)), f"unknown key{nearest(str(name), names)}")


def nearest(word: str, names: Iterable[str]) -> str:
    """` (did you mean "x"?)`, or nothing."""
    close = difflib.get_close_matches(word, list(names), 1, 0.6)
    return f' (did you mean "{close[0]}"?)' if close else ""


_TOP = tuple(field.name for field in fields(Shape))
_METRIC = ("name", *(field.name for field in fields(MetricRule) if field.name != "names"))
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
        faults.add(_join(key, "metrics"), "must be a list of at least one metric")
        rules = []
    place = _join(key, "metrics")
    metrics = tuple(_metric(rule, faults, f"{place}[{i}]") for i, rule in enumerate(rules))
    resets = data.get("resets", "single")
    faults.one_of(_join(key, "resets"), resets, ("single", "together"))
    options = data.get("options", {})
    if not isinstance(options, Mapping):
        faults.add(_join(key, "options"), "must be a mapping of switch to what it does")
        options = {}
    return Shape(
        **texts,
        metrics=metrics,
        dimensions=_dimensions(data.get("dimensions", {}), faults, _join(key, "dimensions")),
        input_includes_cache=_inclusion(data, "input_includes_cache", options, faults, key),
        output_includes_reasoning=_inclusion(
            data, "output_includes_reasoning", options, faults, key
        ),
        version=_version(data.get("version"), faults, _join(key, "version")),
        resets=str(resets),
        zero_cost_is_unknown=_flag(data, "zero_cost_is_unknown", faults, key),
        options={str(k): str(v) for k, v in options.items()},
        hints=_hints(data.get("hints", []), faults, _join(key, "hints")),
    )


def _metric(data: Any, faults: Faults, key: str) -> MetricRule:
    nothing = MetricRule((), "requests")
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping")
        return nothing
    faults.keys(key, data, _METRIC)
    names = words(data.get("name"), faults, _join(key, "name"))
    quantity = data.get("quantity")
    if not faults.one_of(_join(key, "quantity"), quantity, QUANTITIES):
        return nothing
    for name, quantities in _FOR_QUANTITY.items():
        if name in data and quantity not in quantities:
            faults.add(_join(key, name), f"has no meaning for quantity {quantity}")
    units = (
        MONEY_UNITS
        if quantity == "cost"
        else ("tokens", "thousand_tokens")
        if quantity == "tokens"
        else ("requests",)
    )
    unit = data.get("unit", units[0])
    faults.one_of(_join(key, "unit"), unit, units)
    kinds = data.get("kinds", {})
    if not isinstance(kinds, Mapping):
        faults.add(_join(key, "kinds"), "must be a mapping of label value to token kind")
        kinds = {}
    for value, kind in kinds.items():
        faults.one_of(_join(key, f"kinds.{value}"), kind, (*TOKEN_KINDS, "ignore"))
    if "kind" in data:
        faults.one_of(_join(key, "kind"), data["kind"], TOKEN_KINDS)
    if quantity == "tokens" and ("kind" in data) == ("kind_label" in data):
        faults.add(key, "needs either kind or kind_label with kinds")
    if "kind_label" in data and not kinds:
        faults.add(key, "kind_label needs kinds")
    for name, allowed in (("unknown_code", ("ok", "error")), ("count", ("all", "failed"))):
        if name in data:
            faults.one_of(_join(key, name), data[name], allowed)
    return MetricRule(
        names=names,
        quantity=str(quantity),
        unit=str(unit),
        kind=str(data.get("kind", "")),
        kind_label=str(data.get("kind_label", "")),
        kinds={str(k): str(v) for k, v in kinds.items()},
        code_label=str(data.get("code_label", "code")),
        throttled=frozenset(words(data.get("throttled", ["429"]), faults, _join(key, "throttled"))),
        ok=frozenset(words(data.get("ok", []), faults, _join(key, "ok"))),
        unknown_code=str(data.get("unknown_code", "ok")),
        count=str(data.get("count", "all")),
        priced=frozenset(words(data.get("priced", ["Exact"]), faults, _join(key, "priced"))),
        service_label=str(data.get("service_label", "")),
        service_as_provider=_flag(data, "service_as_provider", faults, key),
        where=_where(data.get("where", {}), faults, _join(key, "where")),
        unless=words(data.get("unless", []), faults, _join(key, "unless")),
        dimensions=_dimensions(data["dimensions"], faults, _join(key, "dimensions"))
        if "dimensions" in data
        else None,
    )


def words(data: Any, faults: Faults, key: str) -> tuple[str, ...]:
    """A text or a list of texts."""
    items = data if isinstance(data, list) else [data]
    if any(isinstance(i, (Mapping, list)) or i is None or isinstance(i, bool) for i in items):
        faults.add(key, "must be a text or a list of texts")
        return ()
    return tuple(str(item) for item in items)


def _dimensions(data: Any, faults: Faults, key: str) -> dict[str, Pick]:
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping of dimension to labels")
        return {}
    faults.keys(key, data, MAPPED)
    picks: dict[str, Pick] = {}
    for name, where in data.items():
        if isinstance(where, Mapping):
            faults.keys(_join(key, str(name)), where, ("value",))
            picks[str(name)] = Pick(value=str(where.get("value", "")))
        else:
            picks[str(name)] = Pick(words(where, faults, _join(key, str(name))))
    return picks


def _where(data: Any, faults: Faults, key: str) -> tuple[Condition, ...]:
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping of label to values")
        return ()
    conditions = []
    for label, wanted in data.items():
        place = _join(key, str(label))
        negate = isinstance(wanted, Mapping)
        if isinstance(wanted, Mapping):
            faults.keys(place, wanted, ("not",))
            wanted = wanted.get("not", [])
        values = frozenset(words(wanted, faults, place))
        conditions.append(Condition(str(label), values, negate))
    return tuple(conditions)


def _inclusion(
    data: Mapping[Any, Any], name: str, options: Mapping[Any, Any], faults: Faults, key: str
) -> tuple[InclusionRule, ...]:
    value = data.get(name, True)
    key = _join(key, name)
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
            faults.one_of(_join(place, "option"), option, map(str, options))
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
        present = words(hint.get("present", []), faults, _join(place, "present"))
        absent = words(hint.get("absent", []), faults, _join(place, "absent"))
        hints.append(Hint(present, absent, str(hint["note"])))
    return tuple(hints)


def _flag(data: Mapping[Any, Any], name: str, faults: Faults, key: str) -> bool:
    value = data.get(name, False)
    if not isinstance(value, bool):
        faults.add(_join(key, name), "must be true or false")
    return bool(value)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
