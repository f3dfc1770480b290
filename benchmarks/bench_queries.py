"""What a key press costs on a big store, against a plain query over the minute rows.

Builds a store directly by SQL (by default 10 million minute rows: 500 series, 14 days, and a
million requests), checks that both give the same numbers, then times what the overview does:

    key     each window 1-8 in turn, all panels and sparklines, as after a key press
    drill   the same window with one filter more
    tick    a new revision in the running minute, then the overview again
    cold    a new reader's first overview of a window
    fleet   the fleet screen of the same window, after a key press and after a new revision
    compared  the same store when a fifth of its series belongs to a source that reconciles: the
            comparison alone after a key press, and the overview with it after a new revision

The peer answers one panel of one window only: GROUP BY model over `minute` joined with `series`.
Everything is one process and one connection; the file is in the kernel's cache.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from typing import Any

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Filter, SourceStatus, View
from costtui.model.timewindow import WINDOWS, window_at
from costtui.model.usage import UsageRecord
from costtui.store.levels import COLUMNS, LEVELS
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_037.0
END = int(NOW) // 60 * 60 + 60
MONTHS = 60 * 86400
KINDS = ("key", "drill", "tick", "cold", "fleet", "fleet tick", "compared", "compared tick")


def build(path: Path, rows: int, series: int, requests: int) -> None:
    """A store with `rows` minute rows, 60 days of hours and days, and some requests."""
    asyncio.run(_empty(path))
    minutes = rows // series
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        rnd = random.Random(7)
        db.executemany(
            f"INSERT INTO series VALUES ({', '.join('?' * 14)})",
            [
                (
                    i + 1,
                    2 if i % 5 == 4 else 1,
                    f"provider-{i % 7}",
                    f"model-{i % 40}",
                    f"consumer-{i % 60}",
                    f"gateway-{i % 4}",
                    f"/v{i // 840}",
                    "llm",
                    rnd.choice([1, 2, 2, 2, 3, 0]),
                    0,
                    1,
                    1,
                    1,
                    0,
                )
                for i in range(series)
            ],
        )
        start = END - minutes * 60
        marks = ", ".join("?" * (2 + len(COLUMNS)))
        _minutes(db, f"INSERT INTO minute VALUES ({marks})", start, series, rnd)
        sums = ", ".join(f"sum({c})" for c in COLUMNS)
        for finer, coarser in pairwise(LEVELS):
            db.execute(
                f"INSERT INTO {coarser.table} SELECT t - t % {coarser.step} AS b, series, {sums} "
                f"FROM {finer.table} GROUP BY b, series"
            )
        # What is older than the minutes: hours, six-hours and days only.
        first_day = start - start % 86400
        older = [
            (t, s, *_row(rnd))
            for t in range(first_day - MONTHS, first_day, 3600)
            for s in range(1, series + 1)
        ]
        db.executemany(f"INSERT INTO hour VALUES ({marks})", older)
        for table, step in (("six_hour", 21600), ("day", 86400)):
            db.execute(
                f"INSERT INTO {table} SELECT t - t % {step} AS b, series, {sums} FROM hour "
                f"WHERE t < ? GROUP BY b, series",
                (first_day,),
            )
        db.execute("INSERT INTO part VALUES (1, 'log')")
        step_ms = minutes * 60_000 // max(requests, 1)
        db.executemany(
            f"INSERT INTO request VALUES ({', '.join('?' * 22)})",
            (
                (
                    (start * 1000 + i * step_ms) << 22,
                    0,
                    int(series * rnd.random() ** 3) + 1,
                    *(1, 0, 0, 900, 0, 0, 0, 200, 0, 5_700_000, 5_700_000, None),
                    *(0, 200, 800, f"req-{i}", 1, i * 400, ""),
                )
                for i in range(requests)
            ),
        )
        floor = first_day if not start % 86400 else first_day + 86400
        db.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [("floor.minute", floor), ("floor.requests", floor)],
        )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _empty(path: Path) -> None:
    async with await Store.open(path, Retention(None, None, None, None), now=NOW) as store:
        await store.register("bench", "metrics", "gateway-0")
        await store.register("again", "metrics", "gateway-0")


def _row(rnd: random.Random) -> tuple[int, ...]:
    tokens = rnd.randrange(20_000)
    cost = tokens * 3000
    return (3, 0, 0, tokens, tokens // 3, 0, 0, tokens // 5, 0, cost, cost, cost, 0)


def _minutes(db: sqlite3.Connection, sql: str, start: int, series: int, rnd: random.Random) -> None:
    for t in range(start, END, 60):
        db.executemany(sql, ((t, s, *_row(rnd)) for s in range(1, series + 1)))


def naive(db: sqlite3.Connection, start: int, end: int, where: str = "") -> list[tuple[Any, ...]]:
    """What one would write without roll-ups: minute rows joined with the names."""
    return db.execute(
        "SELECT model, sum(requests), sum(input), sum(output), sum(effective) FROM minute "
        "JOIN series ON series.id = minute.series WHERE t >= ? AND t < ? "
        f"{where} GROUP BY model ORDER BY sum(effective) DESC, model",
        (start, end),
    ).fetchall()


def agree(path: Path, reader: Reader) -> list[str]:
    """Compare both on every window that minutes cover. Returns what was compared."""
    compared = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        oldest = db.execute("SELECT min(t) FROM minute").fetchone()[0]
        for spec in WINDOWS:
            window = window_at(spec, NOW, UTC)
            if window.start < oldest:
                continue
            for filters, where in (
                ((), ""),
                ((Filter("provider", "provider-3"),), "AND provider = 'provider-3'"),
            ):
                ours = {
                    key[0]: (t.requests, t.input, t.output, t.effective_nano)
                    for key, t in reader.breakdown(View(window, filters), ("model",), NOW)
                }
                theirs = {row[0]: row[1:] for row in naive(db, window.start, window.end, where)}
                if ours != theirs:
                    raise SystemExit(f"{spec.name}: the two do not agree")
                shown = reader.overview(View(window, filters), NOW)
                if sum(shown.chart) != sum(row[3] for row in theirs.values()):
                    raise SystemExit(f"{spec.name}: the chart does not add up")
            compared.append(spec.name)
    return compared


def timed(into: list[float], run: Callable[..., object], *args: object) -> None:
    began = time.perf_counter()
    run(*args)
    into.append((time.perf_counter() - began) * 1000)


def summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50": round(statistics.median(ordered), 2),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
        "max": round(ordered[-1], 2),
        "n": len(ordered),
    }


async def _touch(store: Store, now: float) -> None:
    at = int(now * 1e9)
    record = UsageRecord(at, at, Dimensions("provider-1", "model-1"), input=5, request_id="x")
    await store.append("bench", [record], [Charge(15, 15, CostBasis.COMPUTED)], now=now)


async def measure(path: Path, rounds: int, peer_rounds: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    compared = await asyncio.to_thread(_agree, path)
    results["agree"] = compared
    everything: dict[str, list[float]] = {kind: [] for kind in KINDS}
    forever = Retention(None, None, None, None)
    async with await Store.open(path, forever, now=NOW) as store:
        with Reader(path, zone=UTC) as reader:
            for spec in WINDOWS:
                own: dict[str, list[float]] = {kind: [] for kind in KINDS}
                for _ in range(max(3, rounds // 5)):
                    view = View(window_at(spec, NOW, UTC))
                    with Reader(path, zone=UTC) as fresh:
                        fresh.data_version()
                        timed(own["cold"], fresh.overview, view, NOW)
                results[spec.name] = own
            for number in range(rounds):
                now = NOW + number * 7.0  # so that minutes pass, too
                for spec in random.Random(number).sample(WINDOWS, len(WINDOWS)):
                    own = results[spec.name]
                    view = View(window_at(spec, now, UTC))
                    timed(own["key"], reader.overview, view, now)
                    drill = View(view.window, (Filter("provider", f"provider-{number % 7}"),))
                    timed(own["drill"], reader.overview, drill, now)
                    await _touch(store, now)
                    timed(own["tick"], reader.overview, view, now)
                    timed(own["fleet"], reader.fleet, view, now)
                    await _touch(store, now)
                    timed(own["fleet tick"], reader.fleet, view, now)
        await _compare(path, store, rounds, results)
    for spec in WINDOWS:
        for kind, times in results[spec.name].items():
            everything[kind] += times
        results[spec.name] = {kind: summary(t) for kind, t in results[spec.name].items()}
    results["all"] = {kind: summary(times) for kind, times in everything.items()}
    results["requests"] = _requests(path)
    results["naive"] = await asyncio.to_thread(_peer, path, peer_rounds)
    return results


async def _compare(path: Path, store: Store, rounds: int, results: dict[str, Any]) -> None:
    """The second source reconciles from now on, and counts again afterwards."""
    await store.register("again", "metrics", "gateway-0", "reconcile")
    with Reader(path, zone=UTC) as reader:
        for number in range(rounds):
            now = NOW + (rounds + number) * 7.0
            for spec in random.Random(number).sample(WINDOWS, len(WINDOWS)):
                for name, role in (("bench", "count"), ("again", "reconcile")):
                    await store.set_status(
                        SourceStatus(name, "metrics", "", role, now, now, now, interval=15.0)
                    )
                own, view = results[spec.name], View(window_at(spec, now, UTC))
                timed(own["compared"], reader.compared, view, now)
                await _touch(store, now)
                timed(own["compared tick"], reader.overview, view, now)
        last = reader.compared(View(window_at(WINDOWS[4], now, UTC)), now)
    if len(last) != 4 or not all(row.covered for row in last):
        raise SystemExit("every gateway should be compared")
    await store.register("again", "metrics", "gateway-0", "count")


def _requests(path: Path) -> dict[str, dict[str, float]]:
    """The list of requests, of everything and of the rarest series."""
    window = window_at(WINDOWS[5], NOW, UTC)
    out = {}
    with Reader(path, zone=UTC) as reader:
        for name, steps in (
            ("all", ()),
            ("provider", (Filter("provider", "provider-3"),)),
            ("rare", (Filter("model", "model-39"), Filter("gateway", "gateway-3"))),
            ("none", (Filter("model", "no such model"),)),
        ):
            times: list[float] = []
            for _ in range(10):
                timed(times, reader.requests, View(window, steps), 100)
            out[name] = summary(times)
    return out


def _agree(path: Path) -> list[str]:
    with Reader(path, zone=UTC) as reader:
        return agree(path, reader)


def _peer(path: Path, rounds: int) -> dict[str, dict[str, float]]:
    out = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for spec in WINDOWS:
            window = window_at(spec, NOW, UTC)
            times: list[float] = []
            for _ in range(rounds):
                timed(times, naive, db, window.start, window.end)
            out[spec.name] = summary(times)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000_000, help="minute rows")
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--peer-rounds", type=int, default=3)
    parser.add_argument("--store", type=Path, help="build it here once and use it again")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.store or Path(folder) / "bench.db"
        if not path.exists():
            began = time.perf_counter()
            build(path, args.rows, args.series, args.requests)
            print(f"built in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        results = asyncio.run(measure(path, args.rounds, args.peer_rounds))
        results["megabytes"] = round(path.stat().st_size / 1e6)
    if args.json:
        print(json.dumps(results, indent=2))
        return 0
    print(f"store {results['megabytes']} MB; equal sums on {', '.join(results['agree'])}")
    print(
        f"{'ms (p50 / p99)':<14}" + "".join(f"{k:>18}" for k in KINDS) + f"{'naive, 1 panel':>18}"
    )
    for name in (*(spec.name for spec in WINDOWS), "all"):
        cells = [f"{c['p50']} / {c['p99']}" for c in results[name].values()]
        peer = f"{results['naive'][name]['p50']}" if name != "all" else ""
        print(f"{name:<14}" + "".join(f"{cell:>18}" for cell in cells) + f"{peer:>18}")
    print(
        "requests      "
        + ", ".join(f"{name} {c['p50']} / {c['p99']}" for name, c in results["requests"].items())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
