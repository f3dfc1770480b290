"""Events on their way to notifiers: at least once, in order, over crashes and restarts.

A parcel is written in the transaction that stores the state it tells of (`Store.put_alerts`) and
goes when it is delivered. Between the two it survives everything that the store survives. What was
delivered in the instant before a crash is delivered again: an event's `id` is the same then.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

import aiosqlite

from costtui.model.alert import AlertEvent, Parcel
from costtui.model.charge import Exactness
from costtui.model.notifier import NotifierHealth
from costtui.store.rows import HEALTH, health_from_text, health_to_text
from costtui.store.series import clean
from costtui.store.session import Session

KEPT_S: Final = 3 * 86400
"""An event that could not be delivered for so long is news to nobody."""
MOST_KEPT: Final = 50_000
"""Parcels that wait at most; the oldest go. A notifier that is down for days fills no disk."""
_ERROR_LIMIT: Final = 500


class Told(NamedTuple):
    """What one notifier was told last of one firing episode."""

    state: str
    at: float
    waiting: bool
    """Some of it is not delivered yet."""


Letter = tuple[str, AlertEvent]
"""(notifier, event), to be sent."""

TOLD_SQL: Final = (
    "SELECT episode, notifier, state, at, EXISTS (SELECT 1 FROM outbox WHERE "
    "outbox.episode = told.episode AND outbox.notifier = told.notifier) FROM told"
)
_DUE_SQL: Final = (
    "SELECT key, notifier, event, attempts, created FROM outbox WHERE due <= ?1 "
    "AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.episode = outbox.episode "
    "AND earlier.notifier = outbox.notifier AND earlier.key < outbox.key AND earlier.due > ?1) "
    "ORDER BY key LIMIT ?2"
)
"""An end is not told before the beginning that is still being retried."""


def event_to_text(event: AlertEvent) -> str:
    return json.dumps(event._asdict())


def event_from_text(text: str) -> AlertEvent:
    """Fields of a later costtui are ignored, those of an earlier one have their defaults."""
    fields: dict[str, Any] = {k: v for k, v in json.loads(text).items() if k in AlertEvent._fields}
    for name in ("labels", "extra"):
        fields[name] = tuple((str(k), str(v)) for k, v in fields.get(name, ()))
    if fields.get("notify") is not None:
        fields["notify"] = tuple(fields["notify"])
    fields["exactness"] = Exactness(fields.get("exactness", 0))
    return AlertEvent(**fields)


async def post(
    db: aiosqlite.Connection,
    letters: Sequence[Letter],
    episodes: Collection[str],
    now: float,
    gone: Iterable[str] | None = None,
) -> None:
    """Inside of `write`: what is to be sent, and what is told then. What was told of episodes that
    are not among `episodes` any more is forgotten; `gone` are they, where that is known."""
    await db.executemany(
        "INSERT INTO outbox (notifier, episode, event, created, due) VALUES (?, ?, ?, ?, ?)",
        # Made where it is bound: JSON of ten thousand events would hold the event loop up.
        ((to, event.id, event_to_text(event), now, now) for to, event in letters),
    )
    await db.executemany(
        "INSERT OR REPLACE INTO told (episode, notifier, state, at) VALUES (?, ?, ?, ?)",
        [(event.id, to, event.state, now) for to, event in letters if event.id in episodes],
    )
    if gone is not None:
        await db.executemany("DELETE FROM told WHERE episode = ?", [(one,) for one in gone])
        return
    await db.execute(
        "DELETE FROM told WHERE episode NOT IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(episodes)),),
    )


class Outbox:
    """What a `Store` offers to whoever delivers."""

    _session: Session
    _told: dict[tuple[str, str], Told] | None = None
    _told_version = 0

    def _listen(self) -> None:
        """Forget with the session what a transaction that failed may have left wrong."""
        self._session.on_rollback.append(self._told_changed)

    def _told_changed(self) -> None:
        self._told = None
        self._told_version += 1

    async def told(self) -> dict[tuple[str, str], Told]:
        """(episode, notifier) → what it was told last. Not to be changed; read once until somebody
        is told, or something is delivered."""
        version, found = self._told_version, self._told
        if found is None:
            rows = await self._session.fetch(TOLD_SQL)
            found = await asyncio.to_thread(_told, rows)
            if version == self._told_version:
                self._told = found
        return found

    async def due(self, now: float, limit: int = 100) -> list[Parcel]:
        """Parcels that may be tried at `now`, epoch seconds, the oldest first. Of one episode and
        notifier they come in the order in which they happened."""
        return [
            Parcel(key, notifier, event_from_text(event), attempts, created)
            for key, notifier, event, attempts, created in await self._session.fetch(
                _DUE_SQL, (now, limit)
            )
        ]

    async def delivered(self, keys: Sequence[int]) -> None:
        """They have arrived. Keys that are not there are fine."""
        async with self._session.transaction() as db:
            await db.executemany("DELETE FROM outbox WHERE key = ?", [(key,) for key in keys])
        self._told_changed()

    async def failed(self, keys: Sequence[int], error: str, retry_at: float) -> None:
        """They did not arrive; try again at `retry_at`, epoch seconds."""
        text = clean(error)[:_ERROR_LIMIT]
        async with self._session.transaction() as db:
            await db.executemany(
                "UPDATE outbox SET attempts = attempts + 1, error = ?, due = ? WHERE key = ?",
                [(text, float(retry_at), key) for key in keys],
            )

    async def put_health(self, notifiers: Sequence[NotifierHealth]) -> None:
        """How the notifiers are doing, for whoever shows it; no new revision."""
        async with self._session.transaction():
            await self._session.put(HEALTH, health_to_text(notifiers))

    async def notifiers(self) -> tuple[NotifierHealth, ...]:
        """How they were doing when a collector last said so."""
        text = await self._session.get(HEALTH)
        return health_from_text(str(text)) if text else ()


def _told(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str], Told]:
    return {
        (episode, notifier): Told(state, at, bool(waiting))
        for episode, notifier, state, at, waiting in rows
    }


async def prune(db: aiosqlite.Connection, now: float) -> int:
    """Inside of `write`: drop what nobody needs to hear any more. Returns the rows removed."""
    removed = 0
    for sql, values in (
        ("DELETE FROM outbox WHERE created < ?", (now - KEPT_S,)),
        (
            "DELETE FROM outbox WHERE key <= "
            "(SELECT key FROM outbox ORDER BY key DESC LIMIT 1 OFFSET ?)",
            (MOST_KEPT,),
        ),
    ):
        cursor = await db.execute(sql, values)
        removed += cursor.rowcount
    return removed
