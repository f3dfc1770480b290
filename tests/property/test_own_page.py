"""No two samples of `/metrics` are one series, whatever tags, budgets and label sets are called: a
Prometheus refuses a page with a series twice, and with it everything on the page."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from costtui.config.alert_schema import BudgetConfig
from costtui.engine.listen.page import Facts, Served, label_names, render
from costtui.engine.standing import Standing, Standings
from costtui.model.charge import Exactness
from costtui.model.counted import Counted, Counts, Heard
from costtui.model.dimension import TAG_NAME, known_dimensions
from costtui.model.snapshot import Totals

TAGS = st.sampled_from(["a-b", "a_b", "a.b", "a/b", "A-b", "0", "budget"]) | st.from_regex(
    TAG_NAME, fullmatch=True
)
TEXT = st.sampled_from(["", "a b", 'a"b', "a\\", "a\\n", "a\n", "\x1b", "\u2028", "\r", "other"])
NAMES = TEXT | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@st.composite
def standings(draw: st.DrawFn) -> tuple[Standing, ...]:
    tags = draw(st.lists(TAGS, max_size=6, unique=True))
    dimensions = st.sampled_from(known_dimensions(tags))
    out = []
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        by = tuple(draw(st.lists(dimensions, max_size=3, unique=True)))
        keys = draw(st.lists(st.tuples(*(NAMES for _ in by)), max_size=4, unique=True))
        sums = {key: Totals(effective_nano=1) for key in keys}
        budget = BudgetConfig(name, 10, by=by)
        out.append(Standing(budget, 0, 1, sums, Exactness.EXACT, frozenset()))
    return tuple(out)


@settings(max_examples=150, deadline=None)
@given(
    standings(),
    st.dictionaries(st.tuples(NAMES, NAMES, NAMES, NAMES, NAMES), st.just(Counts(requests=1))),
    st.sets(st.tuples(NAMES, NAMES), max_size=4),
)
def test_no_two_samples_are_one_series(
    budgets: tuple[Standing, ...],
    usage: dict[tuple[str, str, str, str, str], Counts],
    rules: set[tuple[str, str]],
) -> None:
    facts = Facts(
        Counted(1, 1.0, usage, 0), Heard(1, 0.0, 0.0, (), (), ()), Standings(1.0, (), budgets), (),
        Served({}, 0, 0, 0), tuple(rules), frozenset(), 1.0, 1, 10_000, 1.0,
    )  # fmt: skip
    for which, parse in ((False, plain), (True, openmetrics)):
        body, _ = render(facts, openmetrics=which)
        samples = [s for f in parse(body.decode()) for s in f.samples]
        series = {(s.name, tuple(sorted(s.labels.items()))) for s in samples}
        assert len(series) == len(samples)
        spent = [s for s in samples if s.name == "costtui_budget_spent_usd"]
        assert len(spent) == sum(len(one.keys()) for one in budgets)
        dimensions = {d for one in budgets for d in one.budget.by}
        assert all(len(s.labels) == 1 + len(dimensions) for s in spent)


@example(["a-b", "a_b", "a.b"])
@given(st.lists(TAGS, unique=True))
def test_every_tag_has_a_label_of_its_own(tags: list[str]) -> None:
    found = label_names([f"tag:{tag}" for tag in tags])
    assert len(set(found)) == len(tags)
    assert all(re.fullmatch("tag_[a-zA-Z0-9_]+", one) for one in found)
    for tag, label in zip(tags, found, strict=True):
        if re.fullmatch("[a-zA-Z0-9_]+", tag) and not re.search("_[0-9a-f]{8}_*$", tag):
            assert label == f"tag_{tag}"
    assert dict(zip(tags, found, strict=True)) == dict(
        zip(tags[::-1], label_names([f"tag:{t}" for t in tags[::-1]]), strict=True)
    )
