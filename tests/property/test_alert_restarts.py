"""A collector that is killed after every evaluation tells, stores and forgets exactly what one does
that runs on: all that alerting knows is in the store."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.config.alert_schema import AlertRule, BudgetConfig, NotifierConfig
from costtui.config.schema import Config, SourceConfig, StoreConfig
from costtui.engine.alerting import Alerting
from costtui.model.alert import Ack, Matcher, Silence
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store import silences
from costtui.store.writer import Store

NOW = 1_789_387_200.0 + 36_000 + 30
RULES = (
    AlertRule("held", "cost_over", 10, 600, by=("consumer",), hold=60, keep=90),
    AlertRule("count", "requests_over", 3, 300, no_data="ok", severity="critical"),
    AlertRule("quiet", "silent_for", 120, 3600, by=("consumer",)),
    AlertRule("down", "source_down_for", 90, 60, severity="critical"),
)
BUDGETS = (
    BudgetConfig("all", 60, "day", forecast=False),
    BudgetConfig("each", 40, "rolling", 900, by=("consumer",), parent="all", burn_over=3000),
)
NOTIFIERS = (
    NotifierConfig("hook", "webhook", repeat=300),
    NotifierConfig("am", "alertmanager"),
    NotifierConfig("page", "slack", severity="critical", repeat=None, resolved=False),
)

wait = st.sampled_from([1.0, 15.0, 59.0, 61.0, 400.0, 1000.0])
act = st.one_of(
    st.tuples(st.just("use"), st.sampled_from(["ann", "bob"]), st.integers(0, 30)),
    st.tuples(st.just("late"), st.sampled_from(["ann", "bob"]), st.integers(0, 900)),
    st.tuples(st.just("read"), st.booleans(), st.none()),
    st.tuples(st.just("silence"), st.sampled_from(["held", "each", "all"]), st.integers(1, 500)),
    st.tuples(st.just("ack"), st.integers(0, 5), st.none()),
    st.tuples(st.just("deliver"), st.integers(0, 3), st.none()),
    st.tuples(st.just("fail"), st.integers(0, 3), st.none()),
)


class Clock:
    time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class Collector:
    def __init__(self, folder: Path, clock: Clock, *, restarts: bool) -> None:
        self.path = folder / f"{restarts}.db"
        self.clock, self.restarts = clock, restarts
        self.config = Config(
            store=StoreConfig(self.path), alerts=RULES, budgets=BUDGETS, notifiers=NOTIFIERS,
            sources=(SourceConfig("s", "metrics", "g"),), catalogue=False, timezone="UTC",
        )  # fmt: skip
        self.store: Store | None = None

    async def open(self) -> Store:
        self.store = await Store.open(self.path, now=self.clock.time)
        await self.store.register("s", "metrics", "g")
        self.alerting = Alerting(self.config, self.store, self.clock)
        return self.store

    async def close(self) -> None:
        self.alerting.close()
        assert self.store is not None
        await self.store.close()

    async def do(self, what: str, one: Any, other: Any) -> None:
        store = self.store
        assert store is not None
        now = self.clock.time
        if what in ("use", "late"):
            ns = int((now - (other if what == "late" else 0)) * 1e9)
            record = UsageRecord(ns, ns, Dimensions("p", "m", one, "g"), request_id="r")
            nano = other if what == "use" else 7
            await store.append("s", [record], [Charge(nano, nano, CostBasis.COMPUTED)], now=now)
        elif what == "read":
            old = (await store.statuses())[0].last_ok
            await store.set_status(
                SourceStatus("s", "metrics", "g", last_attempt=now, last_ok=now if one else old,
                             interval=15.0, failures=0 if one else 1)
            )  # fmt: skip
        elif what == "silence":
            fits = (Matcher("alert", "=~", f".*{one}"),)
            silences.silence(self.path, Silence(0, fits, now, now + other))
        elif what == "ack":
            fired = [a for a in await store.alerts() if a.state == "firing"]
            if fired:
                alert = fired[one % len(fired)]
                silences.acknowledge(self.path, Ack(alert.rule, alert.labels, alert.id, now))
        else:
            due = await store.due(now)
            if due:
                key = due[one % len(due)].key
                await (store.delivered([key]) if what == "deliver"
                       else store.failed([key], "no", now + 100))  # fmt: skip

    async def look(self) -> tuple[Any, ...]:
        if self.restarts:
            await self.close()
            await self.open()
        await self.alerting.tick()
        store = self.store
        assert store is not None
        waiting = await store.due(self.clock.time + 10**6, 10_000)
        rows = await store._session.fetch(
            "SELECT at, rule, labels, state, value FROM alert_history ORDER BY id"
        )
        return await store.alerts(), await store.told(), waiting, rows


@settings(max_examples=25)
@given(st.lists(st.tuples(wait, st.lists(act, max_size=4)), max_size=12))
def test_a_restart_changes_nothing(steps: list[tuple[float, list[tuple[str, Any, Any]]]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            clock = Clock()
            both = [Collector(Path(folder), clock, restarts=r) for r in (False, True)]
            for one in both:
                await one.open()
                await one.do("read", one=True, other=None)
            for seconds, actions in steps:
                clock.time += seconds
                for action in actions:
                    for one in both:
                        await one.do(*action)
                first, second = [await one.look() for one in both]
                assert first == second
                # Told once: an episode has one parcel for each time that it is told.
                told = [(p.event.id, p.notifier, p.event.state, p.created) for p in first[2]]
                assert len(told) == len(set(told))
            for one in both:
                await one.close()

    asyncio.run(run())
