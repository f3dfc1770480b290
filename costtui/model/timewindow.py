"""Windows of time: half-open `[start, end)`, whole minutes, UTC epoch seconds.

Ends are whole minutes because the finest roll-up is a minute: a live window ends at the end
of the minute that is running, so it holds everything that has arrived and its total can be
read from roll-ups alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

MINUTE = 60
TEN_MINUTES = 600
HOUR = 3600
SIX_HOURS = 21600
DAY = 86400


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """One of the windows a key chooses."""

    key: str
    name: str
    seconds: int
    """Length; 0 for the calendar windows `today` and `month`."""
    step: int
    """Seconds of one chart bucket: always a roll-up level."""


WINDOWS: tuple[WindowSpec, ...] = (
    WindowSpec("1", "15m", 900, MINUTE),
    WindowSpec("2", "1h", HOUR, MINUTE),
    WindowSpec("3", "6h", 6 * HOUR, TEN_MINUTES),
    WindowSpec("4", "24h", DAY, HOUR),
    WindowSpec("5", "7d", 7 * DAY, SIX_HOURS),
    WindowSpec("6", "30d", 30 * DAY, DAY),
    WindowSpec("7", "today", 0, HOUR),
    WindowSpec("8", "month", 0, DAY),
)
WINDOW_BY_NAME = {w.name: w for w in WINDOWS}
STEPS = (MINUTE, TEN_MINUTES, HOUR, SIX_HOURS, DAY)
"""What a chart bucket may last, finest first: the steps of the roll-up levels."""
LEAST_BUCKETS = 20
"""Of a window of any length, unless minutes are too coarse for that. Twenty and not twelve gives
every length that has a key the step it has there, and a day of 23 hours its hours."""


@dataclass(frozen=True, slots=True)
class Window:
    """`[start, end)` in epoch seconds, whole minutes."""

    start: int
    end: int
    step: int
    """Seconds of one chart bucket; buckets are aligned to multiples of it, the first and the
    last are clipped to the window."""
    name: str = ""
    live: bool = True
    """False once the user has stepped back in time."""

    @property
    def seconds(self) -> int:
        return self.end - self.start

    def buckets(self) -> list[int]:
        """The aligned start of each chart bucket, oldest first."""
        first = self.start - self.start % self.step
        return list(range(first, self.end, self.step))


def step_for(seconds: int) -> int:
    """The step of the chart of a window of any length: the coarsest that gives enough buckets."""
    fitting = [step for step in STEPS if seconds >= LEAST_BUCKETS * step]
    return fitting[-1] if fitting else MINUTE


def ceil_minute(now: float) -> int:
    """The end of the minute that holds `now`."""
    return (int(now) // MINUTE + 1) * MINUTE


def floor_to(seconds: int, step: int) -> int:
    return seconds - seconds % step


def start_of_day(moment: float, zone: tzinfo) -> int:
    """Local midnight of the day that holds `moment`, epoch seconds."""
    local = datetime.fromtimestamp(moment, zone)
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp())


def start_of_week(moment: float, zone: tzinfo) -> int:
    """Local midnight of the Monday of the week that holds `moment`, epoch seconds."""
    local = datetime.fromtimestamp(moment, zone)
    monday = local - timedelta(days=local.weekday())  # on the wall clock: right across DST
    return int(monday.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp())


def start_of_month(moment: float, zone: tzinfo) -> int:
    """Local midnight of the first of the month that holds `moment`, epoch seconds."""
    local = datetime.fromtimestamp(moment, zone)
    return int(local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp())


def start_of_next_month(moment: float, zone: tzinfo) -> int:
    local = datetime.fromtimestamp(moment, zone).replace(day=28) + timedelta(days=4)
    return start_of_month(local.timestamp(), zone)


def window_at(spec: WindowSpec, now: float, zone: tzinfo, back: int = 0) -> Window:
    """The window of `spec` at `now`, `back` periods in the past (0 is live)."""
    end = ceil_minute(now)
    if spec.seconds:
        end -= back * spec.seconds
        return Window(end - spec.seconds, end, spec.step, spec.name, back == 0)
    begin_of = start_of_day if spec.name == "today" else start_of_month
    start = begin_of(now, zone)
    for _ in range(back):
        end = start
        start = begin_of(start - 1, zone)
    return Window(start, end, spec.step, spec.name, back == 0)


def previous(window: Window, zone: tzinfo) -> Window:
    """The period that `window` is compared with: the same length just before it; for `today`
    and `month`, yesterday or last month up to the same elapsed time."""
    if window.name in ("today", "month"):
        begin_of = start_of_day if window.name == "today" else start_of_month
        start = begin_of(window.start - 1, zone)
        return replace(window, start=start, end=min(start + window.seconds, window.start))
    return replace(window, start=window.start - window.seconds, end=window.start)
