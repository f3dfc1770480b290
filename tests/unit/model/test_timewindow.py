"""Windows partition time: no overlap, no hole, whole minutes; calendar windows in local time."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.timewindow import (
    DAY,
    HOUR,
    WINDOW_BY_NAME,
    WINDOWS,
    WindowSpec,
    previous,
    start_of_day,
    start_of_month,
    start_of_next_month,
    window_at,
)

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.floats(1_600_000_000, 1_900_000_000)


@given(moments, st.sampled_from(WINDOWS), st.integers(0, 5))
def test_periods_follow_each_other_without_hole_or_overlap(
    now: float, spec: WindowSpec, back: int
) -> None:
    newer, older = (window_at(spec, now, BERLIN, n) for n in (back, back + 1))
    assert older.end == newer.start
    assert newer.start < newer.end
    assert newer.start % 60 == newer.end % 60 == 0
    assert newer.live == (back == 0)


@given(moments, st.sampled_from(WINDOWS))
def test_buckets_cover_the_window(now: float, spec: WindowSpec) -> None:
    window = window_at(spec, now, BERLIN)
    buckets = window.buckets()
    assert buckets[0] <= window.start < buckets[0] + window.step
    assert buckets[-1] < window.end <= buckets[-1] + window.step
    assert all(b - a == window.step for a, b in pairwise(buckets))
    assert len(buckets) <= 62


@given(moments)
def test_a_live_window_holds_the_running_minute(now: float) -> None:
    window = window_at(WINDOW_BY_NAME["1h"], now, BERLIN)
    assert window.start <= now < window.end
    assert window.seconds == HOUR


def test_a_day_with_a_clock_change_has_23_hours() -> None:
    noon = datetime(2026, 3, 29, 12, tzinfo=BERLIN).timestamp()
    day = start_of_day(noon, BERLIN)
    assert start_of_day(noon + DAY, BERLIN) - day == 23 * HOUR


def test_month_borders_in_local_time() -> None:
    moment = datetime(2026, 11, 30, 23, 30, tzinfo=UTC).timestamp()  # 00:30 on 1 December there
    assert start_of_month(moment, BERLIN) == datetime(2026, 12, 1, tzinfo=BERLIN).timestamp()
    assert start_of_next_month(moment, BERLIN) == datetime(2027, 1, 1, tzinfo=BERLIN).timestamp()


def test_today_is_compared_with_yesterday_up_to_the_same_time() -> None:
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC).timestamp()
    window = window_at(WINDOW_BY_NAME["today"], now, UTC)
    before = previous(window, UTC)
    assert before.start == window.start - DAY
    assert before.seconds == window.seconds == 10 * HOUR + 31 * 60


@pytest.mark.parametrize("spec", [w for w in WINDOWS if w.seconds])
def test_rolling_windows_are_compared_with_the_same_length_before(spec: WindowSpec) -> None:
    window = window_at(spec, 1_800_000_000.0, UTC)
    before = previous(window, UTC)
    assert (before.end, before.seconds) == (window.start, spec.seconds)
