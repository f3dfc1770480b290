"""The JSON report against docs/report.schema.json, by a validator of thirty lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs/report.schema.json").read_text("utf-8"))
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "null": type(None),
}
KNOWN = {
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "const", "enum", "pattern",
    "minimum", "required", "properties", "additionalProperties", "items", "minItems", "anyOf",
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], at: str = "$") -> Iterator[str]:
    """Everything in `value` that `schema` does not allow."""
    assert schema.keys() <= KNOWN, f"the validator does not know {schema.keys() - KNOWN}"
    if "$ref" in schema:
        yield from faults(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], at)
    if "type" in schema:
        wrong_bool = isinstance(value, bool)
        if wrong_bool or not isinstance(value, TYPES[schema["type"]]):
            yield f"{at}: {value!r} is no {schema['type']}"
            return
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not match"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: {value} is too small"
    if "minItems" in schema and len(value) < schema["minItems"]:
        yield f"{at}: too few items"
    if "anyOf" in schema and all(any(True for _ in faults(value, s, at)) for s in schema["anyOf"]):
        yield f"{at}: fits none of anyOf"
    for index, item in enumerate(value if "items" in schema else ()):
        yield from faults(item, schema["items"], f"{at}[{index}]")
    yield from (f"{at}: no {key}" for key in schema.get("required", ()) if key not in value)
    properties = schema.get("properties", {})
    extra = schema.get("additionalProperties", True)
    if isinstance(value, dict):
        for key, item in value.items():
            if key in properties:
                yield from faults(item, properties[key], f"{at}.{key}")
            elif extra is False:
                yield f"{at}: unknown {key}"
            elif isinstance(extra, dict):
                yield from faults(item, extra, f"{at}.{key}")


@pytest.mark.parametrize("name", ["report.json", "top.json", "reconcile.json"])
def test_reports_fit_the_schema(name: str) -> None:
    document = json.loads((ROOT / "tests/golden/report" / name).read_text("utf-8"))
    assert list(faults(document, SCHEMA)) == []
    for group in (document["total"], *document["groups"]):
        tokens = group["tokens"]
        assert tokens["total"] == sum(n for kind, n in tokens.items() if kind != "total")


def test_the_validator_finds_what_is_wrong() -> None:
    document = json.loads((ROOT / "tests/golden/report/top.json").read_text("utf-8"))
    document["schema"] = 3
    document["total"]["cost"] = "7.2"
    document["total"]["requests"] = -1
    del document["groups"][0]["key"]
    document["other"] = 3
    document["window"]["ends"] = ""
    assert sorted(fault.partition(":")[0] for fault in faults(document, SCHEMA)) == [
        "$.groups[0]",
        "$.other",
        "$.schema",
        "$.total.cost",
        "$.total.requests",
        "$.window",
    ]


def test_the_shape_is_frozen() -> None:
    """Schema 2 as it was published: a name that goes away breaks somebody's script."""
    document = json.loads((ROOT / "tests/golden/report/report.json").read_text("utf-8"))
    assert document["schema"] == 2
    assert list(document) == [
        "schema", "generated_at", "currency", "window", "by", "where", "total", "groups", "other",
        "unpriced_models", "alerts", "reconciled",
    ]  # fmt: skip
    assert list(document["alerts"][0]) == [
        "rule", "labels", "state", "severity", "window", "unit", "value", "value_text", "limit",
        "limit_text", "exactness", "since", "id", "cause", "muted",
    ]  # fmt: skip
    assert list(document["total"]) == SCHEMA["$defs"]["totals"]["required"]
