"""Whatever the view, the reader says what a loop over all records says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta, timezone
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from costtui.config.schema import Consumer, Retention
from costtui.model.charge import Charge, CostBasis, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Filter, Totals, View
from costtui.model.timewindow import WINDOWS, Window, previous, window_at
from costtui.model.usage import UsageRecord
from costtui.store.cover import cover, kept
from costtui.store.levels import Floors
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_123.5
NS = 10**9
DAY = 86_400
FOREVER = Retention(None, None, None, None)
Pair = tuple[UsageRecord, Charge]
TEAMS = [("ann", Consumer("Ann", "red", "x")), ("b*", Consumer("", "blue", "x"))]

made = st.builds(
    lambda ago, p, m, c, r, e, i, cost, basis: (
        UsageRecord(
            int(NOW * NS) - ago,
            int(NOW * NS) - ago,
            Dimensions(p, m, c, "gw"),
            requests=r,
            errors=e,
            input=i,
            request_id="x",
        ),
        Charge(0 if basis is CostBasis.UNPRICED else cost, cost, basis),
    ),
    st.one_of(
        st.integers(0, 3 * 3600 * NS), st.integers(0, 2 * DAY * NS), st.integers(0, 70 * DAY * NS)
    ),
    st.sampled_from(["p", "q"]),
    st.sampled_from(["m1", "m2", ""]),
    st.sampled_from(["ann", "bob", "bea", ""]),
    st.integers(0, 3),
    st.integers(0, 1),
    st.integers(0, 1000),
    st.integers(0, 10**9),
    st.sampled_from(CostBasis),
)
filters = st.lists(
    st.one_of(
        st.builds(Filter, st.just("provider"), st.sampled_from(["p", "q", "z"])),
        st.builds(Filter, st.just("model"), st.sampled_from(["m1", ""]), st.just("!=")),
        st.builds(Filter, st.just("team"), st.sampled_from(["red", "blue", ""])),
        st.builds(
            Filter, st.just("any"), st.sampled_from(["B", "m"]), st.sampled_from(["*", "!*"])
        ),
        st.builds(Filter, st.just("consumer"), st.sampled_from(["^b", "n+"]), st.just("~")),
    ),
    max_size=2,
).map(tuple)


def values(record: UsageRecord) -> dict[str, str]:
    who = {"ann": ("red", "x"), "bob": ("blue", "x"), "bea": ("blue", "x"), "": ("", "")}
    team, org = who[record.dims.consumer]
    named = "Ann" if record.dims.consumer == "ann" else ""
    return {**record.dims._asdict(), "team": team, "org": org, "source": "s", "name": named}


def passes(record: UsageRecord, steps: tuple[Filter, ...]) -> bool:
    import re

    all_of = values(record)
    for step in steps:
        names = list(all_of) if step.dimension == "any" else [step.dimension]
        if step.dimension == "consumer":
            names.append("name")
        texts = [all_of[name] for name in names]
        match step.op.strip("!") or "=":
            case "~":
                hit = any(re.search(step.value, text) for text in texts)
            case "*":
                hit = any(step.value.lower() in text.lower() for text in texts)
            case _:
                hit = step.value in texts
        if hit is step.op.startswith("!"):
            return False
    return True


def naive(pairs: list[Pair], low: int, high: int, keep: Callable[[UsageRecord], bool]) -> Totals:
    total = Totals()
    for record, charge in pairs:
        if low * NS <= record.end_ns < high * NS and keep(record):
            unpriced = charge.basis is CostBasis.UNPRICED
            guess = charge.basis is CostBasis.ESTIMATED
            total = total.plus(
                Totals(
                    requests=record.requests,
                    errors=record.errors,
                    input=record.input,
                    effective_nano=charge.effective_nano,
                    list_nano=charge.list_nano or 0,
                    unpriced_requests=record.requests * unpriced,
                    unpriced_tokens=record.input * unpriced,
                    estimated_nano=charge.effective_nano * guess,
                    estimated_requests=record.requests * guess,
                )
            )
    return total


@contextmanager
def stored(pairs: list[Pair]) -> Iterator[Path]:
    async def fill(path: Path) -> None:
        async with await Store.open(path, FOREVER, now=NOW) as store:
            await store.register("s", "jsonl", "gw")
            await store.append("s", [r for r, _ in pairs], [c for _, c in pairs], now=NOW)

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "s.db"
        asyncio.run(fill(path))
        yield path


zones = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))]
)


@given(st.lists(made, max_size=40), st.sampled_from(WINDOWS), st.integers(0, 2), filters, zones)
@settings(max_examples=50)
def test_the_overview_is_what_a_loop_over_the_records_says(
    pairs: list[Pair], spec: object, back: int, steps: tuple[Filter, ...], zone: timezone
) -> None:
    window = window_at(spec, NOW, zone, back)  # type: ignore[arg-type]
    view = View(window, steps)

    def keep(record: UsageRecord) -> bool:
        return passes(record, steps)

    with stored(pairs) as path, Reader(path, zone=zone, consumers=TEAMS) as reader:
        shown = reader.overview(view, NOW, ("provider", "consumer", "team"))
        assert shown.view == view
        assert shown.total == naive(pairs, window.start, window.end, keep)
        before = previous(window, zone)
        assert shown.previous == naive(pairs, before.start, before.end, keep)
        # A view of the past shows the day, the month and the hour that it ends in.
        moment = window.end - 1 if back else NOW
        hour = Window(window.end - 3600, window.end, 60)
        burn = naive(pairs, hour.start, hour.end, keep).effective_nano
        assert shown.burn_nano_per_hour == burn
        for name, total, older in (
            ("today", shown.today, shown.today_previous),
            ("month", shown.month, shown.month_previous),
        ):
            live = window_at(next(w for w in WINDOWS if w.name == name), moment, zone)
            assert total == naive(pairs, live.start, live.end, keep)
            past = previous(live, zone)
            assert older == naive(pairs, past.start, past.end, keep)
        starts = window.buckets()
        buckets = [
            naive(pairs, max(t, window.start), min(t + window.step, window.end), keep)
            for t in starts
        ]
        assert shown.chart == tuple(b.effective_nano for b in buckets)
        assert shown.chart_requests == tuple(b.requests for b in buckets)
        assert reader.timeline(view, window.step, NOW) == list(zip(starts, buckets, strict=True))
        for panel in shown.breakdowns:
            assert sum(g.totals.effective_nano for g in panel.groups) == shown.total.effective_nano
            for group in panel.groups:

                def own(
                    record: UsageRecord, panel: str = panel.dimension, key: str = group.key
                ) -> bool:
                    return keep(record) and values(record)[panel] == key

                assert group.totals == naive(pairs, window.start, window.end, own)
                assert group.previous == naive(pairs, before.start, before.end, own)
                assert group.spark == tuple(
                    naive(
                        pairs, max(t, window.start), min(t + window.step, window.end), own
                    ).effective_nano
                    for t in starts
                )
        wanted = sorted(
            (
                r.end_ns
                for r, _ in pairs
                if keep(r) and window.start * NS <= r.end_ns < window.end * NS
            ),
            reverse=True,
        )
        assert [row.time_ns // 10**6 for row in reader.requests(view, 100)] == [
            ns // 10**6 for ns in wanted
        ]
        paged: list[int] = []
        before_id = None
        while page := reader.requests(view, 7, before_id):
            paged += [row.id for row in page]
            before_id = page[-1].id
        assert len(paged) == len(set(paged)) == len(wanted)


@given(st.integers(0, 10**7).map(lambda minute: minute * 60), st.integers(0, 10**5))
def test_a_cover_partitions_the_window(low: int, minutes: int) -> None:
    high = low + minutes * 60
    at = low
    for segment in cover(low, high):
        assert segment.low == at
        assert segment.high > at
        at = segment.high
    assert at == high
    assert len(cover(low, high)) <= 9


@given(st.integers(0, 40 * 1440), st.integers(1, 40 * 1440), st.integers(0, 40), st.integers(0, 40))
def test_a_window_is_only_ever_widened_to_what_is_kept(
    start: int, minutes: int, minute_floor: int, older: int
) -> None:
    floors = Floors(minute=minute_floor * DAY, hour=(minute_floor - older) * DAY)
    window = Window(start * 60, (start + minutes) * 60, 60)
    got = kept(window, floors)
    assert got.start <= window.start < window.end <= got.end
    assert got.start > window.start - DAY
    assert got.end < window.end + DAY
    for segment in cover(got.start, got.end):
        if segment.table in ("minute", "ten_minute"):
            assert segment.low >= floors.minute
        elif segment.table != "day":
            assert segment.low >= floors.hour


class CachedReader(RuleBasedStateMachine):
    """A reader that lives through appends, late data, re-pricing and pruning shows no old sums."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "s.db"
        self.reader = Reader(self.path, zone=UTC)
        self.truth: list[Pair] = []
        self.rate = 0

    @rule(pairs=st.lists(made, min_size=1, max_size=5))
    def append(self, pairs: list[Pair]) -> None:
        if self.rate:
            pairs = [(r, self.price(r)) for r, _ in pairs]

        async def write() -> None:
            async with await Store.open(self.path, FOREVER, now=NOW) as store:
                await store.register("s", "jsonl", "gw")
                await store.append("s", [r for r, _ in pairs], [c for _, c in pairs], now=NOW)

        asyncio.run(write())
        self.truth += pairs

    def price(self, record: UsageRecord) -> Charge:
        return Charge(record.input * self.rate, record.input * self.rate, CostBasis.COMPUTED)

    @rule(rate=st.integers(1, 5))
    def reprice(self, rate: int) -> None:
        self.rate = rate

        async def write() -> None:
            async with await Store.open(self.path, FOREVER, now=NOW) as store:
                steps = store.reprice(
                    lambda r, _: self.price(r), {"s": CostPolicy.COMPUTED}, str(rate), NOW
                )
                async for _ in steps:
                    pass

        asyncio.run(write())
        self.truth = [(r, self.price(r)) for r, _ in self.truth]

    @rule(spec=st.sampled_from(WINDOWS), provider=st.sampled_from(["", "p"]))
    def look(self, spec: object, provider: str) -> None:
        window = window_at(spec, NOW, UTC)  # type: ignore[arg-type]
        steps = (Filter("provider", provider),) if provider else ()
        shown = self.reader.overview(View(window, steps), NOW)
        assert shown.total == naive(
            self.truth, window.start, window.end, lambda r: passes(r, steps)
        )
        assert sum(shown.chart) == shown.total.effective_nano

    @invariant()
    def revision_is_readable(self) -> None:
        assert self.reader.revision() >= 0

    def teardown(self) -> None:
        self.reader.close()
        self.folder.cleanup()


CachedReader.TestCase.settings = settings(max_examples=10, stateful_step_count=12)
TestCachedReader = CachedReader.TestCase
