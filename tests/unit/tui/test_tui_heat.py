"""The heat table: what is drawn adds up, and can be read in every theme."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.model.cross import Cross
from costtui.model.snapshot import Totals, View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.tui import themes
from costtui.tui.cells import cell_len
from costtui.tui.glyphs import ASCII, UNICODE
from costtui.tui.heat import STEPS, amount_text, less, shade, two_lines
from costtui.tui.look import Look
from costtui.tui.palette import READABLE, Palette, contrast
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.widgets.heat_table import HeatTable


def _load_fakes() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "snapshot" / "fakes.py"
    spec = importlib.util.spec_from_file_location("tui_fakes_for_heat", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
VIEW = View(window_at(WINDOW_BY_NAME["24h"], FAKES.NOW, UTC))


def palette_of(name: str) -> Palette:
    data, _ = themes.load_one(name, None)
    theme = data.textual()
    return Palette({**theme.to_color_system().generate(), **theme.variables})


THEMES = sorted(p.stem for p in themes.builtin_dir().glob("*.yml"))


@pytest.mark.parametrize("name", THEMES)
def test_every_shade_of_every_theme_can_be_read(name: str) -> None:
    styles = palette_of(name).heat(STEPS)
    if name in ("monochrome", "ansi-16"):
        assert styles is None  # a character does it there
        return
    assert styles is not None
    backs = []
    for style in styles:
        assert style.color is not None
        assert style.bgcolor is not None
        front, back = style.color.get_truecolor(), style.bgcolor.get_truecolor()
        from textual.color import Color

        assert contrast(Color(*front), Color(*back)) >= READABLE
        backs.append(back)
    assert len(set(backs)) == STEPS  # and told apart


def test_contrast_is_that_of_wcag() -> None:
    from textual.color import Color

    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color(119, 119, 119), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_each_shade_is_half_of_the_next(value: int, most: int) -> None:
    value = min(value, most)
    found = shade(value, most, STEPS)
    assert 1 <= found <= STEPS
    assert (found == STEPS) is (2 * value > most)
    if 1 < found < STEPS:
        assert most / 2 ** (STEPS - found + 1) < value <= most / 2 ** (STEPS - found)


@given(st.text(max_size=60), st.integers(3, 15))
def test_a_title_loses_nothing_on_its_two_lines(text: str, width: int) -> None:
    upper, lower = two_lines(text, width)
    assert upper + lower == text
    assert cell_len(upper) <= width


def test_a_title_breaks_where_it_can_be_read() -> None:
    assert two_lines("checkout-assistant", 9) == ("checkout-", "assistant")
    assert two_lines("search", 9) == ("", "search")
    assert two_lines("claude-sonnet-4-5", 10) == ("claude-", "sonnet-4-5")


def test_a_cell_never_says_more_than_is_known() -> None:
    assert amount_text(Totals(), "cost", 9, UNICODE) == ("", "text")  # blank and not $0
    unpriced = Totals(requests=3, input=10, unpriced_requests=3, unpriced_tokens=10)
    assert amount_text(unpriced, "cost", 9, UNICODE) == ("unpriced", "warn")
    assert amount_text(unpriced, "requests", 9, UNICODE)[0] == "3"
    least = Totals(requests=1, effective_nano=2_500_000_000, lower_bounds=1)
    assert amount_text(least, "cost", 9, UNICODE)[0] == "≥$2.50"
    assert amount_text(least, "cost", 9, ASCII)[0] == ">=$2.50"
    guess = Totals(requests=1, effective_nano=61_000, estimated_nano=61_000)
    assert amount_text(guess, "cost", 9, UNICODE)[0] == "~<$0.001"


def table_of(cross: Cross, state: State | None = None) -> HeatTable:
    table = HeatTable(Look(palette_of("costtui-dark"), UNICODE, UTC))
    table.redraw = lambda: None  # type: ignore[method-assign]  # there is no screen
    table.show(Shown(state or State(), FAKES.overview()), cross)
    return table


names = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=12, unique=True)


@settings(max_examples=60, deadline=None)
@given(names, names, st.integers(40, 220), st.integers(8, 40), st.data())
def test_what_is_on_screen_adds_up_wherever_it_is_scrolled_to(
    rows: list[str], columns: list[str], width: int, height: int, data: st.DataObject
) -> None:
    cross = FAKES.cross(VIEW, "model", "consumer", names={"model": tuple(rows),
                                                          "consumer": tuple(columns)})  # fmt: skip
    table = table_of(cross, State(unit=data.draw(st.sampled_from(["cost", "tokens", "requests"]))))
    table._tall = height
    for _ in range(data.draw(st.integers(0, 6))):
        data.draw(st.sampled_from([
            table.action_down, table.action_bottom, lambda: table.move_column(1),
            lambda: table.move_column(3), lambda: table.move_column(-1), table.sort_here,
            table.turn,
        ]))()  # fmt: skip
    fits = table.fitted(width)
    assert fits.name + 2 + (fits.number + fits.other + 1) * (fits.cell + 1) <= width or (
        fits.number <= 1
    )
    if table.items and table.column is not None:
        assert fits.first <= table.at < fits.first + fits.number
    visible = table.column_keys[fits.first : fits.first + fits.number]
    shown = table.items[table.scrolled : table.scrolled + table._visible_rows()]
    for row in (*shown, None):
        cells = [table._pair(row, column) for column in visible]
        *parts, total = table._across(cells, table._pair(row, None), fits)
        for side in (0, 1):
            added = tuple(map(sum, zip(Totals(), *(p[side] for p in parts), strict=True)))
            assert added == total[side]
    for column in (*visible, None):
        seen = [table._pair(row, column) for row in shown]
        now, before = less(table._pair(None, column), seen)
        whole = [t for r, t in ((r, table._pair(r, column)) for r in table.items) if r not in shown]
        assert now == tuple(map(sum, zip(Totals(), *(t[0] for t in whole), strict=True)))
        assert before == tuple(map(sum, zip(Totals(), *(t[1] for t in whole), strict=True)))


def test_it_sorts_by_what_is_under_the_cursor_and_back() -> None:
    cross = FAKES.cross(VIEW)
    table = table_of(cross)
    assert list(table.items) == list(cross.row_totals)
    table.move_column(2)
    column = table.column
    table.sort_here()
    nanos = [cross.cells.get((r, column), Totals()).effective_nano for r in table.items]
    assert nanos == sorted(nanos, reverse=True)
    table.sort_here()
    assert list(table.items) == list(cross.row_totals)
    table.turn()
    assert list(table.items) == list(cross.row_totals)[::-1]


def test_the_cursor_stays_on_its_cell_when_the_order_changes() -> None:
    table = table_of(FAKES.cross(VIEW))
    table.move_column(1)
    table.action_down()
    here = table.current, table.column
    again = FAKES.cross(VIEW)
    dearer = Totals(effective_nano=10**12)
    cells = {pair: t.plus(dearer) if pair == here else t for pair, t in again.cells.items()}
    turned = dict(reversed(again.column_totals.items()))
    from dataclasses import replace

    table.show(table.shown, replace(again, cells=cells, column_totals=turned))  # type: ignore[arg-type]
    assert (table.current, table.column) == here
