"""A seeded store with many single requests, for `bench_requests.py` and by hand.

    python benchmarks/gen_requests.py requests.db [--rows 1000000] [--days 30]

Rows go in by SQL and their roll-ups are summed from them, so both say the same.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from costtui.config.schema import Retention
from costtui.store.levels import COLUMNS, LEVELS
from costtui.store.writer import Store

NOW = 1_790_000_037.0
SERIES = 240
SEQUENCE_BITS = 22


def build(path: Path, rows: int, days: int = 30, now: float = NOW, seed: int = 7) -> None:
    """Make the store at `path`: `rows` requests, evenly over the `days` before `now`."""
    asyncio.run(_empty(path, now))
    rnd = random.Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        db.executemany(
            f"INSERT INTO series VALUES ({', '.join('?' * 14)})",
            [
                (i + 1, 1, f"provider-{i % 7}", f"model-{i % 40}", f"consumer-{i % 60}",
                 f"gateway-{i % 4}", "/v1/messages", "llm", (1, 2, 2, 3, 0)[i % 5], 0, 1, 0, 1, 0)
                for i in range(SERIES)
            ],
        )  # fmt: skip
        db.execute("INSERT INTO part VALUES (1, 'costs.jsonl')")
        db.executemany(
            f"INSERT INTO request VALUES ({', '.join('?' * 22)})", _rows(rows, days, now, rnd)
        )
        _roll_up(db)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _rows(rows: int, days: int, now: float, rnd: random.Random) -> Iterator[tuple[object, ...]]:
    first = int((now - days * 86_400) * 1000)
    step = days * 86_400_000 / max(1, rows)
    for at in range(rows):
        sid = int(SERIES * rnd.random() ** 3) + 1
        unpriced = (sid - 1) % 5 == 4
        status = rnd.choices((200, 429, 500), (970, 20, 10))[0]
        output = int(rnd.paretovariate(1.2) * 80) % 8000
        input_ = int(rnd.paretovariate(1.1) * 400) % 90_000
        cost = 0 if unpriced else (input_ * 3000 + output * 15_000)
        yield (
            int(first + at * step) << SEQUENCE_BITS | at % 1000, rnd.randrange(1_000_000), sid, 1,
            int(status == 500), int(status == 429), input_, input_ // 3, 0, 0, output, 0, cost,
            None if unpriced else cost, None, 0, status, rnd.randrange(80, 30_000),
            f"req_{at:012x}", 1, at * 411,
            '{"finish_reason":"stop","is_streaming":true,"ip_address":"10.1.2.3"}',
        )  # fmt: skip


def _roll_up(db: sqlite3.Connection) -> None:
    second = f"(id >> {SEQUENCE_BITS}) / 1000"
    sums = ", ".join(f"coalesce(sum({c}), 0)" for c in COLUMNS)
    db.execute(
        f"INSERT INTO minute SELECT {second} - {second} % 60 AS b, series, {sums} "
        "FROM request GROUP BY b, series"
    )
    for finer, coarser in pairwise(LEVELS):
        db.execute(
            f"INSERT INTO {coarser.table} SELECT t - t % {coarser.step} AS b, series, {sums} "
            f"FROM {finer.table} GROUP BY b, series"
        )


async def _empty(path: Path, now: float) -> None:
    async with await Store.open(path, Retention(None, None, None, None), now=now) as store:
        await store.register("bench", "jsonl", "gateway-0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--now", type=float, default=NOW, help="epoch seconds of the newest one")
    options = parser.parse_args()
    build(options.path, options.rows, options.days, options.now)


if __name__ == "__main__":
    main()
