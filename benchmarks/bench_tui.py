"""How fast the screen is there, and what it costs to leave it open.

A pseudo-terminal of 120x40 plays the user. `costtui` on a seeded store-less fake is compared with
a minimal Textual app in the same run, because machines differ by more than the target does.
Printed are medians: seconds to the first byte, to the first figure on screen, to the end of the
first full screen; bytes and CPU while nothing happens; bytes a second while a few cells change.

    python benchmarks/bench_tui.py [--runs 9] [--idle 10] [--json]
    python benchmarks/bench_tui.py --command "costtui --config my.yml" --marker spend
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import shlex
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIZE = (120, 40)
CACHE = Path(tempfile.gettempdir()) / "costtui-bench-pycache"
MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("ready-to-go")
Minimal().run(mouse=False)
"""
FAKE = """
import sys
sys.path.insert(0, {tests!r})
import fakes
from costtui.tui.app import CosttuiApp
import dataclasses
class Live(fakes.FakeData):
    n = 0
    def data_version(self):
        if {live}:
            self.version += 1
        return self.version
    def overview(self, view, now, dimensions):
        base = super().overview(view, now, dimensions)
        self.n += 1
        first, *rest = base.breakdowns
        top, *others = first.groups
        more = top.totals._replace(effective_nano=top.totals.effective_nano + self.n * 37_000_000)
        total = base.total._replace(effective_nano=base.total.effective_nano + self.n * 37_000_000)
        top = dataclasses.replace(top, totals=more)
        first = dataclasses.replace(first, groups=(top, *others))
        return dataclasses.replace(base, total=total, breakdowns=(first, *rest))
config = dataclasses.replace(fakes.config(),
    display=dataclasses.replace(fakes.config().display, refresh=1.0))
data = Live()
clock = None if {live} else fakes.FrozenClock()
CosttuiApp(lambda: data, config=config, clock=clock, theme="costtui-dark").run(mouse=False)
"""


@dataclass
class Start:
    """Seconds since the process was started; `cpu` is what it had used when content came."""

    first_byte: float
    content: float
    settled: float
    cpu: float


@dataclass
class Open:
    """A screen left open."""

    bytes_per_second: float
    cpu_percent: float
    rss_mb: float


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, argv: list[str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ.pop("NO_COLOR", None)
            # Both programs compiled, as installed ones are, without writing into the checkout.
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.environ["PYTHONPYCACHEPREFIX"] = str(CACHE)
            # The parent sets the size before the program can have asked for it.
            os.execvp(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        self.output = bytearray()

    def read(self, timeout: float) -> bytes:
        """What arrives within `timeout` seconds; empty when nothing does or it has ended."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return b""
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:  # the program has ended
            return b""
        self.output += chunk
        return chunk

    def start(self, marker: bytes, limit: float = 20.0) -> Start:
        first = content = cpu = 0.0
        last = self.started
        while time.perf_counter() - self.started < limit:
            chunk = self.read(0.4)
            now = time.perf_counter()
            if chunk:
                last = now
                first = first or now - self.started
                if not content and marker in self.output:
                    content, cpu = now - self.started, self.cpu()
            elif content:
                break
        if not content:
            raise SystemExit(
                f"{marker!r} never appeared; the program said: {self.output[-2000:]!r}"
            )
        return Start(first, content, last - self.started, cpu)

    def watch(self, seconds: float) -> Open:
        """Bytes and CPU of the next `seconds`."""
        time.sleep(0.5)
        while self.read(0.05):
            pass
        before, cpu, start = len(self.output), self.cpu(), time.perf_counter()
        while (left := seconds - (time.perf_counter() - start)) > 0:
            self.read(left)
        elapsed = time.perf_counter() - start
        return Open(
            (len(self.output) - before) / elapsed, (self.cpu() - cpu) / elapsed * 100, self.rss()
        )

    def cpu(self) -> float:
        """CPU seconds used so far, to the nanosecond, by all threads that still live."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9

    def rss(self) -> float:
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        until = time.perf_counter() + 3
        while time.perf_counter() < until and os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            self.read(0.02)
        else:
            if time.perf_counter() >= until:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self.fd)


def starts(argv: list[str], marker: bytes, runs: int) -> list[Start]:
    found = []
    for _ in range(runs + 1):  # the first one warms the file cache
        terminal = Terminal(argv)
        found.append(terminal.start(marker))
        terminal.end()
    return found[1:]


def left_open(argv: list[str], marker: bytes, seconds: float) -> Open:
    terminal = Terminal(argv)
    terminal.start(marker)
    measured = terminal.watch(seconds)
    terminal.end()
    return measured


def median(rows: list[Start]) -> Start:
    return Start(*(statistics.median(getattr(r, f) for r in rows)
                   for f in ("first_byte", "content", "settled", "cpu")))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--idle", type=float, default=10.0, help="seconds to watch; 0: do not")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--command", default="", help="measure this instead of the fake")
    parser.add_argument("--marker", default="$970", help="text that is the first figure")
    args = parser.parse_args()
    python = sys.executable
    tests = str(ROOT / "tests" / "snapshot")
    fake = [python, "-c", FAKE.format(tests=tests, live=False)]
    live = [python, "-c", FAKE.format(tests=tests, live=True)]
    minimal = [python, "-c", MINIMAL]
    target = shlex.split(args.command) or fake
    marker = args.marker.encode()
    ours: list[Start] = []
    theirs: list[Start] = []
    for _ in range(args.runs):  # in turn: a noisy neighbour hits both
        theirs += starts(minimal, b"ready-to-go", 1)
        ours += starts(target, marker, 1)
    result: dict[str, object] = {
        "minimal": asdict(median(theirs)),
        "costtui": asdict(median(ours)),
        "content_ratio": median(ours).content / median(theirs).content,
        "cpu_ratio": median(ours).cpu / median(theirs).cpu,
    }
    if args.idle:
        result["minimal_idle"] = asdict(left_open(minimal, b"ready-to-go", args.idle))
        result["costtui_idle"] = asdict(left_open(target, marker, args.idle))
        if not args.command:
            result["costtui_few_cells"] = asdict(left_open(live, b"burn", args.idle))
    if args.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        if isinstance(value, dict):
            print(f"{name:18}", "  ".join(f"{k} {v:.3f}" for k, v in value.items()))
        else:
            print(f"{name:18} {value:.3f}")


if __name__ == "__main__":
    main()
