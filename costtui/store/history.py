"""What alerts were: one row for each change of an instance's state, and the state at any moment.

Rows are written in the transaction that stores the new states, so a crash leaves both or neither.
Which rows are due follows from the states before and after alone: the same change told twice is
one row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final

from costtui.model.snapshot import AlertChange, AlertStatus
from costtui.store.rows import (
    ALERT_WIDTH,
    HISTORY_COLUMNS,
    alert_from_row,
    alert_to_row,
)

REMOVED: Final = "removed"
"""The rule has left the configuration: from here on it has no state."""
HISTORY_LIMIT: Final = 500
"""Changes of one answer."""
HISTORY_KEPT: Final = 100_000
"""Changes that are kept at most: an alert that flaps every five seconds for ever fills no disk."""

INSERT_SQL: Final = (
    f"INSERT OR REPLACE INTO alert_history ({HISTORY_COLUMNS}) "
    f"VALUES ({', '.join('?' * ALERT_WIDTH)})"
)
"""Of one state told twice for one moment the later telling stays, and stands last."""

KNOWN_SQL: Final = (
    "SELECT state FROM alert_history WHERE rule = ? ORDER BY at DESC, id DESC LIMIT 1"
)

_COLUMNS: Final = HISTORY_COLUMNS
_AT_SQL: Final = f"""
SELECT {_COLUMNS} FROM alert_history WHERE id IN (
    SELECT (
        SELECT id FROM alert_history AS one
        WHERE one.rule = every.rule AND one.labels = every.labels AND one.at <= ?
        ORDER BY one.at DESC, one.id DESC LIMIT 1
    ) FROM (SELECT DISTINCT rule, labels FROM alert_history) AS every
) ORDER BY at, id
"""

_LASTING: Final = """
SELECT id FROM (
    SELECT id, state,
        row_number() OVER (PARTITION BY rule, labels ORDER BY at DESC, id DESC) AS of_instance,
        row_number() OVER (PARTITION BY rule ORDER BY at DESC, id DESC) AS of_rule
    FROM alert_history WHERE at <= {until}
) WHERE of_rule = 1 OR (of_instance = 1 AND state NOT IN ('inactive', 'removed'))
"""
PRUNE_SQL: Final = (
    f"DELETE FROM alert_history WHERE at < ?1 AND id NOT IN ({_LASTING.format(until='?1')})"
)
"""What is below the floor `?1` goes, except the last state of each instance before the floor, and
of a rule without one its last `inactive`: views above the floor begin with these."""
CAP_SQL: Final = (
    "DELETE FROM alert_history WHERE (at, id) <= "
    "(SELECT at, id FROM alert_history ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?1) "
    f"AND id NOT IN ({_LASTING.format(until='1e300')})"
)
"""What is more than the newest `?1` goes, with the same exception. (Asking of each row whether a
later one exists took 44 s for 100,000 rows; ranking all of them once takes 0.2.)"""

Change = tuple[Any, ...]


def changes(
    before: Sequence[AlertStatus],
    after: Sequence[AlertStatus],
    known: Mapping[str, str],
    now: float,
    rules: Set[str] | None = None,
) -> list[Change]:
    """The rows that are due when `after` takes the place of `before`. `known` has the last state
    of each rule that has any; `now`, epoch seconds, dates what has no moment of its own. What is
    the very same in both may be left out of both; then `rules` are all there are after.

    Of a rule without anything to tell the engine has one `inactive` status, of the label set that
    is nearest to the limit. That set changes all the time and is no news: `inactive` makes a row
    where an instance was something else before, or where the rule is new.
    """
    old = {(a.rule, a.labels): a for a in before}
    rows: list[Change] = []
    if rules is None:
        rules = {a.rule for a in after}
    told = {rule for rule, state in known.items() if state != REMOVED}
    for status in after:
        was = old.get((status.rule, status.labels))
        if was is not None and _same(was, status) and status.rule in told:
            if (
                was.cause != status.cause
            ):  # found later: it stands in the place of the first telling
                rows.append(_row(status, status.state, status.since))
            continue
        quiet = status.state == "inactive" and (was is None or was.state == "inactive")
        if quiet and status.rule in told:
            continue
        told.add(status.rule)
        moved = was is None or was.state != status.state
        rows.append(_row(status, status.state, status.since if moved else now))
    present = {(a.rule, a.labels) for a in after}
    for status in before:
        if status.rule not in rules:
            rows.append(_row(status, REMOVED, now))
        elif (status.rule, status.labels) not in present and status.state != "inactive":
            rows.append(_row(status, "inactive", now))
    return rows


def _same(one: AlertStatus, other: AlertStatus) -> bool:
    return (one.state, one.severity, one.limit, one.window) == (
        other.state, other.severity, other.limit, other.window,
    )  # fmt: skip


def _row(status: AlertStatus, state: str, at: float) -> Change:
    rule, labels, _, severity, value, limit, _, *rest = alert_to_row(status)
    return rule, labels, state, severity, value, limit, float(at), *rest


def states_at(connection: sqlite3.Connection, moment: float) -> tuple[AlertStatus, ...]:
    """The state of every instance at `moment`: its last change at or before then. What it had
    spent is what it had when it changed. A rule without an active instance has one status."""
    found = [alert_from_row(row) for row in connection.execute(_AT_SQL, (moment,))]
    last = {status.rule: status for status in found}
    active = {s.rule for s in found if s.state not in ("inactive", REMOVED)}
    return tuple(
        status
        for status in found
        if last[status.rule].state != REMOVED
        and (status.state not in ("inactive", REMOVED) if status.rule in active
             else status is last[status.rule])
    )  # fmt: skip


def between(
    connection: sqlite3.Connection,
    start: float,
    end: float,
    rule: str | None,
    labels: Iterable[tuple[str, str]] | None,
    limit: int,
) -> tuple[AlertChange, ...]:
    """The newest `limit` changes in `[start, end)`, newest first."""
    where = "at >= ? AND at < ?"
    values: list[Any] = [start, end]
    if rule is not None:
        where += " AND rule = ?"
        values.append(rule)
    if labels is not None:
        where += " AND labels = ?"
        values.append(json.dumps([list(pair) for pair in labels]))
    rows = connection.execute(
        f"SELECT {_COLUMNS}, id FROM alert_history WHERE {where} ORDER BY at DESC, id DESC LIMIT ?",
        (*values, limit),
    )
    return tuple(AlertChange(row[-1], row[6], alert_from_row(row[:-1])) for row in rows)
