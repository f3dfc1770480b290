"""A budget, a notifier and a terminal: its step fires and is told; `a` and `z` end the telling."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Until = Callable[..., Any]
LIMIT = 2.0
"""USD."""

CONFIG = """
store: {{path: {folder}/costtui.db}}
catalogue: false
alert_interval: 1s
pricing:
  - {{provider: "*", model: "*", input: 2, output: 10}}
sources:
  - {{name: log, type: jsonl, preset: llm-proxy, gateway: proxy,
     paths: [{folder}/cost-tracking.jsonl], interval: 0.2s}}
budgets:
  - {{name: pocket, limit: {limit}, rolling: 1d}}
notifiers:
  - {{name: pager, type: command, group_wait: 0s, repeat: 1h,
     command: [sh, -c, "cat >> {folder}/told; echo >> {folder}/told"]}}
"""


def told(folder: Path) -> list[tuple[str, str]]:
    """(step, state) of everything that was told."""
    path = folder / "told"
    lines = path.read_text().splitlines() if path.exists() else []
    events = [event for line in lines if line for event in json.loads(line)["alerts"]]
    return [(event["labels"]["step"], event["state"]) for event in events]


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(folder / "costtui.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def grown(log: Any, percent: int) -> None:
    """Up to so much of the budget."""
    while log.cost_nano * 100 < LIMIT * 10**9 * percent:
        log.grow(100)


def test_a_pager_that_one_can_trust(
    terminals: Callable[[], Any], log: Any, tmp_path: Path, until: Until
) -> None:
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(folder=tmp_path, limit=LIMIT))
    grown(log, 55)
    terminal = terminals()
    terminal.start("--config", str(config))
    until(lambda: told(tmp_path), lambda: f"a message; on\n{terminal.screen}", 60)
    assert told(tmp_path) == [("50%", "firing")]

    # seen on both screens
    terminal.keys("F5")
    terminal.shows("pocket", "last 1d", "$2", "FIRING", "50% FIRING since")
    terminal.keys("F4")
    shown = terminal.shows("budget pocket 50%", " FIRING ", "pager", "ok")
    assert "1 firing" in shown

    # acknowledged, then silenced by the form and ended: the end of a silence tells what still
    # fires, but for what somebody knows of
    terminal.keys("a")
    terminal.shows("acked", "(muted)")
    assert rows(tmp_path, "SELECT rule FROM ack") == [("budget pocket",)]
    terminal.keys("z")
    terminal.shows("how long", "step = 50%")
    terminal.keys("Tab", "Tab", "Space", "Tab")
    terminal.type("it is known")
    terminal.keys("Enter")
    terminal.shows("Enter stores it")
    terminal.keys("Enter")
    terminal.shows("silences 1 active")
    looked(log, tmp_path, until)
    terminal.keys("Z")
    terminal.type("d")
    terminal.shows("ended")
    looked(log, tmp_path, until)
    assert told(tmp_path) == [("50%", "firing")]

    # silenced: the next step fires and nobody is told
    terminal.type(":silence budget pocket 1h a big run")
    terminal.keys("Enter")
    terminal.shows("silences 1 active")
    grown(log, 85)
    terminal.shows("pocket 80%", "silenced")
    looked(log, tmp_path, until)
    assert told(tmp_path) == [("50%", "firing")]

    # ended: what still fires is told now, and only that
    terminal.type("Zd")
    until(lambda: len(told(tmp_path)) > 1, lambda: f"the step; on\n{terminal.screen}", 30)
    assert told(tmp_path) == [("50%", "firing"), ("80%", "firing")]
    terminal.keys("F5")
    terminal.shows("FIRING", "80% FIRING since", "acked by")
    terminal.keys("q", "q")
    assert terminal.ended() == 0


def looked(log: Any, folder: Path, until: Until) -> None:
    """The collector looked twice from now on. It says so where a value has changed."""

    def evaluated() -> float:
        ((at,),) = rows(folder, "SELECT value FROM meta WHERE key = 'alerts_evaluated'")
        return float(at)

    for _ in range(2):
        before = evaluated()
        log.grow(1)
        until(lambda before=before: evaluated() > before, "another look", 30)
