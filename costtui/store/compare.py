"""What counts beside what reconciling sources saw, on the stretch of time that both cover.

Usage of a reconciling source is stored like any other and left out of every total; here it is
summed by the same roll-ups. Two sources hardly ever begin and end at one moment, and a sum over
different stretches differs for no reason that anybody cares about, so the stretch is worked out
first: after the first usage of either side, up to the earlier of the two last reads.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from costtui.model.comparison import Compared
from costtui.model.snapshot import Filter, SourceStatus, Totals
from costtui.model.timewindow import DAY, MINUTE, Window, floor_to
from costtui.store.catalogue import RECONCILE, Catalogue, Selection
from costtui.store.cover import ceil_to
from costtui.store.levels import LEVELS, Floors
from costtui.store.sums import SumCache, Sums, add_up

NARROWING: Final = frozenset({"gateway", "provider", "model"})
"""Dimensions whose filters narrow a comparison. The others are ignored: a page of counters knows
no consumers and its log does, so what a filter leaves of the two is not the same traffic."""

_FIRST_SQL: Final = (
    "SELECT t FROM {} WHERE t >= ? AND t < ? AND series IN (SELECT value FROM json_each(?)) "
    "ORDER BY t LIMIT 1"
)
_FAR: Final = 2**62


def compare(
    connection: sqlite3.Connection,
    cache: SumCache,
    catalogue: Catalogue,
    floors: Floors,
    window: Window,
    filters: Sequence[Filter],
    statuses: Iterable[SourceStatus],
    by: tuple[str, ...] = (),
) -> tuple[Compared, ...]:
    """One row for each gateway and source that reconciles it, and for each value of `by`; by
    gateway, the dearest parts first. `window` is one that is kept."""
    chosen = tuple(f for f in filters if f.dimension in NARROWING)
    table = _Table(connection, cache, catalogue, floors, chosen, by)
    known = {status.name: status for status in statuses}
    count, seen = _sides(catalogue)
    rows: list[Compared] = []
    for name in sorted(s.name for s in known.values() if s.role == RECONCILE):
        gateways = seen.get(name) or {known[name].gateway: frozenset[int]()}
        for gateway, ids in sorted(gateways.items()):
            own = count.get(gateway, {})
            if not table.passing(gateway):
                continue
            rows += _pair(table, window, gateway, known[name], ids, own, known)
    return tuple(rows)


_Side = dict[str, frozenset[int]]


def _sides(catalogue: Catalogue) -> tuple[dict[str, _Side], dict[str, _Side]]:
    """gateway → counting source → its series; reconciling source → gateway → its series."""
    count: dict[str, dict[str, set[int]]] = {}
    seen: dict[str, dict[str, set[int]]] = {}
    roles = dict(catalogue.sources.values())
    for sid, (gateway, source) in catalogue.keys(("gateway", "source")).items():
        if roles.get(source) == RECONCILE:
            seen.setdefault(source, {}).setdefault(gateway, set()).add(sid)
        else:
            count.setdefault(gateway, {}).setdefault(source, set()).add(sid)

    def frozen(sides: dict[str, dict[str, set[int]]]) -> dict[str, _Side]:
        return {a: {b: frozenset(ids) for b, ids in own.items()} for a, own in sides.items()}

    return frozen(count), frozen(seen)


def _pair(
    table: _Table,
    window: Window,
    gateway: str,
    source: SourceStatus,
    ids: frozenset[int],
    own: _Side,
    known: dict[str, SourceStatus],
) -> list[Compared]:
    """A gateway as its counting sources and `source` saw it."""
    counting = [known[name] for name in own if name in known]
    counted: frozenset[int] = frozenset().union(*own.values())
    start = end = 0
    if counting and ids:
        # Of several sources that count a gateway the newest read holds: two at a time are an error
        # of the configuration, so the others are its predecessors.
        until = min(max(map(read_until, counting)), read_until(source))
        firsts = [table.first(gateway, name, own[name]) for name in own]
        start, end = _stretch(
            window, table.floors, min(firsts), table.first(gateway, source.name, ids), until
        )
    covered = end > start
    low, high = (start, end) if covered else (window.start, window.end)
    edges: tuple[tuple[int, int], ...] = ()
    if covered:
        slack = max(s.interval for s in (source, *counting))
        edges = _edges(start, end, int(2 * slack), table.floors)
    reading = any(s.backfill_total > s.backfill_done for s in (source, *counting))
    return [
        Compared(
            gateway, key, source.name, start, end, one, other, edge,
            tuple(sorted(own)), bool(ids), reading,
        )
        for key, one, other, edge in table.rows(low, high, edges, counted, ids)
    ]  # fmt: skip


def read_until(status: SourceStatus) -> float:
    """Up to when everything a source had to say has been read."""
    return status.last_data if status.lag_s > 0 else status.last_ok


def _stretch(
    window: Window, floors: Floors, one: tuple[int, int], other: tuple[int, int], until: float
) -> tuple[int, int]:
    """`[start, end)` in whole buckets of what is kept; empty where the two never overlap.

    `one` and `other` are the (time, length) of the first bucket of each side. That bucket is left
    out: whoever came later may have seen a part of it only.
    """
    start = max(window.start, *(t + step for t, step in (one, other)))
    end = min(window.end, floor_to(int(until), MINUTE))
    start = ceil_to(start, floors.finest_step(start) or DAY)
    end = floor_to(end, floors.finest_step(end - 1) or DAY)
    return (start, end) if end > start else (0, 0)


def _edges(start: int, end: int, slack: int, floors: Floors) -> tuple[tuple[int, int], ...]:
    """The stretches at both ends in which a slow reader's usage may be on the other side."""
    first = start + ceil_to(max(slack, 1), floors.finest_step(start) or DAY)
    last = end - ceil_to(max(slack, 1), floors.finest_step(end - 1) or DAY)
    return ((start, end),) if first >= last else ((start, first), (last, end))


class _Table:
    """Sums of one comparison: what is asked, and what has been read for it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        cache: SumCache,
        catalogue: Catalogue,
        floors: Floors,
        filters: tuple[Filter, ...],
        by: tuple[str, ...],
    ) -> None:
        self.floors = floors
        self._connection, self._cache, self._catalogue = connection, cache, catalogue
        self._chosen = catalogue.select(filters) | catalogue.select(filters, reconcile=True)
        self._narrowed = bool(filters)
        self._by = by
        self._keys = catalogue.keys(by) if by else {}
        self._gateways = catalogue.keys(("gateway",))
        self._passing = {self._gateways[sid][0] for sid in self._chosen}
        self._sums: dict[tuple[int, int], Sums] = {}

    def passing(self, gateway: str) -> bool:
        """Do the filters leave anything of a gateway?"""
        return not self._narrowed or gateway in self._passing

    def first(self, gateway: str, source: str, ids: Selection) -> tuple[int, int]:
        """The first bucket of a source's usage of a gateway: (start, length), as finely as kept."""
        found = self._cache.firsts.get((source, gateway))
        if found is None:
            found = self._cache.firsts[source, gateway] = _first(self._connection, self.floors, ids)
        return found

    def _between(self, low: int, high: int) -> Sums:
        found = self._sums.get((low, high))
        if found is None:
            rows = self._cache.by_series(self._connection, low, high)
            found = self._sums[low, high] = self._cache.extend(rows, self._chosen)
        return found

    def rows(
        self,
        low: int,
        high: int,
        edges: Iterable[tuple[int, int]],
        counted: Selection,
        seen: Selection,
    ) -> list[tuple[tuple[str, ...], Totals, Totals, Totals]]:
        """(key, counted, seen, edge) for each value of `by`, the dearest first."""
        one = self._grouped(low, high, counted)
        other = self._grouped(low, high, seen)
        edge: dict[tuple[str, ...], Totals] = {}
        for begin, finish in edges:
            for key, totals in self._grouped(begin, finish, counted | seen).items():
                edge[key] = edge[key].plus(totals) if key in edge else totals
        none = Totals()
        keys = {**one, **other} if self._by else {(): none}
        found = [(k, one.get(k, none), other.get(k, none), edge.get(k, none)) for k in keys]
        found.sort(key=lambda row: (-row[1].effective_nano, -row[2].effective_nano, row[0]))
        return found

    def _grouped(self, low: int, high: int, ids: Selection) -> dict[tuple[str, ...], Totals]:
        rows = self._between(low, high)
        groups: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
        for sid in ids & rows.keys():
            groups.setdefault(self._keys.get(sid, ()), []).append(rows[sid])
        return {key: add_up(found) for key, found in groups.items()}


def _first(connection: sqlite3.Connection, floors: Floors, ids: Selection) -> tuple[int, int]:
    """Level by level from the days down, so that a busy store is never scanned by the minute."""
    wanted = json.dumps(sorted(ids))
    found = (_FAR, 0)
    low, high = -_FAR, _FAR
    for level in reversed(LEVELS):
        if low > -_FAR and low < floors.of(level):
            break
        row = connection.execute(_FIRST_SQL.format(level.table), (low, high, wanted)).fetchone()
        if row is None:
            break
        found = (int(row[0]), level.step)
        low, high = found[0], sum(found)
    return found
