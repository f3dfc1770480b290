"""A backtest says what a live run has said, to the minute, for every alert."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

from costtui.alerts.watches import watches
from costtui.config.alert_schema import AlertRule, BudgetConfig
from costtui.config.schema import Config, Retention, SourceConfig, StoreConfig
from costtui.engine.alerting import Alerting
from costtui.engine.backtest import Episode, Stretch, Trial, backtest
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.replay import ReplayReader
from costtui.store.writer import Store

START = 1_789_387_200  # Monday 2026-09-14 12:00 UTC
MINUTE, HOUR, DAY = 60, 3600, 86_400
NANO = 10**9

RULES = (
    AlertRule("dear", "cost_over", 5 * NANO, HOUR, by=("consumer",), hold=300, keep=600),
    AlertRule("busy", "requests_over", 12, 600, hold=120),
    AlertRule("failing", "error_share_over", 200_000, 1800, min_requests=5),
    AlertRule("rate", "projected_over", 150 * NANO, HOUR),
    AlertRule("quiet", "silent_for", 1200, 4 * HOUR, by=("consumer",), hold=60),
    AlertRule("held", "cost_over", 4 * NANO, 900, no_data="keep"),
    AlertRule("down", "source_down_for", 300, 60),
)
BUDGETS = (
    BudgetConfig("day", 40 * NANO, "day", forecast=False, burn_over=3000),
    BudgetConfig("roll", 12 * NANO, "rolling", 2 * HOUR, by=("consumer",), forecast=False),
)


class Clock:
    time = float(START)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def configured(path: Path) -> Config:
    return Config(
        store=StoreConfig(path), alerts=RULES, budgets=BUDGETS,
        sources=(SourceConfig("s", "metrics", "g"),), catalogue=False, timezone="UTC",
    )  # fmt: skip


def record(at: float, consumer: str, nano: int, errors: int = 0) -> tuple[UsageRecord, Charge]:
    ns = int(at * 1e9)
    used = UsageRecord(
        ns, ns, Dimensions("p", "m", consumer, "g"), requests=1 + errors, errors=errors
    )
    return used, Charge(nano, nano, CostBasis.COMPUTED)


async def live(path: Path, *, step: int, hours: int) -> list[tuple[Any, ...]]:
    """A collector's evaluations over made-up hours; (rule, labels, state, when) of each change.

    Usage comes at the beginning of a minute, as from the log of a minute before: what a minute
    holds is then known at all of its looks. The source fails for a while.
    """
    rng = random.Random(8)
    clock = Clock()
    async with await Store.open(path, now=START) as store:
        await store.register("s", "metrics", "g")
        alerting = Alerting(configured(path), store, clock)
        down = range(START + 3 * HOUR, START + 3 * HOUR + 1500)
        ok = float(START)
        for now in range(START, START + hours * HOUR, step):
            clock.time = float(now)
            if now % MINUTE == 0 and now not in down:
                # A calm time, a wild one, and so on.
                wild = (now // 2700) % 3 == 0
                pairs = [
                    record(now + 0.5, who, rng.randint(10**7, 5 * 10**8) * (4 if wild else 1),
                           int(wild and rng.random() < 0.4))
                    for who in ("ann", "bob", "eve")
                    if rng.random() < (0.6 if wild else 0.1)
                ]  # fmt: skip
                if pairs:
                    await store.append("s", [r for r, _ in pairs], [c for _, c in pairs], now=now)
            failures = int(now in down)
            if not failures:
                if now - ok > 300:
                    await store.add_gap("s", ok, float(now))
                ok = float(now)
            await store.set_status(
                SourceStatus("s", "metrics", "g", last_attempt=now, last_ok=ok, interval=15.0,
                             failures=failures)
            )  # fmt: skip
            await alerting.tick()
        alerting.close()
    with Reader(path, zone=UTC) as reader:
        return [
            (c.status.rule, c.status.labels, c.status.state, c.at)
            for c in reader.alert_history(0, clock.time + 1)
        ]


def firings(changes: Sequence[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """(rule, labels, minute it fired, minute it ended or 0) of a history, oldest change first."""
    open_: dict[Any, int] = {}
    found = set()
    for rule, labels, state, at in changes:
        minute = int(at) // MINUTE * MINUTE
        if state == "firing":
            open_[rule, labels] = minute
        elif (rule, labels) in open_ and state != "pending":
            found.add((rule, labels, open_.pop((rule, labels)), minute))
    return found | {(*key, at, 0) for key, at in open_.items()}


def tried(path: Path, since: int, until: int, *trials: Trial) -> tuple[Stretch, list[Trial]]:
    every = list(trials) or [Trial(watch) for watch in watches(RULES, BUDGETS)]
    with ReplayReader(path, zone=UTC) as reader:
        return backtest(reader, every, since, until, UTC, frozenset({"s"})), every


async def test_a_backtest_says_what_a_live_run_said(store_path: Path) -> None:
    changes = await live(store_path, step=20, hours=7)
    until = START + 7 * HOUR
    stretch, trials = tried(store_path, START, until)
    ours = {
        (t.watch.name, e.labels, e.fired_at, e.ended_at) for t in trials for e in t.episodes
    }  # fmt: skip
    truth = firings(sorted(changes, key=lambda change: float(change[3])))
    # What grows with time alone is seen at the next look live, which may be in the next minute.
    grows = {"quiet", "down"}
    assert {f for f in ours if f[0] not in grows} == {f for f in truth if f[0] not in grows}
    slow, seen = ([sorted(f for f in found if f[0] in grows)] for found in (ours, truth))
    for one, other in zip(*slow, *seen, strict=True):
        assert one[:2] == other[:2]
        assert all(0 <= b - a <= MINUTE for a, b in zip(one[2:], other[2:], strict=True))
    assert stretch.minutes_from <= START + MINUTE
    # Every rule did something, or the test would say nothing.
    assert {name for name, *_ in ours} == {t.watch.name for t in trials}


def brute_force(rows: list[tuple[int, int]], limit: int, window: int, until: int) -> list[Any]:
    """Minutes at whose end more than `limit` was spent in the window, as stretches."""
    found: list[list[int]] = []
    for minute in range(START, until, MINUTE):
        end = minute + MINUTE
        spent = sum(nano for at, nano in rows if end - window <= at < end)
        if spent > limit:
            if found and found[-1][1] == minute:
                found[-1][1] = end
            else:
                found.append([minute, end])
    return [(low, high if high < until else 0) for low, high in found]


async def test_other_limits_are_those_that_a_sum_by_hand_finds(store_path: Path) -> None:
    rng = random.Random(3)
    rows = [(START + rng.randint(1, 6 * HOUR), rng.randint(1, NANO)) for _ in range(400)]
    until = START + 6 * HOUR + MINUTE
    async with await Store.open(store_path, now=until) as store:
        await store.register("s", "metrics", "g")
        pairs = [record(at + 0.5, "ann", nano) for at, nano in rows]
        await store.append("s", [r for r, _ in pairs], [c for _, c in pairs], now=until)
    rule = AlertRule("dear", "cost_over", 1, 900)
    limits = [6 * NANO, 7 * NANO, 8 * NANO, 9 * NANO, 11 * NANO]
    trials = [Trial(watches([replace(rule, limit=limit)], [])[0]) for limit in limits]
    _, trials = tried(store_path, START, until, *trials)
    counts = []
    for limit, trial in zip(limits, trials, strict=True):
        truth = brute_force(rows, limit, 900, until)
        assert [(e.fired_at, e.ended_at) for e in trial.episodes] == truth
        counts.append(len(truth))
        for episode in trial.episodes:
            assert episode.peak > limit
    assert len(set(counts)) > 2


async def test_where_only_hours_are_kept_short_windows_are_not_judged(store_path: Path) -> None:
    now = START + 10 * DAY
    async with await Store.open(store_path, Retention(minute=2 * DAY), now=now) as store:
        await store.register("s", "metrics", "g")
        pairs = [record(START + n * HOUR + 700.5, "ann", NANO) for n in range(240)]
        await store.append("s", [r for r, _ in pairs], [c for _, c in pairs], now=now)
        await store.prune(now)
    rules = [
        AlertRule("hour", "cost_over", NANO // 2, HOUR),
        AlertRule("quarter", "cost_over", NANO // 2, 900),
    ]
    trials = [Trial(watch) for watch in watches(rules, [])]
    stretch, (hour, quarter) = tried(store_path, START, now, *trials)
    assert stretch.hours_from == START
    assert stretch.minutes_from == now - 2 * DAY - (now % DAY)
    assert hour.episodes == [Episode((), START, 0, NANO, START)]
    assert quarter.judged_from >= stretch.minutes_from
    # A request at 11:40 past: in each quarter of an hour window for fifteen minutes.
    assert len(quarter.episodes) == (now - stretch.minutes_from) // HOUR
    # Of the first one the beginning was not looked at.
    assert {e.ended_at - e.fired_at for e in quarter.episodes[1:]} == {900}


async def test_nothing_stored_is_nothing_fired(store_path: Path) -> None:
    async with await Store.open(store_path, now=START):
        pass
    stretch, trials = tried(store_path, START, START + DAY)
    assert stretch.looks == 0
    assert [t.episodes for t in trials] == [[]] * len(trials)
