"""A real `costtui collect --listen`, read by another costtui and by a real Prometheus.

The truth is what the test wrote to the log. The listening collector is killed with SIGKILL while it
is asked, twice; in the end both readers have the log's requests, tokens and nano-dollars.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(200)]

PROXY = """
store: {{path: {folder}/store.db}}
timezone: UTC
sources:
  - {{name: edge, type: jsonl, preset: llm-proxy, path: {log}, interval: 0.2}}
consumers:
  team-0: {{team: search}}
budgets:
  - {{name: each, limit: 0.01, by: [consumer]}}
  - {{name: teams, limit: 1000, by: [team]}}
"""
READER = """
store: {{path: {folder}/store.db}}
timezone: UTC
sources:
  - name: far
    type: {type}
    preset: costtui
    url: {url}
    interval: 0.5
    gateway_labels: [gateway]
"""


class Host:
    """The collector that listens."""

    def __init__(self, folder: Path, log: Any, port: int) -> None:
        self.folder, self.port = folder, port
        folder.mkdir()
        self.config = folder / "config.yml"
        self.config.write_text(PROXY.format(folder=folder, log=log.path))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [sys.executable, "-m", "costtui", "collect", "--config", str(self.config)]
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [*words, "--listen", str(self.port)], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, env={**os.environ, "HOME": str(self.folder)},
            )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """(status, body); (0, "") where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()


@pytest.fixture
def host(tmp_path: Path, log: Any, bench: ModuleType) -> Iterator[Host]:
    log.path.touch()
    made = Host(tmp_path / "host", log, bench.free_port())
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def counters(page: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    usage = ("costtui_cost_usd_total", "costtui_tokens_total", "costtui_requests_total")
    return {name: float(value) for name, _, value in lines if name.startswith(usage)}


def test_what_another_costtui_and_a_prometheus_read_is_what_was_used(
    host: Host,
    log: Any,
    bench: ModuleType,
    until: Callable[..., object],
    need: Callable[[str, str], None],
    collectors: Any,
    totals: Callable[..., tuple[int, int, int]],
    tmp_path: Path,
) -> None:
    need("prometheus", "the listener's page is not read by a real Prometheus")
    address = f"127.0.0.1:{host.port}"
    server = bench.RealPrometheus(tmp_path / "prom", {"costtui": [address]}, interval="500ms")
    readers = {"metrics": f"http://{address}/metrics", "prometheus": server.url}
    files = {}
    for kind, url in readers.items():
        folder = tmp_path / kind
        folder.mkdir()
        files[kind] = folder / "config.yml"
        files[kind].write_text(READER.format(folder=folder, type=kind, url=url))
    server.start()
    stop = threading.Event()
    seen: list[int] = []
    # Both readers look before there is anything: what comes later is counted from its first unit.
    collectors.start(files["metrics"])
    until(lambda: (tmp_path / "metrics" / "store.db").exists(), "the reader's store")
    until(lambda: server.query("up == 0"), "a scrape that failed")
    until(lambda: _attempted(tmp_path / "metrics" / "store.db"), "a first attempt")
    host.start()
    until(lambda: host.ask("/health")[0] == 200, "the listener")
    # The server's own counters begin with a scrape that shows none.
    until(lambda: server.value("up") == 1, "a scrape")

    question = "/budget?consumer=team-1&estimate=0.01"
    until(lambda: '"stale": false' in host.ask(question)[1], "a look at the budgets")
    assert host.ask(question)[0] == 200

    def keep_asking() -> None:
        while not stop.is_set():
            seen.append(host.ask(question)[0])
            time.sleep(0.02)

    askers = [threading.Thread(target=keep_asking) for _ in range(4)]
    for asker in askers:
        asker.start()
    before: dict[str, float] = {}
    try:
        for turn in range(3):
            for _ in range(4):
                log.grow(40)
                time.sleep(0.15)
            until(lambda: _requests(host) == log.requests, "all lines on the page")
            page = counters(host.ask("/metrics")[1])
            assert all(page[name] >= value for name, value in before.items())
            before = page
            if turn < 2:
                log.grow(25)
                host.kill()
                host.start()
                until(lambda: host.ask("/health")[0] == 200, "the listener again")
                page = counters(host.ask("/metrics")[1])
                assert all(page[name] >= value for name, value in before.items())
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert set(seen) <= {0, 200, 402}
    assert 402 in seen
    assert totals("--config", host.config) == log.truth
    last = lambda: totals("--config", files["metrics"]) == log.truth  # noqa: E731
    until(last, lambda: f"{totals('--config', files['metrics'])} != {log.truth}")
    until(lambda: _scraped(server) == log.requests, "the last scrape")
    assert collectors.start(files["prometheus"], "--once").wait(60) == 0
    assert totals("--config", files["prometheus"]) == log.truth
    server.stop()
    _says_who_it_is(host, totals)
    _holds_out(host)
    _is_taken(host, tmp_path)
    assert host.process is not None
    host.process.send_signal(signal.SIGTERM)
    assert host.process.wait(20) == 0


def _attempted(store: Path) -> bool:
    import sqlite3

    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        try:
            return bool(db.execute("SELECT 1 FROM checkpoint").fetchone())
        except sqlite3.Error:
            return False


def _requests(host: Host) -> int:
    page = counters(host.ask("/metrics")[1])
    return round(sum(v for name, v in page.items() if name.startswith("costtui_requests")))


def _scraped(server: Any) -> int:
    return round(float(server.value("sum(costtui_requests_total)")))


def _says_who_it_is(host: Host, totals: Callable[..., tuple[int, int, int]]) -> None:
    status, body = host.ask("/health")
    told = json.loads(body)
    assert (status, told["sources"][0]["name"], told["sources"][0]["state"]) == (200, "edge", "ok")
    page = host.ask("/metrics")[1]
    polls = re.search(r'costtui_source_polls_total\{source="edge"\} (\S+)', page)
    assert polls is not None
    assert float(polls[1]) > 1
    spent = 0
    for team in range(4):
        status, body = host.ask(f"/budget?consumer=team-{team}&estimate=0")
        found = {one["name"]: one for one in json.loads(body)["budgets"]}
        assert status == 402  # of each a cent is spent long ago
        spent += round(float(found["each"]["spent"]) * 10**9)
        assert found["teams"]["labels"] == {"team": "search" if team == 0 else ""}
    assert spent == totals("--config", host.config)[2]
    assert host.ask("/budget?consumr=x")[0] == 400
    assert host.ask("/budget", Host="evil.example")[0] == 421
    words = [sys.executable, "-m", "costtui", "check", "--config", str(host.config)]
    check = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert check.returncode == 2
    assert check.stdout.startswith("COSTTUI CRITICAL - ")


def _holds_out(host: Host) -> None:
    """Two hundred at once, beside fifty that never end their question."""
    slow = [socket.create_connection(("127.0.0.1", host.port), timeout=20) for _ in range(50)]
    for one in slow:
        one.sendall(b"GET /budget?consumer=")
    gate = threading.Barrier(200)

    def ask(number: int) -> int:
        gate.wait(30)
        return host.ask(f"/budget?consumer=new-{number}%00%1b&estimate=0.01")[0]

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(ask, range(200))) == {200}
    for one in slow:
        one.close()


def _is_taken(host: Host, folder: Path) -> None:
    """A second collector on the same port says so, and collects nothing."""
    other = folder / "other.yml"
    other.write_text(PROXY.format(folder=folder / "other", log=folder / "none.jsonl"))
    words = [sys.executable, "-m", "costtui", "collect", "--config", str(other)]
    done = subprocess.run(
        [*words, "--listen", str(host.port)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == f"listen: 127.0.0.1:{host.port}: Address already in use\n"
    done = subprocess.run([*words, "--listen", "0.0.0.0:0"], capture_output=True, text=True)
    assert (done.returncode, "a token is needed" in done.stderr) == (2, True)
