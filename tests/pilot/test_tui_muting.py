"""`a` and `z`: acknowledging and silencing, on a real store; and who cannot be told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.events import Paste

from costtui.config.schema import StoreConfig
from costtui.store.connection import BUSY_MS
from costtui.store.reader import Reader
from costtui.store.writer import Store
from costtui.tui.quieting import READONLY

Start = Any
HOSTILE = "\x1b[31mx\x1b[0m [b]\u202e"


def made(path: Path, fakes: ModuleType) -> None:
    """A store whose alerts are those of the fakes."""

    async def go() -> None:
        async with await Store.open(path, now=fakes.NOW) as store:
            await store.put_alerts(fakes.BUDGETS.firing(), fakes.NOW)

    asyncio.run(go())


class Stored:
    """The fakes' overview, with what a real store has of silences and acknowledgements."""

    def __init__(self, fakes: ModuleType, path: Path) -> None:
        self.reader = Reader(path, zone=UTC)
        self.fakes, self.health = fakes, fakes.BUDGETS.health()

    def answer(self, view: Any, now: float, dimensions: Any) -> Any:
        found = self.fakes.overview(view.window, now=now, dimensions=dimensions)
        return replace(
            found, alerts=self.fakes.BUDGETS.firing(), silences=self.reader.silences(),
            acks=self.reader.acks(), notifiers=self.health,
        )  # fmt: skip


@pytest.fixture
def store(store_path: Path, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUDO_USER", "ann")
    made(store_path, fakes)
    return store_path


@contextmanager
def app_of(start: Start, fakes: ModuleType, path: Path, **options: Any) -> Iterator[Any]:
    stored = Stored(fakes, path)
    data = fakes.FakeData(stored.answer)
    data.revision = stored.reader.revision
    data.data_version = stored.reader.data_version
    budgets, notifiers = fakes.BUDGETS.TREE, fakes.BUDGETS.NOTIFIERS
    config = replace(
        fakes.config(), budgets=budgets, notifiers=notifiers, store=StoreConfig(path),
    )  # fmt: skip
    yield start(data, config=config, **options)


def kept(path: Path) -> Reader:
    return Reader(path, zone=UTC)


async def test_a_acknowledges_and_takes_it_back(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4")
            await ui.press("down", "down")
            assert "▌ FIRING   budget a week 80%" in ui.text
            await ui.press("a")
            await ui.until(lambda: "Acknowledged: budget a week step=80%" in ui.toasts)
            (ack,) = kept(store).acks()
            assert (ack.rule, ack.author, ack.at) == ("budget a week", "ann", fakes.NOW)
            await ui.until(lambda: "acked     budget a week 80%" in ui.text)
            assert "9 firing (6 muted)" in ui.lines[0]
            # on to the next that somebody is told of, and not down with the row
            assert "▌ FIRING   budget company 80%" in ui.text
            table = ui.app.screen.instances
            table.go(next(n for n, a in enumerate(table.items) if a.rule == "budget a week"))
            await ui.settle()
            assert "acked by ann 22 Nov 10:57" in ui.text
            await ui.press("a")
            await ui.until(lambda: "No longer acknowledged" in ui.toasts)
            assert kept(store).acks() == ()


async def test_what_does_not_fire_is_not_acknowledged(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4", "end", "a")
            assert "does not fire" in ui.toasts
            await ui.press("f5", "end", "a")
            assert kept(store).acks() == ()


async def test_z_asks_how_long_of_what_and_why_and_says_what_that_mutes(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4")
            assert "discovery 100%" in next(line for line in ui.lines if "▌" in line)
            await ui.press("z")
            assert "[x] alert = budget team" in ui.text
            assert "[x] team = discovery" in ui.text
            assert "1 alert that is there now fits, 1 of them firing" in ui.text
            # the team is dropped, then the step: the whole budget
            await ui.press("tab", "tab", "space")
            assert "[ ] team = discovery" in ui.text
            assert "2 alerts that are there now fit (was 1)" in ui.text
            await ui.press("down", "space")
            assert "6 alerts that are there now fit (was 1), 6 of them firing" in ui.text
            assert "of whatever name" not in ui.text
            await ui.press("down", *"big z run", "backspace", "N")
            await ui.press("enter")
            assert "6 alerts that are there now fit (was 1), 6 of them firing:" in ui.text
            assert "and 3 more" in ui.text
            assert kept(store).silences() == (), "nothing before the second Enter"
            await ui.press("escape", "up", "up", "up", "up", *"90m")
            assert "2026-11-22 12:27" in ui.text
            await ui.press("enter", "enter")
            await ui.until(lambda: "Silence 1 until 22 Nov 12:27" in ui.toasts)
            (found,) = kept(store).silences()
            assert found.matchers == (("alert", "=", "budget team"),)
            assert (found.starts, found.ends) == (fakes.NOW, fakes.NOW + 5400)
            assert (found.reason, found.author) == ("big z ruN", "ann")
            await ui.until(lambda: "silences 1 active" in ui.text)
            assert "silenced  budget team discovery 100%" in ui.text


async def test_the_lengths_that_are_there_and_what_is_no_length(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4", "z", "right", "right")
            form = ui.app.screen.form
            assert form.length.text == "24h"
            await ui.press("left")
            assert form.length.text == "4h"
            await ui.press(*"soon", "enter")
            assert "soon is not a duration" in ui.text
            await ui.press("ctrl+u", *"5s", "enter")
            assert "a minute or more" in ui.text
            await ui.press("ctrl+u", "enter")
            assert "how long? For example 90m" in ui.text
            await ui.press("right", "tab", "space", "down", "space", "down", "space", "enter")
            assert "without a matcher it would mute everything" in ui.text
            await ui.press("escape")
            assert ui.app.screen.where == "alerts"
            assert kept(store).silences() == ()


async def test_what_is_typed_behind_z_goes_into_the_form(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    """One packet of a slow ssh."""
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4")
            await ui.pilot.press("z", *"2h", *["tab"] * 4, *"ok")
            await ui.settle()
            await ui.until(lambda: ui.app.screen.where == "silencing")
            await ui.until(lambda: ui.app.screen.form.reason.text == "ok")
            assert ui.app.screen.form.length.text == "2h"


async def test_a_reason_that_is_typed_too_early_widens_nothing(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4")
            await ui.pilot.press("z", "tab", *"load test of 5 h")
            await ui.settle()
            await ui.until(lambda: ui.app.screen.where == "silencing")
            await ui.until(lambda: ui.app.screen.form.reason.text == "load test of 5 h")
            form = ui.app.screen.form
            assert (form.current, form.dropped, form.length.text) == ("reason", set(), "1h")
            # without its name it is of all rules, which is said in words
            await ui.press("up", "up", "up", "space")
            assert form.dropped == {0}
            assert "of whatever name: also alerts of other rules" in ui.text
            await ui.press("enter")
            assert "of whatever name: also alerts of other rules" in ui.text
            form.asking = False
            form.on_paste(Paste(" on\nMonday"))
            assert form.reason.text.startswith("load test of 5 h on")
            assert form.current == "reason"


async def test_the_list_of_silences_and_ending_one(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4", "d")
            assert "Z goes to the silences" in ui.toasts
            await ui.press("colon", *"silence budget a week 2h it is known", "enter")
            await ui.until(lambda: "Silence 1 until 22 Nov 12:57" in ui.toasts)
            await ui.until(lambda: "alert=budget a week" in ui.text)
            await ui.press("Z")
            assert "Enter in full  d ends it  1 by ann: it is known" in ui.text
            await ui.press("enter")
            for text in ("active", "of alert=budget a week", "by ann", "it is known"):
                assert any(line.startswith(f"│ {text}") for line in ui.lines), text
            await ui.press("escape")
            await ui.pilot.press("d")
            await ui.until(lambda: "Silence 1 is over" in ui.toasts)
            assert kept(store).silences()[0].ends == fakes.NOW
            await ui.until(lambda: "ended" in ui.text)
            await ui.press("d")
            await ui.until(lambda: "Silence 1 had ended already" in ui.toasts)
            await ui.press("y")
            assert ui.app.clipboard == "1"


async def test_commands_say_what_is_wrong(start: Start, fakes: ModuleType, store: Path) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("colon", *"silence nobody 2h", "enter")
            assert 'no alert is called "nobody"' in ui.text
            await ui.press("escape", "colon", *"ack buget team", "enter")
            assert 'did you mean "budget team"' in ui.text
            await ui.press("escape", "colon", *"ack budget comp", "enter")
            await ui.until(lambda: "Acknowledged: 2 alerts" in ui.toasts)
            assert {a.rule for a in kept(store).acks()} == {"budget company"}


async def test_a_and_z_on_a_budget(start: Start, fakes: ModuleType, store: Path) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f5", "down", "down", "z")
            assert "[x] alert = budget team" in ui.text
            assert "[x] team = discovery" in ui.text
            assert "step" not in ui.text.split("╰")[0].split("╭")[2].split("why")[0]
            await ui.press("escape", "a")
            await ui.until(lambda: "Acknowledged: budget team" in ui.toasts)
            (ack,) = kept(store).acks()
            assert ack.labels == (("team", "discovery"), ("step", "100%"))


async def test_in_the_past_and_where_one_only_reads_nothing_is_muted(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store, readonly=True) as starting:
        async with starting as ui:
            for keys in (("a",), ("z",), ("colon", *"ack budget a week", "enter")):
                await ui.press("f2", "f4", *keys)
                assert ui.app.screen.where == "alerts", keys
                assert READONLY in ui.toasts or "only reads" in ui.text
                await ui.press("escape", "escape")
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            await ui.press("f4", "left_square_bracket", "a", "z")
            assert "this is the past" in ui.toasts
            assert ui.app.screen.where == "alerts"
    assert kept(store).acks() == ()


async def test_an_error_is_said_and_nothing_else_happens(
    start: Start, fakes: ModuleType, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    monkeypatch.setattr("costtui.store.silences.BUSY_MS", 20)
    assert BUSY_MS > 20
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            held = sqlite3.connect(store, isolation_level=None)
            held.execute("BEGIN IMMEDIATE")
            await ui.press("f4", "a")
            await ui.until(lambda: "Not stored:" in ui.toasts)
            held.execute("ROLLBACK")
            held.execute("PRAGMA user_version = 1")
            ui.app.clear_notifications()
            await ui.press("f4", "a")
            await ui.until(lambda: "its schema is older" in ui.toasts)
            held.close()
            assert ui.app.is_running


async def test_the_overview_shows_the_top_of_the_alerts(start: Start, fakes: ModuleType) -> None:
    made = fakes.BUDGETS
    muted = replace(fakes.overview(), alerts=made.firing(), acks=made.acks())
    data = fakes.FakeData(replace(muted, acks=()))
    config = replace(fakes.config(), budgets=made.TREE)
    async with start(data, config=config) as ui:
        await ui.press("R")
        first = "team discovery 100%"
        assert f"│  FIRING   {first}" in ui.text
        data.answer = muted
        await ui.press("R")
        assert f" FIRING   {first}" not in ui.text
        assert "1-4 of 13" in ui.text
    async with start(data, config=config, size=(80, 24)) as ui:
        assert "9 firing (6 muted): F4 budget team payments 100%" in ui.text


async def test_who_cannot_be_told(start: Start, fakes: ModuleType, store: Path) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            assert "cannot tell pager" in ui.lines[0]
            await ui.press("f4")
            assert "cannot tell pager" in ui.lines[0]
            assert "notifiers 1 failing" in ui.text
            (row,) = [line for line in ui.lines if "pager    failing" in line]
            assert "08:43      4 11:01" in row
            assert "log      new       never" in ui.text
            assert "failed 12 times, last 22 Nov 10:55" in ui.text
            await ui.press("shift+tab", "y")
            assert ui.app.clipboard == "https://hooks.example/***: connection refused"


async def test_a_notifier_that_failed_once_is_no_matter_for_the_title(
    start: Start, fakes: ModuleType, store: Path
) -> None:
    with app_of(start, fakes, store) as starting:
        async with starting as ui:
            ui.data.answer.__self__.health = (
                replace_health(fakes.BUDGETS.health()[0], failures=1),
            )
            await ui.press("R", "f4")
            assert "cannot tell" not in ui.text
            assert "notifiers 1 failing" in ui.text


def files(folder: Path) -> dict[str, str]:
    return {path.name.split("-")[1]: path.read_text() for path in folder.glob("*.csv")}


def replace_health(health: Any, **changes: Any) -> Any:
    return health._replace(**changes)


async def test_every_list_leaves_the_screen(
    start: Start, fakes: ModuleType, store: Path, tmp_path: Path
) -> None:
    with app_of(start, fakes, store, export_dir=tmp_path) as starting:
        async with starting as ui:
            await ui.press("colon", *"silence budget a week 2h", "enter")
            await ui.until(lambda: kept(store).silences())
            await ui.press("f4", "R", "e", "tab", "tab", "e", "tab", "e")
            written = files(tmp_path)
            assert set(written) == {"alerts", "silences", "notifiers"}
            assert ",silenced,ann,2026-11-22T12:57:03Z," in written["alerts"]
            assert "alert=budget a week,ann" in written["silences"]
            assert "pager,webhook,4" in written["notifiers"]


async def test_hostile_reasons_and_names(start: Start, fakes: ModuleType, store: Path) -> None:
    from costtui.engine import muting
    from costtui.model.alert import Matcher

    matchers = (Matcher("alert", "=~", "budget .*"), Matcher(HOSTILE, "!=", HOSTILE))
    muting.silence(store, matchers, fakes.NOW - 5, 3600, HOSTILE * 20, HOSTILE)
    for size in ((120, 40), (80, 24), (40, 10)):
        with app_of(start, fakes, store, size=size) as starting:
            async with starting as ui:
                for key in (
                    "f4",
                    "Z",
                    "y",
                    "enter",
                    "escape",
                    "f5",
                    "f4",
                    "z",
                    "enter",
                    "escape",
                    "escape",
                ):
                    await ui.press(key)
                    assert "\x1b" not in ui.text
                    assert "\u202e" not in ui.text
                assert ui.app._exception is None
