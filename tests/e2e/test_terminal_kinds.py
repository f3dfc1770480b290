"""Every kind of terminal, GNU screen, and a line of 200 ms each way; the terminal is tmux's."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Log, Terminal

    Until = Callable[..., object]

pytestmark = [
    pytest.mark.flaky(reruns=1),
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(120),
]

RELAY = Path(__file__).with_name("relay.py")


class Kind(NamedTuple):
    """An environment and what is drawn in it."""

    env: str
    colors: str
    """`256`, `16`, `none`; `""`: it is refused."""
    ascii: bool = False


UTF8 = "LC_ALL=C.UTF-8"
KINDS = (
    Kind(f"{UTF8} TERM=xterm-256color", "256"),
    Kind(f"{UTF8} TERM=screen-256color", "256"),
    Kind(f"{UTF8} TERM=xterm", "16"),
    Kind(f"{UTF8} TERM=screen", "16"),
    Kind(f"{UTF8} TERM=linux", "16"),
    Kind(f"{UTF8} TERM=nonsense", "16"),
    Kind(f"-u TERM {UTF8}", "16"),
    Kind(f"{UTF8} TERM=vt100", "none"),
    Kind(f"{UTF8} TERM=xterm-256color NO_COLOR=1", "none"),
    Kind("LC_ALL=C TERM=xterm-256color", "256", ascii=True),
    Kind("-u LC_ALL LANG=en_US.ISO-8859-1 TERM=xterm-256color", "256", ascii=True),
    Kind("-u LC_ALL LANG=C TERM=xterm", "16", ascii=True),
    Kind("-u LC_ALL -u LC_CTYPE -u LANG TERM=xterm", "16"),  # nobody says anything, as in Docker
    Kind(f"{UTF8} TERM=dumb", ""),
)
SGR = re.compile(r"\x1b\[([\d;:]*)m")


@pytest.fixture
def store(log: Log, costtui: Callable[..., Any], tmp_path: Path) -> Path:
    log.grow(300)
    path = tmp_path / "store.db"
    done = costtui("collect", "--once", "--db", path, COST_TRACKING_FILE=str(log.path))
    assert done.returncode == 0, done.stderr
    return path


def colors(text: str) -> str:
    """How many colours a screen with its SGR sequences has."""
    codes = {code for found in SGR.findall(text) for code in re.split("[;:]", found)}
    if "38" in codes or "48" in codes:
        return "256"
    return (
        "16"
        if codes & {str(n) for n in (*range(30, 38), *range(90, 98), *range(40, 48))}
        else "none"
    )


class Window:
    """One window of a terminal's tmux, with a command that says at its end how it ended."""

    def __init__(self, terminal: Terminal, number: int, command: str) -> None:
        self.terminal, self.at = terminal, f":{number}"
        line = f"{command}; echo co''de=$?; read -r _"
        terminal._tmux("new-window", "-d", "-t", self.at, f"bash --norc -c {shlex.quote(line)}")

    def text(self, *options: str) -> str:
        return self.terminal._tmux("capture-pane", "-p", "-t", self.at, *options)

    def keys(self, *keys: str) -> None:
        self.terminal._tmux("send-keys", "-t", self.at, *keys)

    def state(self) -> str:
        names = "#{alternate_on} #{cursor_flag} #{mouse_any_flag}"
        return self.terminal._tmux("display-message", "-p", "-t", self.at, names).strip()


def test_every_kind_of_terminal(
    terminals: Callable[[], Terminal], store: Path, until: Until
) -> None:
    terminal = terminals()
    program = f"{shlex.quote(sys.executable)} -m costtui --readonly --db {store}"
    windows = [
        Window(terminal, number, f"env {kind.env} {program}")
        for number, kind in enumerate(KINDS, 1)
    ]
    for kind, window in zip(KINDS, windows, strict=True):

        def there(kind: Kind = kind, window: Window = window) -> bool:
            shown = window.text()
            return "openai" in shown if kind.colors else "code=" in shown

        until(there, lambda k=kind, w=window: f"{k.env}: its screen, on\n{w.text()}", 40)
        shown = window.text()
        if not kind.colors:
            assert "cannot move its cursor" in shown
            assert "code=2" in shown
            continue
        assert kind.colors == colors(window.text("-e")), kind.env
        assert shown.isascii() == kind.ascii, f"{kind.env}\n{shown}"
    for window in windows:
        window.keys("q")
    for kind, window in zip(KINDS, windows, strict=True):
        until(lambda w=window: "code=" in w.text(), lambda w=window: w.text())
        assert ("code=0" in window.text()) == bool(kind.colors), kind.env
        assert window.state() == "0 1 0", kind.env


def test_gnu_screen(
    terminals: Callable[[], Terminal],
    store: Path,
    until: Until,
    need: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    """Drawn, driven, detached and attached again from another terminal, and left."""
    need("screen", "GNU screen is not tested")
    terminal = terminals()
    sockets = tmp_path / "screens"
    sockets.mkdir(mode=0o700)
    rc = tmp_path / "screenrc"
    rc.write_text("startup_message off\ndefutf8 on\nterm screen-256color\nautodetach on\n")
    screen = f"env SCREENDIR={sockets} {UTF8} screen -c {rc} -U"
    program = f"{shlex.quote(sys.executable)} -m costtui --readonly --db {store}"
    line = f"{program}; echo co''de=$?; read -r _"
    window = Window(terminal, 1, f"{screen} -S it bash --norc -c {shlex.quote(line)}")
    seen = window.text

    def shows(window: Window, *words: str) -> str:
        until(lambda: all(w in window.text() for w in words), lambda: f"{words}:\n{window.text()}")
        return window.text()

    first = shows(window, "openai", "? help", "╰")
    assert colors(seen("-e")) == "256"
    rows = [row for row in first.splitlines() if row.startswith("│")]
    assert rows
    assert all(row.endswith(("│", "╮", "╯")) for row in rows)
    window.keys("F3")
    shows(window, "newest first", "took")
    window.keys("C-a", "d")  # screen's own key
    shows(window, "detached")
    again = Window(terminal, 2, f"{screen} -r it")
    shows(again, "newest first", "took", "? help")
    terminal._tmux("resize-window", "-t", again.at, "-x", "100", "-y", "30")
    until(lambda: len(again.text().splitlines()) == 30, lambda: again.text())
    before = shows(again, "took", "? help")
    again.keys("C-l")
    until(lambda: again.text() == before, lambda: f"the same again:\n{again.text()}")
    again.keys("Escape")
    shows(again, "spend", "openai")
    again.keys("q")
    shows(again, "code=0")
    assert "openai" not in again.text(), "screen has no alternate screen unless told to"
    again.keys("Enter")


KEYS = ("3", "g", "u", "F3", "Escape", "5", "f", "F2", "c", "2")
"""Ten keys at once, and what they come to: an hour, tokens, by provider, with no comparison."""


def test_ten_keys_on_a_line_of_200_ms_each_way(
    terminals: Callable[[], Terminal], store: Path, until: Until, tmp_path: Path
) -> None:
    terminal = terminals()
    program = f"{shlex.quote(sys.executable)} -m costtui --readonly --db {store}"
    relay = f"{shlex.quote(sys.executable)} {RELAY} 0.2"
    windows = [
        Window(terminal, number, f"env {UTF8} {relay} {tmp_path}/bytes-{number} {program}")
        for number in (1, 2)
    ]
    for window in windows:
        until(lambda w=window: "? help" in w.text(), lambda w=window: w.text(), 40)
    busy = windows[1]
    busy.keys(*KEYS)

    def there() -> bool:
        shown = busy.text()
        # Esc and a key in one packet are alt with it to any terminal program.
        return "tokens 1h" in shown and "tokens↓" in shown and "╭─ provider 2" in shown

    until(there, lambda: f"the end state:\n{busy.text()}")
    for window in windows:
        window.keys("q")
        until(lambda w=window: "code=0" in w.text(), lambda w=window: w.text())
        assert window.state() == "0 1 0"
    counted = [
        list(map(int, (tmp_path / f"bytes-{number}").read_text().split())) for number in (1, 2)
    ]
    (_, once), (_, keys) = counted
    print(f"{once} bytes for the start and the end, {keys - once} for ten keys")
    assert once < 80_000
    assert keys - once < 150_000, "a few frames, not one for each byte"
