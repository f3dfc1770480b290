"""Numbered, append-only schema steps: `migrations/NNNN_name.sql`, each in one transaction."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from costtui.store.connection import APPLICATION_ID

if TYPE_CHECKING:
    import aiosqlite  # a viewer needs the schema too and does not pay for the import

_NAME = re.compile(r"(\d{4})_\w+\.sql")


@cache
def migrations() -> tuple[tuple[int, str], ...]:
    """(number, SQL) of every step, in order."""
    found = []
    for entry in files("costtui.store").joinpath("migrations").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append((int(match.group(1)), entry.read_text(encoding="utf-8")))
    return tuple(sorted(found))


def newest() -> int:
    """The schema that this costtui writes."""
    return migrations()[-1][0]


async def migrate(db: aiosqlite.Connection) -> None:
    """Bring a store that `inspect` has let pass to the newest schema. Raises `sqlite3.Error`."""
    rows = list(await db.execute_fetchall("PRAGMA user_version"))
    version = int(rows[0][0])
    for number, sql in migrations():
        if number <= version:
            continue
        # `executescript` is the one call that runs several statements; it starts by committing,
        # so the transaction is part of the script.
        await db.executescript(
            f"BEGIN IMMEDIATE;\n{sql}\n"
            f"PRAGMA application_id={APPLICATION_ID};\nPRAGMA user_version={number};\nCOMMIT;"
        )
