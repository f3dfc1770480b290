"""Sums by model, failed money and whole days, against a loop over the records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import INFRASTRUCTURE, Dimensions
from costtui.model.snapshot import Filter, Totals, View
from costtui.model.timewindow import WINDOW_BY_NAME, start_of_day, window_at
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_789_387_200.0 + 36_000 + 30  # 2026-09-14 22:00:30 UTC
HOUR, DAY = 3600, 86_400
LIVE = View(window_at(WINDOW_BY_NAME["24h"], NOW, UTC))
Usage = tuple[UsageRecord, Charge]


def at(ago: float, model: str = "m", consumer: str = "", **values: object) -> UsageRecord:
    ns = int((NOW - ago) * 1e9)
    dims = Dimensions("p", model, consumer, "gw")
    return UsageRecord(ns, ns, dims, request_id="r")._replace(**values)  # type: ignore[arg-type]


def fill(path: Path, usage: Sequence[Usage]) -> None:
    async def run() -> None:
        async with await Store.open(path, now=NOW) as store:
            await store.register("s", "metrics", "gw")
            await store.append("s", [r for r, _ in usage], [c for _, c in usage], now=NOW)

    asyncio.run(run())


def test_what_can_be_compared_is_what_is_listed_and_told(store_path: Path) -> None:
    reported, computed, unpriced = CostBasis.REPORTED, CostBasis.COMPUTED, CostBasis.UNPRICED
    fill(
        store_path,
        [
            (at(60, input=10, reported_nano=112), Charge(112, 100, reported)),
            (at(70, input=20), Charge(200, 200, computed)),
            (at(80, input=5, reported_nano=0), Charge(50, 50, computed)),  # a 0 that prices nothing
            (at(90, input=7, reported_nano=30), Charge(30, None, reported)),
            (at(95, input=3), Charge(0, None, unpriced)),
            (at(97, input=300_000), Charge(9, 9, computed, 200_000)),
        ],
    )
    with Reader(store_path, zone=UTC) as reader:
        (spent,) = reader.spent(LIVE, NOW)
    assert spent.key == ("p", "m")
    assert (spent.total.effective_nano, spent.total.unpriced_tokens) == (401, 3)
    assert (spent.told.reported_nano, spent.told.list_nano, spent.told.input) == (112, 100, 10)
    assert [(tier, t.input, t.list_nano) for tier, t in spent.listed] == [
        (0, 35, 350), (200_000, 300_000, 9),
    ]  # fmt: skip
    assert sum(t.list_nano for _, t in spent.listed) == spent.total.list_nano


def test_what_stands_is_told_apart(store_path: Path) -> None:
    gpu = Dimensions("vllm", "llama", service=INFRASTRUCTURE)
    record = at(60, reported_nano=5, requests=0)._replace(dims=gpu)
    fill(store_path, [(record, Charge(5, 0, CostBasis.REPORTED))])
    with Reader(store_path, zone=UTC) as reader:
        (spent,) = reader.spent(LIVE, NOW)
    assert (spent.standing.effective_nano, spent.listed, spent.told) == (5, (), Totals())


def test_a_second_dimension_and_filters_narrow(store_path: Path) -> None:
    fill(
        store_path,
        [(at(60, "m", who, input=n), Charge(n, n, CostBasis.COMPUTED))
         for n, who in ((5, "a"), (7, "b"), (9, "a"))],
    )  # fmt: skip
    with Reader(store_path, zone=UTC) as reader:
        rows = reader.spent(LIVE, NOW, ("consumer",))
        assert [(s.key, s.total.input) for s in rows] == [
            (("p", "m", "a"), 14),
            (("p", "m", "b"), 7),
        ]
        only = View(LIVE.window, (Filter("consumer", "b"),))
        assert [s.total.input for s in reader.spent(only, NOW)] == [7]


def test_failed_money_is_by_consumer_and_within_a_day(store_path: Path) -> None:
    computed = CostBasis.COMPUTED
    fill(
        store_path,
        [
            (at(60, consumer="a", errors=1, input=1), Charge(30, 30, computed)),
            (at(65, consumer="a", throttled=1), Charge(4, 4, computed)),
            (at(70, consumer="b", input=1), Charge(99, 99, computed)),
            (at(75, consumer="c", errors=1), Charge(0, 0, computed)),
            (at(2 * DAY, consumer="a", errors=1, input=1), Charge(500, 500, computed)),
        ],
    )
    with Reader(store_path, zone=UTC) as reader:
        assert reader.failed(LIVE, NOW) == {"a": 34}
        other = View(LIVE.window, (Filter("consumer", "b"),))
        assert reader.failed(other, NOW) == {}
        assert reader.failed(View(window_at(WINDOW_BY_NAME["7d"], NOW, UTC)), NOW) is None


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 70 * 24), st.integers(0, 10**12)), min_size=1, max_size=25),
    st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
)
def test_days_are_whole_local_days(
    tmp_path_factory: object, usage: list[tuple[int, int]], zone_name: str
) -> None:
    import tempfile

    zone = ZoneInfo(zone_name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.db"
        fill(path, [(at(ago * HOUR + 900, input=1), Charge(nano, nano, CostBasis.COMPUTED))
                    for ago, nano in usage])  # fmt: skip
        with Reader(path, zone=zone) as reader:
            found = reader.days(LIVE, NOW)
    assert len(found.days) <= 30
    today = start_of_day(NOW, zone)
    for start, totals in found.days:
        end = start_of_day(start + 36 * HOUR, zone)
        assert end <= today
        assert start >= found.earliest
        if (start + 14 * 86_400) < NOW and start % HOUR:  # half past, and hours are all there is
            start, end = start - start % HOUR, end - end % HOUR
        own = [n for ago, n in usage if start <= NOW - ago * HOUR - 900 < end]
        assert (totals.effective_nano, totals.requests) == (sum(own), len(own))
    seen = sum(n for ago, n in usage if NOW - ago * HOUR - 900 >= found.last_month_start)
    assert found.month.effective_nano + found.last_month.effective_nano == seen


def test_an_empty_store_has_no_days(store_path: Path) -> None:
    with Reader(store_path, zone=UTC) as reader:
        found = reader.days(LIVE, NOW)
        assert (found.days, found.month, found.earliest) == ((), Totals(), 0)
        assert reader.spent(LIVE, NOW) == ()
