"""The courier: at least once, in order, one notifier never in another's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from costtui.alerts.notify import courier as courier_module
from costtui.alerts.notify import lane
from costtui.alerts.notify.addresses import addressed
from costtui.alerts.notify.courier import Courier
from costtui.alerts.notify.senders import Outcome
from costtui.config.alert_schema import NotifierConfig
from costtui.errors import StoreFullError
from costtui.model.alert import AlertEvent, Parcel

Make = Callable[..., Parcel]
OK = Outcome(True, "HTTP 200")
DOWN = Outcome(False, "connection refused")


class Script:
    """A sender that answers as it is told, and remembers what it was given."""

    def __init__(self, *outcomes: Outcome | BaseException) -> None:
        self.outcomes = list(outcomes)
        self.always: Callable[[Sequence[Parcel]], Outcome] = lambda _: OK
        self.sent: list[list[int]] = []
        self.at: list[float] = []
        self.events: list[list[AlertEvent]] = []
        self.hang: asyncio.Event | None = None
        self.closed = 0

    async def send(self, parcels: Sequence[Parcel], now: float) -> Outcome:
        self.sent.append([parcel.key for parcel in parcels])
        self.events.append([parcel.event for parcel in parcels])
        self.at.append(now)
        await asyncio.sleep(0)
        if self.hang is not None:
            await self.hang.wait()
        if not self.outcomes:
            return self.always(parcels)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def close(self) -> None:
        self.closed += 1


def config(name: str = "n", **given: Any) -> NotifierConfig:
    usual: dict[str, Any] = {"type": "webhook", "group_wait": 0}
    return NotifierConfig(name, **(usual | given))


@asynccontextmanager
async def running(
    outbox: Any, clock: Any, senders: dict[str, Script], configs: Sequence[NotifierConfig] = ()
) -> AsyncIterator[Courier]:
    courier = Courier(
        configs or [config(name) for name in senders],
        outbox,
        clock,
        build=lambda c: senders[c.name],
        chance=lambda: 0.0,
    )
    task = asyncio.create_task(courier.run())
    await clock.settle()
    try:
        yield courier
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert all(sender.closed == 1 for sender in senders.values())


async def test_what_is_due_is_delivered_once(outbox: Any, ticking: Any, parcel: Make) -> None:
    sender = Script()
    outbox.put(parcel(1), parcel(2, id="e2"))
    async with running(outbox, ticking, {"n": sender}) as courier:
        assert sender.sent == [[1, 2]]
        await ticking.pass_(10)
        assert sender.sent == [[1, 2]]
        assert outbox.parcels == {}
        (health,) = courier.health()
        assert (health.waiting, health.error, health.failures) == (0, "", 0)
        assert health.last_ok > 0


async def test_a_wake_up_makes_it_look_at_once(outbox: Any, ticking: Any, parcel: Make) -> None:
    sender = Script()
    async with running(outbox, ticking, {"n": sender}) as courier:
        outbox.put(parcel(1))
        courier.wake()
        await ticking.settle()
        assert sender.sent == [[1]]


async def test_alerts_of_a_group_are_gathered_into_one_message(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    sender = Script()
    grouped = config(group_by=("team",), group_wait=10)
    async with running(outbox, ticking, {"n": sender}, [grouped]) as courier:
        outbox.put(parcel(1, id="a"))
        courier.wake()
        await ticking.pass_(5)
        outbox.put(parcel(2, id="b", labels=(("team", "data"),)), parcel(3, id="c"))
        courier.wake()
        await ticking.pass_(4.9)
        assert sender.sent == []
        await ticking.pass_(0.2)
        assert sender.sent == [[1, 3]]
        await ticking.pass_(5)
        assert sender.sent == [[1, 3], [2]]


async def test_a_message_is_bounded(outbox: Any, ticking: Any, parcel: Make) -> None:
    sender = Script()
    outbox.put(*(parcel(n, id=f"e{n}") for n in range(1, 121)))
    async with running(outbox, ticking, {"n": sender}):
        await ticking.settle()
        assert [len(keys) for keys in sender.sent] == [50, 50, 20]


@pytest.fixture
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours pass in these tests, and each look costs some."""
    monkeypatch.setattr(courier_module, "LOOK_EVERY", 1000.0)


@pytest.mark.usefixtures("rarely")
async def test_it_is_tried_again_ever_more_slowly_and_for_ever(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    sender = Script(*[DOWN] * 20)
    outbox.put(parcel(1))
    async with running(outbox, ticking, {"n": sender}) as courier:
        await ticking.pass_(2 + 4 + 8)
        assert len(sender.sent) == 4
        (health,) = courier.health()
        assert (health.error, health.failures, health.waiting) == ("connection refused", 4, 1)
        assert health.retry_at == ticking.now() + 16
        await ticking.pass_(20_000)
        gaps = [b - a for a, b in zip(sender.at, sender.at[1:], strict=False)]
        assert gaps[:9] == [2, 4, 8, 16, 32, 64, 128, 256, 512]
        assert set(gaps[9:]) == {600}
        assert outbox.parcels == {}
        assert courier.health()[0].error == ""


@pytest.mark.parametrize(("failures", "low", "high"), [(1, 1, 2), (5, 16, 32), (99, 300, 600)])
def test_back_off_has_jitter_and_a_ceiling(failures: int, low: float, high: float) -> None:
    found = [lane.backoff(failures, n / 10) for n in range(10)]
    assert max(found) == high
    assert low < min(found) < high


@pytest.mark.usefixtures("rarely")
async def test_retry_after_is_honoured_within_reason(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    busy = [Outcome(False, "HTTP 429", retry_after=s) for s in (90, 10**9)]
    sender = Script(*busy)
    outbox.put(parcel(1))
    async with running(outbox, ticking, {"n": sender}):
        await ticking.pass_(89)
        assert len(sender.sent) == 1
        await ticking.pass_(2)
        assert len(sender.sent) == 2
        await ticking.pass_(3600)
        assert len(sender.sent) == 3
        assert outbox.parcels == {}


async def test_a_dead_or_hanging_notifier_delays_nobody(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    senders = {"hangs": Script(), "dead": Script(), "fine": Script()}
    senders["hangs"].hang = asyncio.Event()
    senders["dead"].always = lambda _: DOWN
    for number in range(1, 3001):
        outbox.put(parcel(number, ("hangs", "dead")[number % 2], id=f"e{number}"))
    outbox.put(parcel(5000, "fine", id="last"))
    async with running(outbox, ticking, senders) as courier:
        await ticking.settle()
        assert senders["fine"].sent == [[5000]]
        await ticking.pass_(100)  # all of it is due again and again
        outbox.put(parcel(5001, "fine", id="later"))
        await ticking.pass_(3)
        assert senders["fine"].sent == [[5000], [5001]]
        assert {h.name: h.waiting for h in courier.health()} == {
            "hangs": lane.MOST_HELD, "dead": lane.MOST_HELD, "fine": 0,
        }  # fmt: skip
    assert len(outbox.parcels) == 3000


async def test_the_end_never_overtakes_the_beginning(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    sender = Script(DOWN, DOWN, DOWN)
    outbox.put(parcel(1))
    async with running(outbox, ticking, {"n": sender}) as courier:
        outbox.put(parcel(2, state="resolved"))
        courier.wake()
        await ticking.pass_(60)
        assert sender.sent[-1] == [1, 2]
        assert [e.state for e in sender.events[-1]] == ["firing", "resolved"]


async def test_nor_does_it_after_a_restart(outbox: Any, ticking: Any, parcel: Make) -> None:
    """The firing one is to be tried again in ten minutes, the resolved one is due now."""
    outbox.put(parcel(1, attempts=9), parcel(2, state="resolved"))
    outbox.retry_at[1] = ticking.now() + 600
    sender = Script()
    async with running(outbox, ticking, {"n": sender}):
        assert sender.sent == [[1, 2]]


@pytest.mark.usefixtures("rarely")
async def test_nor_does_it_when_the_beginning_is_refused(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    bad = Outcome(False, "HTTP 400", refused=True, message=True)
    sender = Script()
    sender.always = lambda parcels: bad if any(p.key == 1 for p in parcels) else OK
    outbox.put(parcel(1), parcel(2, state="resolved"), parcel(3, id="other"))
    async with running(outbox, ticking, {"n": sender}) as courier:
        await ticking.pass_(100)
        assert set(outbox.parcels) == {1, 2}
        assert [3] in sender.sent
        assert courier.health()[0].refused == 1
        sender.always = lambda _: OK
        await ticking.pass_(3700)
        assert outbox.parcels == {}
        assert outbox.delivered_keys == [3, 1, 2]


@pytest.mark.usefixtures("rarely")
async def test_one_bad_message_takes_no_others_along_and_is_offered_hourly(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    bad = Outcome(False, "HTTP 422: no", refused=True, message=True)
    sender = Script()
    sender.always = lambda parcels: bad if any(p.key == 2 for p in parcels) else OK
    outbox.put(*(parcel(n, id=f"e{n}") for n in range(1, 6)))
    async with running(outbox, ticking, {"n": sender}) as courier:
        await ticking.pass_(30)
        assert set(outbox.parcels) == {2}
        tried = sender.sent.count([2])
        await ticking.pass_(3500)
        assert sender.sent.count([2]) == tried
        await ticking.pass_(200)
        assert sender.sent.count([2]) == tried + 1
        (health,) = courier.health()
        assert (health.refused, health.error) == (1, "HTTP 422: no")


async def test_a_server_that_fails_on_one_message_gets_the_others(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    sender = Script()
    crash = Outcome(False, "HTTP 500", message=True)
    sender.always = lambda parcels: crash if any(p.key == 1 for p in parcels) else OK
    outbox.put(*(parcel(n, id=f"e{n}") for n in range(1, 4)))
    async with running(outbox, ticking, {"n": sender}):
        await ticking.pass_(120)
        assert set(outbox.parcels) == {1}


async def test_a_refused_notifier_that_is_mended_gets_all_at_the_next_success(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    gone = Outcome(False, "HTTP 404", refused=True)
    sender = Script(*[gone] * 3)
    outbox.put(parcel(1, id="a"))
    async with running(outbox, ticking, {"n": sender}) as courier:
        await ticking.pass_(60)
        assert courier.health()[0].refused == 1
        outbox.put(parcel(2, id="b"))
        courier.wake()
        await ticking.settle()
        assert outbox.parcels == {}
        assert courier.health()[0].refused == 0


async def test_a_store_that_is_full_makes_no_second_message(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    def full(what: str) -> None:
        if what == "delivered":
            raise StoreFullError("disk full")

    sender = Script()
    outbox.put(parcel(1))
    outbox.fault = full
    async with running(outbox, ticking, {"n": sender}) as courier:
        await ticking.pass_(60)
        outbox.put(parcel(2, id="b"))
        await ticking.pass_(60)
        assert sender.sent == [[1], [2]]
        outbox.fault = lambda _: None
        await ticking.pass_(10)
        assert outbox.parcels == {}
        assert courier.health()[0].waiting == 0


async def test_an_outbox_that_cannot_be_read_is_asked_again(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    def broken(what: str) -> None:
        raise StoreFullError("disk full")

    sender = Script()
    outbox.put(parcel(1))
    outbox.fault = broken
    async with running(outbox, ticking, {"n": sender}):
        await ticking.pass_(10)
        assert sender.sent == []
        outbox.fault = lambda _: None
        await ticking.pass_(2)
        assert sender.sent == [[1]]


async def test_parcels_of_a_notifier_that_is_no_more_are_dropped(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    outbox.put(parcel(1, "gone"), parcel(2, "n", id="b"))
    async with running(outbox, ticking, {"n": Script()}):
        await ticking.settle()
        assert outbox.parcels == {}


async def test_a_defect_of_a_sender_is_a_failed_try(
    outbox: Any, ticking: Any, parcel: Make
) -> None:
    sender = Script(RuntimeError("a defect"))
    outbox.put(parcel(1))
    async with running(outbox, ticking, {"n": sender}):
        await ticking.pass_(5)
        assert sender.sent == [[1], [1]]
        assert outbox.errors == ["internal error: RuntimeError"]
        assert outbox.parcels == {}


@pytest.mark.parametrize("steps", range(60))
async def test_killed_anywhere_nothing_is_lost(
    steps: int, outbox: Any, ticking: Any, parcel: Make
) -> None:
    """Cancelled after `steps` turns of the loop, then started again: all of it arrives, in order,
    and nothing that the outbox had been told is sent again."""
    outbox.put(
        parcel(1, id="a"), parcel(2, id="b"), parcel(3, id="a", state="resolved"), parcel(4, id="c")
    )
    seen: list[int] = []

    def take(parcels: Sequence[Parcel]) -> Outcome:
        noted = set(outbox.delivered_keys)
        assert not noted & {parcel.key for parcel in parcels}
        seen.extend(parcel.key for parcel in parcels)
        return OK

    for round_ in range(2):
        sender = Script(*([DOWN] if round_ == 0 and steps % 3 == 0 else []))
        sender.always = take
        courier = Courier([config()], outbox, ticking, build=lambda _, s=sender: s)  # type: ignore[misc]
        task = asyncio.create_task(courier.run())
        for _ in range(steps if round_ == 0 else 200):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if round_ == 0:
            assert set(outbox.parcels) | set(outbox.delivered_keys) == {1, 2, 3, 4}
            assert set(outbox.delivered_keys) <= set(seen)
    assert set(seen) == {1, 2, 3, 4}
    assert outbox.parcels == {}
    assert seen.index(1) < seen.index(3)


async def test_alertmanager_hears_again_of_what_fires(
    outbox: Any, ticking: Any, parcel: Make, event: Callable[..., AlertEvent]
) -> None:
    sender = Script()
    am = config(type="alertmanager")
    outbox.put(parcel(1))
    async with running(outbox, ticking, {"n": sender}, [am]) as courier:
        courier.seed([event(id="before"), event(id="not ours", notify=())])
        await ticking.pass_(61)
        told = [sorted(e.id for e in events) for events in sender.events]
        assert told == [["e1"], ["before", "e1"]]
        outbox.put(parcel(2, state="resolved"))
        courier.wake()
        await ticking.pass_(60)
        told = [sorted(e.id for e in events) for events in sender.events]
        assert told[2:] == [["e1"], ["before"]]
        sender.outcomes = [DOWN, DOWN]
        await ticking.pass_(61)
        assert courier.health()[0].error == "connection refused"
        await ticking.pass_(10)
        assert courier.health()[0].error == ""
        assert outbox.parcels == {}


def test_who_is_told_of_what(event: Callable[..., AlertEvent]) -> None:
    all_ = [
        config("info"),
        config("crit", severity="critical"),
        config("start", resolved=False),
        config("am", type="alertmanager", resolved=False),
    ]
    assert addressed(all_, event()) == ("info", "start", "am")
    assert addressed(all_, event(severity="critical")) == ("info", "crit", "start", "am")
    assert addressed(all_, event(state="resolved")) == ("info", "am")
    assert addressed(all_, event(notify=("start", "crit"))) == ("start",)
    assert addressed(all_, event(notify=())) == ()


async def test_an_answer_of_the_outbox_that_is_old_sends_nothing_again(
    outbox: Any, ticking: Any, parcel: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked before the delivery was noted, and answers after."""
    sender = Script()
    sender.hang = asyncio.Event()
    outbox.put(parcel(1))
    async with running(outbox, ticking, {"n": sender}) as courier:
        go_on = asyncio.Event()
        due = outbox.due

        async def slow(now: float, limit: int) -> list[Parcel]:
            found: list[Parcel] = await due(now, limit)
            await go_on.wait()
            return found

        monkeypatch.setattr(outbox, "due", slow)
        courier.wake()
        await ticking.settle()
        sender.hang.set()
        await ticking.settle()
        assert outbox.parcels == {}
        go_on.set()
        await ticking.pass_(5)
        assert sender.sent == [[1]]
