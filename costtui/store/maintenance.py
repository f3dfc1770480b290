"""Looking after a store file: how big, how sound, smaller. What `costtui db` does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from costtui.config.schema import Retention
from costtui.errors import StoreBusyError, StoreError
from costtui.model.snapshot import SourceStatus
from costtui.model.timewindow import DAY
from costtui.store.connection import check_before_writing, inspect, open_reader, store_errors
from costtui.store.levels import (
    COLUMNS,
    LEVELS,
    TABLE_OF_STEP,
    Floors,
    Level,
    oldest_usage,
    read_floors,
)
from costtui.store.lock import WriterLock
from costtui.store.migrate import newest
from costtui.store.prepare import SEQUENCE_BITS
from costtui.store.rows import STATUS_SQL, status_from_row
from costtui.store.writer import Store

TABLES: Final = (
    "request",
    *(level.table for level in LEVELS),
    "series",
    "checkpoint",
    "skipped",
    "gap",
)
_SUMS: Final = ", ".join(f"sum({column}) AS {column}" for column in COLUMNS)
_LIST: Final = ", ".join(COLUMNS)


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What is in a store."""

    path: Path
    schema: int
    bytes: int
    """The file and its WAL."""
    free_bytes: int
    """What `vacuum` would give back."""
    rows: tuple[tuple[str, int], ...]
    """(table, rows)."""
    oldest: int
    """The first day with usage, epoch seconds; 0 in an empty store."""
    latest: int
    """The last."""
    revision: int
    sources: tuple[SourceStatus, ...]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise StoreError(f"{path}: there is no store yet; `costtui collect` makes it")
    with store_errors(path), closing(open_reader(path)) as connection:
        if not inspect(path, connection, newest()):
            raise StoreError(f"{path}: is empty; `costtui collect` fills it")
        connection.execute("BEGIN")
        yield connection


@contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    if not path.exists():
        raise StoreError(f"{path}: there is no store yet; `costtui collect` makes it")
    lock = WriterLock(path)
    if not lock.acquire():
        raise StoreBusyError(
            f"{path}: a collector is running ({lock.holder()}); stop it first, viewers too if "
            "they started it"
        )
    try:
        yield
    finally:
        lock.release()


def stats(path: Path) -> StoreStats:
    """Sizes, rows, range and sources. Counts rows, which takes a second for ten million.

    Raises `StoreError`, as every function here.
    """
    with _reading(path) as connection:

        def number(sql: str) -> int:
            return int(connection.execute(sql).fetchone()[0] or 0)

        wal = path.with_name(path.name + "-wal")
        return StoreStats(
            path=path,
            schema=number("PRAGMA user_version"),
            bytes=path.stat().st_size + (wal.stat().st_size if wal.exists() else 0),
            free_bytes=number("PRAGMA freelist_count") * number("PRAGMA page_size"),
            rows=tuple((table, number(f"SELECT count(*) FROM {table}")) for table in TABLES),
            oldest=oldest_usage(connection),
            latest=max(number(f"SELECT max(t) FROM {level.table}") for level in LEVELS),
            revision=number("SELECT value FROM meta WHERE key = 'revision'"),
            sources=tuple(map(status_from_row, connection.execute(STATUS_SQL))),
        )


def vacuum(path: Path) -> tuple[int, int]:
    """Rewrite the file without its free pages. Returns (bytes before, bytes after)."""
    with _only_writer(path):
        check_before_writing(path, newest())
        before = path.stat().st_size
        with (
            store_errors(path),
            closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection,
        ):
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return before, path.stat().st_size


def prune(path: Path, retention: Retention, now: float) -> int:
    """Remove what `retention` does not keep. Returns the number of rows removed."""

    async def run() -> int:
        async with await Store.open(path, retention, now=now) as store:
            return await store.prune(now)

    with _only_writer(path):
        return asyncio.run(run())


def check(path: Path) -> list[str]:
    """Everything that is wrong with a store, in words; nothing is changed.

    SQLite's own check, ids that point nowhere, and whether each level is the sum of the finer one
    and of the single requests.
    """
    with _reading(path) as connection:
        problems = [
            f"SQLite: {row[0]}"
            for row in connection.execute("PRAGMA integrity_check(20)")
            if row[0] != "ok"
        ]
        if problems:
            return problems
        floors = read_floors(dict(connection.execute("SELECT key, value FROM meta")))
        return [
            *_dangling(connection),
            *(
                problem
                for finer, coarser in pairwise(LEVELS)
                for problem in _level(connection, finer, coarser, floors)
            ),
            *_requests(connection, floors),
        ]


def _dangling(connection: sqlite3.Connection) -> Iterator[str]:
    links = [
        ("series", "source", "source"),
        ("request", "series", "series"),
        *((level.table, "series", "series") for level in LEVELS),
        *((table, "source", "source") for table in ("checkpoint", "skipped", "gap")),
    ]
    for table, column, target in links:
        (count,) = connection.execute(
            f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM {target})"
        ).fetchone()
        if count:
            yield f"{count} rows of {table} name a {target} that does not exist"
    (count,) = connection.execute(
        "SELECT count(*) FROM request WHERE part NOT IN (SELECT id FROM part)"
    ).fetchone()
    if count:
        yield f"{count} rows of request name a part that does not exist"


def _level(
    connection: sqlite3.Connection, finer: Level, coarser: Level, floors: Floors
) -> Iterator[str]:
    since = max(floors.of(finer), floors.of(coarser))
    step = coarser.step
    summed = (
        f"SELECT t - t % {step} AS bucket, series, {_SUMS} FROM {finer.table} WHERE t >= :since "
        "GROUP BY bucket, series"
    )
    yield from _differences(
        connection,
        summed,
        f"SELECT t, series, {_LIST} FROM {coarser.table} WHERE t >= :since",
        since,
        f"{coarser.table} is not the sum of {finer.table}",
    )


def _requests(connection: sqlite3.Connection, floors: Floors) -> Iterator[str]:
    since = max(floors.requests, floors.day)
    columns = ", ".join(f"sum(coalesce({column}, 0))" for column in COLUMNS)
    raw = (
        f"SELECT ((id >> {SEQUENCE_BITS}) * 1000000 + ns) / 1000000000 / {DAY} * {DAY} AS bucket, "
        f"series, {columns} "
        f"FROM request WHERE id >= :since * (1000 << {SEQUENCE_BITS}) GROUP BY bucket, series"
    )
    table = TABLE_OF_STEP[DAY]
    stored = (
        f"SELECT t, series, {_LIST} FROM {table} WHERE t >= :since "
        "AND series IN (SELECT id FROM series WHERE NOT aggregated)"
    )
    since = max(since, 0)
    yield from _differences(
        connection, raw, stored, since, f"{table} is not the sum of the requests"
    )


def _differences(
    connection: sqlite3.Connection, left: str, right: str, since: int, what: str
) -> Iterator[str]:
    count, bucket, series = connection.execute(
        "SELECT count(*), min(t), min(series) FROM ("
        f"SELECT t, series FROM (SELECT * FROM ({right}) EXCEPT SELECT * FROM ({left})) "
        "UNION SELECT bucket, series FROM "
        f"(SELECT * FROM ({left}) EXCEPT SELECT * FROM ({right})))",
        {"since": since},
    ).fetchone()
    if count:
        yield f"{what}: {count} rows differ, the first at t={bucket}, series {series}"
