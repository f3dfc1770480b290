"""Living with it: silence when nothing is new, sliding, pausing, errors, alerts, files."""

from __future__ import annotations

import csv
import json
import stat
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.config.schema import AlertRule
from costtui.errors import StoreCorruptError
from costtui.tui.widgets.lines import Lines

Start = Any


def painted(ui: Any) -> int:
    """Cells that widgets have asked to be repainted so far."""
    return sum(w.painted for w in ui.app.screen.query(Lines))


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_nothing_new_is_no_query_and_no_repaint(start: Start) -> None:
    async with start() as ui:
        await ui.tick()
        cells, asked, checks = painted(ui), len(ui.data.asked), ui.data.checks
        for _ in range(20):
            await ui.tick()
        assert painted(ui) == cells
        assert len(ui.data.asked) == asked
        assert ui.data.checks == checks + 20


async def test_one_new_cent_repaints_a_few_cells(start: Start, fakes: ModuleType) -> None:
    async with start() as ui:
        await ui.tick()
        cells = painted(ui)
        base = fakes.overview()
        total = base.total._replace(effective_nano=base.total.effective_nano + 10_000_000)
        ui.data.answer = replace(base, total=total)
        ui.data.version += 1
        await ui.tick()
        assert "≥$970.89" in ui.text
        assert 0 < painted(ui) - cells < 120


async def test_a_live_window_slides_with_the_minute_and_a_past_one_does_not(start: Start) -> None:
    async with start() as ui:
        first = ui.data.asked[0][0].window
        ui.clock.time += 57  # the next minute has begun
        await ui.tick()
        assert ui.data.asked[-1][0].window.end == first.end + 60
        ui.clock.time += 2
        asked = len(ui.data.asked)
        await ui.tick()
        assert len(ui.data.asked) == asked


async def test_pause_freezes_and_collecting_goes_on(start: Start, fakes: ModuleType) -> None:
    async with start() as ui:
        await ui.press("p")
        assert "PAUSED" in ui.lines[0]
        asked = len(ui.data.asked)
        ui.data.version += 1
        ui.clock.time += 300
        await ui.tick()
        assert len(ui.data.asked) == asked
        await ui.press("p")
        assert len(ui.data.asked) == asked + 1
        assert "PAUSED" not in ui.lines[0]


async def test_an_unreadable_store_says_so_and_comes_back(start: Start, fakes: ModuleType) -> None:
    data = fakes.FakeData()
    data.error = StoreCorruptError("/x/costtui.db: page 42 is damaged")
    async with start(data=data) as ui:
        assert "The store cannot be read" in ui.text
        assert "page 42 is damaged" in ui.text
        data.error = None
        ui.clock.time += 4
        await ui.tick()
        assert "≥$970.88" in ui.text
        data.error = StoreCorruptError("gone again")
        await ui.press("5")
        assert "NOT READ" in ui.lines[0]
        assert "≥$970.88" in ui.text  # what is known stays, marked


async def test_a_dead_collector_is_stale(start: Start) -> None:
    async with start() as ui:
        await ui.tick()
        ui.data.alive = False
        ui.clock.time += 6
        await ui.tick()
        assert "STALE" in ui.lines[0]
        assert "✖ down" in ui.lines[0]
        ui.data.alive = True
        ui.clock.time += 6
        await ui.tick()
        assert "live" in ui.lines[0]


async def test_sources_move_without_a_new_query(start: Start) -> None:
    async with start() as ui:
        await ui.tick()
        asked = len(ui.data.asked)
        later = tuple(replace(s, last_data=s.last_data + 5) for s in ui.data.statuses())
        ui.data.statuses = lambda: later
        ui.data.revision = lambda: 1
        ui.data.version += 1
        await ui.tick()
        assert "10:57:04" in ui.text
        assert len(ui.data.asked) == asked


async def test_a_source_that_falls_silent_becomes_late(start: Start) -> None:
    async with start() as ui:
        assert " late " not in ui.text
        ui.clock.time += 55
        await ui.tick()
        assert ui.text.count(" late ") == 3  # the fourth one is down
        cells = painted(ui)
        await ui.tick()
        assert painted(ui) == cells


async def test_every_firing_alert_rings_once(
    start: Start, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    async with start() as ui:
        monkeypatch.setattr(ui.app, "bell", lambda: rung.append(1))
        ui.data.answer = fakes.firing()
        for _ in range(3):
            ui.data.version += 1
            await ui.tick()
        assert rung == [1]
        assert "1 firing" in ui.text
        assert "FIRING" in ui.text


async def test_a_slow_store_never_delays_a_key_and_is_marked(
    start: Start, fakes: ModuleType
) -> None:
    import threading

    gate, reading = threading.Event(), threading.Event()

    def slow(view: Any, now: float, dimensions: Any) -> Any:
        if view.window.name != "24h":
            reading.set()
            gate.wait(10)
        return fakes.overview(view.window, now=now, dimensions=dimensions)

    async with start(data=fakes.FakeData(slow)) as ui:
        await ui.pilot.press("5")
        await ui.until(reading.is_set)
        await ui.pilot.press("6")
        await ui.pilot.press("2")
        await ui.pilot.pause()
        assert "²1h" in ui.lines[0]
        assert ui.app.shown.overview.view.window.name == "24h"
        ui.app._mark_pending()
        await ui.pilot.pause()
        assert "reading" in ui.lines[0]
        gate.set()
        await ui.settle()
        assert ui.app.shown.overview.view.window.name == "1h"
        assert "reading" not in ui.lines[0]
        assert [v.window.name for v, _, _ in ui.data.asked] == ["24h", "7d", "1h"]


async def test_export_is_what_is_shown(start: Start, tmp_path: Path) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("less_than_sign", "e", "E", "e")
        files = files_in(tmp_path)
        assert [f.suffix for f in files] == [".csv", ".csv", ".json"]
        assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in files)
        assert str(files[0]) in ui.toasts
        panel = ui.app.overview_screen.query_one("#panel-0")
        rows = list(csv.DictReader(files[0].read_text().splitlines()))
        assert [r["model"] for r in rows] == [g.key for g in panel.items]
        assert [int(r["cost_nano"]) for r in rows] == [g.totals.effective_nano for g in panel.items]
        assert rows[0]["window_end"] == "2026-11-22T10:58:00Z"
        document = json.loads(files[2].read_text())
        assert [r["model"] for r in document["rows"]] == [g.key for g in panel.items]
        assert document["window"]["name"] == "24h"


async def test_everything_can_be_exported_and_hostile_cells_are_defused(
    start: Start, tmp_path: Path, fakes: ModuleType
) -> None:
    async with start(data=fakes.FakeData(fakes.hostile()), export_dir=tmp_path) as ui:
        for _ in range(7):
            await ui.press("e", "E", "tab")
        await ui.press("f3", "e", "f9", "e", "tab", "e", "tab", "e")
        files = [f for f in files_in(tmp_path) if f.suffix == ".csv"]
        assert len(files) == 11
        for file in files:
            for row in csv.reader(file.read_text().splitlines()):
                for cell in row:
                    assert cell.isprintable()
                    assert not cell.startswith(("=", "@"))


async def test_one_request_is_one_row(start: Start, tmp_path: Path, fakes: ModuleType) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("f3", "down", "down", "enter")
        assert "╭─ request 3 of 60 ─" in ui.text
        await ui.press("e")
        (file,) = files_in(tmp_path)
        assert file.name.startswith("costtui-request-")
        (row,) = csv.DictReader(file.read_text().splitlines())
        asked = fakes.request_rows()[2]
        assert (row["request_id"], row["model"]) == (asked.request_id, asked.dims.model)
        assert int(row["cost_nano"]) == asked.effective_nano
        assert (row["read_from"], int(row["offset"])) == (asked.part, asked.offset)


async def test_rules_that_nobody_has_evaluated_yet_are_said_to_be_there(
    start: Start, fakes: ModuleType
) -> None:
    data = fakes.FakeData(replace(fakes.overview(), alerts=()))
    rule = AlertRule("spend", "cost_over", 5_000_000_000, 3600, "1h")
    for rules, said in (((), "none set: add"), ((rule,), "1 rule, not evaluated yet"),
                        ((rule,) * 3, "3 rules, not evaluated yet")):  # fmt: skip
        async with start(data=data, config=replace(fakes.config(), alerts=rules)) as ui:
            assert said in ui.text


async def test_the_first_numbers_are_looked_for_before_the_next_refresh(
    start: Start, fakes: ModuleType
) -> None:
    data = fakes.FakeData(fakes.empty(configured=True))
    ensured: list[int] = []
    async with start(data=data, ensure_collector=lambda: ensured.append(1)) as ui:
        await ui.until(lambda: ensured)
        await ui.settle()
        assert len(ensured) == 1  # at once; the configuration refreshes once an hour
        seen, asked, cells = data.checks, len(data.asked), painted(ui)
        await ui.until(lambda: data.checks >= seen + 3)
        await ui.settle()
        assert (len(data.asked), painted(ui)) == (asked, cells)
        data.answer, data.version = None, 2
        await ui.until(lambda: "≥$970.88" in ui.text)
        await ui.settle()
        assert len(ensured) == 1  # a collector that fails is not started five times a second
        seen = data.checks
        ui.app._look_quickly()
        await ui.settle()
        assert data.checks == seen


async def test_nowhere_to_write_is_said(start: Start, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    async with start(export_dir=blocked / "below") as ui:
        await ui.press("e")
        assert "nothing was written" in ui.toasts


async def test_copy(start: Start) -> None:
    async with start() as ui:
        await ui.press("down", "y")
        assert ui.app.clipboard == "gpt-5"
        await ui.press("f3", "y")
        assert ui.app.clipboard == "req_0000"
        await ui.press("enter", "down", "y")
        assert ui.app.clipboard == "$0.060737355"


async def test_no_color_is_monochrome_and_stays_so(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with start(theme="nord") as ui:
        assert ui.app.theme == "monochrome"
        await ui.press("t")
        assert ui.app.theme == "monochrome"
        for strip in ui.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default
                assert style is None or style.bgcolor is None or style.bgcolor.is_default


async def test_sixteen_colours_choose_their_theme(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    async with start(theme=None) as ui:
        assert ui.app.theme == "ansi-16"
    async with start(theme="nord") as ui:
        assert ui.app.theme == "nord"


async def test_an_unknown_theme_is_said_and_harmless(start: Start, tmp_path: Path) -> None:
    async with start(theme="nope", themes_dir=tmp_path) as ui:
        assert ui.app.theme == "costtui-dark"
        await ui.until(lambda: "no theme is called" in ui.toasts)


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (40, 12), (20, 5)])
async def test_resizing_never_breaks_it(start: Start, size: tuple[int, int]) -> None:
    async with start() as ui:
        await ui.pilot.resize_terminal(*size)
        await ui.settle()
        await ui.until(lambda: len(ui.lines) == size[1])
        await ui.press("tab", "M", "f9", "f3")
        assert ui.app.is_running
