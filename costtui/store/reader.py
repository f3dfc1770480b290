"""The reading side: every question a screen, a report or an alert asks, by read-only SQL.

One `Reader` belongs to one thread. Every public call is one read transaction, so all of its numbers
belong together. A store that does not exist yet reads as an empty one: a viewer may start before
the collector has made the file, and sees it as soon as it is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from costtui.config.schema import Consumer
from costtui.errors import UsageError
from costtui.model.charge import Exactness
from costtui.model.snapshot import (
    AlertStatus,
    Filter,
    Gap,
    Group,
    Overview,
    RequestRow,
    SkippedLine,
    SourceStatus,
    Totals,
    UnpricedModel,
    View,
)
from costtui.model.timewindow import (
    DAY,
    HOUR,
    MINUTE,
    Window,
    ceil_minute,
    floor_to,
    previous,
    start_of_day,
    start_of_month,
    start_of_next_month,
)
from costtui.store import overview as screens
from costtui.store import requests, timeline
from costtui.store.catalogue import Selection
from costtui.store.cover import ceil_to, kept, whole_minutes
from costtui.store.levels import LEVELS, oldest_usage
from costtui.store.reading import Reading
from costtui.store.rows import (
    SKIPPED_SQL,
    all_alerts,
    all_statuses,
    gaps_between,
    skipped_from_row,
)
from costtui.store.sums import Sums, add_up

if TYPE_CHECKING:
    from costtui.model.comparison import Compared
    from costtui.model.fleet import Fleet

HEARTBEAT_S: Final = 30.0
"""A collector that said something within this time is alive."""

_WEEK: Final = 7 * 86400
DEFAULT_DIMENSIONS: Final = ("provider", "model", "consumer", "gateway")


class Reader(Reading):
    """Reads the store at `path`. Times are epoch seconds; days and months begin in `zone`.

    Every method may raise a `StoreError` (damaged, newer, unreadable) and, for a filter or a
    dimension that makes no sense, a `UsageError`. Money is nano-USD. Queries take `now`, epoch
    seconds, whether or not their answer depends on it, so that callers need not know.
    """

    # Usage

    def _view(self, view: View) -> View:
        window = kept(whole_minutes(view.window), self._floors)
        return view if window is view.window else replace(view, window=window)

    def _previous(self, window: Window) -> Window:
        return kept(previous(window, self._zone), self._floors)

    def _total(self, connection: sqlite3.Connection, window: Window, chosen: Selection) -> Totals:
        window = kept(window, self._floors)
        return self._cache.total(connection, window.start, window.end, chosen)

    def _sums(self, connection: sqlite3.Connection, window: Window, chosen: Selection) -> Sums:
        sums = self._cache.by_series(connection, window.start, window.end)
        return self._cache.extend(sums, chosen)

    def overview(
        self, view: View, now: float, dimensions: Sequence[str] = DEFAULT_DIMENSIONS
    ) -> Overview:
        """Everything the overview shows. `view` of the answer is what was really read: where
        retention keeps no minutes, its window is wider and its steps are coarser."""
        with self._read() as connection:
            asked, view = view, self._view(view)
            window = view.window
            chosen = self._catalogue.select(view.filters)
            before_window = self._previous(window)
            end = ceil_minute(now)
            today = Window(start_of_day(now, self._zone), end, HOUR, "today")
            month = Window(start_of_month(now, self._zone), end, HOUR, "month")
            past = previous(month, self._zone)
            self._cache.cuts = tuple(
                sorted(
                    ceil_to(at, DAY)
                    for at in (past.start, past.end - DAY, month.start, end - _WEEK)
                )
            )
            rows = self._sums(connection, window, chosen)
            before = self._sums(connection, before_window, chosen)
            buckets = screens.chart(connection, self._cache, window, chosen)
            cost, count = buckets.spark(buckets.vectors)
            total, previous_total = add_up(rows.values()), add_up(before.values())
            gaps = gaps_between(connection, window.start, window.end)
            month_total = self._total(connection, month, chosen)
            statuses = all_statuses(connection)
            earliest = oldest_usage(connection)
            if window.live:
                hour = Window(end - HOUR, end, MINUTE)
                burn, burn_before = (
                    self._total(connection, w, chosen).effective_nano
                    for w in (hour, Window(end - 2 * HOUR, end - HOUR, MINUTE))
                )
            else:
                burn = _per_hour(total, window)
                burn_before = _per_hour(previous_total, before_window)
            return Overview(
                view=view,
                revision=self._revision,
                taken_at=now,
                total=total,
                previous=previous_total,
                today=self._total(connection, today, chosen),
                today_previous=self._total(connection, previous(today, self._zone), chosen),
                month=month_total,
                month_previous=self._total(connection, previous(month, self._zone), chosen),
                month_projection_nano=month_total.effective_nano
                + self._rest_of_month(connection, now, end, earliest, chosen),
                burn_nano_per_hour=burn,
                burn_previous_nano_per_hour=burn_before,
                chart=cost,
                chart_requests=count,
                gap_buckets=screens.gap_buckets(window, cost, count, gaps),
                breakdowns=tuple(
                    screens.breakdown(self._catalogue, d, rows, before, buckets) for d in dimensions
                ),
                sources=statuses,
                alerts=all_alerts(connection),
                unpriced=screens.unpriced(self._catalogue, rows),
                gaps=gaps,
                collector_alive=self._alive(now),
                earliest=earliest,
                notes=_notes(asked.window, window),
                compared=self._compare(connection, view, statuses),
            )

    def _compare(
        self,
        connection: sqlite3.Connection,
        view: View,
        statuses: tuple[SourceStatus, ...],
        by: tuple[str, ...] = (),
    ) -> tuple[Compared, ...]:
        if not self._catalogue.reconciles:
            return ()
        from costtui.store.compare import compare  # most stores never need it

        return compare(
            connection, self._cache, self._catalogue, self._floors, view.window, view.filters,
            statuses, by,
        )  # fmt: skip

    def compared(
        self,
        view: View,
        now: float,  # noqa: ARG002
        by: tuple[str, ...] = (),
    ) -> tuple[Compared, ...]:
        """What counts beside what reconciling sources saw: for each gateway, or for each value of
        `by` in it. Of the view's filters those on gateway, provider and model narrow it."""
        with self._read() as connection:
            return self._compare(connection, self._view(view), all_statuses(connection), by)

    def fleet(self, view: View, now: float) -> Fleet:
        """Every gateway over the usual periods, which end where the view does."""
        from costtui.store import fleet as fleets  # not before the first paint

        with self._read() as connection:
            view = self._view(view)
            window = view.window
            return fleets.fleet(
                connection, self._cache, self._catalogue, self._floors, self._zone, view,
                self._previous(window), all_statuses(connection),
                gaps_between(connection, window.start, window.end), self._revision, now,
            )  # fmt: skip

    def _rest_of_month(
        self,
        connection: sqlite3.Connection,
        now: float,
        end: int,
        earliest: float,
        chosen: Selection,
    ) -> int:
        """What the rest of the month costs at the rate of the last seven days, or of all there is
        where that is less."""
        since = max(floor_to(end - _WEEK, HOUR), floor_to(int(earliest), HOUR))
        if not earliest or since >= end:
            return 0
        left = max(0, start_of_next_month(now, self._zone) - end)
        spent = self._total(connection, Window(since, end, HOUR), chosen).effective_nano
        return spent * left // max(end - since, HOUR)

    def _alive(self, now: float) -> bool:
        return abs(now - self._heartbeat) < HEARTBEAT_S or self._lock.holder() is not None

    def totals(self, view: View, now: float) -> Totals:  # noqa: ARG002
        """The sums of a view."""
        with self._read() as connection:
            view = self._view(view)
            return self._total(connection, view.window, self._catalogue.select(view.filters))

    def breakdown(
        self,
        view: View,
        by: Sequence[str],
        now: float,  # noqa: ARG002
        *,
        reconcile: bool = False,
    ) -> list[tuple[tuple[str, ...], Totals]]:
        """(values of `by`, sums), dearest first. With `reconcile`, of the sources that are only
        compared, and no others."""
        with self._read() as connection:
            view = self._view(view)
            chosen = self._catalogue.select(view.filters, reconcile=reconcile)
            return self._broken_down(connection, view.window, tuple(by), chosen)

    def _broken_down(
        self,
        connection: sqlite3.Connection,
        window: Window,
        by: tuple[str, ...],
        chosen: Selection,
    ) -> list[tuple[tuple[str, ...], Totals]]:
        rows = self._sums(connection, window, chosen)
        keys = self._catalogue.keys(by)
        found = [
            (key, add_up([rows[i] for i in ids]))
            for key, ids in screens.grouped(keys, rows).items()
        ]
        found.sort(key=lambda pair: (-pair[1].effective_nano, -pair[1].requests, pair[0]))
        return found

    def groups(self, view: View, by: str, now: float) -> tuple[Group, ...]:  # noqa: ARG002
        """One panel: the groups of a dimension with sparks and the period before."""
        with self._read() as connection:
            view = self._view(view)
            chosen = self._catalogue.select(view.filters)
            return screens.breakdown(
                self._catalogue,
                by,
                self._sums(connection, view.window, chosen),
                self._sums(connection, self._previous(view.window), chosen),
                screens.chart(connection, self._cache, view.window, chosen),
            ).groups

    def timeline(self, view: View, step: int, now: float) -> list[tuple[int, Totals]]:  # noqa: ARG002
        """(start of the bucket, sums) for each bucket of `step` seconds, oldest first, empty ones
        too. `step` is that of a roll-up level; it is coarser where retention asks for it."""
        if step not in {level.step for level in LEVELS}:
            raise UsageError(f"{step} seconds is not the step of a roll-up")
        with self._read() as connection:
            window = kept(replace(whole_minutes(view.window), step=step), self._floors)
            chosen = self._catalogue.select(view.filters)
            return timeline.timeline(connection, self._cache, self._catalogue, window, chosen)

    def effective_view(self, view: View) -> View:
        """What a query of `view` really reads, given what retention has kept."""
        with self._read():
            return self._view(view)

    def cost_over(
        self, window_s: int, by: Sequence[str], where: Sequence[tuple[str, str]], now: float
    ) -> dict[tuple[tuple[str, str], ...], tuple[int, Exactness]]:
        """(effective nano-USD, exactness) of the last `window_s` seconds for each label set of
        `by`; `{(): …}` without `by`."""
        end = ceil_minute(now)
        filters = tuple(Filter(dimension, value) for dimension, value in where)
        with self._read() as connection:
            window = kept(whole_minutes(Window(end - window_s, end, MINUTE)), self._floors)
            chosen = self._catalogue.select(filters)
            if not by:
                total = self._total(connection, window, chosen)
                return {(): (total.effective_nano, total.exactness)}
            rows = self._broken_down(connection, window, tuple(by), chosen)
            return {
                tuple(zip(by, key, strict=True)): (totals.effective_nano, totals.exactness)
                for key, totals in rows
            }

    def unpriced(self, view: View, now: float) -> tuple[UnpricedModel, ...]:  # noqa: ARG002
        """Models of the view that have no rate."""
        with self._read() as connection:
            view = self._view(view)
            chosen = self._catalogue.select(view.filters)
            return screens.unpriced(self._catalogue, self._sums(connection, view.window, chosen))

    # Requests

    def requests(
        self,
        view: View,
        limit: int,
        before: int | None = None,
        order: str = "time",
        reverse: bool = False,
    ) -> list[RequestRow]:
        """At most `limit` requests of the view, newest first, older than the id `before`; or the
        first of them by `order`: `time`, `cost` or `tokens`, the most first, the least with
        `reverse`. Only newest first can be paged. Raises `UsageError` for another order."""
        if order not in requests.ORDERS:
            raise UsageError(f"{order!r} is no order; known are {', '.join(requests.ORDERS)}")
        with self._read() as connection:
            chosen = self._catalogue.select(view.filters)
            if order != "time" or reverse:
                return requests.top(
                    connection, self._catalogue, self._floors, view.window, chosen, limit, order,
                    reverse=reverse,
                )  # fmt: skip
            return requests.newest(
                connection, self._catalogue, self._floors, view.window, chosen, limit, before
            )

    def request(self, identity: int) -> RequestRow | None:
        """One request in full, None when it is no longer kept."""
        with self._read() as connection:
            return requests.one(connection, self._catalogue, identity)

    # The rest

    def statuses(self) -> tuple[SourceStatus, ...]:
        """Every source, by name."""
        with self._read() as connection:
            return all_statuses(connection)

    def skipped(self, source: str | None = None, limit: int = 200) -> tuple[SkippedLine, ...]:
        """Examples of lines that could not be read, newest first."""
        where = "" if source is None else " WHERE source.name = ?"
        order = " ORDER BY skipped.id DESC LIMIT ?"
        parameters = (limit,) if source is None else (source, limit)
        with self._read() as connection:
            rows = connection.execute(SKIPPED_SQL + where + order, parameters)
            return tuple(map(skipped_from_row, rows))

    def alerts(self) -> tuple[AlertStatus, ...]:
        with self._read() as connection:
            return all_alerts(connection)

    def gaps(self, start: float, end: float) -> tuple[Gap, ...]:
        """Stretches without data that touch `[start, end)`."""
        with self._read() as connection:
            return gaps_between(connection, start, end)

    def collector_alive(self, now: float) -> bool:
        """Whether some collector holds the store, or has said so within half a minute."""
        with self._read():
            return self._alive(now)

    def consumer(self, identity: str) -> Consumer:
        """Who the config says a consumer is; empty where it says nothing."""
        return self._catalogue.consumer(identity)


def _per_hour(totals: Totals, window: Window) -> int:
    return totals.effective_nano * HOUR // max(window.seconds, MINUTE)


def _notes(asked: Window, read: Window) -> tuple[str, ...]:
    if (asked.start, asked.end, asked.step) == (read.start, read.end, read.step):
        return ()
    unit = "days" if read.step >= DAY and asked.step < DAY else "hours"
    return (f"only {unit} are kept of this time: the window is widened to whole {unit}",)
