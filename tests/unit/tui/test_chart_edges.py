"""What a chart says in its edges, and that it has one frame."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC
from pathlib import Path
from types import ModuleType

import pytest

from costtui.model.snapshot import Totals
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import format as fmt
from costtui.tui import plot, themes
from costtui.tui.curves import More, curves
from costtui.tui.glyphs import ASCII, UNICODE
from costtui.tui.look import Line, Look
from costtui.tui.marks import legend
from costtui.tui.palette import Palette
from costtui.tui.shown import Shown
from costtui.tui.state import CHARTS, State
from costtui.tui.widgets.chart_bars import Crosshair
from costtui.tui.widgets.chart_note import note
from costtui.tui.widgets.kpi import KINDS, SHORT_KINDS


def load_fakes() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "snapshot" / "fakes.py"
    spec = importlib.util.spec_from_file_location("tui_fakes_for_edges", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fakes = load_fakes()


def look(*, ascii_only: bool = False) -> Look:
    theme = themes.read(themes.builtin_dir() / "costtui-dark.yml")
    palette = Palette({**theme.colors, **theme.variables})
    return Look(palette, ASCII if ascii_only else UNICODE, UTC)


def text_of(line: Line) -> str:
    return "".join(s.text for s in line.segments)


def name(_: str, value: str) -> str:
    return value


@pytest.mark.parametrize("room", [112, 72, 64])
def test_the_crosshair_tells_every_kind_of_token_that_is_there(room: int) -> None:
    overview = fakes.overview()
    used = {kind: 11 ** (n + 2) for n, kind in enumerate(TOKEN_TYPES)}
    buckets = tuple(Totals(**{**used, "cache_write_1h": n % 2 * 7}) for n in
                    range(len(overview.chart)))  # fmt: skip
    shown = Shown(State(), overview)
    made = curves(shown, CHARTS["tokens"], More(overview.view, buckets), name)
    text = text_of(note(look(), shown, made, Crosshair(7), room, focus=True))
    names = KINDS if room == 112 else SHORT_KINDS
    assert len(text) <= room
    for kind in TOKEN_TYPES:
        number = 7 if kind == "cache_write_1h" else used[kind]
        short = {fmt.compact(number, width) for width in (7, 5, 4, 3)}
        assert any(f" {names[kind]} {n}" in text for n in short), (kind, text)
    text = text_of(note(look(), shown, made, Crosshair(8), room, focus=True))
    assert names["cache_write_1h"] not in text.split(), "what is not there is not said"
    assert text.index(names["reasoning"]) < text.index(f" {names['input']} "), "the most first"


@pytest.mark.parametrize("kind", ["time", "groups"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_big_chart_has_axes_and_no_frame_of_its_own(kind: str, ascii_only: bool) -> None:
    overview = fakes.overview()
    made_look = look(ascii_only=ascii_only)
    made = curves(Shown(State(), overview), CHARTS[kind], None, name)
    size = (100, 20)
    last = len(overview.chart) - 1
    lines = plot.plotted(made_look, overview.view.window, made, size, Crosshair(last))
    texts = [text_of(line) for line in lines]
    assert len(texts) == size[1]
    edges = set("┌┐┘" if not ascii_only else "")
    assert not edges & set("".join(texts))
    side, tick = made_look.glyphs.vertical, "|" if ascii_only else "┤"
    for text in texts[:-2]:
        assert text.count(side) + text.count(tick) * (tick != side) <= 2, "axis and crosshair"
    axis = texts[-2].rstrip()
    assert axis.endswith(made_look.glyphs.here), "the newest bucket is at the right end"


def test_a_legend_is_as_long_as_there_is_room() -> None:
    marks = {"at least", "about", "gap", "unpriced"}
    long = text_of(legend(look(), marks, 80))
    assert long == "≥ at least this  ~ estimate  · no data  unpriced: no rate, not $0"
    assert text_of(legend(look(), marks, 50)) == "≥ at least  ~ about  · gap  unpriced: not $0"
    assert text_of(legend(look(), marks, 10)) == ""
    assert text_of(legend(look(), {"about"}, 80)) == "~ estimate"
    assert text_of(legend(look(ascii_only=True), marks, 80)).isascii()
