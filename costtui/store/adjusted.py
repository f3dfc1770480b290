"""What keeps the counters of `/metrics` from going back (docs/decisions/057-listener.md).

The sums of a store follow today's prices and its retention, so they can fall. A counter cannot: who
reads it takes a fall for a restart and counts all of it again. So whatever takes sums away notes
in `adjusted` what it took, in its own transaction, and days + `adjusted` is what was ever counted.
An append writes nothing here. Only series of sources that count are noted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from costtui.store.levels import COLUMNS, TABLE_OF_STEP, WIDTH

if TYPE_CHECKING:
    import aiosqlite  # readers need what is here too, and do not pay for the import

    from costtui.store.session import Row

SINCE: Final = "counting_since"
"""Key of `meta`: when the store was made, epoch seconds; 0 where it is older than this table."""

_DAYS: Final = TABLE_OF_STEP[86_400]
_ADD: Final = "ON CONFLICT (series) DO UPDATE SET " + ", ".join(
    f"{c} = {c} + excluded.{c}" for c in COLUMNS
)
_COUNTING: Final = (
    "(SELECT series.id FROM series JOIN source ON source.id = series.source "
    "WHERE source.role <> 'reconcile')"
)
_GIVEN: Final = (
    f"INSERT INTO adjusted SELECT ?1, {', '.join(f'?{n + 2}' for n in range(WIDTH))} "
    "WHERE EXISTS (SELECT 1 FROM series JOIN source ON source.id = series.source "
    f"WHERE series.id = ?1 AND source.role <> 'reconcile') {_ADD}"
)
_SUMS: Final = ", ".join(f"{{sign}}sum({c})" for c in COLUMNS)
_PRUNED: Final = (
    f"INSERT INTO adjusted SELECT series, {_SUMS.format(sign='')} FROM {_DAYS} "
    f"WHERE t <= ? AND t < ? AND series IN {_COUNTING} GROUP BY series {_ADD}"
)
_TURNED: Final = (
    "INSERT INTO adjusted SELECT series, {sums} FROM " + _DAYS + " WHERE series IN "
    f"(SELECT id FROM series WHERE source = ?) GROUP BY series {_ADD}"
)

ADJUSTED_SQL: Final = f"SELECT series, {', '.join(COLUMNS)} FROM adjusted"


async def moved(db: aiosqlite.Connection, rows: Iterable[Row]) -> None:
    """Re-pricing is about to add `rows` (day, series, differences) to the days."""
    sums: dict[int, list[int]] = {}
    for _, series, *values in rows:
        own = sums.setdefault(series, [0] * WIDTH)
        for at, value in enumerate(values):
            own[at] -= value
    await db.executemany(_GIVEN, [(series, *own) for series, own in sums.items() if any(own)])


async def pruned(db: aiosqlite.Connection, last: int, floor: int) -> None:
    """Days up to `last` and below `floor` are about to be removed."""
    await db.execute(_PRUNED, (last, floor))


async def turned(db: aiosqlite.Connection, source: int, *, reconcile: bool) -> None:
    """A source was counted and is only compared from now on, or the other way round."""
    sign = "" if reconcile else "-"
    await db.execute(_TURNED.format(sums=_SUMS.format(sign=sign)), (source,))
