"""Ten thousand consumers: what a key press costs when one dimension is very wide.

Builds a store by SQL (by default 10,000 consumers who use three of 50 models each, so 30,000 series;
a fifth of the consumers is active in any hour of 30 days) and runs the real app without a terminal
on it, in this process:

    overview     first overview of a fresh reader, a key press (another window), a new revision
    cross        consumer × model of the heat table: first, again, after a new revision
    move         a cursor key in the panel of consumers: from the press to the painted screen
    panel        another sort, unit or order of that panel
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
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from typing import Any

from costtui.config.schema import Config, DisplayConfig, Retention, SourceConfig, StoreConfig
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import View
from costtui.model.timewindow import WINDOW_BY_NAME, WINDOWS, window_at
from costtui.model.usage import UsageRecord
from costtui.store.levels import COLUMNS, LEVELS
from costtui.store.reader import Reader
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
