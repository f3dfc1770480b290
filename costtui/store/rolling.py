"""Sums by label set of windows that end now, carried on from one look to the next.

Alert rules ask for the same windows again every few seconds. A window that has moved on by a minute
is what it was, less the minute that it left, plus the one that it reached: work grows with the
usage of those two, and not with what the window holds. Integers make this exact.

The newest ten to twenty minutes are added up anew after every revision, because usage still arrives
in them. A revision that touches something older makes its windows be added up from the start, which
the cache of the screens (`store.sums`) does segment by segment. *Rejected:* more room in that
cache, which was too small for ten thousand label sets (2.4 s a look): what a day's eight segments
hold by series is several times what is asked for, and they are merged anew as the window moves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from operator import add, sub
from typing import Any, Final, TypeVar

from costtui.model.snapshot import Totals
from costtui.model.timewindow import HOUR, MINUTE, TEN_MINUTES, Window, floor_to
from costtui.store.catalogue import Selection, token_of
from costtui.store.cover import kept
from costtui.store.levels import Floors
from costtui.store.sums import Key, SumCache, touches_since

FARTHEST: Final = HOUR
"""A window that has moved on by more than this (the machine slept) is added up from the start."""

T = TypeVar("T")


@dataclass(slots=True)
class _Window:
    """What is known of one window."""

    low: int
    cut: int
    """Up to here it is closed: `[low, cut)` is in `closed`, the rest in `tail`."""
    high: int
    closed: dict[Key, Totals]
    tail: Mapping[Key, Totals] = field(default_factory=dict)
    found: dict[Key, Totals] = field(default_factory=dict)
    """Both together. Never changed once it was given away."""
    used: bool = True


class Rolling:
    """The windows of one store. Every method is called inside of a read transaction."""

    def __init__(self, cache: SumCache) -> None:
        self._cache = cache
        self._windows: dict[tuple[Hashable, Key], list[_Window]] = {}
        self._made: dict[Hashable, tuple[int, int, Any]] = {}
        self._asked: set[Hashable] = set()
        self._revision = -1
        self._floors = Floors()

    def refresh(self, connection: sqlite3.Connection, revision: int, floors: Floors) -> None:
        """Forget what has changed since the last look, and what that one did not ask for."""
        touches = touches_since(connection, self._revision, revision)
        if touches is None or floors != self._floors:
            self._windows.clear()
            self._made.clear()
            self._asked.clear()
            touches = []
        self._revision, self._floors = revision, floors
        for asked, own in list(self._windows.items()):
            left = [w for w in own if w.used and not _any(touches, w.low, w.cut)]
            for window in left:
                window.used = False
            if left:
                self._windows[asked] = left
            else:
                del self._windows[asked]
        self._made = {
            key: made
            for key, made in self._made.items()
            if key in self._asked and not _any(touches, made[0], made[1])
        }
        self._asked = set()

    def groups(
        self,
        connection: sqlite3.Connection,
        low: int,
        high: int,
        selection: Selection,
        by: Key,
    ) -> Mapping[Key, Totals]:
        """What `SumCache.groups` says, but for label sets that used nothing at all. The same object
        as long as nothing is different, and the same `Totals` of whom nothing is different."""
        cut = max(low, floor_to(high, TEN_MINUTES) - TEN_MINUTES)
        if not (_whole(low, cut, self._floors) and _whole(cut, high, self._floors)):
            # It cannot be cut where no minutes are kept.
            return self._groups(connection, low, high, selection, by)
        own = self._windows.setdefault((token_of(selection), by), [])
        window = _follows(own, low, cut, high, self._floors)
        if window is None:
            closed = self._groups(connection, low, cut, selection, by)
            window = _Window(low, cut, high, {k: t for k, t in closed.items() if any(t)})
            own.append(window)
            moved: set[Key] = set(window.closed)
        else:
            left = self._groups(connection, window.low, low, selection, by)
            new = self._groups(connection, window.cut, cut, selection, by)
            moved = _carry_on(window.closed, left, sub) | _carry_on(window.closed, new, add)
        window.low, window.cut, window.high, window.used = low, cut, high, True
        self._put_together(window, self._groups(connection, cut, high, selection, by), moved)
        return window.found

    def _groups(
        self,
        connection: sqlite3.Connection,
        low: int,
        high: int,
        selection: Selection,
        by: Key,
    ) -> Mapping[Key, Totals]:
        return self._cache.groups(connection, low, high, selection, by) if low < high else {}

    def _put_together(self, window: _Window, tail: Mapping[Key, Totals], moved: set[Key]) -> None:
        before = window.tail
        if tail is not before:
            moved.update(key for key, totals in tail.items() if before.get(key) != totals)
            moved.update(key for key in before if key not in tail)
            window.tail = tail
        known, closed, found = window.found, window.closed, window.found
        for key in moved:
            own, more = closed.get(key), tail.get(key)
            if own is not None and more is not None:
                own = Totals._make(map(add, own, more))
            now = own or more
            if now is not None and not any(now):
                now = None
            if now == known.get(key):
                continue
            if found is known:
                found = known.copy()
            if now is None:
                del found[key]
            else:
                found[key] = now
        window.found = found

    def once(self, key: Hashable, low: int, high: int, make: Callable[[], T]) -> T:
        """What `make` made of the usage in `[low, high)`, until that is touched. `key` holds all
        else that it depends on."""
        self._asked.add(key)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = (low, high, make())
        found: T = made[2]
        return found


def _any(touches: list[tuple[int, int]], low: int, high: int) -> bool:
    return any(start < high and end > low for start, end in touches)


def _follows(
    windows: list[_Window], low: int, cut: int, high: int, floors: Floors
) -> _Window | None:
    """The window that has moved on to be `[low, high)`: of the same length, or one that grows."""
    for window in windows:
        grows = window.low == low and window.high <= high
        moves = window.high - window.low == high - low and window.low <= low
        if (
            (grows or moves)
            and high - window.high <= FARTHEST
            and low <= window.cut <= cut
            # What it leaves has to be kept as finely as it was counted.
            and _whole(window.low, low, floors)
            and _whole(window.cut, cut, floors)
        ):
            return window
    return None


def _whole(low: int, high: int, floors: Floors) -> bool:
    window = Window(low, high, MINUTE)
    return low == high or kept(window, floors) is window


def _carry_on(
    closed: dict[Key, Totals], part: Mapping[Key, Totals], how: Callable[[int, int], int]
) -> set[Key]:
    """Add a part to sums, or take it off. Returns whose sums are others now."""
    none = Totals()
    for key, totals in part.items():
        now = Totals._make(map(how, closed.get(key, none), totals))
        if any(now):
            closed[key] = now
        else:
            closed.pop(key, None)
    return set(part)
