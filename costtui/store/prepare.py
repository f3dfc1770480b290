"""A batch of records, summed into the rows that one transaction writes.

This is the hot path between decoding and SQLite, so it is one loop with bound names: records come
nearly in time order, so the bucket of the record before is tried first; most quantities are 0 and
are not added. Coarser levels are summed from finer rows, never again from records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Final
from zlib import crc32

from costtui.model.requests import Priced, Request, Requests
from costtui.model.timewindow import DAY, HOUR, MINUTE
from costtui.model.usage import UsageRecord
from costtui.store.levels import LEVELS, Floors
from costtui.store.series import SourceSeries
from costtui.store.spread import LONGEST_POINT_NS, spread

SEQUENCE_BITS: Final = 22
SEQUENCE_MASK: Final = (1 << SEQUENCE_BITS) - 1
MAX_MS: Final = (1 << 41) - 1
"""The last millisecond whose id fits 63 bits (2039); later ones keep their time in `ns`."""

_NS: Final = 1_000_000_000
_MS_NS: Final = 1_000_000

Buckets = dict[int, dict[int, list[int]]]
"""t → series → the thirteen sums."""


@dataclass(slots=True)
class Prepared:
    """What to write."""

    requests: list[tuple[object, ...]] = field(default_factory=list)
    """Whole rows, or of `Requests` the columns that are not the same in all of them."""
    levels: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    """table → rows `(t, series, …)` in the order of the primary key."""
    low: int = 0
    high: int = 0
    """`[low, high)`, the stretch of time that is touched, epoch seconds."""
    sequences: dict[int, int] = field(default_factory=dict)
    """millisecond → next free sequence, to go on from in the next batch."""


def first_sequence(source: int, part: str) -> int:
    """Where a file's sequence numbers begin within a millisecond.

    Two files rarely share one, so their requests of the same millisecond get different ids
    without a look at the table. The upper half of the numbers is kept for the rare rest.
    """
    return (crc32(part.encode("utf-8", "replace"), source) & 0x3FF) << 11


def prepare(
    records: Sequence[UsageRecord],
    charges: Sequence[Priced],
    series: SourceSeries,
    floors: Floors,
    part_ids: dict[str, int],
    recent: dict[int, int],
) -> Prepared:
    """Sum `records`. New series and parts are given ids in `series` and `part_ids`; the caller
    stores them, or throws both away when it fails. `recent` is `sequences` of the batch before.

    Raises ValueError when there is not one charge for each record.
    """
    out = Prepared(sequences={})
    by_step: dict[int, Buckets] = {MINUTE: {}, HOUR: {}, DAY: {}}
    if isinstance(records, Requests):
        _sum_requests(records.rows, charges, series, floors, part_ids, recent, out, by_step)
    else:
        _sum_records(records, charges, series, floors, part_ids, recent, out, by_step)
    out.levels = roll_up(by_step)
    days = out.levels["day"]
    finest = [t for step in by_step for t in by_step[step]]
    if days and finest:
        out.low = min(finest)
        out.high = max(t + step for step, buckets in by_step.items() for t in buckets)
    return out


def _sum_records(
    records: Sequence[UsageRecord],
    charges: Sequence[Priced],
    series: SourceSeries,
    floors: Floors,
    part_ids: dict[str, int],
    recent: dict[int, int],
    out: Prepared,
    by_step: dict[int, Buckets],
) -> None:
    nowhere: dict[int, list[int]] = {}
    request_floor_ns = floors.requests * _NS
    ids = series.ids
    get_id = ids.get
    raw = out.requests.append
    sequences = out.sequences
    low_ns = high_ns = 0  # the bucket of the record before
    bucket = nowhere
    part_name = None
    part_id = base = 0
    for record, charge in zip(records, charges, strict=True):
        (
            start,
            end,
            dims,
            requests,
            errors,
            throttled,
            input_,
            cache_read,
            cache_write,
            cache_write_1h,
            output,
            reasoning,
            reported,
            estimated,
            lower_bounds,
            request_id,
            status,
            latency,
            part,
            offset,
            attrs,
        ) = record
        effective, listed, basis, tier = charge
        key = (
            dims,
            basis,
            tier,
            listed is not None,
            request_id is None,
            reported is not None,
            estimated,
        )
        sid = get_id(key)
        if sid is None:
            sid = series.intern(key)
        if request_id is None:
            if end - start > LONGEST_POINT_NS:
                values = (*record[3:12], effective, listed or 0, reported or 0, lower_bounds)
                for t, share in spread(start, end, values):
                    _add(by_step, floors, t, sid, share)
                continue
            when = end - 1 if end > start else end
        else:
            when = end
            if end >= request_floor_ns:
                if part != part_name:
                    part_name = part
                    part_id = part_ids.get(part, 0)
                    if not part_id:
                        part_id = part_ids[part] = len(part_ids) + 1
                    base = first_sequence(series.source, part)
                ms, ns = divmod(end, _MS_NS)
                if not 0 <= ms <= MAX_MS:
                    ms = 0 if ms < 0 else MAX_MS
                    ns = end - ms * _MS_NS
                sequence = sequences.get(ms)
                if sequence is None:
                    sequence = recent.get(ms, base)
                sequences[ms] = sequence + 1
                raw(
                    (
                        ms << 22 | sequence & 0x3FFFFF,
                        ns,
                        sid,
                        requests,
                        errors,
                        throttled,
                        input_,
                        cache_read,
                        cache_write,
                        cache_write_1h,
                        output,
                        reasoning,
                        effective,
                        listed,
                        reported,
                        lower_bounds,
                        status,
                        latency,
                        request_id,
                        part_id,
                        offset,
                        attrs,
                    )
                )
        if not low_ns <= when < high_ns:
            t = when // _NS
            step = floors.finest_step(t)
            if step:
                t -= t % step
                bucket = by_step[step].setdefault(t, {})
                low_ns = t * _NS
                high_ns = low_ns + step * _NS
            else:
                bucket = nowhere
                low_ns = high_ns = 0
        row = bucket.get(sid)
        if row is None:
            bucket[sid] = [
                requests,
                errors,
                throttled,
                input_,
                cache_read,
                cache_write,
                cache_write_1h,
                output,
                reasoning,
                effective,
                listed or 0,
                reported or 0,
                lower_bounds,
            ]
            continue
        row[0] += requests
        if errors:
            row[1] += errors
        if throttled:
            row[2] += throttled
        row[3] += input_
        if cache_read:
            row[4] += cache_read
        if cache_write:
            row[5] += cache_write
        if cache_write_1h:
            row[6] += cache_write_1h
        row[7] += output
        if reasoning:
            row[8] += reasoning
        row[9] += effective
        if listed:
            row[10] += listed
        if reported:
            row[11] += reported
        if lower_bounds:
            row[12] += lower_bounds


def _sum_requests(
    rows: Sequence[Request],
    charges: Sequence[Priced],
    series: SourceSeries,
    floors: Floors,
    part_ids: dict[str, int],
    recent: dict[int, int],
    out: Prepared,
    by_step: dict[int, Buckets],
) -> None:
    """As `_sum_records`, for what is at most half of its columns."""
    nowhere: dict[int, list[int]] = {}
    request_floor_ns = floors.requests * _NS
    sids: dict[tuple[int, int, int, bool, bool, bool], int] = {}
    get_known = sids.get
    raw = out.requests.append
    sequences = out.sequences
    get_sequence = sequences.get
    get_recent = recent.get
    low_ns = high_ns = 0
    bucket = nowhere
    part_name = None
    part_id = base = 0
    for (
        (when, dims, used, made, reported, estimated, request_id, part, offset, attrs),
        (effective, listed, basis, tier),
    ) in zip(rows, charges, strict=True):
        # Integers hash in half the time of six names; `rows` keeps every `dims` alive meanwhile.
        known = (id(dims), basis, tier, listed is None, reported is None, estimated)
        sid = get_known(known)
        if sid is None:
            key = (dims, basis, tier, listed is not None, False, reported is not None, estimated)
            sid = series.ids.get(key) or series.intern(key)
            sids[known] = sid
        if when >= request_floor_ns:
            if part != part_name:
                part_name = part
                part_id = part_ids.get(part, 0)
                if not part_id:
                    part_id = part_ids[part] = len(part_ids) + 1
                base = first_sequence(series.source, part)
            ms = when // _MS_NS
            if not 0 <= ms <= MAX_MS:
                ms = 0 if ms < 0 else MAX_MS
            sequence = get_sequence(ms)
            if sequence is None:
                sequence = get_recent(ms, base)
            sequences[ms] = sequence + 1
            raw(
                (
                    ms << 22 | sequence & 0x3FFFFF,
                    when - ms * _MS_NS,
                    sid,
                    used,
                    made,
                    effective,
                    listed,
                    reported,
                    request_id,
                    part_id,
                    offset,
                    attrs,
                )
            )
        if not low_ns <= when < high_ns:
            t = when // _NS
            step = floors.finest_step(t)
            if step:
                t -= t % step
                bucket = by_step[step].setdefault(t, {})
                low_ns = t * _NS
                high_ns = low_ns + step * _NS
            else:
                bucket = nowhere
                low_ns = high_ns = 0
        row = bucket.get(sid)
        if row is None:
            bucket[sid] = [
                1, 0, 0, used, 0, 0, 0, made, 0, effective, listed or 0, reported or 0, 0,
            ]  # fmt: skip
            continue
        row[0] += 1
        row[3] += used
        row[7] += made
        row[9] += effective
        if listed:
            row[10] += listed
        if reported:
            row[11] += reported


def _add(
    by_step: dict[int, Buckets], floors: Floors, t: int, sid: int, values: Iterable[int]
) -> None:
    step = floors.finest_step(t)
    if step:
        bucket = by_step[step].setdefault(t - t % step, {})
        row = bucket.get(sid)
        bucket[sid] = list(values) if row is None else list(map(add, row, values))


def roll_up(by_step: dict[int, Buckets]) -> dict[str, list[tuple[int, ...]]]:
    """The rows of every level, from the finest rows of each stretch of time."""
    rows: dict[str, list[tuple[int, ...]]] = {}
    finer: Buckets = {}
    for level in LEVELS:
        step = level.step
        buckets: Buckets = {t: dict(own) for t, own in by_step.get(step, {}).items()}
        for t, series in finer.items():
            target = buckets.setdefault(t - t % step, {})
            for sid, row in series.items():
                before = target.get(sid)
                # A row that is alone in its bucket is shared between levels, not copied.
                target[sid] = row if before is None else list(map(add, before, row))
        rows[level.table] = [
            (t, sid, *row) for t in sorted(buckets) for sid, row in sorted(buckets[t].items())
        ]
        finer = buckets
    return rows


def renumber(rows: Sequence[tuple[object, ...]], taken: dict[int, int]) -> list[tuple[object, ...]]:
    """New ids for `rows`, whose own collide with stored ones: never lose a row.

    `taken` is millisecond → the highest stored sequence (-1 for none) and is advanced. A
    millisecond whose four million numbers are used up goes on in the next, and `ns` says so.
    """
    out: list[tuple[object, ...]] = []
    for row in rows:
        identity, ns = row[0], row[1]
        assert isinstance(identity, int)
        assert isinstance(ns, int)
        ms = identity >> SEQUENCE_BITS
        while taken.get(ms, -1) >= SEQUENCE_MASK and ms < MAX_MS:
            ms, ns = ms + 1, ns - _MS_NS
        taken[ms] = taken.get(ms, -1) + 1
        out.append((ms << SEQUENCE_BITS | taken[ms], ns, *row[2:]))
    return out
