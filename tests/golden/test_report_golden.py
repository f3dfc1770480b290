"""`costtui report`, byte for byte, on a store whose sums are done by hand here.

Rewrite the expected files with `GOLDEN=write pytest tests/golden` and read the diff.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from costtui.cli.common import build_parser
from costtui.cli.report import ReportCommand
from costtui.cli.report_query import NoStore, Reads, Row
from costtui.config.schema import Config
from costtui.errors import UsageError
from costtui.model.charge import Exactness
from costtui.model.comparison import Compared
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import AlertStatus, SourceStatus, Totals, UnpricedModel, View

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 2, 9, 59, 30, tzinfo=UTC).timestamp()
TEN = int(datetime(2026, 11, 2, 9, tzinfo=UTC).timestamp())

USAGE = [
    (
        Dimensions("openai", "gpt-4o", "alice", "eu", "/v1/chat"),
        Totals(
            requests=1000, errors=10, throttled=5, input=800_000, cache_read=200_000,
            output=90_000, reasoning=10_000, effective_nano=3_250_000_000,
            list_nano=3_250_000_000, reported_nano=3_300_000_000,
        ),
    ),
    (
        Dimensions("anthropic", "claude-sonnet-4-5", "bob", "eu"),
        Totals(
            requests=200, input=1_000_000, cache_write=40_000, cache_write_1h=10_000,
            output=50_000, effective_nano=3_960_000_000, list_nano=3_960_000_000,
            estimated_nano=3_960_000_000, estimated_requests=200,
        ),
    ),
    (
        Dimensions("openai", "mystery\x1b[31m-9000", "token:sk-abc123", "us"),
        Totals(requests=7, input=3_000, output=500, unpriced_requests=7, unpriced_tokens=3_500),
    ),
    (
        Dimensions("", "=cmd()", "", "us"),
        Totals(requests=1, input=10, effective_nano=25, list_nano=25, lower_bounds=2),
    ),
]  # fmt: skip

# Done by hand from the four lines above.
COST = 3_250_000_000 + 3_960_000_000 + 0 + 25
REQUESTS = 1208
TOKENS = 1_100_000 + 1_100_000 + 3_500 + 10


class Store(NoStore):
    """A store that answers from a list, as the real one does from its roll-ups."""

    def __init__(self, usage: Sequence[tuple[Dimensions, Totals]] = USAGE) -> None:
        self.usage = usage
        self.views: list[View] = []

    def breakdown(self, view: View, by: tuple[str, ...], now: float) -> list[Row]:
        self.views.append(view)
        sums: dict[tuple[str, ...], Totals] = {}
        for dims, totals in self.usage:
            key = tuple(getattr(dims, name, "checkout") for name in by)
            sums[key] = sums.get(key, Totals()).plus(totals)
        return list(sums.items())

    def timeline(self, view: View, step: int, now: float) -> list[tuple[int, Totals]]:
        assert step == 3600
        usage = [*(totals for _, totals in self.usage), Totals()]
        return [(TEN - 3600 * i, totals) for i, totals in enumerate(usage)][::-1]

    def unpriced(self, view: View, now: float) -> Sequence[UnpricedModel]:
        return [UnpricedModel("openai", "mystery\x1b[31m-9000", 7, 3_500)] if self.usage else []

    def alerts(self) -> Sequence[AlertStatus]:
        if not self.usage:
            return []
        return [
            AlertStatus(
                "daily", (("model", "gpt-4o"),), "firing", "critical", 3_250_000_000,
                3_000_000_000, NOW - 60, "24h", Exactness.LOWER_BOUND,
            ),
            AlertStatus("calm", (), "inactive", "info", 1, 2, NOW, "1h"),
        ]  # fmt: skip

    def statuses(self) -> Sequence[SourceStatus]:
        return [
            SourceStatus("kong-eu", "metrics", "eu", last_ok=NOW - 15),
            SourceStatus(
                "kong-us", "metrics", "us", last_ok=NOW - 7200, skipped=3,
                error="connect to us refused\x1b[2J, key sk-abc123",
            ),
        ]  # fmt: skip


class Reconciled(Store):
    """A store in which a Prometheus server sees the same traffic again."""

    def compared(self, view: View, now: float, by: tuple[str, ...]) -> Sequence[Compared]:
        big = Totals(requests=1000, input=800_000, effective_nano=3_250_000_000)
        less = Totals(requests=990, input=792_000, effective_nano=3_200_000_000, lower_bounds=1)
        zero, start, end = Totals(), TEN - 86400, TEN + 3540
        values = tuple({"provider": "openai", "model": "=cmd()"}[name] for name in by)
        return [
            Compared("eu", values, "prom", start, end, big, less, zero, ("kong-eu",)),
            Compared("us", values, "prom", start, end, big, big, zero, ("kong-us", "log")),
            Compared("e\x1b[31mdge", values, "prom", 0, 0, zero, less, zero),
            Compared("new", values, "prom", 0, 0, less, less, zero, ("new",), reading=True),
            Compared("", values, "prom", 0, 0, less, zero, zero, ("log",), known=False),
        ]  # fmt: skip


def opened(store: Reads) -> Any:
    @contextmanager
    def open_store(config: Config, zone: tzinfo) -> Iterator[Reads]:
        yield store

    return open_store


def arguments(command: ReportCommand, *words: str) -> argparse.Namespace:
    return build_parser(command, "costtui report").parse(words)


def report(*words: str, store: Reads | None = None) -> tuple[int, ReportCommand]:
    command = ReportCommand(opened(store or Store()), lambda: NOW)
    return command.run(arguments(command, *words)), command


CASES = {
    "summary.txt": ["--format", "summary"],
    "detailed.txt": ["--format", "detailed", "--top", "3"],
    "hourly.txt": ["--format", "hourly", "--since", "5h"],
    "by_consumer.txt": ["--by", "consumer,gateway", "--where", "provider=openai", "--top", "1"],
    "report.csv": ["--format", "csv", "--by", "provider,model,consumer,team"],
    "top.csv": ["--format", "csv", "--top", "1"],
    "report.json": ["--format", "json", "--where", "model~^gpt", "--where", "consumer!="],
    "top.json": ["--format", "json", "--by", "gateway", "--top", "1", "--since", "7d"],
}


COMPARED = {
    "compared.txt": [],
    "reconcile.txt": ["--reconcile", "--by", "provider,consumer"],
    "reconcile.csv": ["--reconcile", "--format", "csv", "--by", "model"],
    "reconcile.json": ["--format", "json", "--by", "model,provider"],
}


@pytest.mark.parametrize("name", COMPARED)
def test_a_comparison_is_byte_for_byte(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = report(*COMPARED[name], store=Reconciled())
    out = capsys.readouterr().out
    path = HERE / "report" / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(out, encoding="utf-8", newline="")
    assert code == 0
    assert out.encode() == path.read_bytes()


def test_a_comparison_says_both_and_the_difference(capsys: pytest.CaptureFixture[str]) -> None:
    report("--format", "json", store=Reconciled())
    rows = {r["gateway"]: r for r in json.loads(capsys.readouterr().out)["reconciled"]}
    assert {name: r["verdict"] for name, r in rows.items()} == {
        "eu": "differs", "us": "agrees", "e\x1b[31mdge": "uncounted", "new": "open", "": "unseen",
    }  # fmt: skip
    assert rows["eu"]["counted"]["cost"] == "3.25"
    assert rows["eu"]["seen"] | {"tokens": 0} == {
        "cost_nano": 3_200_000_000, "cost": "3.20", "exactness": "lower_bound", "requests": 990,
        "tokens": 0,
    }  # fmt: skip
    assert rows["eu"]["difference"] == {
        "cost_nano": -50_000_000, "cost": "-0.05", "requests": -10, "tokens": -8000,
    }  # fmt: skip
    assert rows["eu"]["stretch"] == {"start": "2026-11-01T09:00:00Z", "end": "2026-11-02T09:59:00Z"}
    assert rows["new"]["difference"] is rows["new"]["stretch"] is None


def test_without_a_reconciling_source_there_is_nothing_to_compare(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _ = report("--reconcile", "--format", "csv")
    captured = capsys.readouterr()
    assert code == 0
    assert captured.out.count("\n") == 1
    assert "No source has role: reconcile" in captured.err


@pytest.mark.parametrize("name", CASES)
def test_report_is_byte_for_byte(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = report(*CASES[name])
    out = capsys.readouterr().out
    path = HERE / "report" / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(out, encoding="utf-8", newline="")
    assert code == 0
    assert out.encode() == path.read_bytes()


@pytest.mark.parametrize("name", [n for n in (*CASES, *COMPARED) if n.endswith(".txt")])
def test_text_fits_a_mail_and_has_nothing_to_hide(name: str) -> None:
    text = (HERE / "report" / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        assert len(line) <= 78
        assert line.isprintable()
    assert "sk-abc123" not in text


def test_summary_has_the_figures_done_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    report("--format", "summary")
    out = capsys.readouterr().out
    figures = dict(re.findall(r"^ {0,2}(\S.*?) {2,}(\S.*)$", out, re.MULTILINE))
    assert figures["Total cost"] == "≥~$7.2100"  # 3.25 + 3.96 + 0.000000025
    assert figures["Requests"] == "1,208"
    assert figures["errors"] == "10 (0.8%)"  # 10 / 1208 = 0.83 %
    assert figures["rate limited (429)"] == "5 (0.4%)"
    assert figures["Tokens"] == "2,203,510"
    assert figures["input"] == "1,803,010"  # 800,000 + 1,000,000 + 3,000 + 10
    assert figures["cache read"] == "200,000"
    assert figures["cache write"] == "40,000"
    assert figures["cache write, 1 hour"] == "10,000"
    assert figures["output"] == "140,500"
    assert figures["reasoning"] == "10,000"
    assert figures["Average cost per request"] == "≥~$0.005969"  # 7.210000025 / 1208
    assert figures["Average cost per 1K tokens"] == "≥~$0.003272"  # 7210.000025 / 2203510
    assert figures["reported by the sources"] == "$3.3000"
    provider_lines = [line.split() for line in out.splitlines() if line.startswith(("ant", "op"))]
    assert provider_lines[0] == ["anthropic", "~$3.9600", "54.9%", "200", "1,100,000"]
    assert provider_lines[1] == ["openai", "≥$3.2500", "45.1%", "1,007", "1,103,500"]


def test_json_has_the_figures_done_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    report("--format", "json", "--since", "168")
    document = json.loads(capsys.readouterr().out)
    assert document["window"] == {
        "start": "2026-10-26T10:00:00Z",
        "end": "2026-11-02T10:00:00Z",
        "seconds": 604800,
    }
    total = document["total"]
    assert (total["cost_nano"], total["cost"]) == (COST, "7.210000025")
    assert (total["requests"], total["tokens"]["total"]) == (REQUESTS, TOKENS)
    assert total["exactness"] == "estimated_lower_bound"
    assert total["unpriced"] == {"requests": 7, "tokens": 3500}
    assert sum(group["cost_nano"] for group in document["groups"]) == COST
    assert document["groups"][0]["key"] == {"provider": "anthropic", "model": "claude-sonnet-4-5"}


def test_csv_adds_up_and_starts_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    report("--format", "csv", "--by", "provider,model,consumer")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sum(int(row["x_EffectiveCostNano"]) for row in rows) == COST
    assert sum(int(row["ConsumedQuantity"]) for row in rows) == TOKENS
    assert {row["x_Model"] for row in rows} == {
        "gpt-4o",
        "claude-sonnet-4-5",
        "mystery\\x1b[31m-9000",
        "'=cmd()",
    }
    assert {row["x_Consumer"] for row in rows if "mystery" in row["x_Model"]} == {
        "key:0a2f6ba7b3d4"
    }
    assert rows[0]["ChargePeriodStart"] == "2026-11-01T10:00:00Z"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_marks_gets_ascii(encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        report("--format", "summary")
        out.flush()
    text = raw.getvalue().decode(encoding)
    assert ">=~$7.2100" in text
    assert all(len(line) <= 78 for line in text.splitlines())
    exact = (HERE / "report" / "summary.txt").read_text(encoding="utf-8")
    assert text.splitlines()[17] == exact.splitlines()[17].replace(" ≥", ">=")


def test_fail_on_alert_is_exit_code_three() -> None:
    assert report("--fail-on-alert")[0] == 3
    assert report("--fail-on-alert", store=Store([]))[0] == 0


@pytest.mark.parametrize("name", ["summary", "detailed", "hourly", "csv", "json"])
def test_an_empty_store_is_zero_and_no_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = report("--format", name, store=Store([]))
    captured = capsys.readouterr()
    assert code == 0
    assert captured.err == "No usage in this window.\n"
    if name == "json":
        assert json.loads(captured.out)["total"]["cost"] == "0.00"
    elif name == "csv":
        assert captured.out.count("\n") == 1
    else:
        assert "$0.0000" in captured.out


def test_a_missing_store_is_zero_and_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ReportCommand()
    missing = tmp_path / "none.db"
    assert command.run(arguments(command, "--format", "json", "--db", str(missing))) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["groups"] == []
    assert "nothing has been collected yet" in captured.err
    assert not missing.exists()


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        ("24h", None, "2026-11-01T10:00:00", "2026-11-02T10:00:00"),
        ("2", None, "2026-11-02T08:00:00", "2026-11-02T10:00:00"),
        ("90m", None, "2026-11-02T08:30:00", "2026-11-02T10:00:00"),
        ("2026-11-01", None, "2026-11-01T00:00:00", "2026-11-02T10:00:00"),
        ("2026-11-01T10:00", None, "2026-11-01T10:00:00", "2026-11-02T10:00:00"),
        ("2026-11-01T10:00:30+02:00", None, "2026-11-01T08:00:00", "2026-11-02T10:00:00"),
        ("2026-10-01", "2026-11-01", "2026-10-01T00:00:00", "2026-11-01T00:00:00"),
        ("24h", "2026-11-01", "2026-10-31T00:00:00", "2026-11-01T00:00:00"),
        ("24h", "12h", "2026-10-31T22:00:00", "2026-11-01T22:00:00"),
        ("today", None, "2026-11-02T00:00:00", "2026-11-02T10:00:00"),
        ("month", None, "2026-11-01T00:00:00", "2026-11-02T10:00:00"),
    ],
)
def test_windows(since: str, until: str | None, start: str, end: str) -> None:
    store = Store()
    words = ["--since", since, *(["--until", until] if until else [])]
    report("--format", "csv", *words, store=store)
    window = store.views[0].window
    for seconds, expected in ((window.start, start), (window.end, end)):
        assert datetime.fromtimestamp(seconds, UTC).isoformat() == f"{expected}+00:00"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--since", "yesterday"], "--since"),
        (["--since", "0"], "least is one minute"),
        (["--since", "9999999h"], "--since"),
        (["--since", "0001-01-01"], "between 1970 and 9999"),
        (["--since", "2026-11-03"], "not before"),
        (["--since", "1h", "--until", "1971-99-01"], "--until"),
        (["--by", "modle"], 'did you mean "model"'),
        (["--by", ","], "name at least one"),
        (["--where", "openai"], "write a dimension"),
        (["--where", "vendor=x"], "is not one of"),
        (["--where", "model~("], "not a regular expression"),
        (["--top", "0"], "whole number"),
        (["--top", "٣"], "whole number"),
        (["--format", "xml"], "is not one of"),
    ],
)
def test_a_wrong_command_line_is_explained(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        report(*words)


def test_filters_reach_the_store() -> None:
    store = Store()
    words = ["provider=openai", "model!=gpt-4o", "consumer~^a", "team!~b", "gateway=(none)"]
    report("--format", "csv", *(w for word in words for w in ("--where", word)), store=store)
    assert [(f.dimension, f.op, f.value) for f in store.views[0].filters] == [
        ("provider", "=", "openai"),
        ("model", "!=", "gpt-4o"),
        ("consumer", "~", "^a"),
        ("team", "!~", "b"),
        ("gateway", "=", ""),
    ]


def test_reports_close_what_they_open() -> None:
    closed: list[bool] = []

    class Held(AbstractContextManager[Reads]):
        def __enter__(self) -> Reads:
            return Store()

        def __exit__(self, *_: object) -> None:
            closed.append(True)

    command = ReportCommand(lambda config, zone: Held(), lambda: NOW)
    command.run(arguments(command))
    assert closed == [True]
