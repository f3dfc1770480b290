"""The answers of the reader that a loop over records does not show: rates, filters, alerts."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from costtui.config.schema import Consumer, Retention
from costtui.errors import UsageError
from costtui.model.charge import Charge, CostBasis, Exactness
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Filter, Gap, UnpricedModel, View
from costtui.model.timewindow import WINDOW_BY_NAME, WINDOWS, Window, window_at
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_789_387_200.0 + 36_000 + 30  # 2026-09-14 22:00:30 UTC
HOUR = 3600
DAY = 86_400
MICRO = 1000
LIVE = View(window_at(WINDOW_BY_NAME["24h"], NOW, UTC))


def at(ago: float, dims: Dimensions | None = None, tokens: int = 0) -> UsageRecord:
    ns = int((NOW - ago) * 1e9)
    return UsageRecord(ns, ns, dims or Dimensions("p", "m"), input=tokens, request_id="r")


def fill(path: Path, usage: Sequence[tuple[UsageRecord, Charge]]) -> None:
    async def run() -> None:
        async with await Store.open(path, now=NOW) as store:
            await store.register("s", "metrics", "gw")
            await store.append("s", [r for r, _ in usage], [c for _, c in usage], now=NOW)

    asyncio.run(run())


def cost(nano: int, basis: CostBasis = CostBasis.COMPUTED) -> Charge:
    return Charge(nano, nano, basis)


def test_burn_is_the_last_hour_and_the_projection_the_last_week(store_path: Path) -> None:
    fill(
        store_path,
        [
            (at(60), cost(700)),
            (at(1.5 * HOUR), cost(50)),
            (at(3 * DAY), cost(9_250)),
            (at(20 * DAY), cost(10**9)),
        ],
    )
    with Reader(store_path, zone=UTC) as reader:
        shown = reader.overview(LIVE, NOW)
        assert (shown.burn_nano_per_hour, shown.burn_previous_nano_per_hour) == (700, 50)
        assert shown.month.effective_nano == 10_000
        # 22:01 on the 14th: 16 days, 1 hour and 59 minutes are left of September. The last seven
        # days, counted from a whole hour, are 7 days and 1 minute.
        left = 16 * DAY + HOUR + 59 * 60
        week = 7 * DAY + 60
        assert shown.month_projection_nano == 10_000 + 10_000 * left // week
        past = View(window_at(WINDOW_BY_NAME["24h"], NOW, UTC, back=3))
        then = reader.overview(past, NOW)
        assert (then.burn_nano_per_hour, then.burn_previous_nano_per_hour) == (9_250, 0)


def test_a_young_store_projects_from_what_it_has(store_path: Path) -> None:
    fill(store_path, [(at(1.9 * HOUR), cost(5_000)), (at(60), cost(7_000))])
    with Reader(store_path, zone=UTC) as reader:
        shown = reader.overview(LIVE, NOW)
        assert shown.earliest == (int(NOW - 1.9 * HOUR) // 60) * 60
        left = 16 * DAY + HOUR + 59 * 60
        span = 2 * HOUR + 60  # since 20:00, the hour of the oldest usage
        assert shown.month_projection_nano == 12_000 + 12_000 * left // span


def test_gaps_are_told_from_zeros(store_path: Path) -> None:
    async def gap() -> None:
        async with await Store.open(store_path, now=NOW) as store:
            await store.register("s", "metrics", "gw")
            await store.add_gap("s", NOW - 600, NOW - 300)
            await store.append("s", [at(400)], [cost(5)], now=NOW)

    asyncio.run(gap())
    window = window_at(WINDOW_BY_NAME["15m"], NOW, UTC)
    with Reader(store_path, zone=UTC) as reader:
        shown = reader.overview(View(window), NOW)
        assert shown.gaps == (Gap("s", NOW - 600, NOW - 300),)
        # 21:50:30 to 21:55:30 touches the minutes 50 to 55; in 53 there is usage (21:53:50).
        first = (window.start % HOUR) // 60
        assert {(first + i) % 60 for i in shown.gap_buckets} == {50, 51, 52, 54, 55}


def test_exactness_and_unpriced_models(store_path: Path) -> None:
    fill(
        store_path,
        [
            (at(60, Dimensions("p", "new"), 500), Charge(0, None, CostBasis.UNPRICED)),
            (at(61, Dimensions("p", "new"), 200), Charge(0, None, CostBasis.UNPRICED)),
            (at(62, Dimensions("q", "guess"), 100), cost(MICRO, CostBasis.ESTIMATED)),
            (at(63, Dimensions("q", "sure"), 100), cost(MICRO)),
        ],
    )
    with Reader(store_path, zone=UTC) as reader:
        assert reader.unpriced(LIVE, NOW) == (UnpricedModel("p", "new", 2, 700),)
        found = {key[0]: t.exactness for key, t in reader.breakdown(LIVE, ("model",), NOW)}
        assert found == {
            "new": Exactness.LOWER_BOUND,
            "guess": Exactness.ESTIMATE,
            "sure": Exactness.EXACT,
        }
        rows = {row.dims.model: row.exactness for row in reader.requests(LIVE, 10)}
        assert rows == found
        total = reader.totals(LIVE, NOW)
        assert total.exactness is Exactness.ESTIMATED_LOWER_BOUND
        assert (total.unpriced_requests, total.unpriced_tokens) == (2, 700)
        assert (total.estimated_requests, total.estimated_nano) == (1, MICRO)


def test_filters_that_make_no_sense_are_told(store_path: Path) -> None:
    fill(store_path, [(at(60), cost(5))])
    with Reader(store_path, zone=UTC) as reader:
        for wrong, words in (
            (Filter("colour", "x"), "'colour' is not a dimension"),
            (Filter("model", "(", "~"), "not a regular expression"),
            (Filter("model", "x", "<"), "operator"),
        ):
            with pytest.raises(UsageError, match=words):
                reader.totals(View(LIVE.window, (wrong,)), NOW)
        with pytest.raises(UsageError, match="colour"):
            reader.breakdown(LIVE, ("colour",), NOW)
        with pytest.raises(UsageError, match="7 seconds"):
            reader.timeline(LIVE, 7, NOW)
        assert reader.totals(LIVE, NOW).requests == 1


def test_a_consumer_is_found_by_its_name_too(store_path: Path) -> None:
    fill(store_path, [(at(60, Dimensions(consumer="fp-1a2b")), cost(5)), (at(61), cost(7))])
    people = [("fp-1a2b", Consumer("Ann's laptop", "red", "acme"))]
    with Reader(store_path, zone=UTC, consumers=people) as reader:
        for step in (
            Filter("consumer", "fp-1a2b"),
            Filter("consumer", "Ann's laptop"),
            Filter("any", "LAPTOP", "*"),
            Filter("org", "acme"),
        ):
            assert reader.totals(View(LIVE.window, (step,)), NOW).effective_nano == 5
        assert reader.consumer("fp-1a2b").team == "red"
        panel = reader.groups(LIVE, "org", NOW)
        assert [(g.key, g.totals.effective_nano) for g in panel] == [("", 7), ("acme", 5)]


def test_a_request_in_full(store_path: Path) -> None:
    record = UsageRecord(
        int(NOW * 1e9) + 1,
        int(NOW * 1e9) + 123_456,
        Dimensions("p", "m", "c", "g", "/v1", "llm"),
        requests=1, errors=0, throttled=1, input=2, cache_read=3, cache_write=4, cache_write_1h=5,
        output=6, reasoning=7, reported_nano=0, estimated=True, request_id="id-1", status=429,
        latency_ms=12, part="f.jsonl", offset=99, attrs='{"a":1}',
    )  # fmt: skip
    fill(store_path, [(record, Charge(8, None, CostBasis.ESTIMATED, 200_000))])
    with Reader(store_path, zone=UTC) as reader:
        row = reader.requests(LIVE, 1)[0]
        assert reader.request(row.id) == row
        assert reader.request(row.id + 1) is None
        assert row[1:] == (
            record.end_ns, record.dims, "s", 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, None, 0,
            CostBasis.ESTIMATED, 200_000, 429, 12, "id-1", "f.jsonl", 99, '{"a":1}',
        )  # fmt: skip


def test_rare_requests_far_back_are_found(store_path: Path) -> None:
    rare = Dimensions("rare", "m")
    usage = [(at(i * 20.0), cost(1)) for i in range(25_000)]
    usage += [(at(5.7 * DAY + i * 100, rare), cost(1)) for i in range(4)]
    usage += [(at(5.2 * DAY, rare), cost(1))]
    fill(store_path, usage)
    view = View(Window(int(NOW) // 60 * 60 - 9 * DAY, int(NOW) // 60 * 60 + 60, HOUR))
    wanted = View(view.window, (Filter("provider", "rare"),))
    with Reader(store_path, zone=UTC) as reader:
        found = [NOW - row.time_ns / 1e9 for row in reader.requests(wanted, 100)]
        assert found == pytest.approx([5.2 * DAY, *(5.7 * DAY + i * 100 for i in range(4))])
        page = reader.requests(wanted, 2)
        rest = reader.requests(wanted, 10, page[-1].id)
        assert len(page + rest) == 5
        assert len(reader.requests(view, 50)) == 50


def test_the_dearest_and_the_biggest_requests_of_a_window(store_path: Path) -> None:
    amounts = [(n * 37 % 101, n * 53 % 97, Dimensions("p", f"m{n % 3}")) for n in range(90)]
    usage = [(at(n * 60.0, d, tokens), cost(nano)) for n, (nano, tokens, d) in enumerate(amounts)]
    fill(store_path, usage)
    hour = View(window_at(WINDOW_BY_NAME["1h"], NOW, UTC))
    inside = [(n, *a) for n, a in enumerate(amounts) if NOW - n * 60 >= hour.window.start]
    one = replace(hour, filters=(Filter("model", "m1"),))
    with Reader(store_path, zone=UTC) as reader:
        for order, column in (("cost", 1), ("tokens", 2)):
            for reverse in (False, True):
                wanted = sorted((a[column] for a in inside), reverse=not reverse)[:7]
                rows = reader.requests(hour, 7, None, order, reverse)
                got = [r.effective_nano if order == "cost" else r.tokens for r in rows]
                assert got == wanted
        rows = reader.requests(one, 3, order="cost")
        assert [r.effective_nano for r in rows] == sorted(
            (a[1] for a in inside if a[3].model == "m1"), reverse=True
        )[:3]
        oldest = reader.requests(hour, 2, order="time", reverse=True)
        assert oldest == reader.requests(hour, 100)[-1:-3:-1]
        with pytest.raises(UsageError):
            reader.requests(hour, 1, order="id; drop")


def test_a_viewer_does_not_import_the_writer() -> None:
    script = (
        "import sys, json; import costtui.store.reader; "
        "print(json.dumps([m for m in ('aiosqlite', 'asyncio', 'textual') if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


def test_a_panel_looks_at_levels_by_their_key(store_path: Path) -> None:
    """Every statement on a level is a search of its primary key, never a scan."""
    fill(store_path, [(at(60), cost(5))])
    with Reader(store_path, zone=UTC) as reader:
        reader.data_version()
        connection = reader._connection
        assert connection is not None
        seen: list[str] = []
        connection.set_trace_callback(seen.append)
        reader.overview(LIVE, NOW)
        reader.requests(LIVE, 10)
        connection.set_trace_callback(None)
        assert len(seen) < 120
        for statement in seen:
            if not statement.startswith("SELECT"):
                continue
            for row in connection.execute("EXPLAIN QUERY PLAN " + statement):
                table = row[3].split()[1:2]
                if table[0:1] and table[0] in {"minute", "ten_minute", "hour", "request"}:
                    assert row[3].startswith("SEARCH"), (statement, row[3])


async def test_a_warm_reader_says_what_a_fresh_one_says(store_path: Path) -> None:
    """After live and late data of every age, in every window, filtered or not."""
    ages = (30.0, 130.0, 1800.0, 5 * HOUR, 30 * HOUR, 5 * DAY, 20 * DAY, 40 * DAY)
    q = Dimensions("q", "m")
    views = [
        View(window_at(spec, NOW, UTC, back), steps)
        for spec in WINDOWS
        for back in (0, 1)
        for steps in ((), (Filter("provider", "q"),))
    ]
    async with await Store.open(store_path, Retention(None, None, None), now=NOW) as store:
        await store.register("s", "metrics", "gw")
        first = [at(age + 1, dims) for age in ages for dims in (q, None)]
        await store.append("s", first, [cost(1000)] * len(first), now=NOW)
        with Reader(store_path, zone=UTC) as warm:
            for number, age in enumerate(ages):
                for view in views:
                    warm.overview(view, NOW)
                basis = list(CostBasis)[number % 4]
                await store.append("s", [at(age, q, 7)], [cost(2**number, basis)], now=NOW)
                for view in views:
                    with Reader(store_path, zone=UTC) as fresh:
                        assert warm.overview(view, NOW) == fresh.overview(view, NOW)


async def test_an_interval_belongs_to_the_minute_in_which_it_ends(store_path: Path) -> None:
    minute = int(NOW) // 60 * 60
    async with await Store.open(store_path, now=NOW) as store:
        await store.register("s", "metrics", "gw")
        for start, end in ((minute - 15, minute), (minute - 14, minute + 1)):
            record = UsageRecord(start * 10**9, end * 10**9, Dimensions("p", "m"))
            await store.append("s", [record], [cost(1)], now=NOW)
    with Reader(store_path, zone=UTC) as reader:
        found = reader.timeline(View(Window(minute - 60, minute + 60, 60)), 60, NOW)
        assert [(t, totals.requests) for t, totals in found] == [(minute - 60, 1), (minute, 1)]
        assert reader.requests(LIVE, 10) == []
