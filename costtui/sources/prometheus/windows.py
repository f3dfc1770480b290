"""A `prometheus` source whose server adds up: `mode: aggregate`, and `queries:`.

Time is cut into windows, each asked for once, live as soon as it is over and back in time newest
first. The checkpoint is the two ends of what was asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from costtui.config.schema import SourceConfig
from costtui.errors import SourceError, SourceFormatError
from costtui.model.dimension import Dimensions
from costtui.model.safetext import redact, visible
from costtui.model.snapshot import SkippedLine
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch, Checkpoint
from costtui.sources.metrics.joining import Increment, Joiner
from costtui.sources.metrics.mapping import COST, Mapper, Placement
from costtui.sources.metrics.shape import Shape
from costtui.sources.prometheus.api import Api
from costtui.sources.prometheus.asks import Ask, asks_of
from costtui.sources.prometheus.plan import DAY_MS, FINE_FOR_MS, FINE_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    import httpx

LATE_MS: Final = MINUTE_MS
"""A window is asked for this much after its end: what a server shows may lag (VictoriaMetrics 30 s
by default), and a rule is evaluated once a minute."""

MOST_WINDOWS: Final = 500
TURN_S: Final = 0.5
PAUSE_S: Final = 30.0
PART: Final = "@windows"


class _Ends(NamedTuple):
    """`(low, high]` was asked for, `(bottom, low]` is still to be. Epoch milliseconds."""

    bottom: int = 0
    low: int = 0
    high: int = 0

    def dump(self) -> str:
        return json.dumps(list(self))


class WindowSource:
    """Counts what the server adds up. Every record is marked as an estimate."""

    def __init__(
        self,
        config: SourceConfig,
        shape: Shape,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` replaces the network in tests."""
        self.name = config.name
        self.has_more = False
        self.refused_s = 0.0
        """History was refused and is asked for again after so many seconds; 0 when it was not."""
        self._config = config
        self._api = Api(config, transport)
        self._mapper = Mapper(shape, config)
        self._asks = asks_of(config, shape, self._mapper)
        self._ends = _Ends()
        self._rests: dict[tuple[tuple[int, int], Dimensions, tuple[int, ...]], Decimal] = {}
        """What is left of a number when its whole units were counted."""
        self._priced: set[Dimensions] = set()
        self._covered: set[str] = set()
        """Gateways with a cost that pays for all of their traffic."""
        self._parts: set[tuple[int, Dimensions]] = set()
        """Costs that were seen in parts, so that their sum is not counted as well."""
        self._zero_is_unknown = shape.zero_cost_is_unknown
        counting = config.elsewhere if config.role == "count" and not config.queries else ()
        self._elsewhere = {other.gateway: other.source for other in counting}
        self._gauges = sorted(
            rule.names[0] for rule in shape.metrics if rule.quantity == "cost_rate" and rule.rate
        )
        self._resume_at = 0.0
        self._trouble = ""

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`. Raises SourceFormatError when it cannot be read."""
        self._rests = {}
        self._priced = set()
        self._covered = set()
        self._parts = set()
        try:
            bottom, low, high = json.loads(checkpoint.get(PART, "[0, 0, 0]"))
            self._ends = _Ends(int(bottom), int(low), int(high))
        except (ValueError, TypeError):
            raise SourceFormatError("the stored checkpoint cannot be read") from None

    async def close(self) -> None:
        """Close the connection. May be called twice."""
        await self._api.close()

    @property
    def behind(self) -> bool:
        """Is there history that was not read yet?"""
        return self._ends.low > self._ends.bottom

    async def poll(self, now: float) -> AsyncIterator[Batch]:
        """Windows that are over, then about half a second of history."""
        self.has_more = False
        now_ms = round(now * 1000)
        end = (now_ms - LATE_MS) // MINUTE_MS * MINUTE_MS
        ends = self._ends
        if not ends.high:
            for ask in self._asks:  # what the server does not understand is told at once
                await self._api.steps(ask.promql(MINUTE_MS), end, end, MINUTE_MS)
            since = self._config.since
            length = since * 1000 if since is not None else 730 * DAY_MS
            bottom = max(0, end - length) // HOUR_MS * HOUR_MS
            yield self._batch(_Ends(bottom, end, end), [], now_ms, [])
        elif end > ends.high:
            until = min(end, ends.high + MOST_WINDOWS * MINUTE_MS)
            records, bad = await self._windows(ends.high, until, MINUTE_MS)
            yield self._batch(ends._replace(high=until), records, now_ms, bad)
            self.has_more = until < end
        turn = time.monotonic() + TURN_S
        while self._ends.low > self._ends.bottom and now >= self._resume_at:
            ends = self._ends
            start, step = self._piece(ends, now_ms)
            try:
                records, bad = await self._windows(start, ends.low, step)
            except SourceError as error:
                self._resume_at = now + PAUSE_S
                self._trouble = str(error)
                self.refused_s = PAUSE_S
                break
            self._trouble = ""
            self.refused_s = 0.0
            yield self._batch(ends._replace(low=start), records, now_ms, bad, history=True)
            if time.monotonic() > turn:
                break
        self.has_more = self.has_more or (
            self._ends.low > self._ends.bottom and now >= self._resume_at
        )

    def _piece(self, ends: _Ends, now_ms: int) -> tuple[int, int]:
        """Where the next piece of history begins, and its windows. Longer ones for the past: the
        store keeps no minutes of it, and an `increase()` over an hour loses less at its edges."""
        age = now_ms - ends.low
        step = MINUTE_MS
        if not self._config.queries and age > DAY_MS:
            step = FINE_MS if age < FINE_FOR_MS else HOUR_MS
        aligned = ends.low // step * step
        if aligned != ends.low:
            return max(ends.bottom, aligned), MINUTE_MS
        start = max(ends.bottom, ends.low - MOST_WINDOWS * step)
        return start, step

    async def _windows(
        self, start: int, end: int, step: int
    ) -> tuple[list[UsageRecord], list[tuple[str, str]]]:
        """The records of `(start, end]`, one a window. Raises SourceError."""
        sums: dict[int, list[tuple[tuple[int, int], Increment]]] = {}
        bad: list[tuple[str, str]] = []
        rests = dict(self._rests)
        for ask in self._asks:
            found = await self._api.steps(ask.promql(step), start + step, end, step)
            if found.warnings:
                raise SourceFormatError(f"the server's answer is not whole: {found.warnings[0]}")
            for row in found.rows:
                for at, text in row.values:
                    if not start < at * 1000 <= end:
                        continue  # not asked for
                    ms = round(at * 1000)
                    try:
                        increment = self._take(ask, row.metric, text, step, rests)
                    except ValueError as error:
                        bad.append((str(error), visible(redact(json.dumps(row.metric)), 200)))
                        continue
                    if increment is not None:
                        sums.setdefault(ms, []).append((ask.rank, increment))
        # Only now: what failed half way is asked for again.
        self._rests = rests
        records: list[UsageRecord] = []
        joiner = Joiner(self._mapper.inclusions, hold=False, count_lookups=False)
        for ms, increments in sorted(sums.items()):
            joined = joiner.join(
                _preferred(increments),
                self._counts,
                self._is_priced,
                "",
                (ms - step) * 1_000_000,
                ms * 1_000_000,
            )
            joiner.commit(joined)
            records += [record._replace(estimated=True) for record in joined.records]
        return records, bad

    def _counts(self, place: Placement) -> bool:
        return not (place.whole and (place.rule, place.dims) in self._parts)

    def _is_priced(self, dims: Dimensions) -> bool:
        return dims in self._priced or dims.gateway in self._covered

    def _take(
        self,
        ask: Ask,
        metric: dict[str, str],
        text: str,
        step: int,
        rests: dict[tuple[tuple[int, int], Dimensions, tuple[int, ...]], Decimal],
    ) -> Increment | None:
        found = ask.take(metric, text, step)
        if found is None:
            return None
        first = found.placements[0]
        other = self._elsewhere.get(first.dims.gateway)
        if other is not None:
            raise SourceFormatError(
                f"gateway {visible(first.dims.gateway, 100)} is already counted by source {other}: "
                "give one of them role: reconcile, or leave it out here with match:"
            )
        for place in found.placements:
            if COST not in place.fields:
                continue
            if found.amount or not self._zero_is_unknown:
                self._priced.add(place.dims)
            if ask.covers:
                self._covered.add(place.dims.gateway)
            if not place.whole:
                self._parts.add((place.rule, place.dims))
        key = (ask.rank, first.dims, first.fields)
        total = found.amount + rests.get(key, Decimal(0))
        whole = int(total.to_integral_value(ROUND_FLOOR))
        rests[key] = total - whole
        return Increment(found.placements, whole, True, False)

    def _batch(
        self,
        ends: _Ends,
        records: list[UsageRecord],
        now_ms: int,
        bad: list[tuple[str, str]],
        *,
        history: bool = False,
    ) -> Batch:
        self._ends = ends
        newest = max((record.end_ns for record in records), default=0)
        return Batch(
            records=records,
            checkpoint={PART: ends.dump()},
            skipped=[
                SkippedLine(self.name, self._api.shown, -1, 0, reason, text, now_ms / 1000)
                for reason, text in bad[:5]
            ],
            skipped_count=len(bad),
            newest_ns=newest,
            lag_s=max(0.0, (now_ms - ends.high) / 1000),
            backfill_done=(ends.high - ends.low) // 1000 if ends.low > ends.bottom else 0,
            backfill_total=(ends.high - ends.bottom) // 1000 if ends.low > ends.bottom else 0,
            unread=[(ends.bottom / 1000, ends.low / 1000)] if ends.low > ends.bottom else [],
            history=history,
            note=self._remark(),
        )

    def _remark(self) -> str:
        """What the user should know, or nothing."""
        if self._trouble:
            return f"history waits: {self._trouble}"
        if self._mapper.unknown_kinds:
            kinds = ", ".join(sorted(self._mapper.unknown_kinds))
            return f"token kinds that are not known and not counted: {kinds}"
        if self._gauges:
            return f"mode: aggregate does not read {', '.join(self._gauges)}: its cost is missing"
        return ""


def _preferred(found: Iterable[tuple[tuple[int, int], Increment]]) -> list[Increment]:
    """Of queries that measure the same, for each gateway the one that comes first and has a
    number."""
    items = [(what, i.placements[0].dims.gateway, rank, i) for (what, rank), i in found]
    best: dict[tuple[int, str], int] = {}
    for what, gateway, preference, _ in items:
        best[what, gateway] = min(best.get((what, gateway), preference), preference)
    return [i for what, gateway, preference, i in items if best[what, gateway] == preference]
