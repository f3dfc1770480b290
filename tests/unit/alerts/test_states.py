from __future__ import annotations

from dataclasses import replace

import pytest
from costtui.alerts.evaluate import RESOLVED_FOR, Labels, Observation, evaluate, supported
from hypothesis import given
from hypothesis import strategies as st

from costtui.config.alert_schema import MEASURES, AlertRule
from costtui.model.charge import Exactness
from costtui.model.snapshot import AlertStatus

LIMIT = 5_000_000_000
OVER = LIMIT + 1
RULE = AlertRule("day", "cost_over", LIMIT, 86400, "24h", severity="critical")
HOLD = replace(RULE, hold=300)
BY_MODEL = replace(RULE, by=("model",))
GPT: Labels = (("model", "gpt-4o"),)
CLAUDE: Labels = (("model", "claude"),)


def exact(nano: int) -> Observation:
    return nano, Exactness.EXACT


def step(
    rule: AlertRule,
    nano: int | None,
    before: list[AlertStatus],
    now: float,
    labels: Labels = (),
) -> list[AlertStatus]:
    observed = {} if nano is None else {rule.name: {labels: exact(nano)}}
    return evaluate([rule], observed, before, now)


def states(statuses: list[AlertStatus]) -> list[tuple[str, float]]:
    return [(status.state, status.since) for status in statuses]


def test_exactly_the_limit_is_not_above_it() -> None:
    assert states(step(RULE, LIMIT, [], 100.0)) == [("inactive", 100.0)]
    assert states(step(RULE, LIMIT + 1, [], 100.0)) == [("firing", 100.0)]
    zero = replace(RULE, limit=0)
    assert states(step(zero, 0, [], 100.0)) == [("inactive", 100.0)]
    assert states(step(zero, 1, [], 100.0)) == [("firing", 100.0)]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_rule_that_is_not_about_cost_is_left_alone(measure: str) -> None:
    rule = replace(RULE, measure=measure)
    fired = step(RULE, OVER, [], 0.0)
    assert supported(rule) == (measure == "cost_over")
    assert bool(step(rule, OVER, fired, 1.0)) == supported(rule)


def test_the_whole_way_with_a_hold() -> None:
    now: list[AlertStatus] = []
    way = [
        # time, cost → state, since
        (0.0, LIMIT, "inactive", 0.0),
        (60.0, OVER, "pending", 60.0),
        (200.0, LIMIT + 5, "pending", 60.0),
        (359.9, OVER, "pending", 60.0),
        (360.0, OVER, "firing", 360.0),
        (500.0, OVER, "firing", 360.0),
        (600.0, LIMIT, "resolved", 600.0),
        (700.0, 0, "resolved", 600.0),
        (600.0 + RESOLVED_FOR, 0, "inactive", 600.0 + RESOLVED_FOR),
        (1600.0, 0, "inactive", 600.0 + RESOLVED_FOR),
        (1700.0, OVER, "pending", 1700.0),
        (1800.0, LIMIT, "inactive", 1800.0),
    ]
    for time, cost, state, since in way:
        now = step(HOLD, cost, now, time)
        assert states(now) == [(state, since)], time


def test_firing_again_after_being_resolved_starts_over() -> None:
    fired = step(RULE, OVER, [], 0.0)
    resolved = step(RULE, 0, fired, 10.0)
    assert states(step(RULE, OVER, resolved, 20.0)) == [("firing", 20.0)]
    held = step(HOLD, OVER, [replace(resolved[0])], 20.0)
    assert states(held) == [("pending", 20.0)]


def test_no_observation_changes_nothing() -> None:
    for state in ("inactive", "pending", "firing", "resolved"):
        before = [replace(step(RULE, OVER, [], 0.0)[0], state=state)]
        assert step(RULE, None, before, 10_000.0) == before
    assert step(RULE, None, [], 0.0) == []


def test_an_empty_observation_is_a_window_without_spend() -> None:
    fired = step(RULE, OVER, [], 0.0)
    after = evaluate([RULE], {"day": {}}, fired, 10.0)
    assert states(after) == [("resolved", 10.0)]
    assert after[0].value_nano == 0


def test_each_label_set_is_its_own_instance() -> None:
    both = {"day": {GPT: exact(OVER), CLAUDE: exact(LIMIT)}}
    first = evaluate([BY_MODEL], both, [], 0.0)
    assert [(s.labels, s.state) for s in first] == [(GPT, "firing")]
    swapped = {"day": {GPT: exact(1), CLAUDE: exact(OVER)}}
    second = evaluate([BY_MODEL], swapped, first, 10.0)
    assert [(s.labels, s.state, s.value_nano) for s in second] == [
        (CLAUDE, "firing", OVER),
        (GPT, "resolved", 1),
    ]
    gone = evaluate([BY_MODEL], {"day": {CLAUDE: exact(OVER)}}, second, 20.0)
    assert [(s.labels, s.state, s.value_nano) for s in gone] == [
        (CLAUDE, "firing", OVER),
        (GPT, "resolved", 0),
    ]


def test_a_quiet_rule_shows_what_is_nearest_to_its_limit() -> None:
    seen = {"day": {GPT: exact(7), CLAUDE: exact(9)}}
    quiet = evaluate([BY_MODEL], seen, [], 5.0)
    assert [(s.labels, s.state, s.value_nano) for s in quiet] == [(CLAUDE, "inactive", 9)]


def test_a_status_carries_its_rule_and_how_right_it_is() -> None:
    observed: dict[str, dict[Labels, Observation]] = {"day": {(): (OVER, Exactness.LOWER_BOUND)}}
    assert evaluate([RULE], observed, [], 5.0) == [
        AlertStatus("day", (), "firing", "critical", OVER, LIMIT, 5.0, "24h", Exactness.LOWER_BOUND)
    ]


def test_a_rule_that_is_gone_takes_its_statuses_along() -> None:
    fired = step(RULE, OVER, [], 0.0)
    assert evaluate([], {}, fired, 1.0) == []


def test_a_changed_rule_keeps_firing_since_the_same_moment() -> None:
    fired = step(RULE, OVER, [], 0.0)
    lower = replace(RULE, limit=1, severity="info")
    after = step(lower, OVER, fired, 10.0)
    assert states(after) == [("firing", 0.0)]
    assert (after[0].limit_nano, after[0].severity) == (1, "info")


def test_a_clock_that_was_set_back_does_not_hold_an_alert_for_ever() -> None:
    pending = step(HOLD, OVER, [], 10_000.0)
    back = step(HOLD, OVER, pending, 1_000.0)
    assert states(back) == [("pending", 1_000.0)]
    assert states(step(HOLD, OVER, back, 1_300.0)) == [("firing", 1_300.0)]


LOOK = st.tuples(
    st.floats(0, 400, allow_nan=False),
    st.none() | st.dictionaries(st.sampled_from([GPT, CLAUDE]), st.sampled_from([0, LIMIT, OVER])),
    st.booleans(),
)


@given(st.integers(1, 600), st.lists(LOOK, max_size=40))
def test_with_a_hold_nothing_fires_that_was_not_pending_long_enough(
    hold: int, looks: list[tuple[float, dict[Labels, int] | None, bool]]
) -> None:
    """Also over restarts: the statuses are all that survives."""
    rule = replace(BY_MODEL, hold=hold)
    now, statuses = 1e9, list[AlertStatus]()
    reached_since: dict[Labels, float] = {}
    for wait, seen, _ in looks:
        now += wait
        observed = {} if seen is None else {"day": {k: exact(v) for k, v in seen.items()}}
        before = {s.labels: s for s in statuses}
        statuses = evaluate([rule], observed, list(statuses), now)
        if seen is None:
            assert statuses == list(before.values())
            continue
        for labels in (GPT, CLAUDE):
            if seen.get(labels, 0) > LIMIT:
                reached_since.setdefault(labels, now)
            else:
                reached_since.pop(labels, None)
        for status in statuses:
            if status.state == "firing":
                assert before[status.labels].state in ("pending", "firing")
                assert now - reached_since[status.labels] >= hold
            if status.state == "pending":
                assert status.since == reached_since[status.labels]
            if status.state == "resolved":
                assert before[status.labels].state in ("firing", "resolved")
        told = {s.labels for s in statuses if s.state in ("pending", "firing")}
        assert told == set(reached_since)


@pytest.mark.parametrize("count", [20_000])
def test_many_label_sets_are_no_many_statuses(count: int) -> None:
    seen: dict[Labels, Observation] = {(("consumer", str(n)),): exact(n) for n in range(count)}
    rule = replace(RULE, by=("consumer",), limit=count - 4)
    assert [s.value_nano for s in evaluate([rule], {"day": seen}, [], 0.0)] == [
        count - 3,
        count - 2,
        count - 1,
    ]
