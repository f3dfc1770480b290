"""One loop a source: due time, poll, back-off, for ever.

A border: whatever a source or the store raises ends here as a status that the screen shows,
never as a dead collector. The exceptions to that are a damaged or newer store, which no retry
can mend; they end the collector with their message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from costtui.config.schema import SourceConfig
from costtui.engine.clock import Clock
from costtui.engine.pipeline import Drained, Pipeline
from costtui.engine.schedule import Schedule
from costtui.errors import SourceError, StoreCorruptError, StoreError, StoreNewerError
from costtui.model.snapshot import SourceStatus
from costtui.sources.base import Batch, Source

log = logging.getLogger(__name__)

STATUS_EVERY = 5.0
"""Seconds between two status writes when nothing but the time of the last poll changed."""


class Poller:
    """Polls one source for as long as it is run."""

    def __init__(
        self,
        source: Source,
        config: SourceConfig,
        pipeline: Pipeline,
        clock: Clock,
        status: SourceStatus,
        *,
        jitter: float = 0.0,
        early: float = 0.0,
    ) -> None:
        self.source = source
        self.config = config
        self.pipeline = pipeline
        self.clock = clock
        self.status = replace(
            status,
            interval=config.interval,
            error="",
            failures=0,
            note="",
            next_poll=clock.now() + jitter,
        )
        self.schedule = Schedule(config.interval, clock.monotonic() + jitter, early=early)
        self.polls = self.failed_polls = 0
        """Since the collector began; a poll that failed is in both."""
        self.poll_seconds = self.last_poll_seconds = 0.0
        self._written_at = float("-inf")
        self._up = asyncio.Event()
        """Set once the first poll has ended, well or not."""

    async def first_poll(self) -> None:
        """Wait until the source has been tried once."""
        await self._up.wait()

    @property
    def tried(self) -> bool:
        """Has a poll ended, well or not?"""
        return self._up.is_set()

    async def run(self) -> None:
        """Poll until cancelled. Raises only `StoreCorruptError` and `StoreNewerError`."""
        while True:
            wait = self.schedule.due - self.clock.monotonic()
            if wait > 0:
                await self.clock.sleep(wait)
            else:
                await asyncio.sleep(0)
            await self.poll_once()

    async def poll_once(self) -> bool:
        """One poll with everything that follows from it. True when it succeeded."""
        began, ticks = self.clock.now(), self.clock.monotonic()
        before = self.status
        self.polls += 1
        try:
            drained = await self.pipeline.drain(self.source, self.config, self._reading)
        except (StoreCorruptError, StoreNewerError):
            raise
        except SourceError as error:
            await self._failed(began, str(error) or type(error).__name__)
            return False
        except StoreError as error:
            await self._restore()
            await self._failed(began, str(error))
            return False
        except Exception as error:  # noqa: BLE001  a border: a defect costs one source
            await self._restore()
            await self._failed(began, f"internal error: {type(error).__name__}: {error}", error)
            return False
        finally:
            self._up.set()
            self.last_poll_seconds = self.clock.monotonic() - ticks
            self.poll_seconds += self.last_poll_seconds
        await self._succeeded(began, before, drained)
        return True

    async def _reading(self, batch: Batch) -> None:
        """How much of the history has been read is said while it is read: a backlog may fit into
        one poll of many seconds, in which every sum grows by what is long past."""
        done, total = batch.backfill_done, batch.backfill_total
        if done < total and total != self.status.backfill_total:
            self.status = replace(self.status, backfill_done=done, backfill_total=total)
            await self._write_status(urgent=True)
        elif done < total:
            self.status = replace(self.status, backfill_done=done)
            await self._write_status(urgent=False)

    async def _restore(self) -> None:
        """Go back to what is stored: the batch in memory was not."""
        self.source.restore(await self.pipeline.store.checkpoint(self.config.name))

    async def _succeeded(self, began: float, before: SourceStatus, drained: Drained) -> None:
        now = self.clock.monotonic()
        more = getattr(self.source, "has_more", False)
        if more or drained.batches > 1:
            # A backlog, also one that fits into this poll: slow because there was much to read.
            self.schedule.more(now)
        if not more:
            self.schedule.succeeded(now)
        await self._record_gap(before, began)
        newest = max(before.last_data, drained.newest_ns / 1e9)
        self.status = replace(
            self.status,
            last_attempt=began,
            last_ok=began,
            last_data=newest,
            next_poll=self._next_poll(),
            lag_s=drained.lag_s,
            error="",
            failures=0,
            overruns=self.schedule.overruns,
            backfill_done=drained.backfill_done if drained.batches else before.backfill_done,
            backfill_total=drained.backfill_total if drained.batches else before.backfill_total,
            note=drained.note if drained.batches else before.note,
        )
        changed = bool(drained.records or drained.skipped or before.error) or (
            self.status.backfill_done,
            self.status.note,
        ) != (before.backfill_done, before.note)
        await self._write_status(urgent=changed)

    async def _failed(
        self, began: float, message: str, defect: BaseException | None = None
    ) -> None:
        """Say why, once: the same reason at every poll for days would fill the log."""
        self.failed_polls += 1
        self.schedule.failed(self.clock.monotonic())
        changed = message != self.status.error
        self.status = replace(
            self.status,
            last_attempt=began,
            next_poll=self._next_poll(),
            error=message,
            failures=self.schedule.failures,
            overruns=self.schedule.overruns,
        )
        if changed:
            log.warning("%s: %s", self.config.name, message, exc_info=defect)
        await self._write_status(urgent=changed)

    async def _record_gap(self, before: SourceStatus, now: float) -> None:
        """A stretch without a scrape is a gap. A log's lines and a server's samples wait: what is
        not read of them yet comes with the batches (`Batch.unread`)."""
        if self.config.type != "metrics" or not before.last_ok:
            return
        if now - before.last_ok > 2.5 * self.config.interval + self.config.timeout:
            await self._guarded(
                lambda: self.pipeline.store.add_gap(self.config.name, before.last_ok, now)
            )
            self.status = replace(self.status, gaps=self.status.gaps + 1)

    async def _write_status(self, *, urgent: bool) -> None:
        now = self.clock.monotonic()
        if urgent or now - self._written_at >= STATUS_EVERY:
            self._written_at = now
            await self._guarded(lambda: self.pipeline.store.set_status(self.status))

    async def _guarded(self, write: Callable[[], Awaitable[None]]) -> None:
        """A status that cannot be written (disk full, say) must not stop the polls."""
        try:
            await write()
        except (StoreCorruptError, StoreNewerError):
            raise
        except StoreError as error:
            log.warning("%s: status not written: %s", self.config.name, error)

    def _next_poll(self) -> float:
        return self.clock.now() + max(0.0, self.schedule.due - self.clock.monotonic())
