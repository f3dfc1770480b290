"""Pictures of the budgets, of what is muted, and of a notifier that is dead. See
test_tui_pictures.py."""

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

from costtui.model.charge import Exactness
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
WIDE, NARROW = (120, 40), (80, 24)
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_budget_pictures", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
MADE = FAKES.BUDGETS


def scene(state: str) -> tuple[Any, Any]:
    """(data, budgets) of a state."""
    quiet = FAKES.FakeData(replace(FAKES.overview(), alerts=()))
    match state:
        case "empty":
            return quiet, ()
        case "ok":
            return quiet, (MADE.TREE[3], MADE.TREE[2], MADE.TREE[5])
        case "passed":
            day = replace(MADE.TREE[3], limit_nano=60 * 10**9)
            at_it = replace(MADE.TREE[3], name="b day", limit_nano=MADE.SPENT["a day", ""])
            quiet.lines = lambda budgets, now: [
                MADE.line(b, MADE.SPENT["a day", ""], (), now) for b in budgets
            ]
            return quiet, (day, at_it)
        case "stale":
            quiet.lines = lambda budgets, now: [
                one._replace(exactness=Exactness.LOWER_BOUND) for one in MADE.lines(budgets, now)
            ]
            overview = replace(FAKES.overview(), alerts=(), collector_alive=False)
            quiet.answer = overview
            return quiet, MADE.TREE
        case "many":
            quiet.lines = lambda budgets, now: MADE.many(10_000)
            return quiet, MADE.MANY
        case "hostile":
            evil = replace(MADE.TREE[1], name=MADE.HOSTILE)
            quiet.lines = lambda budgets, now: [
                MADE.line(evil, spent, (("team", name),), now)
                for name, spent in (
                    (MADE.HOSTILE, 10**12),
                    ("=cmd()", 7 * 10**11),
                    ("日本語", 5),
                )
            ]
            return quiet, (evil,)
    overview = replace(
        FAKES.overview(), alerts=MADE.firing(), silences=MADE.silences(), acks=MADE.acks(),
        notifiers=MADE.health(),
    )  # fmt: skip
    return FAKES.FakeData(overview), MADE.TREE


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the picture and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        state: str,
        size: tuple[int, int] = WIDE,
        keys: tuple[str, ...] = ("f5",),
        theme: str = "costtui-dark",
        **options: Any,
    ) -> None:
        data, budgets = scene(state)
        notifiers = () if state in ("empty", "ok") else MADE.NOTIFIERS
        app = CosttuiApp(
            lambda: data,
            config=replace(FAKES.config(), budgets=budgets, notifiers=notifiers),
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
            for _ in range(3):
                await app.settled()
                await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


@SIZES
@pytest.mark.parametrize("state", ["ok", "firing", "stale", "many"])
def test_budgets(picture: Callable[..., None], state: str, size: tuple[int, int]) -> None:
    picture(state, size)


BUDGETS = {
    "empty": ("empty", WIDE, ("f5",)),
    "passed": ("passed", WIDE, ("f5",)),
    "hostile": ("hostile", NARROW, ("f5",)),
    "a-part": ("firing", WIDE, ("f5", "down", "down")),
    "everything": ("firing", (180, 50), ("f5",)),
    "found": ("firing", WIDE, ("f5", "slash", *"disc")),
    "past": ("firing", WIDE, ("f5", "left_square_bracket")),
    "numbers": ("firing", WIDE, ("f5", "n")),
    "tiny": ("firing", (60, 16), ("f5",)),
}


@pytest.mark.parametrize("name", BUDGETS)
def test_more_of_budgets(picture: Callable[..., None], name: str) -> None:
    picture(*BUDGETS[name])


def test_budgets_without_colours(picture: Callable[..., None]) -> None:
    picture("firing", theme="monochrome")


def test_budgets_in_ascii(picture: Callable[..., None]) -> None:
    picture("firing", ascii_only=True)


ALERTS = {
    "muted": ("f4",),
    "notifiers": ("f4", "shift+tab"),
    "asking": ("f4", "z", "tab", "tab", "space", "tab", *"a big load", "enter"),
}


@SIZES
@pytest.mark.parametrize("name", ALERTS)
def test_alerts(picture: Callable[..., None], name: str, size: tuple[int, int]) -> None:
    picture("firing", size, ALERTS[name])


def test_silences_where_there_is_little_room(picture: Callable[..., None]) -> None:
    picture("firing", NARROW, ("f4", "Z"))


def test_a_silence_being_filled_in(picture: Callable[..., None]) -> None:
    picture("firing", NARROW, ("f4", "z", *"90m", "tab", "tab", "space"))


@SIZES
def test_muted_on_the_overview(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture("firing", size, ())
