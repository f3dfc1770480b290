"""How fast the listener answers with ten thousand consumers, and what that does to the collector.

    python benchmarks/bench_listener.py [--consumers 10000] [--seconds 10] [--json]

The store takes new usage ten times a second meanwhile. The client is a process of its own with 8
connections that ask `/budget` one after the other, and one that scrapes `/metrics` every second.
Prints milliseconds: the median, the 99th percentile and the worst, and how late the collector's
loop was with the listener asked and without. `machine_late` is how late the client's own sleeps
were: what the machine adds to everything. It never fails: it says what is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from costtui.config.alert_schema import BudgetConfig
from costtui.config.schema import Config, Consumer, ListenConfig, SourceConfig, StoreConfig
from costtui.engine.listen.server import Listener
from costtui.engine.tuning import settle, tune
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store.writer import Store

NANO, HOUR = 10**9, 3600
BUDGETS = (
    BudgetConfig("all", 10**15),
    BudgetConfig("teams", 10**13, by=("team",), parent="all"),
    BudgetConfig("each", 10**12, by=("consumer",)),
    BudgetConfig("each day", 10**11, period="day", by=("consumer",)),
)


class Collecting:
    """What the listener is told of a collector."""

    def __init__(self) -> None:
        self.started = self.looked_at = self.beat_at = time.time()
        self.pollers: list[Any] = []


def usage(consumers: range) -> tuple[list[UsageRecord], list[Charge]]:
    ns = int(time.time() * 1e9)
    records = [
        UsageRecord(
            ns, ns, Dimensions("p", f"m{n % 7}", f"consumer-{n}", "gw"), input=1000, output=9
        )
        for n in consumers
    ]
    return records, [Charge(2 * NANO, 2 * NANO, CostBasis.COMPUTED) for _ in records]


async def measure(folder: Path, consumers: int, seconds: float, series: int) -> dict[str, Any]:
    tune()
    path = folder / "bench.db"
    config = Config(
        store=StoreConfig(path), budgets=BUDGETS, timezone="UTC",
        sources=(SourceConfig("s", "metrics", "gw"),),
        consumers=tuple((f"consumer-{n}", Consumer(team=f"t{n % 50}")) for n in range(consumers)),
    )  # fmt: skip
    found: dict[str, Any] = {"consumers": consumers}
    async with await Store.open(path, now=time.time()) as store:
        await store.register("s", "metrics", "gw")
        for first in range(0, consumers, 2000):
            rows = usage(range(first, min(first + 2000, consumers)))
            await store.append("s", *rows, now=time.time())
        now = time.time()
        await store.set_status(
            SourceStatus("s", "metrics", "gw", last_attempt=now, last_ok=now, interval=HOUR)
        )
        writing = asyncio.create_task(keep_writing(store, consumers))
        settle()
        found["loop_late_alone_ms"] = await lateness(seconds / 2)
        listener = Listener(config, ListenConfig("127.0.0.1:0", series=series), Collecting())
        listener.open()
        listener.start()
        port = int(listener.address.rpartition(":")[2])
        await asyncio.sleep(2)
        settle()
        words = [sys.executable, __file__, "--client", str(port), "--seconds", str(seconds)]
        client = await asyncio.create_subprocess_exec(
            *words, "--consumers", str(consumers), stdout=subprocess.PIPE
        )
        late = asyncio.create_task(lateness(seconds))
        out, _ = await client.communicate()
        found |= json.loads(out)
        found["loop_late_asked_ms"] = await late
        writing.cancel()
        await asyncio.to_thread(listener.close)
    return found


async def keep_writing(store: Store, consumers: int) -> None:
    turn = 0
    while True:
        turn = (turn + 50) % max(50, consumers - 50)
        await store.append("s", *usage(range(turn, turn + 50)), now=time.time())
        await asyncio.sleep(0.1)


async def lateness(seconds: float) -> dict[str, float]:
    """By how much a sleep of 10 ms is longer."""
    late, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        late.append((time.perf_counter() - began - 0.01) * 1000)
    return spread(late)


def spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    if not ordered:
        return {}
    at = {"p50": 0.5, "p99": 0.99, "worst": 1.0}
    last = len(ordered) - 1
    return {name: round(ordered[int(last * share)], 2) for name, share in at.items()}


# The client, in a process of its own


async def client(port: int, seconds: float, consumers: int) -> dict[str, Any]:
    until = time.perf_counter() + seconds
    asks: list[float] = []
    pages: list[float] = []
    sizes: list[int] = []

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            number = (number * 31 + 7) % consumers
            path = f"/budget?consumer=consumer-{number}&provider=p&estimate=0.25"
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await answer(reader)
            asks.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.02)
        writer.close()

    async def scrape() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(
                b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
            )
            sizes.append(await answer(reader))
            pages.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(1.5)
        writer.close()

    quiet = asyncio.create_task(lateness(seconds))
    await asyncio.gather(scrape(), *(ask(n) for n in range(8)))
    return {
        "machine_late_ms": await quiet,
        "budget_ms": spread(asks),
        "budget_answers": len(asks),
        "metrics_ms": spread(pages),
        "metrics_gzip_bytes": sizes[-1],
    }


async def answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    return length


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consumers", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--series", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        print(json.dumps(asyncio.run(client(args.client, args.seconds, args.consumers))))
        return
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(measure(Path(name), args.consumers, args.seconds, args.series))
    if args.json:
        print(json.dumps(found))
        return
    for key, value in found.items():
        print(f"{key:24}{value}")


if __name__ == "__main__":
    main()
