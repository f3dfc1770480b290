"""Usage that no store could hold: refused record by record, so that the rest of a batch goes on.

A proxy that writes a million dollars a line fills a 64-bit sum. SQLite then refuses the whole
batch, the source reads it again and is refused again, for ever: nobody's usage would be counted
any more. Saturating was rejected, as a total that is wrong without saying so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import aiosqlite

from costtui.model.money import decimal_text
from costtui.model.requests import Priced, Requests
from costtui.model.snapshot import SkippedLine
from costtui.model.usage import UsageRecord
from costtui.store.levels import COLUMNS, Floors
from costtui.store.prepare import prepare
from costtui.store.series import SourceSeries

CELL: Final = 2**53
"""What a day of one series may hold: nine million USD, nine quadrillion tokens. A thousand such
days can be summed in 64 bits, which the reader does in SQL."""

SUSPECT: Final = 10**12
"""A day that gets less from one batch is not looked at (a thousand USD)."""

_DATATYPE: Final = 3091
"""SQLITE_CONSTRAINT_DATATYPE, which Python's module has no name for."""

DESCRIBED: Final = 5
"""Refused records of a batch that are described; all are counted."""

Row = tuple[int, ...]


class Kept(NamedTuple):
    """A batch without what was refused."""

    records: Sequence[UsageRecord]
    charges: Sequence[Priced]
    refused: int
    examples: list[SkippedLine]


def overflowed(error: BaseException) -> bool:
    """Did a sum or a quantity not fit 64 bits?"""
    while error.__cause__ is not None:
        error = error.__cause__
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, OverflowError) or code == _DATATYPE


async def full_days(
    db: aiosqlite.Connection, days: Sequence[Row], least: int
) -> dict[tuple[int, int], list[int]]:
    """(t, series) → what each column still takes, of the days that `days`, rows to be added,
    would fill beyond `CELL`. Of the others nothing is said."""
    sql = f"SELECT {', '.join(COLUMNS)} FROM day WHERE t = ? AND series = ?"
    room: dict[tuple[int, int], list[int]] = {}
    for t, sid, *added in days:
        if max(added) > least:
            stored = next(iter(await db.execute_fetchall(sql, (t, sid))), (0,) * len(added))
            left = [CELL - value for value in stored]
            if any(a and a > r for a, r in zip(added, left, strict=True)):
                room[t, sid] = left
    return room


def fitting(
    records: Sequence[UsageRecord],
    charges: Sequence[Priced],
    series: SourceSeries,
    floors: Floors,
    room: dict[tuple[int, int], list[int]],
    now: float,
) -> Kept:
    """The records that fit into `room`, first come, first served (20 µs a record)."""
    fits: list[int] = []
    examples: list[SkippedLine] = []
    parts: dict[str, int] = {}
    for at, (record, charge) in enumerate(zip(records, charges, strict=True)):
        days = prepare([record], [charge], series, floors, parts, {}).levels["day"]
        cells = [(room[t, sid], own) for t, sid, *own in days if (t, sid) in room]
        if any(a and a > r for left, own in cells for a, r in zip(own, left, strict=True)):
            if len(examples) < DESCRIBED:
                examples.append(_described(record, charge, now))
            continue
        for left, own in cells:
            left[:] = [r - a for a, r in zip(own, left, strict=True)]
        fits.append(at)
    return Kept(
        Requests([records.rows[at] for at in fits])
        if isinstance(records, Requests)
        else [records[at] for at in fits],
        [charges[at] for at in fits],
        len(records) - len(fits),
        examples,
    )


def _described(record: UsageRecord, charge: Priced, now: float) -> SkippedLine:
    names = " ".join(name for name in record.dims[:3] if name)
    tokens = sum(record[6:11])
    money = decimal_text(charge[0])
    text = f"{names}: {record.requests} requests, {tokens} tokens, ${money}"
    reason = "its day would have a sum too large to be true"
    return SkippedLine("", record.part, record.offset, 0, reason, text, now)
