"""The fleet screen: figures, order, drilling, and silence when nothing is new."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.model.snapshot import Filter
from costtui.tui.widgets.fleet_table import FleetTable
from costtui.tui.widgets.lines import Lines

Start = Any


def table(ui: Any) -> FleetTable:
    found = ui.app.screen.query_one(FleetTable)
    assert isinstance(found, FleetTable)
    return found


async def test_one_key_shows_every_gateway_and_their_sum(start: Start) -> None:
    async with start() as ui:
        await ui.press("f")
        assert type(ui.app.screen).__name__ == "FleetScreen"
        assert len(ui.data.fleets) == 1
        for text in ("today", "this week", "this month", "last hour", "24h↓", "7d", "30d", "/h",
                     "trend", "err", "429", "cached", "all gateways", "kong-eu", "(none)",
                     "cost over time"):  # fmt: skip
            assert text in ui.text, text
        assert [g.key for g in table(ui).items] == [
            "kong-eu", "llm-proxy", "agentgateway-1", "agentgateway-2", "",
        ]  # fmt: skip
        await ui.press("q")
        assert type(ui.app.screen).__name__ == "OverviewScreen"


async def test_enter_narrows_to_the_gateway_and_goes_to_the_overview(start: Start) -> None:
    async with start() as ui:
        await ui.press("f", "down", "enter")
        assert type(ui.app.screen).__name__ == "OverviewScreen"
        assert ui.data.asked[-1][0].filters == (Filter("gateway", "llm-proxy"),)
        assert "gateway=llm-proxy" in ui.lines[1]
        await ui.press("f")
        assert [g.key for g in table(ui).items] == ["llm-proxy"]
        assert "gateway=llm-proxy" in ui.lines[0]
        await ui.press("f2", "escape", "f", "end", "enter")
        assert ui.data.asked[-1][0].filters == (Filter("gateway", ""),)


async def test_the_sum_is_no_row_to_stand_on(start: Start) -> None:
    async with start() as ui:
        await ui.press("f", "end", "down", "down")
        current = table(ui).current
        assert current is not None
        assert current is not table(ui).foot
        lines = [line for line in ui.lines if "all gateways" in line or "(none)" in line]
        assert len(lines) == 2
        assert "all gateways" in lines[1]


async def test_sort_reverse_unit_and_compare_need_no_query(start: Start) -> None:
    async with start() as ui:
        await ui.press("f")
        asked = len(ui.data.asked), len(ui.data.fleets)
        await ui.press("greater_than_sign")
        assert "7d↓" in ui.text
        await ui.press("less_than_sign", "less_than_sign")
        assert [g.key for g in table(ui).items] == [
            "", "agentgateway-1", "agentgateway-2", "kong-eu", "llm-proxy",
        ]  # fmt: skip
        await ui.press("r")
        assert table(ui).items[0].key == "llm-proxy"
        await ui.press("greater_than_sign", "r")
        spent = [g.day.effective_nano for g in table(ui).items]
        assert spent == sorted(spent)
        await ui.press("u")
        tokens = [g.day.tokens for g in table(ui).items]
        assert tokens == sorted(tokens)
        assert "$" not in "\n".join(ui.lines[6:13])
        assert "▲" in "\n".join(ui.lines[6:13])
        await ui.press("c")
        assert "change" not in ui.text
        assert (len(ui.data.asked), len(ui.data.fleets)) == asked


async def test_every_visible_column_can_be_sorted_by(start: Start) -> None:
    async with start() as ui:
        await ui.press("2", "f")
        seen = []
        for _ in range(12):
            seen.append(table(ui).sort)
            await ui.press("greater_than_sign")
        assert len(set(seen)) == 12
        assert table(ui).sort == seen[0]


async def test_windows_filters_and_time_travel_ask_once(start: Start) -> None:
    async with start() as ui:
        await ui.press("f")
        for key, name in (("1", "15m"), ("8", "month"), ("left_square_bracket", "month")):
            before = len(ui.data.fleets)
            await ui.press(key)
            assert ui.data.fleets[-1].window.name == name
            assert len(ui.data.fleets) == before + 1
            assert f"  {name}" in ui.text
        await ui.press("slash", *"kong", "enter")
        assert [str(f) for f in ui.data.fleets[-1].filters] == ["kong"]


async def test_nothing_new_is_no_query_and_no_repaint(start: Start) -> None:
    async with start() as ui:
        await ui.press("f")
        painted = sum(w.painted for w in ui.app.screen.query(Lines))
        for _ in range(3):
            ui.clock.time += 0.2
            await ui.tick()
        assert len(ui.data.fleets) == 1
        assert sum(w.painted for w in ui.app.screen.query(Lines)) == painted
        ui.data.version += 1
        await ui.tick()
        assert len(ui.data.fleets) == 2
        ui.clock.time += 60  # a live window slides
        await ui.tick()
        assert len(ui.data.fleets) == 3


async def test_paused_stands_still(start: Start) -> None:
    async with start() as ui:
        await ui.press("f", "p")
        ui.data.version += 1
        ui.clock.time += 120
        await ui.tick()
        assert len(ui.data.fleets) == 1
        assert "PAUSED" in ui.lines[0]


async def test_the_state_of_what_is_behind_a_gateway(start: Start, fakes: ModuleType) -> None:
    async with start(size=(160, 40)) as ui:
        await ui.press("f")
        state = {g.key: table(ui).state(g)[0] for g in table(ui).items}
        assert state == {
            "kong-eu": "gap", "llm-proxy": "ok", "agentgateway-1": "ok", "agentgateway-2": "down",
            "": "ok",
        }  # fmt: skip
        await ui.press("down", "down", "down")
        assert "down · http://10.0.7.12:15020/metrics: connection refused" in ui.text
        assert " down " in ui.text


async def test_what_was_never_heard_of_is_not_zero(start: Start, fakes: ModuleType) -> None:
    class Silent(fakes.FakeData):  # type: ignore[name-defined, misc]
        def fleet(self, view: Any, now: float) -> Any:
            made = super().fleet(view, now)
            zero = fakes.Totals()
            quiet = made.gateways[3]._replace(
                window=zero, previous=zero, hour=zero, day=zero, week=zero, month=zero
            )
            return made._replace(gateways=(*made.gateways[:3], quiet))

    async with start(data=Silent()) as ui:
        await ui.press("f")
        (line,) = (line for line in ui.lines if "agentgateway-2" in line)
        assert "$" not in line


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20), (50, 14)])
async def test_it_fits(start: Start, size: tuple[int, int]) -> None:
    async with start(size=size) as ui:
        await ui.press("f")
        assert "kong-eu" in ui.text
        assert "all" in ui.text
        assert "24h↓" in ui.text or size[0] < 60
        for line in ui.lines:
            assert len(line) == size[0]


@pytest.mark.parametrize("configured", [True, False])
async def test_without_any_usage_it_says_so(
    start: Start, fakes: ModuleType, configured: bool
) -> None:
    options = {"config": fakes.config(configured=configured)}
    async with start(data=fakes.FakeData(fakes.empty(configured=configured)), **options) as ui:
        await ui.press("f")
        assert "$" not in ui.text
        assert ("no source is configured" if not configured else "no gateway has been") in ui.text


async def test_a_filter_that_leaves_nothing_says_so(start: Start, fakes: ModuleType) -> None:
    class Strict(fakes.FakeData):  # type: ignore[name-defined, misc]
        def fleet(self, view: Any, now: float) -> Any:
            found = super().fleet(view, now)
            return found if not view.filters else fakes.no_fleet()._replace(view=view)

    async with start(data=Strict()) as ui:
        await ui.press("f", "slash", *"nowhere", "enter")
        assert "nothing matches nowhere" in ui.text


def exported(folder: Path) -> list[dict[str, str]]:
    """The rows of the one CSV file in `folder`."""
    (file,) = folder.iterdir()
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


async def test_export_and_copy(start: Start, tmp_path: Path) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("f", "e")
        rows = exported(tmp_path)
        assert [r["gateway"] for r in rows] == [g.key for g in table(ui).items] + [""]
        assert rows[-1]["row"] == "total"
        for column in ("cost_nano", "cost_nano_7d", "tokens_30d", "cost_nano_hour", "errors"):
            assert sum(int(r[column]) for r in rows[:-1]) == int(rows[-1][column])
        await ui.press("y")
        assert ui.app.clipboard == "kong-eu"


async def test_hostile_names_stay_text(start: Start, fakes: ModuleType) -> None:
    class Hostile(fakes.FakeData):  # type: ignore[name-defined, misc]
        def fleet(self, view: Any, now: float) -> Any:
            made = super().fleet(view, now)
            rows = zip(made.gateways, fakes.HOSTILE, strict=False)
            return made._replace(gateways=tuple(g._replace(key=n) for g, n in rows))

    async with start(data=Hostile()) as ui:
        await ui.press("f")
        assert "\x1b" not in ui.text
        assert "\u202e" not in ui.text


async def test_a_slow_answer_to_an_older_question_is_not_shown(start: Start) -> None:
    async with start() as ui:
        await ui.press("f")
        screen, old = ui.app.screen, ui.app.screen.fleet
        await ui.press("5")
        current = screen.fleet
        from costtui.tui.data import Answer

        screen.answered(Answer("fleet", None, old))
        assert screen.fleet is current


async def test_an_error_is_said_and_goes_away(start: Start) -> None:
    async with start() as ui:
        await ui.press("f")
        ui.data.error = RuntimeError("gone")
        await ui.press("R")
        assert ui.app.shown.error
        ui.data.error = None
        ui.clock.time += 10
        await ui.tick()
        assert not ui.app.shown.error
        assert "kong-eu" in ui.text


async def test_sources_move_the_state_without_a_query(start: Start) -> None:
    async with start(size=(160, 40)) as ui:
        await ui.press("f")
        overview = ui.app.shown.overview
        fine = tuple(replace(s, error="", failures=0, last_ok=ui.clock.time)
                     for s in overview.sources)  # fmt: skip
        ui.app.show(ui.app.shown._replace(overview=replace(overview, sources=fine)))
        await ui.settle()
        assert " down " not in ui.text
        assert len(ui.data.fleets) == 1
