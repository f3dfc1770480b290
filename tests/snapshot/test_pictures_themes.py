"""Pictures of the themes that others love, and of the list of themes."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from textual.pilot import Pilot

from costtui.tui.app import CosttuiApp

WIDE, NARROW = (120, 40), (80, 24)
Picture = Callable[..., None]


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "fakes_for_theme_pictures", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()


@pytest.fixture
def picture(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> Picture:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(theme: str, size: tuple[int, int] = WIDE, keys: tuple[str, ...] = ()) -> None:
        data = FAKES.FakeData(FAKES.firing())
        app = CosttuiApp(
            lambda: data, config=FAKES.config(), clock=FAKES.FrozenClock(), theme=theme,
            wait_for_first=5.0,
        )  # fmt: skip

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


@pytest.mark.parametrize("theme", ["nord", "gruvbox-dark", "gruvbox-light", "dracula"])
def test_theme(picture: Picture, theme: str) -> None:
    picture(theme)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_choosing(picture: Picture, size: tuple[int, int]) -> None:
    picture("costtui-dark", size, ("T", "down", "down"))
