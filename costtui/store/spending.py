"""Sums for questions about prices: by model, and apart what can be compared with a list price."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from costtui.model.dimension import INFRASTRUCTURE
from costtui.model.snapshot import Totals, View
from costtui.model.spending import Days, Spent
from costtui.model.timewindow import DAY, Window, ceil_minute, start_of_day, start_of_month
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.levels import COLUMNS, Floors
from costtui.store.overview import grouped
from costtui.store.requests import first_id
from costtui.store.sums import Sums, add_up

_REPORTED: Final = COLUMNS.index("reported")
MOST_DAYS: Final = 30
MOST_REQUESTS: Final = 200_000
"""Single requests that are looked through for failures: about 40 ms."""


def spent(catalogue: Catalogue, rows: Sums, by: tuple[str, ...]) -> tuple[Spent, ...]:
    """`rows` are extended sums. One for each (provider, model, *by), dearest first."""
    out = []
    for key, ids in grouped(catalogue.keys(("provider", "model", *by)), rows).items():
        told, standing = [], []
        tiers: dict[int, list[tuple[int, ...]]] = {}
        for sid in ids:
            series, row = catalogue.series[sid], rows[sid]
            if series.dims.service == INFRASTRUCTURE:
                standing.append(row)
            elif series.listed:
                tiers.setdefault(series.tier, []).append(row)
                if series.reports and row[_REPORTED]:
                    told.append(row)
        total = add_up([rows[sid] for sid in ids])
        if total == Totals():
            continue
        listed = tuple((tier, add_up(own)) for tier, own in sorted(tiers.items()))
        out.append(Spent(key, total, listed, add_up(told), add_up(standing)))
    out.sort(key=lambda s: (-s.total.effective_nano, -s.total.requests, s.key))
    return tuple(out)


def days(
    total: Callable[[int, int], Totals],
    view: View,
    now: float,
    zone: tzinfo,
    earliest: float,
) -> Days:
    """`total` sums `[low, high)`, epoch seconds. A day that began before the store's first usage is
    none of the days: its rest was never seen."""
    month = start_of_month(now, zone)
    last = start_of_month(month - 1, zone)
    found: list[tuple[int, Totals]] = []
    end = start_of_day(now, zone)
    while earliest and len(found) < MOST_DAYS:
        start = start_of_day(end - 1, zone)
        if start < earliest:
            break
        found.append((start, total(start, end)))
        end = start
    return Days(
        view, total(month, ceil_minute(now)), total(last, month), last, tuple(reversed(found)),
        earliest,
    )  # fmt: skip


def failed(
    connection: sqlite3.Connection,
    catalogue: Catalogue,
    floors: Floors,
    window: Window,
    chosen: Selection,
) -> dict[str, int] | None:
    """consumer → what its failed requests cost, nano-USD, as far as single requests are known; None
    where the window is too long to look at each of them."""
    low, high = first_id(max(window.start, floors.requests)), first_id(window.end)
    if window.start < floors.requests or window.seconds > DAY:
        return None
    many = connection.execute(
        "SELECT 1 FROM request WHERE id >= ? AND id < ? LIMIT 1 OFFSET ?",
        (low, high, MOST_REQUESTS),
    ).fetchone()
    if many is not None:
        return None
    out: dict[str, int] = {}
    for sid, nano in connection.execute(
        "SELECT series, sum(effective) FROM request WHERE id >= ? AND id < ? "
        "AND (errors > 0 OR throttled > 0) GROUP BY series",
        (low, high),
    ):
        if sid in chosen and nano:
            consumer = catalogue.series[sid].dims.consumer
            out[consumer] = out.get(consumer, 0) + int(nano)
    return out
