"""The collector tells people: what is run, flushed, seeded and said of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from costtui.alerts.notify import senders
from costtui.config.alert_schema import AlertRule, BudgetConfig, NotifierConfig
from costtui.config.schema import Config, SourceConfig, StoreConfig
from costtui.engine.alerting import Alerting
from costtui.engine.collector import Collector
from costtui.engine.delivery import Delivery
from costtui.model.alert import AlertEvent, Parcel
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

HOUR, DAY, NANO = 3600, 86_400, 10**9
NOW = datetime(2026, 9, 14, 22, 0, 30, tzinfo=UTC).timestamp()
HOOK = NotifierConfig("hook", "webhook")
AM = NotifierConfig("am", "alertmanager")
RULE = AlertRule("spend", "cost_over", 5 * NANO, HOUR, "1h", by=("consumer",))
BUSY = AlertRule("busy", "requests_over", 0, HOUR, "1h")
"""Of money that nothing priced a collector leaves nothing."""


class Clock:
    """Stands still but for what is slept, and that takes no time."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0.001)


class Sent:
    """A sender for every notifier; it refuses, or raises, what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, str]] = []
        self.refuses: set[str] = set()
        self.news = asyncio.Event()

    def build(self, config: NotifierConfig, _: Any = ()) -> Any:
        sent = self

        class One:
            async def send(self, parcels: Sequence[Parcel], now: float) -> senders.Outcome:
                if config.name in sent.refuses:
                    return senders.Outcome(False, "no such hook")
                for parcel in parcels:
                    sent.got.append((config.name, parcel.event.rule, parcel.event.state))
                sent.news.set()
                return senders.Outcome(True, "ok")

            async def close(self) -> None:
                """Nothing to release."""

        return One()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    made = Sent()
    monkeypatch.setattr(senders, "build", made.build)
    return made


def config(path: Path, *notifiers: NotifierConfig, **more: Any) -> Config:
    return Config(
        store=StoreConfig(path), alerts=more.pop("rules", (RULE,)), notifiers=notifiers,
        sources=(SourceConfig("s", "metrics", "gw"),), catalogue=False, timezone="UTC", **more,
    )  # fmt: skip


async def use(store: Store, ago: float, nano: int, consumer: str = "ann") -> None:
    ns = int((NOW - ago) * 1e9)
    record = UsageRecord(ns, ns, Dimensions("p", "m", consumer, "gw"), request_id="r")
    charge = Charge(nano, nano, CostBasis.COMPUTED)
    await store.append("s", [record], [charge], now=NOW)


async def opened(path: Path) -> Store:
    store = await Store.open(path, now=NOW)
    await store.register("s", "metrics", "gw")
    return store


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


async def test_a_collector_that_ends_tells_what_it_found(store_path: Path, sent: Sent) -> None:
    """`collect --once`: at once, whatever `group_wait:` is; what fails stays for the next one."""
    async with await opened(store_path) as store:
        await use(store, 60, 6 * NANO)
    sent.refuses = {"bad"}
    wanted = config(store_path, HOOK, NotifierConfig("bad", "webhook"), rules=(BUSY,))
    async with Collector(wanted, clock=Clock(), build=lambda _: Empty(), jitter=False) as collector:
        assert await collector.once()
        assert sent.got == [("hook", "busy", "firing")]
        (left,) = await collector.store.due(NOW + DAY)
        assert left.notifier == "bad"
        assert left.attempts >= 1
        assert await collector.delivery.untold() == [("bad", 1, "no such hook")]
    with Reader(store_path, zone=UTC) as reader:
        good, bad = reader.notifiers()
    assert (good.name, good.error, good.waiting) == ("hook", "", 0)
    assert (bad.name, bad.error, bad.waiting) == ("bad", "no such hook", 1)


async def test_when_notifiers_were_told_survives_a_restart(store_path: Path, sent: Sent) -> None:
    async with await opened(store_path) as store:
        await use(store, 60, 6 * NANO)
    sent.refuses = {"bad"}
    wanted = config(store_path, HOOK, NotifierConfig("bad", "webhook"), rules=(BUSY,))
    made = dict[str, Any](clock=Clock(), build=lambda _: Empty(), jitter=False)
    async with Collector(wanted, **made) as collector:
        await collector.once()
        good, bad = await collector.store.notifiers()
    assert good.last_ok > 0
    assert bad.last_failed > 0
    for start in ("run", "flush"):  # with the next one, of which only `bad` is due
        async with await Store.open(store_path, now=NOW) as store:
            delivery = Delivery(wanted, store, Clock())
            if start == "flush":
                await delivery.flush()
            else:
                task = asyncio.create_task(delivery.run(()))
                while delivery._courier is None:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                await delivery.note_health()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            again, still_bad = await store.notifiers()
        assert again == good
        assert (still_bad.last_ok, still_bad.error) == (0, "no such hook")
        assert still_bad.last_failed >= bad.last_failed
    async with await Store.open(store_path, now=NOW) as store:  # another kind is another one
        other = replace(wanted, notifiers=(NotifierConfig("hook", "slack"),))
        delivery = Delivery(other, store, Clock())
        assert (await delivery._made(hurried=False)).health()[0].last_ok == 0


async def test_a_running_collector_tells(store_path: Path, sent: Sent) -> None:
    async with await opened(store_path) as store:
        await use(store, 60, 6 * NANO)
    wanted = config(store_path, replace(HOOK, group_wait=0), rules=(BUSY,))
    async with Collector(wanted, clock=Clock(), build=lambda _: Empty(), jitter=False) as collector:
        task = asyncio.create_task(collector.run())
        async with asyncio.timeout(20):
            await sent.news.wait()
        collector.stop()
        await task
    assert sent.got == [("hook", "busy", "firing")]


async def test_what_stands_is_told_to_an_alertmanager_again(store_path: Path, sent: Sent) -> None:
    """After a restart, when no parcel says so any more; nobody else hears of it twice."""
    wanted = config(store_path, HOOK, AM)
    clock = Clock()
    async with await opened(store_path) as store:
        await use(store, 60, 6 * NANO)
        alerting = Alerting(wanted, store, clock)
        assert await alerting.standing() == []
        await alerting.tick()
        assert await alerting.standing() == []  # it waits to be told
        await store.delivered([parcel.key for parcel in await store.due(NOW)])
        (event,) = await alerting.standing()
        assert (event.rule, event.notify) == ("spend", ("am", "hook"))
        delivery = Delivery(wanted, store, clock)
        task = asyncio.create_task(delivery.run([event]))
        async with asyncio.timeout(20):
            await sent.news.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        alerting.close()
    assert set(sent.got) == {("am", "spend", "firing")}


async def test_what_waits_for_a_notifier_that_is_gone_is_dropped(
    store_path: Path, sent: Sent
) -> None:
    event = AlertEvent("e", "r", (), "info", "firing", "cost", 2, 1, "1h", NOW, NOW, 0.0)
    async with await opened(store_path) as store:
        await store.put_alerts([], NOW, letters=[("gone", event)])
        await Delivery(config(store_path), store, Clock()).flush()
        assert await store.due(NOW + DAY) == []
    assert sent.got == []


async def test_a_budget_is_forecast_as_the_screen_does_it(store_path: Path) -> None:
    """Weeks of $1 an hour by two, three to one; half a month is left out in the linear way."""
    async with await opened(store_path) as store:
        for ago in range(30, 20 * DAY, HOUR):
            await use(store, ago + 60, NANO * 3 // 4, "ann")
            await use(store, ago + 60, NANO // 4, "bob")
        budget = BudgetConfig("b", 100 * NANO, by=("consumer",), steps=(50_000_000,))
        alerting = Alerting(config(store_path, rules=(), budgets=(budget,)), store, Clock())
        await alerting.evaluate()
        found = {a.labels[0][1]: a for a in await store.alerts() if a.state == "firing"}
        alerting.close()
    assert set(found) == {"ann", "bob"}
    assert found["ann"].labels == (("consumer", "ann"), ("step", "forecast"))
    assert found["ann"].value / NANO == pytest.approx(720 * 0.75, rel=0.01)
    assert found["bob"].value / NANO == pytest.approx(720 * 0.25, rel=0.01)
