"""Retention: what is older than a floor goes, a slice at a time.

The floor rises first and alone, so from that moment no reader looks below it; the rows then go in
transactions of some 20,000, between which appends get their turn.
"""

from __future__ import annotations

import asyncio
from typing import Final

from costtui.model.timewindow import DAY
from costtui.store import adjusted, outbox
from costtui.store.history import CAP_SQL, HISTORY_KEPT, PRUNE_SQL
from costtui.store.levels import LEVELS, TABLE_OF_STEP
from costtui.store.prepare import SEQUENCE_BITS
from costtui.store.session import Session
from costtui.store.silences import ENDED_KEPT_S

SLICE_ROWS: Final = 20_000
"""Rows of one transaction: 20–60 ms."""


async def prune(session: Session, now: float) -> int:
    """Remove what is below the floors. Returns the number of rows removed."""
    if session.floors_at(now) != session.floors:
        async with session.transaction():
            await session.raise_floors(now)
            await session.bump()
    floors = session.floors
    removed = await _below(session, "request", "id", (floors.requests * 1000) << SEQUENCE_BITS)
    for level in LEVELS:
        removed += await _below(session, level.table, "t", floors.of(level))
    async with session.transaction() as db:
        oldest = float(max(floors.hour, -(2**53)))
        await db.execute("DELETE FROM gap WHERE end < ?", (oldest,))
        for sql, bound in ((PRUNE_SQL, oldest), (CAP_SQL, HISTORY_KEPT)):
            cursor = await db.execute(sql, (bound,))
            removed += cursor.rowcount
        removed += await outbox.prune(db, now)
        await db.execute("DELETE FROM silence WHERE ends < ?", (now - ENDED_KEPT_S,))
        await db.execute(
            "DELETE FROM ack WHERE at < ? AND episode NOT IN (SELECT episode FROM alert)",
            (now - DAY,),
        )
    return removed


async def _below(session: Session, table: str, key: str, floor: int) -> int:
    floor = max(floor, -(2**62))
    removed = 0
    while True:
        rows = await session.fetch(
            f"SELECT {key} FROM {table} WHERE {key} < ? ORDER BY {key} LIMIT 1", (floor,)
        )
        if not rows:
            return removed
        cut = await session.fetch(
            f"SELECT {key} FROM {table} WHERE {key} < ? ORDER BY {key} LIMIT 1 OFFSET {SLICE_ROWS}",
            (floor,),
        )
        last = cut[0][0] if cut else floor
        async with session.transaction() as db:
            if table == TABLE_OF_STEP[DAY]:
                await adjusted.pruned(db, last, floor)
                # Who sums days whatever the floor says must not remember these.
                await session.bump(rows[0][0], min(last, floor) + DAY)
            cursor = await db.execute(
                f"DELETE FROM {table} WHERE {key} <= ? AND {key} < ?", (last, floor)
            )
            removed += cursor.rowcount
        await asyncio.sleep(0)
