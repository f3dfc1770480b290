"""What the listener reads: everything ever counted, and how the collector is doing.

The sums of all days come from the cache of sums, divided at today's midnight (UTC), so that after
new usage only today's rows are added up again.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from costtui.model.charge import CostBasis
from costtui.model.counted import BY, FOLDED, PRICED, Counted, Counts, Heard, Labels
from costtui.model.timewindow import DAY, floor_to
from costtui.store.adjusted import ADJUSTED_SQL, SINCE
from costtui.store.catalogue import RECONCILE
from costtui.store.levels import COLUMNS, EFFECTIVE
from costtui.store.rows import EVALUATED, HEALTH, all_alerts, all_statuses, health_from_text
from costtui.store.silences import SILENCE_SQL, all_acks, silence_from_row
from costtui.store.sums import Row
from costtui.store.watching import WatchReader

_TOKENS: Final = slice(3, 9)
_LIST: Final = EFFECTIVE + 1
_BOUNDS: Final = COLUMNS.index("lower_bounds")
_PLACE: Final = {int(basis): at for at, basis in enumerate(PRICED)}


class CountedReader(WatchReader):
    """The reader of the listener. It is kept, so that what is closed is in memory."""

    _sets: dict[Labels, int]
    _set_of: dict[int, Labels]
    _known_of = -1

    def counted(self, now: float, most: int) -> Counted:
        """Every counter. The first `most` combinations ever seen have their own, for ever; all
        others are one. The order of arrival decides because it does not change: a combination
        that moved would take its past along, and be counted twice by whoever reads."""
        with self._read() as connection:
            self._learn()
            low, high = _days(connection)
            # What is before today does not change any more, but for late usage.
            self._cache.cuts = (floor_to(int(now), DAY),)
            rows = self._cache.by_series(connection, low, high) if high > low else {}
            usage: dict[Labels, Counts] = {}
            for sid, row in rows.items():
                if self._counts(sid):
                    self._add(usage, sid, row[: len(COLUMNS)], most)
            for sid, *values in connection.execute(ADJUSTED_SQL):
                self._add(usage, sid, values, most)
                labels = self._labels(sid, most)
                usage[labels].adjusted -= values[EFFECTIVE]
            meta = dict(connection.execute("SELECT key, value FROM meta WHERE key = ?", (SINCE,)))
            folded = max(0, len(self._sets) - most)
            return Counted(self._revision, float(meta.get(SINCE, 0.0)), usage, folded)

    def heard(self) -> Heard:
        """How everything is doing."""
        with self._read() as connection:
            meta = dict(
                connection.execute(
                    "SELECT key, value FROM meta WHERE key IN (?, ?)", (HEALTH, EVALUATED)
                )
            )
            return Heard(
                self._revision, self._heartbeat, float(meta.get(EVALUATED) or 0.0),
                all_statuses(connection), all_alerts(connection),
                health_from_text(meta[HEALTH]) if HEALTH in meta else (),
                tuple(map(silence_from_row, connection.execute(SILENCE_SQL))),
                all_acks(connection),
            )  # fmt: skip

    def _learn(self) -> None:
        """Put series that are new behind those that are known, in the order of their ids."""
        if self._known_of != self._opened:
            self._sets, self._set_of, self._known_of = {}, {}, self._opened
        for sid, series in self._catalogue.series.items():
            if sid not in self._set_of:
                dims = series.dims
                labels = (dims.provider, dims.model, dims.consumer, dims.gateway, dims.service)
                self._set_of[sid] = labels
                self._sets.setdefault(labels, len(self._sets))

    def _counts(self, sid: int) -> bool:
        source = self._catalogue.series[sid].source
        return self._catalogue.sources.get(source, ("", ""))[1] != RECONCILE

    def _labels(self, sid: int, most: int) -> Labels:
        labels = self._set_of[sid]
        if self._sets[labels] < most:
            return labels
        return (FOLDED, FOLDED, FOLDED, FOLDED, labels[len(BY) - 1])

    def _add(self, usage: dict[Labels, Counts], sid: int, row: Row | list[int], most: int) -> None:
        labels = self._labels(sid, most)
        own = usage.get(labels)
        if own is None:
            own = usage[labels] = Counts()
        basis = self._catalogue.series[sid].basis
        tokens = row[_TOKENS]
        own.requests += row[0]
        own.errors += row[1]
        own.throttled += row[2]
        own.tokens = [a + b for a, b in zip(own.tokens, tokens, strict=True)]
        own.listed += row[_LIST]
        own.lower_bounds += row[_BOUNDS]
        if basis is CostBasis.UNPRICED:
            own.unpriced_requests += row[0]
            own.unpriced_tokens += sum(tokens)
        else:
            own.cost[_PLACE[basis]] += row[EFFECTIVE]


def _days(connection: sqlite3.Connection) -> tuple[int, int]:
    """The stretch that days are stored of."""
    low, high = connection.execute("SELECT min(t), max(t) FROM day").fetchone()
    return (int(low), int(high) + DAY) if low is not None else (0, 0)
