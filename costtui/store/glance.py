"""The read behind a whole screen: the overview, the fleet, what is compared.

Apart from the small questions of `reader`, because these put many sums together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from costtui.model.movement import BY, Moved, Movement
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
from costtui.store import history
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
from costtui.store.then import then

if TYPE_CHECKING:
    from costtui.model.comparison import Compared
    from costtui.model.fleet import Fleet
    from costtui.model.spending import Days, Spent

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

    def _per_hour(self, connection: sqlite3.Connection, window: Window, chosen: Selection) -> int:
        """nano-USD an hour; where only days are kept, of the whole day."""
        window = kept(window, self._floors)
        spent = self._total(connection, window, chosen).effective_nano
        return spent * HOUR // max(window.seconds, MINUTE)

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
            before = self._sums(connection, before_window, chosen)
            buckets = screens.chart(connection, self._cache, window, chosen)
            cost, count = buckets.spark(buckets.vectors)
            total, previous_total = add_up(rows.values()), add_up(before.values())
            gaps = gaps_between(connection, window.start, window.end)
            month_total = self._total(connection, month, chosen)
            statuses = all_statuses(connection)
            earliest = oldest_usage(connection)
            burn, burn_before = (
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
                burn_nano_per_hour=burn,
                burn_previous_nano_per_hour=burn_before,
                chart=cost,
                chart_requests=count,
                gap_buckets=screens.gap_buckets(window, cost, count, gaps),
                breakdowns=tuple(
                    screens.breakdown(self._catalogue, d, rows, before, buckets) for d in dimensions
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

    def spent(
        self,
        view: View,
        now: float,  # noqa: ARG002
        by: tuple[str, ...] = (),
    ) -> tuple[Spent, ...]:
        """The usage of each (provider, model, *by), with what can be compared with a list price."""
        from costtui.store import spending  # not before the first paint

        with self._read() as connection:
            view = self._view(view)
            chosen = self._catalogue.select(view.filters)
            rows = self._sums(connection, view.window, chosen)
            return spending.spent(self._catalogue, rows, by)

    def failed(self, view: View, now: float) -> dict[str, int] | None:  # noqa: ARG002
        """consumer → nano-USD of its failed requests in the view, as far as single requests are
        known; None where the window is too long to look at each of them."""
        from costtui.store import spending

        with self._read() as connection:
            chosen = self._catalogue.select(view.filters)
            window = self._view(view).window
            return spending.failed(connection, self._catalogue, self._floors, window, chosen)

    def days(self, view: View, now: float) -> Days:
        """This month, the last one, and each of the last thirty whole days."""
        from costtui.store import spending

        with self._read() as connection:
            chosen = self._catalogue.select(view.filters)
            earliest = oldest_usage(connection)
            return spending.days(
                lambda low, high: self._total(connection, Window(low, high, HOUR), chosen),
                view, now, self._zone, earliest,
            )  # fmt: skip

    def movement(self, view: View, pairs: Sequence[tuple[Window, Window]]) -> tuple[Movement, ...]:
        """For each (before, now) of `pairs`, what every combination of `BY` used in both, under
        the filters of `view`; from one read."""
        found = []
        with self._read() as connection:
            chosen = self._catalogue.select(view.filters)
            keys = self._catalogue.keys(BY)
            for pair in pairs:
                before, now = (kept(whole_minutes(w), self._floors) for w in pair)
                old, new = (self._by_key(connection, w, chosen, keys) for w in (before, now))
                none = Totals()
                rows = (Moved(k, old.get(k, none), new.get(k, none)) for k in {**old, **new})
                found.append(Movement(before, now, tuple(rows)))
        return tuple(found)

    def _by_key(
        self,
        connection: sqlite3.Connection,
        window: Window,
        chosen: Selection,
        keys: dict[int, tuple[str, ...]],
    ) -> dict[tuple[str, ...], Totals]:
        rows = self._sums(connection, window, chosen)
        return {
            key: add_up([rows[i] for i in ids]) for key, ids in screens.grouped(keys, rows).items()
        }

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
