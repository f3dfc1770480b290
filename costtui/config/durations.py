"""Durations as people write them: `15s`, `5m`, `24h`, `30d`, `1w`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""Seconds of each unit."""

LONGEST: Final = 36500 * 86400
"""Seconds; a hundred years, so that no sum with a timestamp leaves 64 bits."""

_WRITTEN: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s?([smhdw])?", re.ASCII)


def parse_duration(text: str, *, plain: bool = False) -> Decimal:
    """`text` → seconds. `plain` also takes a number without a unit, in seconds.

    Raises ValueError with a message for the user.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError("is not a duration: write a number and s, m, h, d or w, for example 24h")
    number, unit = found.groups()
    if unit is None and not plain:
        raise ValueError(f"has no unit: write {number}s, {number}m, {number}h, {number}d …")
    seconds = Decimal(number) * UNITS[unit or "s"]
    if seconds > LONGEST:
        raise ValueError("is too long: the most is 36500d")
    return seconds


def duration_text(seconds: float) -> str:
    """Seconds → the shortest spelling with one unit that is exact: 86400 → `1d`."""
    if seconds and seconds == int(seconds):
        for unit in ("d", "h", "m"):
            if not int(seconds) % UNITS[unit]:
                return f"{int(seconds) // UNITS[unit]}{unit}"
    return f"{Decimal(repr(seconds)).normalize():f}s"
