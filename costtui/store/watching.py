"""What alert rules look at: everything of one evaluation from one read transaction.

`Sight` is what `alerts.observe` asks. Sums come from the same cache as the screens', so what is
closed is added up once, however many rules and budgets look at it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from costtui.model.alert import Labels
from costtui.model.comparison import Compared
from costtui.model.snapshot import Filter, Gap, SourceStatus, Totals, View
from costtui.model.timewindow import DAY, MINUTE, Window
from costtui.store.catalogue import Catalogue, Selection, token_of
from costtui.store.cover import cover, kept, whole_minutes
from costtui.store.levels import LEVELS, Floors, oldest_usage
from costtui.store.outlook import WEEKS, Spends, hours_before
from costtui.store.rolling import Rolling
from costtui.store.rows import all_statuses, gaps_between
from costtui.store.sums import SumCache, touches_since
from costtui.store.views import Views

Key = tuple[str, ...]

_LAST_SQL = "SELECT series, max(t) FROM {} WHERE t >= ? AND t < ? GROUP BY series"
_SPENT_SQL = "SELECT series, sum(effective) FROM {} WHERE t >= ? AND t < ? GROUP BY series"
T = TypeVar("T")


class LastUsage:
    """When each series was last used, to the minute. After new usage only that is read again: the
    rows of a day are a million where there are ten thousand series."""

    def __init__(self) -> None:
        self._ends: dict[int, int] = {}
        self._low: int | None = None
        self._revision = -1

    def since(
        self, connection: sqlite3.Connection, floors: Floors, revision: int, low: int, high: int
    ) -> Mapping[int, int]:
        """series → the end of the last minute with usage, of all that have some in `[low, high)`
        and maybe of more. Coarser, and then as late as it may be, where no minutes are kept."""
        touches = touches_since(connection, self._revision, revision)
        if touches is None or self._low is None or low < self._low:
            self._low = low
            self._ends = _scan(connection, floors, low, high)
        else:
            begun = [t_low for t_low, t_high in touches if t_high > t_low]
            if begun:
                for sid, end in _scan(connection, floors, max(min(begun), low), high).items():
                    self._ends[sid] = max(end, self._ends.get(sid, 0))
        self._revision = revision
        return self._ends


def _scan(connection: sqlite3.Connection, floors: Floors, low: int, high: int) -> dict[int, int]:
    """From the newest stretch to the oldest, each as coarse as it is kept; then what was found in
    a coarse bucket is looked for in the finer ones of it."""
    # A day more: usage of a clock that is ahead is touched once, and counts when its time comes.
    window = kept(whole_minutes(Window(low, high + DAY, MINUTE)), floors)
    found: dict[int, tuple[int, int]] = {}
    steps = {level.table: level.step for level in LEVELS}
    for segment in reversed(cover(window.start, window.end)):
        for sid, t in connection.execute(_LAST_SQL.format(segment.table), segment[1:]):
            found.setdefault(sid, (t, steps[segment.table]))
    for level in reversed(LEVELS[:-1]):
        coarse: dict[tuple[int, int], set[int]] = {}
        for sid, (t, step) in found.items():
            if step > level.step and t >= floors.of(level):
                coarse.setdefault((t, step), set()).add(sid)
        for (t, step), wanted in coarse.items():
            rows = connection.execute(_LAST_SQL.format(level.table), (t, t + step))
            found.update((sid, (at, level.step)) for sid, at in rows if sid in wanted)
    return {sid: min(t + step, window.end) for sid, (t, step) in found.items()}


class Sight:
    """One consistent look at the store. Windows are half-open, epoch seconds. Every method may
    raise a `UsageError` for a dimension that is not known."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        cache: SumCache,
        rolling: Rolling,
        catalogue: Catalogue,
        floors: Floors,
        last: Callable[[int, int], Mapping[int, int]],
        compare: Callable[[View, Key], tuple[Compared, ...]],
    ) -> None:
        self._connection, self._cache, self._catalogue = connection, cache, catalogue
        self._rolling = rolling
        self._floors, self._last, self._compare = floors, last, compare

    def sums(
        self, low: int, high: int, where: Labels, by: Key
    ) -> tuple[Mapping[Key, Totals], int, int]:
        """(values of `by` → sums, start, end) of `[low, high)`, which is widened to whole hours
        or days where retention keeps no more. Who used nothing need not be in it."""
        window = self._window(low, high)
        chosen = self._chosen(where)
        if not by:
            total = self._cache.total(self._connection, window.start, window.end, chosen)
            return {(): total}, window.start, window.end
        found = self._rolling.groups(self._connection, window.start, window.end, chosen, by)
        return found, window.start, window.end

    def spent(
        self, low: int, high: int, where: Labels, by: Key
    ) -> tuple[Mapping[Key, int], int, int]:
        """`sums` for a window that nobody asks for again: nano-USD alone, and nothing is kept of
        it, in a fifth of the time."""
        window, chosen, keys = (
            self._window(low, high),
            self._chosen(where),
            self._catalogue.keys(by),
        )
        out: dict[Key, int] = {}
        for segment in cover(window.start, window.end):
            rows = self._connection.execute(_SPENT_SQL.format(segment.table), segment[1:])
            for sid, nano in rows:
                if sid in chosen:
                    key = keys[sid]
                    out[key] = out.get(key, 0) + nano
        return out, window.start, window.end

    def once(self, key: Hashable, low: int, high: int, make: Callable[[], T]) -> T:
        """What `make` makes of the usage in `[low, high)`. It is made again when that has changed;
        `key` says what it is, and all else that it depends on."""
        window = self._window(low, high)
        return self._rolling.once(key, window.start, window.end, make)

    def last_usage(self, low: int, high: int, where: Labels, by: Key) -> dict[Key, int]:
        """values of `by` → the end of the last minute with usage in `[low, high)`."""
        keys = self._catalogue.keys(by)
        chosen = self._chosen(where)
        out: dict[Key, int] = {}
        for sid, end in self._last(low, high).items():
            if sid in chosen and end > low and end > out.get(keys[sid], 0):
                out[keys[sid]] = end
        return out

    def sources(self, where: Labels, by: Key) -> dict[Key, set[str]]:
        """values of `by` → the names of the sources that ever had usage of them."""
        keys, names = self._catalogue.keys(by), self._catalogue.keys(("source",))
        out: dict[Key, set[str]] = {}
        for sid in self._chosen(where):
            out.setdefault(keys[sid], set()).add(names[sid][0])
        return out

    def compared(self, low: int, high: int, where: Labels, by: Key) -> tuple[Compared, ...]:
        """What counts beside what reconciling sources saw."""
        window = self._window(low, high)
        return self._compare(View(window, _filters(where)), by)

    def hours(self, where: Labels, now: float) -> tuple[int, tuple[int | None, ...]]:
        """(start, the spend of each whole hour from there to `now`), as a forecast wants it."""
        chosen = self._chosen(where)

        def once(first: int, last: int, read: Callable[[], Spends]) -> Spends:
            return self.once(("hours", token_of(chosen), first, last), first, last, read)

        return hours_before(
            self._connection, self._catalogue, self._floors, chosen, self.earliest(),
            self.gaps(int(now) - WEEKS * 7 * DAY, int(now)), now, once,
        )  # fmt: skip

    def statuses(self) -> tuple[SourceStatus, ...]:
        """Every source, by name; ones that left the configuration too."""
        return all_statuses(self._connection)

    def gaps(self, low: int, high: int) -> tuple[Gap, ...]:
        """Stretches without data that touch `[low, high)`."""
        return gaps_between(self._connection, low, high)

    def earliest(self) -> int:
        """The oldest usage, epoch seconds; 0 for none."""
        return oldest_usage(self._connection)

    def _window(self, low: int, high: int) -> Window:
        return kept(whole_minutes(Window(low, high, MINUTE)), self._floors)

    def _chosen(self, where: Labels) -> Selection:
        return self._catalogue.select(_filters(where))


def _filters(where: Labels) -> tuple[Filter, ...]:
    return tuple(Filter(dimension, value) for dimension, value in where)


class WatchReader(Views):
    """The reader of whoever evaluates alerts. It is kept, so that what is closed is in memory."""

    lean = False
    """Nobody asks for anything but `watching`, so what is in `Rolling` need not be kept twice."""
    _lasts = LastUsage()
    _rolling: Rolling | None = None
    _kept_of = -1

    @contextmanager
    def watching(self) -> Iterator[Sight]:
        """One read transaction for everything that is asked of the `Sight`."""
        with self._read() as connection:
            if self._rolling is None or self._kept_of != self._opened:
                # another file, other series
                self._lasts, self._kept_of = LastUsage(), self._opened
                self._rolling = Rolling(self._cache)
                if self.lean:
                    self._cache.of_each = (2, 2)
            self._rolling.refresh(connection, self._revision, self._floors)

            def last(low: int, high: int) -> Mapping[int, int]:
                return self._lasts.since(connection, self._floors, self._revision, low, high)

            def compare(view: View, by: Key) -> tuple[Compared, ...]:
                return self._compare(connection, view, all_statuses(connection), by)

            yield Sight(
                connection, self._cache, self._rolling, self._catalogue, self._floors, last, compare
            )
