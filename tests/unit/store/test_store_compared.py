"""Comparisons and the fleet where a loop over records does not show it: start-ups, lags, gaps in
what is kept, many gateways behind one source."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from costtui.analysis.reconcile import Verdict, verdict
from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.comparison import Compared
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Filter, SourceStatus, View
from costtui.model.timewindow import WINDOW_BY_NAME, Window, window_at
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_789_387_200.0 + 36_000 + 30  # 2026-09-14 22:00:30 UTC
HOUR, DAY = 3600, 86_400
CENT = 10**7
DAY_VIEW = View(window_at(WINDOW_BY_NAME["24h"], NOW, UTC))
SIDES = {"page": "count", "prom": "reconcile"}


def minutely(since: float, until: float, gateway: str = "eu", cost: int = CENT) -> list[Any]:
    """A request each minute, from `since` to `until` seconds ago."""
    moments = range(int(NOW - since), int(NOW - until), 60)
    return [
        (
            UsageRecord(t * 10**9, t * 10**9, Dimensions("p", "m", "", gateway), input=1000,
                        request_id="x"),
            Charge(cost, cost, CostBasis.COMPUTED),
        )
        for t in moments
    ]  # fmt: skip


def fill(
    path: Path,
    usage: dict[str, list[Any]],
    roles: dict[str, str] = SIDES,
    retention: Retention | None = None,
    **states: SourceStatus,
) -> None:
    async def run() -> None:
        async with await Store.open(path, retention or Retention(), now=NOW) as store:
            for name, role in roles.items():
                await store.register(name, "metrics", name, role)
                pairs = usage.get(name, [])
                await store.append(name, [r for r, _ in pairs], [c for _, c in pairs], now=NOW)
                state = states.get(name) or status(NOW - 1)
                await store.set_status(replace(state, name=name))

    asyncio.run(run())


def status(ok: float, **values: Any) -> SourceStatus:
    values = {"last_attempt": ok, "last_ok": ok, "interval": 15.0, **values}
    return SourceStatus("", "metrics", "", **values)


def compare(path: Path, view: View = DAY_VIEW, by: tuple[str, ...] = ()) -> list[Compared]:
    with Reader(path, zone=UTC) as reader:
        return list(reader.compared(view, NOW, by))


def test_a_start_up_and_a_lag_are_no_difference(store_path: Path) -> None:
    """The page is read since 20 hours, the server since 5, and it is ten minutes behind."""
    fill(
        store_path,
        {"page": minutely(20 * HOUR, 0), "prom": minutely(5 * HOUR, 600)},
        prom=status(NOW - 600, last_data=NOW - 600),
    )
    (found,) = compare(store_path)
    assert (found.gateway, found.source, found.counting) == ("eu", "prom", ("page",))
    assert found.start == int(NOW - 5 * HOUR) // 60 * 60 + 60
    assert found.end == int(NOW - 600) // 60 * 60
    assert found.counted == found.seen
    assert found.counted.requests == (found.end - found.start) // 60
    assert verdict(found) is Verdict.AGREES


def test_what_one_side_lost_is_a_difference(store_path: Path) -> None:
    seen = minutely(20 * HOUR, 10 * HOUR) + minutely(9 * HOUR, 0)
    fill(store_path, {"page": minutely(20 * HOUR, 0), "prom": seen})
    (found,) = compare(store_path)
    assert found.counted.requests - found.seen.requests == 60
    assert verdict(found) is Verdict.DIFFERS


def test_a_lagging_reader_ends_at_its_data(store_path: Path) -> None:
    fill(
        store_path,
        {"page": minutely(2 * HOUR, 0), "prom": minutely(2 * HOUR, 1800)},
        prom=status(NOW - 1, lag_s=1800, last_data=NOW - 1800),
    )
    (found,) = compare(store_path)
    # last_data is that of the newest record
    assert found.end == int(NOW - 1800 - 30) // 60 * 60
    assert found.counted == found.seen


def test_history_that_is_being_read_may_still_come(store_path: Path) -> None:
    fill(
        store_path,
        {"page": minutely(2 * HOUR, 0), "prom": minutely(HOUR, 0)},
        page=status(NOW, backfill_done=1, backfill_total=9),
    )
    (found,) = compare(store_path)
    assert found.reading
    assert verdict(found) is Verdict.OPEN


def test_one_server_carries_many_gateways(store_path: Path) -> None:
    """Compared by the gateway of the series, not by that of the configuration."""
    roles = {"eu-page": "count", "us-page": "count", "prom": "reconcile"}
    fill(
        store_path,
        {
            "eu-page": minutely(3 * HOUR, 0, "eu"),
            "us-page": minutely(2 * HOUR, 0, "us", 3 * CENT),
            "prom": minutely(3 * HOUR, 0, "eu") + minutely(3 * HOUR, 0, "us", 2 * CENT)
            + minutely(3 * HOUR, 0, "ap"),
        },
        roles,
    )  # fmt: skip
    rows = {row.gateway: row for row in compare(store_path)}
    assert set(rows) == {"eu", "us", "ap"}
    assert verdict(rows["eu"]) is Verdict.AGREES
    assert verdict(rows["us"]) is Verdict.DIFFERS
    assert rows["us"].start == int(NOW - 2 * HOUR) // 60 * 60 + 60
    assert verdict(rows["ap"]) is Verdict.UNCOUNTED
    only = View(DAY_VIEW.window, (Filter("gateway", "us"), Filter("consumer", "nobody")))
    assert [r.gateway for r in compare(store_path, only)] == ["us"]
    assert compare(store_path, only)[0].counted == rows["us"].counted
    assert [(r.gateway, r.key) for r in compare(store_path, by=("model", "provider"))] == [
        ("ap", ("m", "p")), ("eu", ("m", "p")), ("us", ("m", "p")),
    ]  # fmt: skip


def test_a_source_that_has_seen_nothing_is_named(store_path: Path) -> None:
    roles = {"eu": "count", "second": "reconcile"}
    fill(store_path, {"eu": minutely(HOUR, 0)}, roles)

    async def same_gateway() -> None:
        async with await Store.open(store_path, now=NOW) as store:
            await store.register("second", "metrics", "eu", "reconcile")

    asyncio.run(same_gateway())
    (found,) = compare(store_path)
    assert (found.gateway, found.known, found.covered) == ("eu", False, False)
    assert verdict(found) is Verdict.UNSEEN


def test_where_minutes_are_gone_the_stretch_is_whole_hours(store_path: Path) -> None:
    usage = {"page": minutely(5 * DAY, 0), "prom": minutely(4.5 * DAY, 0)}
    fill(store_path, usage, retention=Retention(None, 2 * DAY, None, None))
    (found,) = compare(store_path, View(window_at(WINDOW_BY_NAME["7d"], NOW, UTC)))
    assert found.start % HOUR == 0
    assert found.start >= int(NOW - 4.5 * DAY)
    assert found.start < int(NOW - 4.5 * DAY) + 2 * HOUR
    assert found.counted == found.seen
    past = Window(int(NOW - 5 * DAY) // 60 * 60, int(NOW - 4.6 * DAY) // 60 * 60, HOUR)
    (early,) = compare(store_path, View(past))
    assert not early.covered


def test_older_usage_that_arrives_later_moves_the_start(store_path: Path) -> None:
    fill(store_path, {"page": minutely(5 * HOUR, 0), "prom": minutely(2 * HOUR, 0)})
    with Reader(store_path, zone=UTC) as reader:
        (before,) = reader.compared(DAY_VIEW, NOW)

        async def late() -> None:
            async with await Store.open(store_path, now=NOW) as store:
                await store.register("prom", "metrics", "prom", "reconcile")
                pairs = minutely(4 * HOUR, 2 * HOUR)
                await store.append("prom", [r for r, _ in pairs], [c for _, c in pairs], now=NOW)

        asyncio.run(late())
        (after,) = reader.compared(DAY_VIEW, NOW)
    assert before.start - after.start == 2 * HOUR
    assert after.counted == after.seen


def test_without_a_reconciling_source_nothing_is_read(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store_path, {"page": minutely(HOUR, 0)}, {"page": "count"})
    monkeypatch.setattr("costtui.store.compare.compare", lambda *_: pytest.fail("asked"))
    with Reader(store_path, zone=UTC) as reader:
        assert reader.compared(DAY_VIEW, NOW) == ()
        assert reader.overview(DAY_VIEW, NOW).compared == ()


# The fleet


def test_a_gateway_of_a_server_depends_on_that_server(store_path: Path) -> None:
    roles = {"server": "count", "idle": "count", "prom": "reconcile", "renamed": "count"}
    old = status(NOW - 3 * HOUR)
    fill(
        store_path,
        {"server": minutely(HOUR, 0, "eu") + minutely(HOUR, 0, "us"),
         "prom": minutely(HOUR, 0, "us"), "renamed": minutely(9 * HOUR, 3 * HOUR, "eu")},
        roles, renamed=old,
    )  # fmt: skip
    with Reader(store_path, zone=UTC) as reader:
        shown = reader.fleet(DAY_VIEW, NOW)
        assert {g.key: g.sources for g in shown.gateways} == {
            "eu": ("server",), "us": ("server",), "idle": ("idle",),
        }  # fmt: skip
        assert shown.gateways[0].key == "eu"  # the dearest
        assert shown.total.sources == ("idle", "server")
        only = View(DAY_VIEW.window, (Filter("gateway", "us"),))
        assert [g.key for g in reader.fleet(only, NOW).gateways] == ["us"]


def test_a_gap_is_told_of_the_gateways_behind_it(store_path: Path) -> None:
    roles = {"eu": "count", "us": "count"}
    fill(store_path, {"eu": minutely(HOUR, 0, "eu"), "us": minutely(HOUR, 0, "us")}, roles)

    async def gap() -> None:
        async with await Store.open(store_path, now=NOW) as store:
            await store.register("us", "metrics", "us")
            await store.add_gap("us", NOW - 900, NOW - 300)

    asyncio.run(gap())
    with Reader(store_path, zone=UTC) as reader:
        assert {g.key: g.gap for g in reader.fleet(DAY_VIEW, NOW).gateways} == {
            "eu": False, "us": True,
        }  # fmt: skip


def test_an_empty_store_has_no_gateways(store_path: Path) -> None:
    with Reader(store_path, zone=UTC) as reader:
        shown = reader.fleet(DAY_VIEW, NOW)
    assert shown.gateways == ()
    assert shown.total.month.requests == shown.month.requests == 0
