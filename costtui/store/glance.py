"""The read behind a whole screen: the overview, the fleet, what is compared.

Apart from the small questions of `reader`, because these put many sums together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from costtui.model.snapshot import (
    Overview,
    SourceStatus,
    Totals,
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
from costtui.store.catalogue import Selection
from costtui.store.cover import ceil_to, kept, whole_minutes
from costtui.store.levels import oldest_usage
from costtui.store.reading import Reading
from costtui.store.rows import (
    all_alerts,
    all_statuses,
    gaps_between,
)
from costtui.store.sums import Sums, add_up

if TYPE_CHECKING:
    from costtui.model.comparison import Compared
    from costtui.model.fleet import Fleet
    from costtui.model.outlook import Outlook

HEARTBEAT_S: Final = 30.0
"""A collector that said something within this time is alive."""

_WEEK: Final = 7 * 86400
DEFAULT_DIMENSIONS: Final = ("provider", "model", "consumer", "gateway")


class Glance(Reading):
    """Whole screens from one read transaction each. `Reader` is what callers use."""

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
                chart_tokens=buckets.tokens(buckets.vectors),
                chart_unpriced=buckets.tokens(screens.without_price(self._catalogue)),
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

    def outlook(self, view: View, by: str, now: float) -> Outlook:
        """What a forecast needs: eight weeks of hours, and this month by the dimension `by`. Only
        the filters of `view` count."""
        from costtui.store import outlook as outlooks  # not before the first paint

        with self._read() as connection:
            start = int(now) - outlooks.WEEKS * _WEEK
            return outlooks.outlook(
                connection, self._cache, self._catalogue, self._floors, self._zone, view, by,
                oldest_usage(connection), gaps_between(connection, start, now),
                all_alerts(connection), self._revision, now,
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


def _per_hour(totals: Totals, window: Window) -> int:
    return totals.effective_nano * HOUR // max(window.seconds, MINUTE)


def _notes(asked: Window, read: Window) -> tuple[str, ...]:
    if (asked.start, asked.end, asked.step) == (read.start, read.end, read.step):
        return ()
    unit = "days" if read.step >= DAY and asked.step < DAY else "hours"
    return (f"only {unit} are kept of this time: the window is widened to whole {unit}",)
