"""`costtui config check|show|schema`, as its user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from costtui.cli.main import main

FIXTURES = Path(__file__).parents[2] / "fixtures" / "config"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("CONFIG", "DB", "THEME", "WINDOW"):
        monkeypatch.delenv(f"COSTTUI_{name}", raising=False)
    for name in ("COST_TRACKING_FILE", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, text: str) -> str:
    file = folder / "c.yml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_check_tells_what_will_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.jsonl", "d.jsonl"):
        (tmp_path / name).write_bytes(b"x" * 250)
    file = write(
        tmp_path,
        """\
store: {path: costs.db}
sources:
  - {name: log, type: jsonl, preset: llm-proxy, path: "*.jsonl"}
  - {name: late, type: jsonl, preset: llm-proxy, path: late.log, role: reconcile, gateway: log}
  - name: kong
    type: metrics
    preset: kong
    url: http://kong:8001/metrics?token=x
    bearer_token: ${TEST_TOKEN}
pricing:
  - {provider: openai, model: "gpt-4*", input: 2.50, unit: 1M, from: 2026-01-01}
  - {provider: anthropic, model: "", per_request: 0.003}
  - {model: llama*, free: true}
alerts:
  - {name: day, cost_over: 50.5, window: 24h, by: [team], where: {provider: openai}, for: 5m}
timezone: UTC
""",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_TOKEN", "t0ken")
        assert main(["config", "check", "--config", file]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        f"configuration  {file}",
        f"store          {tmp_path}/costs.db",
        "kept           requests 30d, minutes 14d, hours 400d, days forever",
        "time zone      UTC",
        "",
        "3 sources",
        "  log: jsonl (llm-proxy), counts log",
        f"    {tmp_path}/*.jsonl: 4 files, 1,000 bytes",
        f"      {tmp_path}/a.jsonl",
        f"      {tmp_path}/b.jsonl",
        f"      {tmp_path}/c.jsonl",
        "      and 1 more",
        "  late: jsonl (llm-proxy), is compared with log",
        f"    {tmp_path}/late.log: no file yet",
        "  kong: metrics (kong), counts kong",
        "    http://kong:8001/metrics every 15 s, bearer token",
        "",
        "3 prices of your own, over the built-in catalogue",
        "  openai/gpt-4*: input $2.5 per 1M from 2026-01-01",
        "  anthropic/(no model): $0.003 a request (an estimate)",
        "  */llama*: free",
        "",
        "1 alert",
        "  day: over $50.50 in 24h by team, provider=openai for 5m (warning)",
    ]


def test_check_tells_what_is_watched_and_who_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_URL", "https://hooks.slack.com/services/s3cr3t")
    file = write(
        tmp_path,
        """\
alerts:
  - preset: usual
  - {name: tokens, tokens_over: 1.5M, window: 90m, where: {model: ""}, notify: [chat]}
  - {name: flood, requests_over: 1, window: 15m, by: [gateway, team], notify: []}
  - {name: errors, error_share_over: 2.5%, window: 15m, min_requests: 1}
  - {name: silent, silent_for: 2h, by: [consumer]}
  - {name: blind, source_down_for: 10m, severity: critical}
  - {name: unpriced, unpriced_over: 0, window: 1d}
  - {name: books, difference_over: 2%, window: 24h}
budgets:
  - {name: all, limit: 1234.5}
  - {name: teams, limit: 100, rolling: 7d, by: [team], parent: all, burn_over: 14.4,
     forecast: false}
  - {name: calm, limit: 1, period: day, steps: [], where: {provider: openai}, severity: info}
notifiers:
  - {name: chat, type: slack, url: "${TEST_URL}", severity: warning, repeat: never}
  - {name: am, type: alertmanager, url: "http://am:9093", resolved: false}
  - {name: program, type: command, command: [/usr/bin/logger, -t, x], severity: critical}
""",
    )
    assert main(["config", "check", "--config", file, "--show"]) == 0
    out = capsys.readouterr().out
    assert "s3cr3t" not in out
    lines = out.partition("\nstore:")[0].splitlines()
    assert lines[lines.index("13 alerts") - 1 :] == [
        "",
        "13 alerts",
        "  total 24h: over $50.00 in 24h for 5m (warning)",
        "  total 7d: over $200.00 in 7d for 5m (warning)",
        "  total 30d: over $500.00 in 30d for 5m (warning)",
        "  daily rate: over $50.00 in 1d at the rate of the last 1h for 15m (warning)",
        "  throttled: over 10% of at least 20 requests throttled in 15m for 5m (warning)",
        "  spike: over 3 times the usual in 1h and at least $5.00 for 5m (warning)",
        "  tokens: over 1,500,000 tokens in 90m, model=(none) (warning), tells chat",
        "  flood: over 1 request in 15m by gateway, team (warning), tells nobody",
        "  errors: over 2.5% of at least 1 requests failed in 15m (warning)",
        "  silent: no usage for 2h after some in 1d by consumer (warning)",
        "  blind: a source not read for 10m (critical)",
        "  unpriced: over 0 tokens without a price in 1d (warning)",
        "  books: over 2% between what counts and what is compared in 24h (warning)",
        "",
        "3 budgets",
        "  all: $1,234.50 a month; alerts at 50%, 80%, 100%; when forecast to end above it"
        " (critical)",
        "  teams: $100.00 in any 7d by team; alerts at 50%, 80%, 100%; burning over 14.4 times too"
        " fast in 1h and 5m; part of all (critical)",
        "  calm: $1.00 a day, provider=openai; alerts when forecast above it (info)",
        "",
        "3 notifiers",
        "  chat: slack, told of warning and above, once",
        "  am: alertmanager, told of everything, not of the end",
        "  program: command /usr/bin/logger, told of critical, again every 4h",
    ]


def test_check_tells_what_a_prometheus_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(
        tmp_path,
        """\
sources:
  - name: fleet
    type: prometheus
    preset: agentgateway
    url: https://prom/prometheus
    match: '{job="gw",ns=~"llm-.*"}'
    gateway_labels: [cluster, instance]
    gateways: {"10.1.*": europe}
    headers: {X-Scope-OrgID: platform}
  - {name: sums, type: prometheus, preset: kong, url: "http://p:9090", mode: aggregate, since: all}
  - name: gpus
    type: prometheus
    url: http://p:9090
    since: 7d
    queries:
      - {query: sum(gpu_usd), quantity: cost, per: hour}
      - {query: "sum(rate(in[5m]))", quantity: input}
""",
    )
    assert main(["config", "check", "--config", file]) == 0
    out = capsys.readouterr().out.splitlines()
    begin = out.index("3 sources")
    assert out[begin : out.index("", begin)] == [
        "3 sources",
        "  fleet: prometheus (agentgateway), counts the gateways named by cluster or instance",
        "    https://prom/prometheus every 15 s, no login",
        "    10.1.* is called europe",
        "    with the header X-Scope-OrgID",
        '    every sample of series with job="gw",ns=~"llm-.*", of the last 30d',
        "  sums: prometheus (kong), counts the gateways named by instance",
        "    http://p:9090 every 15 s, no login",
        "    sums that it makes (an estimate) of all series, as far back as it goes",
        "  gpus: prometheus (queries), counts gpus",
        "    http://p:9090 every 15 s, no login",
        "    2 rates of the last 7d, added up over time (an estimate)",
        "      USD a hour: sum(gpu_usd)",
        "      input tokens a second: sum(rate(in[5m]))",
    ]


def test_check_without_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check"]) == 0
    out = capsys.readouterr().out
    assert "configuration  none, only defaults" in out
    assert "no sources\n  nothing will be read: add sources:, or set COST_TRACKING_FILE" in out
    assert "no prices of your own" in out
    assert "no alerts" in out


def test_check_tells_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    file = FIXTURES / "invalid" / "unknown_keys.yml"
    assert main(["config", "check", "--config", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.rpartition("unknown_keys.yml")[2].split(" ")[0] for line in err.splitlines()] == [
        ":1:",
        ":3:",
        ":9:",
        ":10:",
    ]


def test_check_asks_the_sources_about_their_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(
        tmp_path,
        """\
sources:
  - name: page
    type: metrics
    url: http://x/metrics
    fields:
      metrics:
        - name: a_total
          quantitty: requests
""",
    )
    assert main(["config", "check", "--config", file]) == 2
    err = capsys.readouterr().err
    assert f"{file}:8: sources[0].fields.metrics[0].quantitty: unknown key" in err


def test_check_reads_the_pricing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "proxy.yml").write_text("- not a mapping\n", encoding="utf-8")
    file = write(tmp_path, "timezone: UTC\npricing_file: proxy.yml\n")
    assert main(["config", "check", "--config", file]) == 2
    assert capsys.readouterr().err.startswith(f"{file}:2: pricing_file: ")


def test_check_show_is_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "timezone: UTC\n")
    assert main(["config", "check", "--show", "--config", file]) == 0
    both = capsys.readouterr().out
    assert main(["config", "show", "--config", file]) == 0
    shown = capsys.readouterr().out
    assert both.startswith("configuration  ")
    assert both.endswith("\n\n" + shown)


def test_a_line_of_a_shell_is_no_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "timezone: UTC\nnotifiers:\n  - {name: a, type: command, command: COMMAND}\n"

    def check(command: str) -> tuple[int, str]:
        file = write(tmp_path, text.replace("COMMAND", command))
        return main(["config", "check", "--config", file]), capsys.readouterr().err

    code, err = check("\"cat >> 'x'\"")
    assert code == 2
    assert err.rstrip().endswith("""write [sh, -c, "cat >> 'x'"]""")
    assert check("""[sh, -c, "cat >> 'x'"]""") == (0, "")  # what the hint says
    assert check("sh")[1].rstrip().endswith("write [sh]")
    code, err = check("[cat >> x]")
    assert code == 0
    assert err == (
        'warning: notifier a: the program "cat >> x" is not found on PATH; for a line of a shell'
        ' write [sh, -c, "cat >> x"]\n'
    )
    assert "is not found\n" in check("[/none/such]")[1]


def test_show_tells_origins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "\ntimezone: UTC\n")
    monkeypatch.setenv("COSTTUI_THEME", "nord")
    assert main(["--db", "/x/flag.db", "config", "show", "--config", file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  path: /x/flag.db  # flag --db" in lines
    assert "timezone: UTC  # file line 2" in lines
    assert "  theme: nord  # env COSTTUI_THEME" in lines
    assert "    day: forever  # default" in lines


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "sources" in schema["properties"]
    assert main(["config", "schema", "--format", "markdown"]) == 0
    assert "| `timezone` |" in capsys.readouterr().out


def test_an_action_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 2
    assert "check|show|schema" in capsys.readouterr().err
    assert main(["config", "chekc"]) == 2
    assert '(did you mean "check"?)' in capsys.readouterr().err


def test_check_says_that_a_listener_would_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COSTTUI_LISTEN_TOKEN", raising=False)
    file = write(tmp_path, 'timezone: UTC\nlisten:\n  series: 100\n  address: "0.0.0.0:8000"\n')
    check = ["config", "check", "--config", file]
    assert main(check) == 0
    told = f"warning: {file}:4: listen.address: others can reach 0.0.0.0:8000, so a token is needed"
    assert capsys.readouterr().err.startswith(told)
    monkeypatch.setenv("COSTTUI_LISTEN_TOKEN", "abcdefghijklmnopqrstuvwxyz012345")
    assert main(check) == 0
    assert capsys.readouterr().err == ""
