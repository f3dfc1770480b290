"""All gateways over the usual periods, from one read of sums by series."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

from costtui.model.fleet import Fleet, GatewayUsage
from costtui.model.snapshot import Gap, SourceStatus, Totals, View
from costtui.model.timewindow import (
    DAY,
    HOUR,
    MINUTE,
    Window,
    previous,
    start_of_day,
    start_of_month,
    start_of_week,
)
from costtui.store import overview as screens
from costtui.store.catalogue import RECONCILE, Catalogue
from costtui.store.cover import ceil_to, kept
from costtui.store.levels import Floors
from costtui.store.matrix import Chart
from costtui.store.sums import SumCache, Sums, add_up

RETIRED_AFTER: Final = 3600.0
"""A source that nobody has tried for this long while another one of its gateway was tried is not
configured any more: it has been renamed or replaced, and is not what the gateway depends on."""


class _Periods(NamedTuple):
    """Sums by series of every period that has a column."""

    window: Sums
    previous: Sums
    hour: Sums
    day: Sums
    week: Sums
    month: Sums


def fleet(
    connection: sqlite3.Connection,
    cache: SumCache,
    catalogue: Catalogue,
    floors: Floors,
    zone: tzinfo,
    view: View,
    before: Window,
    statuses: Iterable[SourceStatus],
    gaps: Iterable[Gap],
    revision: int,
    now: float,
) -> Fleet:
    """`view` and `before`, the period it is compared with, are ones that are kept."""
    window, end = view.window, view.window.end
    chosen = catalogue.select(view.filters)
    month_start = start_of_month(end - 1, zone)
    past = previous(Window(month_start, end, HOUR, "month"), zone)
    # As on the overview, so that both screens share their sums of days.
    cache.cuts = tuple(
        sorted(ceil_to(at, DAY) for at in (past.start, past.end - DAY, month_start, end - 7 * DAY))
    )

    def sums(low: int, high: int) -> Sums:
        span = kept(Window(low, high, MINUTE), floors)
        return cache.extend(cache.by_series(connection, span.start, span.end), chosen)

    def total(low: int, high: int) -> Totals:
        span = kept(Window(low, high, MINUTE), floors)
        return cache.total(connection, span.start, span.end, chosen)

    periods = _Periods(
        sums(window.start, end),
        sums(before.start, before.end),
        *(sums(end - length, end) for length in (HOUR, DAY, 7 * DAY, 30 * DAY)),
    )

    def so_far(start_of: Callable[[float, tzinfo], int]) -> tuple[Totals, Totals]:
        """(since then, as long after the one before)."""
        start = start_of(end - 1, zone)
        earlier = start_of(start - 1, zone)
        return total(start, end), total(earlier, min(earlier + end - start, start))

    chart = screens.chart(connection, cache, window, chosen)
    behind = _behind(catalogue, list(statuses), filtered=bool(view.filters))
    rows, whole = _rows(catalogue, periods, chart, behind, gaps)
    today, week, month = map(so_far, (start_of_day, start_of_week, start_of_month))
    return Fleet(
        view=view,
        revision=revision,
        taken_at=now,
        total=whole,
        gateways=rows,
        today=today[0],
        today_previous=today[1],
        week=week[0],
        week_previous=week[1],
        month=month[0],
        month_previous=month[1],
        hour_previous=total(end - 2 * HOUR, end - HOUR),
        gap_buckets=screens.gap_buckets(window, whole.spark, whole.spark_requests, gaps),
    )


class _Behind(NamedTuple):
    """What gateways depend on."""

    sources: Mapping[str, tuple[str, ...]]
    """gateway → the counting sources it has usage or nothing else from."""
    expected: frozenset[str]
    """Gateways that are configured, with or without usage."""


def _rows(
    catalogue: Catalogue,
    periods: _Periods,
    chart: Chart,
    behind: _Behind,
    gaps: Iterable[Gap],
) -> tuple[tuple[GatewayUsage, ...], GatewayUsage]:
    """Each gateway that has usage in some period or is configured, and all of them together."""
    broken = {gap.source for gap in gaps}
    keys = catalogue.keys(("gateway",))
    grouped = [screens.grouped(keys, sums) for sums in periods]

    def usage(key: str, ids: list[Iterable[int]], sources: tuple[str, ...]) -> GatewayUsage:
        now, before, hour, day, week, month = (
            add_up([sums[i] for i in own]) for sums, own in zip(periods, ids, strict=True)
        )
        cost, count, *_ = chart.spark(ids[0])
        gap = not broken.isdisjoint(sources)
        return GatewayUsage(key, now, before, hour, day, week, month, cost, count, sources, gap)

    names = {key[0] for own in grouped for key in own} | behind.expected
    rows = [
        usage(name, [own.get((name,), ()) for own in grouped], behind.sources.get(name, ()))
        for name in names
    ]
    rows.sort(key=lambda g: (-g.window.effective_nano, -g.month.effective_nano, g.key))
    every = {name for row in rows for name in row.sources}
    return tuple(rows), usage("", list(periods), tuple(sorted(every)))


def _behind(catalogue: Catalogue, statuses: list[SourceStatus], *, filtered: bool) -> _Behind:
    """By the series' own gateway: one Prometheus server carries many. The gateway that a source is
    configured with is one as long as its usage has not said anything else."""
    counting = {s.name: s for s in statuses if s.role != RECONCILE}
    heard: dict[str, set[str]] = {name: set() for name in counting}
    for gateway, source in set(catalogue.keys(("gateway", "source")).values()):
        if source in heard:
            heard[source].add(gateway)
    found: dict[str, set[str]] = {}
    for name, gateways in heard.items():
        for gateway in gateways or {counting[name].gateway}:
            found.setdefault(gateway, set()).add(name)
    latest = max((s.last_attempt for s in counting.values()), default=0.0)
    expected = {
        s.gateway
        for name, s in counting.items()
        if s.gateway in (heard[name] or {s.gateway}) and latest - s.last_attempt <= RETIRED_AFTER
    }
    current = {}
    for gateway, names in found.items():
        newest = max(counting[name].last_attempt for name in names)
        current[gateway] = tuple(
            sorted(n for n in names if newest - counting[n].last_attempt <= RETIRED_AFTER)
        )
    return _Behind(current, frozenset() if filtered else frozenset(expected))
