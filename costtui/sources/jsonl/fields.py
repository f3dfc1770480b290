"""`fields:`: how lines of a shape that no preset knows are read, checked when it is loaded.

Validation knows the line of no file, so a problem names the source and the dotted key. The
presets beside `llm-proxy` are mappings too; see `presets/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from costtui.errors import ConfigError, Problem
from costtui.sources.jsonl.timestamps import UNITS

Path = tuple[str, ...]
"""Steps from the root of a line; `*` is every member of an object or a list."""

TEXTS = ("provider", "model", "consumer", "endpoint", "request_id")
COUNTS = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "total")
LENIENT = ("status", "latency_ms")
"""Numbers for display: one that cannot be read is no reason to lose the line."""
SWITCHES = ("input_includes_cache", "output_includes_reasoning", "cache_write_includes_1h")
CONDITIONS = ("only_if", "failed_if", "unbilled_if")
KEYS = (
    "timestamp",
    *TEXTS,
    *COUNTS,
    *LENIENT,
    "cost",
    "estimated",
    "attrs",
    *SWITCHES,
    *CONDITIONS,
)
_UNITS = (*UNITS, "rfc3339")
_STEP = re.compile(r"(?:\\.|[^.\\])+")


@dataclass(frozen=True, slots=True)
class Field:
    """Where one value comes from: the first of `paths` that has one, else `value`."""

    paths: tuple[Path, ...] = ()
    value: object = None
    unit: str = "rfc3339"
    """Of a timestamp."""
    scale: Decimal | None = None
    """What a number is multiplied by."""
    strip_provider: bool = False
    """Drop a leading `provider/` from a model."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A value is there and not null, false or empty; or is one of `equals`."""

    path: Path
    equals: tuple[object, ...] | None = None


@dataclass(frozen=True, slots=True)
class FieldMap:
    """A whole mapping, valid."""

    fields: Mapping[str, Field]
    attrs: Mapping[str, Field] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()
    conditions: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)
    """A line meets one when it meets any part of it."""


def parse_fields(raw: Mapping[str, Any], source: str) -> FieldMap:
    """Check a mapping. Raises ConfigError with every problem in it."""
    return _Parser(source).parse(raw)


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._problems: list[Problem] = []

    def parse(self, raw: Mapping[str, Any]) -> FieldMap:
        fields: dict[str, Field] = {}
        attrs: dict[str, Field] = {}
        switches: set[str] = set()
        conditions: dict[str, tuple[Condition, ...]] = {}
        for key, value in raw.items():
            if key not in KEYS:
                self._unknown(str(key), str(key), KEYS)
            elif key in SWITCHES:
                if not isinstance(value, bool):
                    self._bad(key, "must be true or false")
                elif value:
                    switches.add(key)
            elif key in CONDITIONS:
                conditions[key] = self._conditions(key, value)
            elif key == "attrs":
                if isinstance(value, dict):
                    attrs = {str(k): self._field(f"attrs.{k}", v) for k, v in value.items()}
                else:
                    self._bad(key, "must be a mapping of names to paths")
            else:
                fields[key] = self._field(key, value)
        if "timestamp" not in raw:
            self._bad("timestamp", "is missing: every line needs a moment")
        for names, switch in (
            (("cache_read", "cache_write", "cache_write_1h"), "input_includes_cache"),
            (("reasoning",), "output_includes_reasoning"),
        ):
            # No default: a wrong guess would count the same tokens twice and never be noticed.
            if switch not in raw and any(name in raw for name in names):
                self._bad(switch, f"must be true or false where {' or '.join(names)} is mapped")
        if self._problems:
            raise ConfigError(self._problems)
        return FieldMap(fields, attrs, frozenset(switches), conditions)

    def _bad(self, key: str, message: str) -> None:
        self._problems.append(Problem(f"source {self._source}", 0, f"fields.{key}", message))

    def _unknown(self, key: str, name: str, known: tuple[str, ...]) -> None:
        near = get_close_matches(name, known, 1, 0.5)
        hint = f' (did you mean "{near[0]}"?)' if near else f" (known: {', '.join(known)})"
        self._bad(key, f"unknown key{hint}")

    def _field(self, key: str, value: object) -> Field:
        if not isinstance(value, dict):
            return Field(self._paths(key, value))
        allowed = ["path", "value"]
        if key == "timestamp":
            allowed.append("unit")
        elif key == "model":
            allowed.append("strip_provider")
        elif key == "cost" or key in COUNTS or key in LENIENT:
            allowed.append("scale")
        for name in value:
            if name not in allowed:
                self._unknown(f"{key}.{name}", str(name), tuple(allowed))
        unit = value.get("unit", "rfc3339")
        if unit not in _UNITS:
            self._bad(f"{key}.unit", f"must be one of {', '.join(_UNITS)}")
        strip = value.get("strip_provider", False)
        if not isinstance(strip, bool):
            self._bad(f"{key}.strip_provider", "must be true or false")
        constant = value.get("value")
        if "path" not in value and "value" not in value:
            self._bad(key, "needs a path or a value")
        if constant is not None and not isinstance(constant, str | int | float):
            self._bad(f"{key}.value", "must be text or a number")
        paths = self._paths(f"{key}.path", value["path"]) if "path" in value else ()
        scale = self._scale(key, value.get("scale"))
        return Field(paths, constant, str(unit), scale, strip is True)

    def _scale(self, key: str, value: object) -> Decimal | None:
        if value is None:
            return None
        try:
            scale = Decimal(repr(value) if isinstance(value, float) else str(value))
        except InvalidOperation:
            scale = Decimal(-1)
        if isinstance(value, bool) or not scale.is_finite() or scale <= 0:
            self._bad(f"{key}.scale", "must be a number above 0")
            return None
        return scale

    def _paths(self, key: str, value: object) -> tuple[Path, ...]:
        listed = value if isinstance(value, list) else [value]
        if not listed:
            self._bad(key, "needs at least one path")
        return tuple(self._path(key, one) for one in listed)

    def _path(self, key: str, value: object) -> Path:
        if not isinstance(value, str) or not value or len(value) > 500:
            self._bad(key, "must be a dotted path, or a list of them")
            return ()
        steps = tuple(re.sub(r"\\(.)", r"\1", step) for step in _STEP.findall(value))
        if len(steps) != len(re.findall(r"(?<!\\)\.", value)) + 1:
            self._bad(key, f"{value!r} has an empty step")
        return steps

    def _conditions(self, key: str, value: object) -> tuple[Condition, ...]:
        listed = value if isinstance(value, list) else [value]
        made: list[Condition] = []
        for one in listed:
            if isinstance(one, dict):
                for name in one:
                    if name not in ("path", "equals"):
                        self._unknown(f"{key}.{name}", str(name), ("path", "equals"))
                equals = one.get("equals")
                wanted = tuple(equals) if isinstance(equals, list) else (equals,)
                path = self._path(f"{key}.path", one.get("path"))
                made.append(Condition(path, wanted if "equals" in one else None))
            else:
                made.append(Condition(self._path(key, one)))
        return tuple(made)
