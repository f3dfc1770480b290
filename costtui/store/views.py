"""What the screens beside the overview ask, each from one read transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from costtui.model.movement import BY, Moved, Movement
from costtui.model.snapshot import Totals, View
from costtui.model.timewindow import DAY, HOUR, Window, floor_to
from costtui.store import overview as screens
from costtui.store.catalogue import Selection
from costtui.store.cover import kept, whole_minutes
from costtui.store.glance import Glance
from costtui.store.levels import oldest_usage
from costtui.store.rows import all_alerts, all_statuses, gaps_between
from costtui.store.sums import add_up

if TYPE_CHECKING:
    from costtui.model.cross import Cross, DimensionUse
    from costtui.model.fleet import Fleet
    from costtui.model.outlook import Outlook
    from costtui.model.spending import Days, Spent


class Views(Glance):
    """One method a screen. What each needs is imported when it is first opened."""

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
            start = int(now) - outlooks.WEEKS * 7 * DAY
            return outlooks.outlook(
                connection, self._cache, self._catalogue, self._floors, self._zone, view, by,
                oldest_usage(connection), gaps_between(connection, start, now),
                all_alerts(connection), self._revision, now,
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

            def edge(moment: int) -> int:
                """Midnight at half past an hour, where only hours are kept: days that each took the
                whole hour in would count it twice."""
                return moment if moment >= self._floors.minute else floor_to(moment, HOUR)

            return spending.days(
                lambda low, high: self._total(
                    connection, Window(edge(low), edge(high), HOUR), chosen
                ),
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

    def cross(self, view: View, rows: str, columns: str, now: float) -> Cross:  # noqa: ARG002
        """Two dimensions at once, with the period before."""
        from costtui.store import cross  # not before the first paint

        with self._read() as connection:
            view = self._view(view)
            chosen = self._catalogue.select(view.filters)
            return cross.cross(
                connection, self._cache, view, self._previous(view.window), chosen,
                (rows, columns), self._revision,
            )  # fmt: skip

    def dimensions(self, view: View, now: float) -> tuple[DimensionUse, ...]:  # noqa: ARG002
        """What a view can be grouped by: how many values, and the dearest of them."""
        from costtui.store import cross

        with self._read() as connection:
            view = self._view(view)
            chosen = self._catalogue.select(view.filters)
            return cross.uses(self._catalogue, self._sums(connection, view.window, chosen))
