"""One `Overview` from one read: the window by series, then everything else from that."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from costtui.model.charge import CostBasis
from costtui.model.snapshot import Breakdown, Gap, Group, Totals, UnpricedModel
from costtui.model.timewindow import Window, floor_to
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.cover import Segment, ceil_to
from costtui.store.levels import TABLE_OF_STEP
from costtui.store.matrix import Chart, Matrix, RequestSpark, Spark
from costtui.store.sums import Groups, SumCache, Sums

FEW: Final = 200
"""Groups of a dimension up to which all their sparks are added up at once."""


def chart(
    connection: sqlite3.Connection, cache: SumCache, window: Window, selection: Selection
) -> Chart:
    """The buckets of `window`: its level in the middle, sums of finer ones at clipped ends."""
    step = window.step
    first, last = ceil_to(window.start, step), floor_to(window.end, step)
    parts: list[Matrix | Sums] = []
    if first > last:
        parts.append(cache.by_series(connection, window.start, window.end))
    else:
        if window.start < first:
            parts.append(cache.by_series(connection, window.start, first))
        table = TABLE_OF_STEP[step]
        # The newest whole bucket may still grow; apart from the rest it is all that is read anew.
        edge = max(first, last - step)
        for low, high in ((first, edge), (edge, last)):
            if low < high:
                parts.append(cache.matrix(connection, Segment(table, low, high), step))
        if last < window.end:
            parts.append(cache.by_series(connection, last, window.end))
    return Chart(cache.catalogue, len(window.buckets()), parts, selection)


def grouped(keys: dict[int, tuple[str, ...]], rows: Sums) -> dict[tuple[str, ...], list[int]]:
    """key → the series in `rows` that have it."""
    out: dict[tuple[str, ...], list[int]] = {}
    for sid in rows:
        out.setdefault(keys[sid], []).append(sid)
    return out


def breakdown(
    catalogue: Catalogue, dimension: str, now: Groups, before: Groups, rows: Sums, buckets: Chart
) -> Breakdown:
    """The groups of one dimension, dearest first. `rows` are the sums that `now` is of."""
    by = (dimension,)
    none = Totals()
    keys = [*now, *(key for key in before if key not in now)]
    sparks: dict[tuple[str, ...], tuple[Sequence[int], Sequence[int]]] = {}
    flat = (0,) * buckets.width
    if len(keys) <= FEW:
        for key, (cost, count) in buckets.grouped(by).items():
            sparks[key] = tuple(cost), tuple(count)
    else:
        for key, ids in grouped(catalogue.keys(by), rows).items():
            spark = Spark(buckets, ids)
            sparks[key] = spark, RequestSpark(spark)
    groups = [
        Group(key[0], now.get(key, none), before.get(key, none), *sparks.get(key, (flat, flat)))
        for key in keys
    ]
    groups.sort(key=lambda g: (-g.totals.effective_nano, -g.totals.requests, g.key))
    return Breakdown(dimension, tuple(groups))


def unpriced(catalogue: Catalogue, rows: Sums) -> tuple[UnpricedModel, ...]:
    """Models without a rate, the most tokens first."""
    found: dict[tuple[str, str], list[int]] = {}
    for sid, row in rows.items():
        series = catalogue.series[sid]
        if series.basis is CostBasis.UNPRICED:
            own = found.setdefault((series.dims.provider, series.dims.model), [0, 0])
            own[0] += row[0]
            own[1] += sum(row[3:9])
    models = [UnpricedModel(*key, *counts) for key, counts in found.items() if any(counts)]
    return tuple(sorted(models, key=lambda m: (-m.tokens, -m.requests, m.provider, m.model)))


def gap_buckets(
    window: Window, cost: Sequence[int], count: Sequence[int], gaps: Iterable[Gap]
) -> frozenset[int]:
    """Buckets in which nothing arrived while a source was down: a gap and not a zero."""
    found = set()
    starts = window.buckets()
    for gap in gaps:
        for at, start in enumerate(starts):
            empty = not cost[at] and not count[at]
            if empty and gap.start < start + window.step and gap.end > start:
                found.add(at)
    return frozenset(found)
