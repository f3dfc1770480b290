"""The one writing connection of a store: transactions, the fence against a second writer, and the
bookkeeping that every write of usage shares.

A transaction either commits or leaves nothing behind, neither in the file nor in memory: whatever
the caller remembers about the store is dropped through `forget` and read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiosqlite

from costtui.config.schema import Retention
from costtui.errors import StoreBusyError, StoreError, StoreNewerError
from costtui.store.connection import (
    BUSY_MS,
    check_before_writing,
    make_file,
    make_private,
    store_errors,
)
from costtui.store.levels import Floors, floors_at, read_floors
from costtui.store.migrate import migrate, newest

Row = tuple[Any, ...]

TOUCHES_KEPT: Final = 512
"""Revisions whose changes are remembered; a reader that is further behind drops its cache."""


class Session:
    """Exactly one per store. Not safe across event loops."""

    def __init__(self, path: Path, db: aiosqlite.Connection, retention: Retention) -> None:
        self.path = path
        self.retention = retention
        self.revision = 0
        self.floors = Floors()
        self.on_rollback: list[Callable[[], None]] = []
        self._db: aiosqlite.Connection | None = db
        self._lock = asyncio.Lock()
        self._epoch = 0

    @classmethod
    async def open(cls, path: Path, retention: Retention) -> Session:
        """Open or make the store and become its writer: an older `Session` on it, wherever it
        is, can write no more."""
        make_file(path)
        check_before_writing(path, newest())
        make_private(path)
        with store_errors(path, again=True):
            db = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
        session = cls(path, db, retention)
        try:
            with store_errors(path, again=True):
                for pragma in (
                    "journal_mode=WAL",
                    "synchronous=NORMAL",
                    "temp_store=MEMORY",
                    "cache_size=-32000",
                    "wal_autocheckpoint=4000",
                    "journal_size_limit=67108864",
                ):
                    await db.execute_fetchall(f"PRAGMA {pragma}")
                await migrate(db)
                rows = await db.execute_fetchall(
                    "UPDATE meta SET value = value + 1 WHERE key = 'writer' RETURNING value"
                )
                session._epoch = next(iter(rows))[0]
                await session._read_meta()
        except BaseException:
            await session.close()
            raise
        return session

    @property
    def db(self) -> aiosqlite.Connection:
        if self._db is None:
            raise StoreError(f"{self.path}: the store is closed")
        return self._db

    async def close(self) -> None:
        """Wait for a running transaction and close. May be called twice."""
        async with self._lock:
            if self._db is not None:
                db, self._db = self._db, None
                with store_errors(self.path, again=True):
                    await db.close()

    async def fetch(self, sql: str, parameters: Iterable[Any] = ()) -> list[Row]:
        """Read outside of a transaction."""
        with store_errors(self.path, again=True):
            return list(await self.db.execute_fetchall(sql, parameters))  # type: ignore[arg-type]

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Nobody else writes through this session meanwhile. `write` may be used inside."""
        async with self._lock:
            yield

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """`exclusive` and `write` in one."""
        async with self._lock, self.write() as db:
            yield db

    @asynccontextmanager
    async def write(self) -> AsyncIterator[aiosqlite.Connection]:
        """One `BEGIN IMMEDIATE`; the caller holds `exclusive`.

        Raises `StoreBusyError` when another writer has opened the store since.
        """
        db = self.db
        with store_errors(self.path, again=True):
            try:
                await db.execute("BEGIN IMMEDIATE")
                await self._check_fence(db)
                yield db
                await db.execute("COMMIT")
            except BaseException:
                for forget in self.on_rollback:
                    forget()
                await db.rollback()
                raise

    async def _check_fence(self, db: aiosqlite.Connection) -> None:
        rows = list(
            await db.execute_fetchall(
                "SELECT value, user_version FROM meta, pragma_user_version WHERE key = 'writer'"
            )
        )
        epoch, version = rows[0]
        if version > newest():
            raise StoreNewerError(f"{self.path}: a newer costtui has taken this store over")
        if epoch != self._epoch:
            raise StoreBusyError(f"{self.path}: another collector has taken this store over")

    async def _read_meta(self) -> None:
        rows = await self.db.execute_fetchall("SELECT key, value FROM meta")
        meta = {str(key): value for key, value in rows}
        self.revision = int(meta["revision"])
        self.floors = read_floors(meta)

    async def get(self, key: str) -> Any:
        """A value of `meta`, None where there is none."""
        rows = await self.fetch("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    async def put(self, key: str, value: int | float | str) -> None:
        """Set a value of `meta`, inside of `write`."""
        await self.db.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    async def bump(self, low: int = 0, high: int = 0) -> None:
        """A new revision, inside of `write`: usage of `[low, high)`, alerts or gaps changed."""
        rows = await self.db.execute_fetchall(
            "UPDATE meta SET value = value + 1 WHERE key = 'revision' RETURNING value"
        )
        revision = int(next(iter(rows))[0])
        await self.db.execute(
            "INSERT INTO touch (revision, low, high) VALUES (?, ?, ?)", (revision, low, high)
        )
        await self.db.execute("DELETE FROM touch WHERE revision <= ?", (revision - TOUCHES_KEPT,))
        self.revision = revision

    async def raise_floors(self, now: float) -> bool:
        """Bring the floors to `now`, inside of `write`. True when one rose."""
        floors = self.floors_at(now)
        if floors == self.floors:
            return False
        for name, value in zip(Floors._fields, floors, strict=True):
            await self.put(f"floor.{name}", value)
        self.floors = floors
        return True

    def floors_at(self, now: float) -> Floors:
        return self.floors.raised(floors_at(self.retention, now))

    async def reload(self) -> None:
        """Read again what a rollback may have left wrong in memory."""
        with store_errors(self.path, again=True):
            await self._read_meta()
