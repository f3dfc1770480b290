"""A forecast against series whose future is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.analysis.forecast import CHECKS, Forecast, expected, forecast, shared
from costtui.model.timewindow import start_of_next_month

HOUR, DAY = 3600, 86_400
START = int(datetime(2026, 9, 7, tzinfo=UTC).timestamp())  # a Monday
CENT = 10_000_000


def told(
    hours: Sequence[int | None], *, ahead: int = 9 * DAY, after: float = 0, zone: str = "UTC"
) -> Forecast:
    """The forecast right after `hours`, `after` seconds into the next one."""
    now = START + len(hours) * HOUR + after
    return forecast(hours, START, now, int(now) + ahead, ZoneInfo(zone))


def pattern(at: int) -> int:
    """A working week: quiet nights and weekends."""
    hour, day = at % 24, at // 24 % 7
    return CENT * (20 + (100 if 8 <= hour < 18 else 0)) // (4 if day >= 5 else 1)


@given(st.integers(0, 10**13), st.integers(24, 1400), st.integers(0, 3599))
@settings(max_examples=40, deadline=None)
def test_a_flat_series_goes_on_exactly(nano: int, length: int, after: int) -> None:
    found = told([nano] * length, after=after)
    begin = START + length * HOUR + after
    for end, estimate in zip(found.ends, found.path, strict=True):
        due = nano * (end - begin) / HOUR
        assert abs(estimate.nano - due) <= 1 + due * 1e-9
    for check in found.checks:
        assert (check.said, check.was) == (24 * nano, 24 * nano)


@pytest.mark.parametrize("weeks", [2, 3, 5, 8])
def test_a_weekly_pattern_is_repeated(weeks: int) -> None:
    hours: list[int | None] = [pattern(at) for at in range(weeks * 168 + 61)]
    found = told(hours, ahead=7 * DAY)
    due = 0
    for step, (end, estimate) in enumerate(zip(found.ends, found.path, strict=True)):
        due += pattern(len(hours) + step)
        assert end == START + (len(hours) + step + 1) * HOUR
        assert estimate.nano == pytest.approx(due, rel=0.03 if weeks == 2 else 0.005), step


def test_growth_goes_on_and_is_damped() -> None:
    grown: list[int | None] = [int(CENT * 1.01 ** (at / 24)) for at in range(35 * 24)]
    week = told(grown).until(START + len(grown) * HOUR + 7 * DAY).nano
    level = grown[-1]
    assert level is not None
    assert 168 * level * 1.02 < week < 168 * level * 1.01**7


@given(st.integers(2, 1000), st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_ten_times_the_money_is_ten_times_the_forecast(factor: int, seed: int) -> None:
    rng = random.Random(seed)
    hours = [rng.randrange(10**9) * (rng.random() < 0.9) for _ in range(rng.randrange(30, 900))]
    one, many = told(list(hours)), told([h * factor for h in hours])
    for small, large in zip(one.path, many.path, strict=True):
        for a, b in zip(small, large, strict=True):
            assert b == pytest.approx(a * factor, rel=1e-6, abs=2 * factor)
    assert [c.permille for c in one.checks] == pytest.approx(
        [c.permille for c in many.checks], abs=1
    )


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 10**14), st.just(0)), max_size=600),
    st.integers(0, 3599),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Chatham"]),
)
@settings(max_examples=60, deadline=None)
def test_never_negative_never_falling_always_within_its_band(
    hours: list[int | None], after: int, zone: str
) -> None:
    found = told(hours, after=after, zone=zone)
    before = (0, 0, 0)
    for estimate in found.path:
        assert all(isinstance(nano, int) for nano in estimate)
        assert 0 <= estimate.low <= estimate.nano <= estimate.high
        assert all(a <= b + 2 for a, b in zip(before, estimate, strict=True))
        before = estimate
    known = sum(h is not None for h in hours)
    assert found.known_hours == known
    assert found.banded == (known >= 24)
    if not found.banded:
        assert all(e.low == e.nano == e.high for e in found.path)


def test_a_gap_is_left_out_and_is_no_zero() -> None:
    whole: list[int | None] = [pattern(at) for at in range(6 * 168)]
    holed = list(whole)
    for at in (*range(900, 960), *range(300, 307)):
        holed[at] = None
    end = START + len(whole) * HOUR + 7 * DAY
    assert told(holed).until(end).nano == pytest.approx(told(whole).until(end).nano, rel=0.01)
    zeros = [0 if h is None else h for h in holed]
    assert told(zeros).until(end).nano < 0.99 * told(whole).until(end).nano


def test_one_runaway_day_is_no_new_level() -> None:
    hours: list[int | None] = [CENT] * (28 * 24)
    for at in range(26 * 24, 27 * 24):
        hours[at] = 50 * CENT
    week = told(hours).until(START + len(hours) * HOUR + 7 * DAY).nano
    assert week < 168 * CENT * 1.6


def simulated(rng: random.Random, length: int, noise: float) -> list[int]:
    """Working weeks with days of lognormal luck that lasts a while, and luck of each hour."""
    out, luck = [], 0.0
    for at in range(length):
        if at % 24 == 0:
            luck = 0.5 * luck + rng.gauss(0, noise)
        out.append(int(pattern(at) * math.exp(luck + rng.gauss(0, 0.3))))
    return out


@pytest.mark.parametrize(("weeks", "noise"), [(8, 0.25), (4, 0.25), (3, 0.2), (8, 0.1)])
def test_the_band_holds_about_eight_of_ten(
    weeks: int, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costtui.analysis.forecast.checked", lambda *_: ())  # not asked for here
    held = tried = 0
    for seed in range(60):
        rng = random.Random(seed)
        length = weeks * 168
        series = simulated(rng, length + 168, noise)
        end = START + length * HOUR + 7 * DAY
        band = told(list(series[:length]), ahead=7 * DAY).until(end)
        held += band.low <= sum(series[length:]) <= band.high
        tried += 1
    assert 0.7 <= held / tried <= 0.92, held / tried


@pytest.mark.parametrize(("weeks", "noise"), [(3, 0.2), (8, 0.1), (2, 0.2), (3, 0.05)])
def test_the_point_is_in_the_middle_of_its_band(
    weeks: int, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Surprises of few weeks have another mean than 1: it lay at 0 to 1 of the band."""
    monkeypatch.setattr("costtui.analysis.forecast.checked", lambda *_: ())  # not asked for here
    for seed in range(12):
        length = weeks * 168
        found = told(list(simulated(random.Random(seed), length, noise)), ahead=7 * DAY)
        for day in (1, 4, 7):
            one = found.until(START + length * HOUR + day * DAY)
            assert 0.25 <= (one.nano - one.low) / (one.high - one.low) <= 0.75, (seed, day)


def test_checks_are_made_from_what_was_known_a_week_before() -> None:
    rng = random.Random(4)
    hours: list[int | None] = list(simulated(rng, 6 * 168, 0.2))
    found = told(hours)
    assert len(found.checks) == CHECKS
    for back, check in enumerate(found.checks):
        last = len(hours) - 24 * back
        assert check.end == START + last * HOUR
        assert check.was == sum(h or 0 for h in hours[last - 24 : last])
        early = told(hours[: last - 168], ahead=7 * DAY)
        day = early.until(check.end).nano - early.until(check.start).nano
        assert check.said == pytest.approx(day, rel=0.02)
    assert found.error_permille is not None
    assert found.error_permille < 400


def test_little_history_says_so() -> None:
    day: list[int | None] = [CENT] * 23
    assert not told(day).banded
    assert not told(day).checks
    assert told(day).until(START + 23 * HOUR + 7 * DAY).nano == 168 * CENT
    some = told([CENT + at for at in range(5 * 24)])
    assert some.banded
    assert some.wide
    last = some.path[-1]
    assert last.high > last.nano * 1.2
    assert told([]).path[-1] == (0, 0, 0)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
def test_the_month_ends_where_it_does_in_the_zone(zone: str) -> None:
    moment = datetime(2026, 10, 20, 12, 34, 56, tzinfo=ZoneInfo(zone))  # summer time ends in it
    now = moment.timestamp()
    start = int(now) // HOUR * HOUR - 800 * HOUR
    until = start_of_next_month(now, ZoneInfo(zone))
    found = forecast([CENT] * 800, start, now, until, ZoneInfo(zone))
    assert until in found.ends
    due = CENT * (until - int(now)) / HOUR
    assert found.until(until).nano == pytest.approx(due, abs=2)


def test_local_hours_stay_where_they_are_when_the_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = int(datetime(2026, 9, 21, tzinfo=zone).timestamp())

    def local(at: int) -> int:
        return 100 * CENT if datetime.fromtimestamp(at, zone).hour == 9 else CENT

    now = start + 34 * DAY  # 25 October 2026, 00:00 CEST: three hours before the change
    hours = [local(at) for at in range(start, now, HOUR)]
    found = forecast(hours, start, now, now + 3 * DAY, zone)
    before = 0
    for end, estimate in zip(found.ends, found.path, strict=True):
        assert estimate.nano - before == pytest.approx(local(end - HOUR), rel=0.01)
        before = estimate.nano


@given(st.integers(0, 10**18), st.lists(st.integers(-5, 10**15), min_size=1, max_size=30))
def test_shares_add_up_to_the_whole(rest: int, parts: list[int]) -> None:
    found = shared(rest, parts)
    assert sum(found) == rest
    whole = sum(p for p in parts if p > 0)
    for part, share in zip(parts, found, strict=True):
        assert share >= 0
        if whole:
            assert abs(share * whole - rest * max(0, part)) <= whole


def test_the_same_question_has_the_same_answer() -> None:
    series: list[int | None] = list(simulated(random.Random(1), 700, 0.3))
    make: Callable[[], Forecast] = lambda: told(list(series))  # noqa: E731
    assert make() == make()


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 10**12)), min_size=24, max_size=400),
    st.integers(0, 3599),
    st.integers(1, 200),
    st.sampled_from(["UTC", "Asia/Kolkata"]),
)
@settings(max_examples=30, deadline=None)
def test_what_is_expected_is_the_middle_of_the_forecast(
    hours: list[int | None], after: int, ahead: int, zone: str
) -> None:
    now = START + len(hours) * HOUR + after
    until = START + (len(hours) + ahead) * HOUR
    whole = forecast(hours, START, now, until, ZoneInfo(zone)).until(until)
    assert expected(hours, START, now, until, ZoneInfo(zone)) == whole.nano
    assert expected(hours, START, now, now, ZoneInfo(zone)) == 0
