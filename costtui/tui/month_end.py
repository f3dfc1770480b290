"""What the month will have cost, for the overview: the same number as on the forecast screen.

It is asked for once a minute and after each change of the filters, in the reader's thread, and not
before the first second is over: reading the first frame goes first, and a forecast takes 50 ms
once an hour (docs/forecast.md). Until it is there the overview says "pace", which is another
number: the month to date and the rest of it at the last seven days' rate.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple

from costtui.model.charge import Exactness
from costtui.model.snapshot import Filter
from costtui.model.timewindow import MINUTE
from costtui.tui.data import Answer, Data
from costtui.tui.shown import Shown

KIND = "month end"
"""The question's name."""
FIRST_AFTER = 1.0
"""Seconds after the start."""
AGAIN_AFTER = 5.0
"""Seconds until it is asked for again within a minute, where the month has become another one by
more than a hundredth: history is being read."""


class MonthEnd(NamedTuple):
    """nano-USD; the band is low = high = 0 where there is none."""

    filters: tuple[Filter, ...]
    nano: int
    low: int
    high: int
    exactness: Exactness
    told_from: int = 0
    """Where there is less than a day of history, and so nothing to say: when there will be more."""


class MonthEnds:
    """Knows when to ask, and of what the answer is."""

    def __init__(self, started: float) -> None:
        """`started` is the clock's epoch seconds."""
        self._started = started
        self._asked: tuple[tuple[Filter, ...], int] | None = None
        self._asked_at = started
        self._month = 0
        """nano-USD of the month so far when it was asked for last."""

    def look(
        self,
        shown: Shown,
        now: float,
        zone: tzinfo,
        ask: Callable[[str, Callable[[Data], object], object], None],
    ) -> None:
        """Ask where it is time to. Of the past, and while the display stands, nothing is asked."""
        state = shown.state
        if state.past or state.paused or shown.condition != "ready":
            return
        if 0 <= now - self._started < FIRST_AFTER:
            return
        filters, month = state.filters, shown.overview.month.effective_nano if shown.overview else 0
        due = filters, int(now) // MINUTE
        grown = abs(month - self._month) * 100 > max(month, self._month)
        if due != self._asked or (grown and now - self._asked_at >= AGAIN_AFTER):
            self._asked, self._asked_at, self._month = due, now, month
            ask(KIND, lambda data: _read(data, filters, now, zone), due)

    def laid_on(self, shown: Shown, answer: Answer) -> Shown:
        """What is shown with the answer; one that failed leaves the pace where it is."""
        if answer.tag == self._asked and isinstance(answer.value, MonthEnd):
            return shown._replace(month_end=answer.value)
        return shown


def _read(data: Data, filters: tuple[Filter, ...], now: float, zone: tzinfo) -> MonthEnd | None:
    """Called in the reader's thread. None where nothing was or will be spent."""
    from costtui.analysis.forecast import forecast
    from costtui.model.snapshot import View
    from costtui.model.timewindow import WINDOW_BY_NAME, window_at

    view = View(window_at(WINDOW_BY_NAME["month"], now, zone), filters)
    outlook = data.outlook(view, "model", now)
    made = forecast(outlook.hours, outlook.start, now, outlook.until, zone)
    spent = outlook.to_date
    end = made.until(outlook.until).plus(spent.effective_nano)
    sign = Exactness(spent.exactness | Exactness.ESTIMATE)
    if not made.banded:
        return MonthEnd(filters, 0, 0, 0, sign, made.told_from)
    return MonthEnd(filters, end.nano, end.low, end.high, sign) if end.nano else None
