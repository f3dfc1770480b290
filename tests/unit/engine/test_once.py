"""`collect --once` reads to the end, and says so when a server lets it not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from costtui.config.schema import Config, SourceConfig, StoreConfig
from costtui.engine.collector import MOST_REFUSALS, Collector
from costtui.sources.base import Batch, Checkpoint, Source

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


class Refused:
    """A source whose history is refused as the script says, one step a poll."""

    name = "scripted"

    def __init__(self, *script: float | str | None) -> None:
        self.script = list(script)
        self.polls = 0
        self.has_more = False
        self.refused_s: float | None = 0.0

    def restore(self, checkpoint: Checkpoint) -> None:
        """Nothing is remembered."""

    async def poll(self, now: float) -> AsyncIterator[Batch]:
        self.polls += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.has_more = step == "more"
        self.refused_s = 0.0 if isinstance(step, str) else step
        yield Batch([], {})

    async def close(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(
    ("script", "complete", "polls", "seconds"),
    [
        (("more", "more", "end"), True, 3, 0),
        ((15.0, "more", 30.0, "end"), True, 4, 45),
        (("more", None), False, 2, 0),
        ((15.0,), False, MOST_REFUSALS + 1, MOST_REFUSALS * 15),
    ],
)
async def test_history_that_is_refused(
    script: tuple[float | str | None, ...],
    complete: bool,
    polls: int,
    seconds: float,
    store_path: Path,
) -> None:
    config = Config(
        store=StoreConfig(store_path),
        sources=(SourceConfig("scripted", "prometheus", "g"),),
        catalogue=False,
        timezone="UTC",
    )
    source, clock = Refused(*script), StepClock()

    def build(_: SourceConfig) -> Source:
        return source

    async with Collector(config, clock=clock, build=build, jitter=False) as collector:
        assert await collector.once() is complete
    assert source.polls == polls
    assert clock.time == NOW + seconds
