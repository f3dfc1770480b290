"""`costtui rules`: what is written, what is told, and how it ends."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from costtui.cli.main import main
from costtui.cli.rules_cmd import RulesCommand
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store.writer import Store

NOW = 1_789_387_200 + 10 * 3600
TEXT = """
timezone: UTC
sources:
  - {name: kong, type: metrics, preset: kong, gateway: kong, url: "http://127.0.0.1:8001/metrics"}
alerts:
  - {name: hour, cost_over: 5, window: 1h, by: [consumer]}
  - {name: busy, requests_over: 100, window: 10m}
budgets:
  - {name: today, limit: 20, period: day, forecast: false, steps: [50%]}
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    file = tmp_path / "c.yml"
    file.write_text(TEXT)
    return ["--config", str(file), "--db", str(tmp_path / "s.db")]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$6 of ann at 21:00 UTC and $4.50 of a key an hour later; it is 22:01."""
    monkeypatch.setattr(RulesCommand.__init__, "__defaults__", (lambda: NOW + 65.0,))

    async def fill() -> None:
        async with await Store.open(tmp_path / "s.db", now=NOW) as made:
            await made.register("kong", "metrics", "kong")
            for ago, who, usd in ((3600, "ann", 6), (1800, "bob", 4.5)):
                ns = int((NOW - ago + 0.5) * 1e9)
                used = UsageRecord(ns, ns, Dimensions("p", "m", who, "kong"), requests=2)
                nano = int(usd * 1e9)
                charge = Charge(nano, nano, CostBasis.COMPUTED)
                await made.append("kong", [used], [charge], now=NOW)

    asyncio.run(fill())


def said(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> tuple[str, str]:
    assert main(["rules", *arguments]) == code
    found = capsys.readouterr()
    return found.out, found.err


def test_rules_go_to_stdout_and_what_is_missing_to_stderr(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out, err = said(capsys, 0, "export", "--strict", *words)
    assert out.startswith("# Rules of costtui for Prometheus")
    assert "left out" not in err
    assert "not quite the same: what the gateway of source kong has no price for" in err
    file = tmp_path / "rules.yml"
    test = tmp_path / "sub" / "t.yml"
    test.parent.mkdir()
    said(capsys, 0, "export", *words, "--output", str(file), "--tests", str(test))
    assert file.read_text() == out
    assert "- ../rules.yml" in test.read_text()
    with (tmp_path / "c.yml").open("a") as more:
        more.write("  - {name: more, limit: 5}\n")
    _, err = said(capsys, 1, "export", "--strict", *words)
    assert "left out: budget more forecast: the forecast is costtui's own" in err
    said(capsys, 0, "export", *words)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "--tests", "x"), "needs --output"),
        (("export", "--output", "/nowhere/x"), "cannot be written"),
        (("export", "--preset", "knog"), "is no preset"),
        (("backtest",), "nothing has been collected yet"),
        (("backtest", "--rule", "huor"), "(did you mean"),
        (("backtest", "--set", "cost_ovr=5"), "cannot be set"),
        (("backtest", "--set", "cost_over"), "write KEY=VALUE"),
        (("backtest", "--set", "cost_over=-5"), "cost_over=-5"),
        (("backtest", "--sweep", "cost_over=,"), "names no value"),
        (("backtest", "--set", "tokens_over=5"), "nothing that is tried has"),
    ],
)
def test_what_is_wrong_is_said(
    words: list[str], capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    _, err = said(capsys, 2, *arguments, *words)
    assert says in err


@pytest.mark.usefixtures("store")
def test_a_backtest_says_when_and_for_how_long(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = said(capsys, 0, "backtest", "--since", "2h", "--rule", "hour", *words)
    assert out.splitlines()[1].split() == [
        "hour", "$5.00", "1", "1h", "1h", "$6.00", "2026-09-14", "21:00", "UTC",
    ]  # fmt: skip
    assert out.splitlines()[-1] == "2026-09-14 21:00 UTC  hour (consumer=ann): for 1h, peak $6.00"
    assert "there is nothing to look at before 2026-09-14 21:00 UTC" in err
    out, _ = said(capsys, 0, "backtest", "--since", "2h", "--rule", "today", *words)
    assert "budget today (step=50%): for 31m, peak 52.5%, fires still" in out


@pytest.mark.usefixtures("store")
def test_other_limits_side_by_side(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ("--sweep", "cost_over=4,5,7")
    out, _ = said(capsys, 0, "backtest", "--since", "2h", *sweep, *words)
    rows = [line.split()[:3] for line in out.splitlines()[1:]]
    assert rows == [["hour", "$4.00", "2"], ["hour", "$5.00", "1"], ["hour", "$7.00", "0"]]
    out, _ = said(capsys, 0, "backtest", "--since", "2h", "--set", "limit=6", *words)
    assert "50% of $6.00" in out


@pytest.mark.usefixtures("store")
def test_json_has_every_firing(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, 0, "backtest", "--since", "2h", "--json", *words)
    found: dict[str, Any] = json.loads(out)
    (hour, busy, today) = found["trials"]
    begun = datetime.fromtimestamp(NOW - 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert hour["episodes"] == [
        {"labels": {"consumer": "ann"}, "fired_at": begun, "ended_at": ended, "peak": 6 * 10**9}
    ]
    assert hour["seconds"] == 3600
    assert (busy["fired"], busy["judged"]) == (0, True)
    assert today["step"] == "50%"
