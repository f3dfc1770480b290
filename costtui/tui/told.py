"""A forecast as the screen shows it: what was read, what follows, and its line over the month."""

from __future__ import annotations

from bisect import bisect_left
from datetime import tzinfo
from functools import reduce
from typing import NamedTuple

from costtui.analysis.forecast import Forecast, forecast, shared
from costtui.model.budget import Estimate
from costtui.model.outlook import Outlook, OutlookGroup
from costtui.model.snapshot import Totals, View
from costtui.model.timewindow import DAY, HOUR
from costtui.tui.curves import limit_for
from costtui.tui.data import Data
from costtui.tui.shown import NO_LIMITS, Limits


class Point(NamedTuple):
    """The month's spend up to the end of one column; nano-USD."""

    value: int
    low: int
    high: int
    ahead: bool = False
    gap: bool = False
    """Nothing is known of this column alone."""


class Row(NamedTuple):
    """One group, or all of them."""

    key: str
    group: OutlookGroup
    end_nano: int
    """At the end of the month; so far where nothing is known of that."""
    total: bool = False


class Told(NamedTuple):
    """Everything the forecast screen shows."""

    outlook: Outlook
    forecast: Forecast
    rows: tuple[Row, ...]
    """By group, the dearest at the end of the month first; they add up to `end`."""
    all_rows: Row
    limits: Limits = NO_LIMITS

    @property
    def known(self) -> bool:
        """With less than a day of history nothing is claimed of what comes."""
        return self.forecast.banded

    @property
    def end(self) -> Estimate:
        """The whole month."""
        spent = self.outlook.to_date.effective_nano
        return self.forecast.until(self.outlook.until).plus(spent)

    @property
    def week(self) -> Estimate:
        """The next seven days."""
        return self.forecast.until(self.forecast.start + 7 * DAY)

    @property
    def left(self) -> int:
        """Seconds until the end of the month."""
        return max(0, self.outlook.until - self.forecast.start)

    @property
    def limit(self) -> int:
        """What the month should stay below, nano-USD; 0 for nothing set."""
        return limit_for(self.outlook.alerts, self.outlook.view, "cost", self.limits)

    @property
    def allowed_per_day(self) -> int:
        """What may be spent a day from now on to stay below the limit; negative once it is
        passed."""
        rest = self.limit - self.outlook.to_date.effective_nano
        return rest * DAY // max(self.left, 60)

    @property
    def expected_per_day(self) -> int:
        """What will be spent a day from now on."""
        return self.forecast.until(self.outlook.until).nano * DAY // max(self.left, 60)


def tell(
    data: Data, view: View, by: str, zone: tzinfo, now: float, limits: Limits = NO_LIMITS
) -> Told:
    """Read and forecast. Called in the reader's thread: 50 ms the first time in an hour."""
    outlook = data.outlook(view, by, now)
    made = forecast(outlook.hours, outlook.start, now, outlook.until, zone)
    rest = made.until(outlook.until).nano if made.banded else 0
    # By the last seven days, which have one of each day of the week; a group's own forecast would
    # be made from less, and a sum of forecasts is not the forecast of the sum.
    shares = shared(rest, [g.week.effective_nano for g in outlook.groups])
    rows = [
        Row(g.key, g, g.to_date.effective_nano + share)
        for g, share in zip(outlook.groups, shares, strict=True)
    ]
    rows.sort(key=lambda r: (-r.end_nano, r.key))
    week = OutlookGroup("", outlook.to_date, reduce(Totals.plus, (g.week for g in outlook.groups),
                                                    Totals()))  # fmt: skip
    whole = Row("", week, outlook.to_date.effective_nano + rest, total=True)
    return Told(outlook, made, tuple(rows), whole, limits)


def month_line(told: Told, columns: int) -> list[Point]:
    """The month in `columns` equal parts: what was spent, then what will have been."""
    outlook, made = told.outlook, told.forecast
    first, last = outlook.view.window.start, outlook.until
    spent = outlook.to_date.effective_nano
    past = _past(outlook, first, made.start)
    ahead = [(made.start, Estimate(spent, spent, spent))]
    ahead += [(end, e.plus(spent)) for end, e in zip(made.ends, made.path, strict=True)]
    lines = [[(t, e[part]) for t, e in ahead] for part in range(3)]
    lost = {outlook.start + at * HOUR for at, v in enumerate(outlook.hours) if v is None}
    out: list[Point] = []
    for column in range(columns):
        start, end = (first + (last - first) * (column + n) // columns for n in (0, 1))
        if start >= made.start and not told.known:
            break
        if start >= made.start:
            value, low, high = (between(line, end) for line in lines)
            out.append(Point(value, low, high, ahead=True))
        else:
            value = between(past, min(end, made.start))
            hours = range(start - start % HOUR, end, HOUR)
            out.append(Point(value, value, value, gap=all(t in lost for t in hours)))
    return out


def _past(outlook: Outlook, first: int, now: int) -> list[tuple[int, int]]:
    """(moment, spent so far) of this month. What no whole hour holds was spent before the first
    one where the store or its hours begin within the month, but not before the store's first
    usage; else since the last one."""
    known = [
        (outlook.start + at * HOUR, value or 0)
        for at, value in enumerate(outlook.hours)
        if outlook.start + at * HOUR >= first
    ]
    rest = outlook.to_date.effective_nano - sum(value for _, value in known)
    out = [(first, 0)]
    total = 0
    if first < outlook.earliest < now:
        out.append((outlook.earliest, 0))
    if known and known[0][0] > first + HOUR:
        total = rest
        if known[0][0] > out[-1][0]:
            out.append((known[0][0], total))
    for start, value in known:
        total += value
        out.append((start + HOUR, min(total, outlook.to_date.effective_nano)))
    if now > out[-1][0]:
        out.append((now, outlook.to_date.effective_nano))
    return out


def between(line: list[tuple[int, int]], moment: int) -> int:
    """The value of a line of (moment, value) at any moment: straight between two of its points."""
    at = bisect_left(line, (moment, 0))
    if at == 0:
        return line[0][1]
    if at == len(line):
        return line[-1][1]
    (t0, v0), (t1, v1) = line[at - 1], line[at]
    return v0 + (v1 - v0) * (moment - t0) // max(1, t1 - t0)
