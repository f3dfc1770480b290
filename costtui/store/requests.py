"""Single requests: the stretches of a list by time, how many there are, and one in full.

The table is in the order of time and has no other index, so every question here is a range of ids.
Requests of a few series, or only failed ones, may lie far apart: the roll-ups say in which ten
minutes there are any, and how many there are in a window.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from costtui.model.charge import CostBasis
from costtui.model.snapshot import RequestRow
from costtui.model.timewindow import DAY, HOUR, TEN_MINUTES, Window, floor_to
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.cover import ceil_to, cover
from costtui.store.levels import Floors
from costtui.store.prepare import MAX_MS, SEQUENCE_BITS

LOOKED_THROUGH: Final = 20_000
"""Rows that are read before the roll-ups are asked: about 4 ms."""
COUNTED: Final = 200_000
"""Rows that are counted one by one at most, 20 ms; more is an estimate."""

_COLUMNS: Final = (
    "request.id, ns, series, requests, errors, throttled, input, cache_read, cache_write, "
    "cache_write_1h, output, reasoning, effective, list, reported, status, latency_ms, "
    "request_id, part.name, offset, attrs"
)
_FROM: Final = f"SELECT {_COLUMNS} FROM request LEFT JOIN part ON part.id = request.part"
_WANTED: Final = "(SELECT value FROM json_each(:ids))"
_FAILED: Final = {"errors": "errors > 0", "throttled": "throttled > 0"}
"""Kinds of requests that are not a property of their series."""


class Wanted(NamedTuple):
    """Which rows of `request`: `low <= id < high`, and `sql`."""

    low: int
    high: int
    ids: str
    """Series as a JSON list; empty where every series is wanted."""
    column: str
    """The column of a roll-up that counts these requests."""
    where: str
    """The rest of a WHERE clause, beginning with AND, or nothing."""
    none: bool

    @property
    def sql(self) -> str:
        return (f" AND series IN {_WANTED}" if self.ids else "") + self.where

    def within(self, low: int, high: int) -> dict[str, int | str]:
        """Parameters for the part of it in `[low, high)`."""
        return {"ids": self.ids, "low": max(low, self.low), "high": min(high, self.high)}


def wanted(
    catalogue: Catalogue, floors: Floors, window: Window, selection: Selection, status: str = "all"
) -> Wanted:
    """The requests of `selection` in `window` that are `status` (of `model.listing.STATUSES`)."""
    series = catalogue.series
    chosen = {s for s in selection if not series[s].aggregated}
    if status == "unpriced":
        chosen = {s for s in chosen if series[s].basis is CostBasis.UNPRICED}
    single = sum(not s.aggregated for s in series.values())
    low, high = first_id(max(window.start, floors.requests)), first_id(window.end)
    # No row of the table is of an aggregated series, so leaving those out leaves nothing out.
    ids = "" if len(chosen) == single else json.dumps(sorted(chosen))
    failed = _FAILED.get(status, "")
    column = status if failed else "requests"
    where = f" AND {failed}" if failed else ""
    return Wanted(low, high, ids, column, where, not chosen or low >= high)


def walk(
    connection: sqlite3.Connection,
    floors: Floors,
    want: Wanted,
    low: int,
    high: int,
    limit: int,
    *,
    up: bool,
) -> list[tuple[Any, ...]]:
    """At most `limit` rows with `low <= id < high`, oldest first (`up`) or newest first."""
    low, high = max(low, want.low), min(high, want.high)
    if want.none or limit <= 0 or low >= high:
        return []
    order = "ASC" if up else "DESC"
    sql = (
        f"{_FROM} WHERE request.id >= :low AND request.id < :high{want.sql} "
        f"ORDER BY request.id {order} LIMIT :limit"
    )

    def scan(since: int, until: int, most: int) -> list[tuple[Any, ...]]:
        if since >= until or most <= 0:
            return []
        return connection.execute(sql, {**want.within(since, until), "limit": most}).fetchall()

    if not want.sql:
        return scan(low, high, limit)
    edge = edge_of(connection, low, high, LOOKED_THROUGH, up=up)
    if edge is None:
        return scan(low, high, limit)
    near, far = ((low, edge), (edge, high)) if up else ((edge, high), (low, edge))
    found = scan(*near, limit)
    if len(found) < limit:
        for start, end in _promising(connection, want, floors, *far, up=up):
            since, until = max(far[0], first_id(start)), min(far[1], first_id(end))
            found += scan(since, until, limit - len(found))
            if len(found) >= limit:
                break
    return found


def edge_of(
    connection: sqlite3.Connection, low: int, high: int, rows: int, *, up: bool
) -> int | None:
    """The id at which the first `rows` rows of `[low, high)` end; None where there are no more."""
    found = connection.execute(
        "SELECT id FROM request WHERE id >= ? AND id < ? "
        f"ORDER BY id {'ASC' if up else 'DESC'} LIMIT 1 OFFSET ?",
        (low, high, rows if up else rows - 1),
    ).fetchone()
    return None if found is None or (not up and found[0] <= low) else int(found[0])


def count(
    connection: sqlite3.Connection, floors: Floors, want: Wanted, low: int, high: int
) -> tuple[int, bool]:
    """(requests with `low <= id < high`, is that exact?), from roll-ups in the middle and by
    counting rows at the edges. 1 to 3 ms for a month, where counting takes 90 ms a million.

    A roll-up counts requests and not rows; a source of single requests gives each row one.
    """
    low, high = max(low, want.low), min(high, want.high)
    if want.none or low >= high:
        return 0, True
    since, until = second_of(low), second_of(high)
    start = ceil_to(since + (first_id(since) < low), _step(floors, since))
    end = floor_to(until, _step(floors, until))
    if start >= end:
        return _rows_between(connection, want, low, high)
    total, exact = 0, True
    for first, last in ((low, first_id(start)), (first_id(end), high)):
        rows, whole = _rows_between(connection, want, first, last)
        total, exact = total + rows, exact and whole
    return total + sums(connection, want, start, end)[0], exact


def sums(connection: sqlite3.Connection, want: Wanted, start: int, end: int) -> tuple[int, int]:
    """(requests, effective nano-USD) of `[start, end)` in epoch seconds, by roll-ups that are
    there. The second is that of all requests of the series, whatever their status."""
    requests = effective = 0
    # Without a list of series there may still be counters beside the single requests.
    single = "series IN " + (
        _WANTED if want.ids else "(SELECT id FROM series WHERE NOT aggregated)"
    )
    for table, low, high in cover(start, end):
        row = connection.execute(
            f"SELECT coalesce(sum({want.column}), 0), coalesce(sum(effective), 0) FROM {table} "
            f"WHERE t >= :low AND t < :high AND {single}",
            {"ids": want.ids, "low": low, "high": high},
        ).fetchone()
        requests, effective = requests + row[0], effective + row[1]
    return requests, effective


def comparable(floors: Floors, want: Wanted) -> tuple[int, int] | None:
    """The epoch seconds `[start, end)` for which roll-ups say what all wanted rows add up to; None
    where they are too coarse for its edges."""
    since, until = second_of(want.low), second_of(want.high)
    aligned = since % _step(floors, since) == 0 and until % _step(floors, until - 1) == 0
    return (since, until) if aligned else None


def _step(floors: Floors, t: int) -> int:
    return floors.finest_step(t) or DAY


def _rows_between(
    connection: sqlite3.Connection, want: Wanted, low: int, high: int
) -> tuple[int, bool]:
    if low >= high:
        return 0, True
    (rows,) = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM request WHERE id >= :low AND id < :high{want.sql} "
        "LIMIT :most)",
        {**want.within(low, high), "most": COUNTED},
    ).fetchone()
    return int(rows), rows < COUNTED


def by_ids(connection: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """The rows `ids` in this order; those that are gone are left out."""
    rows = connection.execute(
        f"{_FROM} WHERE request.id IN {_WANTED}", {"ids": json.dumps(list(ids))}
    )
    found = {row[0]: row for row in rows}
    return [found[i] for i in ids if i in found]


def one(connection: sqlite3.Connection, catalogue: Catalogue, identity: int) -> RequestRow | None:
    found = by_ids(connection, [identity])
    return row_of(catalogue, found[0]) if found else None


def first_id(seconds: int) -> int:
    """The lowest id of a request at or after `seconds` since 1970."""
    return max(0, min(seconds * 1000, MAX_MS + 1)) << SEQUENCE_BITS if seconds > 0 else 0


def second_of(identity: int) -> int:
    """The epoch second of an id."""
    return (identity >> SEQUENCE_BITS) // 1000


def _promising(
    connection: sqlite3.Connection,
    want: Wanted,
    floors: Floors,
    low: int,
    high: int,
    *,
    up: bool,
) -> Iterator[tuple[int, int]]:
    """Stretches of time that hold a wanted request, oldest first (`up`) or newest first."""
    start, end = second_of(low), second_of(high) + 1
    order = "ASC" if up else "DESC"
    series = f" AND series IN {_WANTED}" if want.ids else ""

    def within(table: str, step: int, since: int, until: int) -> list[int]:
        rows = connection.execute(
            f"SELECT DISTINCT t FROM {table} WHERE t >= :since AND t < :until{series} "
            f"AND {want.column} > 0 ORDER BY t {order}",
            {"ids": want.ids, "since": since - since % step, "until": until},
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


def row_of(catalogue: Catalogue, row: tuple[Any, ...]) -> RequestRow:
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
