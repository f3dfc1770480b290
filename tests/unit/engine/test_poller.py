"""The poller: failures become statuses, gaps are recorded, a lost batch is read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path

import pytest

from costtui.config.schema import Config, SourceConfig, StoreConfig
from costtui.engine.collector import Collector
from costtui.errors import (
    SourceUnreachableError,
    StoreBusyError,
    StoreCorruptError,
    StoreFullError,
)
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch, Checkpoint, Source
from costtui.store.reader import Reader

NOW = 1_800_000_000.0


class StepClock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class Scripted:
    """A source that does what the test says, one step a poll."""

    name = "scripted"

    def __init__(self) -> None:
        self.script: list[object] = []
        self.restored: list[Checkpoint] = []
        self.read = 0

    def restore(self, checkpoint: Checkpoint) -> None:
        self.restored.append(dict(checkpoint))
        self.read = int(checkpoint.get("read", "0"))

    async def poll(self, now: float) -> AsyncIterator[Batch]:
        step = self.script.pop(0) if self.script else 0
        if isinstance(step, BaseException):
            raise step
        assert isinstance(step, int)
        self.read += step
        ns = int(now * 1e9)
        record = UsageRecord(ns, ns, Dimensions("p", "m", "c", "g"), request_id="", input=1)
        yield Batch([record] * step, {"read": str(self.read)}, newest_ns=ns if step else 0)

    async def close(self) -> None:
        """Nothing to release."""


@pytest.fixture
def config(store_path: Path) -> Config:
    source = SourceConfig("scripted", "metrics", "g", interval=10.0)
    return Config(store=StoreConfig(store_path), sources=(source,), catalogue=False, timezone="UTC")


@pytest.fixture
def source() -> Scripted:
    return Scripted()


def _collector(config: Config, source: Scripted, clock: StepClock) -> Collector:
    def build(_: SourceConfig) -> Source:
        return source

    return Collector(config, clock=clock, build=build, jitter=False)


async def test_what_is_left_of_history_is_said_while_one_long_poll_reads_it(
    config: Config, source: Scripted, store_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    async def poll(now: float) -> AsyncIterator[Batch]:
        for done in (30, 60, 100):
            yield Batch([], {"read": str(done)}, backfill_done=done, backfill_total=100)
            clock.time += 6
            with Reader(store_path, zone=UTC) as reader:
                view = View(window_at(WINDOW_BY_NAME["1h"], now, UTC))
                (status,) = reader.overview(view, now).sources
                seen.append((status.backfill_done, status.backfill_total))

    source.poll = poll  # type: ignore[method-assign]
    clock = StepClock()
    async with _collector(config, source, clock) as collector:
        assert await collector.pollers[0].poll_once()
        status = collector.pollers[0].status
    assert seen == [(30, 100), (60, 100), (60, 100)]
    assert (status.backfill_done, status.backfill_total) == (100, 100)


async def test_a_failure_is_a_status_and_then_a_gap(config: Config, source: Scripted) -> None:
    clock = StepClock()
    source.script = [1, SourceUnreachableError("connection refused"), 2]
    async with _collector(config, source, clock) as collector:
        poller = collector.pollers[0]
        assert await poller.poll_once()
        clock.time += 30
        assert not await poller.poll_once()
        (status,) = await collector.store.statuses()
        assert (status.error, status.failures) == ("connection refused", 1)
        assert status.last_ok == NOW
        clock.time += 30
        assert await poller.poll_once()
        (status,) = await collector.store.statuses()
        assert (status.error, status.failures, status.gaps) == ("", 0, 1)
    with Reader(config.store.path, zone=UTC) as reader:
        (gap,) = reader.gaps(NOW - 100, NOW + 100)
        assert (gap.start, gap.end) == (NOW, NOW + 60)


async def test_a_full_disk_loses_nothing(
    config: Config, source: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StepClock()
    source.script = [3, 4]
    async with _collector(config, source, clock) as collector:
        poller = collector.pollers[0]
        append = collector.store.append

        async def full(*_: object, **__: object) -> None:
            raise StoreFullError("disk full")

        monkeypatch.setattr(collector.store, "append", full)
        assert not await poller.poll_once()
        assert poller.status.error == "disk full"
        assert source.restored[-1] == {}
        assert source.read == 0
        monkeypatch.setattr(collector.store, "append", append)
        assert await poller.poll_once()
        assert await collector.store.checkpoint("scripted") == {"read": "4"}


async def test_a_defect_in_a_source_costs_that_source_only(
    config: Config, source: Scripted
) -> None:
    source.script = [ZeroDivisionError("oops")]
    async with _collector(config, source, StepClock()) as collector:
        assert not await collector.pollers[0].poll_once()
        assert "ZeroDivisionError" in collector.pollers[0].status.error
        assert await collector.pollers[0].poll_once()


async def test_a_damaged_store_ends_the_collector(config: Config, source: Scripted) -> None:
    source.script = [StoreCorruptError("damaged")]
    async with _collector(config, source, StepClock()) as collector:
        with pytest.raises(StoreCorruptError, match="damaged"):
            await collector.run()


async def test_a_removed_store_ends_the_collector(config: Config, source: Scripted) -> None:
    async with _collector(config, source, StepClock()) as collector:
        config.store.path.unlink()
        with pytest.raises(StoreCorruptError, match="removed or replaced"):
            await collector.run()


async def test_one_collector_a_store(config: Config, source: Scripted) -> None:
    clock = StepClock()
    async with _collector(config, source, clock):
        with pytest.raises(StoreBusyError):
            await _collector(config, source, clock).__aenter__()
    async with _collector(config, source, clock):
        """The lock was released."""


async def test_run_ends_when_told(config: Config, source: Scripted) -> None:
    clock = StepClock()
    source.script = [5]
    async with _collector(config, source, clock) as collector:
        running = asyncio.create_task(collector.run())
        await collector.pollers[0].first_poll()
        collector.stop()
        await running
    with Reader(config.store.path, zone=UTC) as reader:
        view = View(window_at(WINDOW_BY_NAME["1h"], NOW, UTC))
        assert reader.totals(view, NOW).requests == 5


class Slow(Scripted):
    """Each batch takes 15 seconds; a step is a number of batches."""

    def __init__(self, clock: StepClock) -> None:
        super().__init__()
        self.clock = clock

    async def poll(self, now: float) -> AsyncIterator[Batch]:
        step = self.script.pop(0)
        assert isinstance(step, int)
        for _ in range(step):
            self.clock.time += 15
            yield Batch([], {})


async def test_a_backlog_is_no_overrun_and_a_slow_endpoint_is(config: Config) -> None:
    clock = StepClock()
    source = Slow(clock)
    source.script = [4, 1]
    async with _collector(config, source, clock) as collector:
        poller = collector.pollers[0]
        assert await poller.poll_once()
        assert poller.status.overruns == 0
        clock.time = poller.schedule.due
        assert await poller.poll_once()
        assert poller.status.overruns == 1


async def test_the_same_failure_is_logged_once(
    config: Config, source: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    clock = StepClock()
    source.script = [ValueError("a defect"), ValueError("a defect"), SourceUnreachableError("no")]
    async with _collector(config, source, clock) as collector:
        for _ in range(3):
            assert not await collector.pollers[0].poll_once()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["scripted: internal error: ValueError: a defect", "scripted: no"]
    assert "Traceback" in caplog.text
