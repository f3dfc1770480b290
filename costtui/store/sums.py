"""Sums by series of a stretch of time, cached.

What is closed does not change: a segment that was summed once is answered from memory until some
revision touches it, whatever filter or group is asked for, because what is cached is by series. A
key press on the same window then costs no SQL, and a refresh reads the open minute.
"""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import add
from typing import Any, Final, TypeVar

from costtui.model.charge import CostBasis
from costtui.model.snapshot import Totals
from costtui.model.timewindow import DAY
from costtui.store import matrix
from costtui.store.catalogue import Catalogue, Selection, token_of
from costtui.store.cover import Segment, cover
from costtui.store.levels import COLUMNS, EFFECTIVE, STEP_OF_TABLE, TABLE_OF_STEP
from costtui.store.matrix import Matrix

SUMS_KEPT: Final = 32_000
"""Cached rows of sums, about a third of a kilobyte each; six of every series where that is more,
because one window takes up to five and would else be read again at every key."""

ROWS_KEPT: Final = 32_000
"""Cached rows of what was put together from them; most are the same objects."""

TOTALS_KEPT: Final = 1000

CELLS_KEPT: Final = 1_000_000
"""Cached numbers of matrices, eight bytes each, and more for what was grouped of them: twice the
charts of all windows with 500 series. 133 of every series where that is more."""
CELLS_OF_EACH: Final = 133
MOVED: Final = 3
"""Steps by which the window has moved on at most from what is known to be left behind."""

Row = tuple[int, ...]
"""The fields of `Totals` as a plain tuple: one of a hundred thousand that the garbage collector
stops looking at, which it does not do for a subclass."""
Sums = dict[int, Row]
"""series → its sums. Never changed once it is cached."""
Key = tuple[str, ...]
Groups = Mapping[Key, Totals]
K = TypeVar("K")
R = TypeVar("R", bound=Row)

_CERTAIN: Final = (0, 0, 0, 0)
"""The last four columns of what has an exact price."""

_SUM_SQL: Final = (
    f"SELECT series, {', '.join(f'sum({c})' for c in COLUMNS)} FROM {{}} "
    "WHERE t >= ? AND t < ? GROUP BY series"
)
_PLAIN_SQL: Final = (
    f"SELECT {', '.join(f'sum({c})' for c in COLUMNS)} FROM {{}} WHERE t >= ? AND t < ?"
)
_AMONG: Final = " AND series IN (SELECT value FROM json_each(?))"


def complete(row: Sequence[int], basis: CostBasis) -> Row:
    """The stored columns, and those that follow from how the cost came about."""
    if basis is CostBasis.UNPRICED:
        return (*row, row[0], sum(row[3:9]), 0, 0)
    if basis is CostBasis.ESTIMATED:
        return (*row, 0, 0, row[EFFECTIVE], row[0])
    return (*row, *_CERTAIN)


class SumCache:
    """Sums of one store. Every method is called inside of a read transaction."""

    of_each = (6, 8)
    """Cached rows of sums, and of what was put together, of every series where that is more."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._sums: OrderedDict[Segment, Sums] = OrderedDict()
        self._totals: OrderedDict[tuple[Segment, Hashable], Totals] = OrderedDict()
        self._matrices: OrderedDict[Segment, Matrix] = OrderedDict()
        self._merged: OrderedDict[tuple[Segment, ...], Sums] = OrderedDict()
        self._groups: OrderedDict[tuple[tuple[Segment, ...], Hashable, Key], dict[Key, Totals]] = (
            OrderedDict()
        )
        self.cuts: tuple[int, ...] = ()
        """Where runs of days are divided, so that windows that share days share their sums:
        the ends of a month, seven days ago. Ascending."""
        self.firsts: dict[tuple[str, str], tuple[int, int]] = {}
        """(source, gateway) → the first bucket of its usage: (start, length)."""
        self._revision = -1
        self._rows = 0
        self._cells = 0

    def refresh(self, connection: sqlite3.Connection, revision: int) -> None:
        """Forget what has changed since the last time."""
        if revision == self._revision:
            return
        touches = touches_since(connection, self._revision, revision)
        if touches is None:
            self.clear()
        elif touches:
            merged: list[list[int]] = []
            for low, high in touches:
                if merged and low <= merged[-1][1]:
                    merged[-1][1] = max(merged[-1][1], high)
                elif high > low:
                    merged.append([low, high])
            for low, high in merged:
                self._drop(low, high)
        self._revision = revision

    def clear(self) -> None:
        self._sums.clear()
        self._totals.clear()
        self._matrices.clear()
        self._merged.clear()
        self._groups.clear()
        self.firsts.clear()
        self._rows = self._cells = 0

    def _drop(self, low: int, high: int) -> None:
        # Only usage before a first one makes another one the first.
        self.firsts = {key: found for key, found in self.firsts.items() if sum(found) <= low}
        for segment in [s for s in self._sums if s.low < high and s.high > low]:
            self._rows -= len(self._sums.pop(segment)) + 1
        for key in [k for k in self._totals if k[0].low < high and k[0].high > low]:
            del self._totals[key]
        for segment in [s for s in self._matrices if s.low < high and s.high > low]:
            self._cells -= self._matrices.pop(segment).count
        for segments in [k for k in self._merged if _touched(k, low, high)]:
            del self._merged[segments]
        for grouping in [k for k in self._groups if _touched(k[0], low, high)]:
            del self._groups[grouping]

    def _entry(self, connection: sqlite3.Connection, segment: Segment) -> Sums:
        known = self._sums.get(segment)
        if known is not None:
            self._sums.move_to_end(segment)
            return known
        rows = connection.execute(_SUM_SQL.format(segment.table), segment[1:])
        entry: Sums = {row[0]: row[1:] + _CERTAIN for row in rows}
        series = self.catalogue.series
        for sid in self.catalogue.uncertain & entry.keys():
            entry[sid] = complete(entry[sid][: len(COLUMNS)], series[sid].basis)
        self._sums[segment] = entry
        self._rows += len(entry) + 1
        room = max(SUMS_KEPT, self.of_each[0] * len(self.catalogue.series))
        while self._rows > room and len(self._sums) > 1:
            _, old = self._sums.popitem(last=False)
            self._rows -= len(old) + 1
        return entry

    def _cover(self, low: int, high: int) -> Iterator[Segment]:
        for segment in cover(low, high):
            edges = [at for at in self.cuts if segment.low < at < segment.high]
            if segment.table == TABLE_OF_STEP[DAY]:
                for start, end in pairwise((segment.low, *edges, segment.high)):
                    yield Segment(segment.table, start, end)
            else:
                yield segment

    def by_series(self, connection: sqlite3.Connection, low: int, high: int) -> Sums:
        """The sums of `[low, high)` for each series that has any."""
        return self._merged_of(connection, tuple(self._cover(low, high)))

    def total(
        self, connection: sqlite3.Connection, low: int, high: int, selection: Selection
    ) -> Totals:
        """The totals of `[low, high)` over the selected series.

        What nothing is filtered out of is summed without grouping, in half the time; a filter
        needs sums by series, which then answer for every other filter too.
        """
        token = token_of(selection)
        everything = len(selection) == len(self.catalogue.series)
        parts = []
        for segment in self._cover(low, high):
            total = self._totals.get((segment, token))
            if total is None:
                if everything and segment not in self._sums:
                    total = self._plain(connection, segment)
                else:
                    sums = self._entry(connection, segment)
                    total = add_up(self.extend(sums, selection).values())
                self._totals[segment, token] = total
                if len(self._totals) > TOTALS_KEPT:
                    self._totals.popitem(last=False)
            else:
                self._totals.move_to_end((segment, token))
            parts.append(total)
        return add_up(parts)

    def _plain(self, connection: sqlite3.Connection, segment: Segment) -> Totals:
        """The totals of all series."""
        special: dict[CostBasis, list[int]] = {CostBasis.UNPRICED: [], CostBasis.ESTIMATED: []}
        for sid, series in self.catalogue.series.items():
            if series.basis in special:
                special[series.basis].append(sid)
        sql = _PLAIN_SQL.format(segment.table)
        row = connection.execute(sql, segment[1:]).fetchone()
        if row[0] is None:
            return Totals()
        extra = {}
        for basis, ids in special.items():
            extra[basis] = (0,) * len(COLUMNS)
            if ids:
                found = connection.execute(sql + _AMONG, (*segment[1:], json.dumps(ids))).fetchone()
                if found[0] is not None:
                    extra[basis] = found
        free, guess = extra[CostBasis.UNPRICED], extra[CostBasis.ESTIMATED]
        return Totals._make((*row, free[0], sum(free[3:9]), guess[EFFECTIVE], guess[0]))

    def extend(self, sums: Sums, selection: Selection) -> Sums:
        """The selected rows; `sums` itself where that is all of them."""
        if len(selection) == len(self.catalogue.series):
            return sums
        if len(selection) < len(sums):
            return {sid: sums[sid] for sid in selection if sid in sums}
        return {sid: row for sid, row in sums.items() if sid in selection}

    def matrix(self, connection: sqlite3.Connection, segment: Segment, step: int) -> Matrix:
        """effective, requests and tokens of each series in each bucket of `segment`."""
        found = self._matrices.get(segment)
        if found is not None:
            self._matrices.move_to_end(segment)
            return found
        for old in _left_behind(self._matrices, segment):
            self._cells -= self._matrices.pop(old).count
        found = self._matrices[segment] = matrix.read(
            connection, segment, step, self.catalogue.unpriced
        )
        self._cells += found.count
        room = max(CELLS_KEPT, CELLS_OF_EACH * len(self.catalogue.series))
        while self._cells > room and len(self._matrices) > 2:
            self._cells -= self._matrices.popitem(last=False)[1].count
        return found

    def groups(
        self, connection: sqlite3.Connection, low: int, high: int, selection: Selection, by: Key
    ) -> Groups:
        """The totals of `[low, high)` for each combination of values of `by`. Not to be changed.

        What is closed is grouped once; after new usage only the newest segment is added again.
        """
        segments, token = tuple(self._cover(low, high)), token_of(selection)
        found = self._groups.get((segments, token, by))
        if found is None:
            head = segments[:-1]
            base: dict[Key, Totals] | None = self._groups.get((head, token, by))
            base = base if head else {}
            if base is None:
                rows = self.extend(self._merged_of(connection, head), selection)
                base = self._remember(self._groups, (head, token, by), self._grouped(rows, by))
            last = self.extend(self._merged_of(connection, segments[-1:]), selection)
            found = combined(base, self._grouped(last, by), Totals._make)
            self._remember(self._groups, (segments, token, by), found)
        return found

    def _grouped(self, rows: Sums, by: Key) -> dict[Key, Totals]:
        keys = self.catalogue.keys(by)
        lists: dict[Key, list[Row]] = {}
        for sid, row in rows.items():
            own = lists.get(keys[sid])
            if own is None:
                lists[keys[sid]] = [row]
            else:
                own.append(row)
        return {
            key: _make(Totals, own[0]) if len(own) == 1 else add_up(own)
            for key, own in lists.items()
        }

    def _merged_of(self, connection: sqlite3.Connection, segments: tuple[Segment, ...]) -> Sums:
        """The sums by series of some segments; their beginning is remembered on its own."""
        if len(segments) < 2:
            return self._entry(connection, segments[0]) if segments else {}
        found = self._merged.get(segments)
        if found is None:
            head = segments[:-1]
            base = self._merged.get(head)
            if base is None:
                base = merge([self._entry(connection, segment) for segment in head])
                self._remember(self._merged, head, base)
            found = combined(base, self._entry(connection, segments[-1]), tuple)
            self._remember(self._merged, segments, found)
        else:
            self._merged.move_to_end(segments)
        return found

    def _remember(
        self, into: OrderedDict[K, dict[Any, Any]], key: K, value: dict[Any, Any]
    ) -> dict[Any, Any]:
        into[key] = value
        into.move_to_end(key)
        room = max(ROWS_KEPT, self.of_each[1] * len(self.catalogue.series))
        room -= sum(map(len, into.values()))
        while room < 0 and len(into) > 2:
            room += len(into.popitem(last=False)[1])
        return value


def _left_behind(known: Iterable[Segment], new: Segment) -> list[Segment]:
    """The charts in whose place `new` is, because a window has moved on: nobody asks for them
    again. Not of days, which change once a day: other windows may have nearly the same."""
    table, low, high = new
    if table == TABLE_OF_STEP[DAY]:
        return []
    few = MOVED * STEP_OF_TABLE[table]
    return [
        one
        for one in known
        if one.table == table
        and one != new
        and low - few <= one.low <= low
        and high - few <= one.high <= high
    ]


def touches_since(
    connection: sqlite3.Connection, known: int, revision: int
) -> list[tuple[int, int]] | None:
    """The stretches of time in which usage changed between two revisions, oldest first; None where
    that is not known any more, or `known` is none."""
    rows = connection.execute(
        "SELECT low, high FROM touch WHERE revision > ? ORDER BY low", (known,)
    ).fetchall()
    return rows if known >= 0 and len(rows) == revision - known else None


def _touched(segments: tuple[Segment, ...], low: int, high: int) -> bool:
    return any(s.low < high and s.high > low for s in segments)


def merge(parts: list[Sums]) -> Sums:
    """The sums of several stretches."""
    if len(parts) == 1:
        return parts[0]
    lists: dict[int, list[Row]] = {}
    for part in parts:
        for sid, row in part.items():
            own = lists.get(sid)
            if own is None:
                lists[sid] = [row]
            else:
                own.append(row)
    return {
        sid: rows[0] if len(rows) == 1 else tuple(map(sum, zip(*rows, strict=True)))
        for sid, rows in lists.items()
    }


def combined(base: dict[K, R], more: dict[K, R], make: Callable[[Iterable[int]], R]) -> dict[K, R]:
    """Both; one of them itself where the other one is empty."""
    if not more or not base:
        return base or more
    out = base.copy()
    for key, row in more.items():
        own = out.get(key)
        out[key] = row if own is None else make(map(add, own, row))
    return out


def add_up(rows: Iterable[tuple[int, ...]]) -> Totals:
    """Column by column; zeros for no rows."""
    columns = list(zip(*rows, strict=True))
    return Totals(*map(sum, columns)) if columns else Totals()


_make = tuple.__new__
