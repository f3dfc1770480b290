"""The read behind a whole screen: the overview, the fleet, what is compared.

Apart from the small questions of `reader`, because these put many sums together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from costtui.model.snapshot import (
    Breakdown,
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
from costtui.store import history
from costtui.store import overview as screens
from costtui.store.catalogue import Selection
from costtui.store.cover import ceil_to, kept, whole_minutes
from costtui.store.levels import oldest_usage
from costtui.store.matrix import Chart, Grouping
from costtui.store.reading import Reading
from costtui.store.rows import (
    all_alerts,
    all_health,
    all_statuses,
    gaps_between,
)
from costtui.store.silences import all_acks, all_silences
from costtui.store.sums import Groups, Sums
from costtui.store.then import then

if TYPE_CHECKING:
    from costtui.model.comparison import Compared

HEARTBEAT_S: Final = 30.0
"""A collector that said something within this time is alive."""

_WEEK: Final = 7 * 86400
PANEL_DIMENSIONS: Final = ("provider", "model", "consumer", "gateway")


class Glance(Reading):
    """Whole screens from one read transaction each. `Reader` is what callers use."""

    _sized: tuple[Sums | None, tuple[tuple[str, int], ...]] = (None, ())
    """The sums that dimensions were counted in last, and how many values they have."""

    def _view(self, view: View) -> View:
        window = kept(whole_minutes(view.window), self._floors)
        return view if window is view.window else replace(view, window=window)

    def _previous(self, window: Window) -> Window:
        return kept(previous(window, self._zone), self._floors)

    def _total(self, connection: sqlite3.Connection, window: Window, chosen: Selection) -> Totals:
        window = kept(window, self._floors)
        return self._cache.total(connection, window.start, window.end, chosen)

    def _per_hour(
        self, connection: sqlite3.Connection, window: Window, chosen: Selection
    ) -> Totals:
        """The usage of an hour; where only days are kept, a mean one of the whole day, rounded up
        so that what makes it a lower bound is not rounded away."""
        window = kept(window, self._floors)
        total = self._total(connection, window, chosen)
        if window.seconds == HOUR:
            return total
        return Totals(*(-(-value * HOUR // max(window.seconds, MINUTE)) for value in total))

    def _sums(self, connection: sqlite3.Connection, window: Window, chosen: Selection) -> Sums:
        sums = self._cache.by_series(connection, window.start, window.end)
        return self._cache.extend(sums, chosen)

    def _groups(
        self, connection: sqlite3.Connection, window: Window, chosen: Selection, by: tuple[str, ...]
    ) -> Groups:
        return self._cache.groups(connection, window.start, window.end, chosen, by)

    def overview(
        self, view: View, now: float, dimensions: Sequence[str] = PANEL_DIMENSIONS
    ) -> Overview:
        """Everything the overview shows. `view` of the answer is what was really read: where
        retention keeps no minutes, its window is wider and its steps are coarser."""
        with self._read() as connection:
            asked, view = view, self._view(view)
            window = view.window
            chosen = self._catalogue.select(view.filters)
            before_window = self._previous(window)
            # A view of the past shows what held at its end, and not what holds now.
            moment = now if window.live else window.end - 1
            end = ceil_minute(moment)
            today = Window(start_of_day(moment, self._zone), end, HOUR, "today")
            month = Window(start_of_month(moment, self._zone), end, HOUR, "month")
            past = previous(month, self._zone)
            self._cache.cuts = tuple(
                sorted(
                    ceil_to(at, DAY)
                    for at in (past.start, past.end - DAY, month.start, end - _WEEK)
                )
            )
            rows = self._sums(connection, window, chosen)
            buckets = screens.chart(connection, self._cache, window, chosen)
            cost, count, tokens, free = buckets.total(self._ends(connection, chosen))
            total = self._total(connection, window, chosen)
            previous_total = self._total(connection, before_window, chosen)
            gaps = gaps_between(connection, window.start, window.end)
            month_total = self._total(connection, month, chosen)
            statuses = all_statuses(connection)
            earliest = oldest_usage(connection)
            hour, hour_before = (
                self._per_hour(connection, Window(end - back, end - back + HOUR, MINUTE), chosen)
                for back in (HOUR, 2 * HOUR)
            )
            return Overview(
                view=view,
                revision=self._revision,
                taken_at=now if window.live else float(end),
                total=total,
                previous=previous_total,
                today=self._total(connection, today, chosen),
                today_previous=self._total(connection, previous(today, self._zone), chosen),
                month=month_total,
                month_previous=self._total(connection, previous(month, self._zone), chosen),
                month_projection_nano=month_total.effective_nano
                + self._rest_of_month(connection, moment, end, earliest, chosen),
                hour=hour,
                hour_previous=hour_before,
                chart=cost,
                chart_requests=count,
                chart_tokens=tokens,
                chart_unpriced=free,
                gap_buckets=screens.gap_buckets(window, cost, count, gaps),
                breakdowns=tuple(
                    self._panel(connection, view, chosen, d, rows, buckets) for d in dimensions
                ),
                sources=statuses
                if window.live
                else self._sources_then(connection, statuses, window, month.start),
                alerts=all_alerts(connection)
                if window.live
                else history.states_at(connection, end),
                unpriced=screens.unpriced(self._catalogue, rows),
                gaps=gaps,
                collector_alive=self._alive(now),
                earliest=earliest,
                notes=_notes(asked.window, window),
                compared=self._compare(connection, view, statuses),
                sizes=self._sizes(connection, window, chosen, rows),
                silences=all_silences(connection),
                acks=all_acks(connection),
                notifiers=all_health(connection),
            )

    def _sources_then(
        self,
        connection: sqlite3.Connection,
        statuses: tuple[SourceStatus, ...],
        window: Window,
        since: int,
    ) -> tuple[SourceStatus, ...]:
        """The sources at the end of `window`. Usage since `since`, or in the window, tells that a
        source was there; gaps are kept as long as hours, and without them nothing is known."""
        low, end = min(since, window.start), window.end
        seen: set[str] = set()
        if end > self._floors.hour:
            sums = self._cache.by_series(connection, low, end)
            names = {self._catalogue.series[sid].source for sid in sums}
            seen = {name for at, (name, _) in self._catalogue.sources.items() if at in names}
        return then(statuses, gaps_between(connection, end - 1, end + 1), seen, end)

    def _ends(self, connection: sqlite3.Connection, chosen: Selection) -> Grouping:
        return lambda low, high, by: self._cache.groups(connection, low, high, chosen, by)

    def _panel(
        self,
        connection: sqlite3.Connection,
        view: View,
        chosen: Selection,
        dimension: str,
        rows: Sums,
        buckets: Chart,
    ) -> Breakdown:
        by, before = (dimension,), self._previous(view.window)
        return self._panels.breakdown(
            dimension, chosen, self._groups(connection, view.window, chosen, by),
            self._groups(connection, before, chosen, by), rows, buckets,
            self._ends(connection, chosen),
        )  # fmt: skip

    def _sizes(
        self, connection: sqlite3.Connection, window: Window, chosen: Selection, rows: Sums
    ) -> tuple[tuple[str, int], ...]:
        """How many values each dimension has in some sums; remembered for the last ones."""
        if self._sized[0] is not rows:
            keys, grouped = self._catalogue.keys, PANEL_DIMENSIONS
            sizes = tuple(
                (d, len(self._groups(connection, window, chosen, (d,))) if d in grouped
                 else len(set(map(keys((d,)).__getitem__, rows))))
                for d in self._catalogue.groupable
            )  # fmt: skip
            self._sized = rows, sizes
        return self._sized[1]

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


def _notes(asked: Window, read: Window) -> tuple[str, ...]:
    if (asked.start, asked.end, asked.step) == (read.start, read.end, read.step):
        return ()
    unit = "days" if read.step >= DAY and asked.step < DAY else "hours"
    return (f"only {unit} are kept of this time: the window is widened to whole {unit}",)
