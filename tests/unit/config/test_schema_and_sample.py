"""The sample, the JSON Schema, the manual and the dataclasses say the same."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from costtui.config import keys, schema
from costtui.config.alert_schema import MEASURES
from costtui.config.jsonschema import schema as json_schema
from costtui.config.keys import ROOT
from costtui.config.kinds import Kind
from costtui.config.load import Loaded, load, load_traced
from costtui.config.presets import preset_types
from costtui.config.reference import markdown
from costtui.config.sections import Key, ListOf, MapOf, Section, Shape
from costtui.config.show import effective
from costtui.errors import ConfigError
from costtui.sources.factory import build
from costtui.sources.jsonl.decoders import preset_names as jsonl_presets
from costtui.sources.presets import names as metric_presets

ROOT_FOLDER = Path(__file__).parents[3]
FIXTURES = ROOT_FOLDER / "tests" / "fixtures" / "config"
SAMPLE = (ROOT_FOLDER / "sample-config.yml").read_text(encoding="utf-8")
UNCOMMENTED = re.sub(r"^( *)# ", r"\1", SAMPLE, flags=re.MULTILINE)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """What the sample takes from the environment."""
    for name in (
        "internal-ca.pem",
        "client.pem",
        "client.key",
        "client-key-password",
        "agentgateway-token",
        "agentgateway-password",
        "config.yml",
        "bot-secret",
    ):
        (tmp_path / name).write_text("secret-of-a-file\n", encoding="utf-8")
    (tmp_path / "bot-url").write_text("https://bot/secret-of-a-file\n", encoding="utf-8")
    return {
        "HOME": "/home/me",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "LLM_PROXY_HOME": str(tmp_path),
        "KONG_ADMIN_TOKEN": "admin-secret",
        "KONG_METRICS_TOKEN": "metrics-secret",
        "HOMEGROWN_PASSWORD": "homegrown-secret",
        "CLIENT_KEY_PASSWORD": "key-secret",
        "SLACK_WEBHOOK": "https://hooks.slack.com/services/chat-secret",
        "PAGER_SECRET": "pager-secret",
        "APPRISE_URL": "tgram://apprise-secret/1",
    }


def loaded(tmp_path: Path, text: str, env: dict[str, str]) -> Loaded:
    file = tmp_path / "sample.yml"
    file.write_text(text, encoding="utf-8")
    return load_traced(file, env=env)


def usual() -> tuple[schema.AlertRule, ...]:
    """What `- preset: usual` stands for, as the manual says it."""
    usd = 10**9
    return (
        schema.AlertRule("total 24h", "cost_over", 50 * usd, 86400, "24h", hold=300),
        schema.AlertRule("total 7d", "cost_over", 200 * usd, 7 * 86400, "7d", hold=300),
        schema.AlertRule("total 30d", "cost_over", 500 * usd, 30 * 86400, "30d", hold=300),
        schema.AlertRule("daily rate", "projected_over", 50 * usd, 3600, "1h", hold=900),
        schema.AlertRule(
            "throttled", "throttled_share_over", 100_000, 900, "15m", hold=300, min_requests=20
        ),
        schema.AlertRule("spike", "spike_over", 3_000, 3600, "1h", hold=300, min_cost_nano=5 * usd),
    )


def test_the_sample_loads_as_it_is_and_needs_no_environment(tmp_path: Path) -> None:
    config = loaded(tmp_path, SAMPLE, {"HOME": "/home/me"}).config
    assert [source.name for source in config.sources] == [
        "llm-proxy",
        "kong",
        "kong-classic",
        "agentgateway-eu",
        "agentgateway-us",
        "fleet",
        "gpus",
    ]
    assert [a.name for a in config.alerts] == [*(r.name for r in usual()), "one consumer"]
    assert config.alerts[-1] == schema.AlertRule(
        "one consumer", "cost_over", 10 * 10**9, 86400, "24h", ("consumer",),
        hold=300, severity="info",
    )  # fmt: skip
    assert config.budgets == (schema.BudgetConfig("everything", 500 * 10**9),)
    assert config.notifiers == ()
    assert config.alert_interval == 15
    assert [(p.provider, p.per_request, p.free) for p in config.pricing] == [
        ("anthropic", Decimal("0.003"), False),
        ("deepseek", Decimal("0.0002"), False),
        ("x-ai", Decimal("0.00001"), False),
        ("ollama", None, True),
    ]
    assert len(config.sources[2].services) == 4


def test_the_sample_loads_with_every_line_uncommented(tmp_path: Path, env: dict[str, str]) -> None:
    config = loaded(tmp_path, UNCOMMENTED, env).config
    assert len(config.sources) == 11
    assert len(config.pricing) == 5
    assert {a.measure for a in config.alerts} == set(MEASURES)
    assert [(b.name, b.period, b.parent) for b in config.budgets] == [
        ("everything", "month", ""),
        ("teams", "rolling", "everything"),
    ]
    assert [n.type for n in config.notifiers] == [
        "slack",
        "webhook",
        "webhook",
        "alertmanager",
        "apprise",
        "command",
    ]
    assert config.alert_interval == 15
    assert len(config.consumers) == 3
    assert config.display == schema.DisplayConfig()
    assert config.store.retention == schema.Retention()
    assert config.store.path == Path("/home/me/.local/share/costtui/costtui.db")
    assert (config.catalogue, config.timezone) == (True, "local")


@pytest.mark.parametrize("text", [SAMPLE, UNCOMMENTED], ids=["as it is", "uncommented"])
def test_the_sources_of_the_sample_can_be_built(
    tmp_path: Path, env: dict[str, str], text: str
) -> None:
    """What `config` keeps as it is, `fields` and `options`, is right as well."""
    for source in loaded(tmp_path, text, env).config.sources:
        assert build(source).name == source.name


def test_the_names_of_presets_are_those_of_the_sources() -> None:
    found = preset_types()
    assert sorted(n for n, kind in found.items() if kind == "metrics") == metric_presets()
    assert sorted(n for n, kind in found.items() if kind == "jsonl") == sorted(jsonl_presets())


def test_each_comment_of_the_sample_is_prose_or_a_key() -> None:
    for line in SAMPLE.splitlines():
        assert line.rstrip() == line
        assert len(line) <= 100
        mark = line.lstrip()[:2]
        assert mark[:1] != "#" or mark in ("##", "# "), line


def test_the_sample_has_every_key() -> None:
    assert set(every_key(ROOT)) <= set(given(yaml.compose(UNCOMMENTED), ROOT))


def test_every_key_has_words_for_the_manual() -> None:
    manual = markdown()
    for path in every_key(ROOT):
        assert f"| `{path.rpartition('.')[2]}` |" in manual
    for section in sections(ROOT):
        for key in section.keys:
            assert key.doc.endswith("."), key


def every_key(section: Section, path: str = "") -> Iterator[str]:
    for key in section.keys:
        yield path + key.name
        inner = inside(key.kind)
        if inner:
            yield from every_key(inner, f"{path}{key.name}.")


def inside(shape: Shape) -> Section | None:
    if isinstance(shape, ListOf | MapOf):
        return inside(shape.item)
    return shape if isinstance(shape, Section) else None


def given(node: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """The dotted keys of a composed YAML tree, as `every_key` spells them."""
    if isinstance(shape, ListOf):
        for item in node.value:
            yield from given(item, shape.item, path)
    elif isinstance(shape, MapOf):
        for _, item in node.value:
            yield from given(item, shape.item, path)
    elif isinstance(shape, Section):
        for name, item in node.value:
            yield path + name.value
            yield from given(item, shape.by_name[name.value].kind, f"{path}{name.value}.")


def sections(shape: Shape) -> Iterator[Section]:
    inner = inside(shape)
    if inner:
        yield inner
        for key in inner.keys:
            yield from sections(key.kind)


NOT_FROM_A_KEY = {"Config": {"files"}, "SourceConfig": {"elsewhere"}}


def test_every_field_of_the_schema_is_reached_by_a_key_and_every_key_has_a_field() -> None:
    found = {section.cls: section for section in sections(ROOT)}
    classes = [
        cls
        for cls in vars(schema).values()
        if dataclasses.is_dataclass(cls)
        and isinstance(cls, type)
        and cls not in (schema.Secret, schema.Elsewhere)
    ]
    assert set(found) == set(classes)
    for cls, section in found.items():
        fields = {one.name for one in dataclasses.fields(cls)}
        reached = {target for key in section.keys for target in key.targets}
        assert fields - NOT_FROM_A_KEY.get(cls.__name__, set()) == reached


def test_the_manual_holds_the_reference() -> None:
    """Refresh it with `costtui config schema --format markdown`."""
    text = (ROOT_FOLDER / "docs" / "configuration.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- reference: begin -->\n")
    reference, _, _ = rest.partition("<!-- reference: end -->")
    assert reference == markdown()


# --- JSON Schema, held against an independent reader of it ---------------------------------------

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


# --- config show ---------------------------------------------------------------------------------


def test_show_masks_secrets_and_reads_back(tmp_path: Path, env: dict[str, str]) -> None:
    shown = effective(loaded(tmp_path, UNCOMMENTED, env))
    for secret in (
        "admin-secret",
        "metrics-secret",
        "homegrown-secret",
        "key-secret",
        "chat-secret",
        "pager-secret",
        "apprise-secret",
        "secret-of-a-file",
    ):
        assert secret not in shown
    sources = 9  # three headers, two tokens, two passwords, two keys'
    notifiers = 8  # five URLs, two secrets, a header
    assert shown.count('"********"') == sources + notifiers
    data = yaml.safe_load(shown)
    assert data["sources"][0]["interval"] == "1s"
    assert data["sources"][9]["fields"]["metrics"][1]["kinds"] == {
        "prompt": "input",
        "completion": "output",
    }
    assert data["pricing"][2]["per_request"] == 0.00001
    assert set(data) == {key.name for key in ROOT.keys}


def test_show_round_trips_where_there_is_no_secret(tmp_path: Path) -> None:
    first = loaded(tmp_path, SAMPLE, {"HOME": "/home/me"})
    second = loaded(tmp_path, effective(first), {"HOME": "/elsewhere"})
    assert dataclasses.replace(second.config, files=()) == dataclasses.replace(
        first.config, files=()
    )


def test_show_says_where_each_value_came_from(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text(
        "display:\n  theme: x\n  window: 1h\nsources:\n"
        "  - {name: a, type: jsonl, preset: llm-proxy, path: /a}\n"
        "  - name: b\n    type: metrics\n    url: http://b/m?k=${KEY}\n"
        "    fields: {a: '${KEY}', b: [x, 1]}\n",
        encoding="utf-8",
    )
    env = {"HOME": "/h", "COSTTUI_WINDOW": "6h", "KEY": "k3y", "COST_TRACKING_FILE": "/t"}
    lines = effective(load_traced(file, env=env)).splitlines()
    assert "  theme: x  # file line 2" in lines
    assert '  window: "6h"  # env COSTTUI_WINDOW' in lines
    assert "  refresh: 1s  # default" in lines
    assert "    paths: [/a]  # file line 5" in lines
    assert '    url: "http://b/m?********"  # file line 8' in lines
    assert '      a: "********"' in lines
    assert "      b:" in lines
    assert "  - name: llm-proxy  # env COST_TRACKING_FILE" in lines
    assert "k3y" not in "\n".join(lines)


def test_kinds_are_named_for_the_manual() -> None:
    for section in sections(ROOT):
        for key in section.keys:
            assert isinstance(key, Key)
            if isinstance(key.kind, Kind):
                assert key.kind.describe()
    assert keys.ROOT.by_name["store"].kind is keys.STORE
