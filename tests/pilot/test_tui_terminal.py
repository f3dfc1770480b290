"""On a real pseudo-terminal: it draws, it is silent, and it leaves the terminal as it was."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

FAKES = Path(__file__).resolve().parents[1] / "snapshot"
PROGRAM = f"""
import sys, dataclasses
sys.path.insert(0, {str(FAKES)!r})
import fakes
import os
from costtui.tui import terminal
terminal.prepare(os.environ)
from costtui.tui.app import CosttuiApp
config = fakes.config()
ascii = "--ascii" in sys.argv
config = dataclasses.replace(
    config, display=dataclasses.replace(config.display, refresh=0.2, ascii=ascii)
)
app = CosttuiApp(lambda: fakes.FakeData(), config=config, clock=fakes.FrozenClock())
code = app.run(mouse="--mouse" in sys.argv)
sys.exit(app.return_code or code or 0)
"""
pytestmark = pytest.mark.e2e


XTERM = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


class Terminal:
    """A program on a pseudo-terminal whose modes are watched."""

    def __init__(
        self,
        arguments: Sequence[str] = ("-c", PROGRAM),
        env: Mapping[str, str] | None = None,
        size: tuple[int, int] = (30, 100),
        term: Mapping[str, str] | None = None,
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.output = b""
        # The child of a fork does as little as it can: this process has threads.
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
env={**(os.environ if env is None else env), **XTERM, **(term or {})},
            start_new_session=True,
        )  # fmt: skip

    def close(self) -> None:
        os.close(self.master)
        os.close(self.slave)

    def read(self, seconds: float) -> bytes:
        """What arrives until nothing has for `seconds`."""
        got = b""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                chunk = os.read(self.master, 65536)
            except OSError:
                break
            if not chunk:
                break
            got += chunk
        self.output += got
        return got

    def until(self, text: str, limit: float = 20.0) -> None:
        start = time.monotonic()
        while text.encode() not in self.output:
            assert time.monotonic() - start < limit, self.output[-2000:]
            self.read(0.05)

    def wait(self) -> int:
        """The exit code, after reading what it still had to say."""
        start = time.monotonic()
        while time.monotonic() - start < 20:
            self.read(0.05)
            code = self.process.poll()
            if code is not None:
                self.read(0.05)
                return code
        raise AssertionError("it did not end")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    made.until("970.88")
    made.read(0.5)
    yield made
    made.close()


def restored(terminal: Terminal) -> None:
    assert termios.tcgetattr(terminal.slave) == terminal.before
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"),
                    (b"\x1b[?2004h", b"\x1b[?2004l"), (b"\x1b[?1004h", b"\x1b[?1004l"),
                    (b"\x1b[?7l", b"\x1b[?7h"), (b"\x1b[8l", b"\x1b[8h"),
                    (b"\x1b[>25u", b"\x1b[<u")):  # fmt: skip
        assert on in terminal.output
        assert terminal.output.rfind(off) > terminal.output.rfind(on)
    # no question: an answer that comes late would be typed into the shell
    assert not re.search(rb"\x1b\[[?>=]?[0-9;]*(\$p|c|n)|\x1b\][0-9;]*\?", terminal.output)
    assert b"\x1b[?1003h" not in terminal.output  # no mouse unless asked for
    assert b"Traceback" not in terminal.output


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (b"q", 0),
        (b"\x03", 0),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGINT, 130),
        (signal.SIGQUIT, 131),
    ],
    ids=["q", "ctrl+c", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"],
)
def test_the_terminal_is_as_it_was(terminal: Terminal, how: object, code: int) -> None:
    if isinstance(how, bytes):
        os.write(terminal.master, how)
    else:
        assert isinstance(how, int)
        terminal.process.send_signal(how)
    assert terminal.wait() == code
    restored(terminal)


def test_a_continue_out_of_nowhere_changes_nothing(terminal: Terminal) -> None:
    """systemd sends SIGCONT with SIGTERM; Textual would start a second thread that reads keys."""
    terminal.process.send_signal(signal.SIGCONT)
    terminal.read(0.5)
    threads = len(os.listdir(f"/proc/{terminal.process.pid}/task"))
    terminal.process.send_signal(signal.SIGCONT)
    terminal.read(0.5)
    assert len(os.listdir(f"/proc/{terminal.process.pid}/task")) == threads
    terminal.process.send_signal(signal.SIGTERM)
    terminal.process.send_signal(signal.SIGCONT)
    assert terminal.wait() == 143
    restored(terminal)


COLORS = re.compile(rb"\x1b\[([0-9;]*)m")


def spoken(output: bytes) -> set[str]:
    """The kinds of colours in SGR sequences: `24`, `256` and `16`."""
    kinds = set()
    for codes in COLORS.findall(output):
        kinds |= {"24"} if b"8;2;" in codes else {"256"} if b"8;5;" in codes else set()
        rest = re.sub(rb"[34]8;(5;\d+|2;\d+;\d+;\d+)", b"", codes).split(b";")
        if {int(c or 0) for c in rest} & {*range(30, 38), *range(40, 48), *range(90, 108)}:
            kinds.add("16")
    return kinds


@pytest.mark.parametrize(
    ("term", "more", "kinds"),
    [
        ("xterm-256color", {"COLORTERM": "truecolor"}, {"24"}),
        ("xterm-256color", {}, {"256"}),
        ("tmux-256color", {"TMUX": "/tmp/tmux,1,0"}, {"256"}),
        ("screen-256color", {"COLORTERM": "truecolor", "STY": "1.pts"}, {"256"}),
        ("screen", {"COLORTERM": "truecolor"}, {"16"}),
        ("linux", {"COLORTERM": "truecolor"}, {"16"}),
        ("xterm", {}, {"16"}),
        ("vt100", {}, set()),
    ],
)
@pytest.mark.slow
def test_a_terminal_gets_the_colours_that_it_knows(
    term: str, more: dict[str, str], kinds: set[str]
) -> None:
    made = Terminal(term={"COLORTERM": "", "TMUX": "", "STY": "", "TERM": term, **more})
    made.until("970.88")
    os.write(made.master, b"q")
    assert made.wait() == 0
    assert spoken(made.output) == kinds
    made.close()


@pytest.mark.slow
def test_ascii_is_ascii_everywhere_and_the_mouse_is_asked_for() -> None:
    made = Terminal(("-c", PROGRAM, "--ascii", "--mouse"))
    made.until("claude-sonnet-4-5")
    for keys in (b":", b"\x1b", b"y", b"f", b"?", b"q", b"/", b"ab\x1b", b"\x1bOR", b"\x1b[20~"):
        os.write(made.master, keys)
        made.read(0.25)
    os.write(made.master, b"\x03")
    assert made.wait() == 0
    assert made.output.isascii()
    for mode in (b"1000", b"1003", b"1006", b"1015"):
        assert (
            made.output.rfind(b"\x1b[?" + mode + b"l")
            > made.output.rfind(b"\x1b[?" + mode + b"h")
            > 0
        )
    made.close()


def test_a_dumb_terminal_is_told_what_works() -> None:
    made = Terminal(("-m", "costtui", "--readonly"), term={"TERM": "dumb"})
    assert made.wait() == 2
    assert b"--once" in made.output
    assert b"\x1b" not in made.output
    made.close()


def test_idle_is_silent_and_keys_are_cheap(terminal: Terminal) -> None:
    assert terminal.read(1.5) == b""
    os.write(terminal.master, b"j")
    # two rows of a panel: 100 columns of a truecolor theme, not 100x30
    assert 0 < len(terminal.read(0.4)) < 4000
    os.write(terminal.master, b"q")
    assert terminal.wait() == 0


def test_no_color_sends_no_colour() -> None:
    made = Terminal(env={**os.environ, "NO_COLOR": "1"})
    made.until("970.88")
    os.write(made.master, b"q")
    assert made.wait() == 0
    for part in made.output.split(b"\x1b[")[1:]:
        codes, found, _ = part.partition(b"m")
        if found and codes and set(codes) <= set(b"0123456789;"):
            numbers = {int(c or 0) for c in codes.split(b";")}
            # 39 and 49 are the terminal's own colours
            assert not numbers & {*range(30, 39), *range(40, 49), *range(90, 108)}, codes
    made.close()


def collected(home: Path) -> dict[str, str]:
    """An environment in which costtui has usage in its store; no configuration is needed."""
    log = home / "costs.jsonl"
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"timestamp": moment, "provider": "openai", "model": "gpt-5", "total_cost": 1.25,
            "input_tokens": 10, "output_tokens": 5}  # fmt: skip
    log.write_text("".join(json.dumps({**line, "request_id": f"r{n}"}) + "\n" for n in range(3)))
    env = {**os.environ, "HOME": str(home), "COST_TRACKING_FILE": str(log)}
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        env.pop(name, None)
    env.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
    command = [sys.executable, "-m", "costtui", "collect", "--once"]
    subprocess.run(command, env=env, check=True, capture_output=True)
    return env


@pytest.mark.slow
def test_the_next_start_shows_the_last_screen_first(tmp_path: Path) -> None:
    env = collected(tmp_path)
    outputs = []
    for _ in range(2):
        made = Terminal(["-m", "costtui", "--readonly"], env)
        made.until("\x1b[?2004h")  # the real screen has started
        made.until("collector")
        made.read(0.7)
        os.write(made.master, b"q")
        assert made.wait() == 0
        restored(made)
        outputs.append(made.output.decode())
        made.close()
    first, second = outputs
    assert " as of " not in first
    at = second.index(" as of ")
    assert at < second.index("\x1b[?2004h")
    assert second.index("$3.75") < second.index("\x1b[?2004h")
    assert second.count("\x1b[?1049h") == 1  # a second one would clear the screen
    kept = tmp_path / ".local" / "state" / "costtui" / "last-screen"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.slow
def test_a_broken_configuration_after_the_last_screen_leaves_a_clean_terminal(
    tmp_path: Path,
) -> None:
    env = collected(tmp_path)
    for size in ((30, 100), (24, 80)):
        made = Terminal(["-m", "costtui", "--readonly"], env, size)
        made.until("spend")
        made.read(0.7)
        os.write(made.master, b"q")
        assert made.wait() == 0
        made.close()
    assert b" as of " not in made.output  # another size, another screen
    made = Terminal(["-m", "costtui", "--readonly"], {**env, "COSTTUI_CONFIG": "/nonexistent.yml"})
    assert made.wait() == 2
    assert termios.tcgetattr(made.slave) == made.before
    made.close()


def test_whatever_is_in_the_file_is_no_reason_to_fail(tmp_path: Path) -> None:
    from costtui.tui.lastscreen import LastScreen, key_of
    from costtui.tui.private import LIMIT

    path = tmp_path / "state" / "last-screen"
    env, kept = {"HOME": "/h", "SECRET": "no"}, tmp_path / "remembered.json"
    key = key_of({"window": "1h"}, tmp_path / "none.yml", env, kept)
    assert "no" not in json.loads(key)[3].values()
    last = LastScreen(path, lambda: key)
    assert last._read() == ""
    for content in (b"", b"\xff\xfe", b"{", b"[1]\nx", b"x" * (LIMIT + 1)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        assert last._read() == ""
    last.keep("frame", 80, 24)
    assert path.read_text().endswith("\nframe")
    (tmp_path / "file").write_text("")
    LastScreen(tmp_path / "file" / "below" / "x", lambda: key).keep("frame", 80, 24)  # says nothing
