"""The list of requests: newest first, fast however rare what the view asks for is; or the dearest.

The table is in time order and has no index on series: one would cost a quarter of the append rate
and serve this list only. Instead the newest rows are looked through, and when they do not yield
enough, the roll-ups tell which ten minutes hold a request of the wanted series.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from costtui.model.snapshot import RequestRow
from costtui.model.timewindow import DAY, HOUR, TEN_MINUTES, Window
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.levels import Floors
from costtui.store.prepare import MAX_MS, SEQUENCE_BITS

LOOKED_THROUGH: Final = 20_000
"""Rows that are read before the roll-ups are asked: about 10 ms."""

_COLUMNS: Final = (
    "request.id, ns, series, requests, errors, throttled, input, cache_read, cache_write, "
    "cache_write_1h, output, reasoning, effective, list, reported, status, latency_ms, "
    "request_id, part.name, offset, attrs"
)
_WANTED: Final = "(SELECT value FROM json_each(:ids))"


def newest(
    connection: sqlite3.Connection,
    catalogue: Catalogue,
    floors: Floors,
    window: Window,
    selection: Selection,
    limit: int,
    before: int | None,
) -> list[RequestRow]:
    """At most `limit` requests of the selected series in `window` with an id below `before`."""
    low = first_id(max(window.start, floors.requests))
    high = first_id(window.end)
    if before is not None:
        high = min(high, before)
    if not selection or limit <= 0 or low >= high:
        return []
    ids = json.dumps(sorted(selection))
    scanned = connection.execute(
        "SELECT id FROM request WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?",
        (low, high, LOOKED_THROUGH - 1),
    ).fetchone()
    edge = low if scanned is None else int(scanned[0])
    found = _scan(connection, ids, edge, high, limit)
    if edge > low and len(found) < limit:
        for start, end in _promising(connection, ids, floors, low, edge):
            found += _scan(
                connection,
                ids,
                max(low, first_id(start)),
                min(edge, first_id(end)),
                limit - len(found),
            )
            if len(found) >= limit:
                break
    return [_row(catalogue, row) for row in found]


ORDERS: Final = {
    "time": "id",
    "cost": "effective",
    "tokens": "input + cache_read + cache_write + cache_write_1h + output + reasoning",
}


def top(
    connection: sqlite3.Connection,
    catalogue: Catalogue,
    floors: Floors,
    window: Window,
    selection: Selection,
    limit: int,
    order: str,
    *,
    reverse: bool,
) -> list[RequestRow]:
    """The first `limit` requests of the selected series in `window`, the most `order` first, or
    the least with `reverse`; equal ones newest first. Reads every request of the window once,
    and keeps only ids and amounts until the `limit` are known.
    """
    low, high = first_id(max(window.start, floors.requests)), first_id(window.end)
    if not selection or limit <= 0 or low >= high:
        return []
    by = f"{ORDERS[order]} {'ASC' if reverse else 'DESC'}"
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM (SELECT id AS best FROM request WHERE id >= :low AND id < :high "
        f"AND series IN {_WANTED} ORDER BY {by}, id DESC LIMIT :limit) "
        "JOIN request ON request.id = best LEFT JOIN part ON part.id = request.part "
        f"ORDER BY {by.replace('id ', 'request.id ')}, request.id DESC",
        {"ids": json.dumps(sorted(selection)), "low": low, "high": high, "limit": limit},
    )
    return [_row(catalogue, row) for row in found]


def one(connection: sqlite3.Connection, catalogue: Catalogue, identity: int) -> RequestRow | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM request LEFT JOIN part ON part.id = request.part "
        "WHERE request.id = ?",
        (identity,),
    ).fetchone()
    return None if row is None else _row(catalogue, row)


def first_id(seconds: int) -> int:
    return max(0, min(seconds * 1000, MAX_MS + 1)) << SEQUENCE_BITS if seconds > 0 else 0


def _scan(
    connection: sqlite3.Connection, ids: str, low: int, high: int, limit: int
) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT {_COLUMNS} FROM request LEFT JOIN part ON part.id = request.part "
        f"WHERE request.id >= :low AND request.id < :high AND series IN {_WANTED} "
        "ORDER BY request.id DESC LIMIT :limit",
        {"ids": ids, "low": low, "high": high, "limit": limit},
    ).fetchall()


def _promising(
    connection: sqlite3.Connection, ids: str, floors: Floors, low: int, high: int
) -> Iterator[tuple[int, int]]:
    """Stretches of time that hold a request of the wanted series, newest first."""
    start = (low >> SEQUENCE_BITS) // 1000
    end = (high >> SEQUENCE_BITS) // 1000 + 1

    def within(table: str, step: int, since: int, until: int) -> list[int]:
        rows = connection.execute(
            f"SELECT DISTINCT t FROM {table} WHERE t >= :since AND t < :until "
            f"AND series IN {_WANTED} ORDER BY t DESC",
            {"ids": ids, "since": since - since % step, "until": until},
        )
        return [int(row[0]) for row in rows]

    for day in within("day", DAY, start, end):
        if day < floors.hour:
            yield day, day + DAY
            continue
        for hour in within("hour", HOUR, max(day, start), min(day + DAY, end)):
            if hour < floors.minute:
                yield hour, hour + HOUR
                continue
            until = min(hour + HOUR, end)
            for ten in within("ten_minute", TEN_MINUTES, max(hour, start), until):
                yield ten, ten + TEN_MINUTES


def _row(catalogue: Catalogue, row: tuple[Any, ...]) -> RequestRow:
    identity, ns, sid, *rest = row
    series = catalogue.series[sid]
    source, _ = catalogue.sources[series.source]
    quantities, (status, latency, request_id, part, offset, attrs) = rest[:12], rest[12:]
    return RequestRow._make(
        (
            identity,
            (identity >> SEQUENCE_BITS) * 1_000_000 + ns,
            series.dims,
            source,
            *quantities,
            series.basis,
            series.tier,
            status,
            latency,
            request_id,
            part or "",
            offset,
            attrs,
        )
    )
