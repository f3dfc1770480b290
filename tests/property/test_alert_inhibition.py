"""Which budget alerts another one mutes: against every pair, looked at one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costtui.alerts.muting import inhibited
from costtui.alerts.watches import BUDGET_STEP, mutes, watches
from costtui.config.alert_schema import BudgetConfig
from costtui.model.alert import AlertStatus

NANO = 10**9
BUDGETS = (
    BudgetConfig("company", NANO, burn_over=2000),
    BudgetConfig("team", NANO, by=("team",), parent="company"),
    BudgetConfig("user", NANO, by=("team", "consumer"), parent="team", burn_over=2000),
    BudgetConfig("model", NANO, by=("model",), parent="team"),
    BudgetConfig("left", NANO, parent="right"),
    BudgetConfig("right", NANO, parent="left"),
    BudgetConfig("orphan", NANO, parent="gone"),
)
WATCHES = watches((), BUDGETS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(WATCHES),
            st.sampled_from("ab"),
            st.sampled_from("cd"),
            st.sampled_from(("firing", "firing", "pending")),
        ),
        max_size=14,
    )
)
def test_it_is_what_every_pair_says(rows: list[tuple[object, str, str, str]]) -> None:
    statuses = []
    for number, (watch, team, consumer, state) in enumerate(rows):
        values = {"team": team, "consumer": consumer, "model": "m"}
        labels = (*((name, values[name]) for name in watch.by), ("step", watch.step))  # type: ignore[attr-defined]
        statuses.append(
            AlertStatus(watch.name, labels, state, "warning", 2, 1, 0.0, "month", id=str(number))  # type: ignore[attr-defined]
        )
    of = {(w.name, w.step): w for w in WATCHES}
    parent = {b.name: b.parent for b in BUDGETS}

    def says_more(other: AlertStatus, one: AlertStatus) -> bool:
        theirs, mine = (of[s.rule, s.labels[-1][1]] for s in (other, one))
        assert theirs.budget is not None
        assert mine.budget is not None
        if theirs.budget is mine.budget and other.labels[:-1] == one.labels[:-1]:
            steps = theirs.measure == mine.measure == BUDGET_STEP
            if steps and theirs.limit > mine.limit:
                return True
        above, name = [], mine.budget.parent
        while name in parent and name not in above:
            above.append(name)
            name = parent[name]
        whole = set(other.labels[:-1]) <= set(one.labels[:-1])
        return theirs.budget.name in above and whole and mutes(theirs, mine)

    firing = [s for s in statuses if s.state == "firing"]
    expected = {one.id for one in firing if any(says_more(other, one) for other in firing)}
    assert inhibited(WATCHES, statuses) == expected
