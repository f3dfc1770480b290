"""A window's requests in the order of an amount, as numbers in memory: twelve bytes a request,
sixteen where the amount is large.

There is no index by cost or tokens, and one would cost every append. Instead the window is read
once, newest first, in slices that are sorted and kept as they are: a place in the list is a binary
search in each slice, a stretch of it a merge from there. So there is an answer after the first
slice, it gets better with every further one, and nothing is ever sorted as a whole.

Measured with a million requests: 60 ms a slice of 50,000, 1.3 s for all; a stretch of 400 rows
2 ms. Rejected: `ORDER BY` over the window, which keeps the reader's thread for 1.6 s without a
word, and for each page again; keeping a merged list, which costs as much again as the slices.
"""

from __future__ import annotations

import sqlite3
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain, islice
from typing import Final

from costtui.model.listing import Spot
from costtui.store.ranks import Ranks
from costtui.store.requests import Wanted, edge_of

AMOUNTS: Final = {
    "cost": "effective",
    "tokens": "input + cache_read + cache_write + cache_write_1h + output + reasoning",
    "latency": "latency_ms",
    "status": "status",
    "input": "input + cache_write + cache_write_1h",
    "cached": "cache_read",
    "output": "output + reasoning",
    "speed": "CASE WHEN latency_ms > 0 THEN (output + reasoning) * 1000000 / latency_ms ELSE 0 END",
}
"""As `model.listing.amount_of` has them. Names are ranks (`ranks`)."""
SLICE: Final = 50_000
"""Rows of one slice."""
SCAN_CACHE: Final = -1000
"""SQLite's page cache while a window is read through, in KiB as `PRAGMA cache_size` has it."""
FIRST: Final = 10_000
"""Rows of the first one: something to show after 15 ms."""

Pair = tuple[int, int]
"""(amount, id)"""


class Slice:
    """The wanted requests with `low <= id < high`, least first, then oldest first."""

    __slots__ = ("amounts", "high", "ids", "low", "total")

    def __init__(self, low: int, high: int, pairs: Iterable[Pair]) -> None:
        self.low = low
        self.high = high
        # One flat array first: a list of pairs would take eight times as much for a moment.
        flat = array("q", chain.from_iterable(pairs))
        self.ids = flat[1::2]
        self.amounts: array[int]
        """Four bytes each where they fit: most costs are below four dollars."""
        self._weigh(flat[::2])

    def _weigh(self, amounts: array[int]) -> None:
        small = len(amounts) > 0 and amounts[0] >= 0 and amounts[-1] < 1 << 32
        self.total = sum(amounts)
        self.amounts = array("I", amounts) if small else amounts

    def translate(self, table: array[int]) -> None:
        """Other amounts in the same order: `table` has the new one of each."""
        self._weigh(array("q", map(table.__getitem__, self.amounts)))

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, amount: int, identity: int) -> int:
        """How many are before a place."""
        left = bisect_left(self.amounts, amount)
        right = bisect_right(self.amounts, amount, left)
        return bisect_left(self.ids, identity, left, right)

    def from_place(self, at: int, limit: int) -> Iterator[Pair]:
        return zip(self.amounts[at : at + limit], self.ids[at : at + limit], strict=True)

    def before_place(self, at: int, limit: int) -> Iterator[Pair]:
        first = max(0, at - limit)
        return zip(reversed(self.amounts[first:at]), reversed(self.ids[first:at]), strict=True)

    def pairs(self) -> Iterator[Pair]:
        return zip(self.amounts, self.ids, strict=True)


class Ordered:
    """What has been read of one window so far."""

    def __init__(self, order: str, high: int, ranks: Ranks | None = None) -> None:
        """`ranks` are those of an order by names."""
        self._amount = AMOUNTS.get(order, "series")
        self.ranks = ranks
        self.slices: list[Slice] = []
        """Newest first; together they are `[bottom, top)` without a hole."""
        self.top = self.bottom = high
        self.checked: object = None
        """The state of the store in which it was found complete."""
        self.used = 0.0
        """When it was asked for last, monotonic seconds."""
        self._again: list[Slice] = []

    def __len__(self) -> int:
        return sum(map(len, self.slices))

    @property
    def total(self) -> int:
        """The sum of all amounts."""
        return sum(s.total for s in self.slices)

    @property
    def stale(self) -> bool:
        """Are there slices that must be read again?"""
        return bool(self._again)

    def move(self, connection: sqlite3.Connection, want: Wanted, until: float) -> bool:
        """Read what is missing of `want`: first what is newer, then older slices, then slices that
        have become old. Ends at the monotonic time `until`; True when
        every request is in the list."""
        self._forget_older(want.low)
        (cache,) = connection.execute("PRAGMA cache_size").fetchone()
        # Each page is needed once. With the usual cache the viewer would keep 16 MB of them.
        connection.execute(f"PRAGMA cache_size={SCAN_CACHE}")
        try:
            return self._move(connection, want, until)
        finally:
            connection.execute(f"PRAGMA cache_size={cache}")

    def _move(self, connection: sqlite3.Connection, want: Wanted, until: float) -> bool:
        newest = False
        while not newest:
            newest = not self._newer(connection, want)
            if time.monotonic() >= until:
                break
        while self.bottom > want.low and time.monotonic() < until:
            self._older(connection, want)
        while self._again and self.bottom <= want.low and time.monotonic() < until:
            old = self._again.pop()
            at = self.slices.index(old)
            self.slices[at] = self._read(connection, want, old.low, old.high)
        return newest and self.bottom <= want.low

    def read_again(self) -> None:
        """Something changed in what was read, nobody knows where."""
        if not self._again:
            self._again = list(self.slices)

    def rank(self, spot: Spot) -> int:
        """How many are less than `spot`."""
        place = self._place(spot)
        return sum(s.at(*place) for s in self.slices)

    def _place(self, spot: Spot) -> Pair:
        amount = spot.amount
        if self.ranks is not None:
            return self.ranks.rank(amount), spot.id
        return amount if isinstance(amount, int) else 0, spot.id

    def rank_by(self, ranks: Ranks) -> None:
        """There are names that there were not: 60 ms a million, where sorting again takes 1.3 s."""
        if self.ranks is not None and ranks.amounts != self.ranks.amounts:
            table = ranks.table_from(self.ranks)
            for each in self.slices:
                each.translate(table)
        self.ranks = ranks

    def least(self, limit: int) -> list[int]:
        """The ids at the lower end, least first."""
        found = merge(*(s.from_place(0, limit) for s in self.slices))
        return [identity for _, identity in islice(found, limit)]

    def most(self, limit: int) -> list[int]:
        """The ids at the upper end, most first."""
        found = merge(*(s.before_place(len(s), limit) for s in self.slices), reverse=True)
        return [identity for _, identity in islice(found, limit)]

    def around(self, spot: Spot, below: int, above: int) -> tuple[list[int], list[int]]:
        """(`below` ids before `spot`, nearest first; `above` ids from `spot` on)."""
        place = self._place(spot)
        places = [s.at(*place) for s in self.slices]
        pairs = list(zip(self.slices, places, strict=True))
        down = merge(*(s.before_place(at, below) for s, at in pairs), reverse=True)
        up = merge(*(s.from_place(at, above) for s, at in pairs))
        return (
            [identity for _, identity in islice(down, below)],
            [identity for _, identity in islice(up, above)],
        )

    # Reading

    def _read(self, connection: sqlite3.Connection, want: Wanted, low: int, high: int) -> Slice:
        # Sorted by SQLite: it leaves the interpreter to the screen meanwhile.
        pairs: Iterable[Pair] = connection.execute(
            f"SELECT {self._amount}, id FROM request WHERE id >= :low AND id < :high{want.sql} "
            "ORDER BY 1, 2",
            want.within(low, high),
        )
        return Slice(low, high, self.ranks.sorted_pairs(pairs) if self.ranks else pairs)

    def _older(self, connection: sqlite3.Connection, want: Wanted) -> None:
        size = SLICE if self.slices else FIRST
        edge = edge_of(connection, want.low, self.bottom, size, up=False) or want.low
        self.slices.append(self._read(connection, want, edge, self.bottom))
        self.bottom = edge

    def _newer(self, connection: sqlite3.Connection, want: Wanted) -> bool:
        """One slice more at the top; False where that is all."""
        edge = edge_of(connection, self.top, want.high, SLICE, up=True)
        if edge is None:
            # Only up to what is there: the window's end lies in the future.
            (last,) = connection.execute(
                "SELECT max(id) FROM request WHERE id >= ? AND id < ?", (self.top, want.high)
            ).fetchone()
            if last is None:
                return False
            self.slices.insert(0, self._read(connection, want, self.top, last + 1))
            self.top = last + 1
            self._tidy()
            return False
        self.slices.insert(0, self._read(connection, want, self.top, edge))
        self.top = edge
        return True

    def _tidy(self) -> None:
        """Put small new slices together, so that following a log does not make thousands."""
        slices = self.slices
        while len(slices) > 1 and len(slices[1]) <= 2 * len(slices[0]) <= SLICE // 2:
            new, old = slices[:2]
            if new in self._again or old in self._again:
                break
            slices[:2] = [Slice(old.low, new.high, merge(old.pairs(), new.pairs()))]

    def _forget_older(self, low: int) -> None:
        """The window moved on."""
        while self.slices and self.slices[-1].high <= low:
            gone = self.slices.pop()
            self._again = [s for s in self._again if s is not gone]
            self.bottom = gone.high
        last = self.slices[-1] if self.slices else None
        if last is not None and last.low < low:
            cut = Slice(low, last.high, (pair for pair in last.pairs() if pair[1] >= low))
            self.slices[-1] = cut
            self._again = [cut if s is last else s for s in self._again]
            self.bottom = low
