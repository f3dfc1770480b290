"""Moments as logs write them → exact nanoseconds.

`datetime` stops at microseconds and Go writes nine digits, so the fraction is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation

SECOND_NS = 1_000_000_000
MAX_NS = 2**63 - 1
"""SQLite's INTEGER: the year 2262."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*([Zz]|[+-]\d\d:?\d\d|)",
    re.ASCII,
)


def parse_rfc3339(text: str) -> int:
    """RFC 3339 → nanoseconds since 1970.

    Any offset, `T` or a space, any number of fractional digits (beyond nine they are cut), a leap
    second counts as the second after it. Without an offset it is UTC. Raises ValueError.
    """
    minute, offset, rest = _parts(text)
    return checked_ns(minute - offset + rest)


def _parts(text: str) -> tuple[int, int, int]:
    """(the minute as if it were UTC, the offset, what is beyond the minute), nanoseconds."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("the timestamp is not RFC 3339")
    year, month, day, hour, minute, second = (int(found.group(i)) for i in range(1, 7))
    if second > 60:
        raise ValueError("the timestamp has a second above 60")
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        raise ValueError("the timestamp is not a real date") from None
    if hour > 23 or minute > 59:
        raise ValueError("the timestamp is not a real time")
    fraction = int((found.group(7) or "").ljust(9, "0")[:9])
    start = ((days * 24 + hour) * 60 + minute) * 60 * SECOND_NS
    return start, _offset(found.group(8)), second * SECOND_NS + fraction


def _offset(text: str) -> int:
    """`+02:00` → nanoseconds."""
    if text in ("", "Z", "z"):
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("the timestamp has an impossible offset")
    span = (hours * 60 + minutes) * 60 * SECOND_NS
    return -span if text[0] == "-" else span


def checked_ns(ns: int) -> int:
    """`ns`, if the store can hold it and it is not one of the ways to say "never"."""
    if not 0 < ns <= MAX_NS:
        raise ValueError("the timestamp is before 1970 or after 2262")
    return ns


def from_number(value: int | float | str | Decimal, per_second: int) -> int:
    """A count of seconds, ms, µs or ns since 1970 (`per_second` says which) → nanoseconds.

    A float is taken by its shortest decimal form, so `1795327876.973027` is exact.
    """
    if type(value) is int:
        return checked_ns(value * (SECOND_NS // per_second))
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
        if not number.is_finite() or number.adjusted() > 20:
            raise ValueError("the timestamp is out of range")
        return checked_ns(int(number * (SECOND_NS // per_second)))
    except InvalidOperation:
        raise ValueError("the timestamp is not a number") from None


UNITS: dict[str, Callable[[int | float | str | Decimal], int]] = {
    "s": lambda v: from_number(v, 1),
    "ms": lambda v: from_number(v, 1_000),
    "us": lambda v: from_number(v, 1_000_000),
    "ns": lambda v: from_number(v, SECOND_NS),
}
"""`unit:` of a mapped timestamp; the other one is `rfc3339`."""


class Moments:
    """Parses timestamps as `parse_rfc3339` does, seven times faster for what most writers write.

    Hours and offsets come back again and again, so they are looked up. Measured a line: 0.6 µs;
    `datetime.fromisoformat` and `timestamp()` 0.8 µs, without the nanoseconds; the pattern 4 µs.
    """

    __slots__ = ("_hours", "_offsets")

    def __init__(self) -> None:
        self._hours: dict[str, int] = {}
        self._offsets: dict[str, int] = {"Z": 0}

    def parse(self, text: str) -> int:
        """Nanoseconds since 1970. Raises ValueError."""
        try:
            if text[-1] == "Z":
                digits = text[20:-1]
                ns = self._hours[text[:13]] + _CLOCK[text[13:19]]
            else:
                digits = text[20:-6]
                ns = self._hours[text[:13]] + _CLOCK[text[13:19]] + self._offsets[text[-6:]]
            if digits:
                if text[19] == "." and digits.isdigit():
                    return ns + int(digits) * _SCALE[len(digits)]
            elif len(text) in (20, 25):
                return ns
        except (KeyError, IndexError, ValueError):
            return self._learn(text)  # new, unusual or wrong
        return self._learn(text)

    def parse_all(self, texts: list[str]) -> list[int]:
        """`parse` of each, a third faster where they are all written in the same way."""
        out: list[int] = []
        append = out.append
        hours, offsets, clock, scale = self._hours, self._offsets, _CLOCK_POINT, _SCALE
        cut = -1 if texts and texts[0][-1:] == "Z" else -6
        for text in texts:
            digits = text[20:cut]
            if digits.isdigit():
                try:
                    append(
                        hours[text[:13]]
                        + clock[text[13:20]]
                        + offsets[text[cut:]]
                        + int(digits) * scale[len(digits)]
                    )
                    continue
                except (KeyError, IndexError, ValueError):
                    append(self._learn(text))
            else:
                append(self.parse(text))
        return out

    def _learn(self, text: str) -> int:
        minute, offset, rest = _parts(text)
        ns = checked_ns(minute - offset + rest)
        if len(self._hours) + len(self._offsets) >= _CACHE_LIMIT:
            self._hours.clear()
            self._offsets.clear()
            self._offsets["Z"] = 0
        # The years at the ends are left out, where an offset could lead out of the range.
        if "1971" <= text[:4] <= "2261" and text[10] == "T":
            self._hours[text[:13]] = minute - int(text[14:16]) * 60 * SECOND_NS
        if text[-6] in "+-" and text[-3] == ":":
            self._offsets[text[-6:]] = -offset
        return ns


_CLOCK = {
    f":{minute:02d}:{second:02d}": (minute * 60 + second) * SECOND_NS
    for minute in range(60)
    for second in range(60)
}
_CLOCK_POINT = {f"{text}.": ns for text, ns in _CLOCK.items()}
_SCALE = tuple(int("1" + "0" * (9 - digits)) for digits in range(10))
_CACHE_LIMIT = 20_000
