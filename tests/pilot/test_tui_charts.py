"""The chart by keys: kinds, units, crosshair, zoom; and the forecast."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.model.money import decimal_text
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.tui import format as fmt
from costtui.tui.widgets.chart import Chart
from costtui.tui.widgets.heat_table import HeatTable
from costtui.tui.widgets.panel import Panel

Start = Any


def chart(ui: Any) -> Chart:
    found = ui.app.overview_screen.query_one(Chart)
    assert isinstance(found, Chart)
    return found


def exported(folder: Path) -> list[dict[str, str]]:
    (file,) = folder.iterdir()
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def written(folder: Path) -> Any:
    """The one JSON file in `folder`."""
    (file,) = folder.iterdir()
    return json.loads(file.read_text(encoding="utf-8"))


def pointed(ui: Any) -> Any:
    """Where the crosshair is."""
    return chart(ui)._cross


def zoom(ui: Any) -> Any:
    return ui.app.state.zoom


async def test_v_goes_round_the_kinds_and_asks_only_for_what_is_missing(start: Start) -> None:
    async with start() as ui:
        asked = len(ui.data.asked)
        titles = []
        for _ in range(4):
            await ui.press("v")
            titles.append(ui.lines[6].split(" per hour")[0].strip("╭─ "))
        assert titles == ["cost by model", "tokens by kind", "cost so far", "cost over time"]
        assert len(ui.data.asked) == asked
        await ui.press("v", "g")
        assert "cost by endpoint" not in ui.lines[6]
        assert "cost by provider" in ui.lines[6]


async def test_the_command_line_names_the_charts(start: Start) -> None:
    async with start() as ui:
        await ui.press("colon", *"chart tok", "enter")
        await ui.settle()
        assert "tokens by kind" in ui.text


async def test_u_changes_the_chart_the_panels_and_the_figures(start: Start) -> None:
    async with start() as ui:
        assert "cost over time" in ui.text
        await ui.press("u")
        assert "tokens over time" in ui.text
        assert "tokens 24h" in ui.lines[2]
        assert "spend" in ui.lines[2]
        assert "trend tok" in ui.text
        await ui.press("u", "u")
        assert "$ per 1M over time" in ui.text
        assert "tokens without a price left out" in ui.text
        assert "$/1M 24h" in ui.lines[2]
        value = ui.app.overview_screen.query_one("#panel-0", Panel).columns(60)[1]
        assert value.title.startswith("$ per 1M")


async def test_the_crosshair_says_when_how_much_and_of_what(start: Start) -> None:
    async with start() as ui:
        await ui.press("left")
        assert pointed(ui) is None, "not before the chart is the panel"
        await ui.press("C")
        overview = ui.app.shown.overview
        buckets = overview.view.window.buckets()
        assert pointed(ui) == buckets[-1]
        await ui.press("left", "h", "h", "l")
        assert pointed(ui) == buckets[-3]
        line = next(text for text in ui.lines if "Sun 08:00" in text)
        whole = overview.chart[-3]
        assert f"${whole / 1e9:.2f}" in line
        assert "claude-sonnet-4-5" in line
        await ui.press("C")
        assert pointed(ui) == buckets[-3]
        for _ in range(30):
            await ui.press("left")
        assert pointed(ui) == buckets[0]


async def test_a_gap_under_the_crosshair_is_no_zero(start: Start) -> None:
    async with start() as ui:
        overview = ui.app.shown.overview
        await ui.press("C", *["left"] * (len(overview.chart) - 1 - min(overview.gap_buckets)))
        assert "a gap: nothing arrived" in ui.text


async def test_enter_zooms_and_esc_comes_back_to_the_same_bar(start: Start) -> None:
    async with start() as ui:
        before = ui.app.state
        buckets = ui.app.shown.overview.view.window.buckets()
        await ui.press("C", "left", "enter")
        view, _, _ = ui.data.asked[-1]
        assert (view.window.start, view.window.end) == (buckets[-2], buckets[-2] + 3600)
        assert (view.window.step, view.window.name, view.window.live) == (60, "custom", False)
        assert "Sun 22 Nov 09:00 → 10:00 UTC" in ui.lines[0]
        assert "zoom 1h" in ui.lines[0]
        assert "per minute" in ui.text
        await ui.press("C", "left", "left", "enter")
        assert zoom(ui) == (buckets[-2] + 57 * 60, buckets[-2] + 58 * 60)
        assert ui.app.screen.where == "requests", "nothing is finer than a minute but requests"
        assert "zoom" in ui.lines[0]
        await ui.press("escape")
        await ui.press("escape")
        assert zoom(ui) == (buckets[-2], buckets[-2] + 3600)
        assert pointed(ui) == buckets[-2] + 57 * 60
        await ui.press("escape")
        assert ui.app.state == before
        assert pointed(ui) == buckets[-2]
        assert ui.app.screen.focused is chart(ui)


async def test_a_marked_range_is_zoomed_into_and_esc_forgets_it_first(start: Start) -> None:
    async with start() as ui:
        buckets = ui.app.shown.overview.view.window.buckets()
        await ui.press("C", "left", "space", "left", "left")
        assert "in 3h" in ui.text
        await ui.press("escape")
        assert "in 3h" not in ui.text
        assert zoom(ui) is None
        assert pointed(ui) == buckets[-4]
        await ui.press("space", "right", "right", "enter")
        assert zoom(ui) == (buckets[-4], buckets[-2] + 3600)
        assert ui.data.asked[-1][0].window.step == 60


async def test_a_zoom_moves_by_its_length_and_a_window_key_leaves_it(start: Start) -> None:
    async with start() as ui:
        await ui.press("5", "C", "left", "enter")
        start_, end = zoom(ui)
        length = end - start_
        await ui.press("left_square_bracket", "left_square_bracket")
        assert zoom(ui) == (start_ - 2 * length, end - 2 * length)
        await ui.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        assert zoom(ui) == (start_ + length, end + length)
        await ui.press("right_square_bracket", "right_square_bracket")
        assert zoom(ui)[0] <= ui.clock.now(), "there is nothing in the future"
        await ui.press("4")
        assert zoom(ui) is None
        assert ui.app.state.trail == ()
        assert ui.data.asked[-1][0].window.live
        await ui.press("C", "left", "enter", "L")
        assert zoom(ui) is None


async def test_drills_and_zooms_are_undone_in_their_order(start: Start) -> None:
    async with start() as ui:
        states = [ui.app.state]
        await ui.press("enter")
        states.append(ui.app.state)
        await ui.press("C", "left", "enter")
        states.append(ui.app.state)
        await ui.press("tab", "enter")
        assert len(ui.app.state.trail) == 3
        for state in reversed(states):
            await ui.press("escape")
            assert ui.app.state == state._replace(proposed=False)  # settled by now


async def test_the_other_screens_follow_a_zoom(start: Start) -> None:
    async with start() as ui:
        await ui.press("C", "left", "enter", "f")
        assert ui.data.fleets[-1].window.name == "custom"
        assert "custom" in ui.text or "zoom" in ui.lines[0]
        assert "kong-eu" in ui.text
        await ui.press("f3")
        assert "zoom" in ui.lines[0]


@pytest.mark.parametrize(("kind", "name"), [("time", "chart"), ("tokens", "chart-mix")])
async def test_what_is_shown_is_written(start: Start, tmp_path: Path, kind: str, name: str) -> None:
    async with start(export_dir=tmp_path) as ui:
        ui.app.overview_screen.action_chart(kind)
        await ui.press("C", "left", "E")
        found = written(tmp_path)
        assert found["what"] == name
        overview = ui.app.shown.overview
        if kind == "time":
            got = [row["tokens"] for row in found["rows"]]
            assert [t or 0 for t in got] == list(overview.chart_tokens)
        else:
            series = {row["series"] for row in found["rows"]}
            assert {"input", "cache read", "output"} <= series
        ui.app.screen.action_chart("time")
        assert ui.app.screen.value() == f"{overview.chart[-2] / 1e9:.9f}".rstrip("0")


async def test_a_refresh_keeps_the_crosshair_on_its_bucket(start: Start) -> None:
    async with start() as ui:
        await ui.press("C", "left")
        at = pointed(ui)
        ui.clock.time += 120
        await ui.tick()
        assert pointed(ui) == at
        ui.data.version += 1
        await ui.tick()
        assert pointed(ui) == at
        await ui.press("6")
        assert "30d" in ui.lines[0]
        assert ui.text


async def test_a_zoom_is_not_asked_again_each_minute(start: Start) -> None:
    async with start() as ui:
        await ui.press("C", "left", "enter")
        asked = len(ui.data.asked)
        ui.clock.time += 600
        await ui.tick()
        assert len(ui.data.asked) == asked


# Forecast


async def test_f6_says_where_the_month_ends_and_how_right_that_is(
    start: Start, fakes: ModuleType
) -> None:
    async with start() as ui:
        await ui.press("f6")
        assert "Nov 2026" in ui.lines[0]
        assert "month end" in ui.lines[1]
        assert "off by" in ui.text
        assert "A week ago:" in ui.text
        told = ui.app.screen.told
        assert sum(r.end_nano for r in told.rows) == told.end.nano == told.all_rows.end_nano
        assert told.end.low <= told.end.nano <= told.end.high
        dimension = told.outlook.dimension
        await ui.press("g")
        assert ui.app.screen.told.outlook.dimension != dimension
        await ui.press("M")
        assert "┤" in ui.text
        await ui.press("M", "down", "enter")
        assert ui.app.screen is ui.app.overview_screen
        assert ui.app.state.filters


async def test_f6_says_what_may_be_spent(start: Start, fakes: ModuleType) -> None:
    data = fakes.FakeData()
    spent = fakes.outlook().to_date.effective_nano
    rule = fakes.alerts()[0]
    from dataclasses import replace

    data.told = fakes.outlook(alerts=(replace(rule, window="30d", limit=spent * 2),))
    async with start(data=data) as ui:
        await ui.press("f6")
        assert "limit" in ui.lines[1]
        told = ui.app.screen.told
        assert told.limit == spent * 2
        assert told.allowed_per_day == spent * 86_400 // told.left
        data.told = fakes.outlook(alerts=(replace(rule, window="30d", limit=spent // 2),))
        await ui.press("R")
        assert "passed" in ui.text


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (5, "Only 5h of history: a forecast takes a day of it, so from "),
        (100, "still a guess"),
        (0, "No whole hour of history"),
    ],
)
async def test_f6_with_little_history(
    start: Start, fakes: ModuleType, hours: int, said: str
) -> None:
    data = fakes.FakeData()
    data.told = fakes.outlook(hours=hours)
    async with start(data=data) as ui:
        await ui.press("f6")
        assert said in ui.text
        if not hours:
            return  # and nothing was spent: there are no figures at all
        at = ui.lines[1].index("month end")
        claimed = ui.lines[2][at : at + 10].split()[0]
        assert (claimed == "-") is (hours < 24), "with less than a day nobody claims anything"
        assert ("expected" in ui.text) is (hours >= 24)
        await ui.press("f2")
        ui.clock.time += 2
        await ui.tick()
        await ui.tick()
        at = ui.lines[2].index("month end")
        assert (ui.lines[3][at : at + 10].split()[0] == "-") is (hours < 24)
        assert ("from " in ui.lines[4][at : at + 12]) is (hours < 24)


async def test_f6_is_written(start: Start, tmp_path: Path) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("f6", "e")
        rows = exported(tmp_path)
        total = rows[-1]
        assert total["row"] == "total"
        assert sum(int(r["month_end_nano"]) for r in rows[:-1]) == int(total["month_end_nano"])
        assert int(total["month_end_low_nano"]) <= int(total["month_end_nano"])


def test_the_line_of_the_month_goes_from_nothing_to_the_estimate(fakes: ModuleType) -> None:
    from datetime import UTC

    from costtui.model.snapshot import View
    from costtui.tui.told import month_line, tell

    data = fakes.FakeData()
    data.told = fakes.outlook(gaps=range(30, 90))
    view = View(window_at(WINDOW_BY_NAME["24h"], fakes.NOW, UTC))
    told = tell(data, view, "model", UTC, fakes.NOW)
    for columns in (10, 69, 108, 400):
        points = month_line(told, columns)
        assert len(points) == columns
        values = [p.value for p in points]
        assert values == sorted(values)
        assert points[-1][:3] == tuple(told.end)
        assert any(p.gap for p in points) == (columns > 20)
        assert not any(p.gap for p in points if p.ahead)
        now = (fakes.NOW - told.outlook.view.window.start) / (
            told.outlook.until - told.outlook.view.window.start
        )
        assert abs(sum(not p.ahead for p in points) - now * columns) <= 1


async def test_a_minute_that_passes_leaves_no_hole_in_the_chart(
    start: Start, fakes: ModuleType
) -> None:
    """The window slides before the answer for it is here."""
    from textual.geometry import Size

    async with start() as ui:
        await ui.press("v", "v")
        found = chart(ui)
        before = [line.segments for line in found.lines(Size(118, 10))]
        assert found.shown is not None
        found.shown = found.shown._replace(overview=fakes.overview(now=fakes.NOW + 60))
        assert [line.segments for line in found.lines(Size(118, 10))] == before
        await ui.press("5")
        assert "tokens by kind per 6 hours" in ui.text
        assert "reading …" not in ui.text


async def test_the_heat_table_follows_a_zoom_and_shows_every_unit(start: Start) -> None:
    async with start() as ui:
        await ui.press("C", *["left"] * 30, "enter", "x")
        window = ui.data.crosses[-1][0].window
        assert (window.start, window.end) == zoom(ui)
        table = ui.app.screen.query_one(HeatTable)
        assert table.cross.view.window == window
        await ui.press("u", "u", "u")  # $ per 1M tokens
        assert ui.app.state.unit == "rate"
        totals = table.totals
        assert ui.app.screen.value() == decimal_text(totals.rate_nano)
        text = fmt.money(totals.rate_nano, 9, totals.rate_exactness)
        assert any(text in line for line in ui.lines)
