"""What was typed as a moment of the past → epoch seconds. Pure: the clock and the zone are given.

A date without a time is the end of that day, so that a day's window holds that day. A time without
a date, and a weekday, are the latest such that are past. Local times are looked up on the wall
clock: one that occurs twice is its later occurrence that is past, one that a change of the clocks
has left out is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

EXAMPLES = "14:10, yesterday 14:10, monday, 2026-11-20 14:10, -3h, -2d"
"""What may be typed, for hints."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"-\s*((?:\d{1,6}\s*[mhdw]\s*)+)")
_PART = re.compile(r"(\d{1,6})\s*([mhdw])")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_OLDEST = datetime(1970, 1, 2, tzinfo=UTC).timestamp()


def parse_moment(text: str, now: float, zone: tzinfo) -> float:
    """`14:10`, `yesterday`, `yesterday 14:10`, `monday`, `fri 9:30`, `2026-11-20`,
    `2026-11-20 14:10`, `-3h`, `-2d`, `-1h30m`, `now` → epoch seconds, never after `now`.

    `-2d` is 2 × 24 hours, as windows are. Raises ValueError with a sentence that says what is
    wrong and gives an example.
    """
    words = text.strip().lower().replace("t", " ", 1) if _iso(text) else text.strip().lower()
    if not words:
        raise ValueError(f"no moment: try {EXAMPLES}")
    if words == "now":
        return now
    ago = _AGO.fullmatch(words)
    if ago:
        back = sum(int(n) * _UNITS[unit] for n, unit in _PART.findall(ago.group(1)))
        return _not_ancient(now - back, text)
    if words.startswith(("-", "+")):
        raise ValueError(f"{_shown(text)} is no length of time: -90m, -3h, -2d, -1w")
    parts = words.split()
    clock = _clock(parts[-1], text)
    names = parts[:-1] if clock is not None else parts
    if len(names) > 1 or (clock is None and len(parts) > 1):
        raise ValueError(f"{_shown(text)} is no moment: try {EXAMPLES}")
    days = _days(names[0] if names else "", now, zone, text)
    if clock is None:
        return _end_of(days, now, zone, text)
    return _at(days, clock, now, zone, text)


def _iso(text: str) -> bool:
    return bool(re.match(r"\s*\d{4}-\d{1,2}-\d{1,2}[tT]\d", text))


def _shown(text: str) -> str:
    short = " ".join(text.split())
    return f"“{short[:24]}…”" if len(short) > 25 else f"“{short}”"


def _not_ancient(moment: float, text: str) -> float:
    if moment < _OLDEST:
        raise ValueError(f"{_shown(text)} is before 1970")
    return moment


def _clock(word: str, text: str) -> time | None:
    """The time that `word` is, None where it is none."""
    found = _TIME.fullmatch(word)
    if not found:
        if ":" in word:
            raise ValueError(f"{_shown(text)}: a time is written 14:10 or 09:05:30")
        return None
    hour, minute, second = (int(n or 0) for n in found.groups())
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{_shown(text)}: times go from 00:00 to 23:59")
    return time(hour, minute, second)


def _days(name: str, now: float, zone: tzinfo, text: str) -> list[date]:
    """The days that are meant, the most wanted first: the later ones may not have come that far."""
    today = datetime.fromtimestamp(now, zone).date()
    if not name:
        return [today - timedelta(days=n) for n in range(3)]
    if name == "today":
        return [today]
    if name == "yesterday":
        return [today - timedelta(days=1)]
    written = _DATE.fullmatch(name)
    if written:
        try:
            return [date(*map(int, written.groups()))]
        except ValueError:
            raise ValueError(f"{_shown(text)}: there is no such day in the calendar") from None
    known = [n for n, day in enumerate(WEEKDAYS) if len(name) >= 3 and day.startswith(name)]
    if known:
        back = (today.weekday() - known[0]) % 7
        return [today - timedelta(days=back + 7 * weeks) for weeks in range(3)]
    if name.isdecimal():
        raise ValueError(f"{_shown(text)}: a time is written 14:10, an age -3h")
    raise ValueError(f"{_shown(text)} is no moment: try {EXAMPLES}")


def _end_of(days: list[date], now: float, zone: tzinfo, text: str) -> float:
    """The last second of the first of `days` that is over; `now` where that day is today."""
    for day in days:
        end = _midnight_after(day, zone) - 1
        if end <= now:
            return _not_ancient(end, text)
    if datetime.fromtimestamp(now, zone).date() in days:
        return now
    raise ValueError(f"{_shown(text)} has not come yet")


def _midnight_after(day: date, zone: tzinfo) -> float:
    """Where the next day begins, epoch seconds; where midnight is left out, the first moment
    after it."""
    try:
        following = datetime.combine(day + timedelta(days=1), time(), zone)
        return following.timestamp()
    except (OverflowError, ValueError):
        return float("inf") if day.year > 1970 else 0.0


def _occurrences(day: date, clock: time, zone: tzinfo) -> Iterator[float]:
    """When the wall clock shows `clock` on `day`, the later first; nothing where it never does."""
    for fold in (1, 0):
        local = datetime.combine(day, clock, zone).replace(fold=fold)
        try:
            moment = local.timestamp()
            back = datetime.fromtimestamp(moment, zone)
        except (OverflowError, ValueError):
            yield float("inf") if day.year > 1970 else 0.0
            return
        if (back.date(), back.time()) == (day, clock):
            yield moment


def _at(days: list[date], clock: time, now: float, zone: tzinfo, text: str) -> float:
    there = False
    for day in days:
        for moment in _occurrences(day, clock, zone):
            there = True
            if moment <= now:
                return _not_ancient(moment, text)
    if not there:
        raise ValueError(f"{_shown(text)}: the clocks went forward over that time")
    raise ValueError(f"{_shown(text)} has not come yet")
