"""`costtui collect --once` says whom it could not tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from costtui.cli.main import main


def test_a_notifier_that_failed_is_named_and_the_exit_code_is_of_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    entry = {
        "timestamp": datetime.now(UTC).isoformat(), "requestId": "r1", "provider": "p",
        "model": "m", "consumer": "ann", "usage": {"input_tokens": 1000, "output_tokens": 1000},
    }  # fmt: skip
    log.write_text(json.dumps(entry) + "\n")
    file = tmp_path / "c.yml"
    file.write_text(
        f"""
store: {{path: {tmp_path}/t.db}}
sources: [{{name: log, type: jsonl, preset: llm-proxy, gateway: p, path: {log}}}]
alerts: [{{name: busy, requests_over: 0, window: 1h}}]
notifiers: [{{name: pager, type: command, command: [/none/such]}}]
"""
    )
    for _ in range(2):  # the next one tries, and says so, again
        assert main(["collect", "--once", "--config", str(file)]) == 0
        err = capsys.readouterr().err
        assert "notifier pager: 1 alert not told, the next run tries again: " in err
