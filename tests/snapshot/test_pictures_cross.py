"""Pictures of the heat table, the chooser of dimensions and the list of filters."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from costtui.config.schema import Consumer
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
WIDE, NARROW, HUGE = (120, 40), (80, 24), (200, 50)


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_cross", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
MANY = tuple(f"team-{n:02d}-{'batch' if n % 3 else 'interactive'}" for n in range(40))


class Wide(FAKES.FakeData):  # type: ignore[name-defined, misc]
    """More of both than any screen has room for."""

    def cross(self, view: Any, rows: str, columns: str, now: float) -> Any:
        return FAKES.cross(view, rows, columns, names={"consumer": MANY, "model": MANY})


class Hostile(FAKES.FakeData):  # type: ignore[name-defined, misc]
    def cross(self, view: Any, rows: str, columns: str, now: float) -> Any:
        names = {"consumer": FAKES.HOSTILE, "model": FAKES.HOSTILE}
        return FAKES.cross(view, rows, columns, names=names)


def data_of(state: str) -> Any:
    match state:
        case "wide":
            return Wide()
        case "hostile":
            return Hostile(FAKES.hostile())
        case "quiet":
            return FAKES.FakeData(FAKES.quiet_window())
        case "welcome":
            return FAKES.FakeData(FAKES.empty())
    return FAKES.FakeData()


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the picture and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        keys: tuple[str, ...],
        size: tuple[int, int] = WIDE,
        state: str = "normal",
        theme: str = "costtui-dark",
        **options: Any,
    ) -> None:
        data = data_of(state)
        tags = (("env", "prod"), ("cost-center", "4711"))
        who = Consumer("Build farm", "ci", "platform", tags)
        app = CosttuiApp(
            lambda: data,
            config=replace(
                FAKES.config(configured=state != "welcome"), consumers=(("key:*", who),)
            ),
            clock=FAKES.FrozenClock(),
            theme=theme,
            wait_for_first=5.0,
            **options,
        )

        async def prepare(pilot: Pilot[int]) -> None:
            for key in keys:
                await pilot.press(key)
                await app.settled()
                await pilot.pause()
            app.clear_notifications()
            await app.settled()
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


MOVED = ("x", "down", "down", "right")


@pytest.mark.parametrize("size", [WIDE, NARROW, HUGE], ids=["120x40", "80x24", "200x50"])
@pytest.mark.parametrize("state", ["normal", "wide"])
def test_heat_table(picture: Callable[..., None], state: str, size: tuple[int, int]) -> None:
    picture(MOVED, size, state)


def test_scrolled_and_sorted(picture: Callable[..., None]) -> None:
    picture(("x", *("right",) * 12, "pagedown", "s", "down"), state="wide")


def test_change_against_before(picture: Callable[..., None]) -> None:
    picture((*MOVED, "c"))


def test_tokens_turned_round(picture: Callable[..., None]) -> None:
    picture(("x", "X", "u"))


@pytest.mark.parametrize("theme", ["costtui-light", "monochrome", "ansi-16", "high-contrast"])
def test_themes(picture: Callable[..., None], theme: str) -> None:
    picture(MOVED, theme=theme)


def test_ascii(picture: Callable[..., None]) -> None:
    picture(MOVED, NARROW, ascii_only=True)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
@pytest.mark.parametrize("state", ["hostile", "quiet"])
def test_states(picture: Callable[..., None], state: str, size: tuple[int, int]) -> None:
    picture(("x",), size, state)


def test_before_anything_has_arrived(picture: Callable[..., None]) -> None:
    picture(("x",), state="welcome")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_chooser(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("b", "down"), size)


def test_chooser_narrowed(picture: Callable[..., None]) -> None:
    picture(("x", "b", "tab", "t", "a", "g"))


@pytest.mark.parametrize("theme", ["costtui-dark", "monochrome"])
def test_filters(picture: Callable[..., None], theme: str) -> None:
    keys = ("enter", "down", "enter", "slash", "!", "b", "o", "t", "enter", "backslash", "up")
    picture(keys, theme=theme)


def test_no_filters(picture: Callable[..., None]) -> None:
    picture(("backslash",), NARROW)
