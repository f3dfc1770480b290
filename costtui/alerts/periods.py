"""The period of a budget at a moment, by the wall clock of a time zone."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from costtui.config.alert_schema import BudgetConfig
from costtui.model.timewindow import (
    ceil_minute,
    start_of_day,
    start_of_month,
    start_of_next_month,
    start_of_week,
)


class Period(NamedTuple):
    """Epoch seconds. A day is 23 or 25 hours where the clocks change, and a month is as long as it
    is."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        return self.end - self.start


def period_of(budget: BudgetConfig, now: float, zone: tzinfo) -> Period:
    """The period that holds `now`; a rolling one ends with the minute that is running."""
    if budget.seconds:
        end = ceil_minute(now)
        return Period(end - budget.seconds, end)
    match budget.period:
        case "day":
            start = start_of_day(now, zone)
            return Period(start, start_of_day(start + 36 * 3600, zone))
        case "week":
            start = start_of_week(now, zone)
            return Period(start, start_of_week(start + 180 * 3600, zone))
        case _:
            return Period(start_of_month(now, zone), start_of_next_month(now, zone))


def weeks_before(moment: int, weeks: int, zone: tzinfo) -> int:
    """The same time of the same weekday some weeks ago, on the wall clock."""
    local = datetime.fromtimestamp(moment, zone) - timedelta(weeks=weeks)
    return int(local.timestamp())
