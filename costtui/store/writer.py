"""The writing side of the store: one `Store` in one collector, guarded by `store.lock`.

Every public method is one transaction or one read. A method that raises has changed nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from costtui.config.schema import Retention
from costtui.errors import StoreError
from costtui.model.alert import Ack, Silence
from costtui.model.charge import Charge, CostPolicy
from costtui.model.requests import Priced
from costtui.model.snapshot import SkippedLine, SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store import adjusted
from costtui.store.append import Appender, unpack
from costtui.store.reprice import ChargeAt, Repriced, reprice
from costtui.store.retention import prune
from costtui.store.rows import STATUS_SQL, status_from_row
from costtui.store.series import clean
from costtui.store.session import Session
from costtui.store.silences import ACK_SQL, SILENCE_SQL, ack_from_row, silence_from_row
from costtui.store.states import States

_NOTE_LIMIT = 1000


class Store(States):
    """Use `await Store.open(...)`, or `async with await Store.open(...)`.

    Every method may raise a `StoreError`: `StoreFullError` (retry later, nothing was lost),
    `StoreBusyError` (another writer took over), `StoreCorruptError`, `StoreReadOnlyError`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._listen()
        self._appender = Appender(session)
        self._sources: dict[str, int] = {}

    @classmethod
    async def open(cls, path: Path, retention: Retention | None = None, *, now: float) -> Store:
        """Open the store at `path`, made (folder 0700, file 0600) where it is missing.

        `now` is epoch seconds. Raises `StoreNewerError` (untouched), `StoreCorruptError`,
        `StoreReadOnlyError` or another `StoreError`, each naming the file and what to do. The
        caller holds the `WriterLock`.
        """
        session = await Session.open(path, retention or Retention())
        store = cls(session)
        try:
            rows = await session.fetch("SELECT name, id FROM source")
            store._sources = dict(rows)
            if await session.get(adjusted.SINCE) is None:
                used = await session.fetch("SELECT 1 FROM series LIMIT 1")
                async with session.transaction():
                    await session.put(adjusted.SINCE, 0.0 if used else float(now))
            if session.floors_at(now) != session.floors:
                async with session.transaction():
                    await session.raise_floors(now)
                    await session.bump()
        except BaseException:
            await session.close()
            raise
        return store

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close, folding the WAL into the file. May be called twice."""
        await self._session.close()

    @property
    def path(self) -> Path:
        return self._session.path

    @property
    def revision(self) -> int:
        """Grows with every change of usage, gaps or alerts."""
        return self._session.revision

    # Sources

    async def register(self, name: str, kind: str, gateway: str, role: str = "count") -> None:
        """Make a source known, or bring what is known of it up to date.

        Usage of a source whose role is `reconcile` is stored and left out of every total; a
        changed role holds for its history too.
        """
        async with self._session.transaction() as db:
            before = list(
                await db.execute_fetchall("SELECT role FROM source WHERE name = ?", (name,))
            )
            rows = await db.execute_fetchall(
                "INSERT INTO source (name, kind, gateway, role) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, "
                "gateway = excluded.gateway, role = excluded.role RETURNING id",
                (name, kind, gateway, role),
            )
            identity = int(next(iter(rows))[0])
            if before and before[0][0] != role:
                await adjusted.turned(db, identity, reconcile=role == "reconcile")
                await self._session.bump()
        self._sources[name] = identity

    def _id(self, source: str) -> int:
        try:
            return self._sources[source]
        except KeyError:
            raise StoreError(f"source {source!r} is not registered in {self.path}") from None

    async def checkpoint(self, source: str) -> dict[str, str]:
        """part → state, as the last stored batch left it."""
        rows = await self._session.fetch(
            "SELECT part, state FROM checkpoint WHERE source = ?", (self._id(source),)
        )
        return {unpack(part): unpack(state) for part, state in rows}

    # Usage

    async def append(
        self,
        source: str,
        records: Sequence[UsageRecord] = (),
        charges: Sequence[Priced] = (),
        *,
        checkpoint: Mapping[str, str | None] | None = None,
        skipped: Sequence[SkippedLine] = (),
        skipped_count: int = 0,
        resets: int = 0,
        newest_ns: int = 0,
        unread: Sequence[tuple[float, float]] | None = None,
        now: float,
    ) -> int:
        """Store a batch whole, with the checkpoint that covers it, or nothing of it.

        `charges` has one charge for each record (ValueError otherwise). `checkpoint` holds the
        changed parts; None removes one. `unread` replaces the gaps of this source. `now`, epoch
        seconds, decides what retention keeps. Returns how many records were refused because a
        sum would not have fitted; they count as skipped.
        """
        identity = self._id(source)
        if not (records or charges or checkpoint or skipped or skipped_count or resets) and (
            unread is None
        ):
            return 0
        return await self._appender.append(
            identity,
            records,
            charges,
            checkpoint=checkpoint or {},
            skipped=skipped,
            skipped_count=skipped_count,
            resets=resets,
            newest_ns=newest_ns,
            unread=unread,
            now=now,
        )

    async def prune(self, now: float) -> int:
        """Remove what retention no longer keeps, in slices that let other writes in between.

        Returns the number of rows removed.
        """
        try:
            return await prune(self._session, now)
        finally:
            self._told_changed()

    def reprice(
        self,
        charge: Callable[[UsageRecord, CostPolicy], Charge],
        policies: Mapping[str, CostPolicy],
        fingerprint: str,
        now: float,
        *,
        charge_at: ChargeAt | None = None,
    ) -> AsyncIterator[Repriced]:
        """Bring stored usage to today's prices, newest day first, a transaction each.

        Yields after every day; does nothing when the store already has `fingerprint`. May be
        abandoned at any point: the next call goes on where it stopped. `charge_at(record,
        policy, tier)` prices sums of requests whose tier is known and whose rows are gone.
        """
        return reprice(
            self._session, self._appender, charge, policies, fingerprint, now, charge_at=charge_at
        )

    # Status

    async def set_status(self, status: SourceStatus) -> None:
        """Store how a source is doing; no new revision.

        What `append` and `add_gap` count (records, skipped, resets, gaps) is not taken from
        `status`, and `last_data` never goes back.
        """
        async with self._session.transaction() as db:
            await db.execute(
                "UPDATE source SET last_attempt = ?, last_ok = ?, "
                "last_data = max(last_data, ?), next_poll = ?, interval = ?, lag_s = ?, "
                "error = ?, failures = ?, overruns = ?, backfill_done = ?, backfill_total = ?, "
                "note = ? WHERE id = ?",
                (
                    status.last_attempt,
                    status.last_ok,
                    status.last_data,
                    status.next_poll,
                    status.interval,
                    status.lag_s,
                    clean(status.error)[:_NOTE_LIMIT],
                    status.failures,
                    status.overruns,
                    status.backfill_done,
                    status.backfill_total,
                    clean(status.note)[:_NOTE_LIMIT],
                    self._id(status.name),
                ),
            )

    async def statuses(self) -> tuple[SourceStatus, ...]:
        """Every source, by name."""
        return tuple(map(status_from_row, await self._session.fetch(STATUS_SQL)))

    async def heartbeat(self, now: float) -> None:
        """Say that the collector lives; no new revision."""
        async with self._session.transaction():
            await self._session.put("heartbeat", float(now))

    async def add_gap(self, source: str, start: float, end: float) -> None:
        """A stretch without data. One that touches a known gap of the source makes it longer."""
        identity = self._id(source)
        async with self._session.transaction() as db:
            touching = list(
                await db.execute_fetchall(
                    "SELECT start, end FROM gap WHERE source = ? AND start <= ? AND end >= ?",
                    (identity, end, start),
                )
            )
            if touching:
                start = min(start, *(row[0] for row in touching))
                end = max(end, *(row[1] for row in touching))
                await db.execute(
                    "DELETE FROM gap WHERE source = ? AND start <= ? AND end >= ?",
                    (identity, end, start),
                )
            await db.execute("INSERT INTO gap VALUES (?, ?, ?)", (identity, start, end))
            await db.execute(
                "UPDATE source SET gaps = gaps + ? WHERE id = ?",
                (1 - len(touching), identity),
            )
            await self._session.bump()

    async def silences(self) -> tuple[Silence, ...]:
        """Every silence, ended ones too."""
        return tuple(map(silence_from_row, await self._session.fetch(SILENCE_SQL)))

    async def acks(self) -> tuple[Ack, ...]:
        """Every acknowledgement."""
        return tuple(map(ack_from_row, await self._session.fetch(ACK_SQL)))
