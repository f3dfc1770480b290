"""How far off is the forecast, and how far a naive one, on the same days?

Usage: python benchmarks/bench_forecast.py [--seed N] [--days N] [--db FILE] [--json]

Each of the last days is told from what was known a week before its end, by costtui's method and by
its naive peer: the mean of the seven days before that, which is what most dashboards project with.
The history is the demo's traffic, hour by hour, without a server or a store; `--db` takes the hours
of a store instead. Prints the mean and the median absolute percentage error of both, and what a
forecast takes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC
from pathlib import Path
from statistics import mean, median

from costtui.analysis.forecast import checked, forecast
from costtui.demo.fleet import Fleet
from costtui.demo.history import all_history
from costtui.model.snapshot import View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.store.reader import Reader

HOUR, DAY, NS = 3600, 86_400, 10**9
NOW = 1_795_305_600  # 2026-11-22 00:00 UTC


def simulated(seed: int, days: int) -> tuple[tuple[int | None, ...], int]:
    """(nano-USD of each hour, start) of the history that `costtui demo` has at its start."""
    hours: list[int | None] = [0] * (days * 24)
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), start=NOW, seed=seed, days=days)
        for _, batch in all_history(fleet):
            for record in batch:
                at = (record.end_ns // NS - 1 - fleet.history_start) // HOUR
                hours[at] = (hours[at] or 0) + (record.reported_nano or 0)
    return tuple(hours), NOW - days * DAY


def stored(path: Path) -> tuple[tuple[int | None, ...], int]:
    """(nano-USD of each hour, start) of a store."""
    now = time.time()
    with Reader(path, zone=UTC) as reader:
        view = View(window_at(WINDOW_BY_NAME["24h"], now, UTC))
        found = reader.outlook(view, "model", now)
    return found.hours, found.start


def naive(hours: tuple[int | None, ...], start: int, end: int) -> float:
    """A day told by the mean of the seven days up to a week before its end."""
    origin = (end - start) // HOUR - 168
    week = [value for value in hours[max(0, origin - 168) : origin] if value is not None]
    return 24 * mean(week)


def measured(hours: tuple[int | None, ...], start: int) -> dict[str, float]:
    """Both methods on the same days, and the time of one forecast."""
    checks = checked(hours, start, UTC)
    ours = [abs(c.said - c.was) / c.was for c in checks]
    theirs = [abs(naive(hours, start, c.end) - c.was) / c.was for c in checks]
    now = start + len(hours) * HOUR
    begin = time.perf_counter()
    forecast(hours, start, now, now + 30 * DAY, UTC)
    warm = time.perf_counter() - begin
    checked.cache_clear()
    begin = time.perf_counter()
    forecast(hours, start, now, now + 30 * DAY, UTC)
    cold = time.perf_counter() - begin
    return {
        "days": len(checks),
        "mean_ape": mean(ours), "median_ape": median(ours),
        "naive_mean_ape": mean(theirs), "naive_median_ape": median(theirs),
        "first_in_the_hour_ms": cold * 1e3, "later_ms": warm * 1e3,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="The forecast against a naive one.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.db:
        hours, start = stored(options.db)
    else:
        hours, start = simulated(options.seed, options.days)
    found = measured(hours, start)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{len(hours)} hours, {found['days']} days told a week ahead")
    print(f"costtui   mean {found['mean_ape']:6.1%}   median {found['median_ape']:6.1%}")
    print(f"naive     mean {found['naive_mean_ape']:6.1%}   "
          f"median {found['naive_median_ape']:6.1%}")  # fmt: skip
    print(f"a forecast: {found['first_in_the_hour_ms']:.0f} ms the first time in an hour, "
          f"{found['later_ms']:.0f} ms after that")  # fmt: skip


if __name__ == "__main__":
    main()
