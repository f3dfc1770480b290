"""Evaluating alerts: observe, step, and store states and what is to be told in one transaction.

All that an evaluation needs is in the store; what is kept here is a cache. The work is done in a
thread with a reader of its own, so that a rule over ten thousand consumers delays no poll.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from costtui.alerts.look import Forecast, Look
from costtui.alerts.observe import Kept, Observation, observe
from costtui.alerts.states import evaluate
from costtui.alerts.telling import Letter, Muting, letters, standing
from costtui.alerts.watches import Watch, watch_of, watches
from costtui.config.schema import Config
from costtui.engine import causes
from costtui.engine.clock import Clock
from costtui.engine.outlooks import Outlooks
from costtui.engine.zone import zone_of
from costtui.errors import StoreError
from costtui.model.alert import AlertEvent, AlertStatus
from costtui.model.timewindow import MINUTE
from costtui.store.outbox import Told
from costtui.store.watching import WatchReader
from costtui.store.writer import Store

log = logging.getLogger(__name__)

Seen = tuple[int, int, Muting]


class _Judged(NamedTuple):
    """What an evaluation comes to."""

    statuses: tuple[AlertStatus, ...]
    letters: list[Letter]
    causes_due: frozenset[str]


class _Before(NamedTuple):
    """What an evaluation begins with, all of it from the store."""

    statuses: tuple[AlertStatus, ...]
    told: Mapping[tuple[str, str], Told]
    muting: Muting
    evaluated: float
    causes_due: frozenset[str]
    """Episodes whose cause is still to be looked for."""


class Alerting:
    """The alerts and budgets of one configuration over one store."""

    def __init__(
        self, config: Config, store: Store, clock: Clock, *, forecast: Forecast | None = None
    ) -> None:
        self.config, self.store, self.clock = config, store, clock
        self.watches = watches(config.alerts, config.budgets)
        self._watch_of = watch_of(self.watches)
        self._kept = Kept()
        self._forecast = forecast
        self._zone = zone_of(config.timezone)
        self._names = frozenset(s.name for s in config.sources)
        self._started = clock.now()
        self._reader: WatchReader | None = None
        self._at_work = threading.Lock()
        """A task that is cancelled leaves its thread running."""
        self._seen: Seen | None = None
        self._busy = False
        """Something waits for time to pass, so it is looked at without new data too."""
        self._asked = False
        """Rules were evaluated at least once: then there is nothing old left to clear."""

    @property
    def wanted(self) -> bool:
        """Is there anything to look at, or left to put away?"""
        return bool(self.watches) or not self._asked

    def close(self) -> None:
        """Wait for a running evaluation, and close. May be called twice."""
        with self._at_work:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    async def standing(self) -> list[AlertEvent]:
        """What fires and was told, as the store has it: where delivering goes on after a start."""
        return standing(self.watches, await self.store.alerts(), await self.store.told())

    async def tick(self) -> bool:
        """Evaluate if anything can have changed. True when it was done."""
        if not self.wanted:
            return False
        now = self.clock.now()
        muting = Muting(await self.store.silences(), await self.store.acks())
        state = (self.store.revision, int(now // MINUTE), muting)
        if state == self._seen and not self._busy:
            return False
        await self.evaluate(muting)
        return True

    async def evaluate(self, muting: Muting | None = None) -> None:
        """Look at every rule and store what came of it. Raises a `StoreError`: then nothing was
        stored, and the next evaluation does it all."""
        if not self.wanted:
            return
        now = self.clock.now()
        revision = self.store.revision
        if muting is None:
            muting = Muting(await self.store.silences(), await self.store.acks())
        before = _Before(
            await self.store.alerts(), await self.store.told(), muting,
            await self.store.evaluated_at(), await self.store.causes_due(),
        )  # fmt: skip
        after, sent, due = await asyncio.to_thread(self._judge_alone, before, now)
        self._asked = True
        self._busy = self._waits(after)
        # Where time is waited for, a restart must know up to when it has been counted.
        counting = any(s.state == "pending" or s.keep_since for s in after)
        if after != before.statuses or sent or counting or due != before.causes_due:
            await self.store.put_alerts(after, now, letters=sent, causes_due=due)
            # The revision that our own states made is no news; any other is.
            revision += self.store.revision == revision + 1
        self._seen = (revision, int(now // MINUTE), muting)

    def _waits(self, statuses: Iterable[AlertStatus]) -> bool:
        """`for:`, `keep_firing_for:`, the quarter of an hour after the end, repeats, and whatever
        grows with time alone."""
        by_time = any(w.unit == "seconds" for w in self.watches)
        return by_time or any(s.state != "inactive" for s in statuses)

    def _judge_alone(self, before: _Before, now: float) -> _Judged:
        with self._at_work:
            return self._judge(before, now)

    def _judge(self, before: _Before, now: float) -> _Judged:
        if self._reader is None:
            self._reader = WatchReader(
                self.config.store.path, zone=self._zone, consumers=self.config.consumers
            )
            self._reader.lean = True
        observed: list[Observation | None] = []
        if self.watches:
            with self._reader.watching() as sight:
                forecast = self._forecast or Outlooks(sight, now, self._zone)
                look = Look(sight, now, self._zone, self._names, self._started, forecast)
                observed = observe(look, self.watches, self._kept)
        passed = max(0.0, now - before.evaluated) if before.evaluated else 0.0
        after = evaluate(self.watches, observed, before.statuses, now, passed)
        after, due = self._explained(after, before.causes_due, now)

        seen_of = {(w.name, w.step): seen for w, seen in zip(self.watches, observed, strict=True)}

        def note(status: AlertStatus) -> str:
            watch = self._watch_of(status)
            seen = seen_of[watch.name, watch.step] if watch is not None else None
            one = seen.seen.get(status.labels) if seen is not None else None
            return one.note if one is not None and one.over else ""

        sent = letters(
            self.watches, before.statuses, after, before.told, self.config.notifiers,
            before.muting, now, note,
        )  # fmt: skip
        return _Judged(tuple(after), sent, due)

    def _explained(
        self, statuses: list[AlertStatus], due: frozenset[str], now: float
    ) -> tuple[list[AlertStatus], frozenset[str]]:
        """(with the cause of what begins to fire, and of what began when there were too many to
        look for; the episodes whose turn has not come)."""
        assert self._reader is not None
        groups: dict[tuple[Watch, float], list[AlertStatus]] = {}
        places: dict[str, int] = {}
        for place, status in enumerate(statuses):
            if status.state != "firing" or status.cause:
                continue
            if status.fired_at == now or status.id in due:
                watch = self._watch_of(status)
                if watch is not None and watch.measure in causes.MEASURES:
                    groups.setdefault((watch, status.fired_at), []).append(status)
                    places[status.id] = place
        out = list(statuses)
        try:
            for watch, fired_at, some in causes.turns(groups):
                for status, cause in causes.causes_of(self._reader, watch, some, fired_at):
                    out[places.pop(status.id)] = replace(status, cause=cause)
        except StoreError as error:  # an alert without a cause is still an alert
            log.warning("causes of alerts: %s", error)
        return out, frozenset(places)
