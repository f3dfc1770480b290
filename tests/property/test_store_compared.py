"""Any split of usage over a counting and a reconciling source, any window: the comparison and the
fleet say what a loop over the records says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.analysis.reconcile import difference
from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Filter, SourceStatus, Totals, View
from costtui.model.timewindow import WINDOWS, Window, previous, start_of_week, window_at
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_123.5
NS = 10**9
DAY = 86_400
FOREVER = Retention(None, None, None, None)
SOURCES = {"a": "count", "b": "count", "r": "reconcile", "s": "reconcile"}
Used = tuple[str, UsageRecord, Charge]
"""(source, record, charge)"""

used = st.builds(
    lambda source, ago, provider, model, gateway, requests, tokens, cost, basis: (
        source,
        UsageRecord(
            int(NOW * NS) - ago,
            int(NOW * NS) - ago,
            Dimensions(provider, model, "", gateway),
            requests=requests,
            input=tokens,
            request_id="x",
        ),
        Charge(0 if basis is CostBasis.UNPRICED else cost, cost, basis),
    ),
    st.sampled_from("aabrrs"),
    st.one_of(st.integers(0, 2 * 3600 * NS), st.integers(0, 3 * DAY * NS),
              st.integers(0, 45 * DAY * NS)),
    st.sampled_from(["p", "q"]),
    st.sampled_from(["m", "n", ""]),
    st.sampled_from(["eu", "us", ""]),
    st.integers(0, 3),
    st.integers(0, 1000),
    st.integers(0, 10**9),
    st.sampled_from(CostBasis),
)  # fmt: skip
status = st.builds(
    lambda ok, data, lag, interval: SourceStatus(
        "", "metrics", "eu", last_attempt=NOW, last_ok=NOW - ok, last_data=NOW - data,
        lag_s=lag, interval=interval,
    ),
    st.one_of(st.integers(0, 90), st.integers(0, 2 * DAY)),
    st.integers(0, 3 * DAY),
    st.sampled_from([0, 0, 30]),
    st.sampled_from([1, 15, 60, 100]),
)  # fmt: skip


@contextmanager
def stored(usage: list[Used], states: dict[str, SourceStatus]) -> Iterator[Path]:
    async def fill(path: Path) -> None:
        async with await Store.open(path, FOREVER, now=NOW) as store:
            for name, role in SOURCES.items():
                await store.register(name, "metrics", "eu", role)
                mine = [(record, charge) for source, record, charge in usage if source == name]
                await store.append(name, [r for r, _ in mine], [c for _, c in mine], now=NOW)
                if name in states:
                    await store.set_status(states[name])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        asyncio.run(fill(path))
        yield path


def total(usage: list[Used], low: int, high: int, **wanted: str) -> Totals:
    out = Totals()
    for source, record, charge in usage:
        values = {"source": source, **record.dims._asdict()}
        if not low * NS <= record.end_ns < high * NS:
            continue
        if any(values[name] not in allowed.split(",") for name, allowed in wanted.items()):
            continue
        unpriced = charge.basis is CostBasis.UNPRICED
        guess = charge.basis is CostBasis.ESTIMATED
        out = out.plus(
            Totals(
                requests=record.requests,
                input=record.input,
                effective_nano=charge.effective_nano,
                list_nano=charge.list_nano or 0,
                unpriced_requests=record.requests * unpriced,
                unpriced_tokens=record.input * unpriced,
                estimated_nano=charge.effective_nano * guess,
                estimated_requests=record.requests * guess,
            )
        )
    return out


def first_minute(usage: list[Used], gateway: str, sources: str) -> int:
    return min(
        r.end_ns // NS // 60 * 60 for s, r, _ in usage if s in sources and r.dims.gateway == gateway
    )


@given(
    st.lists(used, max_size=30),
    st.tuples(status, status, status, status),
    st.sampled_from(WINDOWS),
    st.integers(0, 1),
    st.sampled_from(["", "p"]),
)
@settings(max_examples=60, deadline=None)
def test_the_difference_is_that_of_the_records_in_the_common_stretch(
    usage: list[Used], states: tuple[SourceStatus, ...], spec: object, back: int, provider: str
) -> None:
    known = {
        name: replace(one, name=name, role=SOURCES[name])
        for name, one in zip(SOURCES, states, strict=True)
    }
    for source, record, _ in usage:  # as the writer does: it never goes back
        own = known[source]
        known[source] = replace(own, last_data=max(own.last_data, record.end_ns / NS))
    window = window_at(spec, NOW, UTC, back)  # type: ignore[arg-type]
    filters = (Filter("provider", provider), Filter("consumer", "x")) if provider else ()
    only = {"provider": provider} if provider else {}
    with stored(usage, known) as path, Reader(path, zone=UTC) as reader:
        found = reader.compared(View(window, filters), NOW)
        assert found == reader.overview(View(window, filters), NOW).compared
        parts = reader.compared(View(window, filters), NOW, ("model",))
    for row in found:
        counting = {s for s, r, _ in usage if s in "ab" and r.dims.gateway == row.gateway}
        seeing = any(s == row.source and r.dims.gateway == row.gateway for s, r, _ in usage)
        assert (set(row.counting), row.known) == (counting, seeing)
        start = end = 0
        if counting and seeing:
            until = min(
                max(k.last_data if k.lag_s else k.last_ok for k in map(known.get, counting) if k),
                known[row.source].last_data if known[row.source].lag_s else
                known[row.source].last_ok,
            )  # fmt: skip
            firsts = [first_minute(usage, row.gateway, s) for s in ("ab", row.source)]
            start = max(window.start, max(firsts) + 60)
            end = min(window.end, int(until) // 60 * 60)
        if start >= end:
            assert not row.covered
            start, end = window.start, window.end
        else:
            assert (row.start, row.end) == (start, end)
        one = total(usage, start, end, source="a,b", gateway=row.gateway, **only)
        other = total(usage, start, end, source=row.source, gateway=row.gateway, **only)
        assert (row.counted, row.seen) == (one, other)
        assert difference(row) == (
            other.effective_nano - one.effective_nano,
            other.tokens - one.tokens,
            other.requests - one.requests,
        )
        assert row.edge.effective_nano <= one.effective_nano + other.effective_nano
        mine = [p for p in parts if (p.gateway, p.source) == (row.gateway, row.source)]
        for part in mine:
            assert part.counted == total(
                usage, start, end, source="a,b", gateway=row.gateway, model=part.key[0], **only
            )
        assert sum(p.counted.effective_nano for p in mine) == one.effective_nano
        assert sum(p.seen.effective_nano for p in mine) == other.effective_nano
    pairs = {(r.dims.gateway, s) for s, r, _ in usage if s in "rs"}
    if not provider:
        assert {(row.gateway, row.source) for row in found} == pairs | {
            ("eu", s) for s in "rs" if not any(one == s for _, one in pairs)
        }


zones = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=30)), ZoneInfo("America/New_York")]
)


@given(st.lists(used, max_size=30), st.sampled_from(WINDOWS), st.integers(0, 1), zones)
@settings(max_examples=40, deadline=None)
def test_the_fleet_is_what_a_loop_over_the_records_says(
    usage: list[Used], spec: object, back: int, zone: timezone
) -> None:
    window = window_at(spec, NOW, zone, back)  # type: ignore[arg-type]
    end = window.end
    before = previous(window, zone)
    with stored(usage, {}) as path, Reader(path, zone=zone) as reader:
        shown = reader.fleet(View(window), NOW)
    for row in (*shown.gateways, shown.total):
        only = {"source": "a,b"} | ({} if row is shown.total else {"gateway": row.key})
        assert row.window == total(usage, window.start, end, **only)
        assert row.previous == total(usage, before.start, before.end, **only)
        for found, length in (
            (row.hour, 3600), (row.day, DAY), (row.week, 7 * DAY), (row.month, 30 * DAY),
        ):  # fmt: skip
            assert found == total(usage, end - length, end, **only)
        starts = window.buckets()
        assert row.spark == tuple(
            total(usage, max(t, window.start), min(t + window.step, end), **only).effective_nano
            for t in starts
        )
    for name, now, past in (
        ("today", shown.today, shown.today_previous),
        ("week", shown.week, shown.week_previous),
        ("month", shown.month, shown.month_previous),
    ):
        local = datetime.fromtimestamp(end - 1, zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        if name == "week":
            local -= timedelta(days=local.weekday())
        elif name == "month":
            local = local.replace(day=1)
        start = int(local.timestamp())
        assert now == total(usage, start, end, source="a,b")
        if name != "week":
            same = previous(Window(start, end, 3600, name), zone)
        else:
            earlier = int((local - timedelta(days=7)).timestamp())
            same = Window(earlier, min(earlier + end - start, start), 3600)
        assert past == total(usage, same.start, same.end, source="a,b")
    assert shown.hour_previous == total(usage, end - 7200, end - 3600, source="a,b")
    assert sum(r.month.effective_nano for r in shown.gateways) == shown.total.month.effective_nano
    assert {"eu"} <= {row.key for row in shown.gateways} or any(s in "ab" for s, _, _ in usage)


@given(st.integers(0, 2 * 10**9), zones)
def test_a_week_begins_on_monday_at_midnight(moment: int, zone: timezone) -> None:
    start = start_of_week(moment, zone)
    local = datetime.fromtimestamp(start, zone)
    assert (local.weekday(), local.hour, local.minute) == (0, 0, 0)
    assert start <= moment < start + 7 * DAY + 3600
