"""The flags of the screen: what they say, what beats what, and one frame into a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from costtui.cli.common import build_parser
from costtui.cli.run import RunCommand, ScreenOf, _screen_of
from costtui.errors import ConfigError, UsageError
from costtui.tui.habits import Habits


def asked(*words: str) -> ScreenOf:
    command = RunCommand()
    return _screen_of(build_parser(command, "costtui").parse(list(words)))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "c.yml"
    path.write_text(
        "display: {theme: fjord, window: 1h}\nviews: {eu: {window: 7d, group: team}}\n"
        "keymap: {theme: ctrl+s}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("COSTTUI_CONFIG", str(path))
    return path


def state() -> Path:
    return Path(os.environ["XDG_STATE_HOME"]) / "costtui"


def test_remembered_is_before_the_file_and_behind_flag_and_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = asked().habits
    one.note("theme", "ember")
    one.note("window", "30d")
    one.keep()
    assert asked().habits.remembered() == {"theme": "ember", "window": "30d"}
    flagged = asked("--theme", "costtui-light")
    assert (flagged.theme, flagged.window) == ("costtui-light", None)
    assert flagged.habits.remembered() == {"window": "30d"}
    monkeypatch.setenv("COSTTUI_WINDOW", "6h")
    assert asked().window == "6h"
    assert asked().habits.remembered() == {"theme": "ember"}
    monkeypatch.delenv("COSTTUI_WINDOW")
    file.write_text("display: {theme: costtui-light, window: 1h}\n", encoding="utf-8")
    assert asked().habits.remembered() == {"window": "30d"}, "the newer word is the file's"
    file.write_text("display: {remember: false}\n", encoding="utf-8")
    assert asked().habits.remembered() == {}


def test_a_view_is_known_before_anything_is_drawn(file: Path) -> None:
    assert asked("--view", "eu").view == "eu"
    Habits(state()).save("us", {"window": "1h"})
    assert asked("--view", "us").view == "us"
    with pytest.raises(UsageError, match=r'no view is called "euu" \(did you mean "eu"\?\)'):
        asked("--view", "euu")
    with pytest.raises(UsageError, match="no view is called"):
        asked("--view", "")


def test_what_terminals_swallow_is_said_at_the_start(file: Path) -> None:
    assert asked().warning == "keymap.theme: ctrl+s stops the output of many terminals"


def test_a_wrong_keymap_is_a_configuration_error(file: Path) -> None:
    file.write_text("keymap: {thme: x}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r'c\.yml:1: .*did you mean "theme"'):
        asked()


def test_what_is_printed_does_not_depend_on_last_time(file: Path) -> None:
    one = asked().habits
    one.note("window", "30d")
    one.keep()
    assert asked("--once").habits.remembered() == {}


def costtui(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "costtui", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100", "LINES": "30", **env},
        timeout=60,
        check=False,
    )


@pytest.mark.e2e
def test_one_frame_of_a_view_in_a_pipe(file: Path, store_path: Path) -> None:
    (file.parent / "log.jsonl").write_text("")
    log = str(file.parent / "log.jsonl")
    done = costtui("--db", str(store_path), "collect", "--once", COST_TRACKING_FILE=log)
    assert done.returncode == 0, done.stderr
    done = costtui("--db", str(store_path), "--once", "--ascii", "--view", "eu", "--readonly")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert " costtui  eu  7d" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert not (state() / "remembered.json").exists(), "a print is no visit"
    done = costtui("--db", str(store_path), "--once", "--view", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'no view is called "nowhere"; there are: eu\n'


@pytest.mark.e2e
def test_the_log_takes_what_the_screen_meets(file: Path, store_path: Path, tmp_path: Path) -> None:
    store_path.parent.mkdir(parents=True)
    store_path.write_bytes(b"this is no database" * 500)
    log = tmp_path / "log"
    done = costtui("--db", str(store_path), "--once", "--log-file", str(log))
    assert done.returncode == 1
    assert re.search(r"ERROR costtui\.tui\.app: .*(not a database|malformed)", log.read_text())


@pytest.mark.parametrize("text", ["0.1", "3601", "x"])
def test_refresh_has_limits(text: str) -> None:
    with pytest.raises(UsageError):
        asked("--refresh", text)


def test_refresh_and_window_reach_the_screen(file: Path) -> None:
    of = asked("--refresh", "5", "--window", "6h", "--ascii")
    assert (of.config.display.refresh, of.window, of.config.display.ascii) == (5.0, "6h", True)
