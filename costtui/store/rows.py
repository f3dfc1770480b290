"""Rows of the small tables ↔ values of `model`, the same for the writer and the readers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from costtui.model.charge import Exactness
from costtui.model.notifier import NotifierHealth
from costtui.model.snapshot import AlertStatus, Gap, SkippedLine, SourceStatus
from costtui.store.series import clean

_STATUS_FIELDS: Final = tuple(SourceStatus.__slots__)

STATUS_SQL: Final = f"SELECT {', '.join(_STATUS_FIELDS)} FROM source ORDER BY name"

_ALERT_FIELDS: Final = (
    'state, severity, value, "limit", {}, window, exactness, unit, active_at, fired_at, '
    "keep_since, resolved_at, episode, cause"
)
ALERT_COLUMNS: Final = "rule, labels, " + _ALERT_FIELDS.format("since")
"""In the order of `AlertStatus`."""
HISTORY_COLUMNS: Final = "rule, labels, " + _ALERT_FIELDS.format("at")
ALERT_SQL: Final = f"SELECT {ALERT_COLUMNS} FROM alert ORDER BY position"
ALERT_WIDTH: Final = len(ALERT_COLUMNS.split(","))

SKIPPED_SQL: Final = (
    "SELECT source.name, part, offset, line, reason, text, at FROM skipped "
    "JOIN source ON source.id = skipped.source"
)


def status_from_row(row: tuple[Any, ...]) -> SourceStatus:
    return SourceStatus(**dict(zip(_STATUS_FIELDS, row, strict=True)))


def skipped_from_row(row: tuple[Any, ...]) -> SkippedLine:
    return SkippedLine(*row)


def alert_from_row(row: tuple[Any, ...]) -> AlertStatus:
    rule, labels, state, severity, value, limit, since, window, right, *rest = row
    pairs = tuple((str(name), str(value)) for name, value in json.loads(labels))
    return AlertStatus(
        rule, pairs, state, severity, value, limit, since, window, Exactness(right), *rest
    )


def alert_to_row(alert: AlertStatus) -> tuple[Any, ...]:
    return (
        clean(alert.rule),
        json.dumps([list(pair) for pair in alert.labels]),
        alert.state,
        alert.severity,
        alert.value,
        alert.limit,
        float(alert.since),
        alert.window,
        int(alert.exactness),
        alert.unit,
        float(alert.active_at),
        float(alert.fired_at),
        float(alert.keep_since),
        float(alert.resolved_at),
        alert.id,
        clean(alert.cause),
    )


def all_statuses(connection: sqlite3.Connection) -> tuple[SourceStatus, ...]:
    return tuple(map(status_from_row, connection.execute(STATUS_SQL)))


def all_alerts(connection: sqlite3.Connection) -> tuple[AlertStatus, ...]:
    return tuple(map(alert_from_row, connection.execute(ALERT_SQL)))


def gaps_between(connection: sqlite3.Connection, start: float, end: float) -> tuple[Gap, ...]:
    """Stretches without data in `[start, end)`, epoch seconds; a source that fails now has one
    that is still open."""
    rows: Any = connection.execute(
        "SELECT source.name AS name, start, end FROM gap JOIN source ON source.id = gap.source "
        "WHERE start < ?1 AND end > ?2 UNION "
        "SELECT name, last_ok, ?1 FROM source WHERE failures > 0 AND last_ok > 0 AND last_ok < ?1 "
        "ORDER BY start, name",
        (end, start),
    )
    return tuple(Gap(*row) for row in rows)


HEALTH = "notifiers"
"""Key of `meta`: how each notifier was doing when the collector last said so."""
EVALUATED = "alerts_evaluated"
"""Key of `meta`: when the rules were last looked at."""


def health_to_text(notifiers: Iterable[NotifierHealth]) -> str:
    return json.dumps([one._asdict() for one in notifiers])


def all_health(connection: sqlite3.Connection) -> tuple[NotifierHealth, ...]:
    """How each notifier was doing when the collector last said so."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (HEALTH,)).fetchone()
    return health_from_text(row[0]) if row is not None else ()


def health_from_text(text: str) -> tuple[NotifierHealth, ...]:
    """What `put_health` wrote, also one of a later costtui."""
    known = NotifierHealth._fields
    return tuple(
        NotifierHealth(**{name: value for name, value in one.items() if name in known})
        for one in json.loads(text)
    )
