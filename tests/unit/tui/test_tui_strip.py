"""The figures under the header: in the unit, and where the month ends."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from types import ModuleType

import pytest
from textual.geometry import Size

from costtui.model.budget import Estimate
from costtui.model.charge import Exactness
from costtui.model.snapshot import Filter
from costtui.tui import themes
from costtui.tui.glyphs import UNICODE
from costtui.tui.look import Line, Look
from costtui.tui.month_end import MonthEnd
from costtui.tui.palette import Palette
from costtui.tui.shown import Shown, amount, number
from costtui.tui.state import State
from costtui.tui.widgets.kpi import Kpi, band_text


def load_fakes() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "snapshot" / "fakes.py"
    spec = importlib.util.spec_from_file_location("tui_fakes_for_the_strip", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fakes = load_fakes()
NANO = 1_000_000_000


def look() -> Look:
    theme = themes.read(themes.builtin_dir() / "costtui-dark.yml")
    return Look(Palette({**theme.colors, **theme.variables}), UNICODE, UTC)


def text_of(lines: list[Line]) -> list[str]:
    return ["".join(s.text for s in line.segments) for line in lines]


def shown(*, loading: bool = False) -> Shown:
    """All history has been read, or a part."""
    overview = fakes.overview()
    if not loading:
        read = tuple(replace(s, backfill_done=s.backfill_total) for s in overview.sources)
        overview = replace(overview, sources=read)
    return Shown(State(), overview)


@pytest.mark.parametrize("width", [80, 120])
def test_while_history_is_read_the_month_says_so(width: int) -> None:
    """It grows by what is long past; compared with the month before it says nothing."""
    widget = Kpi(look())
    end = MonthEnd((), 24_680 * NANO, 23_000 * NANO, 26_000 * NANO, Exactness.ESTIMATE)
    for ahead in (None, end):
        widget.shown = shown(loading=True)._replace(month_end=ahead)
        labels, _, changes, _ = text_of(widget.lines(Size(width, 4)))
        at = labels.index("month ")
        assert changes[at : at + 7] == "loading"
        assert changes.count("loading") == (2 if width == 120 else 1)
        widget.shown = shown()._replace(month_end=ahead)
        assert "loading" not in "".join(text_of(widget.lines(Size(width, 4))))


@pytest.mark.parametrize(("width", "cards"), [(80, 8), (100, 8), (120, 9), (200, 9)])
def test_the_strip_shows_all_that_was_asked_for(width: int, cards: int) -> None:
    """Where the month ends is the forecast's number as soon as there is one, and until then, where
    there is room to call it so, the pace of the week."""
    widget = Kpi(look())
    widget.shown = shown()
    labels, values, changes, tokens = text_of(widget.lines(Size(width, 4)))
    for label in ("spend", "burn", "today", "month", "requests", "tokens", "errors", "429"):
        assert label in labels
    assert ("pace" in labels) == (cards == 9)
    assert ("~$2" in values) == (cards == 9)
    assert "→" not in changes
    assert "▲ 12%" in changes
    assert tokens.count("■") == 6
    end = MonthEnd((), 24_680 * NANO, 23_000 * NANO, 26_000 * NANO, Exactness.ESTIMATE)
    widget.shown = shown()._replace(month_end=end)
    labels, values, changes, _ = text_of(widget.lines(Size(width, 4)))
    assert "pace" not in labels
    assert ("month end" in labels) == (cards == 9)
    assert ("~$24,680" in values) == (cards == 9)
    assert "±" not in changes
    assert ("-6.8% +5.3%" in changes or "$23.0k-$26.0k" in changes) == (cards == 9)
    assert ("→~$24.7k" in changes) == (cards == 8)
    other = widget.shown.state.filtered(Filter("provider", "openai"))
    widget.shown = widget.shown._replace(state=other)
    assert "month end" not in text_of(widget.lines(Size(width, 4)))[0], "of other filters"


@pytest.mark.parametrize(
    ("unit", "label", "value"),
    [("cost", "burn /h", "$61.20"), ("tokens", "tok /h", ""), ("requests", "req /h", ""),
     ("rate", "$/1M 1h", "$")],
)  # fmt: skip
def test_the_hour_is_in_the_unit(unit: str, label: str, value: str) -> None:
    widget = Kpi(look())
    found = shown()
    assert found.overview is not None
    widget.shown = found._replace(state=found.state._replace(unit=unit))
    labels, values, _, _ = text_of(widget.lines(Size(160, 4)))
    assert label in labels
    at = labels.index(label)
    cell = values[at : at + 12].strip()
    hour = found.overview.hour
    if unit in ("tokens", "requests"):
        assert cell == number(amount(hour, unit), unit, 9, Exactness.EXACT, UNICODE)
    else:
        assert value in cell


@pytest.mark.parametrize(
    ("low", "high", "width", "text"),
    [
        (12_100, 12_900, 17, "$12,100-$12,900"),
        (12_100, 12_900, 14, "$12.1k-$12.9k"),
        (12_230, 12_295, 12, "-0.2% +0.3%"),
        (12_230, 12_295, 8, "<1% off"),
        (11_000, 16_000, 12, "-10% +31%"),
        (11_000, 16_000, 8, "-10+31%"),
        (11_900, 13_000, 8, "-3% +6%"),
        (0, 0, 8, "no band"),
    ],
)
def test_a_band_is_as_it_is(low: int, high: int, width: int, text: str) -> None:
    found = band_text(Estimate(12_255 * NANO, low * NANO, high * NANO), width)
    assert found == text
    assert len(found) <= width
