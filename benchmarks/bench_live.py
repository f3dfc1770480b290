"""The live screen on a real store of a million requests, beside other live screens in the same run.

    paint     seconds from the command to the first byte, to the first figure, to the whole screen
    keys      milliseconds from a key to the first and to the last byte it puts on the terminal
    idle      bytes a second, CPU and memory of a screen that is left open with nothing new
    refresh   bytes of one refresh with 1 % and with 100 % of the cells changed, beside a plain
              Textual app of as many cells that refreshes its widget
    day       memory of the viewer after 24 simulated hours, a look every two seconds and usage
              every minute by another process (no terminal)

Peers: `btop`, and `claude-monitor` (a live view of one machine's coding-agent cost) on a synthetic
history; each is left out, and said to be, where it is not installed. Everything is on one
pseudo-terminal of 120x40. A key counts as painted when its last byte has come: the end of the
output that is followed by 80 ms of silence, for all programs alike.

    python benchmarks/bench_live.py [--requests 1000000] [--parts paint,keys,idle,refresh,day]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import bench_queries
from benchmarks.bench_tui import MINIMAL, ROOT, Terminal, left_open

QUIET = 0.08
KEYS = "12345678gguuuc[[LjjjkkMM\t\t\t"
"""What is pressed in costtui: windows, groups, units, the past, rows, panels."""
APP = """
import gc, os, sys, time
gc.disable()  # as the command line does, until the first paint
from costtui.tui import terminal
terminal.prepare(os.environ)
from datetime import UTC
from pathlib import Path
from costtui.config.schema import Config, StoreConfig, SourceConfig, DisplayConfig
from costtui.store.reader import Reader
from costtui.tui.app import CosttuiApp
path = Path({store!r})
class Shifted:
    \"\"\"The store's own time goes on from its end.\"\"\"
    def __init__(self): self.zero = time.time()
    def now(self): return {now!r} + (0 if {still!r} else time.time() - self.zero)
    def monotonic(self): return time.monotonic()
config = Config(store=StoreConfig(path), timezone="UTC",
    sources=(SourceConfig("bench", "metrics", "gateway-0"),), display=DisplayConfig(window="24h"))
CosttuiApp(lambda: Reader(path, zone=UTC), config=config, clock=Shifted(),
    theme="costtui-dark").run(mouse=False)
"""
CHANGING = """
import sys
sys.path.insert(0, {tests!r})
import dataclasses, random
import fakes
from costtui.tui.app import CosttuiApp
class Live(fakes.FakeData):
    n = 0
    def data_version(self):
        self.version += 1
        return self.version
    def overview(self, view, now, dimensions):
        base = super().overview(view, now, dimensions)
        self.n += 1
        if {few!r}:
            first, *rest = base.breakdowns
            top, *others = first.groups
            more = top.totals.effective_nano + self.n * 37_000_000
            top = dataclasses.replace(top, totals=top.totals._replace(effective_nano=more))
            spent = base.total.effective_nano + self.n * 37_000_000
            total = base.total._replace(effective_nano=spent)
            first = dataclasses.replace(first, groups=(top, *others))
            return dataclasses.replace(base, total=total, breakdowns=(first, *rest))
        rng = random.Random(self.n)
        return dataclasses.replace(fakes.overview(view.window.name, seed=rng.randrange(10**6)),
            view=view)
config = dataclasses.replace(fakes.config(),
    display=dataclasses.replace(fakes.config().display, refresh=1.0))
data = Live()
CosttuiApp(lambda: data, config=config, theme="costtui-dark").run(mouse=False)
"""
PLAIN = """
from textual.app import App
from textual.widgets import Static
class Plain(App):
    n = 0
    def compose(self):
        yield Static(id="all")
    def on_mount(self):
        self.set_interval(1.0, self.again)
        self.again()
    def again(self):
        self.n += 1
        changed = 48 if {few!r} else 4800
        cells = [chr(97 + (i * 7) % 26) for i in range(4800)]
        for i in range(changed):
            cells[i * 4800 // changed] = chr(97 + (self.n + i) % 26)
        text = "".join(cells)
        self.query_one("#all").update(
            "\\n".join(text[y * 120 : y * 120 + 120] for y in range(40)))
Plain().run(mouse=False)
"""


def app(store: Path, *, still: bool) -> list[str]:
    script = APP.format(store=str(store), now=bench_queries.NOW, still=still)
    return [sys.executable, "-c", script]


def press(terminal: Terminal, key: str) -> tuple[float, float]:
    """Milliseconds to the first and to the last byte that follow a key; 0 for none."""
    while terminal.read(QUIET):
        pass
    began = time.perf_counter()
    os.write(terminal.fd, key.encode())
    first = last = 0.0
    while terminal.read(QUIET if first else 0.4):
        last = time.perf_counter() - began
        first = first or last
    return first * 1000, last * 1000


def keys(argv: list[str], marker: bytes, pressed: str, rounds: int) -> dict[str, Any]:
    terminal = Terminal(argv)
    terminal.start(marker)
    found = [press(terminal, key) for _ in range(rounds) for key in pressed]
    terminal.end()
    painted = [pair for pair in found if pair[1]]
    return {
        "first": bench_queries.summary([a for a, _ in painted]),
        "painted": bench_queries.summary([b for _, b in painted]),
        "without output": len(found) - len(painted),
    }


def monitor(folder: Path) -> list[str] | None:
    """claude-monitor on 20,000 messages of the last five hours and the days before."""
    program = shutil.which("claude-monitor")
    if program is None:
        return None
    project = folder / "projects" / "one"
    project.mkdir(parents=True)
    now = datetime.now(UTC)
    with (project / "session.jsonl").open("w") as file:
        for number in range(20_000):
            at = now - timedelta(seconds=30 * (20_000 - number))
            usage = {
                "input_tokens": 90 + number % 17,
                "output_tokens": 300 + number % 91,
                "cache_creation_input_tokens": 40,
                "cache_read_input_tokens": 9000,
            }
            message = {"id": f"m{number}", "model": "claude-sonnet-4-5", "usage": usage,
                       "role": "assistant", "type": "message"}  # fmt: skip
            record = {"type": "assistant", "timestamp": at.isoformat().replace("+00:00", "Z"),
                      "sessionId": "s", "requestId": f"r{number}", "message": message,
                      "uuid": str(uuid.UUID(int=number))}  # fmt: skip
            file.write(json.dumps(record) + "\n")
    return [program, "--data-paths", str(folder / "projects"), "--timezone", "UTC"]


def opened(argv: list[str], marker: bytes, runs: int) -> dict[str, float]:
    """Medians of some starts."""
    rows = []
    for number in range(runs + 1):
        terminal = Terminal(argv)
        row = terminal.start(marker)
        terminal.end()
        rows += [row] * bool(number)
    return {name: round(statistics.median(getattr(r, name) for r in rows), 3)
            for name in ("first_byte", "content", "settled")}  # fmt: skip


def commands(folder: Path, store: Path, marker: bytes, runs: int) -> dict[str, dict[str, float]]:
    """The command itself, with a configuration: without a kept frame, and with the one that the
    start before has left."""
    config = folder / "costtui.yml"
    config.write_text(
        f"store: {{path: {store}}}\ndisplay: {{window: 24h}}\nsources:\n"
        "  - {name: bench, type: metrics, preset: litellm, gateway: gateway-0, url: http://127.0.0.1:9/metrics}\n"
    )
    argv = [sys.executable, "-m", "costtui", "--config", str(config), "--readonly"]
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    found: dict[str, list[Any]] = {}
    for _ in range(runs + 1):
        shutil.rmtree(folder / "state", ignore_errors=True)
        for name in ("the command", "second start (kept frame)"):
            terminal = Terminal(argv)
            found.setdefault(name, []).append(terminal.start(marker))
            os.write(terminal.fd, b"q")  # which keeps the frame
            until = time.perf_counter() + 3
            while os.waitpid(terminal.pid, os.WNOHANG)[0] == 0 and time.perf_counter() < until:
                terminal.read(0.02)
            os.close(terminal.fd)
    return {
        name: {of: round(statistics.median(getattr(r, of) for r in rows[1:]), 3)
               for of in ("first_byte", "content", "settled")}
        for name, rows in found.items()
    }  # fmt: skip


def a_refresh(argv: list[str], marker: bytes, seconds: float) -> float:
    """Bytes of one refresh, one a second."""
    return left_open(argv, marker, seconds).bytes_per_second


def a_day(store: Path, hours: int) -> dict[str, float]:
    """RSS in MB at the start, after some hours and at the end; a new process each time."""
    writer = WRITER.format(store=str(store), now=bench_queries.NOW)
    script = DAY.format(store=str(store), now=bench_queries.NOW, hours=hours, writer=writer)
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    if said.returncode:
        raise SystemExit(said.stderr[-3000:])
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


WRITER = """
import asyncio, sys
from pathlib import Path
from benchmarks import bench_queries
from costtui.config.schema import Retention
from costtui.store.writer import Store
async def main():
    forever = Retention(None, None, None, None)
    async with await Store.open(Path({store!r}), forever, now={now!r}) as store:
        print("up", flush=True)
        for line in sys.stdin:
            await bench_queries._touch(store, float(line))
            print("stored", flush=True)
asyncio.run(main())
"""
DAY = """
import asyncio, json, os, subprocess, sys
from datetime import UTC
from pathlib import Path
from costtui.config.schema import Config, DisplayConfig, SourceConfig, StoreConfig
from costtui.store.reader import Reader
from costtui.tui.app import CosttuiApp
path = Path({store!r})
def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
class Clock:
    at = {now!r}
    def now(self): return self.at
    def monotonic(self): return self.at
async def main():
    clock = Clock()
    # A process of its own, as the collector is: what it keeps is not the viewer's.
    writer = subprocess.Popen([sys.executable, "-c", {writer!r}], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    writer.stdout.readline()
    config = Config(store=StoreConfig(path), timezone="UTC",
        sources=(SourceConfig("bench", "metrics", "gateway-0"),),
        display=DisplayConfig(window="24h", refresh=3600.0))
    app = CosttuiApp(lambda: Reader(path, zone=UTC), config=config, clock=clock,
        theme="costtui-dark", wait_for_first=30.0)
    found = {{}}
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settled(); await pilot.pause()
        found["start"] = rss()
        for second in range(0, {hours} * 3600, 2):
            clock.at += 2
            if second % 60 == 0:
                writer.stdin.write(str(clock.at) + "\\n"); writer.stdin.flush()
                writer.stdout.readline()
            if second % 600 == 300:
                await pilot.press("12345678"[second // 600 % 8])
            app.tick()
            await app.settled()
            await pilot.pause()
            if second in (3600, 3 * 3600, 6 * 3600, 12 * 3600):
                found["after %d h" % (second // 3600)] = rss()
        found["at the end"] = rss()
        found["painted cells"] = sum(getattr(w, "painted", 0) for w in app.screen.query("*"))
    writer.stdin.close()
    writer.wait()
    print(json.dumps(found))
asyncio.run(main())
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=2_000_000, help="minute rows (500 series)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--parts", default="paint,keys,idle,refresh,day")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    parts = args.parts.split(",")
    # The scripts import costtui and benchmarks from the checkout.
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ["COSTTUI_CONFIG"] = os.devnull
    result: dict[str, Any] = {}
    # Now, because the command knows no other clock.
    bench_queries.NOW = float(int(time.time()))
    bench_queries.END = int(bench_queries.NOW) // 60 * 60 + 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = folder / "bench.db"
        bench_queries.build(store, args.rows, 500, args.requests)
        result["machine"] = {"load": os.getloadavg()[0], "store_mb": store.stat().st_size / 1e6}
        ours, marker = app(store, still=True), b"spend"
        btop = ["btop", "--utf-force"] if shutil.which("btop") else None
        peer = monitor(folder)
        minimal = [sys.executable, "-c", MINIMAL]
        rows: list[tuple[str, list[str] | None, bytes]] = [
            ("costtui", ours, marker), ("minimal Textual app", minimal, b"ready-to-go"),
            ("btop", btop, b"mem"), ("claude-monitor", peer, b"Cost"),
        ]  # fmt: skip
        result["left out"] = [who for who, argv, _ in rows if argv is None]
        present = [(who, argv, mark) for who, argv, mark in rows if argv is not None]
        if "paint" in parts:
            result["paint"] = {who: opened(argv, m, args.runs) for who, argv, m in present}
            result["paint"] |= commands(folder, store, marker, args.runs)
        if "keys" in parts:
            result["keys"] = {"costtui": keys(ours, marker, KEYS, args.runs)}
            if btop:
                result["keys"]["btop"] = keys(btop, b"mem", "11223344", args.runs)
        if "idle" in parts:
            result["idle"] = {
                who: vars(left_open(argv, m, args.seconds)) for who, argv, m in present
            }
            moving = app(store, still=False)
            result["idle"]["costtui, time goes on"] = vars(left_open(moving, marker, args.seconds))
        if "refresh" in parts:
            tests = str(ROOT / "tests" / "snapshot")
            for share, few, mark in (("1 %", True, b"ho"), ("100 %", False, b"no")):
                own = [sys.executable, "-c", CHANGING.format(tests=tests, few=few)]
                plain = [sys.executable, "-c", PLAIN.format(few=few)]
                result.setdefault("refresh", {})[share] = {
                    "costtui": a_refresh(own, b"burn", args.seconds),
                    "plain Textual": a_refresh(plain, mark, args.seconds),
                }
        if "day" in parts:
            result["day"] = a_day(store, args.hours)
    result["peak of this script, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
