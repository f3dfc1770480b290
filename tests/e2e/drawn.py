"""A program in a real terminal that says what it drew, to be held against what the terminal shows.

A difference that stays is a piece of a former frame, or a change that was never painted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from tests.e2e.conftest import Terminal

    Until = Callable[..., object]

SNAPSHOT = Path(__file__).resolve().parents[1] / "snapshot"
TELLING = f"""
import asyncio, json, os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(SNAPSHOT)!r})
from costtui.cli import run
from costtui.tui import terminal
terminal.prepare(os.environ)
from costtui.tui import app as module

class App(module.CosttuiApp):
    def on_mount(self):
        super().on_mount()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.tell)

    def tell(self):
        screens = [type(screen).__name__ for screen in self.screen_stack]
        lines = [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]
        title = getattr(self.screen, "title_text", "")
        line = self.prompt is not None or self._types(self.focused)
        there = Path("drawn.json.new")
        told = [self.size, screens, self.state.window, title, len(self.state.filters), line, lines]
        there.write_text(json.dumps(told))
        there.rename("drawn.json")

    def action_refresh(self):
        raise KeyError("broken \\x1b[31m" + "x" * 900)
"""
FAKES = """
import fakes
app = App(fakes.FakeData, config=fakes.config(), clock=fakes.FrozenClock(), theme="costtui-dark")
sys.exit(run._end(app, False, None))
"""
"""Made-up data and a clock that stands."""
DEMO = """
del App.action_refresh
module.CosttuiApp = App
from costtui.cli.main import entry
sys.argv[1:] = ["demo", "--days", "2"]
entry()
"""


class Drawn:
    """A program in a terminal of 120x40, and what it says that it drew."""

    def __init__(self, terminal: Terminal, until: Until, program: str, shows: str) -> None:
        """`program` is FAKES or DEMO; it is waited for until `shows` is on the screen."""
        self.terminal, self.until = terminal, until
        (terminal.home / "program.py").write_text(TELLING + program)
        terminal.type(f"'{sys.executable}' program.py; echo co''de=$?")
        terminal.keys("Enter")
        terminal.shows(shows, timeout=60)
        self.size: tuple[int, int] = (120, 40)
        self.screens, self.window, self.title = ["OverviewScreen"], "24h", ""
        self.filters, self.typing = 0, False
        """Filters of the state; is there a line one types into?"""
        self._pid = terminal.program

    @property
    def top(self) -> str:
        """The class of the screen one sees."""
        return self.screens[-1]

    def tell(self) -> list[str]:
        """The lines that it drew."""
        file = self.terminal.home / "drawn.json"
        file.unlink(missing_ok=True)
        os.kill(self._pid, signal.SIGUSR1)
        deadline = time.monotonic() + 20
        while not file.exists():
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.002)
        size, *told, lines = json.loads(file.read_text())
        self.size = size[0], size[1]
        self.screens, self.window, self.title, self.filters, self.typing = told
        return [str(line) for line in lines]

    def home(self) -> None:
        """To the overview, unfiltered, whatever is open. Esc may go into a message, so it is
        pressed again where nothing came of it."""
        deadline = time.monotonic() + 20
        while self.tell() and (self.screens[1:] or self.filters or self.typing):
            before = self.screens, self.filters, self.typing
            self.terminal.keys("Escape")
            soon = time.monotonic() + 0.5
            while self.tell() and before == (self.screens, self.filters, self.typing):
                if time.monotonic() > soon:
                    break
            assert time.monotonic() < deadline, before

    def same(self, width: int, height: int, top: str = "", words: str = "") -> list[str]:
        """Wait until the terminal shows exactly what was drawn, at this size, with `words` on the
        screen `top`."""
        seen: list[str] = []
        drawn: list[str] = []

        def look() -> bool:
            nonlocal seen, drawn
            drawn = self.tell()
            if self.size != (width, height) or top not in ("", self.top):
                return False
            seen = [line.rstrip() for line in self.terminal.line]
            seen += [""] * (len(drawn) - len(seen))
            return seen == drawn and words in "\n".join(seen)

        def said() -> str:
            other = [pair for pair in zip(seen, drawn, strict=False) if pair[0] != pair[1]]
            return (
                f"{self.size} {self.screens} {len(seen)} lines, of which differ {other} ({words})"
            )

        deadline = time.monotonic() + 20
        while not look():
            assert time.monotonic() < deadline, said()
            time.sleep(0.01)
        return seen


def whole(lines: list[str], width: int, height: int) -> None:
    """No frame is cut, no line too long."""
    fits(lines, width, height)
    for line in lines:
        assert line.count("╭") == line.count("╮"), line
        assert line.count("╰") == line.count("╯"), line
        assert not line.startswith("│") or line.endswith(("│", "╮", "╯")), line


def fits(lines: list[str], width: int, height: int) -> None:
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width
    assert "Traceback" not in "\n".join(lines)
