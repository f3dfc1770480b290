"""The reading side: every question a screen, a report or an alert asks, by read-only SQL.

One `Reader` belongs to one thread. Every public call is one read transaction, so all of its numbers
belong together. A store that does not exist yet reads as an empty one: a viewer may start before
the collector has made the file, and sees it as soon as it is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from costtui.config.schema import Consumer
from costtui.errors import UsageError
from costtui.model.alert import Ack, Silence
from costtui.model.listing import START, Counters, Listing, Spot, Stretch
from costtui.model.notifier import NotifierHealth
from costtui.model.snapshot import (
    AlertChange,
    AlertStatus,
    Gap,
    Group,
    RequestRow,
    SkippedLine,
    SourceStatus,
    Totals,
    UnpricedModel,
    View,
)
from costtui.model.timewindow import (
    Window,
)
from costtui.store import history, requests, timeline
from costtui.store import overview as screens
from costtui.store.catalogue import Selection
from costtui.store.cover import kept, whole_minutes
from costtui.store.levels import LEVELS
from costtui.store.request_list import RequestLists, Store
from costtui.store.rows import (
    SKIPPED_SQL,
    all_alerts,
    all_health,
    all_statuses,
    gaps_between,
    skipped_from_row,
)
from costtui.store.silences import all_acks, all_silences
from costtui.store.sums import add_up
from costtui.store.watching import WatchReader


class Reader(WatchReader):
    """Reads the store at `path`. Times are epoch seconds; days and months begin in `zone`.

    Every method may raise a `StoreError` (damaged, newer, unreadable) and, for a filter or a
    dimension that makes no sense, a `UsageError`. Money is nano-USD. Queries take `now`, epoch
    seconds, whether or not their answer depends on it, so that callers need not know.
    """

    @cached_property
    def _lists(self) -> RequestLists:
        return RequestLists()

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
            buckets = screens.chart(connection, self._cache, view.window, chosen)
            rows = self._sums(connection, view.window, chosen)
            return self._panel(connection, view, chosen, by, rows, buckets).groups

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
        first of them by `order`, the most first, the least with `reverse`. Raises `UsageError` for
        an order that is not one of `model.listing.ORDERS`."""
        listing = Listing(order, reverse)
        if before is None:
            while (found := self.request_list(view, listing, START, limit)).done < 1:
                continue
            return list(found.rows)
        found = self.request_list(view, Listing(), Spot(before - 1, before - 1), 2 * limit)
        return [row for row in found.rows if row.id < before][:limit]

    def request_list(
        self, view: View, listing: Listing, at: Spot | str, limit: int, since: int = 0
    ) -> Stretch:
        """About `limit` requests that follow each other in a list: from its `START`, up to its
        `END`, or around a place. `since` is an id; `newer` says how many are newer.

        By anything but time the list is sorted as it is asked for: 40 ms of that in each call,
        until `done` is 1. Raises `UsageError` for an unknown order or status.
        """
        with self._read() as connection:
            store = Store(connection, self._catalogue, self._floors, self._opened, self._revision)
            return self._lists.stretch(store, view, listing, at, limit, since)

    def from_counters(self, view: View, now: float) -> Counters:  # noqa: ARG002
        """What of a view has no single requests. From sums that the overview has read."""
        with self._read() as connection:
            view, catalogue = self._view(view), self._catalogue
            rows = self._sums(connection, view.window, catalogue.select(view.filters))
            ids = [i for i in rows if catalogue.series[i].aggregated]
            keys = catalogue.keys(("gateway",))
            spent: dict[str, int] = {}
            for i in ids:
                gateway = keys[i][0]
                spent[gateway] = spent.get(gateway, 0) + add_up([rows[i]]).effective_nano
            return Counters(
                add_up(rows.values()),
                add_up([rows[i] for i in ids]),
                tuple(sorted(spent, key=lambda name: (-spent[name], name))),
            )

    def forget_lists(self) -> None:
        """The list is no longer looked at: give its memory back."""
        self._lists.forget()

    def checkpoint(self, source: str) -> list[tuple[str, str]]:
        """(part, state) of what a source remembers, as it wrote it."""
        with self._read() as connection:
            return connection.execute(
                "SELECT part, state FROM checkpoint JOIN source ON source.id = checkpoint.source "
                "WHERE source.name = ? ORDER BY part",
                (source,),
            ).fetchall()

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

    def silences(self) -> tuple[Silence, ...]:
        """Every silence, ended ones too."""
        with self._read() as connection:
            return all_silences(connection)

    def acks(self) -> tuple[Ack, ...]:
        """Every acknowledgement."""
        with self._read() as connection:
            return all_acks(connection)

    def notifiers(self) -> tuple[NotifierHealth, ...]:
        """How each notifier was doing when the collector last said so."""
        with self._read() as connection:
            return all_health(connection)

    def alerts_at(self, moment: float) -> tuple[AlertStatus, ...]:
        """The state of every instance at `moment`, epoch seconds: its last change at or before."""
        with self._read() as connection:
            return history.states_at(connection, moment)

    def alert_history(
        self,
        start: float,
        end: float,
        rule: str | None = None,
        labels: Sequence[tuple[str, str]] | None = None,
        limit: int = history.HISTORY_LIMIT,
    ) -> tuple[AlertChange, ...]:
        """The changes of state in `[start, end)`, the newest `limit` of them, newest first; of all
        rules, or of one, or of one of its instances."""
        with self._read() as connection:
            return history.between(connection, start, end, rule, labels, limit)

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
