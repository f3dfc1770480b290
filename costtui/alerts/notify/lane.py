"""One notifier's queue: what is sent when, alone or with others, and again after it failed.

What fails is kept here in its order and sent again later, so a resolved alert never overtakes the
firing one; the outbox only notes it for whoever starts after a crash. What holds everything up is
the notifier (no connection, no answer, 429); what it will not take is put aside so that one
bad message is in nobody's way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final

from costtui.alerts.notify import compose
from costtui.alerts.notify.addresses import wants
from costtui.alerts.notify.outbox import Clock, Outbox
from costtui.alerts.notify.senders import Outcome, Sender
from costtui.alerts.notify.words import latest
from costtui.config.alert_schema import NotifierConfig
from costtui.model.alert import AlertEvent, Parcel
from costtui.model.notifier import NotifierHealth

log = logging.getLogger(__name__)

MOST_HELD: Final = 1000
"""Parcels of one notifier in memory; the others wait in the outbox."""
FIRST_RETRY: Final = 2.0
CEILING: Final = 600.0
"""Seconds between two tries at most, however long it has failed."""
REFUSED_EVERY: Final = 3600.0
"""Seconds between two offers of what was refused `PATIENCE` times."""
PATIENCE: Final = 3
"""Tries after which a refusal is believed, and one bad message may be what fails."""
BETWEEN: Final = 30.0
"""Seconds that others wait at most while messages that fail are put aside."""
RESEND: Final = 60.0
"""Seconds after which Alertmanager hears again of what fires; it would end it after
`compose.ALIVE`."""
MOST_KEPT: Final = 10_000
"""Firing alerts that Alertmanager is told again of."""
LEAST: Final = 0.01
"""Seconds of the shortest pause: what rounding leaves of a time is none that a clock can show."""
RECORD_EVERY: Final = 5.0
"""Seconds between two tries to tell the outbox what was delivered."""


def backoff(failures: int, random: float) -> float:
    """Seconds until the next try: doubled each time up to `CEILING`, and by chance (`random` in
    [0, 1)) up to half of it less, so that not all who wait come back at once."""
    return min(CEILING, FIRST_RETRY * 2.0 ** min(max(failures, 1) - 1, 20)) * (1 - random / 2)


class Lane:
    """Delivers to one notifier, for as long as it is run."""

    def __init__(
        self,
        config: NotifierConfig,
        sender: Sender,
        outbox: Outbox,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self.config = config
        self.sender = sender
        self.settled: set[int] = set()
        """Delivered since the outbox was last asked: an answer that is older may hold them."""
        self._outbox = outbox
        self._clock = clock
        self._random = random
        self._most = compose.most(config)
        self._keeps = config.type == "alertmanager"
        self._wait = 0 if self._keeps else config.group_wait
        self._held: dict[int, Parcel] = {}
        self._seen: dict[int, float] = {}
        self._aside: dict[int, float] = {}
        self._refused: set[int] = set()
        self._alone: set[int] = set()
        self._unrecorded: set[int] = set()
        self._record_at = 0.0
        self._firing: dict[str, Parcel] = {}
        self._resend_at = 0.0
        self._failures = 0
        self._resume = 0.0
        self._changed = asyncio.Event()
        self._status = NotifierHealth(config.name, config.type)

    # What it is given, and what it says ---------------------------------------------------------

    @property
    def held(self) -> int:
        return len(self._held)

    def offer(self, parcel: Parcel) -> bool:
        """Take a parcel. False when there is no room for it."""
        if parcel.key in self._held or parcel.key in self.settled:
            return True
        if len(self._held) >= MOST_HELD:
            return False
        self._held[parcel.key] = parcel
        self._seen[parcel.key] = self._clock.monotonic()
        self._changed.set()
        return True

    def seed(self, events: Iterable[AlertEvent]) -> None:
        """What fires already: Alertmanager is told of it again, as before a restart."""
        if not self._keeps:
            return
        for event in events:
            if event.state == "firing" and wants(self.config, event):
                self._keep(Parcel(0, self.config.name, event, 0, event.fired_at))
        self._changed.set()

    def remember(self, before: NotifierHealth) -> None:
        """How it was doing before a restart. What waits, and when it is tried, begins anew."""
        self._status = self._status._replace(
            last_ok=before.last_ok, last_failed=before.last_failed, error=before.error
        )

    def health(self) -> NotifierHealth:
        now = self._clock.monotonic()
        times = [self._resume, *(self._aside.get(key, 0.0) for key in self._held)]
        soonest = max(self._resume, min(times[1:])) if self._held else self._resume
        return self._status._replace(
            waiting=len(self._held) - len(self._unrecorded),
            failures=self._failures,
            refused=len(self._refused),
            retry_at=self._clock.now() + soonest - now if soonest > now else 0.0,
        )

    # The loop -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self._turn()
            except Exception:
                # A border: a defect costs one notifier some seconds, and no alert.
                log.exception("notifier %s", self.config.name)
                await self._clock.sleep(RECORD_EVERY)

    async def _turn(self) -> None:
        now = self._clock.monotonic()
        if self._unrecorded and now >= self._record_at:
            await self._record(set())
        batch, wait = self._next(self._clock.monotonic())
        if batch:
            await self._deliver(batch)
        elif wait <= 0:
            await self._tell_again()
        else:
            await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        """Until something is new, or for so long."""
        if self._changed.is_set():
            self._changed.clear()
            return
        waits: list[Awaitable[object]] = [self._changed.wait()]
        if seconds != float("inf"):
            waits.append(self._clock.sleep(max(seconds, LEAST)))
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._changed.clear()

    def _next(self, now: float) -> tuple[list[Parcel], float]:
        """What is to be sent now, or nothing and the seconds until there may be something (0: it
        is time to tell again what fires)."""
        soon = self._record_at if self._unrecorded else float("inf")
        if now < self._resume:
            return [], min(self._resume, soon if soon > now else self._resume) - now
        ready, soon = self._ready(now, soon)
        if ready:
            return ready, 0.0
        if self._firing:
            soon = min(soon, self._resend_at)
        return [], max(0.0, soon - now)

    def _ready(self, now: float, soon: float) -> tuple[list[Parcel], float]:
        """The oldest group whose time has come, or when the first one's comes.

        Of one episode only what has nothing older before it in another group or aside."""
        groups: dict[object, list[Parcel]] = {}
        place: dict[str, object] = {}
        for key in sorted(self._held):
            parcel = self._held[key]
            if key in self._unrecorded:
                continue
            group: object = compose.group_of(self.config, parcel.event)
            if key in self._alone or self._aside.get(key, now) > now:
                group = key
            if place.setdefault(parcel.event.id, group) == group:
                groups.setdefault(group, []).append(parcel)
        first: tuple[float, list[Parcel]] = (float("inf"), [])
        for group, parcels in groups.items():
            at = self._time_of(parcels)
            if isinstance(group, int):
                at = self._aside.get(group, at)
            first = min(first, (at, parcels), key=lambda pair: pair[0])
        if first[0] <= now:
            return first[1][: self._most], soon
        return [], min(soon, first[0])

    def _time_of(self, parcels: list[Parcel]) -> float:
        oldest = min(self._seen[parcel.key] for parcel in parcels)
        waited = len(parcels) >= self._most or any(parcel.attempts for parcel in parcels)
        return oldest if waited else oldest + self._wait

    # One message --------------------------------------------------------------------------------

    async def _send(self, batch: list[Parcel]) -> Outcome:
        now = self._clock.now()
        try:
            outcome = await self.sender.send(batch, now)
        except Exception as error:
            log.exception("notifier %s", self.config.name)
            what = f"internal error: {type(error).__name__}"
            outcome = Outcome(False, what, refused=True, message=True)
        now = self._clock.now()
        if outcome.ok:
            self._failures, self._resume = 0, 0.0
            self._status = self._status._replace(last_ok=now, error="")
        else:
            self._failures += 1
            if outcome.said != self._status.error:
                log.warning("notifier %s: %s", self.config.name, outcome.said)
            self._status = self._status._replace(last_failed=now, error=outcome.said)
        return outcome

    async def _deliver(self, batch: list[Parcel]) -> None:
        outcome = await self._send(batch)
        keys = [parcel.key for parcel in batch]
        if not outcome.ok:
            await self._failed(keys, outcome)
            return
        for parcel in latest(batch):
            if parcel.event.state == "firing":
                self._keep(parcel)
            else:
                self._firing.pop(parcel.event.id, None)
        # It takes messages again: so what it refused as a whole may be welcome now.
        for key in self._aside:
            if key not in self._alone:
                self._aside[key] = 0.0
        await self._record(set(keys))

    async def _record(self, keys: set[int]) -> None:
        """Tell the outbox. Where it cannot be told, they are not sent again, only told again."""
        self._unrecorded |= keys
        try:
            await self._outbox.delivered(sorted(self._unrecorded))
        except Exception as error:  # noqa: BLE001  a full disk must not send alerts twice
            log.warning("notifier %s: not noted as delivered: %s", self.config.name, error)
            self._record_at = self._clock.monotonic() + RECORD_EVERY
            return
        for key in self._unrecorded:
            for known in (self._held, self._seen, self._aside):
                known.pop(key, None)
            self._alone.discard(key)
            self._refused.discard(key)
        self.settled |= self._unrecorded
        self._unrecorded = set()

    async def _failed(self, keys: list[int], outcome: Outcome) -> None:
        now = self._clock.monotonic()
        for key in keys:
            parcel = self._held[key]
            self._held[key] = parcel._replace(attempts=parcel.attempts + 1)
        tries = max(self._held[key].attempts for key in keys)
        asked = min(outcome.retry_after, REFUSED_EVERY)
        delay = max(backoff(self._failures, self._random()), asked)
        if outcome.refused:
            delay = self._put_aside(keys, outcome, tries, now)
        elif outcome.message and tries >= PATIENCE and not asked:
            # It answers, and fails on this: let others try, and each of these alone.
            self._alone.update(keys)
            delay = backoff(tries, self._random())
            self._aside.update((key, now + delay) for key in keys)
            self._resume = now + min(delay, BETWEEN)
        else:
            self._resume = now + delay
        with suppress(Exception):  # it says why in the log when it is next asked
            await self._outbox.failed(keys, outcome.said, self._clock.now() + delay)

    def _put_aside(self, keys: list[int], outcome: Outcome, tries: int, now: float) -> float:
        """What it refuses. Returns the seconds until it is offered again."""
        if outcome.message and len(keys) > 1:
            # One of them is bad: each is offered alone, at once.
            self._alone.update(keys)
            return 0.0
        if outcome.message:
            self._alone.update(keys)
        believed = tries >= PATIENCE
        delay = REFUSED_EVERY if believed else backoff(tries, self._random())
        self._aside.update((key, now + delay) for key in keys)
        if believed:
            self._refused.update(keys)
        return delay

    # Alertmanager -------------------------------------------------------------------------------

    def _keep(self, parcel: Parcel) -> None:
        if self._keeps and (parcel.event.id in self._firing or len(self._firing) < MOST_KEPT):
            if not self._firing:
                self._resend_at = self._clock.monotonic() + (RESEND if parcel.key else 0.0)
            self._firing[parcel.event.id] = parcel

    async def _tell_again(self) -> None:
        """What fires, all of it. That it failed is no parcel's failure: it is told again anyway."""
        firing = list(self._firing.values())
        for start in range(0, len(firing), self._most):
            outcome = await self._send(firing[start : start + self._most])
            if not outcome.ok:
                break
        self._resend_at = self._clock.monotonic() + (
            RESEND if self._failures == 0 else min(RESEND, backoff(self._failures, self._random()))
        )
