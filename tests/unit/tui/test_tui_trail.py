"""Filters and the way back to them, under any order of drills, filters, removals and inversions."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.snapshot import Filter
from costtui.tui.state import PANELS, State, parse_filter

DIMENSIONS = (*PANELS, "endpoint", "team", "org", "tag:env")
OPS = ("=", "!=", "~", "!~", "*", "!*")


class Step(NamedTuple):
    """What the test remembers of one filter: itself, and where Esc must lead."""

    filter: Filter
    group: str
    cursor: str


moves = st.one_of(
    st.tuples(st.just("drill"), st.sampled_from(DIMENSIONS), st.sampled_from("abc")),
    st.tuples(st.just("filter"), st.sampled_from(OPS), st.sampled_from("abc")),
    st.tuples(st.just("remove"), st.integers(0, 7), st.none()),
    st.tuples(st.just("invert"), st.integers(0, 7), st.none()),
    st.tuples(st.just("group"), st.sampled_from(DIMENSIONS), st.none()),
    st.tuples(st.just("climb"), st.none(), st.none()),
)


@given(st.lists(moves, max_size=25))
def test_the_stack_is_what_is_asked_and_every_climb_leads_back(
    script: list[tuple[Any, ...]],
) -> None:
    """Against a plain list: what is taken out of the middle goes, the rest stays in order; Esc
    takes the last one away and restores the group and the row it was made from."""
    state, stack = State(), []
    for kind, first, second in script:
        if kind == "drill":
            stack.append(Step(Filter(first, second), state.group, second))
            state = state.drill(first, second)
        elif kind == "filter":
            found = Filter("any", second, first)
            if found not in [s.filter for s in stack]:
                stack.append(Step(found, state.group, ""))
            state = state.filtered(found)
        elif kind == "remove":
            if first < len(stack):
                del stack[first]
            state = state.without(first)
        elif kind == "invert":
            if first < len(stack):
                stack[first] = stack[first]._replace(filter=stack[first].filter.inverted)
            state = state.with_inverted(first)
        elif kind == "group":
            state = state.with_group(first)
        else:
            step = state.climb()
            assert (step is None) is (not stack)
            if step is not None:
                last = stack.pop()
                state, row = step
                assert (state.group, row) == (last.group, last.cursor)
        assert state.filters == tuple(s.filter for s in stack)
        assert len(state.trail) == len(stack)
        for number, mark in enumerate(state.trail):
            assert mark.filters == state.filters[:number]
    while (step := state.climb()) is not None:
        state, _ = step
    assert (state.filters, state.trail) == ((), ())


@given(st.lists(st.tuples(st.sampled_from(DIMENSIONS), st.sampled_from("abc")), max_size=9))
def test_climbing_goes_through_the_former_states_exactly(drills: list[tuple[str, str]]) -> None:
    visited = [State()]
    for dimension, value in drills:
        visited.append(visited[-1].drill(dimension, value))
    state = visited.pop()
    while visited:
        step = state.climb()
        assert step is not None
        state, former = step[0], visited.pop()
        assert (state.filters, state.group, state.trail) == (
            former.filters, former.group, former.trail,
        )  # fmt: skip


@given(st.sampled_from(OPS))
def test_turning_round_twice_is_nothing(op: str) -> None:
    step = Filter("model", "gpt", op)
    assert step.inverted != step
    assert step.inverted.inverted == step


def test_a_drill_skips_what_has_one_value() -> None:
    state = State().drill("endpoint", "/v1", single={"provider"})
    assert state.group == "model"
    assert State().drill("model", "m").settled({"provider", "gateway"}).group == "consumer"
    chosen = State().drill("model", "m").with_group("gateway")
    assert chosen.settled({"gateway"}).group == "gateway"  # the user chose it
    assert State().at_end("consumer", {"provider", "model", "gateway"})
    assert not State().at_end("consumer", {"provider", "model"})


def test_a_tag_in_a_filter() -> None:
    assert parse_filter("tag:env=prod", ("env",)) == Filter("tag:env", "prod")
    assert parse_filter("tag:k8s.io/app!~^x", ("k8s.io/app",)) == Filter(
        "tag:k8s.io/app", "^x", "!~"
    )
    for text, told in (
        ("tag:enx=prod", "did you mean tag:env"),
        ("tag:zzz!=1", "there are cost-center, env"),
    ):
        with pytest.raises(ValueError, match=told):
            parse_filter(text, ("cost-center", "env"))
    with pytest.raises(ValueError, match="`consumers:` gives them"):
        parse_filter("tag:env=prod")
