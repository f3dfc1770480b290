"""The collector: the only writer of usage.

Every task has an owner: `Collector.run` holds one TaskGroup with a poller a source and the
housekeeping, and nothing outlives it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Self

from costtui.config.schema import Config, SourceConfig
from costtui.engine.alerting import Alerting
from costtui.engine.clock import Clock, SystemClock
from costtui.engine.delivery import Delivery
from costtui.engine.pipeline import Pipeline
from costtui.engine.poller import Poller
from costtui.errors import StoreBusyError, StoreCorruptError, StoreError, StoreNewerError
from costtui.model.charge import CostPolicy
from costtui.model.snapshot import SourceStatus
from costtui.pricing.calculate import Pricer
from costtui.sources import factory
from costtui.sources.base import Source
from costtui.store.lock import WriterLock
from costtui.store.writer import Store

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks of the housekeeping: heartbeat, alerts, retention."""
PRUNE_EVERY = 900.0
FIRST_LOOK = 30.0
"""Seconds that the first evaluation of alerts waits for every source to be tried."""
HEARTBEAT_EVERY = 10.0

MOST_REFUSALS = 4
"""How often in a row a server may refuse history before `once` gives up: about four minutes."""

BuildSource = Callable[[SourceConfig], Source]


class Collector:
    """Polls every configured source into one store until it is stopped.

    Raises `StoreBusyError` when another collector holds the store, and any other `StoreError`
    that no retry can mend.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        build: BuildSource = factory.build,
        jitter: bool = True,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.build = build
        self.jitter = jitter
        self.pollers: list[Poller] = []
        self.stopping = asyncio.Event()
        self.started = self.clock.now()
        self.looked_at = 0.0
        """When the rules were last looked at without an error, whether or not anything had changed;
        epoch seconds, 0 is not yet."""
        self.beat_at = 0.0
        """When the store last took a heartbeat."""
        self._lock = WriterLock(config.store.path)
        self._store: Store | None = None
        self._inode = 0
        self._pipeline: Pipeline | None = None
        self._alerting: Alerting | None = None
        self._delivery: Delivery | None = None

    @property
    def store(self) -> Store:
        if self._store is None:
            raise StoreError("the collector is not open")
        return self._store

    @property
    def pipeline(self) -> Pipeline:
        if self._pipeline is None:
            raise StoreError("the collector is not open")
        return self._pipeline

    @property
    def alerting(self) -> Alerting:
        if self._alerting is None:
            raise StoreError("the collector is not open")
        return self._alerting

    @property
    def delivery(self) -> Delivery:
        if self._delivery is None:
            raise StoreError("the collector is not open")
        return self._delivery

    async def __aenter__(self) -> Self:
        path = self.config.store.path
        _private_folder(path.parent)
        if not self._lock.acquire():
            raise StoreBusyError(f"{path}: another collector is writing it ({self._lock.holder()})")
        try:
            self._store = await Store.open(path, self.config.store.retention, now=self.clock.now())
            self._inode = path.stat().st_ino
            self._pipeline = Pipeline(self._store, Pricer(self.config), self.clock)
            self._alerting = Alerting(self.config, self._store, self.clock)
            self._delivery = Delivery(self.config, self._store, self.clock)
            if not self._store.revision:
                # A new store has no history to re-price; let it say with which prices it began.
                await self.reprice_all()
            for source_config in self.config.sources:
                await self._add(source_config)
        except BaseException:
            await self._release()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for poller in self.pollers:
            await poller.source.close()
        await self._release()

    async def _release(self) -> None:
        try:
            if self._alerting is not None:
                self._alerting.close()
                self._alerting = None
            if self._store is not None:
                await self._store.close()
                self._store = None
        finally:
            self._lock.release()

    async def _add(self, config: SourceConfig) -> None:
        source = self.build(config)
        await self.store.register(config.name, config.type, config.gateway, config.role)
        source.restore(await self.store.checkpoint(config.name))
        known = {s.name: s for s in await self.store.statuses()}
        status = known.get(
            config.name, SourceStatus(config.name, config.type, config.gateway, config.role)
        )
        # Spread the first polls over a tenth of the interval, so that 200 endpoints are not
        # asked in the same millisecond and nobody waits for the first number; and all later ones
        # over all of it: in bursts each waited for the others' parsing, 260 ms at worst of 5 s.
        jitter = random.uniform(0, min(config.interval / 10, 1.0)) if self.jitter else 0.0
        early = random.uniform(0, config.interval * 0.9) if self.jitter else 0.0
        self.pollers.append(
            Poller(source, config, self.pipeline, self.clock, status, jitter=jitter, early=early)
        )

    async def run(self) -> None:
        """Collect until `stop()` is called."""
        firing = await self.alerting.standing()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(poller.run()) for poller in self.pollers]
                tasks.append(group.create_task(self._housekeeping()))
                tasks.append(group.create_task(self.delivery.run(firing)))
                await self.stopping.wait()
                for task in tasks:
                    task.cancel()
        except* (StoreCorruptError, StoreNewerError) as errors:
            raise errors.exceptions[0] from None

    def stop(self) -> None:
        self.stopping.set()

    async def once(self) -> bool:
        """Drain every source to its end. True when all of them could be read."""
        await self.reprice_all()
        results = await asyncio.gather(*(self._drain_fully(p) for p in self.pollers))
        await self.alerting.evaluate()
        await self.delivery.flush()
        await self.store.prune(self.clock.now())
        return all(results)

    async def _drain_fully(self, poller: Poller) -> bool:
        refusals = 0
        while True:
            if not await poller.poll_once():
                return False
            if getattr(poller.source, "has_more", False):
                refusals = 0
                continue
            # A server may refuse a long stretch of history and answer a shorter one.
            pause = getattr(poller.source, "refused_s", 0.0)
            if pause == 0:
                return True
            refusals += 1
            if pause is None or refusals > MOST_REFUSALS:
                return False
            await self.clock.sleep(pause)

    # Housekeeping

    async def _housekeeping(self) -> None:
        repricing = asyncio.create_task(self._reprice_quietly())
        try:
            await self._tick_for_ever()
        finally:
            repricing.cancel()

    async def _tick_for_ever(self) -> None:
        alerts_due = prune_due = beat_due = self.clock.monotonic()
        patience = alerts_due + FIRST_LOOK
        while True:
            now = self.clock.monotonic()
            try:
                if now >= beat_due:
                    beat_due = now + HEARTBEAT_EVERY
                    self._check_still_there()
                    await self.store.heartbeat(self.clock.now())
                    self.beat_at = self.clock.now()
                    await self.delivery.note_health()
                # What happened while nobody collected is read before it is judged.
                tried = now >= patience or all(poller.tried for poller in self.pollers)
                if now >= alerts_due and tried:
                    alerts_due = now + self.config.alert_interval
                    await self._look_at_alerts()
                if now >= prune_due:
                    prune_due = now + PRUNE_EVERY
                    await self.store.prune(self.clock.now())
            except (StoreCorruptError, StoreNewerError):
                raise
            except StoreError as error:
                log.warning("housekeeping: %s", error)
            await self.clock.sleep(TICK)

    async def _look_at_alerts(self) -> None:
        """Raises a `StoreError`. Any other is a defect in a rule's evaluation: it is written to
        the log at each look, and usage is collected all the same."""
        try:
            if await self.alerting.tick():
                self.delivery.wake()
            self.looked_at = self.clock.now()
        except StoreError:
            raise
        except Exception:
            log.exception("alerts could not be evaluated")

    def _check_still_there(self) -> None:
        """A store that was deleted goes on taking writes that nobody will ever see."""
        path = self.config.store.path
        try:
            there = path.stat().st_ino == self._inode
        except OSError:
            there = False
        if not there:
            raise StoreCorruptError(
                f"{path}: was removed or replaced while it was written; start again, and the logs "
                "are read from their beginning"
            )

    # Re-pricing

    def _policies(self) -> dict[str, CostPolicy]:
        return {s.name: s.cost for s in self.config.sources}

    async def reprice_all(self) -> int:
        """Bring history to today's prices if they changed. Returns the days that were done."""
        pricer = self.pipeline.pricer
        days = 0
        async for _ in self.store.reprice(
            pricer.charge,
            self._policies(),
            pricer.fingerprint,
            self.clock.now(),
            charge_at=pricer.charge_at,
        ):
            days += 1
        return days

    async def _reprice_quietly(self) -> None:
        try:
            days = await self.reprice_all()
        except StoreError as error:
            log.warning("re-pricing stopped, it goes on at the next start: %s", error)
        else:
            if days:
                log.info("re-priced %d days", days)


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made: {error.strerror}") from error
