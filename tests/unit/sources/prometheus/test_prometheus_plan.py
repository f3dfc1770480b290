"""What is asked for: bounded, aligned, and every moment of a hole exactly once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.sources.prometheus import plan
from costtui.sources.prometheus.api import MAX_POINTS
from costtui.sources.prometheus.holes import Hole
from costtui.sources.prometheus.plan import (
    DAY_MS,
    FINE_MS,
    FIRST_MS,
    HOUR_MS,
    MINUTE_MS,
    Selector,
    next_piece,
)

NOW = 1_795_600_000_000 // HOUR_MS * HOUR_MS


def hole(length: int, done: int = 0, samples: int = 0, *, hi: int = NOW) -> Hole:
    return Hole(1, hi - length, hi, hi - done, samples=samples)


def test_the_first_piece_is_short() -> None:
    assert next_piece(hole(DAY_MS), 10, NOW, 1.0) == (NOW - FIRST_MS, NOW, 0)
    assert next_piece(hole(MINUTE_MS), 10, NOW, 1.0) == (NOW - MINUTE_MS, NOW, 0)


def test_raw_pieces_grow_and_stay_bounded() -> None:
    # 1,000 series each 15 s are 20,000 samples in the first five minutes.
    rate = 1_000 / 15_000
    found = hole(30 * DAY_MS, FIRST_MS, round(rate * FIRST_MS))
    piece = next_piece(found, 1_000, NOW, 1.0)
    assert piece.step == 0
    assert piece.end == NOW - FIRST_MS
    assert piece.end - piece.start == 2 * FIRST_MS
    found = hole(30 * DAY_MS, 10 * HOUR_MS, 100_000)
    longest = next_piece(found, 1_000, NOW, 1.0)
    assert longest.end - longest.start == plan.LONGEST_RAW_MS
    busy = hole(30 * DAY_MS, HOUR_MS, 1_000_000)
    most = 120_000 / 1_000_000 * HOUR_MS
    assert next_piece(busy, 70_000, NOW, 1.0).start >= NOW - HOUR_MS - most


def test_a_server_that_refuses_is_asked_for_less_and_never_for_nothing() -> None:
    found = hole(30 * DAY_MS, HOUR_MS, 100_000)
    whole = next_piece(found, 1_000, NOW, 1.0)
    half = next_piece(found, 1_000, NOW, 0.5)
    assert half.end - half.start == (whole.end - whole.start) // 2
    least = next_piece(found, 1_000, NOW, 1e-9)
    assert least.end - least.start == MINUTE_MS
    old = hole(90 * DAY_MS, 30 * DAY_MS, 10_000_000)
    assert next_piece(old, 1_000, NOW, 1.0).step == HOUR_MS
    one = next_piece(old, 1_000, NOW, 1e-9)
    assert one.end - one.start == one.step


def test_steps_begin_at_their_multiples() -> None:
    # Where sample by sample ended in the middle of a step, a short piece goes down to its edge.
    done = 3 * HOUR_MS + 4 * MINUTE_MS + 17
    found = hole(60 * DAY_MS, done, plan.RAW_SAMPLES * 2)
    piece = next_piece(found, 5_000, NOW, 1.0)
    assert piece.step == 0
    assert piece.start % FINE_MS == 0 or piece.end - piece.start < FINE_MS
    aligned = hole(60 * DAY_MS, 3 * HOUR_MS, plan.RAW_SAMPLES * 2)
    stepped = next_piece(aligned, 100, NOW, 1.0)
    assert stepped.step == FINE_MS
    assert (stepped.start % FINE_MS, stepped.end % FINE_MS) == (0, 0)


def test_a_hole_that_begins_inside_a_step_ends_sample_by_sample() -> None:
    lo = NOW - 40 * DAY_MS + 7 * MINUTE_MS + 123
    found = Hole(1, lo, NOW, NOW - 39 * DAY_MS, samples=plan.RAW_SAMPLES * 50)
    seen = []
    while found.edge > found.lo:
        piece = next_piece(found, 10, NOW, 1.0)
        seen.append(piece)
        found.edge = piece.start
    bottom = -(-lo // HOUR_MS) * HOUR_MS
    assert [p for p in seen if p.step][-1].start == bottom
    rest = [p for p in seen if not p.step]
    assert (rest[0].end, rest[-1].start) == (bottom, lo)


@given(
    length=st.integers(1, 60 * DAY_MS),
    offset=st.integers(0, HOUR_MS),
    age=st.integers(0, 30 * DAY_MS),
    series=st.integers(0, 200_000),
    rate=st.floats(0, 200),
    scales=st.lists(st.sampled_from([1.0, 0.5, 1 / 64]), min_size=1, max_size=5),
)
def test_pieces_cover_a_hole_exactly_once(
    length: int, offset: int, age: int, series: int, rate: float, scales: list[float]
) -> None:
    hi = NOW - age - offset
    found = Hole(1, hi - length, hi, hi)
    turns = 0
    while found.edge > found.lo:
        before = found.edge
        scale = scales[turns % len(scales)]
        piece = next_piece(found, series, NOW, scale)
        assert piece.end == before  # no gap and no overlap
        assert found.lo <= piece.start < piece.end
        if piece.step:
            assert piece.start % piece.step == piece.end % piece.step == 0
            assert (piece.end - piece.start) // piece.step <= min(plan.MOST_STEPS, MAX_POINTS)
        else:
            assert piece.end - piece.start <= plan.LONGEST_RAW_MS
            found.samples += round((piece.end - piece.start) / 1000 * rate)
        found.edge = piece.start
        turns += 1
        if turns > 400:  # huge rates are minutes of minutes; what holds for 400 pieces holds
            return


def test_selectors() -> None:
    names = Selector(["b_total", "a_total"], 'job="x",ns=~"llm-.*"')
    assert names.of() == '{__name__=~"a_total|b_total",job="x",ns=~"llm-.*"}'
    hostile = (("instance", 'a"} or up{x="\\\n'),)
    assert names.of(hostile) == (
        '{__name__=~"a_total|b_total",instance="a\\"} or up{x=\\"\\\\\\n",job="x",ns=~"llm-.*"}'
    )
    assert names.last(600_000) == (
        'last_over_time({__name__=~"a_total|b_total",job="x",ns=~"llm-.*"}[600000ms])'
    )
    assert names.last(600_000, "{x}") == "last_over_time({x}[600000ms])"
    assert Selector(["a"], "").of() == '{__name__=~"a"}'
    fallen = names.restarts(["a_total", "h_sum"], 1_200_000)
    by = re.search(r"by \(([^)]*)\)", fallen)
    assert by is not None
    assert by[1].split(", ")[:2] == ["job", "instance"]
    for name in ("a_total", "h_sum", "h"):  # a native histogram has no suffix
        one = f'{{__name__=~"{name}",job="x",ns=~"llm-.*"}}[1200000ms]'
        assert f'label_replace(resets({one}), "costtui_of", "{name}", "", "")' in fallen
    assert fallen.endswith(" > 0")


@pytest.mark.parametrize(
    "written", ["gen_ai_client_token_usage_sum", "gen_ai.client.token.usage_sum"]
)
def test_names_of_opentelemetry_may_have_kept_their_dots(written: str) -> None:
    found = Selector(["gen_ai_client_token_usage_sum"], "").of()
    quoted = re.search(r'"(.*)"', found)
    assert quoted is not None
    assert re.fullmatch(quoted[1].replace("\\\\", "\\"), written)
    assert not re.fullmatch(quoted[1].replace("\\\\", "\\"), "gen_aixclient_token_usage_sum")
