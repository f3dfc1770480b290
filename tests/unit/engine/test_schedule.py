"""The grid of due times, overruns and back-off."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costtui.engine.schedule import BACKOFF_CEILING, Schedule


def test_a_quick_poll_keeps_the_grid() -> None:
    schedule = Schedule(10.0, start=100.0)
    schedule.succeeded(100.4)
    assert schedule.due == 110.0
    schedule.succeeded(111.0)
    assert schedule.due == 120.0
    assert schedule.overruns == 0


def test_the_second_turn_may_come_early_and_starts_a_grid_of_its_own() -> None:
    schedule = Schedule(10.0, start=100.0, early=3.0)
    schedule.succeeded(100.4)
    assert schedule.due == 107.0
    schedule.succeeded(128.0)  # two turns of that grid too late
    assert schedule.due == 137.0
    assert schedule.overruns == 2


def test_a_slow_poll_skips_turns_and_counts_them() -> None:
    schedule = Schedule(10.0, start=100.0)
    schedule.succeeded(135.0)
    assert schedule.due == 140.0
    assert schedule.overruns == 3


def test_failures_double_the_wait_up_to_a_ceiling_and_never_stop() -> None:
    schedule = Schedule(10.0, start=0.0)
    waits = []
    for _ in range(6):
        schedule.failed(1000.0)
        waits.append(schedule.due - 1000.0)
    assert waits == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]
    schedule.succeeded(1060.0)
    assert schedule.failures == 0


def test_reading_a_backlog_is_no_overrun() -> None:
    schedule = Schedule(2.0, start=0.0)
    schedule.more(5.0)
    assert schedule.due == 5.0
    schedule.more(9.0)
    schedule.succeeded(14.0)
    assert (schedule.due, schedule.overruns) == (16.0, 0)


def test_a_source_slower_than_the_ceiling_keeps_its_own_interval() -> None:
    schedule = Schedule(300.0, start=0.0)
    for _ in range(5):
        schedule.failed(0.0)
    assert schedule.due == max(300.0, BACKOFF_CEILING)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.1, 60), st.floats(0, 0.9))
def test_due_is_never_in_the_past_after_a_poll(
    durations: list[float], interval: float, early: float
) -> None:
    schedule = Schedule(interval, start=0.0, early=early * interval)
    now = 0.0
    for duration in durations:
        now = max(now, schedule.due) + duration
        schedule.succeeded(now)
        assert schedule.due >= now - 1e-6
        assert schedule.due <= now + interval + 1e-6
