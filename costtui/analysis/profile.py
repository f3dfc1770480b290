"""How a spend is spread over the week, how high it is and how it grows: what a forecast goes by.

All of it is robust and none of it is fitted: trimmed means, medians and one exponentially weighted
mean. Statistics are done in floats, as everywhere; money comes in as integer nano-USD and leaves
as integers in `forecast`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from math import exp, inf, log, sqrt
from statistics import median
from typing import Final

from costtui.model.timewindow import HOUR

WEEK_HOURS: Final = 168
DAY_HOURS: Final = 24
HALF_LIFE: Final = 5.0
"""Days after which a day counts half in the level."""
GAIN: Final = 1 - 0.5 ** (1 / HALF_LIFE)
"""The weight of the newest day."""
CLIP: Final = 4.0
"""A day counts as at most so many times the median day in the level: one runaway job is not a new
level."""
DAMPING: Final = 0.97
"""Of the growth, from day to day: none goes on for ever."""
MOST_GROWTH: Final = log(2) / 14
"""A day, in the logarithm: twice as much in two weeks is as fast as is believed."""
GROWTH_DAYS: Final = 28
"""Days that the growth is told from, at most."""
LEAST_HOURS: Final = 24
"""Of history below which there is no band."""
LEAST_PRIOR: Final = 0.02
"""Of the mean hour: what an hour in which hardly ever anything happens is compared with."""
LEAST_OF_DAY: Final = 12
"""Hours of a day that must be known for it to count."""


def slots_of(start: int, count: int, zone: tzinfo) -> list[int]:
    """The hour of the week, local time, that each hour from `start` begins in."""
    out = []
    for at in range(start, start + count * HOUR, HOUR):
        local = datetime.fromtimestamp(at, zone)
        out.append(local.weekday() * DAY_HOURS + local.hour)
    return out


class Model:
    """Level and profile of some hours, the newest last."""

    def __init__(self, hours: Sequence[int | None], slots: Sequence[int]) -> None:
        self.known = [
            (index, float(value), slots[index])
            for index, value in enumerate(hours)
            if value is not None
        ]
        self.count = len(hours)
        self.growth = 0.0
        self.due: list[float] = []
        self.profile = [1.0] * WEEK_HOURS
        for _ in range(2):  # each is told better once the other is known
            self.profile = self._profile()
            self.days = self._days()
            self.growth = self._growth()
        self.level = self._level()

    def _profile(self) -> list[float]:
        """What each hour of the week costs in units of the mean hour.

        Each week is divided by its own level first, and each hour by the growth, so that neither
        is taken for a pattern. A level over some hours of a week depends on which ones are known,
        and so on the profile that there is already.
        """
        flat = [1.0] * WEEK_HOURS
        if len(self.known) < LEAST_HOURS:
            return flat
        weeks: dict[int, list[tuple[float, int]]] = {}
        for index, value, slot in self.known:
            age = self.count - 1 - index
            told = value * exp(self.growth * age / DAY_HOURS) if self.growth else value
            weeks.setdefault(age // WEEK_HOURS, []).append((told, slot))
        ratios: list[list[tuple[float, int]]] = [[] for _ in range(WEEK_HOURS)]
        for number, week in weeks.items():
            whole = sum(self.profile[slot] for _, slot in week)
            level = sum(value for value, _ in week) / whole if whole else 0.0
            if level > 0 and (len(week) >= DAY_HOURS or len(weeks) == 1):
                for value, slot in week:
                    ratios[slot].append((value / level, number))
        profile = _shrunk(ratios)
        mean = sum(profile) / WEEK_HOURS
        return [value / mean for value in profile] if mean > 0 else flat

    def _days(self) -> list[float]:
        """Each 24 hours in units of the profile, oldest first, counted back from the end; the
        level that the day by itself would tell."""
        spent: dict[int, float] = {}
        due: dict[int, float] = {}
        seen: dict[int, int] = {}
        for index, value, slot in self.known:
            day = (self.count - 1 - index) // DAY_HOURS
            spent[day] = spent.get(day, 0.0) + value
            due[day] = due.get(day, 0.0) + self.profile[slot]
            seen[day] = seen.get(day, 0) + 1
        least = min(LEAST_OF_DAY, max(seen.values(), default=0))
        kept = [d for d in sorted(spent, reverse=True) if seen[d] >= least and due[d] > 0]
        self.due = [due[day] for day in kept]
        return [spent[day] / due[day] for day in kept]

    def _level(self) -> float:
        """The exponentially weighted mean of the days, each grown to now and weighed by what is
        due on it: a quiet Sunday says little of the money, whatever its ratio is."""
        middle = median(self.days) if self.days else 0.0
        total = weight = 0.0
        for age, (day, due) in enumerate(zip(reversed(self.days), reversed(self.due), strict=True)):
            own = due * 0.5 ** (age / HALF_LIFE)
            day = min(day, CLIP * middle) if middle > 0 else day
            total += own * day * exp(self.growth * (age + 0.5))
            weight += own
        return total / weight if weight else 0.0

    def _growth(self) -> float:
        """What a day adds, in the logarithm: the median of the slopes between all pairs of days
        (Theil and Sen), less what chance alone could make of it. 0 under two weeks."""
        recent = self.days[-GROWTH_DAYS:]
        points = [(at, log(day)) for at, day in enumerate(recent) if day > 0]
        number = len(points)
        if number < 14 or number < len(recent) * 3 // 4:
            return 0.0
        slope = median(
            (y1 - y0) / (x1 - x0)
            for at, (x0, y0) in enumerate(points)
            for x1, y1 in points[at + 1 :]
        )
        middle = median(y - slope * x for x, y in points)
        off = median(abs(y - slope * x - middle) for x, y in points) * 1.4826
        error = off * sqrt(12 / number**3)
        if slope == 0 or abs(slope) <= 3 * error:
            return 0.0
        slope *= 1 - (3 * error / slope) ** 2
        return max(-MOST_GROWTH, min(MOST_GROWTH, slope))

    def growth_after(self, days: float) -> float:
        """By what the level is multiplied after some days."""
        if not self.growth:
            return 1.0
        return exp(self.growth * DAMPING * (1 - DAMPING**days) / (1 - DAMPING))

    def doubt(self, surprises: Sequence[float]) -> float:
        """How far the level itself may be off, as an exponent of a surprise: the standard error of
        an exponentially weighted mean, √(α / (2 − α)), and more where good days follow good ones:
        times √((1 + r) / (1 − r)) with r the correlation of neighbouring days."""
        logs = [log(ratio) for ratio in surprises if ratio > 0]
        together = 0.0
        if len(logs) >= 7:
            mean = sum(logs) / len(logs)
            off = [value - mean for value in logs]
            square = sum(value * value for value in off)
            if square > 0:
                together = sum(a * b for a, b in pairwise(off)) / square
        together = max(0.0, min(0.7, together))
        return sqrt(GAIN / (2 - GAIN) * (1 + together) / (1 - together))

    def surprises(self) -> list[float]:
        """Each day as a multiple of what the days before it led to expect.

        The profile has seen these days, so they look less surprising than new ones will be, and
        the more so the fewer weeks there are: widened by √(1 + (4/weeks)²) in the logarithm, which
        makes 80 % bands of simulated weeks hold 80 to 86 % (tests/unit/analysis/test_forecast.py).
        """
        warm = min(7, max(1, len(self.days) // 2))
        level = sum(self.days[:warm]) / warm if self.days else 0.0
        grown = exp(self.growth)
        level *= grown ** (warm / 2)
        wider = sqrt(1 + (4 * WEEK_HOURS / max(WEEK_HOURS, len(self.known))) ** 2)
        out = []
        for day in self.days[warm:]:
            if level > 0:
                ratio: float = (day / level) ** wider
                out.append(ratio)
            level = (level + GAIN * (day - level)) * grown
        return out


def _shrunk(ratios: Sequence[Sequence[tuple[float, int]]]) -> list[float]:
    """The profile from the (ratio, week) seen in each hour of the week.

    First the hours of the day, then the days of the week over those, and their product is what an
    hour of the week is drawn to. Drawing it to the hour of the day alone took Sundays for
    Mondays where hours are noisy.
    """
    hours: list[list[float]] = [[] for _ in range(DAY_HOURS)]
    for slot, own in enumerate(ratios):
        hours[slot % DAY_HOURS].extend(ratio for ratio, _ in own)
    by_hour = _drawn(hours)
    spent: dict[tuple[int, int], list[float]] = {}
    for slot, own in enumerate(ratios):
        for ratio, week in own:
            day = spent.setdefault((slot // DAY_HOURS, week), [0.0, 0.0, 0.0])
            day[0] += ratio
            day[1] += by_hour[slot % DAY_HOURS]
            day[2] += 1
    days: list[list[float]] = [[] for _ in range(7)]
    for (weekday, _), (told, due, seen) in spent.items():
        if due > 0 and seen >= LEAST_OF_DAY:
            days[weekday].append(told / due)
    by_day = _drawn(days)
    prior = [
        max(LEAST_PRIOR, by_hour[slot % DAY_HOURS] * by_day[slot // DAY_HOURS])
        for slot in range(WEEK_HOURS)
    ]
    against = [[ratio / prior[slot] for ratio, _ in own] for slot, own in enumerate(ratios)]
    drawn = _drawn(against)
    return [part * before for part, before in zip(drawn, prior, strict=True)]


def _drawn(samples: Sequence[Sequence[float]]) -> list[float]:
    """The robust mean of each sample, drawn to 1: weight n / (n + k) on its own mean, with
    k = scatter within samples / scatter between them (empirical Bayes). Samples that always repeat
    exactly are believed; noise is not."""
    means = [_middle(own) if own else 1.0 for own in samples]
    within = between = 0.0
    freedom = cells = 0
    for own, mean in zip(samples, means, strict=True):
        if own:
            plain = sum(own) / len(own)
            within += sum((x - plain) ** 2 for x in own)
            freedom += len(own) - 1
            between += (mean - 1) ** 2
            cells += 1
    if not cells:
        return means
    if freedom:
        noise = within / freedom
        signal = between / cells - noise * cells / (freedom + cells)
        draw = noise / signal if signal > 0 else (0.0 if noise == 0 else inf)
    else:
        draw = 1.0  # nothing has been seen twice
    if draw == inf:
        return [1.0] * len(samples)
    return [
        (len(own) * mean + draw) / (len(own) + draw) if own else 1.0
        for own, mean in zip(samples, means, strict=True)
    ]


def _middle(values: Sequence[float]) -> float:
    """The mean without the outermost tenth at either end, at least one from five values on; the
    median of three or four."""
    number = len(values)
    if number < 3:
        return sum(values) / number
    if number < 5:
        return median(values)
    cut = max(1, number // 10)
    kept = sorted(values)[cut : number - cut]
    return sum(kept) / len(kept)
