"""A real collector process is killed with SIGKILL at random moments; nothing is lost or doubled.

The truth is kept by the test itself: it adds up what it wrote to the log and what it put on the
metrics page. A log line or a counter step that the store has twice or not at all is off by at
least one token here.
"""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

KILLS = 100
"""A worker; two workers make the two hundred."""


class Page:
    """A Kong page whose counters the test moves."""

    def __init__(self) -> None:
        self.input = self.output = self.requests = 0
        self.lock = threading.Lock()
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = page.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; charset=UTF-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/metrics"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def text(self) -> str:
        labels = 'ai_provider="openai",ai_model="m-1",cache_status="",workspace="default"'
        head = '# TYPE kong_node_info gauge\nkong_node_info{node_id="a",version="3.9"} 1\n'
        with self.lock:
            if not self.requests:
                return head
            return (
                head
                + "# TYPE kong_ai_llm_requests_total counter\n"
                + f"kong_ai_llm_requests_total{{{labels}}} {self.requests}\n"
                + "# TYPE kong_ai_llm_tokens_total counter\n"
                + f'kong_ai_llm_tokens_total{{{labels},token_type="prompt_tokens"}} {self.input}\n'
                + f'kong_ai_llm_tokens_total{{{labels},token_type="completion_tokens"}} '
                + f"{self.output}\n"
                + "# TYPE kong_ai_llm_cost_total counter\n"
                + f"kong_ai_llm_cost_total{{{labels}}} {self.input * 2 + self.output * 10}e-9\n"
            )

    def step(self, rng: random.Random) -> None:
        with self.lock:
            self.requests += 1
            self.input += rng.randrange(1, 1000)
            self.output += rng.randrange(1, 1000)


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page()
    yield page
    page.server.shutdown()
    page.server.server_close()


def _collect(config: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "costtui", "--config", str(config), "collect", *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_kills_lose_and_double_nothing(seed: int, tmp_path: Path, page: Page) -> None:
    rng = random.Random(seed)
    log = tmp_path / "cost-tracking.jsonl"
    log.touch()
    store = tmp_path / "costtui.db"
    config = tmp_path / "config.yml"
    config.write_text(
        f"""
store: {{path: {store}}}
catalogue: false
pricing:
  - {{provider: openai, model: "*", input: 2, output: 10}}
sources:
  - {{name: log, type: jsonl, preset: llm-proxy, gateway: proxy, paths: [{log}], interval: 0.1s}}
  - {{name: kong, type: metrics, preset: kong, gateway: kong, url: "{page.url}", interval: 0.1s}}
"""
    )
    first = _collect(config, "--once")
    assert first.wait(60) == 0, first.stderr.read().decode() if first.stderr else ""

    truth = [0, 0, 0]
    started = time.time()
    rotations = interrupted = 0
    revision = _revision(store)
    for kill in range(KILLS):
        child = _collect(config)
        # A quarter dies while it starts, the others within moments of their first commit.
        early = rng.random() < 0.25
        deadline = time.monotonic() + (rng.uniform(0.05, 0.8) if early else 30)
        storing = early
        with log.open("a") as file:
            while time.monotonic() < deadline:
                if not storing and _revision(store) > revision:
                    storing = True
                    deadline = time.monotonic() + rng.uniform(0, 0.25)
                lines = []
                for _ in range(rng.randrange(1, 200)):
                    used, made = rng.randrange(1, 5000), rng.randrange(1, 5000)
                    truth[0] += 1
                    truth[1] += used
                    truth[2] += made
                    lines.append(_line(started, used, made, truth[0]))
                file.write("".join(lines))
                file.flush()
                page.step(rng)
                time.sleep(0.002)  # the traffic's own pace, not a wait for anything
        child.kill()
        child.wait()
        if child.stderr:
            child.stderr.close()
        before, revision = revision, _revision(store)
        interrupted += revision > before
        if kill % 10 == 9:
            rotations += 1
            log.rename(tmp_path / f"cost-tracking.jsonl.{rotations}")
            log.touch()
    last = _collect(config, "--once")
    assert last.wait(120) == 0
    for child in (first, last):
        if child.stderr:
            child.stderr.close()

    assert interrupted > KILLS / 2, "most were killed before they had stored anything"
    with sqlite3.connect(store) as db:
        query = """SELECT sum(requests), sum(input), sum(output), sum(effective) FROM {}
                   JOIN series ON series.id = series WHERE gateway = ?"""
        for level in ("minute", "hour", "day"):
            proxy = db.execute(query.format(level), ["proxy"]).fetchone()
            kong = db.execute(query.format(level), ["kong"]).fetchone()
            assert list(proxy[:3]) == truth, level
            assert proxy[3] == truth[1] * 2_000 + truth[2] * 10_000
            assert kong == (
                page.requests,
                page.input,
                page.output,
                page.input * 2 + page.output * 10,
            )
        rows = db.execute("SELECT count(*), sum(input), sum(output) FROM request").fetchone()
        assert list(rows) == truth
    db.close()


def _revision(store: Path) -> int:
    db = sqlite3.connect(store)
    try:
        return int(db.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()[0])
    finally:
        db.close()


def _line(started: float, used: int, made: int, number: int) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started))
    return (
        json.dumps(
            {
                "timestamp": f"{moment}.{number % 1_000_000_000:09d}Z",
                "provider": "openai",
                "model": "m-1",
                "endpoint": "/v1/chat/completions",
                "is_streaming": False,
                "input_tokens": used,
                "output_tokens": made,
                "total_tokens": used + made,
                "input_cost": 0,
                "output_cost": 0,
                "total_cost": 0,
                "is_estimate": False,
            },
            separators=(",", ":"),
        )
        + "\n"
    )
