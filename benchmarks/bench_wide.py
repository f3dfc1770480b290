"""Ten thousand consumers: what a key press costs when one dimension is very wide.

Builds a store by SQL (by default 10,000 consumers who use three of 50 models each, so 30,000
series; a fifth of the consumers is active in any hour of 30 days) and runs the real app without a
terminal on it, in this process:

    overview     first overview of a fresh reader, the same one again, after a new revision
    cross        consumer × model of the heat table: first, again, after a new revision
    move         a cursor key in the panel of consumers: from the press to the painted screen
    panel        another sort, unit or order of that panel; unfold: M, and back
    table        a cursor key in the heat table, of which none may cost a question
    answer       a window key in the heat table: from the press to the new numbers on screen
    memory       resident MB of a process that has the app open, with 10 and with all consumers

Sums are compared before any time is believed: the panel's rows add up to the total, so do the
cells of the heat table, its rows and its columns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from costtui.config.schema import Config, DisplayConfig, Retention, SourceConfig, StoreConfig
from costtui.engine.viewing import ViewReader
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import View
from costtui.model.timewindow import WINDOW_BY_NAME, WINDOWS, window_at
from costtui.model.usage import UsageRecord
from costtui.store.levels import COLUMNS, LEVELS
from costtui.store.writer import Store

NOW = 1_790_000_037.0
END = int(NOW) // 60 * 60 + 60
DAYS = 30
MODELS_EACH = 3
SIZE = (120, 40)


def build(path: Path, consumers: int, models: int) -> None:
    """A store in which every consumer uses `MODELS_EACH` models, now and then."""
    asyncio.run(_empty(path))
    rnd = random.Random(7)
    each = min(MODELS_EACH, models)
    start = END - DAYS * 86400
    start -= start % 86400
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        series: list[tuple[Any, ...]] = []
        for consumer in range(consumers):
            for model in rnd.sample(range(models), each):
                basis = 0 if model == models - 1 else 2
                series.append(
                    (len(series) + 1, 1, f"provider-{model % 7}", f"model-{model}",
                     f"consumer-{consumer:05d}", f"gateway-{consumer % 4}", "/v1", "llm", basis,
                     0, 1, 1, 1, 0)
                )  # fmt: skip
        db.executemany(f"INSERT INTO series VALUES ({', '.join('?' * 14)})", series)
        marks = ", ".join("?" * (2 + len(COLUMNS)))
        active = max(1, consumers // 5)
        for hour in range(start, END, 3600):
            rows: dict[tuple[int, int], tuple[int, ...]] = {}
            for consumer in rnd.sample(range(consumers), active):
                sid = consumer * each + rnd.randrange(each) + 1
                for _ in range(2):
                    t = hour + 60 * rnd.randrange(60)
                    if t < END:
                        rows[t, sid] = _row(rnd, priced=series[sid - 1][8] != 0)
            db.executemany(
                f"INSERT INTO minute VALUES ({marks})", ((*k, *v) for k, v in rows.items())
            )
        sums = ", ".join(f"sum({c})" for c in COLUMNS)
        for finer, coarser in pairwise(LEVELS):
            db.execute(
                f"INSERT INTO {coarser.table} SELECT t - t % {coarser.step} AS b, series, {sums} "
                f"FROM {finer.table} GROUP BY b, series"
            )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _empty(path: Path) -> None:
    async with await Store.open(path, Retention(None, None, None, None), now=NOW) as store:
        await store.register("bench", "metrics", "gateway-0")


def _row(rnd: random.Random, *, priced: bool) -> tuple[int, ...]:
    tokens = int(20_000 * rnd.random() ** 3) + 1
    cost = tokens * 3000 if priced else 0
    return (3, 0, 0, tokens, tokens // 3, 0, 0, tokens // 5, 0, cost, cost, 0, 0)


class Clock:
    """Time that stands still, so that no minute passes in the middle of a measurement."""

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Asked:
    """The reader, and how often it was asked for anything but news."""

    def __init__(self, reader: ViewReader) -> None:
        self._reader = reader
        self.questions = 0

    def __getattr__(self, name: str) -> Any:
        if name in ("overview", "cross", "dimensions", "requests", "breakdown"):
            self.questions += 1
        return getattr(self._reader, name)


Times = list[tuple[float, float]]
"""(milliseconds on the clock, milliseconds of this process's CPU)."""


def now() -> tuple[float, float]:
    return time.perf_counter() * 1000, time.process_time() * 1000


def since(began: tuple[float, float]) -> tuple[float, float]:
    wall, cpu = now()
    return wall - began[0], cpu - began[1]


def summary(times: Times) -> dict[str, float]:
    """On a busy machine the clock says what the others do; the CPU says what this costs."""
    found: dict[str, float] = {"n": len(times)}
    for name, column in zip(("", "cpu_"), zip(*times, strict=True), strict=True):
        ordered = sorted(column)
        found[f"{name}p50"] = round(statistics.median(ordered), 1)
        found[f"{name}p99"] = round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1)
    return found


def timed(into: Times, run: Callable[[], object]) -> None:
    began = now()
    run()
    into.append(since(began))


async def _touch(store: Store, number: int) -> None:
    """New usage in the running minute, of a consumer or three."""
    at = int(NOW * 1e9)
    records = [
        UsageRecord(
            at, at, Dimensions("provider-1", "model-1", f"consumer-{number * 37 + n:05d}"), input=5,
            request_id=f"x{number}-{n}",
        )
        for n in range(3)
    ]  # fmt: skip
    charges = [Charge(15, 15, CostBasis.COMPUTED)] * len(records)
    await store.append("bench", records, charges, now=NOW)


def check(reader: ViewReader) -> None:
    """Every way to add up gives the same sums."""
    for name in ("1h", "24h", "7d"):
        view = View(window_at(WINDOW_BY_NAME[name], NOW, UTC))
        shown = reader.overview(view, NOW)
        total = reader.totals(view, NOW)
        for part in shown.breakdowns:
            added = [sum(c) for c in zip(*(g.totals for g in part.groups), strict=True)]
            if tuple(added) != total:
                raise SystemExit(f"{name}: the rows of {part.dimension} do not add up")
        dear = shown.breakdowns[2].groups[0]
        if sum(dear.spark) != dear.totals.effective_nano:
            raise SystemExit(f"{name}: the trend of {dear.key} does not add up")
        table = reader.cross(view, "consumer", "model", NOW)
        for totals in (table.cells, table.row_totals, table.column_totals):
            if sum(t.effective_nano for t in totals.values()) != total.effective_nano:
                raise SystemExit(f"{name}: the heat table does not add up")


async def questions(path: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Time of the reader's questions."""
    out: dict[str, Times] = {}
    async with await Store.open(path, Retention(None, None, None, None), now=NOW) as store:
        with ViewReader(path, zone=UTC) as reader:
            await asyncio.to_thread(lambda: None)
            for spec in WINDOWS:
                view = View(window_at(spec, NOW, UTC))
                with ViewReader(path, zone=UTC) as fresh:
                    fresh.data_version()
                    timed(
                        out.setdefault("overview, cold", []),
                        partial(fresh.overview, view, NOW),
                    )
            number = 0
            for name in ("1h", "24h", "7d"):
                view = View(window_at(WINDOW_BY_NAME[name], NOW, UTC))
                reader.overview(view, NOW)
                timed(
                    out.setdefault("cross, first", []),
                    partial(reader.cross, view, "consumer", "model", NOW),
                )
                for _ in range(rounds):
                    timed(
                        out.setdefault("overview, nothing new", []),
                        partial(reader.overview, view, NOW),
                    )
                    timed(
                        out.setdefault("cross, nothing new", []),
                        partial(reader.cross, view, "consumer", "model", NOW),
                    )
                    timed(
                        out.setdefault("dimensions (b)", []),
                        partial(reader.dimensions, view, NOW),
                    )
                    number += 1
                    await _touch(store, number)
                    timed(
                        out.setdefault("overview, new usage", []),
                        partial(reader.overview, view, NOW),
                    )
                    timed(
                        out.setdefault("cross, new usage", []),
                        partial(reader.cross, view, "consumer", "model", NOW),
                    )
    return {kind: summary(times) for kind, times in out.items()}


def _config(path: Path) -> Config:
    source = SourceConfig("bench", "metrics", "gateway-0", url="http://127.0.0.1:9/metrics")
    return Config(
        StoreConfig(path), (source,), display=DisplayConfig(refresh=3600.0), timezone="UTC"
    )


async def keys(path: Path, rounds: int) -> tuple[dict[str, dict[str, float]], int]:
    """Time from a key to the painted screen, in the running app; and how many questions moving
    in the heat table asked."""
    from textual.pilot import Pilot

    from costtui.tui.app import CosttuiApp
    from costtui.tui.screens.cross import CrossScreen

    asked: list[Asked] = []

    def make() -> Asked:
        asked.append(Asked(ViewReader(path, zone=UTC)))
        return asked[0]

    app = CosttuiApp(
        make, config=_config(path), clock=Clock(), theme="costtui-dark", wait_for_first=60.0
    )
    out: dict[str, Times] = {}

    async def press(kind: str, key: str, answer: bool = False) -> None:
        """As Textual's driver does it, without its pilot's wait for an idle processor."""
        from textual import events

        began = now()
        character = key if len(key) == 1 else None
        app.post_message(events.Key(key, character))
        await rest()
        if answer:
            await app.settled()
            await rest()
        app.screen._compositor.render_strips()
        out.setdefault(kind, []).append(since(began))

    async def rest() -> None:
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0)
            busy = any(not n._message_queue.empty() for n in (app, *app._registry) if n.is_running)
            quiet = 0 if busy else quiet + 1

    async with app.run_test(size=SIZE) as pilot:
        assert isinstance(pilot, Pilot)
        await app.settled()
        await pilot.pause()
        while app.state.group != "consumer":
            await press("warm", "g", answer=True)
        for _ in range(rounds):
            for key in (
                "down",
                "down",
                "pagedown",
                "up",
                "end",
                "up",
                "home",
                "pagedown",
                "k",
                "j",
            ):
                await press("move", key)
            for key in ("u", "u", "u", "greater_than_sign", "less_than_sign", "r", "r", "c", "c"):
                await press("panel", key)
            await press("unfold", "M")
            await press("unfold", "M")
        await press("warm", "x", answer=True)
        screen = app.screen
        assert isinstance(screen, CrossScreen)
        before = asked[0].questions
        for _ in range(rounds):
            for key in (
                "down",
                "right",
                "right",
                "pagedown",
                "left",
                "end",
                "up",
                "home",
                "right",
                "down",
            ):
                await press("table", key)
            for key in ("s", "s", "r", "r", "u", "u", "u", "c", "c"):
                await press("table order", key)
        moved = asked[0].questions - before
        for _ in range(max(1, rounds // 4)):
            for key in ("2", "4", "3", "1"):
                await press("answer", key, answer=True)
            await press("swap", "X", answer=True)
    out.pop("warm", None)
    return {kind: summary(times) for kind, times in out.items()}, moved


def _resident() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _memory(path: Path) -> float:
    """Resident MB of this process with the app open on every window and the heat table."""
    from costtui.tui.app import CosttuiApp

    app = CosttuiApp(
        lambda: ViewReader(path, zone=UTC),
        config=_config(path),
        clock=Clock(),
        theme="costtui-dark",
        wait_for_first=60.0,
    )
    async with app.run_test(size=SIZE) as pilot:
        for key in ("4", "g", "g", "x", "3", "5", "4"):
            await pilot.press(key)
            await app.settled()
            await pilot.pause()
        return _resident()


def memory(path: Path) -> float:
    """In a process of its own."""
    found = subprocess.run(
        [sys.executable, __file__, "--memory", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(found.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--consumers", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--store", type=Path, help="build it here once and use it again")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory:
        print(asyncio.run(_memory(args.memory)))
        return 0
    results: dict[str, Any] = {"consumers": args.consumers, "models": args.models}
    with tempfile.TemporaryDirectory() as folder:
        path, small = args.store or Path(folder) / "wide.db", Path(folder) / "small.db"
        if not path.exists():
            build(path, args.consumers, args.models)
        with ViewReader(path, zone=UTC) as reader:
            check(reader)
        results["memory_mb"] = {"all": memory(path)}
        results["keys_ms"], results["questions_while_moving"] = asyncio.run(keys(path, args.rounds))
        results["questions_ms"] = asyncio.run(questions(path, max(3, args.rounds // 2)))
        build(small, 10, args.models)
        results["memory_mb"]["10 consumers"] = memory(small)
    if args.json:
        print(json.dumps(results, indent=2))
        return 0
    print(f"{args.consumers:,} consumers, {args.models} models; sums agree")
    for part in ("keys_ms", "questions_ms"):
        for kind, found in results[part].items():
            print(
                f"{kind:<24}{found['p50']:>10} / {found['p99']:<10}ms p50 / p99, {found['n']} times"
            )
    print(f"questions asked while moving in the heat table: {results['questions_while_moving']}")
    print(
        f"resident: {results['memory_mb']['10 consumers']:.0f} MB with 10 consumers, "
        f"{results['memory_mb']['all']:.0f} MB with all"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
