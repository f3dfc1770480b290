"""Timestamps are exact to the nanosecond, however they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.sources.jsonl.timestamps import UNITS, Moments, parse_rfc3339

seconds_of_time = st.integers(366 * 86400, 291 * 365 * 86400)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(seconds_of_time, offsets, st.text("0123456789", max_size=9), st.booleans())
def test_every_way_to_write_it_is_the_same_moment(
    seconds: int, zone: timezone, digits: str, warm: bool
) -> None:
    local = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    expected = seconds * 10**9 + int(digits.ljust(9, "0"))
    text = local.isoformat()
    written = f"{text[:19]}.{digits}{text[19:]}" if digits else text
    parser = Moments()
    if warm:
        parser.parse(text)
    assert parser.parse(written) == expected
    assert parser.parse(written) == expected
    assert parse_rfc3339(written) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T11:00:38Z",
        "2026-11-22t11:00:38z",
        "2026-11-22 11:00:38Z",
        "2026-11-22 11:00:38 +00:00",
        "2026-11-22T11:00:38",
        "2026-11-22T11:00:38.000Z",
        "2026-11-22T11:00:38,000Z",
        "2026-11-22T11:00:38.0000000009Z",
        "2026-11-22T13:00:38+0200",
        "2026-11-22T11:00:38-00:00",
    ],
)
def test_spellings(text: str) -> None:
    parser = Moments()
    for _ in range(2):
        assert parser.parse(text) == 1795345238 * 10**9


def test_a_leap_second_is_the_next_second() -> None:
    parser = Moments()
    for _ in range(2):
        assert parser.parse("2016-12-31T23:59:60Z") == 1483228800 * 10**9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "2026",
        "2026-11-22",
        "20261122T110038Z",
        "2026-W47-7T11:00:38Z",
        "2026-11-22T11:00:61Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T11:00:38.Z",
        "2026-11-22T11:00:38.1_2Z",
        "2026-11-22T11:00:38.+5Z",
        "2026-11-22T11:00:38.²Z",
        "2026-11-22T11:00:38x+02:00",
        "2026-11-22T11:00:38xZ",
        "2026-11-22T11:00:3Z",
        "2026-11-22T11:00:38+02:99",
        "2026-11-22T11:00:38+25:00",
        "2026-13-22T11:00:38Z",
        "2026-11-22T11:00:38Z\n",
        "٢٠٢٦-11-22T11:00:38Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:30:00+14:00",
        "2262-12-31T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    parser = Moments()
    parser.parse("2026-11-22T11:00:38+02:00")
    parser.parse("2026-11-22T11:00:38.5Z")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"timestamp|offset"):
            parser.parse(text)


def test_numbers_are_exact() -> None:
    assert UNITS["s"](1795327876.973027) == 1795327876_973027000
    assert UNITS["s"]("1795327876.973027123") == 1795327876_973027123
    assert UNITS["ms"](1795327876973) == 1795327876_973000000
    assert UNITS["us"](1795327876973027) == 1795327876_973027000
    assert UNITS["ns"](1795327876973027123) == 1795327876_973027123
    for bad in (0, -5, float("nan"), float("inf"), 10**30, "x", 1e300):
        for unit in UNITS.values():
            with pytest.raises(ValueError, match="timestamp"):
                unit(bad)
