"""The roll-up levels: their steps, their columns, and which stretch of time each one holds.

A level's *floor* is the time from which it is complete. Floors are whole UTC days (a day is kept
or not kept, so re-pricing a day never meets half of one), they only rise, and they are stored:
after a retention was shortened and lengthened again, a level must not be trusted for the time
in which nothing was written to it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final, NamedTuple

from costtui.config.schema import Retention
from costtui.model.timewindow import DAY, HOUR, MINUTE, SIX_HOURS, TEN_MINUTES, floor_to

COLUMNS: Final = (
    "requests",
    "errors",
    "throttled",
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "effective",
    "list",
    "reported",
    "lower_bounds",
)
"""The columns of every level, in the order of `Totals`' first thirteen fields."""

WIDTH: Final = len(COLUMNS)
EFFECTIVE: Final = COLUMNS.index("effective")

FOR_EVER: Final = -(2**62)
"""The floor of a level that is never pruned; no usage is older."""


class Level(NamedTuple):
    table: str
    step: int
    floor: str
    """Whose retention it follows: a field of `Floors`."""


LEVELS: Final = (
    Level("minute", MINUTE, "minute"),
    Level("ten_minute", TEN_MINUTES, "minute"),
    Level("hour", HOUR, "hour"),
    Level("six_hour", SIX_HOURS, "hour"),
    Level("day", DAY, "day"),
)
"""Finest first; each step divides the next."""

TABLE_OF_STEP: Final[Mapping[int, str]] = {level.step: level.table for level in LEVELS}
STEP_OF_TABLE: Final[Mapping[str, int]] = {level.table: level.step for level in LEVELS}


class Floors(NamedTuple):
    """From which moment (epoch seconds, whole UTC days) each kind of row is complete."""

    requests: int = FOR_EVER
    minute: int = FOR_EVER
    hour: int = FOR_EVER
    day: int = FOR_EVER

    def of(self, level: Level) -> int:
        return int(getattr(self, level.floor))

    def finest_step(self, t: int) -> int:
        """The step of the finest level that holds `t`, or 0 where none does."""
        if t >= self.minute:
            return MINUTE
        if t >= self.hour:
            return HOUR
        return DAY if t >= self.day else 0

    def raised(self, other: Floors) -> Floors:
        """Both floors hold."""
        return Floors(*map(max, self, other))


def floors_at(retention: Retention, now: float) -> Floors:
    """What `retention` asks for at `now`.

    Rounded down to a UTC day, so up to a day more is kept than asked; 0 keeps nothing at all. A
    coarser level never ends before a finer one: it is what the finer one is rolled up into.
    """
    today = floor_to(int(now), DAY)

    def floor(kept: int | None) -> int:
        if kept is None:
            return FOR_EVER
        return floor_to(int(now) - kept, DAY) if kept > 0 else today + 2 * DAY

    day = floor(retention.day)
    hour = max(floor(retention.hour), day)
    minute = max(floor(retention.minute), hour)
    return Floors(max(floor(retention.requests), day), minute, hour, day)


def read_floors(meta: Mapping[str, object]) -> Floors:
    """The floors as `meta` holds them."""
    own = Floors()
    stored = (meta.get(f"floor.{name}", getattr(own, name)) for name in Floors._fields)
    return Floors(*(value if isinstance(value, int) else FOR_EVER for value in stored))


def oldest_usage(connection: sqlite3.Connection) -> int:
    """The oldest usage, epoch seconds, as finely as its day is kept; 0 for none."""
    day = connection.execute("SELECT min(t) FROM day").fetchone()[0]
    if day is None:
        return 0
    for level in LEVELS:
        (first,) = connection.execute(
            f"SELECT min(t) FROM {level.table} WHERE t >= ? AND t < ?", (day, day + DAY)
        ).fetchone()
        if first is not None:
            return int(first)
    return int(day)
