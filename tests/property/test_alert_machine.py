"""The alert states against a second model, written from Prometheus's documentation as one history
of booleans instead of states: what is true of an instance follows from when its condition held."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costtui.alerts.machine import RESOLVED_FOR, Instance, Labels, Timing, step

A: Labels = (("model", "a"),)
STEPS = st.lists(
    st.tuples(st.integers(1, 700), st.sampled_from(["over", "under", "unknown"])), max_size=40
)


class Reference:
    """Prometheus's words, read backwards from the whole history of evaluations."""

    def __init__(self, hold: int, keep: int) -> None:
        self.hold, self.keep = hold, keep
        self.history: list[tuple[int, bool]] = []

    def say(self, now: int, over: bool) -> str:
        self.history.append((now, over))
        fired = kept = resolved = None
        began = None
        for at, holds in self.history:
            if holds:
                if resolved is not None:
                    began = fired = resolved = None
                kept = None
                began = at if began is None else began
                if fired is None and at - began >= self.hold:
                    fired = at
            elif fired is not None and resolved is None:
                kept = at if kept is None else kept
                if at - kept >= self.keep:
                    resolved = at
            elif fired is None:
                began = None
            elif resolved is not None and at - resolved > RESOLVED_FOR:
                began = fired = kept = resolved = None
        if resolved is not None:
            return "resolved"
        if fired is not None:
            return "firing"
        return "inactive" if began is None else "pending"


@given(STEPS, st.integers(0, 900), st.integers(0, 900))
def test_states_are_those_of_prometheus(steps: list[tuple[int, str]], hold: int, keep: int) -> None:
    timing, reference = Timing(hold, keep, "ok"), Reference(hold, keep)
    now, instances = 1_000_000, dict[Labels, Instance]()
    for passed, what in steps:
        now += passed
        unknown = {A} if what == "unknown" else set()
        active = {A} if what == "over" else set()
        instances = step(timing, instances, active, now, unknown, passed)
        got = instances[A].state if A in instances else "inactive"
        assert got == reference.say(now, what == "over")


@given(STEPS, st.integers(1, 900), st.integers(0, 900), st.sampled_from(["keep", "ok", "alert"]))
def test_none_skips_pending_and_each_state_is_reached_by_its_own_way(
    steps: list[tuple[int, str]], hold: int, keep: int, no_data: str
) -> None:
    allowed = {
        ("inactive", "pending"), ("pending", "firing"), ("pending", "inactive"),
        ("firing", "resolved"), ("resolved", "pending"), ("resolved", "inactive"),
    }  # fmt: skip
    timing = Timing(hold, keep, no_data)
    now, instances, was = 1_000_000, dict[Labels, Instance](), "inactive"
    for passed, what in steps:
        now += passed
        unknown = {A} if what == "unknown" else set()
        active = {A} if what == "over" else set()
        instances = step(timing, instances, active, now, unknown, passed)
        state = instances[A].state if A in instances else "inactive"
        assert state == was or (was, state) in allowed
        was = state


@given(STEPS, st.integers(0, 900), st.integers(0, 900))
def test_a_gap_neither_fires_nor_resolves_and_no_time_counts_in_it(
    steps: list[tuple[int, str]], hold: int, keep: int
) -> None:
    """With `keep`, a history with gaps is the history without them, whose clock stood still."""
    timing = Timing(hold, keep, "keep")
    now = still = 1_000_000
    with_gaps, without = dict[Labels, Instance](), dict[Labels, Instance]()
    for passed, what in steps:
        now += passed
        if what == "unknown":
            before = {k: v.state for k, v in with_gaps.items() if v.state != "resolved"}
            with_gaps = step(timing, with_gaps, set(), now, {A}, passed)
            assert before == {k: v.state for k, v in with_gaps.items() if v.state != "resolved"}
            if A not in with_gaps:  # a resolved one is forgotten by the clock on the wall
                without = {}
            continue
        still += passed
        active = {A} if what == "over" else set()
        with_gaps = step(timing, with_gaps, active, now, set(), passed)
        without = step(timing, without, active, still, set(), passed)
        one, two = (x[A].state if A in x else "inactive" for x in (with_gaps, without))
        if "resolved" not in (one, two):
            assert one == two


@given(STEPS, st.integers(0, 900))
def test_evaluating_again_at_the_same_moment_changes_nothing(
    steps: list[tuple[int, str]], hold: int
) -> None:
    timing = Timing(hold, 0, "keep")
    now, instances = 1_000_000, dict[Labels, Instance]()
    for passed, what in steps:
        now += passed
        unknown = {A} if what == "unknown" else set()
        active = {A} if what == "over" else set()
        instances = step(timing, instances, active, now, unknown, passed)
        assert step(timing, instances, active, now, unknown, 0.0) == instances
