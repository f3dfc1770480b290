"""What makes the picture is kept in views and remembered; one key puts all of it back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.config.schema import Consumer
from costtui.tui.habits import Habits
from costtui.tui.place import FIELDS
from costtui.tui.widgets.chart import Chart
from costtui.tui.widgets.fleet_table import FleetTable
from costtui.tui.widgets.request_table import RequestTable

Start = Any


def chart(ui: Any) -> Chart:
    found = ui.app.overview_screen.query_one(Chart)
    assert isinstance(found, Chart)
    return found


def roles(ui: Any, line: int, text: str) -> Any:
    """The style of the first segment of a line of the screen that holds `text`."""
    strip = ui.app.screen._compositor.render_strips()[line]
    return next(segment.style for segment in strip if text in segment.text)


async def type_(ui: Any, text: str) -> None:
    await ui.press("colon", *text, "enter")


async def test_a_view_keeps_everything_that_makes_the_picture(start: Start, tmp_path: Path) -> None:
    habits = Habits(tmp_path)
    async with start(habits=habits) as ui:
        await ui.press("v", "u", "c", "g", "greater_than_sign", "r", "5")
        made = {name: getattr(ui.app.state, name) for name in FIELDS}
        assert all(made[name] != getattr(ui.app.usual, name) for name in FIELDS), made
        await type_(ui, "save mine")
        assert "chart groups" in dict(habits.view_values())["mine"]
        await ui.press("0")
        assert chart(ui).kind == "time"
        await type_(ui, "view mine")
        assert {name: getattr(ui.app.state, name) for name in FIELDS} == made
        assert chart(ui).kind == "stacked"
    async with start(habits=Habits(tmp_path), view="mine") as ui:
        assert chart(ui).kind == "stacked"
        assert {name: getattr(ui.app.state, name) for name in FIELDS} == made


async def test_the_chart_is_remembered(start: Start, tmp_path: Path) -> None:
    async with start(habits=Habits(tmp_path)) as ui:
        await ui.press("v", "v", "v")
        assert chart(ui).kind == "sum"
        await ui.press("ctrl+c")
    async with start(habits=Habits(tmp_path)) as ui:
        assert chart(ui).kind == "sum"
        await ui.press("v")
        assert chart(ui).kind == "time"


@pytest.mark.parametrize("group", ["tag:env", "tag:gone"])
async def test_a_tag_is_a_group_for_views_and_memory(
    start: Start, fakes: ModuleType, tmp_path: Path, group: str
) -> None:
    """A tag that no consumer has any more is left out, and so is its filter."""
    config = replace(fakes.config(), consumers=(("search", Consumer(tags=(("env", "prod"),))),))
    known = group == "tag:env"
    view = {"group": group, "filters": [f"{group}=prod"]}
    habits = Habits(tmp_path, configured={"mine": view})
    async with start(config=config, habits=habits, view="mine") as ui:
        assert ui.app.state.group == (group if known else "model")
        assert [str(f) for f in ui.app.state.filters] == ([f"{group}=prod"] if known else [])
    one = Habits(tmp_path)
    one.note("group", group)
    one.keep()
    async with start(config=config, habits=Habits(tmp_path)) as ui:
        assert ui.app.state.group == (group if known else "model")


async def test_one_key_puts_everything_back_and_a_command_brings_it_again(start: Start) -> None:
    async with start() as ui:
        usual = ui.app.state
        await ui.press("v", "u", "c", "g", "greater_than_sign", "r", "5", "left_square_bracket")
        await ui.press("slash", *"gpt", "enter", "shift+tab", "M", "p")
        left = ui.app.state
        await ui.press("0")
        assert ui.app.state == usual
        assert "As configured: 24h" in ui.toasts
        assert ui.app.overview_screen.pane == "panel-0"
        assert not ui.app.overview_screen.has_class("-max")
        assert ui.data.asked[-1][0].filters == ()
        asked = len(ui.data.asked)
        await ui.press("0")
        assert ui.app.state == usual, "once more does nothing"
        assert len(ui.data.asked) == asked
        assert "As configured already." in ui.toasts
        await ui.press("colon", *"back", "enter")
        assert ui.app.state == left
        await ui.press("colon", *"back", "enter")
        assert ui.app.state == left
        assert "nothing was put back" in ui.text
        await ui.press("escape", "0", "u", "0")
        assert ui.app.state == usual, "the newest change counts"


async def test_it_puts_back_the_order_of_the_screen_it_is_on(start: Start) -> None:
    async with start() as ui:
        await ui.press("f", "greater_than_sign", "u", "0")
        assert ui.app.screen.query_one(FleetTable).sort == "day"
        assert ui.app.state.unit == "cost"
        await ui.press("f3", "greater_than_sign", "s", "0")
        table = ui.app.screen.query_one(RequestTable)
        assert (table.wanted.order, table.wanted.status) == ("time", "all")
        assert table.following


async def test_what_is_not_usual_is_marked(start: Start) -> None:
    async with start() as ui:
        usual = roles(ui, 1, "by cost")
        assert "resets" not in ui.lines[1]
        await ui.press("u")
        assert roles(ui, 1, "by tokens") != usual
        assert roles(ui, 1, "sorted by value") == usual
        assert "0 resets" in ui.lines[1]
        await ui.press("r", "c")
        assert "sorted by value, reversed · not compared · 0 resets" in ui.lines[1]
        await ui.press("f")
        assert "by tokens" in ui.lines[0], "a screen in another unit says so"
        await ui.press("f3")
        assert "by tokens" not in ui.lines[0], "requests have no unit"
    async with start(size=(80, 24)) as ui:
        await ui.press("u", "r", "c")
        assert "by tokens · sorted by value, reversed · not compared" in ui.lines[1]
