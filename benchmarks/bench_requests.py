"""How fast the list of requests answers when it is a million rows long.

The real program on a pseudo-terminal of 120x40 plays a seeded store (`gen_requests.py`), with no
collector beside it. A key's time is from its byte to the last byte of what the screen paints for
it; a screen is done when it has been silent for 60 ms. Printed are p50 and p99 in milliseconds,
and the same of the processor's time, which a busy machine does not change much:

    End, Home       from one end of the list to the other, in turn
    PgDn            a page further, from the newest, 200 times
    j               a row further, 200 times
    order           the first rows after `<`, while the rest is still being sorted
    reverse         the same list from its other end
    status          only failed requests, throttled ones, unpriced ones, all
    record, n       a request in full, and the next one

and the seconds of the first sort of the whole window, the memory with the list open and sorted.

    python benchmarks/bench_requests.py [--rows 1000000] [--store FILE] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.bench_tui import Terminal
from benchmarks.gen_requests import NOW, build

APP = """
import dataclasses
from datetime import UTC
from pathlib import Path
from costtui.config.schema import Config, DisplayConfig, SourceConfig, StoreConfig
from costtui.store.reader import Reader
from costtui.tui.app import CosttuiApp
class Clock:
    def now(self): return {now}
    def monotonic(self): return {now}
source = SourceConfig("bench", "jsonl", "gateway-0", paths=("/nonexistent/*.jsonl",))
config = Config(store=StoreConfig(Path({path!r})), sources=(source,),
                display=DisplayConfig(theme="costtui-dark"), timezone="UTC")
CosttuiApp(lambda: Reader(Path({path!r}), zone=UTC), config=config, clock=Clock(),
           window="30d").run(mouse=False)
"""
QUIET_S = 0.06
LIMIT_S = 30.0


class Keyboard(Terminal):
    """Types, and says how long the answer took."""

    def press(self, key: bytes, quiet: float = QUIET_S) -> tuple[float, float, float]:
        """(seconds to the first, to the last byte of the answer, and of the processor)"""
        while self.read(0.005):
            pass
        used = self.cpu()
        began = time.perf_counter()
        os.write(self.fd, key)
        first = last = began
        while time.perf_counter() - began < LIMIT_S:
            chunk = self.read(quiet if first > began else 1.0)
            if not chunk:
                break
            last = time.perf_counter()
            first = first if first > began else last
        return first - began, last - began, self.cpu() - used


END, HOME, PAGE_DOWN = b"\x1b[F", b"\x1b[H", b"\x1b[6~"


Times = dict[str, list[tuple[float, float]]]
"""(seconds, seconds of the processor) of each press, by name."""


def measured(keyboard: Keyboard) -> Times:
    """The list by time."""
    times: Times = {}

    def press(name: str, key: bytes, often: int = 1) -> None:
        for _ in range(often):
            times.setdefault(name, []).append(keyboard.press(key)[1:])

    press("(open)", b"\x1bOR")
    for _ in range(40):
        press("End", END)
        press("Home", HOME)
    press("PgDn", PAGE_DOWN, 200)
    press("j", b"j", 200)
    press("(Home)", HOME)
    for _ in range(8):
        press("status", b"s", 4)
    for _ in range(10):
        press("reverse", b"r")
    press("record", b"\r")
    press("n", b"n", 50)
    press("(back)", b"\x7f")
    return times


def sorts(keyboard: Keyboard) -> tuple[list[tuple[float, float]], list[float]]:
    """(to the first rows, seconds to the whole list sorted) of each order, each sorted anew."""
    first, whole = [], []
    for _ in range(12):
        begin, end, _cpu = keyboard.press(b"<", quiet=0.5)
        if end > 0.3:  # back by time there is nothing to sort
            first.append((begin, 0.0))
            whole.append(end)
    return first, whole


def sorted_keys(keyboard: Keyboard) -> Times:
    """The same keys in a list by cost."""
    keyboard.press(b"<", quiet=1.0)
    times: Times = {}
    for _ in range(40):
        times.setdefault("End, by cost", []).append(keyboard.press(END)[1:])
        times.setdefault("Home, by cost", []).append(keyboard.press(HOME)[1:])
    times["PgDn, by cost"] = [keyboard.press(PAGE_DOWN)[1:] for _ in range(200)]
    times["reverse, by cost"] = [keyboard.press(b"r")[1:] for _ in range(20)]
    return times


def summary(times: list[tuple[float, float]]) -> dict[str, float]:
    out: dict[str, float] = {"presses": len(times)}
    for name, column in (("", 0), ("cpu_", 1)):
        ordered = sorted(each[column] for each in times)
        if ordered[-1]:
            out[f"{name}p50_ms"] = round(statistics.median(ordered) * 1000, 1)
            last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
            out[f"{name}p99_ms"] = round(last * 1000, 1)
    return out


def run(store: Path) -> dict[str, object]:
    keyboard = Keyboard([sys.executable, "-c", APP.format(now=NOW, path=str(store))])
    try:
        keyboard.start(b"requests")
        before = keyboard.rss()
        times = measured(keyboard)
        listed = keyboard.rss()
        by_cost = sorted_keys(keyboard)
        one_order = keyboard.rss()
        keyboard.press(b"F", quiet=0.5)
        first, whole = sorts(keyboard)
        result: dict[str, object] = {
            name: summary(values)
            for name, values in {**times, **by_cost, "order, first rows": first}.items()
            if not name.startswith("(")
        }
        result["sort_whole_s"] = round(statistics.median(whole), 2)
        result["memory_mb"] = {
            "overview": round(before, 1),
            "list by time": round(listed, 1),
            "list by cost": round(one_order, 1),
            "two orders kept": round(keyboard.rss(), 1),
        }
    finally:
        keyboard.end()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--store", type=Path, help="a store of gen_requests.py instead of a new one"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or Path(folder) / "requests.db"
        if options.store is None:
            build(store, options.rows)
        result = run(store)
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        text = "  ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        print(f"{name:20} {text}")


if __name__ == "__main__":
    main()
