"""What reconciling sources saw: on the sources screen, and a hint where it is worth one. And how
far the reading of history has come."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.tui.widgets.compared_table import ComparedTable

Start = Any


def exported(folder: Path) -> list[dict[str, str]]:
    """The rows of the one CSV file in `folder`."""
    (file,) = folder.iterdir()
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


async def test_the_sources_screen_shows_both_and_the_difference(
    start: Start, fakes: ModuleType
) -> None:
    async with start(data=fakes.FakeData(fakes.reconciled())) as ui:
        await ui.press("f9")
        (line,) = (line for line in ui.lines if "less seen" in line and "$310.00" in line)
        for text in ("kong-eu", "prom", "≥$300.08", "~-$9.92", "-3.2%", "-3.40M", "-1,398"):
            assert text in line, text
        assert "counted by nobody" in ui.text
        assert "too short to say" in ui.text
        assert "agrees" in ui.text
        assert "21 Nov 10:58→22 Nov 10:57" in ui.text  # the stretch that both cover
        assert len(ui.data.asked) == 1


async def test_enter_says_everything_about_a_comparison(start: Start, fakes: ModuleType) -> None:
    async with start(data=fakes.FakeData(fakes.reconciled()), size=(80, 24)) as ui:
        await ui.press("f9", "tab", "enter")
        for text in (
            "counted by kong-eu, seen by prom",
            "counted $310.00, seen ≥$300.08",
            "difference -3,404,863",
            "Sat 21 Nov 10:58 → Sun 22 Nov 10:57 UTC",
        ):
            assert text in ui.toasts, text
        await ui.press("y")
        assert ui.app.clipboard == "kong-eu"


async def test_the_comparisons_can_be_exported(
    start: Start, fakes: ModuleType, tmp_path: Path
) -> None:
    data = fakes.FakeData(fakes.reconciled())
    async with start(data=data, export_dir=tmp_path) as ui:
        await ui.press("f9", "tab", "e")
        rows = {r["gateway"]: r for r in exported(tmp_path)}
        assert rows["kong-eu"]["verdict"] == "differs"
        assert int(rows["kong-eu"]["difference_cost_nano"]) == int(
            rows["kong-eu"]["seen_cost_nano"]
        ) - int(rows["kong-eu"]["counted_cost_nano"])
        assert rows["edge-9"]["difference_cost_nano"] == rows["edge-9"]["start"] == ""


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_hint_names_the_gateway_only_where_it_differs(
    start: Start, fakes: ModuleType, size: tuple[int, int]
) -> None:
    async with start(data=fakes.FakeData(fakes.reconciled()), size=size) as ui:
        assert "kong-eu: 3.2% less seen +1: F9" in ui.text
    base = fakes.reconciled()
    calm = [row for row in base.compared if row.gateway in ("agentgateway-1", "llm-proxy")]
    agrees = replace(base, compared=tuple(calm))
    async with start(data=fakes.FakeData(agrees), size=size) as ui:
        assert "less seen" not in ui.text
        assert "too short" not in "\n".join(ui.lines[-2:])


async def test_without_reconciling_sources_there_is_no_such_list(start: Start) -> None:
    async with start() as ui:
        await ui.press("f9")
        assert not ui.app.screen.query_one(ComparedTable).display
        assert "reconciled" not in ui.text
        for pane in ("skipped", "unpriced", "all-sources"):
            await ui.press("tab")
            assert ui.app.focused.id == pane


async def test_tab_goes_through_the_comparisons_until_they_are_gone(
    start: Start, fakes: ModuleType
) -> None:
    async with start(data=fakes.FakeData(fakes.reconciled())) as ui:
        await ui.press("f9", "tab")
        assert ui.app.focused.id == "compared"
        ui.data.answer = fakes.overview()
        ui.data.version += 1
        await ui.tick()
        assert ui.app.focused.id != "compared"
        assert ui.app.screen.pane != "compared"
        await ui.press("tab", "shift+tab", "enter")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_history_that_is_being_read_has_a_bar(
    start: Start, fakes: ModuleType, size: tuple[int, int]
) -> None:
    """A log's is a share. That of a time series is time: never bytes."""
    base = fakes.overview()
    prom = replace(
        base.sources[0], name="prom", kind="prometheus", gaps=0, resets=0,
        backfill_done=9 * 86400, backfill_total=14 * 86400,
    )  # fmt: skip
    log = replace(base.sources[1], backfill_done=29, backfill_total=42, skipped=0)
    for source, told in ((prom, "9d of 14d"), (log, "69%")):
        data = fakes.FakeData(replace(base, sources=(source,), alerts=(), unpriced=()))
        async with start(data=data, size=size) as ui:
            (line,) = (one for one in ui.lines if "history" in one)
            assert told in line
            assert "━" in line
            await ui.press("f9")
            (line,) = (one for one in ui.lines if "history" in one)
            assert told in line
            assert "━" in line
            assert "B" not in line


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_gaps_and_notes_are_on_the_sources_screen(
    start: Start, fakes: ModuleType, size: tuple[int, int]
) -> None:
    base = fakes.overview()
    noted = replace(base.sources[0], gaps=2, resets=0, note="this is Kong, but ai_metrics is off",
                    backfill_done=1, backfill_total=3)  # fmt: skip
    async with start(data=fakes.FakeData(replace(base, sources=(noted,))), size=size) as ui:
        await ui.press("f9")
        assert "2 gaps" in ui.text
        assert "this is Kong, but ai_metrics is off" in ui.text
        await ui.press("enter")
        assert "this is Kong, but ai_metrics is off" in ui.toasts


async def test_hostile_names_of_gateways_stay_text(start: Start, fakes: ModuleType) -> None:
    base = fakes.reconciled()
    rows = tuple(row._replace(gateway=name, source=name)
                 for row, name in zip(base.compared, fakes.HOSTILE, strict=False))  # fmt: skip
    async with start(data=fakes.FakeData(replace(base, compared=rows))) as ui:
        await ui.press("f9", "tab", "enter")
        assert "\x1b" not in ui.text + ui.toasts
        assert "\u202e" not in ui.text + ui.toasts
