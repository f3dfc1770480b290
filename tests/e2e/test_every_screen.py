"""Every screen, and every list, line and record over one, opened by its keys on the demo at every
size: the terminal shows what was drawn and nothing else, also after others have written on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import pytest
from textual.screen import Screen

from costtui.tui import screens as package
from costtui.tui.bindings import KEYS
from costtui.tui.navigation import SCREENS

if TYPE_CHECKING:
    from tests.e2e.conftest import Terminal
    from tests.e2e.drawn import Drawn

pytestmark = [
    pytest.mark.flaky(reruns=1),  # a real terminal on a busy machine
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("every-screen"),
]

SIZES = ((60, 20), (300, 80), (80, 24), (200, 60), (120, 40))
TMUX = {"question_mark": "?", "backslash": "\\", "slash": "/", "equals_sign": "=", "at": "@",
        "colon": ":", "enter": "Enter", "ctrl+l": "C-l"}  # fmt: skip
"""Textual's names of keys → tmux's."""


class Over(NamedTuple):
    """What is opened from a screen."""

    screen: str
    """`overview`, `help`, or a name of SCREENS."""
    keys: tuple[str, ...]
    """Ids of the bindings table, pressed one after the other."""
    top: str
    """The class of what is on top then; `""` for a line in the screen itself."""
    words: str
    """What is on it."""


OVER = (
    Over("overview", ("help",), "HelpScreen", "Narrow to this row"),
    Over("alerts", ("help",), "HelpScreen", "Acknowledge what fires"),
    Over("alerts", ("silence",), "SilenceForm", "how long"),
    Over("overview", ("choose-theme",), "ThemesScreen", "costtui-dark"),
    Over("overview", ("group-by",), "Chooser", "provider"),
    Over("cross", ("group-by",), "Chooser", "Tab"),
    Over("requests", ("open",), "RequestScreen", "request 1 of"),
    Over("requests", ("open", "detail"), "FullTextScreen", "Esc back"),
    Over("requests", ("source-line",), "SourceLineScreen", "Esc back"),
    Over("prices", ("price",), "PriceScreen", "input"),
    Over("prices", ("what-if",), "", "3 15"),
    Over("overview", ("filter",), "", "filter:"),
    Over("overview", ("at",), "", "yesterday"),
    Over("overview", ("palette",), "", "commands"),
    Over("help", ("find",), "", "Enter keeps"),
    Over("overview", ("drill", "filters"), "FilterList", "takes it out"),
)


def key(action: str) -> str:
    """tmux's name of the first key of a row of the table, by its id or its action."""
    row = next(k for k in KEYS if action in (k.id, k.action))
    name = row.keys.split(",")[0]
    return TMUX.get(name) or (name.upper() if name[0] == "f" and name[1:].isdigit() else name)


def opener(screen: str) -> str:
    """The key that goes to a screen from anywhere."""
    action = f"goto('{screen}')"
    return key(action if any(k.action == action for k in KEYS) else screen)


def every_class() -> set[str]:
    """Every screen there is; what has no `where` is only inherited from."""
    found = set()
    for module in iter_modules(package.__path__):
        here = import_module(f"{package.__name__}.{module.name}")
        for name, kind in vars(here).items():
            screen = isinstance(kind, type) and issubclass(kind, Screen)
            if screen and kind.__module__ == here.__name__ and getattr(kind, "where", ""):
                found.add(name)
    return found


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory,
    drawing: ModuleType,
    until: Callable[..., object],
    new_terminal: Callable[[Path], Terminal],
) -> Iterator[Drawn]:
    terminal = new_terminal(tmp_path_factory.mktemp("screens"))
    yield drawing.Drawn(terminal, until, drawing.DEMO, "llm-proxy")
    terminal.close()


def everywhere(shown: Drawn, drawing: ModuleType, top: str, words: str) -> None:
    """Through all sizes, and after the last one others write on the terminal."""
    for width, height in SIZES:
        shown.terminal.resize(width, height)
        drawing.fits(shown.same(width, height, top, words), width, height)
    scribble(shown.terminal)
    shown.terminal.keys(key("redraw"))
    shown.same(*SIZES[-1], top)


def scribble(terminal: Terminal) -> None:
    """What a `wall`, the kernel or a binary file does to it."""
    tty = terminal.state("pane_tty")[0]
    text = "".join(f"\x1b[{row};1H{'#' * 120}" for row in range(1, 41))
    with Path(tty).open("w", encoding="ascii") as line:
        line.write(f"\x1b[0m\x1b[31m\x1b(0\x1b[5;9r{text}\x1b[4h\x1b[?7h\x1b[?25h")


def test_every_screen_is_known_here() -> None:
    """A screen in the table opens by its key; for one over it this file must say how."""
    opened = {where.partition(":")[2] for where in SCREENS.values()} | {over.top for over in OVER}
    assert every_class() - opened <= {"OverviewScreen"}


def test_every_screen_at_every_size(shown: Drawn, drawing: ModuleType) -> None:
    for name in ("overview", *SCREENS):
        cls = SCREENS[name].partition(":")[2] if name in SCREENS else "OverviewScreen"
        shown.terminal.keys("F2", opener(name))
        shown.same(*shown.size, cls)
        everywhere(shown, drawing, cls, shown.title)
    shown.home()


@pytest.mark.parametrize("over", OVER, ids=lambda over: "-".join((over.screen, *over.keys)))
def test_what_opens_over_a_screen(over: Over, shown: Drawn, drawing: ModuleType) -> None:
    shown.home()
    below = "HelpScreen" if over.screen == "help" else "OverviewScreen"
    below = SCREENS.get(over.screen, below).rpartition(":")[2]
    shown.terminal.keys(opener(over.screen))
    shown.same(*shown.size, below, "▌")
    for name in over.keys:
        before = shown.screens, shown.filters, shown.typing
        shown.terminal.keys(key(name))
        shown.until(
            lambda b=before: shown.tell() and b != (shown.screens, shown.filters, shown.typing),
            f"something at {name}",
        )
    everywhere(shown, drawing, over.top or below, over.words)
    shown.home()
