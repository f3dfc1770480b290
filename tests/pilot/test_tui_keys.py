"""What keys do: windows, time travel, drilling, panels, sorting, screens."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from textual._xterm_parser import XTermParser
from textual.events import AppBlur, AppFocus

from costtui.config.schema import Consumer
from costtui.model.snapshot import Filter
from costtui.model.timewindow import WINDOWS
from costtui.tui.bindings import KEYS
from costtui.tui.screens.overview import PANES
from costtui.tui.widgets.panel import Panel

Start = Any


def panel(ui: Any, number: int = 0) -> Panel:
    found = ui.app.overview_screen.query_one(f"#panel-{number}", Panel)
    assert isinstance(found, Panel)
    return found


def under(ui: Any) -> str:
    """The key of the row under the cursor."""
    current = panel(ui).current
    assert current is not None
    return current.key


def exported(folder: Path) -> list[dict[str, str]]:
    """The rows of the one CSV file in `folder`."""
    (file,) = folder.iterdir()
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


async def test_the_first_screen_has_the_numbers(start: Start) -> None:
    async with start() as ui:
        assert "≥$970.88" in ui.text
        assert "claude-sonnet-4-5" in ui.text
        assert "Sat 21 Nov 10:58 → Sun 22 Nov 10:58 UTC" in ui.lines[0]
        assert "● live" in ui.lines[0]
        assert len(ui.data.asked) == 1


async def test_window_keys(start: Start) -> None:
    async with start() as ui:
        for spec in WINDOWS:
            await ui.press(spec.key)
            view, _, dimensions = ui.data.asked[-1]
            assert view.window.name == spec.name
            assert view.window.step == spec.step
            assert dimensions == ("model", "provider", "consumer", "gateway")
            assert ui.app.shown.overview.view.window.name == spec.name


async def test_time_travel_stands_still_and_comes_back(start: Start) -> None:
    async with start() as ui:
        live = ui.data.asked[0][0].window
        await ui.press("left_square_bracket", "left_square_bracket")
        back = ui.data.asked[-1][0].window
        assert back.end == live.end - 2 * 86400
        assert not back.live
        assert "PAST" in ui.lines[0]
        assert "as it was on " in ui.lines[1]
        ui.clock.time += 600
        await ui.tick()
        assert ui.data.asked[-1][0].window == back
        await ui.press("right_square_bracket")
        assert ui.data.asked[-1][0].window.end == live.end - 86400
        await ui.press("L")
        assert ui.data.asked[-1][0].window.end == live.end + 600
        assert "● live" in ui.lines[0]


async def test_drill_down_to_one_request_and_back_up(start: Start) -> None:
    async with start() as ui:
        path = ["model", "provider", "consumer", "gateway"]
        keys = []
        for dimension in path[:3]:
            assert panel(ui).dimension == dimension
            await ui.press("down")
            keys.append(under(ui))
            await ui.press("enter")
        assert panel(ui).dimension == "gateway"
        assert [f.value for f in ui.data.asked[-1][0].filters] == keys
        assert f"all › model={keys[0]} › provider={keys[1]} › consumer={keys[2]}" in ui.lines[1]
        await ui.press("enter")
        assert type(ui.app.screen).__name__ == "RequestsScreen"
        assert "req" not in ui.lines[3]
        await ui.press("down", "down", "enter")
        assert type(ui.app.screen).__name__ == "RequestScreen"
        assert "req_0002" in ui.text
        assert "/var/log/llm/costs.jsonl at byte 4,918" in ui.text
        assert "user_agent" in ui.text
        await ui.press("escape", "escape")
        assert type(ui.app.screen).__name__ == "OverviewScreen"
        for dimension, key in reversed(list(zip(path[:3], keys, strict=True))):
            await ui.press("escape")
            if panel(ui).dimension != dimension:
                await ui.press("escape")
            assert panel(ui).dimension == dimension
            assert under(ui) == key
        assert ui.app.state.filters == ()
        await ui.press("escape", "escape", "escape")
        assert ui.app.is_running
        assert ui.app.return_value is None


async def test_tab_reaches_every_pane_even_on_a_small_screen(start: Start) -> None:
    for size in ((120, 40), (80, 24), (60, 20)):
        async with start(size=size) as ui:
            seen = []
            for _ in PANES:
                seen.append(ui.app.overview_screen.pane)
                focused = ui.app.focused
                assert focused is not None
                assert focused.id == seen[-1]
                assert focused.region.height > 0, (size, seen[-1])
                await ui.press("tab")
            assert tuple(seen) == PANES
            await ui.press("shift+tab")
            assert ui.app.overview_screen.pane == PANES[-1]


async def test_the_cursor_is_drawn_where_the_focus_is(start: Start) -> None:
    async with start() as ui:
        for keys, text in (
            (("tab",), "▌anthropic"), (("shift+tab",), "▌claude-sonnet-4-5"),
            (("f9",), "▌kong-eu"), (("tab",), "▌11-22 10:42:03"), (("tab",), "▌qwen"),
        ):  # fmt: skip
            await ui.press(*keys)
            assert text in ui.text
            assert ui.text.count("▌") == 1


async def test_group_gives_the_big_panel_away_and_asks_for_it(start: Start) -> None:
    async with start() as ui:
        for expected in ("provider", "consumer", "gateway", "endpoint", "team", "model"):
            await ui.press("g")
            assert panel(ui).dimension == expected
            assert expected in ui.data.asked[-1][2]
            assert len(panel(ui).items) > 2


async def test_unit_compare_sort_and_reverse_need_no_query(start: Start) -> None:
    async with start() as ui:
        asked = len(ui.data.asked)
        await ui.press("u")
        assert "by tokens" in ui.lines[1]
        await ui.press("u")
        assert "requests over time" in ui.text
        await ui.press("u")
        assert "$ per 1M over time" in ui.text
        await ui.press("u")
        assert "▲ 12%" in ui.lines[4]
        await ui.press("c")
        assert "▲ 12%" not in ui.lines[4]
        assert "change" not in ui.text
        await ui.press("less_than_sign")
        names = [g.key for g in panel(ui).items]
        assert names == sorted(names, key=str.casefold)
        await ui.press("r")
        assert [g.key for g in panel(ui).items] == sorted(names, key=str.casefold, reverse=True)
        await ui.press("greater_than_sign")
        costs = [g.totals.effective_nano for g in panel(ui).items]
        assert costs == sorted(costs, reverse=True)
        await ui.press("r")
        assert [g.totals.effective_nano for g in panel(ui).items] == sorted(costs)
        assert len(ui.data.asked) == asked


async def test_the_cursor_stays_on_its_row_when_the_order_changes(start: Start) -> None:
    async with start() as ui:
        await ui.press("down", "down", "down")
        key = under(ui)
        await ui.press("r")
        assert under(ui) == key
        await ui.press("less_than_sign")
        assert under(ui) == key


async def test_a_long_list_scrolls_with_its_cursor(start: Start) -> None:
    async with start(size=(80, 24)) as ui:
        await ui.press("end")
        last = panel(ui).items[-1].key
        assert under(ui) == last
        assert any(last in line for line in ui.lines)
        await ui.press("home")
        assert any(panel(ui).items[0].key in line for line in ui.lines)
        await ui.press("pagedown", "k", "j", "pageup")
        assert panel(ui).cursor <= 1


async def test_filter_line(start: Start) -> None:
    async with start() as ui:
        await ui.press("slash", "c", "l", "a", "enter")
        assert str(ui.data.asked[-1][0].filters[0]) == "cla"
        assert "› cla" in ui.lines[1]
        await ui.press("slash", "q", "escape")
        assert len(ui.app.state.filters) == 1
        assert ui.app.is_running
        await ui.press("slash", "tilde", "left_parenthesis", "enter")
        assert "not a regular expression" in ui.toasts
        assert len(ui.app.state.filters) == 1
        await ui.press("escape", "escape", "escape")  # what was said, the line, the filter
        assert ui.app.state.filters == ()


async def test_whoever_leaves_the_filter_line_is_where_they_were(start: Start) -> None:
    async with start() as ui:
        for keys in (("escape",), ("q", "escape"), ("enter",), (*"claude", "enter")):
            await ui.press("tab", "down")
            there = ui.app.focused
            await ui.press("slash", *keys)
            assert not ui.app.screen.query("FilterBar")
            assert ui.app.focused is there
            assert ui.app.overview_screen.current_pane is there
        await ui.press("shift+tab", "enter")
        assert [f.op for f in ui.app.state.filters] == ["*", "="]  # a drill, not another screen
        await ui.press("slash", "tab")  # gone elsewhere on purpose
        assert not ui.app.screen.query("FilterBar")
        await ui.press("f3")
        table = ui.app.focused
        await ui.press("slash", "escape")
        assert ui.app.focused is table


async def test_a_terminal_that_loses_the_focus_keeps_the_filter_line(start: Start) -> None:
    async with start() as ui:
        await ui.press("slash", "c", "l")
        ui.app.post_message(AppBlur())
        await ui.settle()
        assert ui.app.focused is None
        ui.app.post_message(AppFocus())
        await ui.settle()
        await ui.press("a", "enter")
        assert str(ui.app.state.filters[0]) == "cla"


async def test_a_key_right_after_esc_is_both_keys(start: Start, tmp_path: Path) -> None:
    async def typed(text: str) -> None:
        # The terminal's own bytes through Textual's own parser: alt and Esc cannot be told apart.
        parser = XTermParser()
        for event in [*parser.feed(text), *parser.feed("")]:
            ui.app.post_message(event)
        await ui.settle()
        await ui.settle()

    async with start(export_dir=tmp_path) as ui:
        await ui.press("f3", "enter")
        await typed("\x1b5")
        assert type(ui.app.screen).__name__ == "RequestsScreen"
        assert ui.app.state.window == "7d"
        await typed("\x1bE")
        assert type(ui.app.screen).__name__ == "OverviewScreen"
        assert [Path(f).suffix for f in os.listdir(tmp_path)] == [".json"]
        await ui.press("enter", "slash", "x")
        await typed("\x1b6")
        assert not ui.app.screen.query("FilterBar")
        assert ui.app.state.window == "30d"
        assert len(ui.app.state.filters) == 1
        await typed("\x1b[53;3u")  # where terminals tell the two apart, alt does nothing
        assert ui.app.state.window == "30d"
        assert len(ui.app.state.filters) == 1


async def test_maximise_and_back(start: Start) -> None:
    async with start() as ui:
        for pane in PANES:
            before = ui.app.overview_screen.current_pane.region.area
            await ui.press("M")
            shown = ui.app.overview_screen.current_pane
            assert shown.id == pane
            assert shown.region.area > max(before, 120 * 30)
            await ui.press("M", "tab")
        assert "≥$970.88" in ui.text


async def test_screens_and_back(start: Start) -> None:
    async with start() as ui:
        for key, name in (("f3", "RequestsScreen"), ("f9", "SourcesScreen"),
                          ("question_mark", "HelpScreen"), ("f2", "OverviewScreen")):  # fmt: skip
            await ui.press(key)
            assert type(ui.app.screen).__name__ == name
        await ui.press("f9", "end")
        assert "connection refused" in ui.text
        assert "costs.jsonl:4011" in ui.text
        assert "qwen3-coder-plus" in ui.text
        await ui.press("tab", "tab", "q")
        assert type(ui.app.screen).__name__ == "OverviewScreen"
        await ui.press("q")
        assert ui.app.return_value == 0


async def test_help_is_about_the_screen_it_was_asked_on(start: Start) -> None:
    async with start(size=(120, 200)) as ui:
        await ui.press("question_mark")
        for key in KEYS:
            assert key.label in ui.text
        assert " keys: overview ─" in ui.text  # no count that reads like an id
        assert "export" not in ui.lines[-1]
        await ui.press("escape", "f3", "f1")
        assert "keys: requests" in ui.text


async def test_the_palette_offers_and_runs_every_action(start: Start) -> None:
    from costtui.tui.palette_commands import commands

    async with start() as ui:
        named = {command.name for command in commands(ui.app)}
        assert named >= {k.id for k in KEYS if k.on("overview") and k.id != "palette"}
        await ui.press("colon")
        await ui.press(*"7d", "enter")
        await ui.settle()
        assert ui.app.state.window == "7d"
        await ui.press("colon")
        await ui.press(*"maximise", "enter")
        await ui.settle()
        assert ui.app.overview_screen.has_class("-max")


async def test_themes_go_round(start: Start) -> None:
    async with start() as ui:
        first, seen = ui.app.theme, []
        for _ in range(10):
            await ui.press("t")
            seen.append(ui.app.theme)
        assert len(set(seen)) == 10
        assert seen[-1] == first


async def test_consumers_go_by_their_names(start: Start, fakes: ModuleType, tmp_path: Path) -> None:
    consumers = (
        ("search", Consumer(name="Search Team")),
        ("key:*", Consumer(name="Some Key")),
    )
    config = replace(fakes.config(), consumers=consumers)
    async with start(config=config, export_dir=tmp_path) as ui:
        assert "Search Team" in ui.text
        assert "Some Key" in ui.text
        assert "key:9f31c04be2aa" not in ui.text
        await ui.press("g", "g")
        assert panel(ui).dimension == "consumer"
        panel(ui).select("search")
        await ui.press("e", "enter")
        assert ui.data.asked[-1][0].filters == (Filter("consumer", "search"),)
        assert "consumer=Search Team" in ui.lines[1]
        rows = exported(tmp_path)
        assert {r["consumer"]: r["consumer_name"] for r in rows}["search"] == "Search Team"
        await ui.press("f3")
        table = ui.app.screen.query_one("#requests")
        assert "Search Team" in ui.text
        table.select(next(str(r.id) for r in table.items if r.dims.consumer == "search"))
        await ui.press("enter")
        assert "Search Team (search)" in ui.text


async def test_the_sources_screen_names_a_past_day(start: Start) -> None:
    async with start() as ui:
        await ui.press("7", "left_square_bracket", "f9")
        assert "Sat 21 Nov  " in ui.lines[0]
        assert "today" not in ui.lines[0]


async def test_the_sources_fit_a_small_terminal_and_tell_all(start: Start) -> None:
    async with start(size=(80, 24)) as ui:
        await ui.press("f9")
        assert "agentgateway-1 " in ui.text
        assert "agentgateway-2 " in ui.text
        assert "last data" in ui.text
        await ui.press("end", "enter")
        down = ui.data.statuses()[-1]
        assert down.error in ui.toasts
        await ui.press("tab", "enter")
        assert "unexpected end of data" in ui.toasts


async def test_f9_says_what_an_overrun_is(start: Start, fakes: ModuleType) -> None:
    async with start() as ui:
        overview = ui.app.shown.overview
        late = tuple(replace(s, overruns=1, resets=0) for s in overview.sources)
        await ui.press("f9")
        ui.app.show(ui.app.shown._replace(overview=replace(overview, sources=late)))
        await ui.press("enter")
        assert "overrun: a read left out because" in ui.toasts
        assert "reset:" not in ui.toasts
