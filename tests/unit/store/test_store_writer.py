"""What the writer keeps besides sums: ids, checkpoints, statuses, gaps, alerts, retention."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis, Exactness
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import AlertStatus, SkippedLine, SourceStatus, Totals, View
from costtui.model.timewindow import WINDOW_BY_NAME, Window, window_at
from costtui.model.usage import UsageRecord
from costtui.store import maintenance
from costtui.store.prepare import MAX_MS, SEQUENCE_MASK, renumber
from costtui.store.reader import Reader
from costtui.store.spread import MOST_PIECES, spread
from costtui.store.writer import Store

NOW = 1_790_000_000.0
AT = int(NOW * 1e9)
DAY = 86_400
ONE = Charge(1, 1, CostBasis.COMPUTED)


def request(at: int = AT, **values: Any) -> UsageRecord:
    return UsageRecord(at, at, Dimensions("p", "m"), **{"request_id": "r", **values})


def sql(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


async def opened(path: Path, retention: Retention | None = None) -> Store:
    store = await Store.open(path, retention, now=NOW)
    await store.register("s", "jsonl", "gw")
    return store


# Requests


async def test_requests_of_one_millisecond_are_all_kept(store_path: Path) -> None:
    """Same file, other files, after a restart, and with the numbers of the millisecond used up."""
    async with await opened(store_path) as store:
        for part in ("a", "a", "b", "c"):
            await store.append(
                "s", [request(part=part, offset=i) for i in range(50)], [ONE] * 50, now=NOW
            )
    async with await opened(store_path) as store:
        await store.append(
            "s", [request(AT + 7, part="a", offset=i) for i in range(50, 99)], [ONE] * 49, now=NOW
        )
    rows = sql(store_path, "SELECT (id >> 22) * 1000000 + ns FROM request ORDER BY id")
    assert len(rows) == 249
    assert {row[0] for row in rows} == {AT, AT + 7}


def test_a_full_millisecond_goes_on_in_the_next_without_changing_the_time() -> None:
    ms = 1_790_000_000_000
    taken = {ms: SEQUENCE_MASK - 1, ms + 1: -1}
    rows: list[tuple[object, ...]] = [((ms << 22) | 5, 123, "rest")] * 3
    found = renumber(rows, taken)
    assert [row[0] for row in found] == [
        ms << 22 | SEQUENCE_MASK,
        (ms + 1) << 22,
        (ms + 1) << 22 | 1,
    ]
    times = [(row[0] >> 22) * 1_000_000 + row[1] for row in found]  # type: ignore[operator]
    assert times == [ms * 1_000_000 + 123] * 3


async def test_times_that_do_not_fit_an_id_keep_their_value(store_path: Path) -> None:
    late = (MAX_MS + 10**9) * 10**6
    async with await opened(store_path) as store:
        await store.append("s", [request(late), request(late)], [ONE] * 2, now=NOW)
    rows = sql(store_path, "SELECT (id >> 22) * 1000000 + ns FROM request")
    assert rows == [(late,), (late,)]


async def test_text_that_utf8_cannot_hold_is_stored_and_stops_nothing(store_path: Path) -> None:
    bad = "\ud800x\0y"
    record = UsageRecord(AT, AT, Dimensions(bad, bad, bad), request_id=bad, part=bad, attrs=bad)
    async with await opened(store_path) as store:
        for _ in range(2):
            await store.append("s", [record] * 2, [ONE] * 2, checkpoint={bad: bad}, now=NOW)
        assert await store.checkpoint("s") == {bad: bad}
        await store.append("s", checkpoint={bad: None, "\0u:x": "\0u:\\"}, now=NOW)
        assert await store.checkpoint("s") == {"\0u:x": "\0u:\\"}
    assert sql(store_path, "SELECT count(*), count(DISTINCT series) FROM request") == [(4, 1)]
    assert maintenance.check(store_path) == []


async def test_a_charge_for_each_record(store_path: Path) -> None:
    async with await opened(store_path) as store:
        with pytest.raises(ValueError, match="zip"):
            await store.append("s", [request()], [], now=NOW)
        await store.append("s", [request()], [ONE], now=NOW)
    assert sql(store_path, "SELECT count(*) FROM request") == [(1,)]
    assert sql(store_path, "SELECT count(*) FROM series") == [(1,)]


# Revision


async def test_only_usage_gaps_and_alerts_make_a_revision(store_path: Path) -> None:
    async with await opened(store_path) as store:
        first = store.revision
        await store.heartbeat(NOW)
        await store.set_status(SourceStatus("s", "jsonl", "gw", last_ok=NOW))
        await store.append("s", checkpoint={"f": "1"}, now=NOW)
        await store.append("s", now=NOW)
        assert store.revision == first
        await store.append("s", [request()], [ONE], now=NOW)
        assert store.revision == first + 1
        await store.add_gap("s", NOW, NOW + 5)
        alert = AlertStatus("r", (("team", "x"),), "firing", "warning", 5, 3, NOW, "1h")
        await store.put_alerts([alert])
        assert store.revision == first + 3
        await store.put_alerts([alert])
        assert store.revision == first + 3
        with Reader(store_path, zone=UTC) as reader:
            assert reader.revision() == store.revision


# The small tables


async def test_status_keeps_what_append_counts(store_path: Path) -> None:
    async with await opened(store_path) as store:
        await store.append(
            "s",
            [request()],
            [ONE],
            skipped_count=3,
            resets=2,
            newest_ns=AT,
            now=NOW,
        )
        given = SourceStatus(
            "s", "jsonl", "gw", last_attempt=1.5, last_ok=2.5, last_data=3.0, error="x\ud800",
            failures=4, records=99, skipped=99, resets=99, gaps=99, overruns=5, note="n",
            backfill_done=6, backfill_total=7, lag_s=8.5, interval=9.0, next_poll=10.0,
        )  # fmt: skip
        await store.set_status(given)
        expected = replace(given, records=1, skipped=3, resets=2, gaps=0, last_data=NOW, error="x?")
        assert await store.statuses() == (expected,)
        with Reader(store_path, zone=UTC) as reader:
            assert reader.statuses() == (expected,)


async def test_skipped_lines_are_bounded_and_counted(store_path: Path) -> None:
    def lines(first: int, count: int) -> list[SkippedLine]:
        return [
            SkippedLine("s", "f", i, i, "why", "t" * 9000, NOW) for i in range(first, first + count)
        ]

    async with await opened(store_path) as store:
        await store.register("other", "jsonl", "gw2")
        await store.append("other", skipped=lines(0, 2), skipped_count=2, now=NOW)
        for first in range(0, 900, 90):
            await store.append("s", skipped=lines(first, 90), skipped_count=1000, now=NOW)
        assert {s.name: s.skipped for s in await store.statuses()} == {"s": 10_000, "other": 2}
    with Reader(store_path, zone=UTC) as reader:
        found = reader.skipped("s", limit=1000)
        assert [line.offset for line in found] == list(range(899, 699, -1))
        assert len(found[0].text) == 500
        assert len(reader.skipped("other")) == 2
        assert len(reader.skipped(limit=1000)) == 202


async def test_gaps_that_touch_are_one(store_path: Path) -> None:
    async with await opened(store_path) as store:
        for start, end in ((10, 20), (40, 50), (20, 30), (15, 18), (28, 41), (100, 110)):
            await store.add_gap("s", float(start), float(end))
        assert (await store.statuses())[0].gaps == 2
    with Reader(store_path, zone=UTC) as reader:
        assert [tuple(gap) for gap in reader.gaps(0, 1000)] == [("s", 10, 50), ("s", 100, 110)]
        assert len(reader.gaps(50, 100)) == 0


async def test_alerts_come_back_as_they_were(store_path: Path) -> None:
    given = (
        AlertStatus("b", (("team", "x"), ("model", "")), "firing", "critical", 5, 3, NOW, "1h",
                    Exactness.ESTIMATED_LOWER_BOUND),
        AlertStatus("a", (), "inactive", "info", 0, 3, 0.0, "24h"),
    )  # fmt: skip
    async with await opened(store_path) as store:
        await store.put_alerts(given)
        assert await store.alerts() == given
        with Reader(store_path, zone=UTC) as reader:
            assert reader.alerts() == given
        await store.put_alerts([])
        assert await store.alerts() == ()


# Roles and retention


async def test_a_reconciling_source_is_stored_and_not_added(store_path: Path) -> None:
    view = View(window_at(WINDOW_BY_NAME["1h"], NOW, UTC))
    async with await opened(store_path) as store:
        await store.register("r", "metrics", "gw", role="reconcile")
        await store.append("s", [request()], [ONE], now=NOW)
        await store.append("r", [request()] * 5, [ONE] * 5, now=NOW)
        with Reader(store_path, zone=UTC) as reader:
            shown = reader.overview(view, NOW)
            assert shown.total.requests == shown.today.requests == sum(shown.chart_requests) == 1
            assert len(reader.requests(view, 10)) == 1
            found = reader.breakdown(view, ("source",), NOW, reconcile=True)
            assert [(key, totals.requests) for key, totals in found] == [(("r",), 5)]
            assert reader.totals(view, NOW).requests == 1
            await store.register("r", "metrics", "gw", role="count")
            assert reader.totals(view, NOW).requests == 6
            assert reader.overview(view, NOW).today.requests == 6


async def test_retention_keeps_coarser_levels_longer(store_path: Path) -> None:
    keep = Retention(requests=2 * DAY, minute=3 * DAY, hour=10 * DAY, day=None)
    days = 30
    async with await opened(store_path, keep) as store:
        await store.append(
            "s", [request(AT - i * DAY * 10**9) for i in range(days)], [ONE] * days, now=NOW
        )
        # The day in which the limit falls is kept whole.
        counts = {"request": 3, "minute": 4, "ten_minute": 4, "hour": 11, "six_hour": 11, "day": 30}
        for table, count in counts.items():
            assert sql(store_path, f"SELECT count(*) FROM {table}") == [(count,)]
        month = View(Window(int(NOW) - 40 * DAY, int(NOW) + 60, DAY))
        with Reader(store_path, zone=UTC) as reader:
            assert reader.totals(month, NOW).requests == days
            later = NOW + 5 * DAY
            removed = await store.prune(later)
            assert removed == 3 + 4 + 4 + 5 + 5
            assert reader.totals(month, later).requests == days
            assert reader.requests(month, 10) == []
            assert maintenance.check(store_path) == []
            fine = View(Window(int(NOW) - 600, int(NOW) + 60, 60))
            shown = reader.overview(fine, later)
            assert shown.view.window.step == 3600
            assert shown.view.window.start % 3600 == shown.view.window.end % 3600 == 0
            assert shown.total.requests == 1
            assert shown.notes
            assert reader.effective_view(fine) == shown.view
        assert await store.prune(later) == 0


async def test_a_longer_retention_does_not_trust_what_was_not_kept(store_path: Path) -> None:
    async with await opened(store_path, Retention(requests=DAY, minute=DAY)) as store:
        await store.append("s", [request(AT - 4 * DAY * 10**9)], [ONE], now=NOW)
    async with await opened(store_path, Retention(requests=9 * DAY, minute=9 * DAY)) as store:
        await store.append("s", [request(AT - 4 * DAY * 10**9)], [ONE], now=NOW)
        start = int(NOW) - 4 * DAY
        view = View(Window(start - 60, start + 60, 60))
        with Reader(store_path, zone=UTC) as reader:
            assert reader.totals(view, NOW).requests == 2
    assert maintenance.check(store_path) == []


async def test_nothing_is_kept_of_what_retention_says_nothing_about(store_path: Path) -> None:
    async with await opened(store_path, Retention(requests=0)) as store:
        await store.append("s", [request()], [ONE], now=NOW)
    assert sql(store_path, "SELECT count(*) FROM request") == [(0,)]
    assert sql(store_path, "SELECT count(*) FROM minute") == [(1,)]


# Spreading


def test_an_outage_is_spread_evenly_in_integers() -> None:
    start = 1_790_000_040  # a whole minute
    values = (3, 0, 0, 600, 7, 0, 0, 61, 0, 10**9 + 1, 0, 0, 0)
    pieces = list(spread(start * 10**9, (start + 3600) * 10**9, values))
    assert [t for t, _ in pieces] == list(range(start, start + 3600, 60))
    assert tuple(map(sum, zip(*(v for _, v in pieces), strict=True))) == values
    assert {v[3] for _, v in pieces} == {10}
    assert {v[9] for _, v in pieces} <= {10**9 // 60, 10**9 // 60 + 1}
    assert [i for i, (_, v) in enumerate(pieces) if v[0]] == [19, 39, 59]


def test_partial_minutes_get_their_part_and_every_piece_the_mark() -> None:
    start = 1_790_000_040 * 10**9 + 30 * 10**9
    pieces = list(spread(start, start + 150 * 10**9, (0,) * 3 + (1500,) + (0,) * 8 + (1,)))
    assert [v[3] for _, v in pieces] == [300, 600, 600]
    assert [v[12] for _, v in pieces] == [1, 1, 1]


@pytest.mark.parametrize("days", [2, 30, 400])
def test_a_long_outage_has_a_bounded_number_of_pieces(days: int) -> None:
    values = (7, *(0,) * 12)
    pieces = list(spread(0, days * DAY * 10**9, values))
    assert len(pieces) <= MOST_PIECES
    assert sum(v[0] for _, v in pieces) == 7


async def test_a_bulk_batch_leaves_the_event_loop_free(store_path: Path) -> None:
    """Counted, not timed: the loop turns while a batch is summed and written."""
    turns = 0

    async def spin() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with await opened(store_path) as store:
        task = asyncio.create_task(spin())
        records = [request(AT - i * 10**6, offset=i) for i in range(5000)]
        await store.append("s", records, [ONE] * 5000, now=NOW)
        task.cancel()
    assert turns > 50


async def test_a_store_that_appears_and_is_replaced_is_seen(store_path: Path) -> None:
    view = View(window_at(WINDOW_BY_NAME["1h"], NOW, UTC))
    with Reader(store_path, zone=UTC) as reader:
        empty = reader.data_version()
        assert reader.overview(view, NOW).total == Totals()
        assert not reader.overview(view, NOW).collector_alive
        assert reader.requests(view, 5) == []
        async with await opened(store_path) as store:
            await store.append("s", [request()], [ONE], now=NOW)
            await store.heartbeat(NOW)
        made = reader.data_version()
        assert made != empty
        assert reader.totals(view, NOW).requests == 1
        assert reader.collector_alive(NOW + 29)
        assert not reader.collector_alive(NOW + 31)
        os.unlink(store_path)
        assert reader.data_version() not in (empty, made)
        assert reader.totals(view, NOW).requests == 0
