"""Takes parcels from the outbox and hands each to its notifier's own lane, until stopped.

A parcel leaves the outbox only after its notifier took it: whenever this ends, what was not
delivered is still there. So a message may come twice (a crash in between), with the same id, and
never not at all.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from costtui.alerts.notify import senders
from costtui.alerts.notify.lane import CEILING, REFUSED_EVERY, Lane
from costtui.alerts.notify.outbox import Clock, Outbox
from costtui.config.alert_schema import NotifierConfig
from costtui.model.alert import AlertEvent, Parcel
from costtui.model.notifier import NotifierHealth

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 1.0
"""Seconds between two looks into the outbox when nobody says that something is new."""
PAGE: Final = 500
"""Parcels that a look asks for beyond those that it knows."""
FIRST_PAGE: Final = 10_000
HORIZON: Final = REFUSED_EVERY + CEILING
"""At the first look also what is to be tried again later: else a resolved alert, due at once, would
overtake a firing one that failed before a restart. And a restart often is what mends it."""

Build = Callable[[NotifierConfig], senders.Sender]


class Courier:
    """Delivers. `run` it in a task; `stop` is cancelling that task."""

    def __init__(
        self,
        notifiers: Sequence[NotifierConfig],
        outbox: Outbox,
        clock: Clock,
        *,
        secrets: Collection[str] = (),
        build: Build | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`secrets` (`senders.secrets_of(config)`) are kept from programs."""
        make = build or (lambda config: senders.build(config, secrets))
        self._outbox = outbox
        self._clock = clock
        self._lanes = {c.name: Lane(c, make(c), outbox, clock, chance) for c in notifiers}
        self._woken = asyncio.Event()
        self._passed = 0
        self._first = True
        self._problem = ""

    def wake(self) -> None:
        """There are new parcels."""
        self._woken.set()

    def seed(self, events: Iterable[AlertEvent]) -> None:
        """After a start: what fires, as far as it was told already. Alertmanager must hear of it
        again every minute, and no parcel says so any more."""
        known = list(events)
        for lane in self._lanes.values():
            lane.seed(known)

    def remember(self, before: Iterable[NotifierHealth]) -> None:
        """After a start: when each notifier was last told, and what it last said."""
        for one in before:
            lane = self._lanes.get(one.name)
            if lane is not None and lane.config.type == one.type:
                lane.remember(one)

    def health(self) -> tuple[NotifierHealth, ...]:
        """How each notifier is doing, in the order of the configuration."""
        return tuple(lane.health() for lane in self._lanes.values())

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_for_ever())
                for lane in self._lanes.values():
                    group.create_task(lane.run())
        finally:
            await asyncio.gather(*(lane.sender.close() for lane in self._lanes.values()))

    async def _look_for_ever(self) -> None:
        while True:
            try:
                await self._look()
                self._problem = ""
            except Exception as error:  # noqa: BLE001  the store is busy or full: later
                if str(error) != self._problem:
                    self._problem = str(error)
                    log.warning("the outbox of alerts cannot be read: %s", error)
            await self._pause()

    async def _pause(self) -> None:
        tasks = [
            asyncio.ensure_future(self._woken.wait()),
            asyncio.ensure_future(self._clock.sleep(LOOK_EVERY)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._woken.clear()

    async def _look(self) -> None:
        for lane in self._lanes.values():
            lane.settled.clear()
        held = sum(lane.held for lane in self._lanes.values())
        # What is held, or has no room, is in the answer too: it must not hide what is behind it.
        limit = (FIRST_PAGE if self._first else PAGE) + held + self._passed
        now = self._clock.now()
        parcels = await self._outbox.due(now + HORIZON if self._first else now, limit)
        self._first = False
        self._passed = 0
        lost: list[Parcel] = []
        for parcel in sorted(parcels, key=lambda parcel: parcel.key):
            its = self._lanes.get(parcel.notifier)
            if its is None:
                lost.append(parcel)
            elif not its.offer(parcel):
                self._passed += 1
        if lost:
            names = ", ".join(sorted({parcel.notifier for parcel in lost}))
            log.warning("%d alerts were for notifiers that are no more: %s", len(lost), names)
            await self._outbox.delivered([parcel.key for parcel in lost])
