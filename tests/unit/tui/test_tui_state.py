"""Going somewhere and coming back: every step is a value."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.snapshot import Filter
from costtui.model.timewindow import WINDOWS, WindowSpec, window_at
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
        # what a drill proposed is settled by now
        state = up[0]._replace(unit=before.unit, proposed=before.proposed)
        assert state == before
    left = state.with_window("1h")
    assert left.zoom is None
    assert all(mark.place is None for mark in left.trail)
    assert left.live().zoom is None


def test_a_zoom_stands_still_and_moves_by_its_own_length_up_to_now() -> None:
    end = int(NOW) // 60 * 60 + 60
    zoomed = State(window="1h").zoomed(end - 600, end)
    assert zoomed.past
    assert zoomed.view(NOW + 3600, UTC) == zoomed.view(NOW, UTC)
    assert zoomed.later(NOW) == zoomed
    assert zoomed.earlier(NOW).zoom == (end - 1200, end - 600)
    assert zoomed.earlier(NOW).later(NOW) == zoomed
    assert State().zoomed(60, 120).earlier(NOW).zoom == (60, 120)  # nothing is before 1970


def test_out_of_a_zoom_by_a_window_a_moment_or_live() -> None:
    moment = State(window="7d").at(NOW - 86_400)
    zoomed = moment.zoomed(1000 * 60, 1010 * 60)
    assert zoomed.with_window("1h") == moment.with_window("1h")
    assert zoomed.with_window("1h").anchor == NOW - 86_400  # still around the moment
    assert zoomed.at(NOW - 600) == moment.at(NOW - 600)
    assert zoomed.live() == moment.live()
    back = State(window="7d").earlier(NOW)
    assert back.zoomed(60_000, 60_600).with_window("1h") == State(window="1h")
    climbed = zoomed.earlier(NOW).climb()  # the step in time was the zoom's
    assert climbed is not None
    assert climbed[0] == moment


def test_a_visit_to_exactly_a_step_and_back_into_a_zoom() -> None:
    zoomed = State(window="7d").zoomed(60_000, 120_000)
    there = zoomed.visit((Filter("model", "gpt-5"),), "7d", 66_599.0, "why", (66_000, 66_600))
    assert there.view(NOW, UTC).window.start == 66_000
    assert there.view(NOW, UTC).window.end == 66_600
    assert there.trail[-1].screen == "why"
    for state in (there, there.with_window("1h"), there.live(), there.without(0)):
        up = state.climb()
        assert up is not None
        assert up[0] == zoomed
    assert there.with_window("1h").anchor == 66_599.0


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


def test_a_moment_is_the_newest_minute_of_its_window() -> None:
    moment = datetime(2026, 11, 20, 14, 10, tzinfo=UTC).timestamp()
    for spec in WINDOWS:
        state = State(window=spec.name).at(moment)
        window = state.view(NOW, UTC).window
        assert (window.end, window.live) == (moment + 60, False)
        assert window == replace(window_at(spec, moment, UTC), live=False)
        assert state.past
        assert state.view(NOW + 5000, UTC) == state.view(NOW, UTC)
        assert not state.live().past
        other = state.with_window("1h")
        assert other.view(NOW, UTC).window.end == moment + 60


@given(
    st.floats(1e6, NOW - 86_400).map(round), st.sampled_from(WINDOWS), st.integers(0, 5),
    st.sampled_from([UTC, ZoneInfo("Europe/Berlin")]),
)  # fmt: skip
def test_beside_a_moment_periods_follow_each_other(
    moment: int, spec: WindowSpec, steps: int, zone: tzinfo
) -> None:
    state = State(window=spec.name).at(moment)
    for _ in range(steps):
        before = state.view(NOW, zone).window
        state = state.earlier(NOW, zone)
        window = state.view(NOW, zone).window
        assert not window.live
        if before.start > 40 * 86_400:
            assert window.end == before.start
    for _ in range(steps):
        before = state.view(NOW, zone).window
        state = state.later(NOW, zone)
        window = state.view(NOW, zone).window
        if window.live:
            break
        if before.start > 40 * 86_400:
            assert window.start >= before.start
            assert window.end > before.end
        assert window.end <= (NOW // 60 + 1) * 60


def test_the_last_period_beside_a_moment_is_live() -> None:
    state = State(window="1h").at(NOW - 4000)
    assert state.later(NOW).past
    assert not state.later(NOW).later(NOW).past
    assert not State(window="month").at(NOW - 86_400).later(NOW).past


def test_a_visit_is_one_step_and_climbing_restores_the_window() -> None:
    start = State(window="7d", unit="tokens").filtered(Filter("any", "x", "*")).earlier(NOW)
    filters = (Filter("model", "gpt-5"), Filter("consumer", "search"), Filter("gateway", "kong"))
    there = start.visit(filters, "1h", NOW - 7200, "why")
    assert there.filters == (*start.filters, *filters)
    assert there.group == "provider"
    assert there.view(NOW, UTC).window.name == "1h"
    assert there.trail[-1].screen == "why"
    back = there.drill("provider", "openai").with_next_unit().climb()
    assert back is not None
    up = back[0].climb()
    assert up is not None
    assert up[0] == start._replace(unit=start.with_next_unit().unit)
