"""Filters and the way back to them, under any order of drills, filters, removals, inversions and
steps in time."""

from __future__ import annotations

from datetime import UTC
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.snapshot import Filter
from costtui.model.timewindow import WINDOW_BY_NAME
from costtui.tui.state import PANELS, Place, State, parse_filter

DIMENSIONS = (*PANELS, "endpoint", "team", "org", "tag:env")
NOW = 1_790_000_037.0
OPS = ("=", "!=", "~", "!~", "*", "!*")


class Step(NamedTuple):
    """What the test remembers of one step: its filters, and where Esc must lead."""

    filters: tuple[Filter, ...]
    group: str
    cursor: str
    place: Place | None = None
    """Where in time Esc leads; None where the step did not move there."""
    below: tuple[Step, ...] | None = None
    """All steps before a visit, which come back whole."""


Stack = tuple[Step, ...]


def filters_of(stack: Stack) -> tuple[Filter, ...]:
    return tuple(f for step in stack for f in step.filters)


def changed(stack: Stack, index: int, *, invert: bool) -> Stack:
    """The filter at `index` turned round or gone, and with it a step that it was all of."""
    out, first = [], 0
    for step in stack:
        own = list(step.filters)
        at = index - first
        first += len(own)
        below = step.below and changed(step.below, index, invert=invert)
        if 0 <= at < len(own):
            own[at : at + 1] = [own[at].inverted] if invert else []
            if not own and step.place is None:
                continue
        out.append(step._replace(filters=tuple(own), below=below))
    return tuple(out)


Move = tuple[str, str | int, str]
moves: st.SearchStrategy[Move] = st.one_of(
    st.tuples(st.just("drill"), st.sampled_from(DIMENSIONS), st.sampled_from("abc")),
    st.tuples(st.just("filter"), st.sampled_from(OPS), st.sampled_from("abc")),
    st.tuples(st.just("remove"), st.integers(0, 7), st.just("")),
    st.tuples(st.just("invert"), st.integers(0, 7), st.just("")),
    st.tuples(st.just("group"), st.sampled_from(DIMENSIONS), st.just("")),
    st.tuples(st.just("zoom"), st.integers(1, 99), st.just("")),
    st.tuples(st.just("visit"), st.integers(0, 99), st.text("abc", max_size=2)),
    st.tuples(st.just("window"), st.sampled_from(sorted(WINDOW_BY_NAME)), st.just("")),
    st.tuples(st.just("at"), st.integers(1, 99), st.just("")),
    st.tuples(st.sampled_from(["earlier", "later", "live"]), st.just(0), st.just("")),
    st.tuples(st.just("climb"), st.just(0), st.just("")),
)


@given(st.lists(moves, max_size=25))
def test_the_stack_is_what_is_asked_and_every_climb_leads_back(script: list[Move]) -> None:
    """Against a plain list: what is taken out of the middle goes, the rest stays in order; Esc
    takes the last step away and restores the group, the row and the time it was made from."""
    state, stack = State(), Stack()
    for kind, first, second in script:
        number, word = (first, "") if isinstance(first, int) else (0, first)
        moment = NOW - 3600 * number
        if kind == "drill":
            stack += (Step((Filter(word, second),), state.group, second),)
            state = state.drill(word, second)
        elif kind == "filter":
            found = Filter("any", second, word)
            if found not in filters_of(stack):
                stack += (Step((found,), state.group, ""),)
            state = state.filtered(found)
        elif kind in ("remove", "invert"):
            stack = changed(stack, number, invert=kind == "invert")
            state = state.without(number) if kind == "remove" else state.with_inverted(number)
        elif kind == "group":
            state = state.with_group(word)
        elif kind == "zoom":
            stack += (Step((), state.group, "", state.place),)
            state = state.zoomed(int(moment) - 600, int(moment))
        elif kind == "visit":
            asked = tuple(dict.fromkeys(Filter("model", v) for v in second))
            new = tuple(f for f in asked if f not in filters_of(stack))
            cursor = new[-1].value if new else ""
            stack += (Step(new, state.group, cursor, state.place, stack),)
            zoom = (int(moment), int(moment) + 60) if number % 2 else None
            state = state.visit(asked, "1h", moment, "why", zoom)
            assert state.zoom == zoom
        elif kind in ("window", "at", "live"):
            # A way back into a zoom is kept only by a visit, which brings back everything.
            stack = tuple(s for s in stack if s.place is None or s.below is not None)
            if kind == "live":
                state = state.live()
            else:
                state = state.at(moment) if kind == "at" else state.with_window(word)
            assert state.zoom is None
            assert state.past is (state.anchor > 0)
            assert not (kind == "live" and state.past)
        elif kind in ("earlier", "later"):
            zoomed = state.zoom is not None
            at_moment = not zoomed and state.anchor and not state.back
            state = state.earlier(NOW) if kind == "earlier" else state.later(NOW)
            if at_moment and state.anchor:  # to a moment beside it, as `at` goes there
                stack = tuple(s for s in stack if s.place is None or s.below is not None)
            assert (state.zoom is not None) is zoomed
        else:
            step, place = state.climb(), state.place
            assert (step is None) is (not stack)
            if step is not None:
                last = stack[-1]
                stack = stack[:-1] if last.below is None else last.below
                state, row = step
                assert (state.group, row) == (last.group, last.cursor)
                assert state.place == (place if last.place is None else last.place)
        assert state.filters == filters_of(stack)
        assert len(state.trail) == len(stack)
        for count, mark in enumerate(state.trail):
            assert mark.filters == filters_of(stack[:count])
        window = state.view(NOW, UTC).window
        assert window.live is not state.past
        assert state.zoom in (None, (window.start, window.end))
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
