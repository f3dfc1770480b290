"""Re-pricing: when a price is added or corrected, history follows.

A slice of time (an hour where single requests or minutes are kept, else a day) is read, charged
anew outside of any lock, and written as *differences*: what leaves a series and what arrives in
another. Differences and appends commute, so live data never waits for a re-pricing and a batch
that arrives meanwhile is not overwritten; rebuilding whole days under the lock was rejected
because a busy day holds it for seconds. Coarser levels get the same differences summed, so
each level stays the sum of the finer one. The cursor moves in the same transaction.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import Any, Final, NamedTuple

import aiosqlite

from costtui.model.charge import Charge, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.timewindow import DAY, HOUR, MINUTE, floor_to
from costtui.model.usage import UsageRecord
from costtui.store import adjusted
from costtui.store.append import UPSERT, Appender
from costtui.store.bulk import insert
from costtui.store.levels import COLUMNS, EFFECTIVE, LEVELS, TABLE_OF_STEP, WIDTH, Floors
from costtui.store.prepare import SEQUENCE_BITS, Buckets, roll_up
from costtui.store.series import COLUMNS as SERIES_COLUMNS
from costtui.store.series import Interner, Series, from_row
from costtui.store.session import Row, Session

ChargeRecord = Callable[[UsageRecord, CostPolicy], Charge]
ChargeAt = Callable[[UsageRecord, CostPolicy, int], Charge]
"""(sum of requests, policy, the tier that each of them was in) → charge."""

_CHUNK: Final = 20_000
_NS: Final = 1_000_000_000
_QUANTITIES: Final = EFFECTIVE  # the columns before the money
_LIST: Final = EFFECTIVE + 1
_REPORTED: Final = EFFECTIVE + 2
_BOUNDS: Final = EFFECTIVE + 3

_TAIL: Final = UsageRecord(0, 0, Dimensions())[-5:]
"""What a price does not depend on: status, latency, part, offset, attrs."""

Target = int | tuple[int, int, int, bool]
"""Where usage goes: its own series, or (old series, basis, tier, listed) of a new one."""


class Repriced(NamedTuple):
    """One UTC day is done."""

    day: int
    """Epoch seconds of its midnight."""
    changed: int
    """Request and roll-up rows whose charge became another one."""


@dataclass(slots=True)
class _Changes:
    updates: list[tuple[Target, int, int | None, int]] = field(default_factory=list)
    """(target, effective, list, id) of request rows."""
    deltas: dict[tuple[int, Target], list[int]] = field(default_factory=dict)
    """(bucket of the finest level, target) → differences."""
    count: int = 0

    def move(
        self,
        t: int,
        old: int,
        new: Target,
        values: tuple[int, ...],
        money: tuple[int, int, int],
        charge: Charge,
    ) -> None:
        self.count += 1
        leaves = self.deltas.setdefault((t, old), [0] * WIDTH)
        arrives = self.deltas.setdefault((t, new), [0] * WIDTH)
        effective, listed, reported = money
        for at in range(_QUANTITIES):
            leaves[at] -= values[at]
            arrives[at] += values[at]
        for at, before, after in (
            (EFFECTIVE, effective, charge.effective_nano),
            (_LIST, listed, charge.list_nano or 0),
            (_REPORTED, reported, reported),
            (_BOUNDS, values[_QUANTITIES], values[_QUANTITIES]),
        ):
            leaves[at] -= before
            arrives[at] += after


async def reprice(
    session: Session,
    appender: Appender,
    charge: ChargeRecord,
    policies: Mapping[str, CostPolicy],
    fingerprint: str,
    now: float,
    *,
    charge_at: ChargeAt | None = None,
) -> AsyncIterator[Repriced]:
    """See `Store.reprice`. A source that is not in `policies` keeps the policy it had last."""
    known: dict[str, int] = json.loads(await session.get("price.policies") or "{}")
    # A source that is new has no history; one that is gone keeps the policy it had.
    changed_policy = any(known.get(name, policy) != policy for name, policy in policies.items())
    if await session.get("price.fingerprint") == fingerprint and not changed_policy:
        if not known.keys() >= policies.keys():
            async with session.transaction():
                await _remember(session, known, policies)
        return
    if changed_policy:
        fingerprint_now = f"{fingerprint} {sorted(policies.items())}"
    else:
        fingerprint_now = fingerprint
    if await session.get("reprice.fingerprint") != fingerprint_now:
        async with session.transaction() as db:
            await session.put("reprice.fingerprint", fingerprint_now)
            await db.execute("DELETE FROM meta WHERE key = 'reprice.cursor'")
    kept = {name: CostPolicy(value) for name, value in known.items()}
    work = _Work(session, appender, charge, charge_at, {**kept, **policies})
    cursor = await session.get("reprice.cursor")
    changed = 0
    while True:
        newest = await session.fetch(
            "SELECT max(t) FROM day WHERE ? IS NULL OR t < ?", (cursor, cursor)
        )
        if newest[0][0] is None:
            break
        day = int(newest[0][0])
        end = day + DAY if cursor is None else min(cursor, day + DAY)
        cursor, slice_changed = await work.slice(day, end, now)
        changed += slice_changed
        if cursor == day:
            yield Repriced(day, changed)
            changed = 0
    async with session.transaction() as db:
        await session.put("price.fingerprint", fingerprint)
        await _remember(session, known, policies)
        await db.execute("DELETE FROM meta WHERE key IN ('reprice.fingerprint', 'reprice.cursor')")


async def _remember(
    session: Session, known: dict[str, int], policies: Mapping[str, CostPolicy]
) -> None:
    merged = {**known, **{name: int(policy) for name, policy in policies.items()}}
    await session.put("price.policies", json.dumps(merged, sort_keys=True))


class _Work:
    """One run of re-pricing."""

    def __init__(
        self,
        session: Session,
        appender: Appender,
        charge: ChargeRecord,
        charge_at: ChargeAt | None,
        policies: Mapping[str, CostPolicy],
    ) -> None:
        self._session = session
        self._appender = appender
        self._charge = charge
        self._charge_at = charge_at
        self._policies = policies
        self._policy_of: dict[int, CostPolicy] = {}
        self._series: dict[int, Series] = {}

    async def slice(self, day: int, end: int, now: float) -> tuple[int, int]:
        """Re-price the end of `[day, end)`. Returns (where it began, rows changed)."""
        while True:
            floors = self._session.floors_at(now)
            step = floors.finest_step(day) or DAY
            detailed = step == MINUTE or day >= floors.requests
            start = max(day, floor_to(end - 1, HOUR)) if detailed and step < DAY else day
            changes = await self._read(start, end, step, raw=day >= floors.requests)
            async with self._session.exclusive():
                if self._session.floors_at(now) == floors:
                    await self._write(changes, start, end, step, floors)
                    return start, changes.count

    async def _read(self, start: int, end: int, step: int, *, raw: bool) -> _Changes:
        changes = _Changes()
        await self._learn()
        if raw:
            low, high = (start * 1000) << SEQUENCE_BITS, (end * 1000) << SEQUENCE_BITS
            while True:
                rows = await self._session.fetch(
                    "SELECT id, ns, series, requests, errors, throttled, input, cache_read, "
                    "cache_write, cache_write_1h, output, reasoning, effective, list, reported, "
                    "lower_bounds, request_id FROM request WHERE id >= ? AND id < ? "
                    f"ORDER BY id LIMIT {_CHUNK}",
                    (low, high),
                )
                if not rows:
                    break
                await self._learn_missing(row[2] for row in rows)
                await asyncio.to_thread(self._charge_requests, rows, step, changes)
                low = rows[-1][0] + 1
        table = TABLE_OF_STEP[step]
        position: tuple[int, int] = (start, -1)
        while True:
            rows = await self._session.fetch(
                f"SELECT t, series, {', '.join(COLUMNS)} FROM {table} "
                f"WHERE (t, series) > (?, ?) AND t < ? ORDER BY t, series LIMIT {_CHUNK}",
                (*position, end),
            )
            if not rows:
                break
            await self._learn_missing(row[1] for row in rows)
            await asyncio.to_thread(self._charge_sums, rows, step, raw, changes)
            position = rows[-1][:2]
        return changes

    async def _learn(self) -> None:
        sources = await self._session.fetch("SELECT id, name FROM source")
        self._policy_of = {
            identity: self._policies.get(name, CostPolicy.REPORTED) for identity, name in sources
        }

    async def _learn_missing(self, ids: Any) -> None:
        newest = max(ids)
        known = max(self._series, default=0)
        if newest > known or not self._series:
            for row in await self._session.fetch(
                f"SELECT {SERIES_COLUMNS} FROM series WHERE id > ?", (known,)
            ):
                series = from_row(row)
                self._series[series.id] = series

    def _charge_requests(self, rows: list[Row], step: int, changes: _Changes) -> None:
        for row in rows:
            identity, ns, sid, *rest = row
            effective, listed, reported, bounds, request_id = rest[9:]
            series = self._series[sid]
            time_ns = (identity >> SEQUENCE_BITS) * 1_000_000 + ns
            record = UsageRecord._make(
                (
                    time_ns,
                    time_ns,
                    series.dims,
                    *rest[:9],
                    reported,
                    series.estimated,
                    bounds,
                    request_id,
                    *_TAIL,
                )
            )
            charge = self._charge(record, self._policy_of[series.source])
            target = _target(series, charge, charge.tier)
            if (target, charge.effective_nano, charge.list_nano) == (sid, effective, listed):
                continue
            changes.updates.append((target, charge.effective_nano, charge.list_nano, identity))
            seconds = time_ns // _NS
            changes.move(
                seconds - seconds % step,
                sid,
                target,
                (*rest[:9], bounds),
                (effective, listed or 0, reported or 0),
                charge,
            )

    def _charge_sums(self, rows: list[Row], step: int, raw: bool, changes: _Changes) -> None:
        for row in rows:
            t, sid, *values = row
            series = self._series[sid]
            if raw and not series.aggregated:
                continue
            effective, listed, reported, bounds = values[EFFECTIVE:]
            record = UsageRecord._make(
                (
                    t * _NS,
                    (t + step) * _NS,
                    series.dims,
                    *values[:_QUANTITIES],
                    reported if series.reports else None,
                    series.estimated,
                    bounds,
                    None,
                    *_TAIL,
                )
            )
            policy = self._policy_of[series.source]
            if series.aggregated or self._charge_at is None:
                charge = self._charge(record, policy)
            else:
                # Base tier without a list price: nothing ever decided which tier it was.
                settled = series.listed or series.tier > 0
                charge = self._charge_at(record, policy, series.tier if settled else -1)
            tier = charge.tier
            if not series.aggregated and series.tier > 0 and tier <= 0:
                tier = series.tier  # a price without tiers must not make us forget which it was
            target = _target(series, charge, tier)
            before = (sid, effective, listed if series.listed else None)
            if (target, charge.effective_nano, charge.list_nano) == before:
                continue
            changes.move(
                t,
                sid,
                target,
                (*values[:_QUANTITIES], bounds),
                (effective, listed, reported),
                charge,
            )

    async def _write(
        self, changes: _Changes, start: int, end: int, step: int, floors: Floors
    ) -> None:
        interner = await self._appender.interner()
        resolved: dict[Target, int] = {}
        buckets: Buckets = {}
        for (t, target), delta in changes.deltas.items():
            sid = self._resolve(interner, target, resolved)
            row = buckets.setdefault(t, {})
            known = row.get(sid)
            row[sid] = delta if known is None else list(map(add, known, delta))
        levels = roll_up({step: buckets})
        async with self._session.write() as db:
            await self._appender.store_series(db)
            if changes.updates:
                await db.executemany(
                    "UPDATE request SET series = ?, effective = ?, list = ? WHERE id = ?",
                    [(resolved.get(target, target), *rest) for target, *rest in changes.updates],
                )
            for level in LEVELS:
                if level.step >= step and start >= floors.of(level):
                    if level.step == DAY:
                        await adjusted.moved(db, levels[level.table])
                    await _apply(db, level.table, levels[level.table])
            await self._session.put("reprice.cursor", start)
            if changes.count:
                await self._session.bump(start, end)

    def _resolve(self, interner: Interner, target: Target, resolved: dict[Target, int]) -> int:
        found = resolved.get(target)
        if found is None:
            if isinstance(target, int):
                found = target
            else:
                old, basis, tier, listed = target
                series = self._series[old]
                _, _, _, _, *flags = series.key
                aggregated, reports, estimated = flags
                key = (series.dims, basis, tier, listed, aggregated, reports, estimated)
                own = interner.of(series.source)
                known = own.ids.get(key)
                found = own.intern(key) if known is None else known
            resolved[target] = found
        return found


async def _apply(db: aiosqlite.Connection, table: str, rows: list[tuple[int, ...]]) -> None:
    changed = [row for row in rows if any(row[2:])]
    if not changed:
        return
    await insert(db, UPSERT[table], changed)
    emptied = [row[:2] for row in changed if min(row[2:]) < 0]
    await db.executemany(
        f"DELETE FROM {table} WHERE t = ? AND series = ? AND "
        + " AND ".join(f"{column} = 0" for column in COLUMNS),
        emptied,
    )


def _target(series: Series, charge: Charge, tier: int) -> Target:
    """Where a charge puts usage of `series`."""
    listed = charge.list_nano is not None
    if (int(charge.basis), tier, listed) == (int(series.basis), series.tier, series.listed):
        return series.id
    return (series.id, int(charge.basis), tier, listed)
