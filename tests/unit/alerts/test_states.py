"""From what is seen to statuses: instances, values, quiet rules, restarts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.alerts.look import Seen
from costtui.alerts.machine import RESOLVED_FOR, Labels
from costtui.alerts.observe import Observation
from costtui.alerts.states import evaluate
from costtui.alerts.watches import Watch, watches
from costtui.config.alert_schema import AlertRule, BudgetConfig
from costtui.model.alert import AlertStatus, episode_id
from costtui.model.charge import Exactness

LIMIT = 5_000_000_000
OVER = LIMIT + 1
RULE = AlertRule("day", "cost_over", LIMIT, 86400, "24h", severity="critical")
HOLD = replace(RULE, hold=300)
BY_MODEL = replace(RULE, by=("model",))
GPT: Labels = (("model", "gpt-4o"),)
CLAUDE: Labels = (("model", "claude"),)


def seeing(rule: AlertRule, values: dict[Labels, int], *unknown: Labels) -> Observation:
    seen = {labels: Seen(value, value > rule.limit) for labels, value in values.items()}
    return Observation(seen, frozenset(unknown))


def look(
    rule: AlertRule, values: dict[Labels, int] | None, before: list[AlertStatus], now: float,
    passed: float = 0.0,
) -> list[AlertStatus]:  # fmt: skip
    seen = None if values is None else seeing(rule, values)
    return evaluate(watches([rule], []), [seen], before, now, passed)


def step(
    rule: AlertRule, value: int, before: list[AlertStatus], now: float
) -> list[AlertStatus]:  # fmt: skip
    return look(rule, {(): value}, before, now)


def states(statuses: list[AlertStatus]) -> list[tuple[str, float]]:
    return [(status.state, status.since) for status in statuses]


def test_exactly_the_limit_is_not_above_it() -> None:
    assert states(step(RULE, LIMIT, [], 100.0)) == [("inactive", 100.0)]
    assert states(step(RULE, LIMIT + 1, [], 100.0)) == [("firing", 100.0)]
    zero = replace(RULE, limit=0)
    assert states(step(zero, 0, [], 100.0)) == [("inactive", 100.0)]
    assert states(step(zero, 1, [], 100.0)) == [("firing", 100.0)]


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
        (601.0 + RESOLVED_FOR, 0, "inactive", 601.0 + RESOLVED_FOR),
        (1600.0, 0, "inactive", 601.0 + RESOLVED_FOR),
        (1700.0, OVER, "pending", 1700.0),
        (1800.0, LIMIT, "inactive", 1800.0),
    ]
    for time, cost, state, since in way:
        now = step(HOLD, cost, now, time)
        assert states(now) == [(state, since)], time


def test_an_episode_has_one_id_from_its_firing_to_its_end() -> None:
    pending = step(HOLD, OVER, [], 10.0)
    assert pending[0].id == ""
    fired = step(HOLD, OVER, pending, 310.0)
    assert fired[0].id == episode_id("day", (), 310.0)
    explained = [replace(fired[0], cause="somebody")]
    still = step(HOLD, OVER + 9, explained, 400.0)
    ended = step(HOLD, 0, still, 500.0)
    assert {a.id for a in (*fired, *still, *ended)} == {fired[0].id}
    assert (still[0].cause, ended[0].cause) == ("somebody", "somebody")
    assert (ended[0].active_at, ended[0].fired_at, ended[0].resolved_at) == (10.0, 310.0, 500.0)
    again = step(RULE, OVER, ended, 600.0)
    assert again[0].id not in ("", fired[0].id)
    assert again[0].cause == ""
    other = evaluate(watches([BY_MODEL], []), [seeing(BY_MODEL, {GPT: OVER})], [], 310.0)
    assert other[0].id != fired[0].id


def test_no_observation_changes_nothing() -> None:
    for state in ("inactive", "pending", "firing", "resolved"):
        before = [replace(step(RULE, OVER, [], 0.0)[0], state=state)]
        assert look(RULE, None, before, 10_000.0) == before
    assert look(RULE, None, [], 0.0) == []


def test_an_empty_observation_is_a_window_without_spend() -> None:
    fired = step(RULE, OVER, [], 0.0)
    after = look(RULE, {}, fired, 10.0)
    assert states(after) == [("resolved", 10.0)]
    assert after[0].value == 0


def test_what_is_unknown_keeps_its_state_and_its_value() -> None:
    fired = step(RULE, OVER, [], 0.0)
    gone = evaluate(watches([RULE], []), [seeing(RULE, {}, ())], fired, 10.0, 10.0)
    assert [(a.state, a.value, a.exactness) for a in gone] == [
        ("firing", OVER, Exactness.LOWER_BOUND)
    ]
    pending = step(HOLD, OVER, [], 0.0)
    held = evaluate(watches([HOLD], []), [seeing(HOLD, {(): 3}, ())], pending, 1000.0, 1000.0)
    assert [(a.state, a.active_at) for a in held] == [("pending", 1000.0)]
    for mode, state in (("ok", "resolved"), ("alert", "firing")):
        rule = replace(RULE, no_data=mode)
        after = evaluate(watches([rule], []), [seeing(rule, {}, ())], fired, 10.0, 10.0)
        assert [a.state for a in after] == [state]


def test_silence_that_is_forgotten_ends_with_its_last_value() -> None:
    rule = AlertRule("quiet", "silent_for", 60, 3600, by=("model",))
    fired = look(rule, {GPT: 3599}, [], 0.0)
    assert [(a.state, a.value) for a in look(rule, {}, fired, 60.0)] == [("resolved", 3599)]


def test_each_label_set_is_its_own_instance() -> None:
    first = look(BY_MODEL, {GPT: OVER, CLAUDE: LIMIT}, [], 0.0)
    assert [(s.labels, s.state) for s in first] == [(GPT, "firing")]
    second = look(BY_MODEL, {GPT: 1, CLAUDE: OVER}, first, 10.0)
    assert [(s.labels, s.state, s.value) for s in second] == [
        (CLAUDE, "firing", OVER),
        (GPT, "resolved", 1),
    ]
    gone = look(BY_MODEL, {CLAUDE: OVER}, second, 20.0)
    assert [(s.labels, s.state, s.value) for s in gone] == [
        (CLAUDE, "firing", OVER),
        (GPT, "resolved", 0),
    ]


def test_a_quiet_rule_shows_what_is_nearest_to_its_limit() -> None:
    quiet = look(BY_MODEL, {GPT: 7, CLAUDE: 9}, [], 5.0)
    assert [(s.labels, s.state, s.value) for s in quiet] == [(CLAUDE, "inactive", 9)]


def test_a_quiet_budget_has_one_row_too() -> None:
    watched = watches([], [BudgetConfig("b", 1000, burn_over=2000)])
    assert [w.step for w in watched] == ["50%", "80%", "100%", "forecast", "burn"]
    labels = {w.step: (("step", w.step),) for w in watched}

    def seen(share: int, forecast: int) -> list[Observation | None]:
        values = {"forecast": forecast, "burn": 1}
        return [
            Observation({labels[w.step]: Seen(v, v >= w.limit)})
            for w in watched
            for v in (values.get(w.step, share),)
        ]

    quiet = evaluate(watched, seen(300_000, 900), [], 5.0)
    assert [(a.labels, a.state, a.value, a.unit) for a in quiet] == [
        (labels["forecast"], "inactive", 900, "cost")
    ]
    told = evaluate(watched, seen(900_000, 900), quiet, 6.0)
    assert [(a.labels[-1][1], a.state, a.severity) for a in told] == [
        ("50%", "firing", "warning"), ("80%", "firing", "warning"),
    ]  # fmt: skip
    assert [(a.labels[-1][1], a.state) for a in evaluate(watched, seen(1, 1), told, 9.0)] == [
        ("50%", "resolved"), ("80%", "resolved"),
    ]  # fmt: skip


def test_a_quiet_row_of_time_changes_once_a_minute() -> None:
    rule = AlertRule("quiet", "silent_for", 600, 3600)
    assert [step(rule, value, [], 1.0)[0].value for value in (125, 179, 180)] == [120, 120, 180]
    assert step(rule, 659, [], 1.0)[0].value == 659


def test_a_rule_that_is_gone_takes_its_statuses_along() -> None:
    assert evaluate([], [], step(RULE, OVER, [], 0.0), 1.0) == []


def test_a_changed_rule_keeps_firing_since_the_same_moment() -> None:
    fired = step(RULE, OVER, [], 0.0)
    after = step(replace(RULE, limit=1, severity="info"), OVER, fired, 10.0)
    assert states(after) == [("firing", 0.0)]
    assert (after[0].limit, after[0].severity, after[0].id) == (1, "info", fired[0].id)


def test_a_clock_that_was_set_back_does_not_hold_an_alert_for_ever() -> None:
    pending = step(HOLD, OVER, [], 10_000.0)
    back = step(HOLD, OVER, pending, 1_000.0)
    assert states(back) == [("pending", 1_000.0)]
    assert states(step(HOLD, OVER, back, 1_300.0)) == [("firing", 1_300.0)]


LOOK = st.tuples(
    st.floats(0, 400, allow_nan=False),
    st.none() | st.dictionaries(st.sampled_from([GPT, CLAUDE]), st.sampled_from([0, LIMIT, OVER])),
)


@given(st.integers(1, 600), st.lists(LOOK, max_size=40))
def test_with_a_hold_nothing_fires_that_was_not_pending_long_enough(
    hold: int, looks: list[tuple[float, dict[Labels, int] | None]]
) -> None:
    """Also over restarts: the statuses are all that survives."""
    rule = replace(BY_MODEL, hold=hold)
    now, statuses = 1e9, list[AlertStatus]()
    over_since: dict[Labels, float] = {}
    for wait, seen in looks:
        now += wait
        before = {s.labels: s for s in statuses}
        statuses = look(rule, seen, list(statuses), now, wait)
        if seen is None:
            assert statuses == list(before.values())
            continue
        for labels in (GPT, CLAUDE):
            if seen.get(labels, 0) > LIMIT:
                over_since.setdefault(labels, now)
            else:
                over_since.pop(labels, None)
        for status in statuses:
            if status.state == "firing":
                assert before[status.labels].state in ("pending", "firing")
                assert now - over_since[status.labels] >= hold
            if status.state == "pending":
                assert status.since == over_since[status.labels]
            if status.state == "resolved":
                assert before[status.labels].state in ("firing", "resolved")
        told = {s.labels for s in statuses if s.state in ("pending", "firing")}
        assert told == set(over_since)


@pytest.mark.parametrize("count", [20_000])
def test_many_label_sets_are_no_many_statuses(count: int) -> None:
    seen: dict[Labels, int] = {(("consumer", str(n)),): n for n in range(count)}
    rule = replace(RULE, by=("consumer",), limit=count - 4)
    assert [s.value for s in look(rule, seen, [], 0.0)] == [count - 3, count - 2, count - 1]


def test_a_watch_belongs_to_one_step(  # labels of `by` never look like a step
) -> None:
    watched: tuple[Watch, ...] = watches([], [BudgetConfig("b", 9, by=("model",), forecast=False)])
    at = {w.step: (*GPT, ("step", w.step)) for w in watched}
    seen = [Observation({at[w.step]: Seen(w.limit, over=True)}) for w in watched]
    fired = evaluate(watched, seen, [], 1.0)
    assert [a.labels for a in fired] == list(at.values())
    again = evaluate(watched, seen, fired, 2.0)
    assert again == fired
