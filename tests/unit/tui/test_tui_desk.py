"""The reader's thread: newest question wins, errors are answers, a failed reader is replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC
from typing import Any, cast

from costtui.errors import StoreCorruptError
from costtui.model.notifier import NotifierHealth
from costtui.model.snapshot import AlertStatus, Overview, SourceStatus, Totals, View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.tui.data import Answer, Data, Desk
from costtui.tui.watch import Firings, News, Watch


class Scripted:
    """A `Data` that only counts."""

    def __init__(self) -> None:
        self.closed = False
        self.version = 1
        self.number = 1
        self.alive = True

    def close(self) -> None:
        self.closed = True

    def data_version(self) -> int:
        return self.version

    def revision(self) -> int:
        return self.number

    def statuses(self) -> tuple[SourceStatus, ...]:
        return (SourceStatus("a", "jsonl", "g"),)

    def notifiers(self) -> tuple[NotifierHealth, ...]:
        return ()

    def collector_alive(self, now: float) -> bool:
        return self.alive


def constant(value: object) -> Callable[[Data], object]:
    return lambda _: value


def desk(make: Callable[[], Scripted]) -> tuple[Desk, list[Answer], threading.Semaphore]:
    made = Desk(cast("Callable[[], Data]", make))
    answers: list[Answer] = []
    arrived = threading.Semaphore(0)

    def deliver(answer: Answer) -> None:
        answers.append(answer)
        arrived.release()

    made.attach(deliver)
    return made, answers, arrived


def test_a_newer_question_replaces_a_waiting_one_of_its_kind() -> None:
    made, answers, arrived = desk(Scripted)
    for number in range(5):
        made.ask("overview", constant(number), tag=number)
    made.ask("check", lambda _: "checked")
    made.start()
    assert arrived.acquire(timeout=5)
    assert arrived.acquire(timeout=5)
    assert [(a.kind, a.value, a.tag) for a in answers] == [
        ("overview", 4, 4),
        ("check", "checked", None),
    ]
    made.close()


def test_an_error_is_an_answer_and_the_reader_is_opened_again() -> None:
    readers: list[Scripted] = []

    def make() -> Scripted:
        readers.append(Scripted())
        return readers[-1]

    def fail(_: object) -> object:
        raise StoreCorruptError("page 3")

    made, answers, arrived = desk(make)
    made.start()
    made.ask("overview", fail)
    assert arrived.acquire(timeout=5)
    made.ask("overview", lambda data: cast("Any", data).data_version())
    assert arrived.acquire(timeout=5)
    assert isinstance(answers[0].error, StoreCorruptError)
    assert answers[1].value == 1
    assert [r.closed for r in readers] == [True, False]
    made.close()
    assert readers[1].closed


def test_a_factory_that_fails_is_an_error_too_and_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> Scripted:
        tries.append(1)
        if len(tries) == 1:
            raise StoreCorruptError("not yet")
        return Scripted()

    made, answers, arrived = desk(make)
    made.start()
    for _ in range(2):
        made.ask("overview", lambda _: "fine")
        assert arrived.acquire(timeout=5)
    assert [bool(a.error) for a in answers] == [True, False]
    made.close()


def test_nothing_new_wakes_nobody() -> None:
    made, answers, arrived = desk(Scripted)
    made.start()
    made.ask("check", lambda _: None)
    made.ask("end", lambda _: 1)
    assert arrived.acquire(timeout=5)
    assert [a.kind for a in answers] == ["end"]
    made.close()


def test_an_early_answer_is_kept_until_somebody_takes_it() -> None:
    made = Desk(cast("Callable[[], Data]", Scripted))
    made.start()
    made.ask("overview", lambda _: "early")
    found = made.take_early("overview", 5)
    assert found is not None
    assert found.value == "early"
    assert made.take_early("overview", 0) is None
    made.close()
    made.close()


def watched(data: Scripted, watch: Watch, now: float) -> News | None:
    return watch.check(cast("Data", data), now)


def test_watching_says_what_is_new_and_nothing_else() -> None:
    data, watch = Scripted(), Watch(None)
    assert watched(data, watch, 100.0) == News(alive=True)
    assert watched(data, watch, 101.0) is None
    data.version = 2
    assert watched(data, watch, 102.0) == News(statuses=data.statuses())
    data.version, data.number = 3, 2
    assert watched(data, watch, 103.0) == News(changed=True)
    data.alive = False
    assert watched(data, watch, 104.0) is None  # looked at five seconds ago
    assert watched(data, watch, 106.0) == News(alive=False)


def test_a_collector_that_cannot_start_is_said_once_and_taken_back() -> None:
    problems: list[str | None] = [None, "no space", "no space", None]
    data, watch = Scripted(), Watch(lambda: problems.pop(0))
    watched(data, watch, 0.0)
    assert watched(data, watch, 1.0) == News(problem="no space")
    assert watched(data, watch, 2.0) is None
    assert watched(data, watch, 3.0) == News(problem="")


def overview(revision: int) -> Overview:
    zero = Totals()
    window = window_at(WINDOW_BY_NAME["1h"], 7200.0, UTC)
    return Overview(
        View(window), revision, 7200.0, zero, zero, zero, zero, zero, zero, 0, (), (),
        frozenset(), (), (), (),
    )  # fmt: skip


def test_usage_stored_between_the_first_overview_and_the_first_look_is_news() -> None:
    data, watch = Scripted(), Watch(None)
    first = overview(1)
    data.overview = lambda *_: first  # type: ignore[attr-defined]
    assert watch.overview(cast("Data", data), first.view, 0.0, ()) is first
    data.version, data.number = 2, 2
    assert watched(data, watch, 1.0) == News(changed=True)
    assert watched(data, watch, 2.0) is None


def test_a_quick_look_leaves_the_collector_alone() -> None:
    problems: list[str] = ["no space", "no space"]
    data, watch = Scripted(), Watch(lambda: problems.pop(0))
    assert watched(data, watch, 1.0) == News(problem="no space")
    for moment in (1.2, 1.4):
        assert watch.check(cast("Data", data), moment, ensure=False) is None
    assert watched(data, watch, 2.0) is None
    assert not problems


def test_every_firing_instance_rings_once() -> None:
    def alert(state: str, since: float, value: str = "a") -> AlertStatus:
        return AlertStatus("r", (("model", value),), state, "warning", 1, 1, since, "1h")

    rung = Firings()
    assert not rung.new([alert("pending", 1)])
    assert rung.new([alert("firing", 2)])
    assert not rung.new([alert("firing", 2)])
    assert rung.new([alert("firing", 2), alert("firing", 2, "b")])
    assert not rung.new([])
    assert rung.new([alert("firing", 9)])
