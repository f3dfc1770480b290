"""How long an evaluation of alerts takes, and what it keeps: ten thousand consumers, most of them
over their limit.

    python benchmarks/bench_alerts.py [--consumers 10000] [--json]

Prints milliseconds of the first evaluation (nothing is cached, everything fires), and of those
every 15 s after it: while causes are still looked for, with new usage of a few consumers in the
same minute, at a new minute, and with nothing new; median and worst. CPU is that of the process;
`late` is for how long the event loop answered nobody, `late_own` the part of it in which this
process computed. Megabytes are of the process beside those of the store alone. The interpreter is
tuned as the collector's is. It never fails: it says what is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

from costtui.config.alert_schema import AlertRule, BudgetConfig, NotifierConfig
from costtui.config.schema import Config, SourceConfig, StoreConfig
from costtui.engine.alerting import Alerting
from costtui.engine.tuning import settle, tune
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store.writer import Store

NOW = 1_789_423_230.0
HOUR, DAY = 3600, 86_400
NANO = 10**9
BY = ("consumer",)
RULES = (
    AlertRule("spend", "cost_over", NANO, DAY, "24h", by=BY),
    AlertRule("burst", "tokens_over", 10**9, HOUR, "1h", by=BY, hold=300),
    AlertRule("errors", "error_share_over", 50_000, 900, "15m", by=BY, min_requests=5),
    AlertRule("spike", "spike_over", 3000, HOUR, "1h", by=BY),
    AlertRule("silent", "silent_for", 6 * HOUR, DAY, "1d", by=BY),
    AlertRule("down", "source_down_for", 60, 60, "1m"),
)
BUDGETS = (
    BudgetConfig("all", 10**15),
    BudgetConfig("each", 10**12, by=BY, parent="all", burn_over=14_400),
)


class Clock:
    """Stands still."""

    time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def usage(consumers: range, ago: float) -> tuple[list[UsageRecord], list[Charge]]:
    ns = int((NOW - ago) * 1e9)
    records = [
        UsageRecord(ns, ns, Dimensions("p", "m", f"consumer-{n}", "gw"), input=1000)
        for n in consumers
    ]
    return records, [Charge(2 * NANO, 2 * NANO, CostBasis.COMPUTED) for _ in records]


async def measure(folder: Path, consumers: int, share: float, ticks: int) -> dict[str, float]:
    path, clock = folder / "bench.db", Clock()
    config = Config(
        store=StoreConfig(path), alerts=RULES, budgets=BUDGETS, timezone="UTC", catalogue=False,
        notifiers=(NotifierConfig("hook", "webhook"),),
        sources=(SourceConfig("s", "metrics", "gw"),),
    )  # fmt: skip
    async with await Store.open(path, now=NOW) as store:
        await store.register("s", "metrics", "gw")
        # A few thousand consumers at a time, as sources do; half a day, and weeks before.
        moments = [*range(60, 12 * HOUR, HOUR), *(w * 7 * DAY + 900 for w in range(1, 9))]
        over = int(consumers * share)
        for ago in moments:
            for first in range(0, over, 2000):
                await store.append("s", *usage(range(first, min(first + 2000, over)), ago), now=NOW)
        records, charges = usage(range(over, consumers), 120)
        cheap = [Charge(1000, 1000, CostBasis.COMPUTED) for _ in charges]
        await store.append("s", records, cheap, now=NOW)
        before = _megabytes()
        alerting = Alerting(config, store, clock)
        found: dict[str, float] = {"consumers": consumers}

        kinds: dict[str, list[tuple[float, ...]]] = {}

        async def timed(name: str) -> None:
            late = asyncio.create_task(_latest())
            await asyncio.sleep(0.01)  # it runs
            cpu, began = time.process_time(), time.perf_counter()
            await alerting.tick()
            took, used = time.perf_counter() - began, time.process_time() - cpu
            late.cancel()
            kinds.setdefault(name, []).append((took, used, *_worst))

        settle()
        await timed("first")
        found["instances"] = len(await store.alerts())
        while parcels := await store.due(clock.time):
            await store.delivered([p.key for p in parcels])
        n = 0
        while await store.causes_due():
            await timed("causes")
            clock.time += 15
        settle()
        for n in range(ticks):
            minute = int(clock.time // 60)
            clock.time += 15
            await store.append("s", *usage(range(n * 5, n * 5 + 5), NOW - clock.time + 30), now=NOW)
            await timed("new_usage" if int(clock.time // 60) == minute else "new_minute")
        for _ in range(4):
            clock.time += 15
            await timed("nothing_new")
        units = ("ms", "cpu_ms", "late_ms", "late_own_ms")
        for name, times in kinds.items():
            for of, what in zip(zip(*times, strict=True), units, strict=True):
                found[f"{name}_{what}"] = round(statistics.median(of) * 1000, 1)
                found[f"{name}_{what}_worst"] = round(max(of) * 1000, 1)
        found["extra_mb"] = round(_megabytes() - before, 1)
        alerting.close()
    return found


_worst = [0.0, 0.0]


async def _latest() -> None:
    """The longest time for which the loop answered nobody, and the most of such a time in which
    this process had the processor: the rest is the machine's."""
    _worst[:] = 0.0, 0.0
    while True:
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(0.001)
        late = time.perf_counter() - began - 0.001
        _worst[0] = max(_worst[0], late)
        _worst[1] = max(_worst[1], min(late, time.process_time() - cpu))


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consumers", type=int, default=10_000)
    parser.add_argument("--over", type=float, default=1.0, help="the part that is over a limit")
    parser.add_argument("--ticks", type=int, default=24, help="evaluations with new usage")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    tune()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), args.consumers, args.over, args.ticks))
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:28} {value:>12,}")


if __name__ == "__main__":
    main()
