"""A real collector tells a real webhook of an alert: once, with a cause, and across a SIGKILL."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Until = Callable[..., object]


class Hook:
    """A webhook that can keep its answer to itself."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        """Every message that arrived, answered or not."""
        self.answers = threading.Event()
        self.answers.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append(json.loads(body))
                hook.answers.wait()
                try:
                    self.send_response(204)
                    self.end_headers()
                except OSError:  # who asked is dead
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return [alert for message in self.got for alert in message["alerts"]]

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(alert["id"], alert["state"]) for alert in self.alerts]

    def close(self) -> None:
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


class Site:
    """A configuration, a log, and collectors over them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.config, self.store = folder / "config.yml", folder / "costtui.db"
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, limit: str) -> None:
        """A collector, with this limit in USD."""
        self.config.write_text(
            f"""
store: {{path: {self.store}}}
catalogue: false
alert_interval: 1s
pricing:
  - {{provider: "*", model: "*", input: 2, output: 10}}
sources:
  - {{name: log, type: jsonl, preset: llm-proxy, gateway: proxy,
     paths: [{self.folder}/cost-tracking.jsonl], interval: 0.2s}}
alerts:
  - {{name: spend, cost_over: {limit}, window: 1h, for: 0s}}
notifiers:
  - {{name: hook, type: webhook, url: "{self.url}", group_wait: 0s, timeout: 60s}}
"""
        )
        with (self.folder / "collect.log").open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "costtui", "--config", str(self.config), "collect"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "NO_PROXY": "127.0.0.1"},
            )  # fmt: skip

    def end(self, number: signal.Signals) -> None:
        if self.child is not None:
            self.child.send_signal(number)
            self.child.wait(30)
            self.child = None

    @property
    def said(self) -> str:
        return (self.folder / "collect.log").read_text()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        db = sqlite3.connect(self.store)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    @property
    def value(self) -> int:
        """What the rule has seen, nano-USD."""
        rows = self.rows("SELECT value FROM alert")
        return int(rows[0][0]) if rows else 0


@pytest.fixture
def site(tmp_path: Path, hook: Hook) -> Iterator[Site]:
    made = Site(tmp_path, hook.url)
    yield made
    made.end(signal.SIGKILL)


@pytest.mark.parametrize("killed", [False, True], ids=["once", "killed"])
def test_a_webhook_is_told(site: Site, hook: Hook, log: Any, until: Until, killed: bool) -> None:
    if killed:
        hook.answers.clear()
    log.grow(50)
    site.start(limit="0.001")
    until(lambda: hook.got, lambda: f"a message; {site.said}", 60)
    first = hook.alerts[0]
    assert (first["rule"], first["state"], first["limit"]) == ("spend", "firing", 1_000_000)
    assert first["value"] == log.cost_nano
    assert "of the rise" in first["cause"]
    assert "model gpt-4o" in first["cause"]
    again = [(first["id"], "firing")]

    if killed:
        # It is stored that it fires, and not yet that anybody heard of it.
        assert site.rows("SELECT count(*) FROM outbox") == [(1,)]
        site.end(signal.SIGKILL)
        assert site.rows("SELECT count(*) FROM outbox") == [(1,)]
        hook.answers.set()
        site.start(limit="0.001")
        until(lambda: len(hook.got) > 1, lambda: f"the message again; {site.said}", 60)
        assert hook.alerts[1] | {"value": 0} == first | {"value": 0}
        again *= 2
    until(lambda: site.rows("SELECT count(*) FROM outbox") == [(0,)], "an empty outbox")

    # More evaluations of what goes on firing are no news.
    log.grow(50)
    until(lambda: site.value == log.cost_nano, "an evaluation of more usage")
    assert hook.told == again

    site.end(signal.SIGTERM)
    assert hook.told == again
    site.start(limit="1000")
    until(lambda: len(hook.told) > len(again), lambda: f"the end; {site.said}", 60)
    until(lambda: site.rows("SELECT count(*) FROM outbox") == [(0,)], "an empty outbox")
    assert hook.told == [*again, (first["id"], "resolved")]
    end = hook.alerts[-1]
    assert end["resolved_at"] > end["fired_at"] == first["fired_at"]
    # One episode, whatever was killed.
    states = site.rows("SELECT state FROM alert_history WHERE state != 'inactive' ORDER BY id")
    assert [state for (state,) in states] == ["firing", "resolved"]
