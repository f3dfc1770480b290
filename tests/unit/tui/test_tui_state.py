"""Going somewhere and coming back: every step is a value."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.snapshot import Filter
from costtui.model.timewindow import WINDOWS
from costtui.tui.state import GROUPS, PANELS, State, parse_filter

NOW = 1_795_345_023.0


def test_a_drill_goes_through_all_dimensions_and_esc_comes_back_to_each_row() -> None:
    start = state = State()
    seen = []
    values = {"model": "gpt-5", "provider": "openai", "consumer": "", "gateway": "kong"}
    while not state.at_end(state.group):
        seen.append(state.group)
        state = state.drill(state.group, values[state.group])
    assert [*seen, state.group] == ["model", "provider", "consumer", "gateway"]
    assert [str(f) for f in state.filters] == [
        "model=gpt-5", "provider=openai", "consumer=(none)",
    ]  # fmt: skip
    rows = []
    while (step := state.climb()) is not None:
        state, row = step
        rows.append((state.group, row))
    assert rows == [("consumer", ""), ("provider", "openai"), ("model", "gpt-5")]
    assert state == start


@given(st.lists(st.sampled_from(["drill", "filter", "group", "unit", "window"]), max_size=12))
def test_climbing_undoes_every_drill_and_filter(steps: list[str]) -> None:
    state = State()
    for number, step in enumerate(steps):
        if step == "drill":
            state = state.drill(state.group, f"v{number}")
        elif step == "filter":
            state = state.filtered(Filter("any", f"v{number}", "*"))
        elif step == "group":
            state = state.with_next_group()
        elif step == "unit":
            state = state.with_next_unit()
        else:
            state = state.with_window(WINDOWS[number % len(WINDOWS)].name)
        assert len(state.filters) == len(state.trail)
        assert state.group in GROUPS
        assert len(set(state.panels)) == 4
        assert state.panels[0] == state.group
    while (up := state.climb()) is not None:
        state = up[0]
    assert state.filters == ()


def test_the_same_filter_twice_is_one_filter() -> None:
    once = State().filtered(Filter("any", "x", "*"))
    assert once.filtered(Filter("any", "x", "*")) is once


def test_looking_back_stands_still_and_live_slides() -> None:
    state = State(window="1h")
    live = state.view(NOW, UTC).window
    assert live.live
    assert state.view(NOW + 60, UTC).window.end == live.end + 60
    back = state.earlier(NOW).earlier(NOW + 500)
    window = back.view(NOW + 10_000, UTC).window
    assert window.end == live.end - 2 * 3600
    assert not window.live
    assert back.later().later() == state
    assert state.later() == state
    assert back.with_window("7d").back == 0


@given(st.lists(st.sampled_from(["drill", "filter", "zoom", "earlier", "unit"]), max_size=12))
def test_climbing_undoes_zooms_in_their_order(steps: list[str]) -> None:
    state = State(window="7d")
    undo: list[State] = []
    for number, step in enumerate(steps):
        if step == "unit":
            state = state.with_next_unit()
        elif step == "earlier" and state.zoom is None:
            state = state.earlier(NOW)
            undo = []  # a period is not undone by Esc, but a zoom made there is
        elif step == "earlier":
            continue
        else:
            undo.append(state)
            if step == "drill":
                state = state.drill(state.group, f"v{number}")
            elif step == "filter":
                state = state.filtered(Filter("any", f"v{number}", "*"))
            else:
                state = state.zoomed(600 * (number + 1), 1200 * (number + 1))
                view = state.view(NOW, UTC)
                assert (view.window.start, view.window.end) == state.zoom
                assert view.window.name == state.window_name == "custom"
                assert not view.window.live
    for before in reversed(undo):
        up = state.climb()
        assert up is not None
        state = up[0]._replace(unit=before.unit)
        assert state == before
    left = state.with_window("1h")
    assert left.zoom is None
    assert all(mark.place is None for mark in left.trail)
    assert left.live().zoom is None


@given(st.integers(0, 3000))
def test_time_travel_is_bounded(times: int) -> None:
    state = State(window="month")
    for _ in range(min(times, 1005)):
        state = state.earlier(NOW)
    assert state.back <= 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("claude", Filter("any", "claude", "*")),
        ("!claude", Filter("any", "claude", "!*")),
        ("~cl.*5$", Filter("any", "cl.*5$", "~")),
        ("!~cl.*5$", Filter("any", "cl.*5$", "!~")),
        ("provider=openai", Filter("provider", "openai", "=")),
        ("model != gpt-5".replace(" ", ""), Filter("model", "gpt-5", "!=")),
        ("model~^gpt", Filter("model", "^gpt", "~")),
        ("team!~x|y", Filter("team", "x|y", "!~")),
        ("consumer=", Filter("consumer", "", "=")),
        ("a=b=c:1", Filter("any", "a=b=c:1", "*")),
    ],
)
def test_filters(text: str, expected: Filter) -> None:
    if text == "a=b=c:1":
        with pytest.raises(ValueError, match="no dimension is called a"):
            parse_filter(text)
    else:
        assert parse_filter(text) == expected


@pytest.mark.parametrize(("text", "reason"), [
    ("", "nothing"), ("!", "nothing"), ("~", "nothing"), ("~[", "regular expression"),
    ("provder=x", "no dimension is called provder"), ("model~(", "regular expression"),
])  # fmt: skip
def test_bad_filters_say_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_filter(text)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_a_reason(text: str) -> None:
    with suppress(ValueError):
        assert parse_filter(text).op in ("=", "!=", "~", "!~", "*", "!*")


def test_every_panel_can_be_reached() -> None:
    assert set(PANELS) < set(GROUPS)
