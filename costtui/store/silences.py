"""Silences and acknowledgements: a viewer's own small writes, each one short transaction.

Viewers write here while a collector writes usage; SQLite lets one wait for the other (five seconds
at most, then `StoreBusyError`). Nothing here moves the fence between two collectors. Each write is
a new revision, so that every viewer shows it and the collector looks at it at its next evaluation.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from costtui.errors import StoreError
from costtui.model.alert import Ack, Labels, Matcher, Silence
from costtui.store.connection import BUSY_MS, inspect, store_errors
from costtui.store.migrate import newest
from costtui.store.series import clean

ENDED_KEPT_S: Final = 30 * 86400
"""Ended silences are kept so long, to be looked at."""
SILENCE_SQL: Final = "SELECT id, matchers, starts, ends, reason, author FROM silence ORDER BY id"
ACK_SQL: Final = "SELECT rule, labels, episode, at, author, reason FROM ack ORDER BY at, episode"
_TEXT_LIMIT: Final = 1000


def silence_from_row(row: tuple[Any, ...]) -> Silence:
    identity, matchers, starts, ends, reason, author = row
    found = tuple(Matcher(*map(str, one)) for one in json.loads(matchers))
    return Silence(identity, found, starts, ends, reason, author)


def ack_from_row(row: tuple[Any, ...]) -> Ack:
    rule, labels, episode, at, author, reason = row
    pairs = tuple((str(name), str(value)) for name, value in json.loads(labels))
    return Ack(rule, pairs, episode, at, author, reason)


def all_silences(connection: sqlite3.Connection) -> tuple[Silence, ...]:
    """Every silence, ended ones too, by id."""
    return tuple(map(silence_from_row, connection.execute(SILENCE_SQL)))


def all_acks(connection: sqlite3.Connection) -> tuple[Ack, ...]:
    """Every acknowledgement, oldest first."""
    return tuple(map(ack_from_row, connection.execute(ACK_SQL)))


def silence(path: Path, wanted: Silence) -> int:
    """Store a silence; its `id` is ignored. Returns the new one's. Raises ValueError for one
    without a matcher (it would mute everything) or that ends before it starts."""
    if not wanted.matchers:
        raise ValueError("a silence needs a matcher")
    if wanted.ends <= wanted.starts:
        raise ValueError("a silence must end after it starts")
    with _writing(path) as db:
        cursor = db.execute(
            "INSERT INTO silence (matchers, starts, ends, reason, author) VALUES (?, ?, ?, ?, ?)",
            (
                json.dumps([list(matcher) for matcher in wanted.matchers]),
                float(wanted.starts), float(wanted.ends), _text(wanted.reason),
                _text(wanted.author),
            ),
        )  # fmt: skip
        return int(cursor.lastrowid or 0)


def end_silence(path: Path, identity: int, now: float) -> bool:
    """End a silence at `now`, epoch seconds. False where there is none that has not ended."""
    with _writing(path) as db:
        cursor = db.execute(
            "UPDATE silence SET ends = max(starts, ?1) WHERE id = ?2 AND ends > ?1",
            (float(now), identity),
        )
        return cursor.rowcount > 0


def acknowledge(path: Path, ack: Ack) -> None:
    """Somebody knows. A second one of the same episode takes the place of the first. Raises
    ValueError for an alert that does not fire (it has no episode)."""
    if not ack.episode:
        raise ValueError("only a firing alert can be acknowledged")
    with _writing(path) as db:
        db.execute(
            "INSERT OR REPLACE INTO ack (episode, rule, labels, at, author, reason) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                ack.episode, clean(ack.rule), labels_text(ack.labels), float(ack.at),
                _text(ack.author), _text(ack.reason),
            ),
        )  # fmt: skip


def unacknowledge(path: Path, episode: str) -> bool:
    """Take an acknowledgement back. False where there is none."""
    with _writing(path) as db:
        return db.execute("DELETE FROM ack WHERE episode = ?", (episode,)).rowcount > 0


def labels_text(labels: Labels) -> str:
    return json.dumps([list(pair) for pair in labels])


def _text(text: str) -> str:
    return clean(text)[:_TEXT_LIMIT]


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a store that is there. Raises a `StoreError`."""
    with store_errors(path):
        if not path.exists():
            raise StoreError(f"{path}: there is no store yet; start a collector")
        uri = "file:" + quote(str(path.absolute())) + "?mode=rw"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_MS / 1000)
        try:
            if inspect(path, db, newest()) != newest():
                raise StoreError(f"{path}: its schema is older: start a collector once")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                _bump(db)
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise
        finally:
            db.close()


def _bump(db: sqlite3.Connection) -> None:
    """As `Session.bump`, of no usage."""
    (revision,) = db.execute(
        "UPDATE meta SET value = value + 1 WHERE key = 'revision' RETURNING value"
    ).fetchone()
    db.execute("INSERT INTO touch (revision, low, high) VALUES (?, 0, 0)", (revision,))
