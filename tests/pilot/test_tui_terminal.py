"""On a real pseudo-terminal: it draws, it is silent, and it leaves the terminal as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

FAKES = Path(__file__).resolve().parents[1] / "snapshot"
PROGRAM = f"""
import sys, dataclasses
sys.path.insert(0, {str(FAKES)!r})
import fakes
from costtui.tui.app import CosttuiApp
config = fakes.config()
config = dataclasses.replace(config, display=dataclasses.replace(config.display, refresh=0.2))
app = CosttuiApp(lambda: fakes.FakeData(), config=config, clock=fakes.FrozenClock())
code = app.run(mouse=False)
sys.exit(app.return_code or code or 0)
"""
pytestmark = pytest.mark.e2e


class Terminal:
    """The program on a pseudo-terminal of 100x30 whose modes are watched."""

    def __init__(self, **env: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.output = b""
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for number in range(3):
                os.dup2(slave, number)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ.update(env)
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM])

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
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.05)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("it did not end")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    made.until("970.88")
    made.read(0.5)
    yield made
    os.close(made.master)
    os.close(made.slave)


def restored(terminal: Terminal) -> None:
    assert termios.tcgetattr(terminal.slave) == terminal.before
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"),
                    (b"\x1b[?2004h", b"\x1b[?2004l")):  # fmt: skip
        assert on in terminal.output
        assert terminal.output.rfind(off) > terminal.output.rfind(on)
    assert b"\x1b[?1003h" not in terminal.output  # no mouse unless asked for
    assert b"Traceback" not in terminal.output


@pytest.mark.parametrize(
    ("how", "code"),
    [(b"q", 0), (b"\x03", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["q", "ctrl+c", "SIGTERM", "SIGHUP"],
)
def test_the_terminal_is_as_it_was(terminal: Terminal, how: object, code: int) -> None:
    if isinstance(how, bytes):
        os.write(terminal.master, how)
    else:
        assert isinstance(how, int)
        os.kill(terminal.pid, how)
    assert terminal.wait() == code
    restored(terminal)


def test_idle_is_silent_and_keys_are_cheap(terminal: Terminal) -> None:
    assert terminal.read(1.5) == b""
    os.write(terminal.master, b"j")
    # two rows of a panel: 100 columns of a truecolor theme, not 100x30
    assert 0 < len(terminal.read(0.4)) < 4000
    os.write(terminal.master, b"q")
    assert terminal.wait() == 0


def test_no_color_sends_no_colour() -> None:
    made = Terminal(NO_COLOR="1")
    made.until("970.88")
    os.write(made.master, b"q")
    assert made.wait() == 0
    for part in made.output.split(b"\x1b[")[1:]:
        codes, found, _ = part.partition(b"m")
        if found and codes and set(codes) <= set(b"0123456789;"):
            numbers = {int(c or 0) for c in codes.split(b";")}
            # 39 and 49 are the terminal's own colours
            assert not numbers & {*range(30, 39), *range(40, 49), *range(90, 108)}, codes
    os.close(made.master)
    os.close(made.slave)
