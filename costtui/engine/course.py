"""One budget over its period: what was spent by when, and what is to come, for a chart.

The end is that of its line (`budgeting.standing`), and so is the way there: a label set's part of
what comes is its part of the end. Straight from now to the end where there is no history.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from costtui.alerts.periods import period_of
from costtui.config.alert_schema import ROLLING, BudgetConfig
from costtui.engine.outlooks import Outlooks
from costtui.model.budget import BudgetLine, Course, Estimate
from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import (
    DAY,
    HOUR,
    MINUTE,
    SIX_HOURS,
    TEN_MINUTES,
    Window,
    ceil_minute,
)
from costtui.store.reader import Reader

_MOST: Final = 200
"""Points of the past; a chart has about as many columns."""


def read_course(
    reader: Reader, budget: BudgetConfig, line: BudgetLine, now: float, zone: tzinfo
) -> Course:
    """The course of `line`, which is of `budget`. Raises a `StoreError`."""
    period = period_of(budget, now, zone)
    now_end = min(ceil_minute(now), period.end)
    where = (*budget.where, *line.labels)
    window = Window(period.start, now_end, _step(now_end - period.start), "custom", live=False)
    view = View(window, tuple(Filter(name, value) for name, value in where))
    past, spent = [(period.start, 0)], 0
    for start, totals in reader.timeline(view, window.step, now):
        spent += totals.effective_nano
        # Retention may have made the steps coarser; the next one's start is where this one ends.
        if past[-1][0] < start:
            past[-1] = (start, past[-1][1])
        past.append((min(start + window.step, now_end), spent))
    past[-1] = (now_end, line.spent)
    gaps = tuple(
        (max(int(gap.start), period.start), min(int(gap.end), now_end))
        for gap in reader.gaps(period.start, now_end)
    )
    course = Course(period.start, period.end, now_end, line.limit, tuple(past), gaps)
    if line.ahead is None or budget.period == ROLLING or now_end >= period.end:
        return course
    rise: list[tuple[int, Estimate]] = []
    if line.banded:
        with reader.watching() as sight:
            rise = _rise(budget, line, period.end, Outlooks(sight, now, zone))
    first = (now_end, Estimate(line.spent, line.spent, line.spent))
    steps = [(moment, estimate) for moment, estimate in rise if moment > now_end]
    if not steps or steps[-1][0] < period.end:
        steps.append((period.end, line.ahead))
    return course._replace(ahead=(first, *steps), banded=line.banded)


def _step(seconds: int) -> int:
    for step in (MINUTE, TEN_MINUTES, HOUR, SIX_HOURS):
        if seconds <= step * _MOST:
            return step
    return DAY


def _rise(
    budget: BudgetConfig, line: BudgetLine, end: int, outlooks: Outlooks
) -> list[tuple[int, Estimate]]:
    """What will have been spent of `line` at each hour to come."""
    told = outlooks.forecast(budget.where, end)
    if told is None or line.ahead is None:
        return []
    steps = [(at, e) for at, e in zip(told.ends, told.path, strict=True) if at <= end]
    if not steps:
        return []
    last = steps[-1][1]
    rest = [one - line.spent for one in line.ahead]

    def part(of: Estimate) -> Estimate:
        # The part that the line has of the end, of each of the three.
        return Estimate(
            *(
                line.spent + (value * own // most if most else 0)
                for value, own, most in zip(of, rest, last, strict=True)
            )
        )

    return [(at, part(e)) for at, e in steps]
