"""Totals for each bucket of a window: what hourly and daily reports print."""

from __future__ import annotations

import json
import sqlite3

from costtui.model.charge import CostBasis
from costtui.model.snapshot import Totals
from costtui.model.timewindow import Window, floor_to
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.cover import ceil_to
from costtui.store.levels import COLUMNS, TABLE_OF_STEP
from costtui.store.sums import SumCache

_SQL = (
    f"SELECT t, {', '.join(f'sum({c})' for c in COLUMNS)} FROM {{}} WHERE t >= ? AND t < ? "
    "AND series IN (SELECT value FROM json_each(?)) GROUP BY t"
)


def timeline(
    connection: sqlite3.Connection,
    cache: SumCache,
    catalogue: Catalogue,
    window: Window,
    selection: Selection,
) -> list[tuple[int, Totals]]:
    """(bucket, totals), oldest first; the first and the last bucket are clipped to the window."""
    step = window.step
    first, last = ceil_to(window.start, step), floor_to(window.end, step)
    buckets = {start: Totals() for start in window.buckets()}
    if first > last:
        total = cache.total(connection, window.start, window.end, selection)
        return [(start, total) for start in buckets]
    if window.start < first:
        buckets[first - step] = cache.total(connection, window.start, first, selection)
    if last < window.end:
        buckets[last] = cache.total(connection, last, window.end, selection)
    # Rows arrive in order of t, so grouping by it needs no sorting; one pass for each kind of
    # basis is cheaper than grouping by series and sorting.
    for kind in (CostBasis.UNPRICED, CostBasis.ESTIMATED, None):
        ids = [
            i
            for i in selection
            if (catalogue.series[i].basis if catalogue.series[i].basis in _SPECIAL else None)
            is kind
        ]
        if not ids or first >= last:
            continue
        rows = connection.execute(
            _SQL.format(TABLE_OF_STEP[step]), (first, last, json.dumps(sorted(ids)))
        )
        for t, *row in rows:
            extra = (0, 0, 0, 0)
            if kind is CostBasis.UNPRICED:
                extra = (row[0], sum(row[3:9]), 0, 0)
            elif kind is CostBasis.ESTIMATED:
                extra = (0, 0, row[9], row[0])
            buckets[t] = buckets[t].plus(Totals._make((*row, *extra)))
    return list(buckets.items())


_SPECIAL = frozenset({CostBasis.UNPRICED, CostBasis.ESTIMATED})
