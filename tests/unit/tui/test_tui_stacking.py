"""A stack is as high as its total, and shows what it can."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costtui.tui.stacking import EIGHTHS, column, split

parts = st.lists(st.one_of(st.just(0), st.integers(0, 10**14)), min_size=1, max_size=6)


@given(parts, st.integers(0, 200))
def test_steps_are_shared_out_wholly_and_fairly(numbers: list[int], steps: int) -> None:
    found = split(numbers, steps)
    whole = sum(numbers)
    assert sum(found) == (steps if whole else 0)
    for number, given_steps in zip(numbers, found, strict=True):
        assert given_steps >= 0
        if not number:
            assert given_steps == 0
        if whole:
            assert abs(given_steps * whole - number * steps) < whole


@given(parts, st.integers(1, 200))
def test_half_a_step_is_visible_where_there_are_steps(numbers: list[int], steps: int) -> None:
    found, whole = split(numbers, steps), sum(numbers)
    floors = sum(n * steps // whole for n in numbers) if whole else 0
    small = [
        i for i, n in enumerate(numbers) if whole and n * steps < whole and 2 * n * steps >= whole
    ]
    shown = [i for i in small if found[i]]
    assert len(shown) == min(len(small), steps - floors)


def test_a_small_part_comes_before_a_larger_remainder() -> None:
    assert split([57, 57, 6], 12) == [6, 5, 1]
    assert split([0, 10, 0], 5) == [0, 5, 0]


heights = st.lists(st.integers(0, 40), min_size=1, max_size=6)


@given(heights, st.integers(1, 12))
def test_a_column_is_as_high_as_its_parts(tall: list[int], rows: int) -> None:
    cells = column(tall, rows)
    assert len(cells) == rows
    filled = sum(EIGHTHS if c.high >= 0 else c.eighths for c in cells)
    assert filled == min(sum(tall), rows * EIGHTHS)
    order = [i for c in cells for i in (c.low, c.high) if i >= 0]
    assert order == sorted(order), "series never change places"
    assert all(tall[i] for i in order)
    for cell in cells:
        assert 0 <= cell.eighths <= EIGHTHS
        if cell.high >= 0:
            assert cell.low < cell.high
            assert 0 < cell.eighths < EIGHTHS


@given(heights, st.integers(1, 12))
def test_without_eighths_a_cell_has_one_series(tall: list[int], rows: int) -> None:
    cells = column(tall, rows, whole=True)
    assert all(c.high == -1 for c in cells)
    full = sum(1 for c in cells if c.low >= 0)
    exact = min(sum(tall), rows * EIGHTHS) / EIGHTHS
    assert abs(full - exact) <= 0.5 or (full == 1 and 0 < exact < 0.5)


def test_three_in_a_cell_keep_the_one_that_shows_nowhere_else() -> None:
    low, middle, high = 12, 2, 10  # the second has a quarter of one cell, shared with both
    cells = column([low, middle, high], 3)
    assert [(c.low, c.high) for c in cells] == [(0, -1), (0, 1), (2, -1)]
