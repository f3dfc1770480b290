"""The most valuable test: whatever happens, the store's totals are what was really spent.

A hypothesis state machine over a real log file (appended, rotated in three ways), a metrics page
served from memory (scraped, down, reset), the real collector (polled, crashed before a commit,
restarted) and changing prices. The truth is kept here with plain integers, per model and gateway.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from costtui.config.schema import Config, PriceOverride, SourceConfig, StoreConfig
from costtui.engine.collector import Collector
from costtui.errors import StoreFullError
from costtui.sources import factory
from costtui.sources.base import Source

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC).timestamp()
MODELS = ("m-cheap", "m-dear")


class StepClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class WholePipeline(RuleBasedStateMachine):
    """See the module's text."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="costtui-machine-"))
        self.log = self.folder / "cost-tracking.jsonl"
        self.log.touch()
        self.clock = StepClock()
        self.runner = asyncio.Runner()
        self.collector: Collector | None = None
        self.tokens: Counter[tuple[str, str, str]] = Counter()
        """(gateway, model, kind) → tokens really used."""
        self.requests: Counter[tuple[str, str]] = Counter()
        self.page: Counter[tuple[str, str]] = Counter()
        """(model, kind) → counter since the gateway's last start."""
        self.unscraped = False
        self.page_up = True
        self.page_started = START - 3600
        self.rates = {"m-cheap": (1, 2), "m-dear": (10, 30)}
        self.numbers = 0
        self.rotations = 0

    # The world

    def _serve(self, request: httpx.Request) -> httpx.Response:
        if not self.page_up:
            raise httpx.ConnectError("refused", request=request)
        # Without a start time nobody can tell a restart from growth once the new counter has
        # passed the old one between two scrapes.
        lines = [
            'kong_node_info{node_id="a",version="3.9"} 1',
            f"process_start_time_seconds {self.page_started}",
        ]
        for (model, kind), value in sorted(self.page.items()):
            labels = f'ai_provider="p",ai_model="{model}"'
            if kind == "requests":
                lines.append(f"kong_ai_llm_requests_total{{{labels}}} {value}")
            else:
                lines.append(f'kong_ai_llm_tokens_total{{{labels},token_type="{kind}"}} {value}')
        return httpx.Response(
            200, text="\n".join(lines) + "\n", headers={"Content-Type": "text/plain"}
        )

    def _config(self) -> Config:
        return Config(
            store=StoreConfig(self.folder / "c.db"),
            catalogue=False,
            pricing=tuple(
                PriceOverride(
                    "*", model, rates=(("input", Decimal(used)), ("output", Decimal(made)))
                )
                for model, (used, made) in self.rates.items()
            ),
            sources=(
                SourceConfig("log", "jsonl", "proxy", "llm-proxy", 1.0, paths=(str(self.log),)),
                SourceConfig("kong", "metrics", "kong", "kong", 5.0, url="http://127.0.0.1:1/m"),
            ),
            timezone="UTC",
        )

    def _build(self, config: SourceConfig) -> Source:
        return factory.build(config, transport=httpx.MockTransport(self._serve))

    async def _start(self) -> None:
        self.collector = Collector(
            self._config(), clock=self.clock, build=self._build, jitter=False
        )
        await self.collector.__aenter__()

    async def _stop(self) -> None:
        if self.collector is not None:
            await self.collector.__aexit__()
            self.collector = None

    async def _poll(self) -> None:
        assert self.collector is not None
        for poller in self.collector.pollers:
            await poller.poll_once()

    @initialize()
    def begin(self) -> None:
        self.runner.run(self._start())
        self.runner.run(self._poll())

    # What happens

    @rule(
        model=st.sampled_from(MODELS), count=st.integers(1, 5), used=st.integers(1, 10**6),
        made=st.integers(0, 10**5), torn=st.booleans(),
    )  # fmt: skip
    def append(self, model: str, count: int, used: int, made: int, torn: bool) -> None:
        with self.log.open("a") as file:
            for _ in range(count):
                self.numbers += 1
                moment = datetime.fromtimestamp(self.clock.time, UTC).strftime("%Y-%m-%dT%H:%M:%S")
                text = json.dumps(
                    {
                        "timestamp": f"{moment}.{self.numbers:09d}Z",
                        "provider": "p",
                        "model": model,
                        "endpoint": "/v1/chat/completions",
                        "input_tokens": used,
                        "output_tokens": made,
                        "total_cost": 0,
                        "is_estimate": False,
                    }
                )
                self.requests["proxy", model] += 1
                self.tokens["proxy", model, "input"] += used
                self.tokens["proxy", model, "output"] += made
                if torn:
                    file.write(text[:20])
                    file.flush()
                    self.runner.run(self._poll())
                    file.write(text[20:] + "\n")
                else:
                    file.write(text + "\n")

    @rule(model=st.sampled_from(MODELS), used=st.integers(1, 10**6), made=st.integers(0, 10**5))
    def traffic(self, model: str, used: int, made: int) -> None:
        if not self.page_up:
            return
        self.unscraped = True
        self.page[model, "requests"] += 1
        self.page[model, "prompt_tokens"] += used
        self.page[model, "completion_tokens"] += made
        self.requests["kong", model] += 1
        self.tokens["kong", model, "input"] += used
        self.tokens["kong", model, "output"] += made

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.clock.time += seconds

    @rule()
    def poll(self) -> None:
        self.clock.time += 1
        self.runner.run(self._poll())
        if self.page_up:
            self.unscraped = False

    @rule()
    def rotate_by_rename(self) -> None:
        self.rotations += 1
        self.log.rename(self.folder / f"cost-tracking.jsonl.{self.rotations}")
        self.log.touch()

    @rule()
    def rotate_by_copy_and_truncate(self) -> None:
        self.rotations += 1
        shutil.copyfile(self.log, self.folder / f"cost-tracking.jsonl.{self.rotations}")
        with self.log.open("r+b") as file:
            file.truncate(0)

    @rule()
    def page_goes_down_or_comes_up(self) -> None:
        self.page_up = not self.page_up

    @precondition(lambda self: not self.unscraped)
    @rule()
    def gateway_restarts_after_a_scrape(self) -> None:
        self.page.clear()
        self.clock.time += 1
        self.page_started = self.clock.time

    @rule()
    def restart(self) -> None:
        self.runner.run(self._stop())
        self.runner.run(self._start())

    @rule()
    def crash_before_a_commit(self) -> None:
        async def crash() -> None:
            assert self.collector is not None
            store = self.collector.store

            async def full(*_: Any, **__: Any) -> int:
                raise StoreFullError("no space left")

            original = store.append
            store.append = full  # type: ignore[method-assign]
            await self._poll()
            store.append = original  # type: ignore[method-assign]
            await self._stop()
            await self._start()

        self.runner.run(crash())

    @rule(model=st.sampled_from(MODELS), used=st.integers(1, 50), made=st.integers(1, 50))
    def prices_change(self, model: str, used: int, made: int) -> None:
        async def again() -> None:
            await self._stop()
            self.rates = {**self.rates, model: (used, made)}
            await self._start()
            assert self.collector is not None
            await self.collector.reprice_all()

        self.runner.run(again())

    # The end: everything is read, and the totals are the truth

    def teardown(self) -> None:
        try:
            if self.collector is not None:
                self.page_up = True
                for _ in range(3):
                    self.clock.time += 60
                    self.runner.run(self._poll())
                self.runner.run(self._stop())
                self._compare()
        finally:
            if self.collector is not None:
                self.runner.run(self._stop())
            self.runner.close()
            shutil.rmtree(self.folder)

    def _compare(self) -> None:
        db = sqlite3.connect(self.folder / "c.db")
        try:
            for level in ("minute", "ten_minute", "hour", "six_hour", "day"):
                rows = db.execute(
                    f"""SELECT gateway, model, sum(requests), sum(input), sum(output),
                        sum(effective) FROM {level} JOIN series ON series.id = series
                        GROUP BY gateway, model"""
                ).fetchall()
                found = {(g, m): (r, i, o, e) for g, m, r, i, o, e in rows if r or i or o}
                expected = {}
                for (gateway, model), count in self.requests.items():
                    used = self.tokens[gateway, model, "input"]
                    made = self.tokens[gateway, model, "output"]
                    rate_in, rate_out = self.rates[model]
                    cost = (used * rate_in + made * rate_out) * 1000
                    expected[gateway, model] = (count, used, made, cost)
                assert found == expected, level
        finally:
            db.close()


TestWholePipeline = WholePipeline.TestCase
TestWholePipeline.settings = settings(
    parent=settings(), max_examples=60, stateful_step_count=25, deadline=None
)
