"""What can be wrong with a store file is told apart, and never made worse."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from costtui.errors import (
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreNewerError,
    StoreReadOnlyError,
)
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store.migrate import migrations, newest
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_000.0


def usage(count: int, text: str = "x") -> tuple[list[UsageRecord], list[Charge]]:
    at = int(NOW * 1e9)
    records = [
        UsageRecord(at, at, Dimensions("p", f"m{i % 3}"), input=i, request_id=text, attrs=text)
        for i in range(count)
    ]
    return records, [Charge(i, i, CostBasis.COMPUTED) for i in range(count)]


async def make(path: Path) -> None:
    async with await Store.open(path, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        await store.append("s", *usage(10), checkpoint={"f": "1"}, now=NOW)


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def first_page(path: Path) -> bytes:
    return path.read_bytes()[:4096]


async def refused(path: Path, kind: type[StoreError], words: str) -> None:
    before = digest(path)
    with pytest.raises(kind, match=words) as caught:
        await Store.open(path, now=NOW)
    assert str(path) in str(caught.value)
    with pytest.raises(kind, match=words), Reader(path, zone=UTC) as reader:
        reader.revision()
    assert digest(path) == before


async def test_a_newer_store_is_refused_untouched(store_path: Path) -> None:
    await make(store_path)
    with closing(sqlite3.connect(store_path)) as db:
        db.execute(f"PRAGMA user_version={newest() + 1}")
    os.chmod(store_path, 0o644)
    await refused(store_path, StoreNewerError, "upgrade costtui")
    assert os.stat(store_path).st_mode & 0o777 == 0o644


async def test_the_database_of_another_program_is_refused_untouched(store_path: Path) -> None:
    store_path.parent.mkdir()
    with closing(sqlite3.connect(store_path)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    await refused(store_path, StoreError, "another program")


async def test_a_file_that_is_no_database_is_refused_untouched(store_path: Path) -> None:
    store_path.parent.mkdir()
    write(store_path, b"not a database, but somebody's text " * 100)
    await refused(store_path, StoreCorruptError, "damaged")


@pytest.mark.parametrize("what", ["folder", "pipe", "device"])
async def test_what_is_no_file_is_refused_at_once(what: str, tmp_path: Path) -> None:
    """SQLite would wait for a pipe for ever and take a device for an empty store."""
    path = Path("/dev/zero") if what == "device" else tmp_path / what
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    with Reader(path, zone=UTC) as reader, pytest.raises(StoreError, match="not a file"):
        reader.data_version()
    if what != "device":  # whose folder is not ours to write a lock in
        with pytest.raises(StoreError, match=r"not a file|Is a directory"):
            await Store.open(path, now=NOW)


async def test_a_torn_file_is_told(store_path: Path) -> None:
    await make(store_path)
    write(store_path, first_page(store_path) + os.urandom(40_000))
    with pytest.raises(StoreCorruptError, match="move it away"):
        async with await Store.open(store_path, now=NOW) as store:
            await store.append("s", *usage(10), now=NOW)


async def test_a_path_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreReadOnlyError, match="--db"):
        await Store.open(tmp_path / "file" / "x.db", now=NOW)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
async def test_a_read_only_store_is_told_and_can_be_read(store_path: Path) -> None:
    await make(store_path)
    os.chmod(store_path, 0o400)
    os.chmod(store_path.parent, 0o500)
    try:
        with pytest.raises(StoreReadOnlyError):
            await Store.open(store_path, now=NOW)
        with Reader(store_path, zone=UTC) as reader:
            assert reader.statuses()[0].records == 10
    finally:
        os.chmod(store_path.parent, 0o700)


async def test_a_full_disk_loses_nothing(store_path: Path) -> None:
    await make(store_path)
    async with await Store.open(store_path, now=NOW) as store:
        session: Any = store._session
        pages = (await session.fetch("PRAGMA page_count"))[0][0]
        await session.fetch(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(StoreFullError, match="tried again"):
            await store.append("s", *usage(500, "long " * 100), checkpoint={"f": "2"}, now=NOW)
        assert await store.checkpoint("s") == {"f": "1"}
        with Reader(store_path, zone=UTC) as reader:
            assert reader.statuses()[0].records == 10
        await session.fetch("PRAGMA max_page_count=1000000")
        await store.append("s", *usage(500, "long " * 100), checkpoint={"f": "2"}, now=NOW)
        assert (await store.statuses())[0].records == 510


async def test_an_older_writer_is_fenced_off(store_path: Path) -> None:
    await make(store_path)
    async with (
        await Store.open(store_path, now=NOW) as old,
        await Store.open(store_path, now=NOW) as new,
    ):
        with pytest.raises(StoreBusyError, match="taken this store over"):
            await old.append("s", *usage(1), checkpoint={"f": "9"}, now=NOW)
        await new.append("s", *usage(1), now=NOW)
        assert await new.checkpoint("s") == {"f": "1"}


async def test_a_quantity_beyond_64_bits_is_refused_and_counted(store_path: Path) -> None:
    await make(store_path)
    record = UsageRecord(0, 0, Dimensions(), input=2**70, request_id="")
    async with await Store.open(store_path, now=NOW) as store:
        charge = Charge(0, 0, CostBasis.COMPUTED)
        assert await store.append("s", [record], [charge], now=NOW) == 1
        status = (await store.statuses())[0]
        assert (status.records, status.skipped) == (10, 1)


async def test_files_are_private(store_path: Path) -> None:
    old = os.umask(0)
    try:
        async with await Store.open(store_path, now=NOW) as store:
            await store.register("s", "jsonl", "gw")
            for suffix in ("", "-wal", "-shm"):
                file = store_path.with_name(store_path.name + suffix)
                assert file.stat().st_mode & 0o777 == 0o600
        assert store_path.parent.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(old)


async def test_a_closed_store_says_so(store_path: Path) -> None:
    store = await Store.open(store_path, now=NOW)
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.heartbeat(NOW)
    with pytest.raises(StoreError, match="not registered"):
        await store.checkpoint("nobody")


def test_migrations_are_numbered_without_a_hole() -> None:
    assert [number for number, _ in migrations()] == list(range(1, newest() + 1))
