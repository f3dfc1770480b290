"""From a batch to the store: price it and append it with its checkpoint in one transaction.

Pricing a bulk batch runs in a thread so that the event loop stays free for the scrapes; one
lock lets a single batch be priced and stored at a time. Two at once would be slower: SQLite's
Python binding drops and retakes the interpreter lock at every row, and each retake waits up to
5 ms behind a thread that computes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from costtui.config.schema import SourceConfig
from costtui.engine.clock import Clock
from costtui.model.requests import Priced
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer
from costtui.sources.base import Batch, Source
from costtui.store.writer import Store

INLINE_RECORDS = 200
"""Batches up to this size are priced on the event loop: a thread costs more than 200 µs."""


@dataclass(slots=True)
class Drained:
    """What one poll brought."""

    batches: int = 0
    records: int = 0
    resets: int = 0
    skipped: int = 0
    newest_ns: int = 0
    lag_s: float = 0.0
    backfill_done: int = 0
    backfill_total: int = 0
    note: str = ""


class Pipeline:
    """Prices and appends. The only caller of `Store.append`."""

    def __init__(self, store: Store, pricer: Pricer, clock: Clock) -> None:
        self.store = store
        self.pricer = pricer
        self.clock = clock
        self._turn = asyncio.Lock()

    async def drain(
        self,
        source: Source,
        config: SourceConfig,
        stored: Callable[[Batch], Awaitable[None]] | None = None,
    ) -> Drained:
        """Poll once and store everything it yields; `stored` hears of each batch.

        Raises `SourceError` (what came before it is stored) or `StoreError` (the batch is not
        stored and its checkpoint not advanced; the caller restores the source).
        """
        drained = Drained()
        batches = source.poll(self.clock.now())
        try:
            async for batch in batches:
                refused = await self.append(config, batch)
                drained.batches += 1
                drained.records += len(batch.records) - refused
                drained.resets += batch.resets
                drained.skipped += batch.skipped_count + refused
                drained.newest_ns = max(drained.newest_ns, batch.newest_ns)
                drained.lag_s = batch.lag_s
                drained.backfill_done = batch.backfill_done
                drained.backfill_total = batch.backfill_total
                drained.note = batch.note
                if stored is not None:
                    await stored(batch)
        finally:
            await batches.aclose()  # type: ignore[attr-defined]
        return drained

    async def append(self, config: SourceConfig, batch: Batch) -> int:
        """Price and store one batch. Returns how many of its records the store refused."""
        async with self._turn:
            records = batch.records
            if len(records) > INLINE_RECORDS:
                charges = await asyncio.to_thread(self.price, config, records)
            else:
                charges = self.price(config, records)
            write = self.store.append(
                config.name,
                records,
                charges,
                checkpoint=batch.checkpoint,
                skipped=batch.skipped,
                skipped_count=batch.skipped_count,
                resets=batch.resets,
                newest_ns=batch.newest_ns,
                unread=batch.unread,
                now=self.clock.now(),
            )
            # A shutdown must not tear a transaction: it ends, and only then does the poller.
            return await asyncio.shield(asyncio.ensure_future(write))

    def price(self, config: SourceConfig, records: Sequence[UsageRecord]) -> Sequence[Priced]:
        """The charges of `records`, in their order, by the source's cost policy."""
        return self.pricer.charge_all(records, config.cost)
