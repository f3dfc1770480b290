"""What a newcomer stumbled over: marks without words, money that no request holds, names cut short,
a column out of sight, and time without an end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from textual.widget import Widget

from costtui.model.listing import Counters, Listing
from costtui.model.snapshot import Totals
from costtui.sources.jsonl.state import FileState, dump
from costtui.tui import format as fmt
from costtui.tui import why
from costtui.tui.screens.forecast import ForecastScreen
from costtui.tui.widgets.chart import Chart
from costtui.tui.widgets.fleet_table import FleetTable
from costtui.tui.widgets.why_lists import StepTable

Start = Any
NANO = 1_000_000_000
SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])


def lower_edge(ui: Any, widget: Widget) -> str:
    return str(ui.lines[widget.region.bottom - 1])


# Marks -------------------------------------------------------------------------------------------


@SIZES
async def test_marks_are_explained_where_they_are_and_only_then(
    start: Start, fakes: ModuleType, size: tuple[int, int]
) -> None:
    async with start(size=size) as ui:
        edge = lower_edge(ui, ui.app.focused)
        assert "≥ at least" in edge
        assert ("~ about" in edge) == (size[0] == 120), "the pace has a card at 120 cells"
        assert "· no data" in edge or "· gap" in edge
        assert ("not $0" in edge) == (size[0] == 120), "as many rows as there is room for"
        await ui.press("u")
        edge = lower_edge(ui, ui.app.focused)
        assert "≥" not in edge, "tokens are counted"
        assert "· " in edge, "and a gap stays one"
        await ui.press("u", "u", "u", "f3")
        assert "unpriced: " in lower_edge(ui, ui.app.focused)
    async with start(data=fakes.FakeData(fakes.exact()), size=size) as ui:
        await ui.press("u")
        edge = lower_edge(ui, ui.app.focused)
        assert "≥" not in edge
        assert ("~" in edge) == (size[0] == 120), "where the month ends is an estimate"
        assert "data" not in edge
        assert "gap" not in edge


# Requests ----------------------------------------------------------------------------------------


@SIZES
async def test_requests_say_what_money_is_in_none_of_them(
    start: Start, fakes: ModuleType, size: tuple[int, int]
) -> None:
    data = fakes.FakeData()
    whole = Totals(requests=90, input=1000, effective_nano=50_100_000_000)
    part = Totals(requests=40, input=500, effective_nano=12_400_000_000)
    async with start(data=data, size=size) as ui:
        await ui.press("f3")
        assert "counters" not in ui.text
        data.counters = Counters(whole, part, ("kong", "litellm"))
        await ui.press("f2", "f3")
        line = "$12.40 of $50.10 comes from counters: kong, litellm have no single requests"
        assert ui.lines[-2].strip() == line
        data.counters = Counters(part, part, ("kong",))
        await ui.press("5")
        assert ui.lines[-2].strip() == \
            "all of $12.40 comes from counters: kong has no single requests"  # fmt: skip
        hostile = tuple(f"\x1b[2Jgateway-{n}" for n in range(9))
        unpriced = part._replace(effective_nano=0)
        data.counters = Counters(unpriced._replace(requests=60), unpriced, hostile)
        await ui.press("4")
        assert "500 of 500 tokens come from counters: " in ui.lines[-2]
        assert "no single requests" in ui.lines[-2]
        assert "\x1b" not in ui.text


async def test_the_whole_path_of_the_log(start: Start, fakes: ModuleType) -> None:
    data = fakes.Growing(30)
    path = "/srv/" + "deep-folder/" * 9 + "app.log"
    newest = data.ordered(Listing())[0]
    data.every = [
        r._replace(part="app.log", offset=4_918) if r.id == newest else r for r in data.every
    ]
    asked: list[str] = []

    def checkpoint(source: str) -> list[tuple[str, str]]:
        asked.append(source)
        state = FileState("app.log", path, path, "app.log", 1, 2, live=9_999)
        return [("other", json.dumps({"path": 3})), ("app.log", dump(state))]

    data.checkpoint = checkpoint
    async with start(data=data, size=(80, 24)) as ui:
        await ui.press("f3", "enter")
        names = [entry.cells[0] for entry in ui.app.screen.record.items]
        await ui.press(*["down"] * names.index("read from"))
        line = next(text for text in ui.lines if "read from" in text)
        assert "/srv/deep-folder" in line
        assert "…" in line, "it does not fit"
        assert line.rstrip(" │").endswith("app.log at byte 4,918"), "and keeps its end"
        await ui.press("y")
        assert ui.app.clipboard == f"{path} at byte 4,918"
        await ui.press("n", "N")
        assert len(asked) == 2, "once for each log"
        await ui.pilot.resize_terminal(200, 24)
        await ui.until(lambda: f"{path} at byte 4,918" in ui.text)


# Fleet -------------------------------------------------------------------------------------------


async def test_the_fleet_has_429_at_80_cells_and_counts_them_in_requests(start: Start) -> None:
    async with start(size=(80, 24)) as ui:
        await ui.press("f")
        table = ui.app.screen.query_one(FleetTable)
        header = ui.lines[table.region.y + 1]
        for title in ("24h↓", "7d", "30d", "/h", "change", "err", "429"):
            assert title in header.split(), header
        first = table.items[0]
        row = ui.lines[table.region.y + 2].rstrip(" │")
        assert row.endswith(fmt.share(first.window.throttled, first.window.requests, 4))
        await ui.press("u", "u")
        row = next(line for line in ui.lines if f" {first.key} " in line).rstrip(" │")
        assert row.endswith(f" {fmt.compact(first.window.throttled, 4)}")
        assert "by requests" in ui.lines[0]
    async with start(size=(140, 40)) as ui:
        await ui.press("f")
        table = ui.app.screen.query_one(FleetTable)
        columns = {column.id: column for column in table.columns(137)}
        window = table.items[0].window
        line = next(line for line in ui.lines if f" {table.items[0].key} " in line)
        assert {"input", "cached"} <= set(columns)
        sent = window.input + window.cache_write + window.cache_write_1h
        assert f"{fmt.compact(sent, 6)} {fmt.compact(window.cache_read, 6):>6}" in line


# The month ---------------------------------------------------------------------------------------


async def test_the_month_ends_as_on_f6_and_is_asked_for_once_a_minute(
    start: Start, fakes: ModuleType
) -> None:
    data = fakes.FakeData()
    asked: list[tuple[Any, float]] = []
    whole = data.outlook

    def outlook(view: Any, by: str, now: float) -> Any:
        asked.append((view.filters, now))
        return whole(view, by, now)

    data.outlook = outlook
    async with start(data=data) as ui:
        await ui.tick()
        assert not asked, "the first frame goes first"
        assert "pace" in ui.lines[2]
        ui.clock.time += 2
        await ui.tick()
        await ui.tick()
        assert len(asked) == 1
        assert "month end" in ui.lines[2]
        assert "pace" not in ui.lines[2]
        at = ui.lines[2].index("month end")
        said = ui.lines[3][at : at + 12].split()[0]
        await ui.press("u")
        assert said in ui.lines[3], "it is money in every unit"
        await ui.press("u", "u", "u", "f6")
        screen = ui.app.screen
        assert isinstance(screen, ForecastScreen)
        assert screen.told is not None
        shown = ui.app.shown.month_end
        assert (shown.nano, shown.low, shown.high) == screen.told.end
        asked.clear()
        await ui.press("f2")
        ui.clock.time += 1
        await ui.tick()
        assert not asked, "nothing is asked again within the minute"
        ui.clock.time += 60
        await ui.tick()
        assert len(asked) == 1
        await ui.press("enter")
        await ui.tick()
        assert asked[-1][0] == ui.app.state.filters, "another question"
        asked.clear()
        await ui.press("left_square_bracket")
        await ui.tick()
        assert not asked
        assert "pace" in ui.lines[2], "of the past: the month as it was"


# Time and why ------------------------------------------------------------------------------------


async def test_going_back_ends_where_usage_begins(start: Start, fakes: ModuleType) -> None:
    async with start() as ui:
        await ui.press("6", "left_square_bracket")
        assert ui.app.state.back == 1, "the store has 40 days"
        before = ui.app.state
        await ui.press("left_square_bracket")
        assert ui.app.state == before
        assert "Usage begins on 13 Oct 10:57: there is nothing before that." in ui.toasts
        await ui.press("at", *"2026-01-01", "enter")
        assert ui.app.state == before
        await ui.press("colon", *"at 1970-01-03", "enter")
        assert ui.app.state == before
        assert "Usage begins on" in ui.text
        await ui.press("escape", "escape", "L", "1")
        for _ in range(3):
            await ui.press("left_square_bracket")
        assert ui.app.state.back == 3
    empty = replace(fakes.overview(), earliest=0.0)
    async with start(data=fakes.FakeData(empty)) as ui:
        ui.app.go(ui.app.state.at(100_000.0))
        before = ui.app.state
        await ui.press("left_square_bracket")
        assert ui.app.state == before
        assert "There is nothing before 1970." in ui.toasts


@SIZES
async def test_why_begins_with_the_greatest_step_or_the_bar_that_is_pointed_at(
    start: Start, size: tuple[int, int]
) -> None:
    async with start(size=size) as ui:
        await ui.press("w")
        steps = ui.app.screen.query_one(StepTable)
        chart = list(ui.app.shown.overview.chart)
        gaps = ui.app.shown.overview.gap_buckets
        buckets = ui.app.shown.overview.view.window.buckets()
        known = [n for n in range(len(chart)) if n not in gaps][1:]  # the first is not whole
        after = [(chart[n] - chart[b], n) for b, n in pairwise(known)]
        assert steps.current.movement.now.start == buckets[max(after)[1]]
        assert steps.scrolled == 0, "the whole window stands above it"
        assert ui.lines[1].strip().startswith(why.span_text(steps.current.movement.now, UTC,
                                                            dated=False))  # fmt: skip
        await ui.press("down")
        ui.data.version += 1
        await ui.tick()
        assert steps.cursor == 2, "and stays where one goes"
        await ui.press("escape", "C", "left", "left", "left")
        bars = ui.app.overview_screen.query_one(Chart)
        overview = ui.app.shown.overview
        at = overview.view.window.buckets()[bars.crosshair(overview).at]
        await ui.press("w")
        steps = ui.app.screen.query_one(StepTable)
        assert steps.current is not None
        now = steps.current.movement.now
        assert now.start <= at < now.end
