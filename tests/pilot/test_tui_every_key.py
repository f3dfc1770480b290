"""Every key of the table, on every screen it belongs to, does something and breaks nothing."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widget import Widget

from costtui.tui.bindings import KEYS, Key
from costtui.tui.navigation import SCREENS
from costtui.tui.widgets.table import Table

Start = Any
PLACES = ("overview", *SCREENS)
LEAVING = ("quit", "stop")


def opener(place: str) -> str:
    """The key that goes to a screen."""
    actions = (place, f"goto('{place}')")
    return next(k.keys.split(",")[0] for k in KEYS if k.action in actions)


def on(ui: Any, place: str) -> list[Key]:
    lists = bool(ui.app.screen.query(Table))
    return [k for k in KEYS if k.on(place) or (lists and k.on("table"))]


@pytest.mark.parametrize("place", PLACES)
async def test_there_is_a_key_for_every_screen(place: str, start: Start) -> None:
    async with start() as ui:
        await ui.press(opener(place))
        assert ui.app.screen.where == place


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_every_key_is_bound_to_an_action_that_exists(
    place: str, size: tuple[int, int], start: Start
) -> None:
    """Somebody in the chain from the focused widget to the app must have the action."""
    async with start(size=size) as ui:
        await ui.press(opener(place))
        for key in on(ui, place):
            name = key.action.partition("(")[0]
            nodes = [ui.app, ui.app.screen, *ui.app.screen.query(Widget)]
            assert any(hasattr(node, f"action_{name}") for node in nodes), (place, key.id)


@pytest.mark.parametrize("place", PLACES)
async def test_every_key_can_be_pressed(place: str, start: Start, tmp_path: Any) -> None:
    """And the app goes on: whatever was opened can be left by Esc, and the screen reached again."""
    async with start(export_dir=tmp_path) as ui:
        for key in on(ui, place):
            if key.id in LEAVING:
                continue
            for one in key.keys.split(","):
                await ui.press(opener(place))
                await ui.press(one)
                assert ui.app._exception is None, (place, key.id, one)
                assert ui.app.is_running
                for _ in range(4):
                    await ui.press("escape")
        await ui.press("f2")
        assert ui.app.screen.where == "overview"


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_the_ways_out(key: str, start: Start) -> None:
    async with start() as ui:
        await ui.pilot.press(key)
        await ui.until(lambda: not ui.app.is_running or ui.app._exit)
        assert ui.app.return_value == 0
