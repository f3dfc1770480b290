"""Pictures of the command line, views, help and toasts; accepted by eye."""

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

from costtui.tui.app import CosttuiApp
from costtui.tui.habits import Habits

Compare = Callable[..., bool]
WIDE, NARROW, TINY = (120, 40), (80, 24), (60, 20)
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW, TINY], ids=["120x40", "80x24", "60x20"])

VIEWS: dict[str, dict[str, Any]] = {
    "europe by team": {"window": "7d", "group": "team", "filters": ["gateway=kong-eu", "!test"]},
    "dear requests": {"screen": "requests", "window": "today", "sort": "cost"},
}
SAVED = (
    '{"night batch": {"window": "24h", "group": "consumer", "unit": "tokens",'
    ' "filters": ["batch"]},'
    ' "\\u001b[31mhostile\\u202e": {"window": "7d", "filters": ["\\u001b[2J"]}}'
)


def _load_fakes() -> ModuleType:
    path = Path(__file__).with_name("fakes.py")
    spec = importlib.util.spec_from_file_location("tui_fakes_for_habits", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()


@pytest.fixture
def picture(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., None]:
    """Take the picture and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        keys: tuple[str, ...],
        size: tuple[int, int] = WIDE,
        notices: tuple[tuple[str, str, Any], ...] = (),
        views: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        (tmp_path / "views.json").write_text(SAVED if views is None else "{}")
        habits = Habits(tmp_path, configured=VIEWS if views is None else views, remember=False)
        app = CosttuiApp(
            FAKES.FakeData,
            config=options.pop("config", None) or FAKES.config(),
            clock=FAKES.FrozenClock(),
            theme="costtui-dark",
            wait_for_first=5.0,
            habits=habits,
            **options,
        )

        async def prepare(pilot: Pilot[int]) -> None:
            while app.focused is None:  # Textual gives it after mounting
                await pilot.pause(0.01)
            for key in keys:
                await pilot.press(key)
                await app.settled()
                await pilot.pause()
            for title, text, severity in notices:
                app.notify(text, title=title, severity=severity, timeout=600, markup=False)
            await app.settled()
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


LINES = {
    "empty": "",
    "hits": "re",
    "values": "theme ",
    "views": "view ",
    "error": "thme nord\r",
}


@SIZES
@pytest.mark.parametrize("name", LINES)
def test_command_line(picture: Callable[..., None], name: str, size: tuple[int, int]) -> None:
    keys = {"\r": "enter", " ": "space"}
    picture(("colon", *(keys.get(c, c) for c in LINES[name])), size)


def test_command_line_of_a_chosen_theme(picture: Callable[..., None]) -> None:
    picture(("colon", *"theme", "space", *["down"] * 7))


def test_command_line_in_ascii(picture: Callable[..., None]) -> None:
    picture(("colon", *"vi"), NARROW, ascii_only=True)


@SIZES
def test_views(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("V", "down"), size)


@pytest.mark.parametrize("size", [NARROW, TINY], ids=["80x24", "60x20"])
def test_no_views(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("V",), size, views={})


@SIZES
def test_a_view(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture((), size, view="europe by team")


@SIZES
def test_help(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("question_mark",), size)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_help_narrowed(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("question_mark", "slash", *"time"), size)


TOASTS: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "export": (("Export", "14 rows in /home/me/reports/llm/2026/november/"
                "costtui-model-20261122-105703.csv", "information"),),
    "error": (("Export", "nothing was written: /mnt/readonly/reports: Read-only file system; "
               "/home/me/.local/share/costtui/exports: No space left on device", "error"),),
    "three": (("Theme", "mine.yml: accent: 'reed' is not a colour", "warning"),
              ("Keys", "keymap.copy: ctrl+s stops the output of many terminals", "warning"),
              ("", "Theme dracula", "information")),
}  # fmt: skip


@SIZES
@pytest.mark.parametrize("name", TOASTS)
def test_toast(picture: Callable[..., None], name: str, size: tuple[int, int]) -> None:
    picture((), size, TOASTS[name])


def test_users_keys(picture: Callable[..., None]) -> None:
    keymap = (("help", ("H",)), ("group", ("ctrl+g",)), ("window-7d", ("w",)), ("copy", ()))
    picture(("H",), WIDE, config=replace(FAKES.config(), keymap=keymap))
