"""`costtui db`, and that its check finds what it says it finds."""

from __future__ import annotations

import asyncio
import sqlite3
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path

import pytest

from costtui.cli.db import DbCommand
from costtui.errors import StoreBusyError, StoreError
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store import maintenance
from costtui.store.lock import WriterLock
from costtui.store.writer import Store

NOW = 1_790_000_000.0
AT = int(NOW * 1e9)


def make(path: Path, count: int = 100) -> None:
    async def run() -> None:
        async with await Store.open(path, now=NOW) as store:
            await store.register("log\x1b[31m", "jsonl", "gw")
            records = [
                UsageRecord(
                    AT - i * 10**12, AT - i * 10**12, Dimensions("p", f"m{i % 3}"), request_id="r"
                )
                for i in range(count)
            ]
            charges = [Charge(1, 1, CostBasis.COMPUTED)] * count
            await store.append("log\x1b[31m", records, charges, newest_ns=AT, now=NOW)

    asyncio.run(run())


def run(*words: str) -> int:
    parser = ArgumentParser()
    command = DbCommand()
    parser.add_argument("--db")
    parser.add_argument("--config", default=None)
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def harm(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE hour SET output = output + 1 WHERE t = (SELECT max(t) FROM hour)", "hour is not"),
        ("DELETE FROM six_hour WHERE t = (SELECT max(t) FROM six_hour)", "six_hour is not"),
        ("DELETE FROM minute WHERE t = (SELECT max(t) FROM minute)", "sum of minute"),
        ("DELETE FROM request WHERE id = (SELECT max(id) FROM request)", "sum of the requests"),
        (
            "UPDATE request SET series = 77 WHERE id = (SELECT min(id) FROM request)",
            "name a series",
        ),
        ("DELETE FROM part", "name a part"),
        ("UPDATE series SET source = 9", "name a source"),
    ],
)
def test_check_finds_harm(
    store_path: Path, capsys: pytest.CaptureFixture[str], statement: str, words: str
) -> None:
    make(store_path)
    assert run("--db", str(store_path), "check") == 0
    assert capsys.readouterr().out == "ok\n"
    harm(store_path, statement)
    assert run("--db", str(store_path), "check") == 1
    assert words in capsys.readouterr().out


def test_path_and_stats(store_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--db", str(store_path), "path") == 0
    assert capsys.readouterr().out == f"{store_path}\n"
    with pytest.raises(StoreError, match="no store yet"):
        run("--db", str(store_path), "stats")
    make(store_path)
    assert run("--db", str(store_path), "stats") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "request             100" in out
    assert "2026-09-21 14:13 UTC" in out
    stats = maintenance.stats(store_path)
    assert dict(stats.rows)["request"] == 100
    assert stats.sources[0].records == 100


def test_vacuum_and_prune_need_the_store_for_themselves(
    store_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(store_path, 3000)
    lock = WriterLock(store_path)
    assert lock.acquire()
    for action in ("vacuum", "prune"):
        with pytest.raises(StoreBusyError, match="stop it first"):
            run("--db", str(store_path), action)
    lock.release()
    assert run("--db", str(store_path), "prune") == 0
    harm(store_path, "DELETE FROM request")
    size = store_path.stat().st_size
    assert run("--db", str(store_path), "vacuum") == 0
    assert store_path.stat().st_size < size
    assert "before" in capsys.readouterr().err
