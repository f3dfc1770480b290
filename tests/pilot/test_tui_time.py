"""Time travel, the alerts and why: keys, questions, and the way back."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.config.schema import AlertRule
from costtui.model.snapshot import Filter
from costtui.tui import format as fmt
from costtui.tui.widgets.alert_lists import AlertHistory, AlertsInFull
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.why_lists import Movers, StepTable

Start = Any
NANO = 10**9
RULES = (
    AlertRule("daily budget", "cost_over", 800 * NANO, 86_400, "24h"),
    AlertRule("opus is expensive", "cost_over", 100 * NANO, 86_400, "24h", by=("model",), hold=120,
              severity="critical", where=(("provider", "anthropic"),)),
    AlertRule("team playground", "cost_over", 20 * NANO, 3600, "1h", by=("consumer",),
              severity="info"),
    AlertRule("brand new", "cost_over", 5 * NANO, 7200, "2h"),
)  # fmt: skip


def configured(fakes: ModuleType) -> Any:
    return replace(fakes.config(), alerts=RULES)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def name_of(ui: Any) -> str:
    return type(ui.app.screen).__name__


# @ -----------------------------------------------------------------------------------------------


async def test_at_goes_to_a_moment_and_says_so(start: Start) -> None:
    async with start() as ui:
        await ui.press("3", "at", *"fri 14:10")
        assert "Fri 20 Nov 2026 14:10:00" in ui.lines[-1]
        await ui.press("enter")
        window = ui.data.asked[-1][0].window
        assert (window.name, window.live) == ("6h", False)
        assert window.end == at("2026-11-20 14:11")
        assert "PAST" in ui.lines[0]
        assert "as it was on Fri 20 Nov 2026 14:11" in ui.lines[1]
        assert ui.data.asked[-1][0].filters == ()
        # another length keeps the moment, [ and ] go beside it, L comes back
        await ui.press("2")
        assert ui.data.asked[-1][0].window.end == at("2026-11-20 14:11")
        await ui.press("left_square_bracket")
        assert ui.data.asked[-1][0].window.end == at("2026-11-20 13:11")
        await ui.press("right_square_bracket", "right_square_bracket")
        assert ui.data.asked[-1][0].window.end == at("2026-11-20 15:11")
        await ui.press("L")
        assert ui.data.asked[-1][0].window.live
        assert "PAST" not in ui.lines[0]


async def test_a_wrong_moment_is_explained_in_its_place(start: Start) -> None:
    async with start() as ui:
        asked = len(ui.data.asked)
        await ui.press("at", *"25:00", "enter")
        assert "times go from 00:00 to 23:59" in ui.lines[-1]
        assert "25:00" in ui.lines[-1]
        await ui.press("backspace", "backspace", "backspace", "backspace", "backspace", *"soon")
        assert "times go" not in ui.lines[-1]
        await ui.press("enter")
        assert "try 14:10" in ui.lines[-1]
        await ui.press("escape")
        assert len(ui.data.asked) == asked
        assert not ui.app.state.past
        await ui.press("at", "enter")
        assert "at:" not in ui.lines[-1]
        await ui.press("at", *"now", "enter")
        assert not ui.app.state.past


async def test_at_works_on_every_screen_with_data_and_the_view_follows(start: Start) -> None:
    async with start() as ui:
        for key, end in (("f3", "10"), ("f", "11"), ("f4", "12"), ("f9", "13")):
            await ui.press(key, "at", *f"2026-11-20 {end}:00", "enter")
            assert ui.app.state.anchor == at(f"2026-11-20 {end}:00")
            assert "PAST" in ui.lines[0]
        await ui.press("question_mark", "at")
        assert "at:" not in ui.lines[-1]


async def test_travel_for_the_palette(start: Start) -> None:
    async with start() as ui:
        ui.app.travel("yesterday 14:10")
        await ui.settle()
        assert ui.data.asked[-1][0].window.end == at("2026-11-21 14:11")
        with pytest.raises(ValueError, match="try 14:10"):
            ui.app.travel("whenever")


# The past ----------------------------------------------------------------------------------------


async def test_the_past_is_not_brought_up_to_date_and_does_not_ring(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as ui:
        rung: list[int] = []
        monkeypatch.setattr(ui.app, "bell", lambda: rung.append(1))
        await ui.press("left_square_bracket")
        assert "FIRING" in ui.text
        assert rung == []
        for text in ("ok then", "unknown then", "down then", "no data from 21 Nov",
                     "alerts  1 firing  then", "21 Nov", "Nov 2026"):  # fmt: skip
            assert text in ui.text, text
        sources = ui.app.shown.overview.sources
        ui.clock.time += 3600
        for version in (2, 2):
            ui.data.version = version
            await ui.tick()
        assert ui.app.shown.overview.sources == sources
        assert "connection refused" not in ui.text


async def test_what_fires_now_is_heard_in_the_past(
    start: Start, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as ui:
        rung: list[int] = []
        monkeypatch.setattr(ui.app, "bell", lambda: rung.append(1))
        await ui.tick()
        await ui.press("left_square_bracket")
        ui.data.version += 1
        await ui.tick()
        assert rung == []
        ui.data.alerts_now = (fakes.FIRING,)
        for _ in range(2):
            ui.data.version += 1
            await ui.tick()
        assert rung == [1]
        assert "opus is expensive: firing now" in ui.toasts


async def test_what_had_not_changed_is_not_given_a_number(start: Start) -> None:
    async with start() as ui:
        await ui.press("left_square_bracket")
        (row,) = [line for line in ui.lines if "inactive daily budget" in line]
        assert "$512" not in row


# Alerts ------------------------------------------------------------------------------------------


async def test_alerts_are_counted_and_rules_without_a_status_are_listed(
    start: Start, fakes: ModuleType
) -> None:
    async with start(fakes.FakeData(fakes.firing()), config=configured(fakes)) as ui:
        await ui.press("f4")
        assert "alerts: 1 firing, 1 pending" in ui.lines[0]
        table = ui.app.screen.query_one(AlertsInFull)
        assert [(a.state, a.rule) for a in table.items] == [
            ("firing", "opus is expensive"), ("pending", "team playground"),
            ("inactive", "daily budget"), ("inactive", "brand new"),
        ]  # fmt: skip
        assert "$100 in 24h · provider=anthropic · by model · for 2m" in ui.text
        (row,) = [line for line in ui.lines if "brand new" in line]
        assert "$0" not in row
        assert "148%" in ui.text
        assert {"a", "z"} <= set(ui.app.screen._bindings.key_to_bindings)


async def test_the_history_is_of_the_window_and_of_one_rule(
    start: Start, fakes: ModuleType
) -> None:
    async with start(fakes.FakeData(fakes.firing()), config=configured(fakes)) as ui:
        await ui.press("f4")
        history = ui.app.screen.query_one(AlertHistory)
        assert len(history.items) == 7
        assert [c.change.at for c in history.items] == sorted(
            (c.change.at for c in history.items), reverse=True
        )
        (row,) = [line for line in ui.lines if "22 Nov 00:23:43" in line]
        assert "FIRING" in row
        assert "1h 58m" in row
        await ui.press("h")
        assert {c.change.status.rule for c in history.items} == {"opus is expensive"}
        assert "history 2 of opus is expensive" in ui.text
        await ui.press("h")
        assert len(history.items) == 7


async def test_enter_shows_the_usage_and_one_esc_comes_back(
    start: Start, fakes: ModuleType
) -> None:
    async with start(config=configured(fakes)) as ui:
        await ui.press("5", "f4", "enter")
        assert name_of(ui) == "OverviewScreen"
        view = ui.data.asked[-1][0]
        assert (view.window.name, view.window.live) == ("1h", True)
        assert view.filters == (Filter("consumer", "intern-playground"),)
        await ui.press("escape")
        assert name_of(ui) == "AlertsScreen"
        assert (ui.app.state.window, ui.app.state.filters) == ("7d", ())
        # a row of the history is of its own time
        await ui.press("tab", "down", "enter")
        view = ui.data.asked[-1][0]
        assert (view.window.name, view.window.live) == ("24h", False)
        assert view.window.end == at("2026-11-22 10:37")
        assert [str(f) for f in view.filters] == [
            "provider=anthropic", "model=claude-opus-4-1",
        ]  # fmt: skip


async def test_why_from_an_alert_is_of_the_alert_and_esc_comes_back(
    start: Start, fakes: ModuleType
) -> None:
    async with start(fakes.FakeData(fakes.firing()), config=configured(fakes)) as ui:
        await ui.press("f4", "w")
        assert name_of(ui) == "WhyScreen"
        assert "model=claude-opus-4-1" in ui.lines[0]
        assert [str(f) for f in ui.data.moves[-1][0].filters] == []  # the fake answers one view
        assert ui.app.state.filters == ()
        await ui.press("escape")
        assert name_of(ui) == "AlertsScreen"


async def test_no_rule_is_told_how_to_make_one(start: Start, fakes: ModuleType) -> None:
    async with start(fakes.FakeData(fakes.exact())) as ui:
        await ui.press("f4")
        assert "No alert is set." in ui.text
        assert "cost_over: 50" in ui.text
        await ui.press("tab", "enter", "w", "h", "down")
        assert name_of(ui) == "AlertsScreen"


def written(folder: Path) -> dict[str, list[dict[str, str]]]:
    """What was exported, by name."""
    return {
        path.name.split("-")[1]: list(csv.DictReader(path.read_text().splitlines()))
        for path in folder.iterdir()
    }


async def test_both_lists_can_be_taken_away(
    start: Start, fakes: ModuleType, tmp_path: Path
) -> None:
    async with start(config=configured(fakes), export_dir=tmp_path) as ui:
        await ui.press("f4", "e", "tab", "e")
        found = written(tmp_path)
        assert sorted(len(rows) for rows in found.values()) == [4, 7]
        (row,) = [r for r in found["alerts"] if r["alert"] == "brand new"]
        assert (row["value"], row["value_text"], row["since"]) == ("", "", "")


# Why ---------------------------------------------------------------------------------------------


async def test_two_keys_answer_why_and_five_are_there(start: Start) -> None:
    async with start() as ui:
        await ui.press("w", "down")
        assert "gpt-5 × search × kong-eu: +$6.26, 3.1 × the requests" in ui.lines[2]
        assert "more than" in ui.lines[1]
        table = ui.app.screen.query_one(StepTable)
        window = table.current.movement.now
        await ui.press("enter", "enter")
        assert name_of(ui) == "OverviewScreen"
        view = ui.data.asked[-1][0]
        assert {str(f) for f in view.filters} == {
            "model=gpt-5", "consumer=search", "gateway=kong-eu",
        }  # fmt: skip
        assert (view.window.name, view.window.live) == ("custom", False)  # exactly the step
        assert (view.window.start, view.window.end) == (window.start, window.end)
        assert f"zoom {fmt.duration(window.seconds)}" in ui.lines[0]
        assert "as it was on" in ui.lines[1]
        await ui.press("escape")
        assert name_of(ui) == "WhyScreen"
        assert (ui.app.state.window, ui.app.state.past, ui.app.state.filters) == ("24h", False, ())
        await ui.press("down", "tab", "enter", "1")  # out of the zoom, and still around the step
        assert ui.app.state.zoom is None
        assert (ui.app.state.window, ui.app.state.anchor) == ("15m", window.end - 1)


async def test_why_of_a_zoom_is_about_the_zoom(start: Start) -> None:
    async with start() as ui:
        await ui.press("C", *["left"] * 30, "space", *["left"] * 20, "enter")
        zoom = ui.app.state.zoom
        assert zoom is not None
        await ui.press("w")
        assert "all of the zoom" in ui.lines[1]
        _, now = ui.data.moves[-1][1][0]
        assert (now.start, now.end) == zoom
        await ui.press("tab", "enter")  # who made the whole of it
        assert ui.app.state.zoom == zoom
        assert ui.app.state.filters
        await ui.press("escape")
        assert name_of(ui) == "WhyScreen"
        assert (ui.app.state.zoom, ui.app.state.filters) == (zoom, ())
        await ui.press("escape", "escape")
        assert name_of(ui) == "OverviewScreen"
        assert (ui.app.state.zoom, ui.app.state.past) == (None, False)


async def test_a_zoom_and_a_moment(start: Start) -> None:
    async with start() as ui:
        await ui.press("C", *["left"] * 30, "enter")
        zoom = ui.app.state.zoom
        assert zoom is not None
        await ui.press("left_square_bracket")
        assert ui.app.state.zoom == (2 * zoom[0] - zoom[1], zoom[0])
        await ui.press("at", *"-2h", "enter")  # another moment: out of the zoom, no way back in
        assert (ui.app.state.zoom, ui.app.state.trail) == (None, ())
        assert ui.app.state.anchor > 0
        assert "zoom" not in ui.lines[0]
        assert "PAST" in ui.lines[0]
        await ui.press("C", *["left"] * 30, "enter")
        assert "PAST" in ui.lines[0]
        assert "zoom" in ui.lines[0]
        await ui.press("escape")
        assert ui.app.state.anchor > 0  # back at the moment
        await ui.press("L")
        assert not ui.app.state.past


async def test_the_whole_window_is_the_first_row_and_keeps_its_window(start: Start) -> None:
    async with start() as ui:
        await ui.press("left_square_bracket", "w")
        rows = ui.app.screen.query_one(StepTable).items
        assert rows[0].whole
        before, now = ui.data.moves[-1][1][0]
        assert (before.end, before.seconds) == (now.start, now.seconds)
        await ui.press("home", "tab", "enter")
        view = ui.data.asked[-1][0]
        assert (view.window.start, view.window.end, view.window.name) == (
            now.start, now.end, "24h",
        )  # fmt: skip


async def test_contributors_add_up_on_screen(start: Start) -> None:
    async with start() as ui:
        await ui.press("w")
        for _ in range(4):
            movers = ui.app.screen.query_one(Movers)
            row = ui.app.screen.query_one(StepTable).current
            assert sum(c.difference for c in movers.items) == row.rise == movers.whole
            assert sum(c.parts.total for c in movers.items) == row.rise
            await ui.press("down")


async def test_windows_and_news_ask_again_and_silence_does_not(start: Start) -> None:
    async with start() as ui:
        await ui.press("w")
        asked = len(ui.data.moves)
        await ui.tick()
        painted = sum(w.painted for w in ui.app.screen.query(Lines))
        for _ in range(3):
            ui.clock.time += 0.2
            await ui.tick()
        assert sum(w.painted for w in ui.app.screen.query(Lines)) == painted
        assert len(ui.data.moves) == asked
        await ui.press("5")
        assert ui.data.moves[-1][0].window.name == "7d"
        ui.data.version += 1
        await ui.tick()
        assert len(ui.data.moves) == asked + 2


async def test_a_store_that_cannot_be_read_leaves_what_was_found(start: Start) -> None:
    async with start() as ui:
        await ui.press("w", "down")
        before = ui.lines[1:10]
        ui.data.error = OSError("gone")
        await ui.press("R")
        assert ui.lines[1:10] == before


async def test_fleet_and_why_and_back(start: Start) -> None:
    async with start() as ui:
        await ui.press("f", "w")
        assert name_of(ui) == "WhyScreen"
        await ui.press("escape")
        assert name_of(ui) == "FleetScreen"


async def test_nothing_moved(start: Start, fakes: ModuleType, tmp_path: Path) -> None:
    data = fakes.FakeData()
    data.movement = lambda view, pairs: [
        fakes.Movement(*pair, ()) for pair in pairs
    ]  # fmt: skip
    async with start(data, export_dir=tmp_path) as ui:
        await ui.press("w", "tab", "enter", "e", "y")
        assert "Nothing moved." in ui.text
        assert name_of(ui) == "WhyScreen"
