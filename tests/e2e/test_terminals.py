"""A real terminal shows what the app drew, at every size, and is afterwards as it was."""

from __future__ import annotations

import json
import os
import random
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

if TYPE_CHECKING:
    from tests.e2e.conftest import Terminal
    from tests.e2e.drawn import Drawn

    Terminals = Callable[[], Terminal]
    Until = Callable[..., object]

pytestmark = [
    pytest.mark.flaky(reruns=1),
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("terminals"),
]

SIZES = ((60, 20), (80, 24), (120, 40), (200, 50), (300, 80))
SCREENS = {
    "F2": "OverviewScreen",
    "F3": "RequestsScreen",
    "f": "FleetScreen",
    "F9": "SourcesScreen",
    "?": "HelpScreen",
}


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    new_terminal: Callable[[Path], Terminal],
    drawing: ModuleType,
    until: Until,
) -> Iterator[Drawn]:
    """One program for the tests after which it is there to be used again."""
    terminal = new_terminal(tmp_path_factory.mktemp("drawn"))
    yield drawing.Drawn(terminal, until, drawing.FAKES, "970.88")
    terminal.close()


@pytest.fixture
def drawn(shared: Drawn) -> Drawn:
    shared.terminal.resize(120, 40)
    shared.home()
    shared.terminal.keys("4")
    shared.until(lambda: shared.tell() and shared.window == "24h", "a day")
    shared.same(120, 40, "OverviewScreen")
    return shared


@pytest.fixture
def ending(terminals: Terminals, until: Until, drawing: ModuleType) -> Drawn:
    """One that is ended by the test."""
    made: Drawn = drawing.Drawn(terminals(), until, drawing.FAKES, "970.88")
    return made


def burst(rng: random.Random) -> tuple[list[str], tuple[int, int] | None]:
    """Keys and sizes as one tmux command: everything arrives within a millisecond or two."""
    command: list[str] = []
    size = None
    for _ in range(rng.randint(2, 20)):
        if rng.random() < 0.3:
            size = rng.choice([*SIZES[:4], (40, 10), (20, 5), (79, 23)])
            command += ["resize-window", "-x", str(size[0]), "-y", str(size[1]), ";"]
        else:
            keys = [*"12345678ggucMLrjk[]<>", "Tab", "Enter", *SCREENS]
            command += ["send-keys", rng.choice(keys), ";"]
    return command[:-1], size


def test_after_bursts_of_keys_and_sizes_the_terminal_shows_what_was_drawn(ending: Drawn) -> None:
    """Seed 1 ended the program within three bursts and seed 3 left a former frame, before."""
    rng = random.Random(1)
    size = (120, 40)
    for _ in range(14):
        command, last = burst(rng)
        ending.terminal._tmux(*command)
        size = last or size
        ending.same(*size)


def test_the_last_of_quick_window_keys_wins(drawn: Drawn) -> None:
    rng = random.Random(2)
    names = ("15m", "1h", "6h", "24h", "7d", "30d", "today", "month")
    for _ in range(6):
        keys = rng.choices("12345678", k=9)
        drawn.terminal._tmux("send-keys", *keys)
        wanted = names[int(keys[-1]) - 1]
        drawn.until(
            lambda wanted=wanted: drawn.tell() and drawn.window == wanted, f"the window {wanted}"
        )
        drawn.same(120, 40)


def test_a_terminal_that_is_too_small_and_grows_again(drawn: Drawn) -> None:
    for width, height in ((20, 5), (120, 40), (39, 30), (90, 7), (120, 40)):
        drawn.terminal.resize(width, height)
        lines = drawn.same(width, height)
        if (width, height) != (120, 40):
            assert [line.strip()[:9] for line in lines if line] == ["too small"]
    assert "970.88" in drawn.terminal.screen


def test_ctrl_z_gives_the_shell_and_fg_the_whole_screen(drawn: Drawn) -> None:
    terminal = drawn.terminal
    terminal.keys("f")
    before = drawn.same(120, 40, "FleetScreen")
    terminal.keys("C-z")
    terminal.shows("Stopped")
    assert terminal.state("alternate_on", "cursor_flag") == ["0", "1"]
    terminal.type("stty -a | grep -c ' echo '; clear")
    terminal.keys("Enter")
    terminal.keys("C-l")
    terminal.type("fg")
    terminal.keys("Enter")
    drawn.until(lambda: terminal.state("alternate_on") == ["1"], "the screen again")
    assert drawn.same(120, 40, "FleetScreen") == before
    terminal.keys("2")  # one thread reads keys, and it reads them all
    terminal.shows("1h")
    drawn.until(lambda: drawn.tell() and drawn.window == "1h", "the key")


def test_stopped_by_force_it_takes_the_terminal_back(ending: Drawn) -> None:
    drawn, terminal = ending, ending.terminal
    os.kill(terminal.program, signal.SIGSTOP)
    drawn.until(lambda: "Stopped" in terminal.screen, "the shell")
    terminal.type("fg; echo co''de=$?")
    terminal.keys("Enter")
    drawn.same(120, 40)
    terminal.keys("3")
    drawn.until(lambda: drawn.tell() and drawn.window == "6h", "the key")
    terminal.keys("q")
    assert terminal.ended() == 0


def test_a_crash_is_one_line_and_a_file(ending: Drawn) -> None:
    terminal = ending.terminal
    terminal.keys("R")
    assert terminal.ended() == 1
    shown = terminal.screen
    assert "costtui: the screen broke: KeyError:" in shown
    assert "Traceback" not in shown
    assert len(shown.split("broke", 1)[1].strip().splitlines()) < 8
    assert terminal.state("alternate_on", "cursor_flag") == ["0", "1"]
    (file,) = terminal.home.rglob("crash.log")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "action_refresh" in file.read_text()


def test_a_copy_reaches_the_clipboard_of_tmux(drawn: Drawn) -> None:
    terminal = drawn.terminal
    terminal._tmux("set-option", "-g", "set-clipboard", "on")
    terminal.keys("y")
    terminal.shows("Copied: claude-sonnet-4-5")
    drawn.until(
        lambda: terminal._tmux("show-buffer") == "claude-sonnet-4-5",
        lambda: f"it in the buffer: {terminal._tmux('show-buffer')!r}",
    )


def test_a_paste_does_nothing_on_a_screen_and_is_text_in_the_filter_line(drawn: Drawn) -> None:
    terminal = drawn.terminal
    before = drawn.same(120, 40)
    terminal._tmux("set-buffer", "q2fM?t\nq")
    terminal._tmux("paste-buffer", "-p")
    assert drawn.same(120, 40) == before
    terminal.keys("/")
    terminal.shows("~regex")
    terminal._tmux("paste-buffer", "-p")
    terminal.shows("filter: q2fM?t")
    assert drawn.same(120, 40, "OverviewScreen")


NAMES = (
    "plain",
    "日本語モデル",
    "שלום עולם 123",
    "مُوسِيقَى",
    "👩‍💻👍🏽🇩🇪",
    "हिन्दी தமிழ்",
    "e\u0301le\u0301ve",
    "\u202eevil\u2066",
    "\x1b[31mred\x07",
    "x" * 10_000,
    "漢" * 10_000,
)


def test_names_in_any_script_keep_every_cell_in_its_place(
    terminals: Terminals, costtui: Callable[..., Any], until: Until, tmp_path: Path
) -> None:
    log = tmp_path / "costs.jsonl"
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with log.open("w") as file:
        for number, name in enumerate(NAMES):
            line = {"timestamp": now, "provider": name, "model": name, "user_id": name,
                    "total_cost": 9.0 - number / 2, "input_tokens": 10, "output_tokens": 5,
                    "request_id": f"r{number}"}  # fmt: skip
            file.write(json.dumps(line, ensure_ascii=number % 2 == 0) + "\n")
    store = tmp_path / "store.db"
    done = costtui("collect", "--once", "--db", store, COST_TRACKING_FILE=str(log))
    assert done.returncode == 0, done.stderr
    terminal = terminals()
    terminal.start("--readonly", "--db", str(store))
    terminal.shows("spend", "日本語", timeout=60)
    for width in (60, 81, 120, 201):
        terminal.resize(width, 40)
        for key in ("F2", "F3"):
            terminal.keys(key)
            until(lambda: "? help" in terminal.line[-1], "the screen")

            def aligned(width: int = width) -> bool:
                rows = [line for line in terminal.line if line.startswith("│")]
                return len(rows) > 8 and all(
                    cell_len(row) == width and row.endswith(("│", "╮", "╯")) for row in rows
                )

            until(aligned, lambda: f"frames that are straight, on\n{terminal.screen}")
    shown = terminal.screen
    assert "\\u202eevil" in shown
    assert "\\x1b[31mred" in shown
    terminal.keys("F2", "q")
    assert terminal.ended() == 0


def test_keys_typed_before_the_first_paint_count_and_are_not_echoed(
    terminals: Terminals, until: Until, tmp_path: Path
) -> None:
    terminal = terminals()
    terminal.start("--readonly", "--db", str(tmp_path / "none.db"))
    # Nobody can keep the kernel from echoing what is typed before there is a process.
    with Path(terminal.state("pane_tty")[0]).open("rb", buffering=0) as line:
        until(lambda: not termios.tcgetattr(line)[3] & termios.ECHO, "no echo")
    terminal.type("?")
    terminal.shows("keys:")
    terminal.keys("q")
    terminal.keys("q")
    assert terminal.ended() == 0
    after = terminal.screen.partition("code=$?")[2] or terminal.screen.partition("de=$?")[2]
    assert after.split() == ["code=0", "READY>"], terminal.screen
