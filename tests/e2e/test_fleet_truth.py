"""An hour of the simulated fleet, with restarts, rotations and crashes: every total is the truth.

The fleet adds up what it really spent with its own integers, apart from everything that costtui
does; the store's totals must equal it to the nano-dollar, per provider, model, consumer and
gateway. Real sources, real store, real collector; only the clock and the wire are in memory.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from costtui.config.load import load
from costtui.config.schema import Config, SourceConfig
from costtui.demo.configfile import write_config
from costtui.demo.fleet import Fleet
from costtui.demo.gateway import GatewayDownError
from costtui.demo.rhythm import Script
from costtui.demo.truth import DIMENSIONS, Amounts
from costtui.engine.collector import Collector
from costtui.errors import StoreFullError
from costtui.sources import factory
from costtui.sources.base import Source

START = datetime(2026, 11, 20, 13, 0, tzinfo=UTC).timestamp()
FIELDS = (
    "requests", "errors", "throttled", "input", "cache_read", "cache_write", "cache_write_1h",
    "output", "reasoning", "effective",
)  # fmt: skip


class StepClock:
    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, start=START, seed=7, rate=8.0, days=0, script=Script())
    yield fleet
    fleet.close()


def _build(fleet: Fleet, config: SourceConfig) -> Source:
    def serve(request: httpx.Request) -> httpx.Response:
        try:
            text = fleet.page(config.name)
        except GatewayDownError:
            raise httpx.ConnectError("refused", request=request) from None
        return httpx.Response(200, text=text, headers={"Content-Type": "text/plain"})

    return factory.build(config, transport=httpx.MockTransport(serve))


@pytest.mark.slow
@pytest.mark.e2e
async def test_an_hour_with_everything_going_wrong_is_exact(fleet: Fleet, tmp_path: Path) -> None:
    urls = {name: f"http://127.0.0.1:1/{name}" for name in fleet.gateways}
    path = write_config(tmp_path, urls, fleet.proxy.pattern, fleet.services)
    config = load(path, env={})
    clock = StepClock(START)
    rng = random.Random(3)

    def collector(config: Config) -> Collector:
        return Collector(config, clock=clock, build=lambda c: _build(fleet, c), jitter=False)

    async def poll(running: Collector) -> None:
        for poller in running.pollers:
            await poller.poll_once()

    running = collector(config)
    await running.__aenter__()
    await poll(running)
    crashes = restarts = 0
    try:
        while clock.time < START + 3600:
            clock.time += rng.choice((2, 2, 2, 5, 15))
            fleet.advance(clock.time)
            luck = rng.random()
            if luck < 0.02:
                await _crash(running, poll)
                crashes += 1
                running = collector(config)
                await running.__aenter__()
            elif luck < 0.03:
                await running.__aexit__()
                restarts += 1
                running = collector(config)
                await running.__aenter__()
            await poll(running)
        fleet.advance(clock.time)
        for _ in range(3):
            clock.time += 2
            await poll(running)
    finally:
        await running.__aexit__()
    assert crashes >= 5
    assert restarts >= 2

    truth = fleet.truth()
    assert truth.total.requests > 5_000
    db = sqlite3.connect(config.store.path)
    try:
        for level in ("minute", "hour", "day"):
            for dimension in DIMENSIONS:
                found = _stored(db, level, dimension)
                expected = {k: _amounts(a) for k, a in truth.by(dimension).items()}
                assert found == expected, (level, dimension)
    finally:
        db.close()


async def _crash(running: Collector, poll: Any) -> None:
    """The batch is read but never stored, and nothing is closed in an orderly way."""

    async def full(*_: Any, **__: Any) -> int:
        raise StoreFullError("no space left on device")

    running.store.append = full  # type: ignore[method-assign]
    await poll(running)
    await running.__aexit__()


def _stored(db: sqlite3.Connection, level: str, dimension: str) -> dict[str, tuple[int, ...]]:
    sums = ", ".join(f"sum({name})" for name in FIELDS)
    rows = db.execute(
        f"SELECT {dimension}, {sums} FROM {level} JOIN series ON series.id = series GROUP BY 1"
    )
    return {row[0]: tuple(row[1:]) for row in rows if row[1]}


def _amounts(amounts: Amounts) -> tuple[int, ...]:
    return (*(getattr(amounts, name) for name in FIELDS[:-1]), amounts.effective_nano)
