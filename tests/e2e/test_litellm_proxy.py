"""A real LiteLLM proxy under a real collector, with a restart in the middle: to the nano-dollar.

The truth is LiteLLM's own: it writes each call's standard logging payload, the record that its
spend logs are made of, as a line of JSON, and this test adds those lines up. Two stores must say
the same: one that `costtui collect` filled by scraping /metrics/ while the load ran, and one that
it filled from those lines with the preset `litellm-log`.

What answers is a small provider on loopback with random usage, cached and reasoning tokens and
429s; one model is answered by LiteLLM itself (`mock_response`), partly as a stream. One model has
prices of its own, one has none.

The proxy is stopped only after the collector has seen its last count. What a killed process had
counted since the last scrape is lost to everybody; costtui says `≥` then, and that is tested
elsewhere.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.litellm,
    pytest.mark.timeout(400),
]

FILES = Path(__file__).parent / "litellm"
VENV = Path(__file__).parents[2] / ".venv-litellm"
KEYS = ("made-up-key-1", "made-up-key-2", "made-up-key-3")
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet", "local-llama", "mystery-model")
INTERVAL = 0.5
START_WAIT = 90.0
"""Seconds for LiteLLM to start: 7 s on two free cores."""

Until = Callable[..., object]
Totals = dict[tuple[str, str, str], tuple[int, ...]]
"""(provider, model, key) → requests, errors, throttled, input, cached, output, reasoning, nano-USD;
disjoint, as costtui counts."""


def need_litellm() -> Path:
    """LiteLLM's program; without it the test is skipped, in CI too, and says why. It is the one
    exception to the rule that CI skips nothing: 120 packages that not every mirror has."""
    program = VENV / "bin" / "litellm"
    if program.exists():
        return program
    why = VENV / "why-not"
    reason = why.read_text().strip() if why.exists() else "`make litellm` was not run"
    reason = f"no LiteLLM: {reason}"
    print(reason)
    pytest.skip(reason)


class Provider:
    """An OpenAI-like provider with usage of its own invention."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    status, answer = _answer(rng, asked)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _answer(rng: random.Random, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    if asked["messages"][0]["content"] == "boom":
        return 429, {"error": {"message": "slow down", "type": "rate_limit", "code": "429"}}
    used, made = rng.randint(20, 4000), rng.randint(1, 500)
    return 200, {
        "id": f"c-{rng.getrandbits(60):015x}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": asked["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "yes"},
            }
        ],
        "usage": {
            "prompt_tokens": used,
            "completion_tokens": made,
            "total_tokens": used + made,
            "prompt_tokens_details": {"cached_tokens": rng.choice((0, used // 3))},
            "completion_tokens_details": {"reasoning_tokens": rng.choice((0, made // 4))},
        },
    }


class Proxy:
    """A real LiteLLM proxy that can be stopped and started again on the same port."""

    def __init__(self, program: Path, folder: Path, upstream: str, until: Until) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.spend_log = folder / "spend.jsonl"
        self.spend_log.touch()
        self._said = folder / "litellm.txt"
        self._until = until
        self._command = [
            str(program), "--config", str(FILES / "config.yml"),
            "--host", "127.0.0.1", "--port", str(self.port),
        ]  # fmt: skip
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",  # its own modules lie in this repository
            "UPSTREAM": upstream,
            "SPEND_LOG": str(self.spend_log),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the internet for prices
            "LITELLM_MASTER_KEY": "made-up-master-key-that-nobody-uses",
        }
        self._process: subprocess.Popen[bytes] | None = None
        # A connection each: the proxy closes idle ones, and a call must not be asked twice.
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(trust_env=False, timeout=30, limits=fresh)

    def start(self) -> None:
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                self._command, env=self._env, stdout=said, stderr=said, cwd=self._said.parent
            )
        self._until(self._ready, lambda: f"LiteLLM up:\n{self.said}", START_WAIT)

    @property
    def said(self) -> str:
        return self._said.read_text(errors="replace")[-4000:]

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said
        try:
            return self._client.get(f"{self.url}/health/liveliness").status_code == 200
        except httpx.TransportError:
            return False

    def load(self, seed: int, calls: int) -> None:
        """Ask for `calls` completions, four at a time."""
        rng = random.Random(seed)
        asked = []
        for _ in range(calls):
            model = rng.choice(MODELS)
            boom = model.startswith("gpt") and rng.random() < 0.1
            body: dict[str, Any] = {
                "model": model,
                "messages": [{"role": "user", "content": "boom" if boom else "hello"}],
            }
            if model == "claude-sonnet" and rng.random() < 0.4:
                body["stream"] = True
            asked.append((rng.choice(KEYS), body, 429 if boom else 200))

        def ask(one: tuple[str, dict[str, Any], int]) -> None:
            key, body, expected = one
            answer = self._client.post(
                f"{self.url}/v1/chat/completions",
                json=body,
                headers={"Authorization": f"Bearer {key}"},
            )
            assert answer.status_code == expected, answer.text

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, asked))

    def counted(self) -> int:
        """Calls that stand on its page, by the two counters that every call ends in."""
        headers = {"Authorization": f"Bearer {KEYS[0]}"}
        text = self._client.get(f"{self.url}/metrics/", headers=headers).text
        found = re.findall(
            r"^litellm_(?:requests|proxy_failed_requests)_metric_total\{.*\} (\S+)$", text, re.M
        )
        return int(sum(map(float, found)))

    def logged(self) -> int:
        return self.spend_log.read_bytes().count(b"\n")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def close(self) -> None:
        self.stop()
        self._client.close()


@pytest.fixture
def proxy(tmp_path: Path, until: Until) -> Iterator[Proxy]:
    program = need_litellm()
    provider = Provider(seed=11)
    proxy = Proxy(program, tmp_path, provider.url, until)
    yield proxy
    proxy.close()
    provider.close()


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `costtui collect` processes; none outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(source: str, store: Path, *more: str) -> subprocess.Popen[bytes]:
        config = store.with_suffix(".yml")
        config.write_text(f"store: {{path: {store}}}\nsources:\n  - {source}\n")
        with (tmp_path / f"{store.stem}.txt").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "costtui", "--config", str(config), "collect", *more],
                env={**os.environ, "LITELLM_KEY": KEYS[0]},
                stderr=said,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_real_proxy_to_the_nano_dollar(
    proxy: Proxy, collect: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, until: Until
) -> None:
    scraped, read = tmp_path / "scraped.db", tmp_path / "read.db"
    proxy.start()
    collector = collect(
        f"{{name: llm, type: metrics, preset: litellm, url: '{proxy.url}/metrics/', "
        f"bearer_token: '${{LITELLM_KEY}}', gateway: litellm, interval: {INTERVAL}s}}",
        scraped,
    )
    until(lambda: _last_ok(scraped), "a first scrape", 30)

    calls = 0
    for seed, more in ((1, 150), (2, 100)):
        if calls:  # the restart: every counter begins again at 0
            proxy.stop()
            proxy.start()
        calls += more
        proxy.load(seed, more)
        _drain(proxy, calls, more, scraped, until)
    collector.send_signal(signal.SIGTERM)
    assert collector.wait(20) == 0
    once = collect(
        f"{{name: log, type: jsonl, preset: litellm-log, paths: ['{proxy.spend_log}']}}",
        read,
        "--once",
    )
    assert once.wait(60) == 0, (tmp_path / "read.txt").read_text()

    truth = _truth(proxy.spend_log)
    assert {model for _, model, _ in truth} == {
        "gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "llama-3.1-8b-instruct", "mystery-model-9000",
    }  # fmt: skip
    assert len({key for _, _, key in truth}) == len(KEYS)
    assert sum(row[0] for row in truth.values()) == calls
    assert all(sum(column) for column in list(zip(*truth.values(), strict=True))[2:])
    assert _stored(scraped) == truth, "scraped"
    assert _stored(read) == truth, "read from the log"
    assert _resets(scraped) >= 1


def _drain(proxy: Proxy, logged: int, counted: int, store: Path, until: Until) -> None:
    """Wait until LiteLLM has put everything into its log and on its page, which it does after it
    has answered, and the collector has read that page."""
    until(lambda: proxy.logged() == logged, lambda: f"{proxy.logged()} of {logged} logged")
    until(lambda: proxy.counted() == counted, lambda: f"{proxy.counted()} of {counted} counted")
    # A second time: traffic that reports no cost waits one scrape for it (decision 032).
    done = time.time() + INTERVAL
    until(lambda: _last_ok(store) > done, "a scrape of all that", 60)


def _truth(log: Path) -> Totals:
    """What LiteLLM says it spent.

    Costs are summed exactly, from the decimal that its JSON holds. Each call's cost is a whole
    number of nano-dollars but for the noise of floats (0.00033000000000000005 for 330,000 nanos),
    and so is each counter's sum, whose noise after thousands of calls is still a millionth of a
    nano. Both are therefore rounded and compared with no tolerance at all.
    """
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * 8)
    for line in log.read_text().splitlines():
        call = json.loads(line)
        known = call["metadata"]
        usage = known["usage_object"] or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
        model = call["model"].rpartition("/")[2]
        total = sums[call["custom_llm_provider"], model, known["user_api_key_alias"]]
        exact = Decimal(str(call["response_cost"])) * 1_000_000_000
        nano = round(exact)
        assert abs(exact - nano) < Decimal("0.000001"), line[:200]
        throttled = call["status"] == "failure"
        for number, amount in enumerate(
            (
                1, 0, int(throttled), call["prompt_tokens"] - cached, cached,
                call["completion_tokens"] - thought, thought, nano,
            )
        ):  # fmt: skip
            total[number] += amount
    return {key: tuple(total) for key, total in sums.items()}


def _stored(store: Path) -> Totals:
    """The same from a store, alike at three levels of its roll-ups."""
    levels = []
    for level in ("minute", "hour", "day"):
        rows = _query(
            store,
            f"""SELECT provider, model, consumer, sum(requests), sum(errors), sum(throttled),
                       sum(input), sum(cache_read), sum(output), sum(reasoning), sum(effective)
                FROM {level} JOIN series ON series.id = series GROUP BY 1, 2, 3""",
        )
        levels.append({row[:3]: row[3:] for row in rows})
    assert levels[0] == levels[1] == levels[2]
    return levels[0]


def _last_ok(store: Path) -> float:
    rows = _query(store, "SELECT last_ok FROM source") if store.exists() else []
    return float(rows[0][0]) if rows else 0.0


def _resets(store: Path) -> int:
    return int(_query(store, "SELECT resets FROM source")[0][0])


def _query(store: Path, query: str) -> list[Any]:
    """Nothing while the store has no tables yet."""
    db = sqlite3.connect(store)
    try:
        return db.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        db.close()
