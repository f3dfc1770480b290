"""What is kept of alerts: every change once, the state at any moment, no more than retention."""

from __future__ import annotations

import json
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
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.config.schema import Retention
from costtui.errors import StoreError
from costtui.model.charge import Exactness
from costtui.model.snapshot import AlertStatus
from costtui.store import history
from costtui.store.history import changes
from costtui.store.migrate import migrations
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_000.0
DAY = 86_400
NANO = 10**9
Labels = tuple[tuple[str, str], ...]


def status(
    state: str, since: float = NOW, labels: Labels = (), rule: str = "r", **values: Any
) -> AlertStatus:
    value, limit = values.pop("value", 5), values.pop("limit", 3)
    return AlertStatus(rule, labels, state, "warning", value, limit, since, "1h", **values)


def row(rule: str, labels: str, state: str, at: float) -> tuple[Any, ...]:
    return (rule, labels, state, "info", 1, 1, at, "1h", 0, "cost", 0, 0, 0, 0, "", "")


def rows(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "SELECT at, rule, labels, state FROM alert_history ORDER BY id"
        ).fetchall()


async def test_a_life_of_an_alert(store_path: Path) -> None:
    team = (("team", "x"),)
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([status("inactive", NOW, labels=(("team", "near"),))], NOW)
        await store.put_alerts([status("inactive", NOW, labels=(("team", "nearer"),))], NOW + 5)
        await store.put_alerts([status("pending", NOW + 10, labels=team)], NOW + 10)
        await store.put_alerts([status("pending", NOW + 10, labels=team, value=7)], NOW + 15)
        firing = status("firing", NOW + 20, labels=team, value=9 * NANO,
                        exactness=Exactness.LOWER_BOUND)  # fmt: skip
        await store.put_alerts([firing], NOW + 20)
        await store.put_alerts([status("firing", NOW + 20, labels=team, limit=4)], NOW + 30)
        await store.put_alerts([status("resolved", NOW + 40, labels=team)], NOW + 40)
        await store.put_alerts([status("inactive", NOW, labels=(("team", "near"),))], NOW + 50)
        await store.put_alerts([], NOW + 60)
        await store.put_alerts([status("inactive", NOW + 70)], NOW + 70)
    with Reader(store_path, zone=UTC) as reader:
        found = reader.alert_history(0, NOW + 1000)
        assert [(c.at - NOW, c.status.state, dict(c.status.labels).get("team")) for c in found] == [
            (70, "inactive", None), (60, "removed", "near"), (50, "inactive", "x"),
            (40, "resolved", "x"), (30, "firing", "x"), (20, "firing", "x"), (10, "pending", "x"),
            (0, "inactive", "near"),
        ]  # fmt: skip
        assert found[5].status == firing
        assert [c.at - NOW for c in reader.alert_history(NOW + 10, NOW + 40)] == [30, 20, 10]
        assert [c.at - NOW for c in reader.alert_history(0, NOW + 99, limit=2)] == [70, 60]
        assert len(reader.alert_history(0, NOW + 99, rule="r", labels=team)) == 5
        assert reader.alert_history(0, NOW + 99, rule="other") == ()

        def at(after: float) -> list[tuple[str, Labels]]:
            return [(a.state, a.labels) for a in reader.alerts_at(NOW + after)]

        assert at(-1) == []
        assert at(0) == at(9.9) == [("inactive", (("team", "near"),))]
        assert at(10) == [("pending", team)]
        assert at(20) == at(39) == [("firing", team)]
        assert reader.alerts_at(NOW + 25)[0] == firing
        assert reader.alerts_at(NOW + 35)[0].limit == 4
        assert at(45) == [("resolved", team)]
        assert at(55) == [("inactive", team)]
        assert at(65) == []
        assert at(75) == [("inactive", ())]


STATES = ("inactive", "pending", "firing", "resolved")
instances = st.dictionaries(
    st.sampled_from([("a", "x"), ("a", "y"), ("b", "x"), ("b", "")]), st.sampled_from(STATES)
)


@given(st.lists(instances, max_size=12))
def test_the_changes_replayed_are_the_states(told: list[dict[tuple[str, str], str]]) -> None:
    """Whatever is put, replaying the history gives the active states of each time, and telling the
    same twice adds nothing."""
    before: list[AlertStatus] = []
    kept: dict[tuple[str, Labels], str] = {}
    known: dict[str, str] = {}
    for number, states in enumerate(told):
        now = NOW + number
        old = {(a.rule, a.labels): a for a in before}
        after = []
        for (rule, team), state in sorted(states.items()):
            was = old.get((rule, (("team", team),)))
            since = was.since if was is not None and was.state == state else now
            after.append(status(state, since, (("team", team),), rule))
        due = changes(before, after, known, now)
        for rule, labels, state, _, _, _, at, *_ in due:
            assert at == now
            kept[rule, tuple(map(tuple, json.loads(labels)))] = state
            known[rule] = state
        assert changes(after, after, known, now) == []
        active = {key for key, state in kept.items() if state in STATES[1:]}
        wanted = {(a.rule, a.labels): a.state for a in after if a.state != "inactive"}
        assert {key: kept[key] for key in active} == wanted
        for rule in {a.rule for a in after}:
            assert known[rule] != "removed"
        before = after


async def test_what_fails_leaves_neither_states_nor_history(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([status("pending")], NOW)
        real = store._session.bump

        async def fails(*_: int) -> None:
            raise RuntimeError("killed here")

        monkeypatch.setattr(store._session, "bump", fails)
        with pytest.raises(RuntimeError):
            await store.put_alerts([status("firing", NOW + 5)], NOW + 5)
        assert [r[3] for r in rows(store_path)] == ["pending"]
        monkeypatch.setattr(store._session, "bump", real)
        for _ in range(3):
            await store.put_alerts([status("firing", NOW + 5)], NOW + 5)
        assert [r[3] for r in rows(store_path)] == ["pending", "firing"]


CHILD = """
import asyncio, sys
from pathlib import Path
from costtui.model.snapshot import AlertStatus
from costtui.store.writer import Store
STATES = ("pending", "firing", "resolved", "inactive")
async def main():
    path = Path(sys.argv[1])
    async with await Store.open(path, now=1_790_000_000.0) as store:
        told = await store.alerts()
        number = int(told[0].since) + 1 if told else 1
        while True:
            state = STATES[number % 4]
            told = [AlertStatus("r", (), state, "info", 5, 3, number, "1h")]
            await store.put_alerts(told, number)
            print(number, flush=True)
            number += 1
asyncio.run(main())
"""


def test_kill_9_loses_no_change_and_doubles_none(store_path: Path) -> None:
    for told in (3, 11, 7):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(store_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(told):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with closing(sqlite3.connect(store_path)) as db:
            ((since, state),) = db.execute("SELECT since, state FROM alert").fetchall()
        found = rows(store_path)
        assert [r[0] for r in found] == list(range(1, int(since) + 1))
        assert found[-1][3] == state


async def test_retention_keeps_what_views_above_the_floor_begin_with(store_path: Path) -> None:
    keep = Retention(hour=10 * DAY, minute=DAY, requests=DAY)
    team, other = (("team", "x"),), (("team", "y"),)
    async with await Store.open(store_path, keep, now=NOW) as store:
        old = NOW - 40 * DAY
        await store.put_alerts([status("firing", old, team), status("firing", old, other)], old)
        await store.put_alerts(
            [status("resolved", old + 9, team), status("firing", old, other)], old + 9
        )
        await store.put_alerts([status("firing", old, other)], old + 20)  # x is inactive
        await store.prune(NOW)
        assert [(r[2], r[3]) for r in rows(store_path)] == [
            ('[["team", "y"]]', "firing"), ('[["team", "x"]]', "inactive"),
        ]  # fmt: skip
        await store.put_alerts([status("resolved", NOW - DAY, other)], NOW - DAY)
        await store.prune(NOW)
        with Reader(store_path, zone=UTC) as reader:
            assert [a.state for a in reader.alerts_at(NOW - 2 * DAY)] == ["firing"]
            assert [a.state for a in reader.alerts_at(NOW)] == ["resolved"]


async def test_an_alert_that_flaps_for_ever_fills_no_disk(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costtui.store.retention.HISTORY_KEPT", 10)
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([status("firing", NOW, rule="steady")], NOW)
        for number in range(50):
            states = [status("firing", NOW, rule="steady")]
            states.append(status("firing" if number % 2 else "resolved", NOW + number))
            await store.put_alerts(states, NOW + number)
        await store.prune(NOW + 60)
        assert [r[1] for r in rows(store_path)] == ["steady", *["r"] * 10]
        with Reader(store_path, zone=UTC) as reader:
            assert {a.rule for a in reader.alerts_at(NOW + 60)} == {"steady", "r"}


async def test_a_store_of_the_first_schema_starts_with_the_states_it_has(store_path: Path) -> None:
    store_path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(store_path)) as db:
        db.executescript(migrations()[0][1])
        db.execute(
            "INSERT INTO alert (rule, labels, state, severity, value_nano, limit_nano, since, "
            "window, exactness) VALUES ('r', '[]', 'firing', 'info', 5, 3, ?, '1h', 0)", (NOW,)
        )  # fmt: skip
        db.execute("PRAGMA application_id=1668576617")
        db.execute("PRAGMA user_version=1")
        db.commit()
    async with await Store.open(store_path, now=NOW) as store:
        assert [r[3] for r in rows(store_path)] == ["firing"]
        await store.put_alerts([status("resolved", NOW + 9)], NOW + 9)
    assert [(r[0] - NOW, r[3]) for r in rows(store_path)] == [(0, "firing"), (9, "resolved")]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["x", "y"]),
                          st.sampled_from([*STATES, "removed"])), max_size=20),
       st.integers(-1, 31))  # fmt: skip
def test_the_state_at_a_moment_is_the_last_change_before_it(
    told: list[tuple[int, str, str]], moment: int
) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for _, sql in migrations():
            db.executescript(sql)
        last: dict[str, tuple[int, int, str]] = {}
        for number, (at, team, state) in enumerate(told):
            labels = json.dumps([["team", team]])
            db.execute(
                history.INSERT_SQL,
                ("r", labels, state, "info", 1, 1, at, "1h", 0, "cost", 0, 0, 0, 0, "", ""),
            )
            if at <= moment and (at, number) > last.get(team, (-1, -1, ""))[:2]:
                last[team] = (at, number, state)
        found = {a.labels[0][1]: a.state for a in history.states_at(db, moment)}
    newest = max(last.values(), default=None)
    if newest is None or newest[2] == "removed":
        assert found == {}
        return
    active = {team: s for team, (_, _, s) in last.items() if s in STATES[1:]}
    assert found == (active or {team: s for team, (a, n, s) in last.items()
                                if (a, n, s) == newest})  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["r", "s"]),
                          st.sampled_from(["x", "y"]), st.sampled_from([*STATES, "removed"])),
                max_size=25),
       st.integers(0, 31))  # fmt: skip
def test_pruning_changes_no_state_above_the_floor(
    told: list[tuple[int, str, str, str]], floor: int
) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for _, sql in migrations():
            db.executescript(sql)
        for at, rule, team, state in told:
            labels = json.dumps([["team", team]])
            db.execute(history.INSERT_SQL, row(rule, labels, state, at))
        moments = range(floor, 32)
        before = [history.states_at(db, moment) for moment in moments]
        db.execute(history.PRUNE_SQL, (floor,))
        assert [history.states_at(db, moment) for moment in moments] == before
        (old,) = db.execute("SELECT count(*) FROM alert_history WHERE at < ?", (floor,)).fetchone()
        assert old <= 4  # one an instance at most
        latest = history.states_at(db, 99)
        db.execute(history.CAP_SQL, (3,))
        assert history.states_at(db, 99) == latest


def test_a_reader_of_no_store_knows_nothing(store_path: Path) -> None:
    with Reader(store_path, zone=UTC) as reader:
        assert reader.alerts_at(NOW) == ()
        assert reader.alert_history(0, NOW) == ()


async def test_only_what_differs_is_written(store_path: Path) -> None:
    """Among a thousand states one that moves is one row; whatever comes, goes or moves, the table
    is what was put."""
    many = [status("firing", NOW, labels=(("team", f"t{n:04}"),)) for n in range(1000)]
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts(many, NOW)
        with closing(sqlite3.connect(store_path)) as db:
            db.execute("CREATE TABLE seen (position INTEGER)")
            db.execute("CREATE TRIGGER noted AFTER INSERT ON alert "
                       "BEGIN INSERT INTO seen VALUES (new.position); END")  # fmt: skip
            db.commit()

            async def put(alerts: list[AlertStatus], at: float) -> int:
                await store.put_alerts(alerts, at)
                assert list(await store.alerts()) == alerts
                with Reader(store_path, zone=UTC) as reader:
                    assert list(reader.alerts()) == alerts
                (count,) = db.execute("SELECT count(*) FROM seen").fetchone()
                db.execute("DELETE FROM seen")
                db.commit()
                return int(count)

            assert await put(list(many), NOW + 1) == 0
            moved = [*many[:500], replace(many[500], value=99), *many[501:]]
            assert await put(moved, NOW + 2) == 1
            assert await put(moved[:-1], NOW + 3) == 0
            assert await put(moved, NOW + 4) == 1
            assert await put(moved[:10] + moved[11:], NOW + 5) == 989
            assert await put([], NOW + 6) == 0
    # A writer that begins knows nothing yet.
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts(many[:3], NOW + 7)
        await store.put_alerts([many[1]], NOW + 8)
        assert list(await store.alerts()) == [many[1]]


async def test_what_failed_is_not_remembered(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (status("firing", NOW, labels=(("team", t),)) for t in "xy")
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([one], NOW)

        async def full(*_: Any) -> None:
            raise StoreError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr("costtui.store.states.post", full)
            with pytest.raises(StoreError):
                await store.put_alerts([one, other], NOW + 1)
        assert await store.alerts() == (one,)
        await store.put_alerts([other], NOW + 2)
        assert await store.alerts() == (other,)
    async with await Store.open(store_path, now=NOW) as store:
        assert await store.alerts() == (other,)
