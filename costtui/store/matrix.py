"""Usage by series and bucket of a closed stretch, for charts and sparklines.

Kept as what there is and not as a table with a cell for every bucket: of ten thousand consumers
most buckets are empty, and a dense table of 30 days would be 87 MB of zeros. Nothing changes
after it was read, so that the screen's thread may draw from it while the reader's thread goes on.
"""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from array import array
from collections import OrderedDict
from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableSequence,
    Sequence,
)
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, overload

from costtui.model.timewindow import Window
from costtui.model.usage import TOKEN_TYPES
from costtui.store.catalogue import Catalogue, Selection, token_of
from costtui.store.cover import Segment
from costtui.store.levels import EFFECTIVE

Buckets = tuple[list[int], list[int], list[int], list[int]]
"""(effective nano-USD, requests, tokens, those of them that have no price) for each bucket."""
Values = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""The same, finished."""
By = tuple[str, ...]
Key = tuple[str, ...]

_ANSWERS: Final = 12
"""Groupings of one matrix that are remembered: four panels and the total, of two filters."""
_UNPRICED_TOKENS: Final = 14
"""The column of a row of sums; tokens are the columns 3 to 8."""

_SQL: Final = (
    f"SELECT t, series, effective, requests, {' + '.join(TOKEN_TYPES)} FROM {{}} "
    "WHERE t >= ? AND t < ?"
)


def zeros(width: int) -> Buckets:
    """Of nothing."""
    return [0] * width, [0] * width, [0] * width, [0] * width


class Matrix:
    """(bucket, effective, requests, tokens) of each series, in order of time; of a busy store,
    where most buckets have something, the whole rows, which are added up at the speed of C."""

    __slots__ = ("_answers", "_unpriced", "cells", "count", "full", "width")

    def __init__(
        self, width: int, cells: dict[int, array[int]], unpriced: AbstractSet[int]
    ) -> None:
        self.width = width
        self.cells = cells
        self.full: dict[int, tuple[array[int], array[int], array[int]]] = {}
        self._unpriced = frozenset(unpriced & cells.keys())
        self.count = sum(map(len, cells.values()))
        """Numbers kept, eight bytes each."""
        if 3 * self.count >= 4 * width * len(cells):
            self._fill()
        self._answers: OrderedDict[tuple[By, Hashable], dict[Key, Buckets]] = OrderedDict()

    def _fill(self) -> None:
        """A third of the buckets is used, so whole rows take at most 9/4 of the room."""
        empty = array("q", bytes(8 * self.width))
        for sid, fours in self.cells.items():
            row = self.full[sid] = empty[:], empty[:], empty[:]
            _add(fours, *row)
        self.cells = {}
        self.count = 3 * self.width * len(self.full)

    def grouped(self, catalogue: Catalogue, by: By, selection: Selection) -> dict[Key, Buckets]:
        """The buckets of each group of `by`. Only for the reader's thread."""
        asked = by, token_of(selection)
        found = self._answers.get(asked)
        if found is not None:
            self._answers.move_to_end(asked)
            return found
        keys, groups = catalogue.keys(by), dict[Key, list[int]]()
        for sid in self.full or self.cells:
            if sid in selection:
                groups.setdefault(keys[sid], []).append(sid)
        found = {key: self.of(ids) for key, ids in groups.items()}
        self._answers[asked] = found
        if len(self._answers) > _ANSWERS:
            self._answers.popitem(last=False)
        return found

    def of(self, ids: Iterable[int]) -> Buckets:
        """The buckets of some series together."""
        own = [sid for sid in ids if sid in self.full or sid in self.cells]
        free = [sid for sid in own if sid in self._unpriced]
        cost, count, tokens = self._added(own)
        if not free:
            unpriced = [0] * self.width
        else:
            unpriced = tokens[:] if len(free) == len(own) else self._added(free)[2]
        return cost, count, tokens, unpriced

    def _added(self, ids: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
        if self.full and ids:
            sides = zip(*map(self.full.__getitem__, ids), strict=True)
            cost, count, tokens = (list(map(sum, zip(*side, strict=True))) for side in sides)
            return cost, count, tokens
        out = [0] * self.width, [0] * self.width, [0] * self.width
        for sid in ids:
            _add(self.cells[sid], *out)
        return out


def _add(
    fours: array[int],
    cost: MutableSequence[int],
    count: MutableSequence[int],
    tokens: MutableSequence[int],
) -> None:
    numbers = iter(fours)
    for at, money, requests, used in zip(numbers, numbers, numbers, numbers, strict=True):
        cost[at] += money
        count[at] += requests
        tokens[at] += used


def read(
    connection: sqlite3.Connection, segment: Segment, step: int, unpriced: AbstractSet[int]
) -> Matrix:
    """effective, requests and tokens of each series in each bucket of `segment`."""
    low = segment.low
    cells: dict[int, array[int]] = {}
    for t, sid, cost, count, used in connection.execute(_SQL.format(segment.table), segment[1:]):
        own = cells.get(sid)
        if own is None:
            own = cells[sid] = array("q")
        own.extend(((t - low) // step, cost, count, used))
    return Matrix((segment.high - low) // step, cells, unpriced)


class End(NamedTuple):
    """A bucket that the window cuts, `[low, high)`, by series."""

    low: int
    high: int
    rows: Mapping[int, tuple[int, ...]]


Grouping = Callable[[int, int, By], Mapping[Key, tuple[int, ...]]]
"""The sums of `[low, high)` for each group."""


class Chart:
    """The buckets of one window: matrices in the middle, sums at its clipped ends."""

    __slots__ = ("_catalogue", "_parts", "_selection", "width", "window")

    def __init__(
        self,
        catalogue: Catalogue,
        window: Window,
        parts: Sequence[Matrix | End],
        selection: Selection,
    ) -> None:
        self._catalogue = catalogue
        self._selection = selection
        self.width = len(window.buckets())
        self.window = window.start, window.end, window.step
        self._parts: list[tuple[int, Matrix | End]] = []
        at = 0
        for part in parts:
            self._parts.append((at, part))
            at += part.width if isinstance(part, Matrix) else 1

    def same(self, other: Chart) -> bool:
        """Made of the very same parts?"""
        return len(self._parts) == len(other._parts) and all(
            one is two or (isinstance(one, End) and isinstance(two, End) and one.rows is two.rows)
            for (_, one), (_, two) in zip(self._parts, other._parts, strict=True)
        )

    def grouped(self, by: By, ends: Grouping) -> dict[Key, Buckets]:
        """The buckets of each group. For few groups, and in the reader's thread alone."""
        whole: dict[Key, Buckets] = {}

        def buckets_of(key: Key) -> Buckets:
            found = whole.get(key)
            if found is None:
                found = whole[key] = zeros(self.width)
            return found

        for at, part in self._parts:
            if isinstance(part, Matrix):
                for key, own in part.grouped(self._catalogue, by, self._selection).items():
                    _put(buckets_of(key), own, at)
                continue
            for key, row in ends(part.low, part.high, by).items():
                _add_row(buckets_of(key), row, at)
        return whole

    def total(self, ends: Grouping) -> Values:
        """Of everything selected."""
        return _finished(self.grouped((), ends).get((), zeros(self.width)))

    def spark(self, ids: Iterable[int]) -> Values:
        """Of some series together."""
        out = zeros(self.width)
        chosen = [sid for sid in ids if sid in self._selection]
        for at, part in self._parts:
            if isinstance(part, Matrix):
                _put(out, part.of(chosen), at)
                continue
            for sid in chosen:
                row = part.rows.get(sid)
                if row is not None:
                    _add_row(out, row, at)
        return _finished(out)


def _put(into: Buckets, values: Buckets, at: int) -> None:
    for whole, part in zip(into, values, strict=True):
        whole[at : at + len(part)] = part


def _add_row(into: Buckets, row: tuple[int, ...], at: int) -> None:
    cost, count, tokens, unpriced = into
    cost[at] += row[EFFECTIVE]
    count[at] += row[0]
    tokens[at] += sum(row[3:9])
    unpriced[at] += row[_UNPRICED_TOKENS]


def _finished(buckets: Buckets) -> Values:
    cost, count, tokens, unpriced = buckets
    return tuple(cost), tuple(count), tuple(tokens), tuple(unpriced)


class _Side(Sequence[int]):
    """One number for each bucket, added up when it is first looked at."""

    __slots__ = ()

    @abstractmethod
    def _all(self) -> tuple[int, ...]:
        """The numbers."""

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...

    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        return self._all()[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Side | tuple | list):
            return tuple(self) == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


class Spark(_Side):
    """What one group spent in each bucket.

    A panel of ten thousand rows shows forty of them. Safe in another thread: everything it reads
    is complete, and two threads that look at once find the same numbers.
    """

    __slots__ = ("_chart", "_ids", "_values")

    def __init__(self, chart: Chart, ids: Sequence[int]) -> None:
        self._chart = chart
        self._ids = ids
        self._values: Values | None = None

    def sides(self) -> Values:
        """Added up once for all of them."""
        values = self._values
        if values is None:
            values = self._values = self._chart.spark(self._ids)
        return values

    def _all(self) -> tuple[int, ...]:
        return self.sides()[0]

    def __len__(self) -> int:
        return self._chart.width


class OtherSpark(_Side):
    """Another side of a spark's group: 1 is its requests, 2 its tokens, 3 those without a price."""

    __slots__ = ("_of", "_side")

    def __init__(self, of: Spark, side: int) -> None:
        self._of = of
        self._side = side

    def _all(self) -> tuple[int, ...]:
        return self._of.sides()[self._side]

    def __len__(self) -> int:
        return len(self._of)
