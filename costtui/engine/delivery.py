"""Telling people, inside of the collector: the outbox of the store, and a courier for it.

A notifier that hangs holds up nobody, and a defect in here ends no collecting. What is not
delivered when this stops is still in the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from costtui.config.schema import Config
from costtui.engine.clock import Clock
from costtui.errors import StoreError
from costtui.model.alert import AlertEvent
from costtui.store.writer import Store

if TYPE_CHECKING:
    from costtui.alerts.notify.courier import Courier
    from costtui.model.notifier import NotifierHealth

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Alerts that `untold` counts."""
FLUSH_LOOK = 0.1
"""Seconds between two looks whether everything was tried."""
FLUSH_MORE = 5.0
"""Seconds beyond the longest `timeout` that `flush` waits."""


class Delivery:
    """The notifiers of one configuration over one store."""

    def __init__(self, config: Config, store: Store, clock: Clock) -> None:
        self._config, self._store, self._clock = config, store, clock
        self._courier: Courier | None = None
        self._said: tuple[NotifierHealth, ...] = ()

    def wake(self) -> None:
        """There is something new in the outbox."""
        if self._courier is not None:
            self._courier.wake()

    async def run(self, firing: Sequence[AlertEvent]) -> None:
        """Deliver until cancelled. `firing` is what was told already and is not over."""
        # Without notifiers it runs too: what waits for one that is no more is cleared away.
        courier = await self._made(hurried=False)
        courier.seed(firing)
        self._courier = courier
        await self._kept_going(self._courier)

    async def flush(self) -> None:
        """Try everything that waits once, at once, and return: for a collector that ends."""
        if not await self._store.due(self._clock.now(), 1):
            return
        self._courier = await self._made(hurried=True)
        task = asyncio.create_task(self._kept_going(self._courier))
        patience = max((n.timeout for n in self._config.notifiers), default=0) + FLUSH_MORE
        until = self._clock.monotonic() + patience
        try:
            while self._clock.monotonic() < until and not task.done():
                await self._clock.sleep(FLUSH_LOOK)
                if not await self._store.due(self._clock.now(), 1):
                    break
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.note_health()

    async def untold(self) -> list[tuple[str, int, str]]:
        """(notifier, how many alerts wait for it, why) of each that could not be told, for who has
        just flushed."""
        parcels = await self._store.due(float("inf"), MOST_WAITING)
        waiting = Counter(parcel.notifier for parcel in parcels)
        errors = {one.name: one.error for one in await self._store.notifiers()}
        mine = (n.name for n in self._config.notifiers if n.name in waiting)
        return [(name, waiting[name], errors.get(name, "")) for name in mine]

    async def note_health(self) -> None:
        """Store how the notifiers are doing, where that has changed. Raises a `StoreError`."""
        if self._courier is None:
            return
        health = self._courier.health()
        if health != self._said:
            await self._store.put_health(health)
            self._said = health

    async def _made(self, *, hurried: bool) -> Courier:
        from costtui.alerts.notify.courier import Courier
        from costtui.alerts.notify.senders import secrets_of

        config = self._config
        notifiers = [replace(n, group_wait=0) if hurried else n for n in config.notifiers]
        courier = Courier(notifiers, self._store, self._clock, secrets=secrets_of(config))
        try:
            courier.remember(await self._store.notifiers())
        except (StoreError, ValueError, TypeError):
            log.exception("when notifiers were last told is not known any more")
        return courier

    async def _kept_going(self, courier: Courier) -> None:
        try:
            await courier.run()
        except Exception:
            log.exception("alerts are told to nobody any more")
