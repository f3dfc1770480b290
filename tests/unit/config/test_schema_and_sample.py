"""The sample, the JSON Schema, the manual and the dataclasses say the same."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from costtui.config import keys, schema
from costtui.config.alert_schema import MEASURES
from costtui.config.keys import ROOT
from costtui.config.kinds import Kind
from costtui.config.load import Loaded, load_traced
from costtui.config.presets import preset_types
from costtui.config.reference import markdown
from costtui.config.sections import Key, ListOf, MapOf, Section, Shape
from costtui.config.show import effective
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
        "listen-token",
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


NOT_FROM_A_KEY = {"Config": {"files"}, "SourceConfig": {"elsewhere"}, "PriceOverride": {"line"}}


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
    assert shown.count('"********"') == sources + notifiers + 1  # the listener's token
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
