"""One `Overview` from one read: the window by series, then everything else from that."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from costtui.model.snapshot import Breakdown, Gap, Group, Totals, UnpricedModel
from costtui.model.timewindow import Window, floor_to
from costtui.store.catalogue import Catalogue, Selection, token_of
from costtui.store.cover import Segment, ceil_to
from costtui.store.levels import TABLE_OF_STEP
from costtui.store.matrix import Chart, End, Grouping, Matrix, OtherSpark, Spark, zeros
from costtui.store.sums import Groups, SumCache, Sums

PANELS_KEPT: Final = 8
FEW: Final = 200
"""Groups of a dimension up to which all their sparks are added up at once."""


def chart(
    connection: sqlite3.Connection, cache: SumCache, window: Window, selection: Selection
) -> Chart:
    """The buckets of `window`: its level in the middle, sums of finer ones at clipped ends."""
    step = window.step
    first, last = ceil_to(window.start, step), floor_to(window.end, step)
    parts: list[Matrix | End] = []

    def end(low: int, high: int) -> End:
        return End(low, high, cache.by_series(connection, low, high))

    if first > last:
        parts.append(end(window.start, window.end))
    else:
        if window.start < first:
            parts.append(end(window.start, first))
        table = TABLE_OF_STEP[step]
        # The newest whole bucket may still grow; apart from the rest it is all that is read anew.
        edge = max(first, last - step)
        for low, high in ((first, edge), (edge, last)):
            if low < high:
                parts.append(cache.matrix(connection, Segment(table, low, high), step))
        if last < window.end:
            parts.append(end(last, window.end))
    return Chart(cache.catalogue, window, parts, selection)


def grouped(keys: dict[int, tuple[str, ...]], rows: Sums) -> dict[tuple[str, ...], list[int]]:
    """key → the series in `rows` that have it."""
    out: dict[tuple[str, ...], list[int]] = {}
    for sid in rows:
        out.setdefault(keys[sid], []).append(sid)
    return out


class Panels:
    """The breakdowns of a reader's last questions. What is the same as before stays the same
    object, so that neither it is made anew nor the screen looks through it again."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._kept: OrderedDict[tuple[str, Hashable], _Panel] = OrderedDict()

    def breakdown(
        self,
        dimension: str,
        selection: Selection,
        now: Groups,
        before: Groups,
        rows: Sums,
        buckets: Chart,
        ends: Grouping,
    ) -> Breakdown:
        """The groups of one dimension, dearest first. `rows` are the sums that `now` is of."""
        asked = dimension, token_of(selection)
        old = self._kept.get(asked)
        if old is None or old.window != buckets.window:
            old = None
        elif old.now is now and old.before is before and old.buckets.same(buckets):
            return old.breakdown
        keys = [*now, *(key for key in before if key not in now)]
        if len(keys) <= FEW:
            groups = self._few(dimension, keys, now, before, buckets, ends)
        else:
            known = {g.key: g for g in old.breakdown.groups} if old is not None else {}
            groups = self._many(dimension, keys, now, before, rows, buckets, known)
        groups.sort(key=lambda g: (-g.totals.effective_nano, -g.totals.requests, g.key))
        found = Breakdown(dimension, tuple(groups))
        self._kept[asked] = _Panel(buckets.window, now, before, buckets, found)
        self._kept.move_to_end(asked)
        if len(self._kept) > PANELS_KEPT:
            self._kept.popitem(last=False)
        return found

    def _few(
        self,
        dimension: str,
        keys: list[tuple[str, ...]],
        now: Groups,
        before: Groups,
        buckets: Chart,
        ends: Grouping,
    ) -> list[Group]:
        none, flat = Totals(), zeros(buckets.width)
        sparks = buckets.grouped((dimension,), ends)
        return [
            Group(key[0], now.get(key, none), before.get(key, none),
                  *map(tuple, sparks.get(key, flat)))
            for key in keys
        ]  # fmt: skip

    def _many(
        self,
        dimension: str,
        keys: list[tuple[str, ...]],
        now: Groups,
        before: Groups,
        rows: Sums,
        buckets: Chart,
        known: Mapping[str, Group],
    ) -> list[Group]:
        """Groups whose sums are the same as in the same window before are the same groups: what
        is new is a few rows of ten thousand. Their trends are added up when they are looked at."""
        none = Totals()
        groups: list[Group] = []
        changed: dict[tuple[str, ...], list[int]] = {}
        for key in keys:
            group = known.get(key[0])
            if (
                group is not None
                and group.totals is now.get(key, group.totals)
                and group.previous is before.get(key, group.previous)
            ):
                groups.append(group)
            else:
                changed[key] = []
        if changed:
            by = self._catalogue.keys((dimension,))
            for sid in rows:
                ids = changed.get(by[sid])
                if ids is not None:
                    ids.append(sid)
        for key, ids in changed.items():
            spark = Spark(buckets, ids)
            others = OtherSpark(spark, 1), OtherSpark(spark, 2), OtherSpark(spark, 3)
            groups.append(Group(key[0], now.get(key, none), before.get(key, none), spark, *others))
        return groups


class _Panel(NamedTuple):
    """One breakdown and what it was made of."""

    window: tuple[int, int, int]
    now: Groups
    before: Groups
    buckets: Chart
    breakdown: Breakdown


def unpriced(catalogue: Catalogue, rows: Sums) -> tuple[UnpricedModel, ...]:
    """Models without a rate, the most tokens first."""
    found: dict[tuple[str, str], list[int]] = {}
    for sid in catalogue.unpriced & rows.keys():
        row, dims = rows[sid], catalogue.series[sid].dims
        own = found.setdefault((dims.provider, dims.model), [0, 0])
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
