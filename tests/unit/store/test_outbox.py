"""Parcels on their way: with the states or not at all, in order, over crashes."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from costtui.errors import StoreBusyError, StoreError
from costtui.model.alert import Ack, AlertEvent, AlertStatus, Matcher, Parcel, Silence
from costtui.model.charge import Exactness
from costtui.store import outbox, silences
from costtui.store.migrate import migrations
from costtui.store.outbox import Told, event_from_text, event_to_text
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_000.0
DAY = 86_400


def event(state: str = "firing", identity: str = "e1", **more: Any) -> AlertEvent:
    return AlertEvent(
        identity, "r", (("team", "x\ud800"),), "warning", state, "share", 5, 3, "1h", NOW - 9, NOW,
        0.0, Exactness.ESTIMATE, "words", "bob", (("route", "a"),), ("hook",), **more,
    )  # fmt: skip


def status(state: str = "firing", identity: str = "e1") -> AlertStatus:
    return AlertStatus(
        "r", (("team", "x"),), state, "warning", 5, 3, NOW, "1h", Exactness.ESTIMATE, "share",
        NOW - 9, NOW, 0.0, 0.0, identity, "bob",
    )  # fmt: skip


def test_an_event_survives_its_text() -> None:
    for one in (event(), event()._replace(notify=None), event()._replace(notify=())):
        assert event_from_text(event_to_text(one)) == one
    later = event_to_text(event()).replace('"id"', '"unheard": 1, "id"')
    assert event_from_text(later) == event()


async def test_a_status_comes_back_as_it_was(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        given = replace(status(), keep_since=NOW + 1, resolved_at=NOW + 2)
        await store.put_alerts([given], NOW)
        assert await store.alerts() == (given,)
        assert await store.evaluated_at() == NOW
        with Reader(store_path, zone=UTC) as reader:
            assert reader.alerts() == (given,)
            assert reader.alerts_at(NOW + 9) == (given,)


async def test_parcels_are_due_in_order_until_delivered(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        both = [("hook", event()), ("page", event())]
        await store.put_alerts([status()], NOW, letters=both)
        assert await store.due(NOW - 1) == []
        first, second = await store.due(NOW)
        assert first == Parcel(first.key, "hook", event(), 0, NOW)
        assert await store.due(NOW, 1) == [first]
        assert await store.told() == {
            ("e1", "hook"): Told("firing", NOW, waiting=True),
            ("e1", "page"): Told("firing", NOW, waiting=True),
        }
        await store.delivered([second.key])
        await store.delivered([second.key])
        await store.failed([first.key], "refused", NOW + 60)
        assert await store.due(NOW + 59) == []
        # The end waits for the beginning, which is being retried.
        await store.put_alerts([status("resolved")], NOW + 5, letters=[("hook", event("resolved"))])
        assert await store.due(NOW + 59) == []
        again = await store.due(NOW + 60)
        assert [(p.event.state, p.attempts) for p in again] == [("firing", 1), ("resolved", 0)]
        assert (await store.told())["e1", "hook"] == Told("resolved", NOW + 5, waiting=True)
        assert (await store.told())["e1", "page"] == Told("firing", NOW, waiting=False)


async def test_telling_again_is_no_new_revision(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([status()], NOW)
        revision = store.revision
        await store.put_alerts([status()], NOW + 60, letters=[("hook", event())])
        assert store.revision == revision
        assert len(await store.due(NOW + 60)) == 1


async def test_what_was_told_is_forgotten_with_the_episode(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([status()], NOW, letters=[("hook", event())])
        await store.put_alerts([], NOW + 9, letters=[("hook", event("resolved"))])
        assert await store.told() == {}
        assert [p.event.state for p in await store.due(NOW + 9)] == ["firing", "resolved"]


async def test_what_fails_leaves_no_parcel(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise RuntimeError("killed here")

    async with await Store.open(store_path, now=NOW) as store:
        monkeypatch.setattr("costtui.store.states.post", fails)
        with pytest.raises(RuntimeError):
            await store.put_alerts([status()], NOW, letters=[("hook", event())])
        assert await store.alerts() == ()
        assert await store.due(NOW) == []
        with Reader(store_path, zone=UTC) as reader:
            assert reader.alert_history(0, NOW + 9) == ()


_KILLED = """
import asyncio, sys
from pathlib import Path
from tests.unit.store.test_outbox import NOW, event, status
from costtui.store.writer import Store
async def main():
    store = await Store.open(Path(sys.argv[1]), now=NOW)
    number = 0
    while True:
        identity = f"e{number}"
        await store.put_alerts([status("firing", identity)], NOW + number,
                               letters=[("hook", event("firing", identity))])
        print(identity, flush=True)
        number += 1
asyncio.run(main())
"""


def test_a_kill_neither_loses_nor_doubles_a_parcel(store_path: Path) -> None:
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(store_path)], stdout=subprocess.PIPE, text=True,
        cwd=root,
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(7):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    said = 7 + len(process.stdout.read().split())
    process.wait()
    process.stdout.close()

    async def look() -> tuple[list[Parcel], tuple[AlertStatus, ...]]:
        async with await Store.open(store_path, now=NOW) as store:
            return await store.due(NOW + 10**6, 10**6), await store.alerts()

    parcels, states = asyncio.run(look())
    assert [p.event.id for p in parcels] == [f"e{n}" for n in range(len(parcels))]
    assert said <= len(parcels) <= said + 1
    assert [a.id for a in states] == [parcels[-1].event.id]


async def test_old_parcels_go(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_KEPT", 2)
    async with await Store.open(store_path, now=NOW) as store:
        for n in range(4):
            await store.put_alerts([status("firing", f"e{n}")], NOW + n,
                                   letters=[("hook", event("firing", f"e{n}"))])  # fmt: skip
        await store.prune(NOW + 10)
        assert [p.event.id for p in await store.due(NOW + 10)] == ["e2", "e3"]
        await store.prune(NOW + 4 * DAY)
        assert await store.due(NOW + 4 * DAY) == []


# What viewers write ----------------------------------------------------------------------------

WANTED = Silence(0, (Matcher("team", "=~", "x|y"),), NOW, NOW + 60, "deploy\ud800", "ann")


async def test_viewers_write_beside_a_collector(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        with Reader(store_path, zone=UTC) as reader:
            before = reader.revision()
            first = silences.silence(store_path, WANTED)
            second = silences.silence(store_path, WANTED._replace(ends=NOW + 90))
            assert reader.revision() == before + 2
            assert second == first + 1
            kept = WANTED._replace(id=first, reason="deploy?")
            assert reader.silences() == await store.silences()
            assert reader.silences()[0]._replace(reason="") == kept._replace(reason="")
            assert silences.end_silence(store_path, first, NOW + 5)
            assert not silences.end_silence(store_path, first, NOW + 6)
            assert not silences.end_silence(store_path, 99, NOW)
            assert [s.ends for s in reader.silences()] == [NOW + 5, NOW + 90]
            ack = Ack("r", (("team", "x"),), "e1", NOW, "ann", "I know")
            silences.acknowledge(store_path, ack)
            silences.acknowledge(store_path, ack._replace(author="bob"))
            assert reader.acks() == await store.acks() == (ack._replace(author="bob"),)
            assert silences.unacknowledge(store_path, "e1")
            assert not silences.unacknowledge(store_path, "e1")
        # The collector goes on as if nothing had happened.
        await store.put_alerts([status()], NOW)


async def test_a_viewer_waits_for_a_write_and_gives_up(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silences, "BUSY_MS", 50)
    async with await Store.open(store_path, now=NOW):
        with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusyError):
                silences.silence(store_path, WANTED)
            other.execute("ROLLBACK")
        assert silences.silence(store_path, WANTED) == 1


def test_what_makes_no_sense_is_refused(store_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        silences.silence(store_path, WANTED)
    for wrong in (WANTED._replace(matchers=()), WANTED._replace(ends=NOW)):
        with pytest.raises(ValueError, match="a silence"):
            silences.silence(store_path, wrong)
    with pytest.raises(ValueError, match="firing"):
        silences.acknowledge(store_path, Ack("r", (), "", NOW))


async def test_ended_silences_and_old_acknowledgements_go(store_path: Path) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([status()], NOW)
        silences.silence(store_path, WANTED)
        for episode in ("e1", "gone"):
            silences.acknowledge(store_path, Ack("r", (), episode, NOW))
        await store.prune(NOW + 2 * DAY)
        assert [a.episode for a in await store.acks()] == ["e1"]
        assert len(await store.silences()) == 1
        await store.prune(NOW + 31 * DAY)
        assert await store.silences() == ()


async def test_a_store_of_the_second_schema_keeps_what_fires(store_path: Path) -> None:
    store_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(store_path)) as db:
        for _, sql in migrations()[:2]:
            db.executescript(sql)
        rows = (("firing", "[]"), ("pending", '[["team", "x"]]'), ("resolved", '[["team", "y"]]'))
        for state, labels in rows:
            db.execute(
                "INSERT INTO alert (rule, labels, state, severity, value_nano, limit_nano, since, "
                "window, exactness) VALUES ('r', ?, ?, 'info', 5, 3, ?, '1h', 0)",
                (labels, state, NOW),
            )
        db.execute("PRAGMA application_id=1668576617")
        db.execute("PRAGMA user_version=2")
        db.commit()
    async with await Store.open(store_path, now=NOW) as store:
        found = await store.alerts()
    assert [(a.state, a.active_at, a.fired_at, a.resolved_at, a.unit) for a in found] == [
        ("firing", NOW, NOW, 0.0, "cost"),
        ("pending", NOW, 0.0, 0.0, "cost"),
        ("resolved", NOW, NOW, NOW, "cost"),
    ]
