"""Pictures of prices, advice and budgets, accepted by eye."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from costtui.config.schema import PriceOverride
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
WIDE, NARROW = (120, 40), (80, 24)
D = Decimal


def _load_fakes() -> ModuleType:
    path = Path(__file__).with_name("fakes.py")
    spec = importlib.util.spec_from_file_location("tui_fakes_for_price_pictures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
PRICES = FAKES.PRICES


class Fine(FAKES.FakeData):  # type: ignore[name-defined, misc]
    """Two models at list price: nothing to say about them."""

    def spent(self, view: Any, now: float, by: tuple[str, ...] = ()) -> Any:
        return (
            PRICES.spent(view, () if by == ("gateway",) else by, PRICES.USED[:1]) if not by else ()
        )

    def failed(self, view: Any, now: float) -> dict[str, int]:
        return {}


class Hostile(FAKES.FakeData):  # type: ignore[name-defined, misc]
    """Names that try to move the cursor, inject markup, or break columns."""

    def spent(self, view: Any, now: float, by: tuple[str, ...] = ()) -> Any:
        used = tuple((name, name, how, 9 + at) for at, (name, how) in enumerate(
            zip(FAKES.HOSTILE, ("unpriced", "reported", "unpriced", "listed") * 2, strict=False)
        ))  # fmt: skip
        return PRICES.spent(view, by, used)


def config() -> Any:
    entries = (
        PriceOverride("ollama", "*", free=True, line=21),
        PriceOverride("corp", "our-*", rates=(("input", D("0.4")), ("output", D("1.6"))), line=22),
    )
    files = (Path("/etc/costtui/config.yml"),)
    return replace(FAKES.config(), pricing=entries, files=files)


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    PRICES.freeze_catalogue(monkeypatch)

    def take(data: Any, size: tuple[int, int], *keys: str, **options: Any) -> None:
        app = CosttuiApp(
            lambda: data, config=config(), clock=FAKES.FrozenClock(), theme="costtui-dark",
            wait_for_first=5.0, **options,
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


sizes = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
SCREENS = {"prices": "f8", "advice": "f7", "budgets": "f5"}


@sizes
@pytest.mark.parametrize("screen", SCREENS)
def test_screen(picture: Callable[..., None], screen: str, size: tuple[int, int]) -> None:
    picture(FAKES.FakeData(), size, SCREENS[screen])


@sizes
@pytest.mark.parametrize("screen", SCREENS)
def test_empty(picture: Callable[..., None], screen: str, size: tuple[int, int]) -> None:
    picture(FAKES.FakeData(FAKES.empty(configured=True)), size, SCREENS[screen])


@sizes
@pytest.mark.parametrize("screen", ["prices", "advice"])
def test_hostile(picture: Callable[..., None], screen: str, size: tuple[int, int]) -> None:
    picture(Hostile(), size, SCREENS[screen])


def test_nothing_to_advise(picture: Callable[..., None]) -> None:
    picture(Fine(), WIDE, "f7")


ONE = ("f8", "equals_sign", "1", "space", "5", "enter")
ALL = (
    "f8",
    "equals_sign",
    *"all",
    "space",
    *"gpt",
    "minus",
    "5",
    "minus",
    *"mini",
    "enter",
    "down",
)


@sizes
def test_what_if_of_one(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(FAKES.FakeData(), size, *ONE)


@sizes
def test_what_if_of_all(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(FAKES.FakeData(), size, *ALL)


def test_typing(picture: Callable[..., None]) -> None:
    picture(FAKES.FakeData(), NARROW, "f8", "equals_sign", "3", "slash", "1", "5")


@sizes
def test_in_full(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(FAKES.FakeData(), size, "f8", "down", "down", "down", "enter")


def test_in_full_with_what_if(picture: Callable[..., None]) -> None:
    picture(FAKES.FakeData(), WIDE, *ALL[:-1], "home", "enter")


def test_ascii(picture: Callable[..., None]) -> None:
    picture(FAKES.FakeData(), NARROW, *ONE, ascii_only=True)
