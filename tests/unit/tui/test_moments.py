"""What people type for a moment, across days, weeks and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.tui.moments import WEEKDAYS, parse_moment

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"),
         ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Kathmandu")]  # fmt: skip
NOW = datetime(2026, 11, 22, 10, 57, 3, tzinfo=UTC).timestamp()  # a Sunday


def berlin(*parts: int, fold: int = 0) -> float:
    return datetime(*parts, tzinfo=BERLIN, fold=fold).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:10", "2026-11-22 09:10:00"),
        ("9:10:30", "2026-11-22 09:10:30"),
        ("14:10", "2026-11-21 14:10:00"),
        ("today 9:00", "2026-11-22 09:00:00"),
        ("today", "2026-11-22 10:57:03"),
        ("2026-11-22", "2026-11-22 10:57:03"),
        ("now", "2026-11-22 10:57:03"),
        ("yesterday", "2026-11-21 23:59:59"),
        ("  Yesterday   14:10 ", "2026-11-21 14:10:00"),
        ("2026-11-20", "2026-11-20 23:59:59"),
        ("2026-11-20 14:10", "2026-11-20 14:10:00"),
        ("2026-11-20T14:10", "2026-11-20 14:10:00"),
        ("2026-1-2", "2026-01-02 23:59:59"),
        ("-3h", "2026-11-22 07:57:03"),
        ("-2d", "2026-11-20 10:57:03"),
        ("-1h30m", "2026-11-22 09:27:03"),
        ("- 90 m", "2026-11-22 09:27:03"),
        ("-1w", "2026-11-15 10:57:03"),
        ("monday", "2026-11-16 23:59:59"),
        ("mon 08:00", "2026-11-16 08:00:00"),
        ("sunday", "2026-11-15 23:59:59"),  # this one is not over
        ("sunday 10:00", "2026-11-22 10:00:00"),
        ("sunday 11:00", "2026-11-15 11:00:00"),
    ],
)
def test_what_is_typed(text: str, expected: str) -> None:
    found = datetime.fromtimestamp(parse_moment(text, NOW, UTC), UTC)
    assert found.strftime("%Y-%m-%d %H:%M:%S") == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "try 14:10"),
        ("   ", "try 14:10"),
        ("soon", "“soon” is no moment: try"),
        ("14", "a time is written 14:10"),
        ("14:1", "a time is written 14:10"),
        ("24:00", "times go from 00:00 to 23:59"),
        ("12:60", "times go from 00:00 to 23:59"),
        ("2026-02-30", "no such day"),
        ("2026-13-01 10:00", "no such day"),
        ("2026-12-24", "has not come yet"),
        ("today 11:00", "has not come yet"),
        ("9999-12-31", "has not come yet"),
        ("9999-12-31 10:00", "has not come yet"),
        ("0001-01-01", "before 1970"),
        ("0001-01-01 00:00", "before 1970"),
        ("-3x", "-90m, -3h"),
        ("+3h", "-90m, -3h"),
        ("-999999w", "before 1970"),
        ("monday tuesday", "try"),
        ("monday tuesday 10:00", "try"),
        ("mo", "try"),
        ("x" * 400, "…”"),
    ],
)
def test_what_cannot_be_read_says_what_can(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as error:
        parse_moment(text, NOW, UTC)
    assert says in str(error.value)
    assert len(str(error.value)) < 120


def test_clocks_that_go_back_show_a_time_twice_and_the_later_one_is_meant() -> None:
    after = berlin(2026, 10, 25, 12)
    assert parse_moment("02:30", after, BERLIN) == berlin(2026, 10, 25, 2, 30, fold=1)
    between = berlin(2026, 10, 25, 2, 10, fold=1)
    assert parse_moment("02:30", between, BERLIN) == berlin(2026, 10, 25, 2, 30, fold=0)
    assert parse_moment("2026-10-25", after + 86400, BERLIN) == berlin(2026, 10, 26) - 1


def test_clocks_that_go_forward_leave_a_time_out() -> None:
    now = berlin(2026, 3, 29, 12)
    with pytest.raises(ValueError, match="clocks went forward"):
        parse_moment("2026-03-29 02:30", now, BERLIN)
    assert parse_moment("02:30", now, BERLIN) == berlin(2026, 3, 28, 2, 30)
    assert parse_moment("-12h", now, BERLIN) == now - 12 * 3600


def test_a_day_without_a_midnight_ends_all_the_same() -> None:
    zone = ZoneInfo("America/Sao_Paulo")  # 2018-11-04 began at 01:00
    now = datetime(2018, 11, 5, 12, tzinfo=zone).timestamp()
    end = parse_moment("2018-11-03", now, zone) + 1
    assert datetime.fromtimestamp(end, zone).strftime("%d %H:%M") == "04 01:00"


moments = st.floats(946_684_800, 4_000_000_000).map(round).map(float)


@given(moments, st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 59))
def test_a_bare_time_is_the_latest_such_that_is_past(
    now: float, zone: ZoneInfo, hour: int, minute: int
) -> None:
    found = parse_moment(f"{hour}:{minute:02d}", now, zone)
    assert found <= now
    local = datetime.fromtimestamp(found, zone)
    assert (local.hour, local.minute, local.second) == (hour, minute, 0)
    # No later minute up to now shows it: ground truth by walking over all of them.
    step = int(found) // 60 * 60 + 60
    assert now - found < 3 * 86_400
    for at in range(step, int(now) + 1, 60):
        shown = datetime.fromtimestamp(at, zone)
        assert (shown.hour, shown.minute) != (hour, minute)


@given(moments, st.sampled_from(ZONES), st.sampled_from(WEEKDAYS))
def test_a_weekday_is_over_and_the_latest(now: float, zone: ZoneInfo, day: str) -> None:
    found = parse_moment(day, now, zone)
    assert found <= now
    assert now - found <= 7 * 86_400 + 3600
    local = datetime.fromtimestamp(found, zone)
    assert WEEKDAYS[local.weekday()] == day
    assert datetime.fromtimestamp(found + 1, zone).date() == local.date() + timedelta(days=1)


@given(moments, st.sampled_from(ZONES), st.text(max_size=30))
def test_anything_typed_is_a_past_moment_or_a_sentence(
    now: float, zone: ZoneInfo, text: str
) -> None:
    try:
        assert 0 < parse_moment(text, now, zone) <= now
    except ValueError as error:
        assert str(error)  # noqa: PT017 - every text is either


@given(moments, st.sampled_from(ZONES), st.integers(1, 20 * 366))
def test_what_is_shown_for_a_moment_reads_as_that_moment(
    now: float, zone: ZoneInfo, days: int
) -> None:
    moment = now - days * 86_400
    local = datetime.fromtimestamp(moment, zone)
    found = parse_moment(local.strftime("%Y-%m-%d %H:%M:%S"), now, zone)
    assert found - moment in (0, 3600, 1800)  # a time that is shown twice is the later one
