"""Sums by series of a stretch of time, cached.

What is closed does not change: a segment that was summed once is answered from memory until some
revision touches it, whatever filter or group is asked for, because what is cached is by series. A
key press on the same window then costs no SQL, and a refresh reads the open minute.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from costtui.model.charge import CostBasis
from costtui.model.snapshot import Totals
from costtui.model.timewindow import DAY
from costtui.model.usage import TOKEN_TYPES
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.cover import Segment, cover
from costtui.store.levels import COLUMNS, EFFECTIVE, TABLE_OF_STEP

SUMS_KEPT: Final = 32_000
"""Cached rows of sums, about half a kilobyte each."""

TOTALS_KEPT: Final = 1000

CELLS_KEPT: Final = 400_000
"""Cached cells of matrices, eight bytes each."""

Sums = dict[int, tuple[int, ...]]
"""series → the thirteen sums."""

_SUM_SQL: Final = (
    f"SELECT series, {', '.join(f'sum({c})' for c in COLUMNS)} FROM {{}} "
    "WHERE t >= ? AND t < ? GROUP BY series"
)
_PLAIN_SQL: Final = (
    f"SELECT {', '.join(f'sum({c})' for c in COLUMNS)} FROM {{}} WHERE t >= ? AND t < ?"
)
_MATRIX_SQL: Final = (
    f"SELECT t, series, effective, requests, {' + '.join(TOKEN_TYPES)} FROM {{}} "
    "WHERE t >= ? AND t < ?"
)
_AMONG: Final = " AND series IN (SELECT value FROM json_each(?))"


@dataclass(slots=True)
class Matrix:
    """effective, requests and tokens of each series for each bucket of one level."""

    width: int
    effective: dict[int, array[int]]
    requests: dict[int, array[int]]
    tokens: dict[int, array[int]]


class SumCache:
    """Sums of one store. Every method is called inside of a read transaction."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._sums: OrderedDict[Segment, Sums] = OrderedDict()
        self._totals: OrderedDict[tuple[Segment, Selection], Totals] = OrderedDict()
        self._matrices: OrderedDict[Segment, Matrix] = OrderedDict()
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
        touches = connection.execute(
            "SELECT low, high FROM touch WHERE revision > ? ORDER BY low", (self._revision,)
        ).fetchall()
        if self._revision < 0 or len(touches) != revision - self._revision:
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
            matrix = self._matrices.pop(segment)
            self._cells -= 3 * matrix.width * len(matrix.effective)

    def _entry(self, connection: sqlite3.Connection, segment: Segment) -> Sums:
        entry = self._sums.get(segment)
        if entry is not None:
            self._sums.move_to_end(segment)
            return entry
        rows = connection.execute(_SUM_SQL.format(segment.table), segment[1:])
        entry = {row[0]: row[1:] for row in rows}
        self._sums[segment] = entry
        self._rows += len(entry) + 1
        while self._rows > SUMS_KEPT and len(self._sums) > 1:
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
        parts = [self._entry(connection, segment) for segment in self._cover(low, high)]
        return merge(parts)

    def total(
        self, connection: sqlite3.Connection, low: int, high: int, selection: Selection
    ) -> Totals:
        """The totals of `[low, high)` over the selected series.

        What nothing is filtered out of is summed without grouping, in half the time; a filter
        needs sums by series, which then answer for every other filter too.
        """
        everything = len(selection) == len(self._catalogue.series)
        parts = []
        for segment in self._cover(low, high):
            total = self._totals.get((segment, selection))
            if total is None:
                if everything and segment not in self._sums:
                    total = self._plain(connection, segment)
                else:
                    sums = self._entry(connection, segment)
                    total = add_up(self.extend(sums, selection).values())
                self._totals[segment, selection] = total
                if len(self._totals) > TOTALS_KEPT:
                    self._totals.popitem(last=False)
            else:
                self._totals.move_to_end((segment, selection))
            parts.append(total)
        return add_up(parts)

    def _plain(self, connection: sqlite3.Connection, segment: Segment) -> Totals:
        """The totals of all series."""
        special: dict[CostBasis, list[int]] = {CostBasis.UNPRICED: [], CostBasis.ESTIMATED: []}
        for sid, series in self._catalogue.series.items():
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

    def extend(self, sums: Mapping[int, tuple[int, ...]], selection: Selection) -> Sums:
        """The selected rows with the four columns of `Totals` that the basis tells."""
        series = self._catalogue.series
        out: Sums = {}
        for sid, row in sums.items():
            if sid not in selection:
                continue
            basis = series[sid].basis
            if basis is CostBasis.UNPRICED:
                out[sid] = (*row, row[0], sum(row[3:9]), 0, 0)
            elif basis is CostBasis.ESTIMATED:
                out[sid] = (*row, 0, 0, row[EFFECTIVE], row[0])
            else:
                out[sid] = (*row, 0, 0, 0, 0)
        return out

    def matrix(self, connection: sqlite3.Connection, segment: Segment, step: int) -> Matrix:
        """effective, requests and tokens of each series in each bucket of `segment`."""
        found = self._matrices.get(segment)
        if found is not None:
            self._matrices.move_to_end(segment)
            return found
        low = segment.low
        width = (segment.high - low) // step
        empty = array("q", bytes(8 * width))
        effective: dict[int, array[int]] = {}
        requests: dict[int, array[int]] = {}
        tokens: dict[int, array[int]] = {}
        for t, sid, cost, count, used in connection.execute(
            _MATRIX_SQL.format(segment.table), segment[1:]
        ):
            if sid not in effective:
                effective[sid] = empty[:]
                requests[sid] = empty[:]
                tokens[sid] = empty[:]
            at = (t - low) // step
            effective[sid][at] = cost
            requests[sid][at] = count
            tokens[sid][at] = used
        found = Matrix(width, effective, requests, tokens)
        self._matrices[segment] = found
        self._cells += 3 * width * len(effective)
        while self._cells > CELLS_KEPT and len(self._matrices) > 1:
            _, old = self._matrices.popitem(last=False)
            self._cells -= 3 * old.width * len(old.effective)
        return found


def merge(parts: list[Sums]) -> Sums:
    """The sums of several stretches."""
    if len(parts) == 1:
        return parts[0]
    lists: dict[int, list[tuple[int, ...]]] = {}
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


def add_up(rows: Iterable[tuple[int, ...]]) -> Totals:
    """Column by column; zeros for no rows."""
    columns = list(zip(*rows, strict=True))
    return Totals(*map(sum, columns)) if columns else Totals()
