"""What the rest of the month will cost, and how sure that is (docs/forecast.md).

An hour is expected to cost *level* × *profile* × *growth*: the level is how much is being spent
lately, the profile how that is spread over the 168 hours of a week, and the growth what each day
has been adding, damped. The band is what the days of the past
would have made of it: the ratio of each day to what was expected a day before, drawn again at
random and carried on. Nothing is fitted that ten lines of arithmetic do not show.

Statistics are done in floats, as everywhere; money comes in and goes out as integer nano-USD, and
what was really spent is never touched by them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import tzinfo
from functools import lru_cache
from statistics import median
from typing import Final, NamedTuple

from costtui.analysis.profile import (
    CLIP,
    DAY_HOURS,
    GAIN,
    LEAST_HOURS,
    LEAST_OF_DAY,
    WEEK_HOURS,
    Model,
    slots_of,
)
from costtui.model.budget import Estimate
from costtui.model.timewindow import DAY, HOUR, floor_to

LOW, HIGH = 10, 90
"""Percent: the band holds eight of ten outcomes."""
PATHS: Final = 400
BLOCK: Final = 3
"""Days that are drawn together, because good and bad days come in rows."""
SEED: Final = 8
WIDE_HOURS: Final = 14 * DAY_HOURS
"""Of history below which the band is a guess at a band."""
_UNSEEN: Final = (0.5, 1.0, 2.0)
"""Ratios added where hardly any day has been seen yet."""
CHECKS: Final = 14
"""Days that the method is tried on."""
AHEAD_HOURS: Final = WEEK_HOURS
"""How long before the end of such a day it is told."""


class Check(NamedTuple):
    """What this method would have said for a day a week before its end, and what it was."""

    start: int
    end: int
    said: int
    was: int

    @property
    def permille(self) -> int:
        """How far it was off, in thousandths of what it was."""
        return abs(self.said - self.was) * 1000 // self.was


class Forecast(NamedTuple):
    """The spend from `start` on. Amounts are nano-USD, times epoch seconds."""

    start: int
    ends: tuple[int, ...]
    """The end of each step: the rest of the hour that is running, then hours, then what is left."""
    path: tuple[Estimate, ...]
    """What will have been spent since `start` at each of `ends`."""
    known_hours: int
    """Of history, gaps not counted."""
    checks: tuple[Check, ...] = ()
    """Newest first."""

    @property
    def banded(self) -> bool:
        return self.known_hours >= LEAST_HOURS

    @property
    def told_from(self) -> int:
        """When there will be a day of history, without which nothing is claimed; epoch seconds."""
        whole = floor_to(self.start, HOUR) + (0 if self.known_hours else HOUR)
        return whole + max(0, LEAST_HOURS - self.known_hours) * HOUR

    @property
    def wide(self) -> bool:
        """Is there too little history for the band to be more than a guess?"""
        return self.known_hours < WIDE_HOURS

    @property
    def error_permille(self) -> int | None:
        """The median error of the checks; None where there are none."""
        return int(median(c.permille for c in self.checks)) if self.checks else None

    def until(self, moment: int) -> Estimate:
        """What will have been spent from `start` to `moment`, one of `ends` or before the first."""
        found = Estimate(0, 0, 0)
        for end, estimate in zip(self.ends, self.path, strict=True):
            if end > moment:
                break
            found = estimate
        return found


def forecast(
    hours: Sequence[int | None], start: int, now: float, until: int, zone: tzinfo
) -> Forecast:
    """The spend from `now` to `until` and seven days ahead. `hours` are whole hours from `start`
    (epoch seconds) to the one that is running; None is a gap and is left out."""
    begin = int(now)
    ends = _ends(begin, max(until, begin + 7 * DAY), until)
    known = sum(1 for value in hours if value is not None)
    model = Model(hours, slots_of(start, len(hours), zone))
    steps, weights = _steps(model, begin, ends, zone)
    path = _path(steps, weights, model, begin, ends, banded=known >= LEAST_HOURS)
    return Forecast(begin, ends, path, known, checked(tuple(hours), start, zone))


def expected(hours: Sequence[int | None], start: int, now: float, until: int, zone: tzinfo) -> int:
    """`forecast(…).until(until).nano` without the band and the checks."""
    begin = int(now)
    if until <= begin:
        return 0
    model = Model(hours, slots_of(start, len(hours), zone))
    return round(sum(_steps(model, begin, _ends(begin, until, until), zone)[0]))


def _steps(
    model: Model, begin: int, ends: Sequence[int], zone: tzinfo
) -> tuple[list[float], list[float]]:
    """(the spend expected in each step, the part of the profile that falls into it)."""
    steps: list[float] = []
    weights: list[float] = []
    at = begin
    ahead = slots_of(floor_to(begin, HOUR), (ends[-1] - floor_to(begin, HOUR)) // HOUR + 1, zone)
    for end in ends:
        share = model.profile[ahead[(at - floor_to(begin, HOUR)) // HOUR]] * (end - at) / HOUR
        weights.append(share)
        steps.append(model.level * share * model.growth_after(((at + end) / 2 - begin) / DAY))
        at = end
    return steps, weights


def _ends(begin: int, last: int, until: int) -> tuple[int, ...]:
    """Whole hours from `begin` to `last`, and `until` where a month ends between two of them."""
    ends = set(range(floor_to(begin, HOUR) + HOUR, last, HOUR)) | {last}
    if begin < until <= last:
        ends.add(until)
    return tuple(sorted(ends))


# Band -----------------------------------------------------------------------------------------


def _path(
    steps: Sequence[float],
    weights: Sequence[float],
    model: Model,
    begin: int,
    ends: Sequence[int],
    *,
    banded: bool,
) -> tuple[Estimate, ...]:
    """The expected sum at each end with its band, whole nano-USD, never falling."""
    sums: list[float] = []
    total = 0.0
    for step in steps:
        total += step
        sums.append(total)
    if not banded or not model.level:
        return tuple(Estimate(round(s), round(s), round(s)) for s in sums)
    last_of_day: dict[int, int] = {}
    for index, end in enumerate(ends):
        last_of_day[(end - 1 - begin) // DAY] = index
    marks = [last_of_day[day] for day in sorted(last_of_day)]
    before = [-1, *marks[:-1]]
    due = [sum(weights[a + 1 : b + 1]) for a, b in zip(before, marks, strict=True)]
    wanted = [
        sums[mark] - (sums[at] if at >= 0 else 0.0) for at, mark in zip(before, marks, strict=True)
    ]
    lows, highs = _band(model, due, wanted)
    out: list[Estimate] = []
    low = high = expected = 0.0
    for first, last, to_low, to_high in zip(before, marks, lows, highs, strict=True):
        whole = sums[last] - expected
        for index in range(first + 1, last + 1):
            part = (sums[index] - expected) / whole if whole > 0 else 1.0
            middle = round(sums[index])
            out.append(Estimate(
                middle,
                min(middle, round(low + (to_low - low) * part)),
                max(middle, round(high + (to_high - high) * part)),
            ))  # fmt: skip
        low, high, expected = to_low, to_high, sums[last]
    return tuple(out)


def _band(
    model: Model, due: Sequence[float], wanted: Sequence[float]
) -> tuple[list[float], list[float]]:
    """The 10 % and 90 % quantiles of the sum after each day, from days of the past drawn again.

    A surprise moves the level that later days start from, as it does in the model, so the band
    opens with the root of time and not with time nor not at all.

    The mean of what is drawn for a day is made the one that is `wanted`, the point: the surprises
    of few weeks have another mean than 1, and the point then lay at the edge of its own band. Of
    100 simulated weeks the band now holds 79 to 83, it was 69 to 79; centred on the median 77
    to 87.
    """
    pool = model.surprises()
    if len(pool) < 4:
        pool = [*pool, *_UNSEEN]
    chance = random.Random(SEED)
    doubt = model.doubt(pool)
    drawn: list[list[float]] = [[] for _ in due]
    for _ in range(PATHS):
        level = model.level * pool[chance.randrange(len(pool))] ** doubt
        at = 0
        for day, weight in enumerate(due):
            if day % BLOCK == 0:
                at = chance.randrange(len(pool))
            ratio = pool[(at + day % BLOCK) % len(pool)]
            own = level * ratio * model.growth_after(day + 0.5)
            drawn[day].append(own * weight)
            level *= 1 + GAIN * (min(ratio, CLIP) - 1)
    sums = [0.0] * PATHS
    lows, highs = [], []
    for spent, point in zip(drawn, wanted, strict=True):
        mean = sum(spent) / PATHS
        centred = point / mean if mean > 0 else 1.0
        sums = [before + centred * own for before, own in zip(sums, spent, strict=True)]
        ranked = sorted(sums)
        lows.append(ranked[PATHS * LOW // 100])
        highs.append(ranked[PATHS * HIGH // 100 - 1])
    return lows, highs


# The past, told again -------------------------------------------------------------------------


@lru_cache(maxsize=4)
def checked(hours: tuple[int | None, ...], start: int, zone: tzinfo) -> tuple[Check, ...]:
    """What the method would have said for each of the last days, from nothing but what was known
    a week before the day's end. Days with gaps are compared over the hours that are known.

    Fourteen models: 40 ms for eight weeks. They change once an hour, so they are remembered.
    """
    slots = slots_of(start, len(hours), zone)
    out = []
    for back in range(CHECKS):
        last = len(hours) - back * DAY_HOURS
        origin = last - AHEAD_HOURS
        if origin < LEAST_HOURS:
            break
        day = [(hours[i], slots[i]) for i in range(last - DAY_HOURS, last)]
        found = [(value, slot) for value, slot in day if value is not None]
        was = sum(value for value, _ in found)
        if len(found) < LEAST_OF_DAY or was <= 0:
            continue
        model = Model(hours[:origin], slots[:origin])
        if len(model.known) < LEAST_HOURS:
            break
        due = sum(model.profile[slot] for _, slot in found)
        said = round(model.level * model.growth_after(AHEAD_HOURS / DAY_HOURS - 0.5) * due)
        end = start + last * HOUR
        out.append(Check(end - DAY, end, said, was))
    return tuple(out)


def shared(rest: int, parts: Sequence[int]) -> list[int]:
    """`rest` nano-USD shared out in proportion to `parts`, largest remainders first: the sum is
    exactly `rest`. Equal shares where there is nothing to go by."""
    if not parts:
        return []
    weights = [max(0, part) for part in parts]
    whole = sum(weights)
    if whole <= 0:
        weights, whole = [1] * len(parts), len(parts)
    out = [rest * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(rest * weights[i] % whole), i))
    for index in order[: rest - sum(out)]:
        out[index] += 1
    return out
