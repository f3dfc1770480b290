"""Puts usage that a simulation made into a store, by the same way as all other usage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from costtui.config.schema import Config
from costtui.engine.collector import Collector
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch

History = Iterable[tuple[str, list[UsageRecord]]]
"""(source name, records) pairs."""


def append_history(config: Config, history: History) -> int:
    """Price and append `history`. Returns the number of records. Raises `StoreError`."""

    async def go() -> int:
        count = 0
        async with Collector(config) as collector:
            by_name = {s.name: s for s in config.sources}
            for name, records in history:
                newest = max((record.end_ns for record in records), default=0)
                batch = Batch(records=records, newest_ns=newest)
                await collector.pipeline.append(by_name[name], batch)
                count += len(records)
        return count

    return asyncio.run(go())
