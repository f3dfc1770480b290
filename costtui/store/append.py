"""Exactly-once append: rows, roll-ups and checkpoint in one transaction.

There is no second mechanism. A crash before the commit leaves nothing, and the source reads the
batch again; after it the checkpoint says that the batch is read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import aiosqlite

from costtui.errors import StoreError
from costtui.model.requests import Priced, Requests
from costtui.model.snapshot import SkippedLine
from costtui.model.usage import UsageRecord
from costtui.store.bulk import gc_paused, insert
from costtui.store.levels import COLUMNS, LEVELS
from costtui.store.prepare import SEQUENCE_BITS, SEQUENCE_MASK, Prepared, prepare, renumber
from costtui.store.sane import SUSPECT, fitting, full_days, overflowed
from costtui.store.series import COLUMNS as SERIES_COLUMNS
from costtui.store.series import Interner, clean
from costtui.store.session import Row, Session

IN_THREAD: Final = 500
"""Batches above this size (about 2 ms) are summed in a thread, off the event loop."""

SKIPPED_KEPT: Final = 200
"""The newest examples of unreadable lines kept for each source; all are counted."""

_TEXT_LIMIT: Final = 500

_REQUEST_SQL: Final = f"INSERT INTO request VALUES ({', '.join('?' * 22)})"

_LOGGED_SQL: Final = (
    "INSERT INTO request VALUES (?, ?, ?, 1, 0, 0, ?, 0, 0, 0, ?, 0, ?, ?, ?, 0, 0, -1, ?, ?, ?, ?)"
)
"""A row of `Requests`: what all of them have in common is not bound ten times a row."""

UPSERT: Final = {
    level.table: (
        f"INSERT INTO {level.table} VALUES (?, ?{', ?' * len(COLUMNS)}) "
        "ON CONFLICT (t, series) DO UPDATE SET "
        + ", ".join(f"{c} = {c} + excluded.{c}" for c in COLUMNS)
    )
    for level in LEVELS
}


class Appender:
    """Writes batches through a session and keeps the ids of series and parts in memory."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._interner: Interner | None = None
        self._parts: dict[str, int] = {}
        self._parts_stored = 0
        self._recent: dict[int, dict[int, int]] = {}
        session.on_rollback.append(self.forget)

    def forget(self) -> None:
        """Drop what is in memory: it may hold ids that were never stored."""
        self._interner = None
        self._recent = {}

    async def interner(self) -> Interner:
        """The series in memory, read again after a rollback; the caller holds `exclusive`."""
        if self._interner is None:
            await self._session.reload()
            rows = await self._session.fetch(f"SELECT {SERIES_COLUMNS} FROM series ORDER BY id")
            parts = await self._session.fetch("SELECT name, id FROM part ORDER BY id")
            self._interner = Interner(rows)
            self._parts = dict(parts)
            self._parts_stored = len(self._parts)
        return self._interner

    async def append(
        self,
        source: int,
        records: Sequence[UsageRecord],
        charges: Sequence[Priced],
        *,
        checkpoint: Mapping[str, str | None],
        skipped: Sequence[SkippedLine],
        skipped_count: int,
        resets: int,
        newest_ns: int,
        unread: Sequence[tuple[float, float]] | None = None,
        now: float,
    ) -> int:
        """Returns how many records were refused (see `sane`), which count as skipped."""

        async def store(least: int) -> int:
            prepared = await self._prepared(source, records, charges, now)
            kept, paid, refused, examples = records, charges, 0, list(skipped)
            room = await full_days(self._session.db, prepared.levels["day"], least)
            if room:
                own, floors = (await self.interner()).of(source), self._session.floors_at(now)
                found = await asyncio.to_thread(fitting, records, charges, own, floors, room, now)
                kept, paid, refused = found.records, found.charges, found.refused
                examples += found.examples
                prepared = await self._prepared(source, kept, paid, now)
            await self._write(
                source,
                kept,
                prepared,
                checkpoint=checkpoint,
                skipped=examples,
                skipped_count=skipped_count + refused,
                resets=resets,
                newest_ns=newest_ns,
                unread=unread,
                now=now,
            )
            return refused

        async with self._session.exclusive():
            try:
                return await store(SUSPECT)
            except StoreError as error:
                if not overflowed(error):
                    raise
            return await store(0)

    async def _prepared(
        self,
        source: int,
        records: Sequence[UsageRecord],
        charges: Sequence[Priced],
        now: float,
    ) -> Prepared:
        interner = await self.interner()
        arguments = (
            records,
            charges,
            interner.of(source),
            self._session.floors_at(now),
            self._parts,
            self._recent.get(source, {}),
        )
        try:
            if len(records) > IN_THREAD:
                with gc_paused():
                    return await asyncio.to_thread(prepare, *arguments)
            return prepare(*arguments)
        except BaseException:
            self.forget()
            raise

    async def _write(
        self,
        source: int,
        records: Sequence[UsageRecord],
        prepared: Prepared,
        *,
        checkpoint: Mapping[str, str | None],
        skipped: Sequence[SkippedLine],
        skipped_count: int,
        resets: int,
        newest_ns: int,
        unread: Sequence[tuple[float, float]] | None,
        now: float,
    ) -> None:
        session = self._session
        async with session.write() as db:
            risen = await session.raise_floors(now)
            await self.store_series(db)
            sql = _LOGGED_SQL if isinstance(records, Requests) else _REQUEST_SQL
            await self._store_requests(db, sql, prepared.requests)
            for table, rows in prepared.levels.items():
                if rows:
                    await insert(db, UPSERT[table], rows)
            await _store_checkpoint(db, source, checkpoint)
            if skipped:
                await _store_skipped(db, source, skipped)
            moved = unread is not None and await _store_unread(db, source, unread)
            await db.execute(
                "UPDATE source SET records = records + ?, skipped = skipped + ?, "
                "resets = resets + ?, last_data = max(last_data, ?) WHERE id = ?",
                (len(records), skipped_count, resets, newest_ns / 1e9, source),
            )
            if records or risen or moved:
                await session.bump(prepared.low, prepared.high)
        self._recent[source] = prepared.sequences

    async def store_series(self, db: aiosqlite.Connection) -> None:
        """Store the series and parts that have been given ids."""
        interner = await self.interner()
        if interner.added:
            await db.executemany(
                f"INSERT INTO series VALUES ({', '.join('?' * 14)})", interner.added
            )
            interner.added = []
        if len(self._parts) > self._parts_stored:
            new = list(self._parts.items())[self._parts_stored :]
            # Names that differ only in what UTF-8 cannot hold become one name with two ids.
            await db.executemany(
                "INSERT INTO part (name, id) VALUES (?, ?)",
                [(_part_name(name, number), number) for name, number in new],
            )
            self._parts_stored = len(self._parts)

    async def _store_requests(self, db: aiosqlite.Connection, sql: str, rows: list[Row]) -> None:
        if not rows:
            return
        await db.execute("SAVEPOINT requests")
        try:
            await insert(db, sql, rows)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY and (
                error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_ROWID
            ):
                raise
            await db.execute("ROLLBACK TO requests")
            # The row that could not be encoded may come after the one whose id was taken.
            await insert(db, sql, [_encodable(row) for row in await _renumbered(db, rows)])
        except UnicodeEncodeError:
            await db.execute("ROLLBACK TO requests")
            await self._store_requests(db, sql, [_encodable(row) for row in rows])
        await db.execute("RELEASE requests")


async def _renumbered(db: aiosqlite.Connection, rows: list[Row]) -> list[Row]:
    """`rows` with ids that are free. Only when two files share a millisecond and a hash."""
    taken: dict[int, int] = {}
    for ms in {row[0] >> SEQUENCE_BITS for row in rows}:
        low = ms << SEQUENCE_BITS
        found = await db.execute_fetchall(
            "SELECT max(id) FROM request WHERE id BETWEEN ? AND ?", (low, low | SEQUENCE_MASK)
        )
        highest = next(iter(found))[0]
        taken[ms] = -1 if highest is None else highest & SEQUENCE_MASK
    return renumber(rows, taken)


def _encodable(row: Row) -> Row:
    return tuple(clean(value) if isinstance(value, str) else value for value in row)


def _part_name(name: str, number: int) -> str:
    cleaned = clean(name)
    return name if cleaned == name else f"{cleaned}#{number}"


async def _store_checkpoint(
    db: aiosqlite.Connection, source: int, changes: Mapping[str, str | None]
) -> None:
    put = [(source, pack(k), pack(v)) for k, v in changes.items() if v is not None]
    drop = [(source, pack(k)) for k, v in changes.items() if v is None]
    if put:
        await db.executemany(
            "INSERT INTO checkpoint (source, part, state) VALUES (?, ?, ?) "
            "ON CONFLICT (source, part) DO UPDATE SET state = excluded.state",
            put,
        )
    if drop:
        await db.executemany("DELETE FROM checkpoint WHERE source = ? AND part = ?", drop)


async def _store_unread(
    db: aiosqlite.Connection, source: int, unread: Sequence[tuple[float, float]]
) -> bool:
    """Make `unread` the gaps of `source`. False when they are so already."""
    rows = await db.execute_fetchall("SELECT start, end FROM gap WHERE source = ?", (source,))
    before = {(float(row[0]), float(row[1])) for row in rows}
    after = {(float(start), float(end)) for start, end in unread}
    if before == after:
        return False
    opened = {start for start, _ in after} - {start for start, _ in before}
    await db.execute("DELETE FROM gap WHERE source = ?", (source,))
    await db.executemany(
        "INSERT INTO gap VALUES (?, ?, ?)", [(source, *stretch) for stretch in sorted(after)]
    )
    # What lies before all that was ever read is history to be filled in, and no outage.
    sql = "UPDATE source SET gaps = gaps + ? WHERE id = ? AND records > 0"
    await db.execute(sql, (len(opened), source))
    return True


async def _store_skipped(
    db: aiosqlite.Connection, source: int, lines: Sequence[SkippedLine]
) -> None:
    await db.executemany(
        "INSERT INTO skipped (source, part, offset, line, reason, text, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                source,
                clean(line.part),
                line.offset,
                line.line,
                clean(line.reason)[:_TEXT_LIMIT],
                clean(line.text)[:_TEXT_LIMIT],
                line.at,
            )
            for line in lines[-SKIPPED_KEPT:]
        ],
    )
    await db.execute(
        "DELETE FROM skipped WHERE source = ?1 AND id <= (SELECT id FROM skipped "
        "WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (source, SKIPPED_KEPT),
    )


_PACKED: Final = "\0u:"


def pack(text: str) -> str:
    """`text` so that UTF-8 can hold it and `unpack` gives it back: a file name is any bytes, and
    a checkpoint that came back different would count a file twice."""
    if clean(text) == text and not text.startswith(_PACKED):
        return text
    return _PACKED + text.encode("unicode_escape").decode("ascii")


def unpack(text: str) -> str:
    """What `pack` was given."""
    if not text.startswith(_PACKED):
        return text
    return text[len(_PACKED) :].encode("ascii").decode("unicode_escape")


__all__ = ["UPSERT", "Appender", "Prepared", "pack", "unpack"]
