"""The past as alert rules would have looked at it, minute by minute.

A `Replay` answers as `watching.Sight` does, for a moment that moves forwards. What a window sums up
is not asked of the store each time: rows that enter it are added and rows that leave it are
taken off, so that a month of minutes costs as much as its rows do, not 43,000 queries.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from operator import add, sub
from typing import Final

from costtui.model.alert import Labels
from costtui.model.comparison import Compared
from costtui.model.snapshot import Gap, SourceStatus, Totals, View
from costtui.model.timewindow import DAY, HOUR, MINUTE, Window
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.cover import kept, whole_minutes
from costtui.store.levels import COLUMNS, LEVELS, Floors
from costtui.store.outlook import WEEKS, Spends, hours_before, hours_spent
from costtui.store.rolling import Rolling
from costtui.store.sums import SumCache, complete
from costtui.store.watching import Key, Sight, T, WatchReader

_ROWS_SQL: Final = "SELECT t, series, {} FROM {} WHERE t >= ? AND t < ? ORDER BY t"
_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
MOST_SLIDES: Final = 32
_make = tuple.__new__

Row = tuple[Key, tuple[int, ...]]


class _Slide:
    """The sums of one window, which moves forwards only."""

    def __init__(self, low: int) -> None:
        self.low = self.high = low
        self.sums: dict[Key, Totals] = {}
        self.changes = 0
        """How often they have changed."""
        self._rows: dict[Key, int] = {}

    def move(self, times: list[int], rows: list[list[Row]], low: int, high: int) -> None:
        for at in range(bisect_left(times, self.high), bisect_left(times, high)):
            if times[at] < low:
                continue
            self.changes += 1
            for key, row in rows[at]:
                own = self.sums.get(key)
                self.sums[key] = _make(Totals, row if own is None else map(add, own, row))
                self._rows[key] = self._rows.get(key, 0) + 1
        for at in range(bisect_left(times, self.low), bisect_left(times, min(low, self.high))):
            self.changes += 1
            for key, row in rows[at]:
                left = self._rows[key] = self._rows[key] - 1
                if left:
                    self.sums[key] = _make(Totals, map(sub, self.sums[key], row))
                else:
                    del self.sums[key], self._rows[key]
        self.low, self.high = low, max(high, self.high)


class _Track:
    """The usage of one `where` by one `by`, in order of time."""

    def __init__(self, times: list[int], rows: list[list[Row]], ends: list[int]) -> None:
        self._times, self._rows, self._ends = times, rows, ends
        self._slides: list[_Slide] = []
        self._last: dict[Key, int] = {}
        self._next = 0

    def between(self, low: int, high: int) -> _Slide:
        best: _Slide | None = None
        for slide in self._slides:
            if slide.low > low or slide.high > high:
                continue
            # The same window a little later, or one that grows.
            same = slide.high - slide.low == high - low or slide.low == low
            if same and (best is None or slide.low > best.low):
                best = slide
        if best is None:
            best = _Slide(low)
            self._slides.append(best)
            if len(self._slides) > MOST_SLIDES:
                self._slides.pop(0)
        best.move(self._times, self._rows, low, high)
        return best

    def last(self, high: int) -> Mapping[Key, int]:
        """key → the end of its last row that began before `high`, which never goes back."""
        while self._next < len(self._times) and self._times[self._next] < high:
            for key, _ in self._rows[self._next]:
                self._last[key] = self._ends[self._next]
            self._next += 1
        return self._last


class Replay(Sight):
    """What rules look at, at the moment `at`, which the caller moves forwards."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        cache: SumCache,
        catalogue: Catalogue,
        floors: Floors,
        low: int,
        high: int,
    ) -> None:
        """`[low, high)` is all that will be asked for, epoch seconds."""
        rolling = Rolling(cache)
        super().__init__(connection, cache, rolling, catalogue, floors, _no_usage, _no_compare)
        self.at = float(low)
        self._low, self._high = low, high
        self._tracks: dict[tuple[Labels, Key], _Track] = {}
        self._hours: dict[Labels, Spends] = {}
        self._stored = super().statuses()
        self._all_gaps = super().gaps(low - WEEKS * 7 * DAY, high)
        self._earliest = super().earliest()

    @property
    def finest_from(self) -> tuple[int, int]:
        """(from when minutes are kept, from when hours are), epoch seconds."""
        return self._floors.minute, self._floors.hour

    def sums(
        self, low: int, high: int, where: Labels, by: Key
    ) -> tuple[Mapping[Key, Totals], int, int]:
        window = kept(whole_minutes(Window(low, high, MINUTE)), self._floors)
        found = self._track(where, by).between(window.start, window.end).sums
        if not by and not found:
            found = {(): Totals()}
        return found, window.start, window.end

    def spent(
        self, low: int, high: int, where: Labels, by: Key
    ) -> tuple[Mapping[Key, int], int, int]:
        found, start, end = self.sums(low, high, where, by)
        return {key: totals.effective_nano for key, totals in found.items()}, start, end

    def once(self, key: Hashable, low: int, high: int, make: Callable[[], T]) -> T:  # noqa: ARG002
        """Nothing is asked twice for the same moment."""
        return make()

    def last_usage(self, low: int, high: int, where: Labels, by: Key) -> dict[Key, int]:
        last = self._track(where, by).last(high)
        return {key: min(end, high) for key, end in last.items() if min(end, high) > low}

    def hours(self, where: Labels, now: float) -> tuple[int, tuple[int | None, ...]]:
        chosen = self._chosen(where)
        if where not in self._hours:
            low = self._low - WEEKS * 7 * DAY
            self._hours[where] = hours_spent(
                self._connection, self._catalogue, chosen, low, self._high
            )
        known = self._hours[where]
        gaps = self.gaps(int(now) - WEEKS * 7 * DAY, int(now))
        return hours_before(
            self._connection,
            self._catalogue,
            self._floors,
            chosen,
            self._earliest,
            gaps,
            now,
            lambda *_: known,
        )

    def statuses(self) -> tuple[SourceStatus, ...]:
        """As they were: a source fails while there is a gap of it, and else has just been read."""
        out = []
        for status in self._stored:
            own = (g for g in self._all_gaps if g.source == status.name)
            gap = next((g for g in own if g.start < self.at < g.end), None)
            out.append(
                replace(
                    status, last_attempt=self.at, last_ok=gap.start if gap else self.at,
                    failures=1 if gap else 0, lag_s=0.0, error="",
                )
            )  # fmt: skip
        return tuple(out)

    def gaps(self, low: int, high: int) -> tuple[Gap, ...]:
        return tuple(g for g in self._all_gaps if g.start < high and g.end > low)

    def earliest(self) -> int:
        return self._earliest

    def _track(self, where: Labels, by: Key) -> _Track:
        found = self._tracks.get((where, by))
        if found is None:
            found = self._tracks[where, by] = self._read_track(self._chosen(where), by)
        return found

    def _read_track(self, chosen: Selection, by: Key) -> _Track:
        keys, series = self._catalogue.keys(by), self._catalogue.series
        times: list[int] = []
        rows: list[list[Row]] = []
        ends: list[int] = []
        for table, step, low, high in self._levels():
            now: dict[Key, tuple[int, ...]] = {}
            at = -1
            sql = _ROWS_SQL.format(_NAMES, table)
            for t, sid, *row in self._connection.execute(sql, (low, high)):
                if sid not in chosen:
                    continue
                if t != at:
                    if now:
                        rows.append(list(now.items()))
                    times.append(t)
                    ends.append(t + step)
                    at, now = t, {}
                whole = complete(row, series[sid].basis)
                own = now.get(keys[sid])
                now[keys[sid]] = whole if own is None else tuple(map(add, own, whole))
            if now:
                rows.append(list(now.items()))
        return _Track(times, rows, ends)

    def _levels(self) -> Iterator[tuple[str, int, int, int]]:
        """(table, step, low, high): days, then hours, then minutes, each for what nothing finer
        holds."""
        minute, hour, day = LEVELS[0], LEVELS[2], LEVELS[4]
        hours_from = min(max(self._floors.hour, self._low), self._high)
        minutes_from = min(max(self._floors.minute, self._low), self._high)
        low = self._low - self._low % day.step
        yield day.table, day.step, low, hours_from
        # Where minutes begin, a day has both: floors are whole days, so neither twice.
        first = hours_from - hours_from % HOUR
        yield hour.table, hour.step, first, minutes_from
        yield minute.table, minute.step, minutes_from, self._high


class ReplayReader(WatchReader):
    """The reader of whoever replays."""

    @contextmanager
    def replaying(self, low: int, high: int) -> Iterator[Replay]:
        """One read transaction for all of `[low, high)`."""
        with self._read() as connection:
            yield Replay(connection, self._cache, self._catalogue, self._floors, low, high)


def _no_usage(_low: int, _high: int) -> Mapping[int, int]:
    return {}


def _no_compare(_view: View, _by: Key) -> tuple[Compared, ...]:
    return ()
