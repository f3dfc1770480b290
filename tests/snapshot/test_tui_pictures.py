"""Pictures of the screen, accepted by eye; `pytest tests/snapshot --snapshot-update` makes them.

Clock, data and theme are fixed, so a picture changes only when the screen does. Few on purpose:
every state at both sizes that matter, every theme once, every screen once.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from costtui.errors import StoreCorruptError
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
WIDE, NARROW = (120, 40), (80, 24)


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_pictures", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()


class Silent(FAKES.FakeData):  # type: ignore[name-defined, misc]
    """Has no answer yet."""

    def overview(self, *_: Any) -> None:
        return None


def data_of(state: str) -> Any:
    match state:
        case "loading":
            return Silent()
        case "error":
            broken = FAKES.FakeData()
            broken.error = StoreCorruptError(
                "/home/me/.local/share/costtui/costtui.db: the database disk image is malformed"
            )
            return broken
        case "welcome":
            return FAKES.FakeData(FAKES.empty())
        case "waiting":
            return FAKES.FakeData(FAKES.empty(configured=True))
        case "quiet":
            return FAKES.FakeData(FAKES.quiet_window())
        case "firing":
            return FAKES.FakeData(FAKES.firing())
        case "hostile":
            return FAKES.FakeData(FAKES.hostile())
        case "reconciled":
            return FAKES.FakeData(FAKES.reconciled())
        case "exact":
            return FAKES.FakeData(FAKES.exact())
    return FAKES.FakeData()


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the picture and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        state: str = "normal",
        size: tuple[int, int] = WIDE,
        keys: tuple[str, ...] = (),
        theme: str = "costtui-dark",
        **options: Any,
    ) -> None:
        data = data_of(state)
        app = CosttuiApp(
            lambda: data,
            config=FAKES.config(configured=state != "welcome"),
            clock=FAKES.FrozenClock(),
            theme=theme,
            wait_for_first=0.05 if state == "loading" else 5.0,
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


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
@pytest.mark.parametrize(
    "state",
    ["normal", "welcome", "waiting", "loading", "error", "quiet", "exact", "firing", "hostile"],
)
def test_state(picture: Callable[..., None], state: str, size: tuple[int, int]) -> None:
    picture(state, size)


@pytest.mark.parametrize(
    "theme",
    ["costtui-light", "high-contrast", "colour-blind", "ansi-16", "monochrome"],
)
def test_theme(picture: Callable[..., None], theme: str) -> None:
    picture("firing", theme=theme)


SCREENS = {
    "drilled": ("enter", "down", "enter"),
    "requests": ("f3",),
    "request": ("f3", "down", "down", "down", "down", "enter"),
    "sources": ("f9", "end"),
    "help": ("question_mark",),
    "chart": ("shift+tab", "M"),
    "filtering": ("slash", "p", "r", "o"),
    "past-week-of-requests": ("5", "left_square_bracket", "u", "u"),
    "palette": ("colon",),
}


@pytest.mark.parametrize("name", SCREENS)
def test_screen(picture: Callable[..., None], name: str) -> None:
    picture(keys=SCREENS[name])


def test_narrow_requests(picture: Callable[..., None]) -> None:
    picture(size=NARROW, keys=("f3",))


def test_narrow_sources_panel(picture: Callable[..., None]) -> None:
    picture(size=NARROW, keys=("tab", "tab", "tab", "tab", "tab"))


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
@pytest.mark.parametrize("state", ["normal", "welcome", "waiting"])
def test_fleet(picture: Callable[..., None], state: str, size: tuple[int, int]) -> None:
    picture(state, size, keys=("f",))


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_reconciled(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture("reconciled", size, keys=("f9", "tab"))


def test_ascii(picture: Callable[..., None]) -> None:
    picture(ascii_only=True)


def test_tiny(picture: Callable[..., None]) -> None:
    picture(size=(60, 20))


def test_huge(picture: Callable[..., None]) -> None:
    picture(size=(200, 60))
