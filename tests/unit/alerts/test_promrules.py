"""Rules for Prometheus: what is in them, what is not, and that any text can stand in them."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.alerts.promrules.apart import told_apart
from costtui.alerts.promrules.clock import offsets
from costtui.alerts.promrules.export import Exported, exported
from costtui.alerts.promrules.pages import glob_pattern
from costtui.alerts.promrules.text import Group, Rule, quote, rendered, template_text
from costtui.alerts.promrules.units import unit_tests
from costtui.config.load import load
from costtui.config.schema import Config
from costtui.engine.zone import zone_of
from costtui.errors import UsageError
from costtui.model.timewindow import start_of_day, start_of_month, start_of_week
from costtui.sources import presets

NOW = 1_795_700_000.0
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)

SOURCES = """
timezone: Europe/Berlin
alert_interval: 60s
sources:
  - {name: kong, type: metrics, preset: kong, gateway: kong, url: "http://127.0.0.1:8001/metrics"}
consumers:
  "ann": {team: red}
  "bob": {team: "com\\"m{{erce $1"}
  "x-*": {team: blue}
"""
RULES = r"""
alerts:
  - {name: total 24h, cost_over: 50, window: 24h, for: 5m}
  - {name: rate, projected_over: 50, per: 24h, window: 1h}
  - {name: spike, spike_over: 3, window: 1h}
  - {name: throttled, throttled_share_over: 10%, window: 15m, min_requests: 20}
  - {name: "hos\"tile\\ {{ $x }} {{", tokens_over: 1000, window: 90m, by: [model],
     where: {model: "a\"b\\c$1 {{"}, labels: {say: "{{ boo }} \\ \""}}
  - {name: quiet, silent_for: 30m, by: [consumer]}
  - {name: down, source_down_for: 5m}
  - {name: failing, error_share_over: 5%, window: 10m, by: [consumer], for: 2m}
  - {name: red, cost_over: 5, window: 1h, by: [team], where: {team: red}, keep_firing_for: 5m}
  - {name: unpriced, unpriced_over: 5, window: 1h}
  - {name: blind, cost_over: 5, window: 1h, no_data: alert}
budgets:
  - {name: all, limit: 100, burn_over: 3, severity: critical, by: [gateway]}
  - {name: week, limit: 10, period: week, by: [team], parent: all, forecast: false}
  - {name: rolling, limit: 10, rolling: 6h, forecast: false}
""".replace("by: [team], parent: all", "by: [team]")


def configured(folder: Path, text: str = SOURCES + RULES) -> Config:
    file = folder / "c.yml"
    file.write_text(f'store: {{path: "{folder}/s.db"}}\n{text}')
    return load(file, env={"HOME": str(folder)})


def made(config: Config, **how: str) -> Exported:
    return exported(config, zone_of(config.timezone), NOW, **how)


def promtool(*arguments: object) -> str:
    words = ["promtool", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_the_rules_of_every_preset(tmp_path: Path) -> None:
    config = configured(tmp_path)
    files = []
    for preset in ("", *presets.names()):
        files.append(tmp_path / f"rules-{preset}.yml")
        files[-1].write_text(made(config, preset=preset).text)
    promtool("check", "rules", *files)


@needs_promtool
@pytest.mark.parametrize("preset", ["", "app-cost"])
def test_each_alert_fires_above_its_limit_and_not_below(tmp_path: Path, preset: str) -> None:
    few = """
alerts:
  - {name: team, cost_over: 5, window: 1h, by: [team], where: {team: red}, keep_firing_for: 5m}
  - {name: throttled, throttled_share_over: 2.5%, window: 15m, for: 3m}
budgets:
  - {name: day, limit: 3, period: day, forecast: false}
"""
    config = configured(tmp_path, SOURCES + (few if preset else RULES))
    found = made(config, preset=preset)
    (tmp_path / "rules.yml").write_text(found.text)
    text, untested = unit_tests(found, config, "rules.yml")
    (tmp_path / "tests.yml").write_text(text)
    assert set(untested) <= {"spike", "quiet", "down", "budget all burn"}
    promtool("test", "rules", tmp_path / "tests.yml")


@needs_promtool
@pytest.mark.parametrize("by", ["[]", "[consumer]", "[service]", "[gateway, team, model]"])
def test_no_two_rules_of_a_preset_are_one_series(tmp_path: Path, by: str) -> None:
    """`promtool check rules` takes duplicates, with a remark."""
    config = configured(
        tmp_path,
        f"""
consumers: {{"ann": {{team: red}}}}
alerts:
  - {{name: cost, cost_over: 50, window: 24h, by: {by}}}
  - {{name: tokens, tokens_over: 50, window: 24h, by: {by}}}
  - {{name: failing, error_share_over: 5%, window: 10m, by: {by}}}
  - {{name: throttled, throttled_share_over: 5%, window: 10m, by: {by}}}
budgets: [{{name: all, limit: 100, by: {by}}}]
""",
    )
    files = []
    for preset in presets.names():
        found = made(config, preset=preset)
        files.append(tmp_path / f"rules-{preset}.yml")
        files[-1].write_text(found.text)
        ((group),) = yaml.safe_load(found.text)["groups"]
        recorded = [(r["record"], str(r.get("labels"))) for r in group["rules"] if "record" in r]
        assert len(set(recorded)) == len(recorded), preset
    assert "duplicate" not in promtool("check", "rules", *files)


@needs_promtool
@pytest.mark.parametrize("by", ["consumer", "service"])
def test_money_of_every_basis_of_costtuis_page_is_added_up(tmp_path: Path, by: str) -> None:
    config = configured(
        tmp_path,
        f"""
alerts: [{{name: cost, cost_over: 3, window: 24h, by: [{by}]}}]
budgets: [{{name: each, limit: 1, by: [{by}], forecast: false}}]
""",
    )
    (tmp_path / "rules.yml").write_text(made(config, preset="costtui").text)
    series = [
        {"series": 'up{job="c", instance="c"}', "values": "1x20"},
        *(
            {
                "series": f'costtui_cost_usd_total{{basis="{basis}", service="{service}",'
                ' consumer="ann", gateway="g", job="c", instance="c"}',
                "values": f"0x7 {dollars}x12",
            }
            for basis, service, dollars in (
                ("computed", "llm", 1), ("estimated", "llm", 2), ("reported", "llm", 4),
                ("estimated", "infrastructure", 8), ("computed", "infrastructure", 16),
            )
        ),
    ]  # fmt: skip
    sums = {'consumer="ann"': 31} if by == "consumer" else {
        'service="infrastructure"': 24, 'service="llm"': 7,
    }  # fmt: skip
    (tmp_path / "tests.yml").write_text(yaml.safe_dump({
        "rule_files": ["rules.yml"], "evaluation_interval": "60s",
        "tests": [{
            "interval": "60s", "input_series": series,
            "promql_expr_test": [{
                "expr": f"{by}:llm_cost_usd:sum1d", "eval_time": "15m",
                "exp_samples": [
                    {"labels": f"{by}:llm_cost_usd:sum1d{{{labels}}}", "value": value}
                    for labels, value in sums.items()
                ],
            }],
        }],
    }))  # fmt: skip
    promtool("test", "rules", tmp_path / "tests.yml")


def test_rules_that_cannot_be_one_have_labels_of_their_own() -> None:
    labels = (("source", "a"), ("metric", "m"))
    told = told_apart([Rule("r", "1", labels), Rule("r", "2", labels), Rule("s", "3", labels)])
    assert [dict(rule.labels)["metric"] for rule in told] == ["m", "m (2)", "m"]


def test_what_prometheus_cannot_say_is_told_with_why(tmp_path: Path) -> None:
    log = '  - {name: log, type: jsonl, preset: llm-proxy, gateway: l, paths: ["/x"]}\nconsumers'
    found = made(configured(tmp_path, SOURCES.replace("consumers", log) + RULES))
    left = {remark.name: remark.text for remark in found.remarks if remark.left_out}
    assert left == {
        "": "usage of source log (a log) is not in these rules",
        "unpriced": "which models have a price is known to costtui alone",
        "blind": "no_data: alert is not in it: what was not read looks like nothing spent",
        "budget all forecast": "the forecast is costtui's own: weeks of history, their weekdays"
        " and hours",
    }
    head = re.sub(r"\s*\n#\s+", " ", found.text.partition("groups:")[0])
    for remark in found.remarks:
        assert remark.text in head
    names = {rule["alert"] for rule in alerts(found)}
    assert "unpriced" not in names
    assert {"total 24h", "quiet", "down", "budget week", "budget rolling"} <= names


def alerts(found: Exported) -> list[dict[str, object]]:
    (group,) = yaml.safe_load(found.text)["groups"]
    return [rule for rule in group["rules"] if "alert" in rule]


def test_an_alert_has_its_times_labels_and_words(tmp_path: Path) -> None:
    (red,) = (rule for rule in alerts(made(configured(tmp_path))) if rule["alert"] == "red")
    assert red["keep_firing_for"] == "5m"
    assert red["labels"] == {"severity": "warning"}
    assert red["annotations"] == {
        "summary": 'red (team={{ $labels.team }}): {{ $value | printf "$%.2f" }} spent in 1h,'
        " limit $5.00",
        "description": "cost_over $5.00 in 1h; by team; where team is red",
    }
    (group,) = yaml.safe_load(made(configured(tmp_path)).text)["groups"]
    assert group["interval"] == "60s"


def test_money_is_not_made_up_where_a_gateway_reports_none(tmp_path: Path) -> None:
    found = made(configured(tmp_path), preset="vllm")
    left = {remark.name for remark in found.remarks if remark.left_out}
    assert {"total 24h", "budget rolling 100%", "red"} <= left
    assert "quiet" not in left


@pytest.mark.parametrize(
    ("text", "how", "says"),
    [
        (SOURCES, {}, "no alerts: and no budgets:"),
        (SOURCES + RULES, {"source": "nobody"}, "is not one of sources"),
        (SOURCES + RULES, {"preset": "nothing"}, "is no preset of metrics"),
        (SOURCES + RULES, {"preset": "kong", "source": "kong"}, "not both"),
        (RULES, {}, "no source here reads metrics"),
    ],
)
def test_nothing_to_export_says_what_to_do(
    tmp_path: Path, text: str, how: dict[str, str], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        made(configured(tmp_path, text), **how)


def test_two_sources_of_a_kind_are_told_apart_by_their_address(tmp_path: Path) -> None:
    other = (
        '  - {name: k2, type: metrics, preset: kong, gateway: k2, url: "http://b:1/m"}\nconsumers'
    )
    found = made(configured(tmp_path, SOURCES.replace("consumers", other) + RULES))
    assert 'kong_ai_llm_cost_total{instance="127.0.0.1:8001"}' in found.text
    assert 'kong_ai_llm_cost_total{instance="b:1"}' in found.text
    only = made(configured(tmp_path, SOURCES.replace("consumers", other) + RULES), source="k2")
    assert "instance=" not in only.text


@settings(max_examples=40)
@given(st.text())
def test_any_text_is_one_string_of_promql_and_of_yaml(text: str) -> None:
    if any(0xD800 <= ord(c) < 0xE000 for c in text):
        return
    quoted = quote(text)
    assert quoted.isprintable()
    # PromQL's strings are Go's, and what `quote` makes of them is JSON's, but for \U.
    assert yaml.safe_load(f"- {quoted}") == [text]
    rule = Rule(text or "x", quoted, (("label", text),), annotations=(("summary", text),),
                comment=(text,))  # fmt: skip
    (group,) = yaml.safe_load(rendered([text], [Group("g", 15, [rule])]))["groups"]
    (read,) = group["rules"]
    assert read["expr"] == quoted
    assert read["record"] == (text or "x")
    assert read["labels"]["label"] == text
    assert "{{" not in template_text(text).replace('{{ "{{" }}', "")


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
                                  "Australia/Lord_Howe", "Africa/Casablanca"])  # fmt: skip
def test_the_wall_clock_is_that_of_the_time_zone(name: str) -> None:
    zone = ZoneInfo(name)
    base, changes = offsets(zone, NOW)

    def local(at: int) -> int:
        return at + base + sum(by for when, by in changes if at >= when)

    for hour in range(0, 5 * 366 * 24, 23):
        at = int(NOW) + hour * 3600
        naive = datetime.fromtimestamp(at, zone).replace(tzinfo=UTC)
        assert local(at) == int(naive.timestamp())
        if hour % 115:
            continue
        # What the recorded numbers say has changed has changed for costtui, too.
        then = at - 3 * 86_400
        here, there = local(at), local(then)
        assert (here // 86_400 == there // 86_400) == (
            start_of_day(at, zone) == start_of_day(then, zone)
        )
        weeks = [(t - 345_600) // 604_800 for t in (here, there)]
        assert (weeks[0] == weeks[1]) == (start_of_week(at, zone) == start_of_week(then, zone))
        month = [datetime(1970, 1, 1) + timedelta(seconds=local(t)) for t in (at, then)]  # noqa: DTZ001
        same = (month[0].year, month[0].month) == (month[1].year, month[1].month)
        assert same == (start_of_month(at, zone) == start_of_month(then, zone))


@pytest.mark.parametrize(
    ("glob", "fits", "not_"),
    [("key-*", ["key-", "key-1\n"], ["akey-"]), ("a?c[!d]", ["abce"], ["abcd"]), ("*", [""], [])],
)
def test_globs_are_patterns_without_what_re2_does_not_know(
    glob: str, fits: list[str], not_: list[str]
) -> None:
    pattern = glob_pattern(glob)
    assert "\\Z" not in pattern
    assert "\\z" not in pattern
    assert all(re.fullmatch(pattern, text) for text in fits)
    assert not any(re.fullmatch(pattern, text) for text in not_)


@needs_promtool
def test_what_a_gateway_cannot_say_has_no_test(tmp_path: Path) -> None:
    """No series has the model "null": the rules take it for no value, as costtui does."""
    text = """
consumers: {"none": {team: ghosts}}
alerts:
  - {name: of null, cost_over: 5, window: 1h, where: {model: "null"}}
  - {name: of ghosts, cost_over: 5, window: 1h, where: {team: ghosts}}
  - {name: of nobody, cost_over: 5, window: 1h, where: {consumer: ""}}
  - {name: of one, cost_over: 5, window: 1h, where: {model: gpt-4o}}
"""
    config = configured(tmp_path, SOURCES.partition("consumers:")[0] + text)
    found = made(config)
    (tmp_path / "rules.yml").write_text(found.text)
    tests, untested = unit_tests(found, config, "rules.yml")
    assert untested == ["of null", "of ghosts"]
    (tmp_path / "tests.yml").write_text(tests)
    promtool("test", "rules", tmp_path / "tests.yml")
