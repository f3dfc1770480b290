"""The `prometheus` source: raw samples of a server, live and back in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from costtui.config.schema import SourceConfig
from costtui.errors import (
    SourceError,
    SourceFormatError,
    SourceOverloadedError,
    SourceTimeoutError,
    SourceTooLargeError,
)
from costtui.model.charge import CostPolicy
from costtui.model.safetext import redact, visible
from costtui.model.snapshot import SkippedLine
from costtui.sources.base import Batch, Checkpoint
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.metrics.shape import Shape
from costtui.sources.prometheus import backwards, recall, remarks, steps
from costtui.sources.prometheus.api import Api, Result, Row
from costtui.sources.prometheus.checkpoint import META, restore
from costtui.sources.prometheus.holes import Hole
from costtui.sources.prometheus.ledger import Ledger, Outcome
from costtui.sources.prometheus.plan import DAY_MS, FIRST_MS, HOUR_MS, MINUTE_MS, Piece, Selector
from costtui.sources.prometheus.plan import next_piece as plan_next
from costtui.sources.prometheus.scope import LONG_LOOK_BACK_MS, LOOK_BACK_MS, Scope
from costtui.sources.prometheus.tracks import START, Reading, Target, Tracks

if TYPE_CHECKING:
    import httpx

LATE_MS: Final = 30_000
"""A sample may be stored this much after its time: a scrape takes a while. Later ones are not lost,
the next difference has them; only a restart in between would be missed."""

SKEW_MS: Final = 10 * MINUTE_MS
"""How far the server's clock may be behind ours."""

LIVE_MS: Final = HOUR_MS
"""After a longer silence the time in between is a hole, filled newest first."""

_MATCH: Final = "match "
"""Prefix of what stands beside the metrics that were asked for."""

TURN_S: Final = 0.5
"""Seconds of history before live data is looked at again."""

LONGEST_MS: Final = 730 * DAY_MS
"""How far back `since: all` looks."""

PAUSE_S: Final = 15.0
"""How long a server that refuses a query is left alone, at first."""
LONGEST_PAUSE_S: Final = 300.0


class PrometheusSource:
    """Counts from the raw samples of one server. See `docs/sources-prometheus.md`."""

    def __init__(
        self,
        config: SourceConfig,
        shape: Shape,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` replaces the network in tests."""
        self.name = config.name
        self.has_more = False
        """History was left for the next poll, which may come at once."""
        self.refused_s: float | None = 0.0
        """History was refused and is asked for again after so many seconds; 0 when it was not,
        None when asking again does not help."""
        self._config = config
        self._shape = shape
        self._api = Api(config, transport)
        self._mapper = Mapper(shape, config)
        reported = config.cost is CostPolicy.REPORTED
        self._tracks = Tracks(
            self._mapper, hold=shape.has_cost and reported, count_lookups=reported
        )
        self._selector = Selector(self._mapper.wanted() - {START}, config.match)
        self._scope = Scope(self._selector)
        self._discovered = False
        self._ledger = Ledger(self._tracks, interval=config.interval)
        self._meta = META
        self._scale = 1.0
        self._first_ms = FIRST_MS
        self._live_ms = LIVE_MS
        self._pause = 0.0
        self._resume_at = 0.0
        self._trouble = ""
        self._warned = ""
        self._said = ""
        """What the last live answer was worth a note for."""

    def restore(self, checkpoint: Checkpoint) -> None:
        """Forget what is in memory and go on from `checkpoint`."""
        self._tracks.forget()
        self._ledger = Ledger(self._tracks, interval=self._config.interval)
        self._meta = restore(checkpoint, self._ledger)
        self._scope = Scope(self._selector)
        self._scope.learn(self._tracks.targets.values())
        self._discovered = False
        self._resume_at = 0.0

    async def close(self) -> None:
        """Close the connection. May be called twice."""
        await self._api.close()

    @property
    def behind(self) -> bool:
        """Is there history that was not read yet?"""
        return bool(self._ledger.holes)

    async def poll(self, now: float) -> AsyncIterator[Batch]:
        """What is new, then about half a second of history.

        A server that refuses a query of history is asked for less, and later; live data goes on.
        """
        self.has_more = False
        yield await self._latest(round(now * 1000))
        until = time.monotonic() + TURN_S
        while self._ledger.holes and now >= self._resume_at:
            try:
                batch = await self._history(round(now * 1000))
            except SourceError as error:
                self._back_off(error, now)
                yield self._batch(Outcome(), Reading({}), round(now * 1000), history=True)
                break
            self._pause = self.refused_s = 0.0
            self._trouble = ""
            yield batch
            if time.monotonic() > until:
                break
        self.has_more = bool(self._ledger.holes) and now >= self._resume_at

    def _back_off(self, error: SourceError, now: float) -> None:
        if isinstance(error, SourceOverloadedError | SourceTimeoutError | SourceTooLargeError):
            self._scale = max(self._scale / 2, 1 / 64)
        self._pause = min(max(self._pause * 2, PAUSE_S), LONGEST_PAUSE_S)
        self._resume_at = now + self._pause
        self._trouble = str(error)
        self.refused_s = None if isinstance(error, SourceFormatError) else self._pause

    # Live

    async def _latest(self, now_ms: int) -> Batch:
        meta, ledger = self._meta, self._ledger
        parts: dict[str, str | None] = {}
        first = not meta.edge
        low = await self._bottom(now_ms) if first else meta.edge
        # Samples have the server's time, and its clock may be another than ours. Or only that of a
        # proxy before it is: what both clocks are past may be passed over.
        past = min(now_ms, now_ms + self._api.skew_ms) - SKEW_MS
        now_ms += self._api.skew_ms
        fresh = not first and now_ms - meta.edge <= self._live_ms
        start = meta.edge - LATE_MS if fresh else max(low, now_ms - self._first_ms)
        start = min(start, now_ms - MINUTE_MS)
        if fresh and ledger.holes:
            # What is below the newest hole was counted, and is no longer among the states.
            start = max(start, ledger.holes[-1].lo)
        try:
            result = await self._raw(start, now_ms, look_back=fresh)
        except (SourceOverloadedError, SourceTimeoutError, SourceTooLargeError) as error:
            if fresh and now_ms - meta.edge > FIRST_MS:
                self._live_ms = FIRST_MS  # too long a silence for one answer: in pieces
                raise
            if fresh and isinstance(error, SourceTimeoutError):
                raise  # it is slow or away just now
            self._first_ms = max(self._first_ms // 2, MINUTE_MS)
            raise type(error)(
                f"{error} (too many series to read one by one? narrow match:, or mode: aggregate)"
            ) from None
        # Scrapes of an instance that was not known before may be older.
        back = LOOK_BACK_MS if fresh else 0
        reading = await self._read(result, start - back, now_ms, told=meta.edge if fresh else 0)
        self._live_ms = LIVE_MS
        if not first:
            ledger.asked.update(dict.fromkeys(self._new_names(), start if fresh else now_ms))
        if fresh:
            await self._meet(_unmet(reading), start - back, LONG_LOOK_BACK_MS)
            await self._recall(recall.before_live(ledger, reading))
            outcome = await self._apply(ledger.live, reading)
        else:
            hole = backwards.dig(ledger, meta.next, low, now_ms, first=first)
            meta = meta._replace(next=meta.next + 1)
            hole.dump_all(parts)
            hole.samples += reading.samples
            outcome = await self._apply(lambda r: backwards.fill(ledger, hole, r, start), reading)
            # Also where nothing was in it: a next hole must begin above what this one counts.
            meta = meta._replace(edge=max(meta.edge, start))
        parts.update(outcome.parts)
        parts.update(ledger.forget_old(now_ms))
        self._meta = meta._replace(
            edge=max(meta.edge, reading.newest, past),
            names=self._names(),
            view=ledger.view_from,
            asked=dict(ledger.asked),
        )
        parts["@prom"] = self._meta.dump()
        outcome.parts = parts
        self._warned = "; ".join(result.warnings[:2])
        self._said = (
            remarks.of_targets(result, reading)
            if reading.stretches or ledger.states
            else remarks.nothing(self._config, self._shape)
        )
        return self._batch(outcome, reading, now_ms)

    def _names(self) -> frozenset[str]:
        """What is asked for: metrics, and of which series."""
        return self._mapper.counted() | {_MATCH + self._config.match}

    def _new_names(self) -> frozenset[str]:
        """Metrics whose series may show up now though they were there before."""
        before = self._meta.names
        counted = self._mapper.counted()
        return counted if _MATCH + self._config.match not in before else counted - before

    async def _bottom(self, now_ms: int) -> int:
        """Where history begins: `since:`, or the day of the first series that counts."""
        since = self._config.since
        low = now_ms - (since * 1000 if since is not None else LONGEST_MS)
        low = max(low, 0) // HOUR_MS * HOUR_MS
        found = await self._scope.discover(self._api, low, now_ms)
        self._discovered = True
        # An hour more: a target that was scraped before its first series tells that it was new.
        return max(low, (found - LOOK_BACK_MS) // HOUR_MS * HOUR_MS)

    async def _raw(self, start: int, end: int, *, look_back: bool = False) -> Result:
        """Every sample of `(start, end]`, of what is counted and of the targets it is on.

        The targets first: a scrape that is stored in between is then one without `up`, which is
        told by the next answer, and not one without series, which would look like their absence.
        """
        targets = await self._target_rows(self._scope.selector(), start, end)
        result = await self._api.raw(self._selector.of(), start, end)
        # Only to know their targets: what is read is read below.
        tracks = (self._tracks.track(row.metric) for row in result.rows)
        new = self._scope.learn(track.target for track in tracks)
        if new:
            try:
                targets += await self._first_rows(new, start, end, look_back=look_back)
            except SourceError:
                self._scope.forget(new)  # or nobody would look back again
                raise
        return Result([*targets, *result.rows], result.warnings)

    async def _first_rows(
        self, new: set[str], start: int, end: int, *, look_back: bool
    ) -> list[Row]:
        """Of instances that are seen for the first time; also, in short pieces, from a server that
        refuses so long a stretch."""
        selector, low = self._scope.selector(new), start - LOOK_BACK_MS * look_back
        try:
            return await self._target_rows(selector, low, end)
        except (SourceOverloadedError, SourceTooLargeError):
            if not look_back:
                raise
        rows = await self._target_rows(selector, start, end)
        for piece in range(low, start, FIRST_MS):
            rows += await self._target_rows(selector, piece, min(piece + FIRST_MS, start))
        return rows

    async def _target_rows(self, selector: str, start: int, end: int) -> list[Row]:
        return (await self._api.raw(selector, start, end)).rows if selector else []

    # History

    async def _history(self, now_ms: int) -> Batch:
        ledger = self._ledger
        hole = ledger.holes[-1]
        if hole.edge <= hole.lo:
            await self._meet(backwards.newcomers(ledger, hole), hole.lo, LONG_LOOK_BACK_MS)
            await self._recall(recall.at_bottom(ledger, hole), hole)
            outcome = await asyncio.to_thread(backwards.close, ledger, hole)
            return self._batch(outcome, Reading({}), now_ms, history=True)
        if not self._discovered:
            # After a start in the middle of it: which instances it has.
            await self._scope.discover(self._api, hole.lo, hole.edge)
            self._discovered = True
        piece = plan_next(hole, len(hole.heads), now_ms, self._scale)
        if piece.step:
            reading = await steps.read(
                self._api, self._selector, self._scope, self._mapper, piece, self._read
            )
        else:
            result = await self._raw(piece.start, piece.end)
            _complete(result)
            reading = await self._read(result, piece.start, piece.end)
        self._scale = min(1.0, self._scale * 1.2)
        outcome = await self._apply(lambda r: self._fill(r, piece), reading)
        return self._batch(outcome, reading, now_ms, history=True)

    async def _meet(self, targets: list[Target], before: int, back: int) -> None:
        """Find out whether `targets` were scraped in the time `back` before: then a series that
        came later was new, and its first value counts. Where a server refuses so much, an hour
        has to do: what may be missing is said then."""
        instances = {dict(target.labels).get("instance", "") for target in targets} - {""}
        if not instances:
            return
        selector = self._scope.selector(instances)
        try:
            rows = await self._target_rows(selector, before - back, before)
        except (SourceOverloadedError, SourceTooLargeError):
            back = LOOK_BACK_MS
            rows = await self._target_rows(selector, before - back, before)
        reading = self._tracks.read(rows, before - back, before)
        for target in targets:
            stretch = reading.stretches.get(target.key)
            if stretch is not None and stretch.scrapes:
                target.first = min(target.first or stretch.scrapes[0], stretch.scrapes[0])

    async def _recall(self, wanted: list[recall.Last], hole: Hole | None = None) -> None:
        """Read scrapes again whose series are remembered without their labels."""
        for target, ms in wanted:
            result = await self._api.raw(self._selector.of_target(target.labels), ms - 1000, ms)
            reading = await self._read(result, ms - 1000, ms)
            recall.take(reading, self._ledger, hole)

    def _fill(self, reading: Reading, piece: Piece) -> Outcome:
        hole = self._ledger.holes[-1]
        hole.samples += reading.samples if not piece.step else 0
        return backwards.fill(self._ledger, hole, reading, piece.start, piece.step)

    # Both

    async def _read(self, result: Result, start: int, end: int, told: int = 0) -> Reading:
        rows = result.rows
        reading = await asyncio.to_thread(self._tracks.read, rows, start, end, told_ms=told)
        if self._config.role == "count":
            remarks.refuse_doubles(reading, self._config)
        return reading

    def _note(self) -> str:
        """What the user should know, or nothing."""
        if self._warned:
            return f"the server says that data may be missing: {self._warned}"
        if self._trouble:
            return f"history waits: {self._trouble}"
        counts = remarks.of_counts(self._mapper, self._tracks.targets.values())
        return counts or remarks.of_clock(self._api.skew_ms)

    async def _apply(self, work: Callable[[Reading], Outcome], reading: Reading) -> Outcome:
        return await asyncio.to_thread(work, reading)

    def _batch(
        self, outcome: Outcome, reading: Reading, now_ms: int, *, history: bool = False
    ) -> Batch:
        holes = self._ledger.holes
        newest = outcome.newest if outcome.records else 0
        return Batch(
            records=outcome.records,
            checkpoint=outcome.parts,
            skipped=[
                SkippedLine(self.name, self._api.shown, -1, 0, reason, _shown(text), now_ms / 1000)
                for reason, text in reading.bad
            ],
            skipped_count=reading.bad_count,
            resets=outcome.resets,
            newest_ns=newest * 1_000_000,
            backfill_done=sum(hole.hi - hole.edge for hole in holes) // 1000,
            backfill_total=sum(hole.hi - hole.lo for hole in holes) // 1000,
            unread=[(hole.lo / 1000, hole.edge / 1000) for hole in holes if hole.edge > hole.lo],
            history=history,
            note=self._note() or self._said,
        )


def _unmet(reading: Reading) -> list[Target]:
    """Targets that are new, and of which nothing tells that they were scraped before."""
    return [
        stretch.target
        for stretch in reading.stretches.values()
        if stretch.runs and stretch.scrapes and not stretch.target.first
        and min(run.samples[0][0] for run in stretch.runs) <= stretch.scrapes[0]
    ]  # fmt: skip


def _complete(result: Result) -> None:
    """History is read once, so an answer that may lack something is not taken."""
    if result.warnings:
        raise SourceOverloadedError(f"the server's answer is not whole: {result.warnings[0]}")


def _shown(text: str) -> str:
    return visible(redact(text), 200)
