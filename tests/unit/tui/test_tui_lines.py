"""Only what changed is repainted, and all of what changed is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from costtui.tui.cells import cell_len, fit, outside
from costtui.tui.widgets.lines import changed

STYLES = [Style(bold=True), Style(bold=False), Style(italic=True)]
piece = st.tuples(st.text("ab $▁█≥", min_size=1, max_size=5), st.sampled_from(STYLES))


def strip_of(pieces: list[tuple[str, Style]], width: int) -> Strip:
    segments = [Segment(text, style) for text, style in pieces]
    return Strip(Segment.adjust_line_length(segments, width, STYLES[0]), width)


def cells(strip: Strip) -> list[tuple[str, Style | None]]:
    return [(c, s.style) for s in strip for c in s.text]


@given(st.lists(piece, max_size=12), st.lists(piece, max_size=12))
def test_painting_the_changed_stretches_gives_the_new_line(
    old: list[tuple[str, Style]], new: list[tuple[str, Style]]
) -> None:
    before, after = strip_of(old, 40), strip_of(new, 40)
    screen = cells(before)
    for start, end in changed(before, after):
        screen[start:end] = cells(after)[start:end]
    assert screen == cells(after)


@given(st.lists(piece, max_size=12))
def test_the_same_line_costs_nothing(pieces: list[tuple[str, Style]]) -> None:
    assert changed(strip_of(pieces, 40), strip_of(pieces, 40)) == []


def test_one_digit_is_one_cell() -> None:
    a, b = strip_of([("spend $12.34", STYLES[0])], 80), strip_of([("spend $12.35", STYLES[0])], 80)
    assert changed(a, b) == [(11, 12)]


def test_a_line_with_wide_characters_is_painted_whole() -> None:
    a = Strip([Segment("模型 1", STYLES[0])], 6)
    b = Strip([Segment("模型 2", STYLES[0])], 6)
    assert changed(a, b) == [(0, 6)]


@given(st.text(max_size=60), st.integers(0, 30), st.sampled_from(["left", "right"]))
def test_fitted_text_has_exactly_its_width(text: str, width: int, align: str) -> None:
    assert cell_len(fit(outside(text), width, align=align)) == width


@given(st.text(max_size=300))
def test_nothing_from_outside_can_move_the_cursor(text: str) -> None:
    shown = outside(text)
    assert shown.isprintable()
    assert len(shown) <= 200
