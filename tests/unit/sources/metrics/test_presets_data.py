"""Presets are data: each is read strictly, and so is what a user writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from costtui.cli.common import build_parser
from costtui.cli.presets import PresetsCommand
from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError, CosttuiError, UsageError
from costtui.sources import factory, presets
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.metrics.shape_reader import version_number

FIXTURES = Path(__file__).parents[3] / "fixtures" / "metrics"


def config(**more: Any) -> SourceConfig:
    return SourceConfig("s", "metrics", "gw", url="http://h/metrics", **more)


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_is_valid_and_says_what_it_is(name: str) -> None:
    shape = presets.load(name)
    assert shape.name == name
    assert shape.title
    assert shape.url.startswith("http://127.0.0.1:")
    wanted = Mapper(shape, config(preset=name)).wanted()
    assert "process_start_time_seconds" in wanted
    assert not any(metric.endswith("_bucket") for metric in wanted)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"preset": "kongg"},
            "source s: preset: no metrics preset 'kongg' (did you mean \"kong\"?)",
        ),
        ({}, "source s: preset: needs a preset or fields"),
        (
            {"fields": {"metrics": [{"name": "a", "quantiy": "tokens"}]}},
            'fields.metrics[0].quantiy: unknown key (did you mean "quantity"?)',
        ),
        (
            {"fields": {"metrics": [{"name": "a", "quantity": "token", "kind": "input"}]}},
            '(did you mean "tokens"?)',
        ),
        (
            {"fields": {"metrics": [{"name": "a", "quantity": "requests", "estimated": True}]}},
            "fields.metrics[0].estimated: has no meaning for quantity requests",
        ),
        (
            {"fields": {"metrics": [{"name": "a", "quantity": "tokens"}]}},
            "fields.metrics[0]: needs either kind or kind_label with kinds",
        ),
        (
            {"fields": {"metrics": [{"name": "a", "quantity": "cost", "unit": "usdd"}]}},
            '(did you mean "usd"?)',
        ),
        (
            {"fields": {"metrics": [{"name": "a", "quantity": "cost", "kind": "input"}]}},
            "fields.metrics[0].kind: has no meaning for quantity cost",
        ),
        (
            {"preset": "kong", "fields": {"dimensions": {"modell": "x"}}},
            'fields.dimensions.modell: unknown key (did you mean "model"?)',
        ),
        (
            {
                "fields": {
                    "metrics": [
                        {
                            "name": "a",
                            "quantity": "tokens",
                            "kind_label": [],
                            "kinds": {"x": "input"},
                        }
                    ]
                }
            },
            "fields.metrics[0].kind_label: must name a label",
        ),
        ({"preset": "kong", "options": {1: True}}, "options.1: not an option of this preset"),
        ({"fields": {"metrics": []}}, "fields.metrics: must be a list of at least one metric"),
        ({"fields": {"metrics": [3]}}, "fields.metrics[0]: must be a mapping"),
        (
            {"preset": "agentgateway", "options": {"legacy_token_semantic": True}},
            '(did you mean "legacy_token_semantics"?)',
        ),
        (
            {"preset": "agentgateway", "options": {"legacy_token_semantics": "yes"}},
            "options.legacy_token_semantics: must be true or false",
        ),
        (
            {"preset": "kong", "fields": {"input_includes_cache": [{"provider": "x"}]}},
            "fields.input_includes_cache[0]: must be a mapping with includes",
        ),
    ],
)
def test_mistakes_are_named(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        factory.build(config(**more))
    assert message in str(caught.value)


def test_all_mistakes_at_once() -> None:
    fields = {"resets": "no", "metrics": [{"name": "a", "quantity": "x"}, {"name": 1, "q": 2}]}
    with pytest.raises(ConfigError) as caught:
        factory.build(config(fields=fields))
    assert len(caught.value.problems) >= 4


def test_fields_are_laid_over_the_preset() -> None:
    fields = {
        "dimensions": {"consumer": "team"},
        "metrics": [
            {"name": "kong_ai_llm_cost_total", "quantity": "cost", "unit": "cents"},
            {"name": "mine_total", "quantity": "requests"},
        ],
    }
    shape = presets.shape_of(config(preset="kong", fields=fields))
    rules = {rule.names[0]: rule for rule in shape.metrics}
    assert rules["kong_ai_llm_cost_total"].unit == "cents"
    assert "kong_ai_llm_tokens_total" in rules
    assert "mine_total" in rules
    assert shape.dimensions["consumer"].labels == ("team",)
    assert shape.dimensions["provider"].labels == ("ai_provider",)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="not jsonl, metrics or prometheus"):
        factory.build(SourceConfig("s", "metric", "g"))


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.4.1", (1, 4, 1)), ("v0.11", (0, 11)), ("1.4.1-3-gab", (1, 4, 1, 0, 1)), ("main", None)],
)
def test_versions(text: str, number: tuple[int, ...] | None) -> None:
    assert version_number(text) == number


def run(*argv: str) -> int:
    command = PresetsCommand()
    return command.run(build_parser(command, "costtui presets").parse(argv))


def test_command_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    out = capsys.readouterr().out
    assert all(name in out for name in presets.names())
    assert run("show", "kong") == 0
    assert "kong_ai_llm_tokens_total" in capsys.readouterr().out
    with pytest.raises(UsageError, match="did you mean"):
        run("show", "litelm")
    with pytest.raises(UsageError, match=r"required: URL\|FILE"):
        run("detect")


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        ("derived-kong-oss-3.9.txt", "kong"),
        ("derived-kong-ee-3.13.txt", "kong"),
        ("derived-kong-oss-2.8.txt", "kong-2.8"),
        ("derived-agentgateway-1.4.1.txt", "agentgateway"),
        ("derived-envoy-ai-gateway-1.1.txt", "envoy-ai-gateway"),
        ("litellm-1.106.2.openmetrics.txt.gz", "litellm"),
        ("otel-openai_v2.text004.txt.gz", "otel-genai"),
        ("otel-openllmetry_openai.openmetrics.txt.gz", "otel-genai"),
    ],
)
def test_command_detects(name: str, preset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("detect", str(FIXTURES / name)) == 0
    assert capsys.readouterr().out.startswith(f"{preset}: has ")


def test_command_says_that_ai_metrics_are_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page"
    page.write_text('kong_node_info{version="3.9.0"} 1\n')
    assert run("detect", str(page)) == 0
    assert "ai_metrics is off" in capsys.readouterr().out
    page.write_text("go_goroutines 1\n")
    assert run("detect", str(page)) == 1
    page.write_text("<html>")
    with pytest.raises(CosttuiError, match=f"^{page}: an HTML page"):
        run("detect", str(page))
    with pytest.raises(CosttuiError, match="No such file"):
        run("detect", str(tmp_path / "missing"))
