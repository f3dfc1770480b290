"""Usage by series and bucket of a closed stretch, for charts and sparklines.

Kept as what there is and not as a table with a cell for every bucket: of ten thousand consumers
most buckets are empty, and a dense table of 30 days would be 58 MB of zeros. Nothing changes
after it was read, so that the screen's thread may draw from it while the reader's thread goes on.
"""

from __future__ import annotations

import sqlite3
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
from typing import Final, NamedTuple, overload

from costtui.model.timewindow import Window
from costtui.store.catalogue import Catalogue, Selection, token_of
from costtui.store.cover import Segment
from costtui.store.levels import EFFECTIVE

Pair = tuple[list[int], list[int]]
"""(effective nano-USD, requests) for each bucket."""
By = tuple[str, ...]
Key = tuple[str, ...]

_ANSWERS: Final = 12
"""Groupings of one matrix that are remembered: four panels and the total, of two filters."""


class Matrix:
    """(bucket, effective, requests) of each series, in order of time; of a busy store, where most
    buckets have something, the whole rows, which are added up at the speed of C."""

    __slots__ = ("_answers", "cells", "count", "full", "width")

    def __init__(self, width: int, cells: dict[int, array[int]]) -> None:
        self.width = width
        self.cells = cells
        self.full: dict[int, tuple[array[int], array[int]]] = {}
        self.count = sum(map(len, cells.values()))
        """Numbers kept, eight bytes each."""
        if self.count >= width * len(cells):
            self._fill()
        self._answers: OrderedDict[tuple[By, Hashable], dict[Key, Pair]] = OrderedDict()

    def _fill(self) -> None:
        """A third of the buckets is used, so that whole rows take no more room than triples."""
        empty = array("q", bytes(8 * self.width))
        for sid, triples in self.cells.items():
            cost, count = self.full[sid] = empty[:], empty[:]
            _add(triples, cost, count)
        self.cells = {}
        self.count = 2 * self.width * len(self.full)

    def grouped(self, catalogue: Catalogue, by: By, selection: Selection) -> dict[Key, Pair]:
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

    def of(self, ids: Iterable[int]) -> Pair:
        """The buckets of some series together."""
        if self.full:
            rows = [self.full[sid] for sid in ids if sid in self.full]
            if rows:
                cost, count = (
                    map(sum, zip(*side, strict=True)) for side in zip(*rows, strict=True)
                )
                return list(cost), list(count)
        pair = [0] * self.width, [0] * self.width
        for sid in ids:
            triples = self.cells.get(sid)
            if triples is not None:
                _add(triples, *pair)
        return pair


def _add(triples: array[int], cost: MutableSequence[int], count: MutableSequence[int]) -> None:
    numbers = iter(triples)
    for at, money, requests in zip(numbers, numbers, numbers, strict=True):
        cost[at] += money
        count[at] += requests


def read(connection: sqlite3.Connection, segment: Segment, step: int) -> Matrix:
    """effective and requests of each series in each bucket of `segment`."""
    low = segment.low
    cells: dict[int, array[int]] = {}
    for t, sid, cost, count in connection.execute(
        f"SELECT t, series, effective, requests FROM {segment.table} WHERE t >= ? AND t < ?",
        segment[1:],
    ):
        own = cells.get(sid)
        if own is None:
            own = cells[sid] = array("q")
        own.extend(((t - low) // step, cost, count))
    return Matrix((segment.high - low) // step, cells)


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

    def grouped(self, by: By, ends: Grouping) -> dict[Key, Pair]:
        """The buckets of each group. For few groups, and in the reader's thread alone."""
        whole: dict[Key, Pair] = {}

        def pair_of(key: Key) -> Pair:
            pair = whole.get(key)
            if pair is None:
                pair = whole[key] = [0] * self.width, [0] * self.width
            return pair

        for at, part in self._parts:
            if isinstance(part, Matrix):
                for key, own in part.grouped(self._catalogue, by, self._selection).items():
                    for into, values in zip(pair_of(key), own, strict=True):
                        into[at : at + part.width] = values
                continue
            for key, row in ends(part.low, part.high, by).items():
                cost, count = pair_of(key)
                cost[at] += row[EFFECTIVE]
                count[at] += row[0]
        return whole

    def total(self, ends: Grouping) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(effective, requests) of everything selected."""
        pair = self.grouped((), ends).get((), ([0] * self.width, [0] * self.width))
        return tuple(pair[0]), tuple(pair[1])

    def spark(self, ids: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(effective, requests) of some series together."""
        cost, count = [0] * self.width, [0] * self.width
        chosen = [sid for sid in ids if sid in self._selection]
        for at, part in self._parts:
            if isinstance(part, Matrix):
                cost[at : at + part.width], count[at : at + part.width] = part.of(chosen)
                continue
            for sid in chosen:
                row = part.rows.get(sid)
                if row is not None:
                    cost[at] += row[EFFECTIVE]
                    count[at] += row[0]
        return tuple(cost), tuple(count)


class Spark(Sequence[int]):
    """The buckets of one group, added up when they are first looked at.

    A panel of ten thousand rows shows forty of them. Safe in another thread: everything it reads
    is complete, and two threads that look at once find the same numbers.
    """

    __slots__ = ("_chart", "_ids", "_other", "_values")

    def __init__(self, chart: Chart, ids: Sequence[int]) -> None:
        self._chart = chart
        self._ids = ids
        self._values: tuple[int, ...] | None = None
        self._other: tuple[int, ...] = ()

    def both(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(effective, requests)."""
        values = self._values
        if values is None:
            values, self._other = self._chart.spark(self._ids)
            self._values = values
        return values, self._other

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...

    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        return self._all()[index]

    def _all(self) -> tuple[int, ...]:
        return self.both()[0]

    def __len__(self) -> int:
        return self._chart.width

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Spark | tuple | list):
            return tuple(self) == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


class RequestSpark(Spark):
    """The requests of another spark's group."""

    __slots__ = ("_of",)

    def __init__(self, of: Spark) -> None:
        super().__init__(of._chart, of._ids)
        self._of = of

    def _all(self) -> tuple[int, ...]:
        return self._of.both()[1]
