"""Each counter rule by itself, with numbers worked out by hand."""

from __future__ import annotations

from costtui.sources.metrics.counters import TARGET, Advance, Counters, Reading, Scrape

NAMES = frozenset({"m"})


def step(
    counters: Counters,
    now: float,
    values: dict[str, int],
    *,
    start: float = 0.0,
    created: float = 0.0,
    skew: float = 0.0,
    names: frozenset[str] = NAMES,
    metric: str = "m",
) -> Advance[str]:
    readings = [Reading(f"s:{k}", metric, v, created, k) for k, v in values.items()]
    scrape = Scrape(now, start, skew, names)
    restarted = counters.restarted(readings, scrape)
    advance = counters.advance(readings, scrape, restarted=restarted)
    counters.commit(advance)
    return advance


def deltas(advance: Advance[str]) -> dict[str, int]:
    return {o.item: o.delta for o in advance.outcomes}


def fresh(*, together: bool = False) -> Counters:
    counters = Counters("here", together=together)
    counters.restore({})
    return counters


def test_first_sight_is_a_baseline_and_a_later_series_counts_whole() -> None:
    counters = fresh()
    assert deltas(step(counters, 10, {"a": 1000})) == {"a": 0}
    assert deltas(step(counters, 20, {"a": 1035, "b": 7})) == {"a": 35, "b": 7}


def test_what_started_after_our_first_attempt_counts_whole_at_first_sight() -> None:
    counters = fresh()
    stored = counters.attempt(100.0)
    assert set(stored) == {TARGET}
    again = Counters("here")
    again.restore({k: v for k, v in stored.items() if v is not None})
    assert again.attempt(115.0) == {}
    assert deltas(step(again, 130, {"a": 44}, start=110.0)) == {"a": 44}


def test_what_started_before_our_first_attempt_is_a_baseline() -> None:
    counters = fresh()
    counters.attempt(100.0)
    assert deltas(step(counters, 130, {"a": 44}, start=90.0)) == {"a": 0}


def test_a_clock_that_is_ahead_does_not_make_old_usage_new() -> None:
    counters = fresh()
    counters.attempt(100.0)
    # Started at 40 of our clock; the target's clock is an hour ahead.
    assert deltas(step(counters, 130, {"a": 44}, start=3640.0, skew=3600.0)) == {"a": 0}


def test_a_fall_is_a_reset_and_the_new_value_counts() -> None:
    counters = fresh()
    step(counters, 10, {"a": 100, "b": 5})
    advance = step(counters, 20, {"a": 30, "b": 6})
    assert deltas(advance) == {"a": 30, "b": 1}
    assert advance.resets == 1
    assert [o.lost for o in advance.outcomes] == [True, False]


def test_a_newer_process_start_resets_what_grew_past_its_old_value() -> None:
    counters = fresh()
    step(counters, 100, {"a": 40, "b": 9}, start=50.0)
    advance = step(counters, 200, {"a": 50, "b": 9}, start=150.0)
    assert deltas(advance) == {"a": 50, "b": 9}
    assert advance.resets == 1
    assert all(o.lost for o in advance.outcomes)


def test_a_start_time_that_drifts_with_the_clock_is_no_restart() -> None:
    counters = fresh()
    step(counters, 10_000, {"a": 40}, start=50.0)
    advance = step(counters, 10_010, {"a": 41}, start=3650.0)
    assert deltas(advance) == {"a": 1}
    assert advance.resets == 0
    assert advance.outcomes[0].lost  # not sure, so the cell says ≥


def test_a_newer_created_is_a_reset_of_that_series() -> None:
    counters = fresh()
    step(counters, 10, {"a": 40}, created=5.0)
    advance = step(counters, 20, {"a": 60}, created=15.0)
    assert deltas(advance) == {"a": 60}
    assert advance.resets == 1


def test_a_series_that_vanished_goes_on_from_its_last_value() -> None:
    counters = fresh()
    step(counters, 10, {"a": 40})
    step(counters, 20, {})
    assert deltas(step(counters, 30, {"a": 45})) == {"a": 5}
    step(counters, 40, {})
    advance = step(counters, 50, {"a": 3})
    assert deltas(advance) == {"a": 3}
    assert advance.resets == 1


def test_absent_through_a_restart_counts_whole_and_is_marked() -> None:
    counters = fresh()
    step(counters, 100, {"a": 40, "b": 1}, start=50.0)
    step(counters, 200, {"b": 2}, start=150.0)
    advance = step(counters, 210, {"a": 41, "b": 2}, start=150.0)
    assert deltas(advance) == {"a": 41, "b": 0}
    assert advance.outcomes[0].lost


def test_absent_through_a_whole_life_is_forgotten() -> None:
    counters = fresh()
    step(counters, 100, {"a": 40, "b": 1}, start=50.0)
    assert step(counters, 200, {"b": 2}, start=150.0).dropped == []
    assert step(counters, 300, {"b": 2}, start=250.0).dropped == ["s:a"]


def test_a_metric_asked_for_only_now_is_a_baseline() -> None:
    """A newer preset must not count the history of a counter it did not read before."""
    counters = fresh()
    step(counters, 10, {"a": 1})
    both = frozenset({"m", "new"})
    first = step(counters, 20, {"x": 500}, names=both, metric="new")
    assert deltas(first) == {"x": 0}
    assert deltas(step(counters, 30, {"x": 505, "y": 2}, names=both, metric="new")) == {
        "x": 5,
        "y": 2,
    }


def test_another_url_is_another_target() -> None:
    counters = fresh()
    parts = counters.checkpoint(step(counters, 10, {"a": 1}))
    other = Counters("elsewhere")
    other.restore({k: v for k, v in parts.items() if v is not None})
    advance = step(other, 20, {"b": 900})
    assert deltas(advance) == {"b": 0}
    assert other.checkpoint(advance).get("s:a", "kept") is None or "s:a" in advance.dropped


def test_only_changed_parts_are_written() -> None:
    counters = fresh()
    step(counters, 10, {"a": 1, "b": 2})
    assert set(counters.checkpoint(step(counters, 20, {"a": 1, "b": 3}))) == {TARGET, "s:b"}


def test_an_unreadable_state_is_a_baseline_and_not_a_whole_count() -> None:
    counters = fresh()
    parts = counters.checkpoint(step(counters, 10, {"a": 1000}))
    stored = {k: v for k, v in parts.items() if v is not None}
    # What checkpoint() says after the commit lacks the names; take them from a first write.
    stored["@names"] = '["m"]'
    stored["s:a"] = "{broken"
    counters.restore(stored)
    assert deltas(step(counters, 20, {"a": 1010})) == {"a": 0}
    assert deltas(step(counters, 30, {"a": 1015})) == {"a": 5}


def test_a_deleted_series_is_no_reset_in_a_process_that_did_not_begin_again() -> None:
    counters = Counters("here", vanishing=True)
    counters.restore({})
    step(counters, 10, {"a": 1000}, start=1.0, created=2.0)
    back = step(counters, 20, {"a": 30}, start=1.0, created=15.0)
    assert (deltas(back), back.resets, back.outcomes[0].lost) == ({"a": 30}, 0, False)
    # Without a newer creation it fell for another reason, and something may be lost.
    fell = step(counters, 30, {"a": 7}, start=1.0, created=15.0)
    assert (deltas(fell), fell.resets, fell.outcomes[0].lost) == ({"a": 7}, 1, True)
    # Nor where the page does not say when the process began.
    blind = Counters("here", vanishing=True)
    blind.restore({})
    step(blind, 10, {"a": 1000}, created=2.0)
    assert step(blind, 20, {"a": 30}, created=15.0).outcomes[0].lost
    # And a target that deletes nothing lost something.
    plain = fresh()
    step(plain, 10, {"a": 1000}, start=1.0, created=2.0)
    assert step(plain, 20, {"a": 30}, start=1.0, created=15.0).outcomes[0].lost
