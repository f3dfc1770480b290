"""What widgets draw at any size: whole numbers, exact widths, hostile text tamed."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.geometry import Size

from costtui.model.snapshot import Breakdown, Filter, Group, Overview, Totals, View
from costtui.model.timewindow import WINDOWS, window_at
from costtui.tui import format as fmt
from costtui.tui import plot, themes
from costtui.tui.cells import cell_len
from costtui.tui.glyphs import ASCII, UNICODE, glyphs_for
from costtui.tui.look import Line, Look
from costtui.tui.palette import Palette
from costtui.tui.shown import Shown, nothing_matches, ordered
from costtui.tui.state import State
from costtui.tui.told import tell
from costtui.tui.widgets.alerts import Alerts
from costtui.tui.widgets.bars import Keys, Status
from costtui.tui.widgets.chart import Chart, nice_ceiling, time_labels
from costtui.tui.widgets.compared_table import ComparedTable
from costtui.tui.widgets.fleet_cards import FleetCards
from costtui.tui.widgets.fleet_table import FleetTable
from costtui.tui.widgets.forecast_cards import ForecastCards
from costtui.tui.widgets.forecast_chart import ForecastChart
from costtui.tui.widgets.forecast_table import ForecastTable
from costtui.tui.widgets.header import Header
from costtui.tui.widgets.health import Sources, backfill, exactness_hint, health
from costtui.tui.widgets.kpi import Kpi, _shares
from costtui.tui.widgets.notice import Notice, wrapped
from costtui.tui.widgets.panel import Panel


def load_fakes() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "snapshot" / "fakes.py"
    spec = importlib.util.spec_from_file_location("tui_fakes_for_units", path)
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


def text_of(lines: list[Line]) -> list[str]:
    return ["".join(s.text for s in line.segments) for line in lines]


def shown(overview: Overview | None = None, **changes: object) -> Shown:
    return Shown(State(**changes), overview or fakes.overview())  # type: ignore[arg-type]


SCREENS = {
    "usual": fakes.overview(),
    "hostile": fakes.hostile(),
    "firing": fakes.firing(),
    "quiet": fakes.quiet_window(),
    "exact": fakes.exact(),
}


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(SCREENS)),
    st.integers(24, 220),
    st.integers(3, 60),
    st.sampled_from(["cost", "tokens", "requests", "rate"]),
    st.booleans(),
    st.booleans(),
)
def test_every_line_fits_at_every_size(
    name: str, width: int, height: int, unit: str, compare: bool, ascii_only: bool
) -> None:
    view = shown(SCREENS[name], unit=unit, compare=compare)
    made = look(ascii_only=ascii_only)
    for widget in (Header(made), Kpi(made), Chart(made), Status(made), Notice(made), Keys(made)):
        if not isinstance(widget, Keys):
            widget.shown = view
        for line in widget.lines(Size(width, height)):
            line.cut(width)
            assert sum(cell_len(s.text) for s in line.segments) == width
            text = "".join(s.text for s in line.segments)
            assert text.isprintable()
            if ascii_only:
                assert text.isascii(), text


@settings(max_examples=40)
@given(
    st.sampled_from(["usual", "hostile", "nothing"]),
    st.integers(24, 220),
    st.integers(3, 60),
    st.sampled_from(["cost", "tokens", "requests", "rate"]),
    st.sampled_from([w.name for w in WINDOWS]),
    st.booleans(),
)
def test_the_fleet_and_the_comparisons_fit_at_every_size(
    name: str, width: int, height: int, unit: str, window: str, ascii_only: bool
) -> None:
    made = look(ascii_only=ascii_only)
    fleet, rows = fakes.fleet(window), fakes.compared_rows()
    if name == "hostile":
        pairs = zip(fleet.gateways, fakes.HOSTILE, strict=False)
        fleet = fleet._replace(gateways=tuple(g._replace(key=n) for g, n in pairs))
        rows = tuple(r._replace(gateway=n) for r, n in zip(rows, fakes.HOSTILE, strict=False))
    elif name == "nothing":
        fleet, rows = fakes.no_fleet(), ()
    view = shown(fakes.overview(window), unit=unit, window=window)
    cards, table, compared = FleetCards(made), FleetTable(made), ComparedTable(made)
    cards.shown, cards.fleet = view, fleet
    table.show(view, fleet)
    compared.set_items(rows)
    for widget in (cards, table, compared):
        for line in widget.lines(Size(width, height)):
            line.cut(width)
            assert sum(cell_len(s.text) for s in line.segments) == width
            text = "".join(s.text for s in line.segments)
            assert text.isprintable()
            if ascii_only:
                assert text.isascii(), text


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([0, 10, 100, 900]),
    st.integers(24, 220),
    st.integers(3, 60),
    st.booleans(),
    st.sampled_from(["model", "consumer", "team"]),
)
def test_the_forecast_fits_at_every_size(
    hours: int, width: int, height: int, ascii_only: bool, by: str
) -> None:
    data = fakes.FakeData()
    rule = replace(fakes.alerts()[0], window="30d", limit=10**13)
    data.told = fakes.outlook(hours=hours, alerts=(rule,), by=by)
    told = tell(data, View(window_at(WINDOWS[3], fakes.NOW, UTC)), by, UTC, fakes.NOW)
    made = look(ascii_only=ascii_only)
    cards, chart, table = ForecastCards(made), ForecastChart(made), ForecastTable(made)
    cards.told = chart.told = told
    table.show(told)
    for widget in (cards, chart, table):
        for line in widget.lines(Size(width, height)):
            line.cut(width)
            text = "".join(s.text for s in line.segments)
            assert cell_len(text) == width
            assert text.isprintable()
            if ascii_only:
                assert text.isascii(), text


@pytest.mark.parametrize("width", range(60, 200, 7))
def test_the_columns_of_the_fleet_are_never_cut(width: int) -> None:
    table = FleetTable(look())
    table.show(shown(), fakes.fleet())
    lines = text_of(table.lines(Size(width, 20)))
    for line in lines:
        for found in MONEY.findall(line):
            assert WHOLE.fullmatch(found.rstrip(".")), (found, line)
    assert "agentgateway-1" in "".join(lines)
    used = sum(c.width + 1 for c in table.columns(width - 3) if c.width)
    assert used <= width - 3


@pytest.mark.parametrize("width", range(1, 60))
def test_progress_takes_no_more_than_its_room(width: int) -> None:
    base = fakes.sources()[1]
    for kind, done, total in (
        ("jsonl", 1, 3), ("prometheus", 9 * 86400, 400 * 86400), ("prometheus", 0, 60),
    ):  # fmt: skip
        source = replace(base, kind=kind, backfill_done=done, backfill_total=total)
        line = backfill(source, look(), width)
        if width >= 14:
            assert line.width <= max(width, len("32d of 999d"))
        assert "B" not in text_of([line])[0]
    assert not backfill(replace(base, backfill_done=5, backfill_total=5), look(), width).width


MONEY = re.compile(r"\$[\d,.]+[kMBT]?")
WHOLE = re.compile(r"\$(\d{1,3}(,\d{3})*|\d+)(\.\d{2,9})?[kMBT]?|\$\d+\.\d[kMBT]")


@pytest.mark.parametrize("width", range(40, 200, 7))
def test_no_figure_is_cut_in_the_middle(width: int) -> None:
    widget = Kpi(look())
    widget.shown = shown()
    for line in text_of(widget.lines(Size(width, 4))):
        for found in MONEY.findall(line):
            assert WHOLE.fullmatch(found.rstrip(".")), (found, line)
        assert "…" not in line


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=6), st.integers(1, 80))
def test_the_token_bar_has_exactly_its_cells(numbers: list[int], cells: int) -> None:
    if sum(numbers):
        found = _shares(numbers, cells)
        assert sum(found) == cells
        assert all(n or not c for n, c in zip(numbers, found, strict=True))


@given(st.integers(0, 10**19))
def test_a_scale_ends_at_a_round_number_not_far_above(value: int) -> None:
    top = nice_ceiling(value)
    assert top >= value
    assert top <= max(10, value * 4 / 3 + 1)
    assert len(str(top).rstrip("0")) <= 2


@pytest.mark.parametrize("spec", WINDOWS, ids=lambda s: s.name)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Chatham"])
@pytest.mark.parametrize("room", [30, 68, 106, 190])
def test_time_labels_do_not_touch(spec: object, zone: str, room: int) -> None:
    from costtui.model.timewindow import WindowSpec

    assert isinstance(spec, WindowSpec)
    window = window_at(spec, fakes.NOW, ZoneInfo(zone))
    buckets = window.buckets()
    positions = [i * room // len(buckets) for i in range(len(buckets))]
    labels = time_labels(window, positions, room, ZoneInfo(zone))
    end = -2
    for column, text in labels:
        assert column >= end + 2
        end = column + len(text)
        assert end <= room
    if spec.name not in ("month",) or room > 30:
        assert labels


def test_a_gap_is_drawn_as_one_and_zero_is_not() -> None:
    base = fakes.overview()
    widget = Chart(look())
    widget.shown = shown(base)
    rows = text_of(widget.lines(Size(120, 10)))
    assert any("·" in row for row in rows[1:-1])
    assert "2 gaps" in rows[-1]
    zeros = replace(base, gap_buckets=frozenset())
    widget.shown = shown(zeros)
    assert not any("·" in row for row in text_of(widget.lines(Size(120, 10)))[1:-1])


def test_what_to_press_in_an_empty_window_is_never_cut() -> None:
    widget = Chart(look())
    widget.shown = shown(fakes.quiet_window())
    for size in (Size(120, 10), Size(80, 7), Size(62, 6)):
        rows = text_of(widget.lines(size))
        assert all(len(row.rstrip()) <= size.width for row in rows)
        assert "L for now." in " ".join(rows)
        assert "Usage goes back to 13 Nov 2026." in " ".join(rows)


def test_the_big_chart_is_plotext_and_breaks_at_gaps() -> None:
    assert plot.runs_of([1, 2, 0, 4, 5], {2}) == (((0, 1), (1, 2)), ((3, 4), (4, 5)))
    assert plot.runs_of([1, 2, 3], {1}) == (((0, 1), (1, 2), (2, 3)),)  # money in a gap is money
    widget = Chart(look())
    widget.shown, widget.maximised = shown(), True
    rows = text_of(widget.lines(Size(120, 34)))
    assert any("⣿" in row for row in rows)
    assert any("$120" in row for row in rows)
    before = plot.draw.cache_info().misses
    widget.lines(Size(120, 34))
    assert plot.draw.cache_info().misses == before
    ascii_widget = Chart(look(ascii_only=True))
    ascii_widget.shown, ascii_widget.maximised = shown(), True
    assert all(row.isascii() for row in text_of(ascii_widget.lines(Size(100, 30))))


@pytest.mark.parametrize("width", [40, 52, 66, 78, 118, 200])
def test_a_panel_says_unpriced_and_marks_what_is_not_exact(width: int) -> None:
    panel = Panel(look())
    panel.shown, panel.dimension = shown(), "model"
    panel.breakdown = fakes.overview().breakdowns[1]
    panel.items = panel.breakdown.groups
    rows = text_of(panel.lines(Size(width, 20)))
    line = next(r for r in rows if "qwen" in r)
    assert "unpriced" in line
    assert "$0" not in line
    assert {cell_len(r) for r in rows} == {width}


def test_health_of_a_source() -> None:
    kong, proxy, fine, down = fakes.sources()
    now = fakes.NOW
    assert health(fine, now)[0] == "ok"
    assert health(down, now)[0] == "down"
    assert health(replace(fine, last_ok=now - 300), now)[0] == "late"
    assert health(replace(fine, lag_s=90), now)[0] == "late"
    assert health(replace(fine, last_ok=0), now)[0] == "new"
    assert health(kong, now)[0] == health(proxy, now)[0] == "ok"


def test_firing_alerts_come_first() -> None:
    widget = Alerts(look())
    widget.shown = shown(fakes.firing())
    from costtui.tui.widgets.alerts import by_urgency

    assert [a.state for a in by_urgency(fakes.firing().alerts)] == ["firing", "pending", "inactive"]


def test_sources_have_their_names_even_without_room() -> None:
    widget = Sources(look())
    widget.items = fakes.sources()
    widget.shown = shown()
    assert all("agentgateway-" in r for r in text_of(widget.lines(Size(56, 6)))[3:5])


@given(st.text(max_size=80), st.integers(2, 30))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    from costtui.tui.cells import outside

    safe = outside(text, 500)
    lines = wrapped(safe, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == safe.replace(" ", "")


def test_a_terminal_that_is_not_utf8_gets_ascii() -> None:
    assert glyphs_for(ascii_only=False, encoding="UTF-8") is UNICODE
    assert glyphs_for(ascii_only=False, encoding="ANSI_X3.4-1968") is ASCII
    assert glyphs_for(ascii_only=True, encoding="UTF-8") is ASCII
    assert all(len(c) == 1 for c in UNICODE.levels)
    assert all(text.isascii() for text in ASCII if isinstance(text, str))


def test_what_the_mark_on_the_totals_is_about() -> None:
    base = fakes.exact()

    def hint(changes: dict[str, int], unpriced: int = 0, *, short: bool = False) -> str:
        found = replace(
            base,
            total=base.total._replace(**changes),
            unpriced=fakes.overview().unpriced[:unpriced],
        )
        return text_of([exactness_hint(found, look(), short=short)])[0]

    exact = {"lower_bounds": 0, "estimated_requests": 0, "estimated_nano": 0}
    assert hint(exact) == ""
    assert hint({**exact, "unpriced_requests": 3}, unpriced=1) == "≥ 1 model unpriced: F8"
    lost = {**exact, "lower_bounds": 4}
    assert hint(lost) == "≥ counters lost or reset: F9"
    assert hint(lost, unpriced=1) == "≥ 1 model unpriced: F8, counters lost or reset: F9"
    assert hint(lost, unpriced=1, short=True) == "≥ 1 unpriced: F8, resets: F9"
    assert hint({**exact, "estimated_requests": 12}) == "~ 12 requests estimated"
    assert hint({**exact, "estimated_nano": 12}) == "~ partly estimated"


def test_the_change_sorts_as_it_is_shown() -> None:
    def group(key: str, now: int, before: int) -> Group:
        return Group(key, Totals(effective_nano=now), Totals(effective_nano=before), ())

    rows = (
        group("much money", 1_100, 1_000),
        group("tenfold", 10, 1),
        group("new", 1, 0),
        group("less", 1, 2),
        group("never", 0, 0),
    )
    found = ordered(Breakdown("model", rows), State(sort="change"))
    assert [g.key for g in found] == ["new", "tenfold", "much money", "less", "never"]


def test_a_filter_without_a_match_says_so() -> None:
    typed = State().filtered(Filter("model", "mystery"))
    assert nothing_matches(typed, lambda _, v: v) == (
        "nothing matches model=mystery (= is exact; try /mystery)"
    )
    part = State().filtered(Filter("any", "mystery", "*"))
    assert nothing_matches(part, lambda _, v: v) == "nothing matches mystery"
    drilled = State().drill("consumer", "c1")
    assert nothing_matches(drilled, lambda *_: "Checkout") == "no consumer=Checkout in this window"
    assert nothing_matches(State(), lambda _, v: v) == ""
    panel = Panel(look())
    panel.show(Shown(typed, fakes.quiet_window()), "model")
    assert "nothing matches model=mystery" in " ".join(text_of(panel.lines(Size(78, 12))))


def test_a_past_day_has_its_date_for_a_name() -> None:
    saturday = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    assert fmt.window_name("today", 1, saturday, UTC) == "Sat 21 Nov"
    assert fmt.window_name("month", 2, saturday, UTC) == "Nov 2026"
    assert fmt.window_name("today", 0, saturday, UTC) == "today"
    assert fmt.window_name("24h", 3, saturday, UTC) == "24h -3"


def test_the_forecast_does_not_touch_its_neighbour() -> None:
    widget = Kpi(look())
    widget.shown = shown()
    for width in (100, 118, 120, 200):
        rows = text_of(widget.lines(Size(width, 4)))
        assert "month end  " in rows[2] or "month end" not in rows[2], width
