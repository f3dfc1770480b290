"""When the counters began, and that a store of before has none of that."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC
from pathlib import Path

from costtui.store.counted import CountedReader
from costtui.store.migrate import migrations
from costtui.store.writer import Store

NOW = 1_790_000_000.0


def opened(path: Path, now: float) -> float:
    async def run() -> None:
        async with await Store.open(path, now=now):
            pass

    asyncio.run(run())
    with CountedReader(path, zone=UTC) as reader:
        return reader.counted(now, 10).since


def test_counters_began_when_the_store_was_made(tmp_path: Path) -> None:
    assert opened(tmp_path / "t.db", NOW) == NOW
    assert opened(tmp_path / "t.db", NOW + 1000) == NOW


def test_a_store_of_before_does_not_know(tmp_path: Path) -> None:
    """What it had counted is no news to whoever reads it first."""
    path = tmp_path / "t.db"
    opened(path, NOW)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "DROP TABLE adjusted; DELETE FROM meta WHERE key = 'counting_since';"
            "INSERT INTO source (id, name, kind, gateway, role) "
            "VALUES (1, 's', 'jsonl', 'g', 'count');"
            "INSERT INTO series VALUES (1, 1, 'p', 'm', 'c', 'g', '', 'llm', 1, 0, 1, 0, 1, 0);"
            f"PRAGMA user_version={[n for n, _ in migrations() if n < 4][-1]};"
        )
    assert opened(path, NOW + 1000) == 0
    assert opened(path, NOW + 2000) == 0
