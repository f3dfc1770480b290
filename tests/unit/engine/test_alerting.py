"""Alerts over a real store: what the collector evaluates, stores and sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from costtui.config.alert_schema import AlertRule, BudgetConfig, NotifierConfig
from costtui.config.schema import Config, Consumer, SourceConfig, StoreConfig
from costtui.engine.alerting import Alerting
from costtui.engine.collector import Collector
from costtui.errors import StoreError
from costtui.model.alert import Ack, Matcher, Silence
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store import silences
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_789_387_200.0 + 36_000 + 30  # 2026-09-14 22:00:30 UTC
HOUR, DAY = 3600, 86_400
NANO = 10**9
HOOK = NotifierConfig("hook", "webhook", repeat=4 * HOUR)
RULE = AlertRule("spend", "cost_over", 5 * NANO, HOUR, "1h", by=("consumer",))


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def config(path: Path, *rules: AlertRule, **more: Any) -> Config:
    return Config(
        store=StoreConfig(path), alerts=rules, notifiers=more.pop("notifiers", (HOOK,)),
        sources=(SourceConfig("s", "metrics", "gw"),), catalogue=False, timezone="UTC", **more,
    )  # fmt: skip


class Desk:
    """A store, a clock and the alerting over them."""

    def __init__(self, store: Store, wanted: Config) -> None:
        self.clock, self.store = Clock(), store
        self.config = wanted
        self.alerting = Alerting(wanted, store, self.clock)

    async def use(self, ago: float, consumer: str, nano: int, model: str = "m") -> None:
        ns = int((self.clock.time - ago) * 1e9)
        record = UsageRecord(ns, ns, Dimensions("p", model, consumer, "gw"), request_id="r")
        charge = Charge(nano, nano, CostBasis.COMPUTED)
        await self.store.append("s", [record], [charge], now=self.clock.time)

    async def read(self, ok: float = 0.0, failures: int = 0) -> None:
        """The source was read `ok` seconds ago, and then failed."""
        await self.store.set_status(
            SourceStatus("s", "metrics", "gw", last_attempt=self.clock.time,
                         last_ok=self.clock.time - ok, interval=15.0, failures=failures)
        )  # fmt: skip

    async def states(self) -> list[tuple[str, str]]:
        return [("/".join(v for _, v in a.labels), a.state) for a in await self.store.alerts()]

    async def sent(self) -> list[tuple[str, str, str]]:
        """What is due, delivered by this."""
        out = []
        for parcel in await self.store.due(self.clock.time):
            out.append((parcel.notifier, parcel.event.rule, parcel.event.state))
            await self.store.delivered([parcel.key])
        return out

    async def after(self, seconds: float) -> list[tuple[str, str, str]]:
        self.clock.time += seconds
        await self.alerting.tick()
        return await self.sent()

    def restart(self, wanted: Config | None = None) -> None:
        self.alerting.close()
        self.config = wanted or self.config
        self.alerting = Alerting(self.config, self.store, self.clock)


async def opened(path: Path, *rules: AlertRule, **more: Any) -> Desk:
    store = await Store.open(path, now=NOW)
    await store.register("s", "metrics", "gw")
    return Desk(store, config(path, *rules, **more))


FIRING, OVER = [("hook", "spend", "firing")], [("hook", "spend", "resolved")]


async def test_an_alert_from_its_money_to_its_end(store_path: Path) -> None:
    desk = await opened(store_path, RULE)
    await desk.use(60, "ann", 5 * NANO)
    assert await desk.after(0) == []
    assert await desk.states() == [("ann", "inactive")]
    await desk.use(60, "ann", 1)
    assert await desk.after(15) == FIRING
    assert await desk.after(15) == []
    (fired,) = await desk.store.alerts()
    assert (fired.value, fired.limit, fired.unit) == (5 * NANO + 1, 5 * NANO, "cost")
    assert fired.cause == "consumer ann, model m: +$5.00, 100% of the rise (new)"
    assert await desk.after(HOUR) == OVER
    assert await desk.states() == [("ann", "resolved")]
    assert await desk.after(901) == []
    assert await desk.states() == [("", "inactive")]
    with Reader(store_path, zone=UTC) as reader:
        found = [c.status.state for c in reader.alert_history(0, desk.clock.time + 1)]
    assert found == ["inactive", "resolved", "firing", "inactive"]
    desk.alerting.close()
    await desk.store.close()


async def test_a_restart_tells_nothing_twice_and_forgets_nothing(store_path: Path) -> None:
    desk = await opened(store_path, replace(RULE, hold=60))
    await desk.use(60, "ann", 6 * NANO)
    assert await desk.after(0) == []
    assert await desk.states() == [("ann", "pending")]
    await desk.store.close()
    desk.store = await Store.open(store_path, now=NOW)
    desk.restart()
    assert await desk.after(59) == []
    desk.restart()
    desk.clock.time += 1
    await desk.alerting.tick()
    # Killed between commit and delivery: the parcel is there when it comes back.
    await desk.store.close()
    desk.store = await Store.open(store_path, now=NOW)
    desk.restart()
    await desk.alerting.tick()
    assert await desk.sent() == FIRING
    desk.restart()
    assert await desk.after(15) == []
    await desk.store.close()


async def test_a_downtime_is_no_time_of_a_hold_that_nobody_saw(store_path: Path) -> None:
    """While the source could not be read, nothing is known: neither fired nor resolved."""
    desk = await opened(store_path, replace(RULE, hold=300))
    await desk.read()
    await desk.use(60, "ann", 6 * NANO)
    await desk.after(0)
    assert await desk.states() == [("ann", "pending")]
    desk.clock.time += 100
    await desk.alerting.tick()
    desk.clock.time += 2 * HOUR  # the window is empty now
    await desk.read(2 * HOUR, 9)
    desk.restart()
    await desk.alerting.tick()
    (held,) = await desk.store.alerts()
    assert held.state == "pending"
    assert desk.clock.time - held.active_at == 100
    await desk.read()
    assert await desk.after(15) == []
    assert await desk.states() == [("", "inactive")]
    await desk.store.close()


async def test_silences_and_acknowledgements_are_read_at_each_look(store_path: Path) -> None:
    desk = await opened(store_path, RULE)
    await desk.after(0)
    silence = Silence(0, (Matcher("consumer", "=", "ann"),), NOW, NOW + 120)
    silences.silence(store_path, silence)
    await desk.use(60, "ann", 6 * NANO)
    await desk.use(60, "bob", 6 * NANO)
    assert await desk.after(15) == FIRING  # bob
    assert await desk.after(90) == []
    assert await desk.after(20) == FIRING  # ann, whose silence has ended
    (one, _) = await desk.store.alerts()
    silences.acknowledge(store_path, Ack(one.rule, one.labels, one.id, desk.clock.time))
    assert await desk.after(4 * HOUR - 600) == OVER * 2
    await desk.store.close()


async def test_a_budget_alerts_step_by_step(store_path: Path) -> None:
    budget = BudgetConfig("team", 10 * NANO, "day", forecast=False)
    desk = await opened(store_path, budgets=(budget,))
    await desk.use(60, "ann", 5 * NANO)
    assert await desk.after(15) == [("hook", "budget team", "firing")]
    assert await desk.states() == [("50%", "firing")]
    await desk.use(60, "ann", 5 * NANO)
    desk.clock.time += 15
    await desk.alerting.tick()
    # Both steps were reached at once: the higher one says it.
    (parcel,) = await desk.store.due(desk.clock.time)
    assert parcel.event.labels == (("step", "100%"),)
    assert parcel.event.severity == "critical"
    assert parcel.event.summary.endswith("step 100% ($10.00 of $10.00)")
    await desk.sent()
    # Midnight: a new day. Only who heard of the beginning hears of the end.
    assert await desk.after(2 * HOUR) == [("hook", "budget team", "resolved")] * 2
    await desk.store.close()


async def test_a_rule_that_leaves_is_ended_and_put_away(store_path: Path) -> None:
    desk = await opened(store_path, RULE)
    await desk.use(60, "ann", 6 * NANO)
    assert await desk.after(15) == FIRING
    desk.restart(config(store_path))
    assert await desk.after(15) == OVER
    assert await desk.store.alerts() == ()
    assert not desk.alerting.wanted
    await desk.store.close()


async def test_late_usage_is_judged_by_its_own_time(store_path: Path) -> None:
    desk = await opened(store_path, RULE)
    await desk.after(0)
    await desk.use(2 * HOUR, "ann", 6 * NANO)  # outside of the window
    assert await desk.after(1) == []
    await desk.use(50 * 60, "ann", 6 * NANO)
    assert await desk.after(1) == FIRING
    await desk.store.close()


async def test_nothing_new_is_no_evaluation(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await opened(store_path, RULE)
    await desk.use(60, "ann", 1)
    assert await desk.alerting.tick()
    revision = desk.store.revision
    assert not await desk.alerting.tick()
    desk.clock.time += 15
    assert not await desk.alerting.tick()
    await desk.use(60, "ann", 6 * NANO)
    assert await desk.alerting.tick()
    # What it stored itself is no news, but what fires is looked at again: it may be told again.
    assert await desk.alerting.tick()
    assert desk.store.revision == revision + 2
    await desk.store.close()


async def test_what_cannot_be_stored_is_done_again(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await opened(store_path, RULE)
    await desk.use(60, "ann", 6 * NANO)
    real = desk.store.put_alerts

    async def full(*_: Any, **__: Any) -> None:
        raise StoreError("full")

    monkeypatch.setattr(desk.store, "put_alerts", full)
    with pytest.raises(StoreError):
        await desk.alerting.tick()
    monkeypatch.setattr(desk.store, "put_alerts", real)
    assert await desk.after(15) == FIRING
    await desk.store.close()


async def test_once_evaluates(store_path: Path) -> None:
    class Empty:
        name = "s"
        has_more = False

        def restore(self, _: Any) -> None:
            """Nothing is remembered."""

        async def poll(self, now: float) -> Any:
            for batch in list[Any]():
                yield batch

        async def close(self) -> None:
            """Nothing to release."""

    clock = Clock()
    down = AlertRule("down", "source_down_for", 60, 60)
    wanted = config(store_path, down)
    async with Collector(wanted, clock=clock, build=lambda _: Empty(), jitter=False) as collector:
        assert await collector.once()
        assert [(a.rule, a.state) for a in await collector.store.alerts()] == [("down", "inactive")]


async def test_many_alerts_that_begin_at_once_all_get_their_cause(store_path: Path) -> None:
    """Twenty reads a look: the others wait for the next, also over a restart; those that one read
    answers for get theirs together."""
    people = tuple((f"c{n:02}", Consumer(team=f"t{n:02}")) for n in range(45))
    rules = (replace(RULE, name="teams", by=("team",)), RULE)
    desk = await opened(store_path, *rules, consumers=people)
    for name, _ in people:
        await desk.use(60, name, 6 * NANO)

    async def with_cause() -> dict[str, int]:
        found = {"teams": 0, "spend": 0}
        for alert in await desk.store.alerts():
            who = alert.labels[0][1].replace("t", "c")
            said = f"consumer {who}, model m: +$6.00, 100% of the rise (new)"
            assert alert.state == "firing"
            assert alert.cause in ("", said)
            found[alert.rule] += alert.cause == said
        return found

    await desk.after(0)
    assert len(await desk.store.causes_due()) == 45 + 45 - sum((await with_cause()).values())
    seen = [await with_cause()]
    desk.restart()
    while await desk.store.causes_due():
        await desk.after(15)
        seen.append(await with_cause())
    assert [found["teams"] for found in seen] == [19, 39, 45]
    assert [found["spend"] for found in seen] == [45, 45, 45]
    with Reader(store_path, zone=UTC) as reader:  # the history has them too
        told = reader.alert_history(0, desk.clock.time + 1, limit=500)
        assert sum(c.status.cause != "" for c in told if c.status.state == "firing") == 90
    revision = desk.store.revision
    assert await desk.after(15) == []
    assert desk.store.revision == revision
    desk.alerting.close()
    await desk.store.close()


async def test_a_cause_that_cannot_be_read_is_looked_for_again(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await opened(store_path, RULE)
    await desk.use(60, "ann", 6 * NANO)

    def broken(*_: Any) -> None:
        raise StoreError("locked")

    with monkeypatch.context() as patch:
        patch.setattr("costtui.store.views.Views.movement", broken)
        assert await desk.after(0) == FIRING
    assert [a.cause for a in await desk.store.alerts()] == [""]
    assert await desk.after(15) == []
    assert [a.cause[:12] for a in await desk.store.alerts()] == ["consumer ann"]
    desk.alerting.close()
    await desk.store.close()
