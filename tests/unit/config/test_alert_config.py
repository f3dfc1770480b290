"""Presets, measures, budgets and notifiers: what a file's words become."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from costtui.config import alert_build
from costtui.config.alert_keys import ALERT, ALERT_PRESETS, LIMITS
from costtui.config.alert_schema import FACTOR, MEASURES, SHARE, UNITS, AlertRule, BudgetConfig
from costtui.config.kinds import Kind, Place, Written
from costtui.config.load import Loaded, load_traced
from costtui.config.number_kinds import MOST, Count, Factor, Nano, Share
from costtui.config.show import effective
from costtui.errors import ConfigError
from costtui.model.dimension import DIMENSIONS, MAPPED_DIMENSIONS, is_dimension

PLACE = Place({}, Path("/"))
ENV = {"HOME": "/h", "HOOK": "https://hooks.slack.com/services/s3cr3t", "KEY": "k3y-of-hmac"}
USUAL = ["total 24h", "total 7d", "total 30d", "daily rate", "throttled", "spike"]


@pytest.fixture
def read(tmp_path: Path) -> Loader:
    return Loader(tmp_path)


class Loader:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "c.yml"

    def __call__(self, text: str) -> Loaded:
        self.file.write_text(text, encoding="utf-8")
        return load_traced(self.file, env=ENV)

    def wrong(self, text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self(text)
        return [f"{problem.key}: {problem.message}" for problem in caught.value.problems]


# --- the preset ----------------------------------------------------------------------------------


def test_every_preset_is_a_file_and_every_file_a_preset() -> None:
    folder = Path(alert_build.__file__).parent / "alert_presets"
    assert {path.name for path in folder.iterdir()} == {f"{name}.yml" for name in ALERT_PRESETS}


def test_the_usual_rules_stand_where_the_preset_stands(read: Loader) -> None:
    config = read(
        "alerts:\n"
        "  - {name: first, cost_over: 1, window: 1h}\n"
        "  - preset: usual\n"
        "  - {name: last, cost_over: 1, window: 1h}\n"
    ).config
    assert [rule.name for rule in config.alerts] == ["first", *USUAL, "last"]
    throttled = config.alerts[5]
    assert (throttled.limit, throttled.window, throttled.min_requests) == (SHARE // 10, 900, 20)
    assert {rule.severity for rule in config.alerts} == {"warning"}


@pytest.mark.parametrize("before", [True, False])
def test_a_rule_of_ones_own_takes_the_place_of_one_of_the_preset(
    read: Loader, before: bool
) -> None:
    own = "  - {name: spike, spike_over: 5, severity: critical}\n"
    preset = "  - preset: usual\n"
    loaded = read("alerts:\n" + (own + preset if before else preset + own))
    names = [rule.name for rule in loaded.config.alerts]
    rest = [name for name in USUAL if name != "spike"]
    assert names == (["spike", *rest] if before else [*rest, "spike"])
    spike = loaded.config.alerts[names.index("spike")]
    assert (spike.limit, spike.severity, spike.min_cost_nano) == (5 * FACTOR, "critical", 0)


def test_show_prints_the_rules_of_a_preset_and_says_where_they_are_from(read: Loader) -> None:
    loaded = read(
        "alerts:\n  - preset: usual\n  - {name: own, tokens_over: 1500k, window: 90m, for: 1m}\n"
    )
    shown = effective(loaded)
    lines = shown.splitlines()
    at = lines.index('  - name: "daily rate"  # preset usual')
    assert lines[at + 1] == "    projected_over: 50  # preset usual"
    assert "    severity: warning  # default" in lines[at:]
    assert "    throttled_share_over: 10%  # preset usual" in lines
    own = lines.index("  - name: own  # file line 3")
    assert "    tokens_over: 1.5M  # file line 3" in lines[own:]
    assert '    window: "90m"  # file line 3' in lines[own:]
    assert [rule["name"] for rule in yaml.safe_load(shown)["alerts"]] == [*USUAL, "own"]
    assert loaded.lines["alerts[6].window"] == 3
    assert loaded.lines["alerts[4]"] == 2


def test_a_damaged_preset_says_which_file_it_is(
    read: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "alert_presets"
    folder.mkdir()
    (folder / "usual.yml").write_text("alerts:\n  - {name: x, cost_ovr: 1}\n", encoding="utf-8")
    monkeypatch.setattr(alert_build, "__file__", str(tmp_path / "alert_build.py"))
    with pytest.raises(ConfigError, match=r"usual\.yml:2: alerts\[0\]\.cost_ovr: unknown key"):
        read("alerts: [{preset: usual}]")


# --- rules ---------------------------------------------------------------------------------------


def test_the_table_of_measures_is_sound() -> None:
    assert {measure.unit for measure in MEASURES.values()} == set(UNITS) == set(LIMITS)
    for key, measure in MEASURES.items():
        assert key == measure.key
        assert ALERT.by_name[key].only == (key,)
        assert set(measure.extra) <= set(ALERT.by_name)
        assert AlertRule("x", key, 1, 60).unit == measure.unit


@pytest.mark.parametrize(
    ("written", "window", "named"),
    [
        ("cost_over: 1, window: 24h", 86400, "24h"),
        ("cost_over: 1, window: ${WINDOW}", 7200, "2h"),
        ("silent_for: 5m", 86400, "1d"),
        ("spike_over: 2", 3600, "1h"),
        ("spike_over: 2, window: 120m", 7200, "120m"),
        ("source_down_for: 5m", 60, "1m"),
    ],
)
def test_a_window_has_a_name_always(tmp_path: Path, written: str, window: int, named: str) -> None:
    file = tmp_path / "c.yml"
    quoted = written.replace("${WINDOW}", '"${WINDOW}"')
    file.write_text(f"alerts: [{{name: a, {quoted}}}]", encoding="utf-8")
    (rule,) = load_traced(file, env={"HOME": "/h", "WINDOW": "7200s"}).config.alerts
    assert (rule.window, rule.window_name) == (window, named)


@pytest.mark.parametrize("measure", [m for m in MEASURES.values() if m.usage])
def test_every_measure_of_usage_can_be_grouped_and_restricted(
    read: Loader, measure: object
) -> None:
    assert isinstance(measure, tuple)
    limit = {"share": "1%", "seconds": "5m"}.get(measure[1], "1")
    every = ", ".join((*DIMENSIONS, *MAPPED_DIMENSIONS))
    (rule,) = read(
        f"alerts: [{{name: a, {measure[0]}: {limit}, window: 24h, by: [{every}], "
        "where: {team: '', provider: x}}]"
    ).config.alerts
    assert rule.by == (*DIMENSIONS, *MAPPED_DIMENSIONS)
    assert rule.where == (("team", ""), ("provider", "x"))
    assert all(map(is_dimension, rule.by))


def test_a_typo_in_a_measure_is_told_once(read: Loader) -> None:
    assert read.wrong("alerts: [{name: a, cost_ovr: 1, window: 24h}]") == [
        'alerts[0].cost_ovr: unknown key (did you mean "cost_over"?)'
    ]
    both = read.wrong("alerts: [{name: a, zebra: 1, window: 24h}]")
    assert [line.partition(": ")[0] for line in both] == ["alerts[0].zebra", "alerts[0]"]


def test_a_broken_measure_is_a_measure(read: Loader) -> None:
    assert read.wrong("alerts: [{name: a, cost_over: x, window: 24h}]") == [
        'alerts[0].cost_over: "x" is not an amount in USD: write a number such as 0.25'
    ]


# --- budgets -------------------------------------------------------------------------------------


def test_a_rule_and_a_budget_may_share_a_name_but_not_the_alert(read: Loader) -> None:
    rule = "alerts: [{name: %s, cost_over: 1, window: 1h}]\nbudgets: [{name: team, limit: 1}]"
    assert read(rule % "team").config.budgets[0].alert == "budget team"
    assert read.wrong(rule % "budget team") == [
        'alerts[0].name: "budget team" is what the alert of the budget "team" on line 2 is called'
    ]


def test_a_parent_may_be_coarser_and_stand_below(read: Loader) -> None:
    config = read(
        "budgets:\n"
        "  - {name: user, limit: 1, by: [consumer, team, org], parent: team}\n"
        "  - {name: team, limit: 2, by: [team, org], parent: org}\n"
        "  - {name: org, limit: 3, by: [org], parent: all}\n"
        "  - {name: all, limit: 4}\n"
    ).config
    assert [budget.parent for budget in config.budgets] == ["team", "org", "all", ""]


@pytest.mark.parametrize(
    "budget",
    [
        "{name: a, limit: 0.000000001}",
        "{name: a, limit: 5, period: day, steps: []}",
        "{name: a, limit: 5, period: week, steps: [1%, 99.5%, 0.999, 10000%], forecast: false}",
        "{name: a, limit: 5, rolling: 7d, burn_over: 2}",
        "{name: a, limit: 5, burn_over: never}",
        "{name: a, limit: 5, by: [team], where: {team: x}, labels: {a_b: c d}, notify: []}",
    ],
)
def test_show_of_a_budget_reads_back(read: Loader, budget: str) -> None:
    first = read(f"budgets: [{budget}]")
    second = read(effective(first))
    assert first.config == second.config


# --- notifiers -----------------------------------------------------------------------------------


def test_no_url_and_no_secret_is_shown(read: Loader) -> None:
    (read.file.parent / "url").write_text("https://bot/s3cr3t\n", encoding="utf-8")
    loaded = read(
        "notifiers:\n"
        "  - {name: a, type: slack, url: '${HOOK}', template: 'x ${KEY}'}\n"
        "  - {name: b, type: webhook, url_file: url, secret: '${KEY}',"
        " headers: {X-Key: '${KEY}'}}\n"
        "  - {name: c, type: command, command: [page, '--key=${KEY}']}\n"
        "  - {name: d, type: webhook, url: https://plain.internal/hook}\n"
    )
    shown = effective(loaded)
    text = shown + repr(loaded.config)
    assert "s3cr3t" not in text
    assert "k3y" not in text
    assert '    url: "********"  # file line 3' in shown.splitlines()
    assert '    command: [page, "********"]  # file line 4' in shown.splitlines()
    urls = [one.url and one.url.reveal() for one in loaded.config.notifiers]
    assert urls == [ENV["HOOK"], "https://bot/s3cr3t", None, "https://plain.internal/hook"]


@pytest.mark.parametrize(
    "url",
    [
        "https://hook.internal",
        "http://10.0.0.1:8080/hooks/costtui",
        "https://[::1]:8443/a-quite-long-path/for-the-platform-team/alerts",
    ],
)
@pytest.mark.parametrize("kind", ["webhook", "alertmanager"])
def test_a_plain_url_may_stand_in_the_file(read: Loader, kind: str, url: str) -> None:
    (one,) = read(f"notifiers: [{{name: a, type: {kind}, url: '{url}'}}]").config.notifiers
    assert one.url is not None
    assert one.url.reveal() == url


@pytest.mark.parametrize(
    "url",
    [
        "https://me@hook.internal/",
        "https://hook.internal/?a=b",
        "https://discord.com/api/webhooks/1234567890/aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z",
        "https://hook.internal/$${KEY}?a=b",
    ],
)
def test_a_url_that_can_be_a_key_may_not(read: Loader, url: str) -> None:
    (told,) = read.wrong(f"notifiers: [{{name: a, type: webhook, url: '{url}'}}]")
    assert told == (
        "notifiers[0].url: can be a secret, which must not stand in this file: write ${NAME}, or"
        " give url_file"
    )


def test_a_template_may_have_lines_and_reads_back(read: Loader) -> None:
    text = "notifiers:\n  - name: a\n    type: command\n    command: [x]\n"
    hook = (
        '  - name: b\n    type: slack\n    url: ${HOOK}\n    template: |\n      one\n      "two"\n'
    )
    loaded = read(text + hook)
    assert loaded.config.notifiers[1].template == 'one\n"two"\n'
    assert yaml.safe_load(effective(loaded))["notifiers"][1]["template"] == 'one\n"two"\n'


# --- numbers -------------------------------------------------------------------------------------


def parsed(kind: Kind, text: str) -> object:
    return kind.parse(Written(text, text, True, PLACE))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Count(), "0", 0),
        (Count(), "2000", 2000),
        (Count(), "200k", 200_000),
        (Count(), "1.5M", 1_500_000),
        (Count(), ".5k", 500),
        (Count(), "1_000_000", 1_000_000),
        (Count(), "1000000G", MOST),
        (Share(), "10%", 100_000),
        (Share(), "0.1", 100_000),
        (Share(), ".1", 100_000),
        (Share(), "1", SHARE),
        (Share(), "120 %", 1_200_000),
        (Share(), "0.0001%", 1),
        (Factor(), "3", 3000),
        (Factor(), "2.5x", 2500),
        (Factor(), "0.01", 10),
        (Factor("never"), "never", None),
        (Nano(), "0.000000001", 1),
        (Nano(), "1e3", 1000 * 10**9),
    ],
)
def test_numbers_as_people_write_them(kind: Kind, text: str, value: object) -> None:
    assert parsed(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (Count(), "-1", "must not be negative"),
        (Count(), "1.5", "must be a whole number"),
        (Count(), "1_0", "is not a number: write 2000, 200k or 1.5M"),
        (Count(), "_", "is not a number: write 2000, 200k or 1.5M"),
        (Count(), "5K", "is not a number: write 2000, 200k or 1.5M"),
        (Count(), "k", "is not a number: write 2000, 200k or 1.5M"),
        (Count(), "٣", "is not a number: write 2000, 200k or 1.5M"),
        (Count(), "1000001G", "is too large: the most is 1000000G"),
        (Share(), "-5%", "must not be negative"),
        (Share(), "1.2", "is more than the whole: write 1.2%, or at most 1"),
        (Share(), "%", "is not a share: write 10% or 0.1"),
        (Share(), "10001%", "is more than a hundred times the whole"),
        (Share(), "0.00005%", "is finer than 0.0001%"),
        (Factor(), "never", "is not a factor: write 3 or 2.5"),
        (Factor("never"), "nevr", 'is not a factor: write 3 or 2.5 (did you mean "never"?)'),
        (Factor(), "0.001", "is not between 0.01 and 1000000"),
        (Factor(), "1.2345", "is finer than 0.001"),
        (Nano(), "0.0000000019", "is finer than 0.000000001 USD"),
        (Nano(), "1.00000000000000000000000000001", "is finer than 0.000000001 USD"),
        (Nano(), "-1", "must not be negative"),
    ],
)
def test_numbers_that_are_none(kind: Kind, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parsed(kind, text)


WHOLE = {
    "count": (Count(), 0, MOST),
    "share": (Share(), 0, 100 * SHARE),
    "factor": (Factor(), FACTOR // 100, FACTOR * 10**6),
    "factor or never": (Factor("never"), FACTOR // 100, FACTOR * 10**6),
    "nano-USD": (Nano(), 0, 10**18),
}


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_a_number_reads_back_as_it_is_shown(name: str, data: st.DataObject) -> None:
    kind, least, most = WHOLE[name]
    value = data.draw(st.integers(least, most) | st.sampled_from([least, most]))
    assert parsed(kind, kind.render(value)) == value


@pytest.mark.parametrize("kind", [Count(), Share(), Factor(), Factor("never"), Nano()])
@given(text=st.text("0123456789.kMGx%_ -ne+", max_size=20) | st.from_regex(r"\d+\.?\d*[kMGx%]?"))
@example("1e3")
@example("999999999999999.999999999G")
def test_what_is_read_is_shown_as_the_same(kind: Kind, text: str) -> None:
    """Whatever is taken is a whole number in its range, and its spelling means the same."""
    try:
        value = parsed(kind, text)
    except ValueError:
        return
    assert value is None or (isinstance(value, int) and 0 <= value <= 10**18)
    assert parsed(kind, kind.render(value)) == value


@given(st.integers(0, 10**6))
def test_a_share_is_the_same_in_both_spellings(part: int) -> None:
    percent = f"{part // 10_000}.{part % 10_000:04}%"
    plain = f"{part // 10**6}.{part % 10**6:06}"
    assert parsed(Share(), percent) == parsed(Share(), plain) == part


def test_the_defaults_are_within_what_may_be_written(read: Loader) -> None:
    budget = BudgetConfig("a", 10**9)
    config = read(effective(read("budgets: [{name: a, limit: 1}]"))).config
    assert config.budgets == (budget,)
    assert [field.name for field in dataclasses.fields(budget)][:2] == ["name", "limit_nano"]
