"""Sparklines from zero: equal looks equal, one is not full, gaps are not zeros."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from costtui.tui.glyphs import ASCII, UNICODE
from costtui.tui.spark import GAP, bar, levels, resample

values = st.lists(st.integers(0, 10**13), min_size=1, max_size=70)
widths = st.integers(1, 90)


@given(st.integers(1, 10**13), st.integers(2, 70), widths)
def test_all_equal_looks_equal(value: int, number: int, width: int) -> None:
    assert set(levels([value] * number, (), width)) == {8}


def test_one_point_is_not_full() -> None:
    assert levels([5], (), 10) == [4]


def test_nearly_equal_is_not_a_spike() -> None:
    assert levels([1000, 1001, 1000, 1002], (), 4) == [8, 8, 8, 8]


def test_zero_is_blank_and_a_gap_is_a_gap() -> None:
    assert levels([0, 4, 0, 8], {2}, 4) == [0, 4, GAP, 8]
    assert levels([0, 0], (), 2) == [0, 0]
    assert levels([0, 0], {0, 1}, 2) == [GAP, GAP]


def test_a_gap_with_money_in_it_shows_the_money() -> None:
    assert levels([4, 2, 8], {1}, 3)[1] == 2


@given(values, widths)
def test_levels_are_in_range_and_something_is_never_nothing(v: list[int], width: int) -> None:
    found = levels(v, (), width)
    assert len(found) == min(width, len(v))
    assert all(0 <= level <= 8 for level in found)
    if width >= len(v):
        assert [level > 0 for level in found] == [x > 0 for x in v]


@given(values, widths)
def test_resampling_keeps_the_area(v: list[int], width: int) -> None:
    cells = resample(v, (), width)
    # each cell covers len(v) parts of width × len(v); every value is cut into `width` parts
    assert sum(Fraction(total) for total, _ in cells) == sum(v) * width
    assert {weight for _, weight in cells} == {len(v)}


@given(values, st.sets(st.integers(0, 69)), widths)
def test_gaps_are_left_out_of_the_average(v: list[int], gaps: set[int], width: int) -> None:
    for total, weight in resample(v, gaps, width):
        assert weight >= 0
        assert total == 0 or weight > 0


def test_the_empty_part_of_a_bar_is_told_apart_without_colours() -> None:
    for glyphs in (UNICODE, ASCII):
        assert glyphs.rest not in glyphs.fills


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 40))
def test_a_bar_is_within_its_width(part: int, whole: int, width: int) -> None:
    text = bar(part, whole, width, UNICODE.fills)
    assert len(text) <= width
    assert bool(text) == (part > 0 and whole > 0 and width > 0)
    if part >= whole > 0:
        assert text == "━" * width
