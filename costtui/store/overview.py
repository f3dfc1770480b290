"""One `Overview` from one read: the window by series, then everything else from that."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from costtui.model.charge import CostBasis
from costtui.model.snapshot import Breakdown, Gap, Group, Totals, UnpricedModel
from costtui.model.timewindow import Window, floor_to
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.cover import Segment, ceil_to
from costtui.store.levels import EFFECTIVE, TABLE_OF_STEP
from costtui.store.sums import Matrix, SumCache, Sums, add_up

Vectors = dict[int, tuple[Sequence[int], Sequence[int], Sequence[int]]]
"""series → (effective, requests, tokens) for each bucket of a window."""


@dataclass(slots=True)
class Chart:
    """The window's buckets by series."""

    width: int
    vectors: Vectors

    def spark(self, ids: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(effective, requests) of some series together."""
        found = [self.vectors[sid] for sid in ids if sid in self.vectors]
        return self._added([v[0] for v in found]), self._added([v[1] for v in found])

    def tokens(self, ids: Iterable[int]) -> tuple[int, ...]:
        """Tokens of some series together."""
        return self._added([self.vectors[sid][2] for sid in ids if sid in self.vectors])

    def _added(self, vectors: list[Sequence[int]]) -> tuple[int, ...]:
        if not vectors:
            return (0,) * self.width
        if len(vectors) == 1:
            return tuple(vectors[0])
        return tuple(map(sum, zip(*vectors, strict=True)))


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
    return Chart(len(window.buckets()), _vectors(parts, selection))


def _vectors(parts: list[Matrix | Sums], selection: Selection) -> Vectors:
    ids: set[int] = set()
    for part in parts:
        ids.update(part.effective if isinstance(part, Matrix) else part)
    vectors: Vectors = {}
    for sid in ids & selection:
        cost: list[int] = []
        count: list[int] = []
        used: list[int] = []
        for part in parts:
            if isinstance(part, Matrix):
                own = part.effective.get(sid)
                if own is None:
                    cost.extend([0] * part.width)
                    count.extend([0] * part.width)
                    used.extend([0] * part.width)
                else:
                    cost.extend(own)
                    count.extend(part.requests[sid])
                    used.extend(part.tokens[sid])
            else:
                row = part.get(sid)
                cost.append(row[EFFECTIVE] if row else 0)
                count.append(row[0] if row else 0)
                used.append(sum(row[3:9]) if row else 0)
        vectors[sid] = (cost, count, used)
    return vectors


def grouped(keys: dict[int, tuple[str, ...]], rows: Sums) -> dict[tuple[str, ...], list[int]]:
    """key → the series in `rows` that have it."""
    out: dict[tuple[str, ...], list[int]] = {}
    for sid in rows:
        out.setdefault(keys[sid], []).append(sid)
    return out


def breakdown(
    catalogue: Catalogue, dimension: str, now: Sums, before: Sums, buckets: Chart
) -> Breakdown:
    """The groups of one dimension, dearest first. `now` and `before` are extended sums."""
    keys = catalogue.keys((dimension,))
    unpriced = without_price(catalogue)
    old = {key: add_up([before[i] for i in ids]) for key, ids in grouped(keys, before).items()}
    groups = []
    current = grouped(keys, now)
    for key in [*current, *(key for key in old if key not in current)]:
        ids = current.get(key, [])
        cost, count = buckets.spark(ids)
        groups.append(
            Group(
                key[0],
                add_up([now[i] for i in ids]),
                old.get(key, Totals()),
                cost,
                count,
                buckets.tokens(ids),
                buckets.tokens(i for i in ids if i in unpriced),
            )
        )
    groups.sort(key=lambda g: (-g.totals.effective_nano, -g.totals.requests, g.key))
    return Breakdown(dimension, tuple(groups))


def without_price(catalogue: Catalogue) -> frozenset[int]:
    """The series that have no rate."""
    series = catalogue.series.items()
    return frozenset(sid for sid, one in series if one.basis is CostBasis.UNPRICED)


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
