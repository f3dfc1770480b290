"""Whatever notifiers answer and whenever the courier is killed: each parcel arrives, in order.

The outbox is the only thing that survives; who receives is the judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.alerts.notify import courier as courier_module
from costtui.alerts.notify.courier import Courier
from costtui.alerts.notify.senders import Outcome
from costtui.config.alert_schema import NotifierConfig
from costtui.model.alert import Parcel

ANSWERS = {
    "ok": Outcome(True, "HTTP 200"),
    "down": Outcome(False, "connection refused"),
    "busy": Outcome(False, "HTTP 429", retry_after=45.0),
    "broken": Outcome(False, "HTTP 500", message=True),
    "refuses": Outcome(False, "HTTP 404", refused=True),
    "bad": Outcome(False, "HTTP 400", refused=True, message=True),
}


class Step(NamedTuple):
    """Some time with more alerts in it, then perhaps a kill."""

    new: list[tuple[int, str]]
    """(episode, state); a state of an episode that does not fit is left out."""
    seconds: float
    turns: int
    """Turns of the loop after that before the kill, or -1 for none."""


STEPS = st.lists(
    st.builds(
        Step,
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["firing", "resolved"])), max_size=4),
        st.sampled_from([0.0, 0.5, 3.0, 20.0, 900.0]),
        st.integers(-1, 40),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module", autouse=True)
def _rarely() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(courier_module, "LOOK_EVERY", 30.0)
        yield


@settings(max_examples=60)
@given(
    steps=STEPS,
    answers=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=25),
    wait=st.sampled_from([0, 5]),
    poison=st.sampled_from(["bad", "broken", ""]),
)
def test_each_parcel_arrives_and_in_order(
    clocks: Callable[[], Any],
    outboxes: Callable[[], Any],
    parcels: Callable[..., Parcel],
    steps: list[Step],
    answers: list[str],
    wait: int,
    poison: str,
) -> None:
    asyncio.run(_play(clocks(), outboxes(), parcels, steps, answers, wait, poison))


async def _play(
    clock: Any,
    outbox: Any,
    make: Callable[..., Parcel],
    steps: list[Step],
    answers: list[str],
    wait: int,
    poison: str,
) -> None:
    arrived: list[int] = []
    waiting = list(answers)

    class Sender:
        async def send(self, parcels: Sequence[Parcel], now: float) -> Outcome:
            await asyncio.sleep(0)
            # The first episode is one that the notifier will never take.
            if poison and any(parcel.event.id == "0" for parcel in parcels):
                return ANSWERS[poison]
            outcome = ANSWERS[waiting.pop(0)] if waiting else ANSWERS["ok"]
            if outcome.ok:
                assert not {parcel.key for parcel in parcels} & set(outbox.delivered_keys)
                arrived.extend(parcel.key for parcel in parcels)
            await asyncio.sleep(0)
            return outcome

        async def close(self) -> None:
            pass

    def start() -> asyncio.Task[None]:
        config = NotifierConfig("n", "webhook", group_wait=wait, group_by=("alertname",))
        return asyncio.create_task(
            Courier([config], outbox, clock, build=lambda _: Sender(), chance=lambda: 0.5).run()
        )

    async def kill() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    put: dict[int, Parcel] = {}
    state: dict[int, str] = {}
    task = start()
    for step in steps:
        for episode, wanted in step.new:
            if state.get(episode) == (None if wanted == "firing" else "firing"):
                state[episode] = wanted
                key = len(put) + 1
                put[key] = make(key, id=str(episode), state=wanted, rule=f"r{episode % 2}")
                outbox.put(put[key])
        await clock.pass_(step.seconds)
        if step.turns >= 0:
            for _ in range(step.turns):
                await asyncio.sleep(0)
            await kill()
            assert set(outbox.delivered_keys) <= set(arrived)
            assert set(outbox.parcels) | set(outbox.delivered_keys) == set(put)
            task = start()
    waiting.clear()  # mended; what it refused is offered within the hour
    await clock.pass_(2 * 3600.0)
    await kill()
    bad = {key for key, parcel in put.items() if poison and parcel.event.id == "0"}
    assert set(outbox.parcels) == bad
    assert set(arrived) == set(put) - bad
    for episode in range(4):
        first = [arrived.index(k) for k, p in put.items() if p.event.id == str(episode)
                 and k in arrived]  # fmt: skip
        assert first == sorted(first)
