"""A view of the past shows what the screen showed then: the truth is a store that ends there."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.movement import BY
from costtui.model.snapshot import AlertStatus, Filter, SourceStatus, View
from costtui.model.timewindow import WINDOW_BY_NAME, Window, previous, window_at
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

HOUR, DAY = 3600, 86_400
BERLIN = ZoneInfo("Europe/Berlin")
THEN = datetime(2026, 11, 20, 14, 10, 30, tzinfo=BERLIN).timestamp()
NOW = THEN + 9 * DAY
SAME = (
    "view", "total", "previous", "today", "today_previous", "month", "month_previous",
    "month_projection_nano", "burn_nano_per_hour", "burn_previous_nano_per_hour", "chart",
    "chart_requests", "breakdowns", "alerts", "unpriced",
)  # fmt: skip


def usage(seed: int, start: float, end: float, number: int) -> list[tuple[UsageRecord, Charge]]:
    rng = random.Random(seed)
    out = []
    for _ in range(number):
        ns = int(rng.uniform(start, end) * 1e9)
        dims = Dimensions(rng.choice("pq"), rng.choice("mn"), rng.choice("cd"), rng.choice("gh"))
        record = UsageRecord(ns, ns, dims, input=rng.randrange(9), request_id="r")
        nano = rng.randrange(10**9)
        out.append((record, Charge(nano, nano, CostBasis.COMPUTED)))
    return out


async def add(store: Store, found: list[tuple[UsageRecord, Charge]], source: str = "s") -> None:
    await store.append(source, [r for r, _ in found], [c for _, c in found], now=NOW)


def alert(state: str, since: float) -> AlertStatus:
    return AlertStatus("r", (("team", "x"),), state, "info", 5, 3, since, "1h")


@pytest.mark.parametrize("name", list(WINDOW_BY_NAME))
@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=["utc", "berlin"])
@pytest.mark.parametrize("filtered", [False, True])
async def test_the_past_is_the_screen_of_then(
    store_path: Path, name: str, zone: tzinfo, filtered: bool
) -> None:
    filters = (Filter("model", "m"),) if filtered else ()
    end = (int(THEN) // 60 + 1) * 60
    for_ever = Retention(None, None, None, None)
    async with await Store.open(store_path, for_ever, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        await add(store, usage(1, THEN - 70 * DAY, end - 1, 300))
        await add(store, usage(2, THEN - 3 * HOUR, end - 1, 60))
        await store.put_alerts([alert("firing", THEN - 60)], THEN - 60)
        live = View(window_at(WINDOW_BY_NAME[name], THEN, zone), filters)
        with Reader(store_path, zone=zone) as reader:
            then = reader.overview(live, THEN)
        await add(store, usage(3, end, NOW, 200))
        await store.put_alerts([alert("resolved", THEN + DAY)], THEN + DAY)
    past = replace(live, window=replace(live.window, live=False))
    with Reader(store_path, zone=zone) as reader:
        now = reader.overview(past, NOW)
    then = replace(then, view=past)
    for field in SAME:
        assert getattr(now, field) == getattr(then, field), field
    assert then.burn_nano_per_hour > 0
    assert now.taken_at == end


async def test_burn_is_an_hour_also_where_only_days_are_kept(store_path: Path) -> None:
    keep = Retention(requests=0, minute=0, hour=DAY)
    async with await Store.open(store_path, keep, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        ns = int((THEN - 2 * DAY) * 1e9)
        record = UsageRecord(ns, ns, Dimensions("p", "m"), input=1, request_id="r")
        await add(store, [(record, Charge(2400, 2400, CostBasis.COMPUTED))])
        await store.prune(NOW)
    window = window_at(WINDOW_BY_NAME["24h"], THEN - 2 * DAY, UTC)
    with Reader(store_path, zone=UTC) as reader:
        assert reader.overview(View(replace(window, live=False)), NOW).burn_nano_per_hour == 100


async def test_sources_then_are_what_gaps_and_usage_tell(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        for name in ("down", "ok", "quiet", "stopped", "failing"):
            await store.register(name, "metrics", name)
            ok = {"stopped": THEN - HOUR, "failing": THEN - 60}.get(name, NOW)
            await store.set_status(
                SourceStatus(name, "metrics", name, last_ok=ok, interval=15, records=5,
                             error="refused" if name == "failing" else "",
                             failures=int(name == "failing"))
            )  # fmt: skip
            if name != "quiet":
                await add(store, usage(4, THEN - 2 * HOUR, THEN - HOUR, 3), name)
        await store.add_gap("down", THEN - 300, THEN + 300)
        await store.add_gap("ok", THEN - 900, THEN - 600)

    def told(at: float) -> dict[str, tuple[int, float]]:
        window = replace(window_at(WINDOW_BY_NAME["24h"], at, UTC), live=False)
        with Reader(store_path, zone=UTC) as reader:
            found = reader.overview(View(window), NOW).sources
        assert not any(s.error or s.records or s.note for s in found)
        return {s.name: (s.failures, s.last_ok) for s in found}

    end = float((int(THEN) // 60 + 1) * 60)
    assert told(THEN) == {
        "down": (1, THEN - 300), "ok": (0, end), "quiet": (0, 0.0), "stopped": (0, 0.0),
        "failing": (1, THEN - 60),
    }  # fmt: skip
    assert told(THEN + HOUR)["down"] == (0, end + HOUR)
    assert told(THEN - 30 * DAY)["ok"] == (0, 0.0)


async def test_movement_is_two_breakdowns_of_one_read(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        await add(store, usage(5, NOW - 2 * DAY, NOW, 300))
    window = window_at(WINDOW_BY_NAME["24h"], NOW, UTC)
    pairs = [(previous(window, UTC), window),
             (Window(window.end - 7200, window.end - 3600, 60), Window(window.end - 3600,
                                                                      window.end, 60))]  # fmt: skip
    with Reader(store_path, zone=UTC) as reader:
        view = View(window, (Filter("consumer", "c"),))
        for pair, found in zip(pairs, reader.movement(view, pairs), strict=True):
            assert (found.before, found.now) == pair
            assert len({r.key for r in found.rows}) == len(found.rows)
            for at, side in enumerate(pair):
                truth: dict[Any, Any] = dict(reader.breakdown(View(side, view.filters), BY, NOW))
                own = {r.key: r[at + 1] for r in found.rows if any(r[at + 1])}
                assert own == truth
