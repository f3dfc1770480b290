"""The read behind the forecast: eight weeks of hours and this month by group."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from typing import Final

from costtui.model.outlook import Outlook, OutlookGroup
from costtui.model.snapshot import AlertStatus, Gap, Totals, View
from costtui.model.timewindow import (
    DAY,
    HOUR,
    Window,
    ceil_minute,
    floor_to,
    start_of_month,
    start_of_next_month,
)
from costtui.store import overview as screens
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.cover import ceil_to, kept
from costtui.store.levels import Floors
from costtui.store.sums import SumCache, Sums, add_up

WEEKS: Final = 8
"""Of history at most."""
_HOURS_SQL: Final = (
    "SELECT t, sum(effective), sum(requests) FROM hour WHERE t >= ? AND t < ?{} GROUP BY t"
)
_AMONG: Final = " AND series IN (SELECT value FROM json_each(?))"


def month_view(view: View, now: float, zone: tzinfo) -> View:
    """This calendar month to date, with the filters of `view`."""
    window = Window(start_of_month(now, zone), ceil_minute(now), DAY, "month")
    return View(window, view.filters)


def outlook(
    connection: sqlite3.Connection,
    cache: SumCache,
    catalogue: Catalogue,
    floors: Floors,
    zone: tzinfo,
    view: View,
    by: str,
    earliest: float,
    gaps: Iterable[Gap],
    alerts: tuple[AlertStatus, ...],
    revision: int,
    now: float,
) -> Outlook:
    """What a forecast of `view`'s filters needs at `now`, grouped by `by`."""
    chosen = catalogue.select(view.filters)
    own = month_view(view, now, zone)
    window = own.window

    def sums(start: int, end: int) -> Sums:
        span = kept(Window(start, end, HOUR), floors)
        return cache.extend(cache.by_series(connection, span.start, span.end), chosen)

    before = start_of_month(window.start - 1, zone)
    month, week = sums(window.start, window.end), sums(window.end - 7 * DAY, window.end)
    first, hours = hours_before(connection, catalogue, floors, chosen, earliest, gaps, now)
    return Outlook(
        view=own,
        revision=revision,
        until=start_of_next_month(now, zone),
        start=first,
        hours=hours,
        to_date=add_up(month.values()),
        last_month=add_up(sums(before, window.start).values()),
        dimension=by,
        groups=_groups(catalogue, by, month, week),
        alerts=alerts,
        last_month_from=int(earliest) if before < earliest < window.start else 0,
        earliest=int(earliest),
    )


Spends = Mapping[int, tuple[int, int]]
"""The start of an hour → what was spent in it, nano-USD, and by how many requests."""


def hours_before(
    connection: sqlite3.Connection,
    catalogue: Catalogue,
    floors: Floors,
    chosen: Selection,
    earliest: float,
    gaps: Iterable[Gap],
    now: float,
    once: Callable[[int, int, Callable[[], Spends]], Spends] | None = None,
) -> tuple[int, tuple[int | None, ...]]:
    """(start of the first one, the spend of each whole hour up to `now`; None is a gap). `once` may
    remember what is read of a stretch of time."""
    # The hour that is running is not over, and the first one of the store need not be whole.
    last = floor_to(int(now), HOUR)
    oldest = ceil_to(int(earliest), HOUR) if earliest else last
    first = min(last, max(last - WEEKS * 7 * DAY, oldest, floors.hour))

    def read() -> Spends:
        return hours_spent(connection, catalogue, chosen, first, last)

    spent = once(first, last, read) if once is not None else read()
    starts = range(first, last, HOUR)
    cost = [spent.get(t, (0, 0))[0] for t in starts]
    count = [spent.get(t, (0, 0))[1] for t in starts]
    empty = screens.gap_buckets(Window(first, last, HOUR), cost, count, gaps)
    return first, tuple(None if at in empty else value for at, value in enumerate(cost))


def hours_spent(
    connection: sqlite3.Connection, catalogue: Catalogue, chosen: Selection, first: int, last: int
) -> Spends:
    """Grouped by time alone: rows arrive in its order."""
    everything = len(chosen) == len(catalogue.series)
    among = () if everything else (json.dumps(sorted(chosen)),)
    sql = _HOURS_SQL.format("" if everything else _AMONG)
    return {t: (cost, count) for t, cost, count in connection.execute(sql, (first, last, *among))}


def _groups(catalogue: Catalogue, by: str, month: Sums, week: Sums) -> tuple[OutlookGroup, ...]:
    keys = catalogue.keys((by,))
    this, recent = screens.grouped(keys, month), screens.grouped(keys, week)
    rows = [
        OutlookGroup(
            key[0],
            add_up([month[i] for i in this.get(key, [])]) if key in this else Totals(),
            add_up([week[i] for i in recent.get(key, [])]) if key in recent else Totals(),
        )
        for key in {**this, **recent}
    ]
    rows.sort(key=lambda g: (-g.to_date.effective_nano, -g.week.effective_nano, g.key))
    return tuple(rows)
