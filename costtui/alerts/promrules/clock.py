"""The wall clock of a time zone, which PromQL has not: `time()` and the changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from costtui.alerts.promrules.text import Rule, indented
from costtui.model.timewindow import DAY

CLOCK: Final = "costtui:clock:seconds"
"""What is recorded: seconds since 1970 that the clock on the wall says."""
YEARS: Final = 6
"""For which changes of the clock are written out."""


def clock_rule(zone: tzinfo, now: float) -> Rule:
    """Records `CLOCK`."""
    base, changes = offsets(zone, now)
    text = "time()" + (f" {'+' if base > 0 else '-'} {abs(base)}" if base else "")
    for at, by in changes:
        text += f"\n{'+' if by > 0 else '-'} {abs(by)} * (time() >= bool {at})"
    expr = f"vector(\n{indented(text, 2)}\n)" if changes else f"vector({text})"
    return Rule(CLOCK, expr, comment=("Seconds of the wall clock.",))


def offsets(zone: tzinfo, now: float) -> tuple[int, list[tuple[int, int]]]:
    """(seconds that the wall clock is ahead of UTC 60 days ago, [(when it changes, by how much)])
    until `YEARS` from now."""

    def ahead(moment: int) -> int:
        delta = datetime.fromtimestamp(moment, UTC).astimezone(zone).utcoffset() or timedelta()
        return int(delta.total_seconds())

    at = int(now) // DAY * DAY - 60 * DAY
    base = before = ahead(at)
    changes = []
    for day in range(at, at + YEARS * 366 * DAY, DAY):
        after = ahead(day + DAY)
        if after != before:
            low, high = day, day + DAY
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if ahead(middle) == before else (low, middle)
            changes.append((high, after - before))
            before = after
    return base, changes
