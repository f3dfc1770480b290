"""The chooser of themes, and a theme that changes while it is worn."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from costtui.tui import themes
from costtui.tui.screens.themes import ThemesScreen

Start = Callable[..., AbstractAsyncContextManager[Any]]
MINE = 'name: mine\nprimary: "#123456"\nforeground: "#ffffff"\nbackground: "%s"\n'


async def test_each_theme_is_worn_under_the_cursor_and_esc_takes_it_off(start: Start) -> None:
    names = list(themes.load_all(None).themes)
    async with start() as ui:
        await ui.press("T")
        assert isinstance(ui.app.screen, ThemesScreen)
        assert ui.app.theme == "costtui-dark", "nothing changes before the cursor moves"
        assert "claude-sonnet-4-5" in behind(ui), "what is behind is seen"
        seen = []
        await ui.press("home")
        for _ in names:
            seen.append(ui.app.theme)
            assert ui.app.look.palette.color("background").hex == _back(ui.app.theme)
            await ui.press("down")
        assert seen == names
        await ui.press("escape")
        assert ui.app.theme == "costtui-dark"
        assert len(ui.app.screen_stack) == 1
        assert ui.app.look.palette.color("background").hex == _back("costtui-dark")


def behind(ui: Any) -> str:
    """The text of the picture of all screens."""
    picture = ui.app.export_screenshot()
    return " ".join(re.sub(r"<[^>]+>", "", picture).replace("&#160;", " ").split())


def _back(name: str) -> str:
    from textual.color import Color

    return Color.parse(themes.load_all(None).themes[name].colors["background"]).hex


@pytest.mark.parametrize("key", ["escape", "q", "T", "f2", "f9"])
async def test_only_enter_keeps(start: Start, key: str) -> None:
    async with start() as ui:
        await ui.press("T", "down", "down", key)
        assert not isinstance(ui.app.screen, ThemesScreen)
        assert ui.app.theme == "costtui-dark"


async def test_enter_keeps_and_says_how_to_keep_it_for_good(start: Start) -> None:
    async with start(theme="nord") as ui:
        await ui.press("T", "up", "enter")
        assert ui.app.theme == "monochrome"
        assert "display:" in ui.toasts
        assert len(ui.app.screen_stack) == 1
        await ui.press("5")
        assert ui.app.state.window == "7d"


async def test_windows_change_behind_the_list(start: Start) -> None:
    async with start() as ui:
        await ui.press("T", "5")
        assert ui.app.state.window == "7d"
        await ui.until(lambda: "spend 7d" in behind(ui))
        assert isinstance(ui.app.screen, ThemesScreen)


async def test_a_broken_theme_of_the_user_is_said_and_the_others_are_there(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "bad.yml").write_text('name: bad\nprimry: "#fff"\n')
    (tmp_path / "mine.yml").write_text(MINE % "#000000")
    async with start(themes_dir=tmp_path) as ui:
        await ui.press("T")
        assert "bad.yml: line 2: primry" in ui.toasts
        assert "dark, yours" in ui.text


async def test_no_color_has_nothing_to_choose(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with start() as ui:
        await ui.press("T")
        assert len(ui.app.screen_stack) == 1
        assert "NO_COLOR" in ui.toasts


async def test_a_theme_is_read_again_when_its_file_changes(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "whatever.yml"
    file.write_text(MINE % "#000000")
    async with start(themes_dir=tmp_path, theme="mine") as ui:
        assert ui.app.look.palette.color("background").hex == "#000000"
        await later(ui)
        write(file, MINE % "#101010")
        await ui.tick()
        assert ui.app.look.palette.color("background").hex == "#000000", "not twice a second"
        await later(ui)
        assert ui.app.look.palette.color("background").hex == "#101010"
        write(file, "name: mine\nprimary: nothing\n")
        await later(ui)
        assert "'nothing' is not a colour" in ui.toasts
        assert ui.app.theme == "mine"
        assert ui.app.look.palette.color("background").hex == "#101010"
        file.unlink()
        await later(ui)
        write(file, MINE % "#202020")
        await later(ui)
        assert ui.app.look.palette.color("background").hex == "#202020"


async def later(ui: Any) -> None:
    ui.clock.time += 1.5
    await ui.tick()
    await ui.settle()


def write(file: Path, text: str) -> None:
    """With a time of change that no clock's resolution can hide."""
    file.write_text(text)
    moment = int(file.stat().st_mtime_ns) + len(text) * 1_000_000
    os.utime(file, ns=(moment, moment))


async def test_a_theme_of_ours_costs_no_look_at_the_disk(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(themes_dir=tmp_path) as ui:
        await later(ui)
        looked: list[Path] = []
        monkeypatch.setattr(themes, "files", looked.append)
        monkeypatch.setattr("costtui.tui.theme_watch._stamp", looked.append)
        await later(ui)
        await later(ui)
        assert looked == []
