"""Stretches of a list of requests, in every order and from any place.

By time each stretch is a range of the table. By an amount there is a list of numbers (`ordered`),
kept between two questions until others are asked for.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from costtui.errors import UsageError
from costtui.model.listing import (
    END,
    NAMES,
    ORDERS,
    START,
    STATUSES,
    Listing,
    Spot,
    Stretch,
)
from costtui.model.snapshot import RequestRow, View
from costtui.store import requests
from costtui.store.catalogue import Catalogue
from costtui.store.levels import Floors
from costtui.store.ordered import Ordered
from costtui.store.ranks import Ranks, ranks_of
from costtui.store.requests import Wanted

BUDGET_S: Final = 0.04
"""Seconds of sorting in one question, and the slice it is on; further keys are answered between
two of them."""


KEPT_S: Final = 0.5
"""Seconds that a list in another order than the last one is kept: an export, which asks ten times a
second, goes on in its own. With 3 s, two orders of a million requests were kept at 90-96 MB."""


class Store(NamedTuple):
    """What one read transaction sees."""

    connection: sqlite3.Connection
    catalogue: Catalogue
    floors: Floors
    opened: int
    """Which file: another number after it was replaced."""
    revision: int

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> tuple[RequestRow, ...]:
        return tuple(requests.row_of(self.catalogue, row) for row in rows)


class RequestLists:
    """Answers for one reader, inside of its read transactions."""

    def __init__(self) -> None:
        self._kept: dict[object, Ordered] = {}
        self._ranks: dict[str, tuple[object, Ranks]] = {}

    def forget(self) -> None:
        """Give the memory back."""
        self._kept.clear()
        self._ranks.clear()

    def _ranks_of(self, store: Store, order: str) -> Ranks | None:
        """Of an order by names; made again when there are series that there were not."""
        if order not in NAMES:
            return None
        known = store.opened, len(store.catalogue.series)
        kept = self._ranks.get(order)
        if kept is None or kept[0] != known:
            kept = self._ranks[order] = known, ranks_of(store.catalogue, order)
        return kept[1]

    def stretch(
        self, store: Store, view: View, listing: Listing, at: Spot | str, limit: int, since: int
    ) -> Stretch:
        """See `Reader.request_list`."""
        if listing.order not in ORDERS or listing.status not in STATUSES:
            raise UsageError(f"{listing.order!r} of {listing.status!r} is no list of requests")
        chosen = store.catalogue.select(view.filters)
        want = requests.wanted(store.catalogue, store.floors, view.window, chosen, listing.status)
        if want.none:
            return Stretch()
        if listing.order == "time":
            found = _by_time(store, want, listing, at, limit)
        else:
            found = self._by_amount(store, view, want, listing, at, limit)
        if since:
            newer, _ = requests.count(store.connection, store.floors, want, since + 1, want.high)
            found = found._replace(newer=newer)
        return found

    def _by_amount(
        self,
        store: Store,
        view: View,
        want: Wanted,
        listing: Listing,
        at: Spot | str,
        limit: int,
    ) -> Stretch:
        connection = store.connection
        key = (store.opened, view.filters, listing.order, listing.status)
        ordered = self._kept.pop(key, None)
        if ordered is not None:
            past = ordered.top > want.high and not view.window.live
            if past or ordered.top <= want.low:
                ordered = None
        ranks = self._ranks_of(store, listing.order)
        if ordered is None:
            ordered = Ordered(listing.order, _newest_id(connection, want) + 1, ranks)
        elif ranks is not None:
            ordered.rank_by(ranks)
        now_s = time.monotonic()
        self._kept = {k: o for k, o in self._kept.items() if now_s - o.used < KEPT_S}
        self._kept[key] = ordered
        ordered.used = now_s
        until = now_s + BUDGET_S
        done = ordered.move(connection, want, until)
        now = (store.revision, want.low, want.high)
        if done and ordered.checked != now:
            ordered.checked = now
            if not _complete(store, want, listing, ordered):
                ordered.read_again()
                ordered.move(connection, want, until)
        found = _stretch_of(store, listing, ordered, at, limit)
        if done:
            return found
        total, _ = requests.count(connection, store.floors, want, want.low, want.high)
        return found._replace(done=min(0.99, len(ordered) / total) if total else 0.0, exact=False)


def _newest_id(connection: sqlite3.Connection, want: Wanted) -> int:
    (found,) = connection.execute(
        "SELECT max(id) FROM request WHERE id < ?", (want.high,)
    ).fetchone()
    return max(int(found or 0), want.low)


def _complete(store: Store, want: Wanted, listing: Listing, ordered: Ordered) -> bool:
    """Is everything that roll-ups know of in the list, at its price?

    History that is filled in and prices that changed touch what was read already, and a request
    carries no mark of when it came. Where roll-ups are too coarse to tell, it is taken as it is.
    """
    bounds = requests.comparable(store.floors, want)
    if bounds is None:
        return True
    rows, effective = requests.sums(store.connection, want, *bounds)
    if len(ordered) != rows:
        return False
    return listing.order != "cost" or bool(want.where) or ordered.total == effective


def _by_time(store: Store, want: Wanted, listing: Listing, at: Spot | str, limit: int) -> Stretch:
    connection, floors = store.connection, store.floors
    newest_first = not listing.reverse
    if isinstance(at, str):
        # The start of newest first is the newest end of the table.
        up = (at == START) is not newest_first
        rows = requests.walk(connection, floors, want, want.low, want.high, limit + 1, up=up)
        if len(rows) <= limit:
            total, exact, whole = len(rows), True, True
        else:
            total, exact = requests.count(connection, floors, want, want.low, want.high)
            whole = False
        rows = rows[:limit]
        if at == END:
            rows.reverse()
        return Stretch(
            store.rows(rows), 0 if at == START else max(0, total - len(rows)), total, exact,
            at_start=whole or at == START, at_end=whole or at == END,
        )  # fmt: skip
    half = limit // 2
    older = requests.walk(connection, floors, want, want.low, at.id, half + 1, up=False)
    newer = requests.walk(connection, floors, want, at.id, want.high, half + 2, up=True)
    oldest, newest = len(older) <= half, len(newer) <= half + 1
    rows = [*reversed(newer[: half + 1]), *older[:half]]
    total, exact, before = len(rows), True, 0
    if not (newest and oldest):
        total, exact = requests.count(connection, floors, want, want.low, want.high)
        if not newest:
            before, near = requests.count(connection, floors, want, newer[half][0] + 1, want.high)
            exact = exact and near
        if oldest:
            before = max(0, total - len(rows))
    if newest_first:
        return Stretch(store.rows(rows), before, total, exact, newest, oldest)
    rows.reverse()
    return Stretch(
        store.rows(rows), max(0, total - before - len(rows)), total, exact, oldest, newest
    )


def _stretch_of(
    store: Store, listing: Listing, ordered: Ordered, at: Spot | str, limit: int
) -> Stretch:
    most_first = not listing.reverse
    total = len(ordered)
    if isinstance(at, str):
        upper = (at == START) is most_first
        ids = ordered.most(limit) if upper else ordered.least(limit)
        if at == END:
            ids.reverse()
        first = 0 if at == START else total - len(ids)
    else:
        below, above = ordered.around(at, limit // 2, limit // 2 + 1)
        ids = [*reversed(below), *above]
        first = ordered.rank(at) - len(below)
        if most_first:
            ids.reverse()
            first = total - first - len(ids)
    return Stretch(
        store.rows(requests.by_ids(store.connection, ids)), first, total, not ordered.stale,
        at_start=first <= 0, at_end=first + len(ids) >= total, stale=ordered.stale,
    )  # fmt: skip
