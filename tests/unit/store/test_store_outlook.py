"""What a forecast is made from, against a loop over the records."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = datetime(2026, 9, 14, 22, 0, 30, tzinfo=UTC).timestamp()
HOUR, DAY = 3600, 86_400
NS = 10**9


def usage(number: int, days: int) -> list[tuple[UsageRecord, Charge]]:
    rng = random.Random(number)
    out = []
    for _ in range(number):
        moment = int((NOW - rng.random() ** 2 * days * DAY) * NS)
        dims = Dimensions(rng.choice("pq"), rng.choice(["m", "n", ""]), "ann", "gw")
        nano = rng.randrange(10**9)
        out.append((UsageRecord(moment, moment, dims, input=rng.randrange(99), request_id="r"),
                    Charge(nano, nano, CostBasis.COMPUTED)))  # fmt: skip
    return out


def fill(path: Path, rows: list[tuple[UsageRecord, Charge]], *, gap: bool = False) -> None:
    async def run() -> None:
        async with await Store.open(path, Retention(None, None, None, None), now=NOW) as store:
            await store.register("s", "metrics", "gw")
            await store.append("s", [r for r, _ in rows], [c for _, c in rows], now=NOW)
            if gap:
                await store.add_gap("s", NOW - 5 * HOUR, NOW - 2 * HOUR)

    asyncio.run(run())


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("only", ["", "p"])
def test_hours_month_and_groups(store_path: Path, zone: str, only: str) -> None:
    rows = usage(400, 70)
    fill(store_path, rows)
    tz = ZoneInfo(zone)
    filters = (Filter("provider", only),) if only else ()
    view = View(window_at(WINDOW_BY_NAME["15m"], NOW, tz), filters)
    with Reader(store_path, zone=tz) as reader:
        found = reader.outlook(view, "model", NOW)
    mine = [(r.end_ns / NS, r.dims.model, c.effective_nano) for r, c in rows
            if not only or r.dims.provider == only]  # fmt: skip
    last = int(NOW) // HOUR * HOUR
    assert found.start == last - 56 * DAY
    assert len(found.hours) == 56 * 24
    for at, value in enumerate(found.hours):
        low = found.start + at * HOUR
        assert value == sum(n for t, _, n in mine if low <= t < low + HOUR), at
    month = datetime(2026, 9, 1, tzinfo=tz).timestamp()
    assert found.view.window.start == month
    assert found.until == datetime(2026, 10, 1, tzinfo=tz).timestamp()
    assert found.to_date.effective_nano == sum(n for t, _, n in mine if t >= month)
    before = datetime(2026, 8, 1, tzinfo=tz).timestamp()
    assert found.last_month.effective_nano == sum(n for t, _, n in mine if before <= t < month)
    for group in found.groups:
        own = [(t, n) for t, m, n in mine if m == group.key]
        assert group.to_date.effective_nano == sum(n for t, n in own if t >= month)
        week = (int(NOW) // 60 + 1) * 60 - 7 * DAY
        assert group.week.effective_nano == sum(n for t, n in own if t >= week)
    assert sum(g.to_date.effective_nano for g in found.groups) == found.to_date.effective_nano


def test_a_gap_is_none_and_a_quiet_hour_is_zero(store_path: Path) -> None:
    rows = [r for r in usage(200, 3) if not NOW - 9 * HOUR < r[0].end_ns / NS < NOW - HOUR]
    fill(store_path, rows, gap=True)
    with Reader(store_path, zone=UTC) as reader:
        found = reader.outlook(View(window_at(WINDOW_BY_NAME["15m"], NOW, UTC)), "model", NOW)
    assert found.hours[-8:-5] == (0, 0, 0)
    assert found.hours[-5:-2] == (None, None, None)


def test_an_empty_store_and_a_young_one(store_path: Path) -> None:
    view = View(window_at(WINDOW_BY_NAME["15m"], NOW, UTC))
    with Reader(store_path, zone=UTC) as reader:
        assert reader.outlook(view, "team", NOW).hours == ()
    fill(store_path, usage(50, 20))
    with Reader(store_path, zone=UTC) as reader:
        found = reader.outlook(view, "team", NOW)
    assert 18 * 24 < len(found.hours) < 21 * 24
    assert found.last_month_from
