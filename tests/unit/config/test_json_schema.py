"""`config schema`, held against an independent reader of JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from costtui.config.jsonschema import schema as json_schema
from costtui.config.load import load
from costtui.errors import ConfigError

ROOT_FOLDER = Path(__file__).parents[3]
FIXTURES = ROOT_FOLDER / "tests" / "fixtures" / "config"
SAMPLE = (ROOT_FOLDER / "sample-config.yml").read_text(encoding="utf-8")
UNCOMMENTED = re.sub(r"^( *)# ", r"\1", SAMPLE, flags=re.MULTILINE)

# fmt: off
UNDERSTOOD = {
    "$schema", "$defs", "title", "description", "default", "type", "properties",
    "additionalProperties", "required", "items", "propertyNames", "anyOf", "oneOf", "allOf",
    "if", "then", "not", "const", "enum", "pattern", "minLength", "minimum", "maximum",
    "exclusiveMinimum", "format", "$ref",
}
# fmt: on


def errors(data: Any, rule: Any, root: Any, at: str = "$") -> Iterator[str]:
    """The part of JSON Schema 2020-12 that `config schema` uses, written for this test."""
    if isinstance(rule, bool):
        if not rule:
            yield f"{at}: not allowed"
        return
    assert set(rule) <= UNDERSTOOD, set(rule) - UNDERSTOOD
    if "$ref" in rule:
        target = root
        for step in rule["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        yield from errors(data, target, root, at)
    if "type" in rule and not any(is_a(data, one) for one in aslist(rule["type"])):
        yield f"{at}: {data!r} is not {rule['type']}"
        return
    if "const" in rule and data != rule["const"]:
        yield f"{at}: not {rule['const']!r}"
    if "enum" in rule and data not in rule["enum"]:
        yield f"{at}: {data!r} not in {rule['enum']}"
    if isinstance(data, str):
        if "pattern" in rule and not re.search(rule["pattern"], data):
            yield f"{at}: {data!r} is not like {rule['pattern']}"
        if len(data) < rule.get("minLength", 0):
            yield f"{at}: too short"
    if is_a(data, "number"):
        if data < rule.get("minimum", data) or data > rule.get("maximum", data):
            yield f"{at}: out of range"
        if "exclusiveMinimum" in rule and data <= rule["exclusiveMinimum"]:
            yield f"{at}: out of range"
    if isinstance(data, dict):
        for name in rule.get("required", []):
            if name not in data:
                yield f"{at}.{name}: missing"
        properties = rule.get("properties", {})
        for name, value in data.items():
            inner = properties.get(name, rule.get("additionalProperties", True))
            yield from errors(value, inner, root, f"{at}.{name}")
            if "propertyNames" in rule:
                yield from errors(name, rule["propertyNames"], root, f"{at}.{name}")
    if isinstance(data, list) and "items" in rule:
        for index, item in enumerate(data):
            yield from errors(item, rule["items"], root, f"{at}[{index}]")
    for one in rule.get("allOf", []):
        yield from errors(data, one, root, at)
    tried = [list(errors(data, one, root, at)) for one in rule.get("anyOf", [])]
    if tried and all(tried):
        yield from tried[0]
    tried = [list(errors(data, one, root, at)) for one in rule.get("oneOf", [])]
    if tried and sum(not found for found in tried) != 1:
        yield f"{at}: fits {sum(not found for found in tried)} of {len(tried)}"
    if "not" in rule and not list(errors(data, rule["not"], root, at)):
        yield f"{at}: must not fit"
    if "if" in rule and not list(errors(data, rule["if"], root, at)):
        yield from errors(data, rule["then"], root, at)


def aslist(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_a(data: Any, name: str) -> bool:
    if isinstance(data, bool):
        return name == "boolean"
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "number": (int, float),
        "null": type(None),
        "boolean": bool,
    }
    return isinstance(data, types[name])


class Yaml12(yaml.SafeLoader):
    """As editors read it: dates are text, `no` is a word, 1e-5 is a number."""


Yaml12.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0].rpartition(":")[2] in ("null", "int", "float")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])
Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"\d+e[+-]?\d+"), list("0123456789")
)


def complaints(text: str) -> list[str]:
    rules = json.loads(json.dumps(json_schema()))
    return list(errors(yaml.load(text, Loader=Yaml12), rules, rules))


@pytest.mark.parametrize("text", [SAMPLE, UNCOMMENTED], ids=["as it is", "uncommented"])
def test_the_schema_accepts_the_sample(text: str) -> None:
    assert complaints(text) == []


@pytest.mark.parametrize("file", sorted((FIXTURES / "valid").glob("*.yml")), ids=lambda f: f.stem)
def test_the_schema_accepts_what_loads(file: Path) -> None:
    assert complaints(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "name",
    [
        "unknown_keys",
        "wrong_types",
        "durations",
        "rates",
        "sources",
        "alerts",
        "budgets",
        "notifiers",
        "top_is_list",
    ],
)
def test_the_schema_refuses_what_has_the_wrong_shape(name: str) -> None:
    assert complaints((FIXTURES / "invalid" / f"{name}.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "sources: [{name: a, type: jsonl, preset: llm-proxy}]",
        "sources: [{name: a, type: jsonl, preset: llm-proxy, path: x, url: http://x}]",
        "sources: [{name: a, type: metrics, preset: kong, url: http://x, bearer_token: abc}]",
        "sources: [{name: a, type: metrics, url: http://x}]",
        "pricing: [{model: x}]",
        "pricing: [{model: x, input: 1, free: true}]",
        "alerts: [{name: a, cost_over: 1, window: 24h, where: {user: x}}]",
        "alerts: [{name: a, cost_over: 1, window: 24}]",
        "alerts: [{name: a, cost_over: 1}]",
        "alerts: [{cost_over: 1, window: 24h}]",
        "alerts: [{name: a, window: 24h}]",
        "alerts: [{name: a, cost_over: 1, tokens_over: 1, window: 24h}]",
        "alerts: [{name: a, cost_over: 1, window: 24h, min_requests: 5}]",
        "alerts: [{name: a, source_down_for: 5m, by: [model]}]",
        "alerts: [{name: a, error_share_over: 50, window: 1h}]",
        "alerts: [{name: a, preset: usual}]",
        "alerts: [{preset: unusual}]",
        "budgets: [{name: a}]",
        "budgets: [{name: a, limit: 1, period: month, rolling: 30d}]",
        "budgets: [{name: a, limit: 1, steps: [5]}]",
        "budgets: [{name: a, limit: 1, burn_over: often}]",
        "notifiers: [{name: a, type: webhook}]",
        "notifiers: [{name: a, type: pigeon, url: http://x}]",
        "notifiers: [{name: a, type: command, url: http://x}]",
        "notifiers: [{name: a, type: command, command: [x], secret: '${HOME}'}]",
        "notifiers: [{name: a, type: webhook, url: http://x, secret: abc}]",
        "notifiers: [{name: a, type: alertmanager, url: http://x, group_wait: 1m}]",
        "display: {ascii: yes}",
    ],
)
def test_the_schema_refuses(text: str, tmp_path: Path) -> None:
    assert complaints(text)
    (tmp_path / "x.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"x\.yml:1: "):
        load(tmp_path / "x.yml", env={"HOME": "/h"})
