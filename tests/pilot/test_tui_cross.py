"""Grouping by anything, the list of filters, and the heat table, by keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from costtui.config.schema import Consumer
from costtui.model.snapshot import Filter
from costtui.tui.screens.chooser import Chooser
from costtui.tui.screens.cross import CrossScreen
from costtui.tui.screens.filters import FilterList
from costtui.tui.screens.overview import OverviewScreen
from costtui.tui.widgets.heat_table import HeatTable
from costtui.tui.widgets.panel import Panel

Start = Callable[..., AbstractAsyncContextManager[Any]]


def exported(folder: Path) -> list[Path]:
    return list(folder.glob("*.csv"))


def heat(ui: Any) -> HeatTable:
    found: HeatTable = ui.app.screen.query_one(HeatTable)
    return found


async def test_the_chooser_narrows_and_takes(start: Start, fakes: ModuleType) -> None:
    async with start() as ui:
        await ui.press("b")
        assert isinstance(ui.app.screen, Chooser)
        assert "tag:env" in ui.text  # the reader has answered
        assert "10,000" in ui.text
        await ui.press("g", "a", "t", "j")
        assert "no dimension is called that" in ui.text  # j was typed, it did not move
        await ui.press("backspace", "enter")
        assert isinstance(ui.app.screen, OverviewScreen)
        assert ui.app.state.group == "gateway"
        assert ui.app.screen.query_one("#panel-0", Panel).dimension == "gateway"


async def test_escape_leaves_the_chooser_and_everything_as_it_was(start: Start) -> None:
    async with start() as ui:
        await ui.press("b", "down", "down", "escape")
        assert isinstance(ui.app.screen, OverviewScreen)
        assert ui.app.state.group == "model"


async def test_keys_do_not_wait_for_the_chooser(start: Start, fakes: ModuleType) -> None:
    """What the overview knows is there before the reader has said anything."""

    class Silent(fakes.FakeData):  # type: ignore[name-defined, misc]
        def dimensions(self, *_: Any) -> None:
            return None

    async with start(Silent()) as ui:
        await ui.press("b", "p", "r", "o", "enter")
        assert ui.app.state.group == "provider"


async def test_group_goes_through_what_has_several_values(start: Start, fakes: ModuleType) -> None:
    sizes = (("provider", 1), ("model", 9), ("consumer", 4), ("gateway", 1), ("endpoint", 1),
             ("service", 1), ("org", 1), ("tag:env", 2))  # fmt: skip
    tags = Consumer(org="one", tags=(("env", "prod"),))
    config = replace(fakes.config(), consumers=(("*", tags),))
    fakes.VALUES.update({"org": ("one",), "tag:env": ("prod", "")})

    def answer(view: Any, now: float, dimensions: Any) -> Any:
        base = fakes.overview(view.window, now=now, filters=view.filters, dimensions=dimensions)
        return replace(base, sizes=sizes)

    async with start(fakes.FakeData(answer), config=config) as ui:
        seen = []
        for _ in range(5):
            await ui.press("g")
            seen.append(ui.app.state.group)
        assert seen == ["consumer", "org", "tag:env", "model", "consumer"]
        await ui.press("g", "g", "enter")
        assert ui.app.state.filters == (Filter("tag:env", ""),)
        assert ui.app.state.group == "model"  # provider has one value
        assert "tag:env=(none)" in ui.text
        await ui.press("escape")
        assert ui.app.state.group == "tag:env"
        current = ui.app.screen.query_one("#panel-0", Panel).current
        assert current is not None
        assert current.key == ""  # the row it came from
        await ui.press("slash", *"tag:evn=x", "enter")
        assert "did you mean tag:env?" in ui.toasts
    del fakes.VALUES["org"], fakes.VALUES["tag:env"]


async def test_a_drill_that_leaves_one_value_goes_on_to_the_next_dimension(
    start: Start, fakes: ModuleType
) -> None:
    """The answer says that only one provider is left; the panels are in it already."""

    def answer(view: Any, now: float, dimensions: Any) -> Any:
        base = fakes.overview(view.window, now=now, filters=view.filters, dimensions=dimensions)
        return replace(base, sizes=(*base.sizes, ("provider", 1))) if view.filters else base

    data = fakes.FakeData(answer)
    async with start(data) as ui:
        asked = len(data.asked)
        await ui.press("enter")
        assert ui.app.state.group == "consumer"
        assert len(data.asked) == asked + 1
        assert ui.app.screen.query_one("#panel-0", Panel).dimension == "consumer"


async def test_a_filter_is_taken_out_of_the_middle_and_another_turned_round(start: Start) -> None:
    async with start() as ui:
        await ui.press("enter", "enter", "enter", "backslash")
        assert isinstance(ui.app.screen, FilterList)
        one, _, three = ui.app.state.filters
        await ui.press("up", "delete")
        assert ui.app.state.filters == (one, three)
        assert ui.app.overview_screen.shown.state.filters == (one, three)
        await ui.press("up", "exclamation_mark")
        assert ui.app.state.filters == (one.inverted, three)
        assert "is not" in ui.text
        await ui.press("escape")
        assert isinstance(ui.app.screen, OverviewScreen)
        assert f"{one.dimension}!={one.value}" in ui.text
        await ui.press("escape")
        assert ui.app.state.filters == (one.inverted,)
        await ui.press("escape")
        assert ui.app.state.filters == ()
        await ui.press("backslash", "enter", "exclamation_mark")
        assert "no filter" in ui.text


async def test_the_heat_table_opens_on_model_by_consumer(start: Start) -> None:
    async with start() as ui:
        await ui.press("x")
        assert isinstance(ui.app.screen, CrossScreen)
        assert ui.data.crosses[-1][1:] == ("model", "consumer")
        assert "model × consumer" in ui.text


async def test_moving_sorting_and_units_ask_nothing(start: Start) -> None:
    async with start() as ui:
        await ui.press("x")
        asked = len(ui.data.crosses), len(ui.data.asked)
        await ui.press("down", "right", "greater_than_sign", "pagedown", "left", "less_than_sign",
                       "end", "home", "s", "s", "r", "u", "u", "u", "c", "c")  # fmt: skip
        assert (len(ui.data.crosses), len(ui.data.asked)) == asked


async def test_only_changed_cells_are_painted(start: Start) -> None:
    async with start() as ui:
        await ui.press("x")
        table = heat(ui)
        painted = table.painted
        ui.data.version += 1
        await ui.tick()
        assert table.painted == painted  # the same numbers
        await ui.press("right")
        assert 0 < table.painted - painted < 120


async def test_enter_narrows_to_both_and_escape_undoes_one_at_a_time(start: Start) -> None:
    async with start() as ui:
        await ui.press("x", "down", "right")
        table = heat(ui)
        row, column = table.current, table.column
        assert row is not None
        assert column is not None
        await ui.press("enter")
        assert isinstance(ui.app.screen, OverviewScreen)
        assert ui.app.state.filters == (Filter("model", row), Filter("consumer", column))
        await ui.press("escape")
        assert ui.app.state.filters == (Filter("model", row),)
        await ui.press("escape")
        assert ui.app.state.filters == ()


async def test_enter_on_a_total_narrows_to_the_row(start: Start) -> None:
    async with start() as ui:
        await ui.press("x", *("right",) * 20)
        assert heat(ui).column is None
        await ui.press("enter")
        assert [f.dimension for f in ui.app.state.filters] == ["model"]


async def test_axes_by_key_and_by_chooser(start: Start) -> None:
    async with start() as ui:
        await ui.press("x", "X")
        assert ui.data.crosses[-1][1:] == ("consumer", "model")
        await ui.press("g")
        assert ui.data.crosses[-1][1:] == ("gateway", "model")
        await ui.press("b", *"team", "enter")
        assert ui.data.crosses[-1][1:] == ("team", "model")
        await ui.press("b", "tab", *"prov", "enter")
        assert ui.data.crosses[-1][1:] == ("team", "provider")
        await ui.press("b", *"prov", "enter")  # one dimension for both turns the table round
        assert ui.data.crosses[-1][1:] == ("provider", "team")


async def test_the_export_has_every_cell(start: Start, tmp_path: Path) -> None:
    async with start(size=(80, 24), export_dir=tmp_path) as ui:
        await ui.press("x", "e")
        cross = heat(ui).cross
        assert cross is not None
        (file,) = exported(tmp_path)
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
        pairs = {(r["model"], r["consumer"]): int(r["cost_nano"]) for r in rows}
        assert pairs == {p: t.effective_nano for p, t in cross.cells.items()}
        assert sum(pairs.values()) == cross.total.effective_nano
        assert {r["exactness"] for r in rows} >= {"exact", "lower_bound", "estimate"}


async def test_it_follows_window_filter_and_store(start: Start) -> None:
    async with start() as ui:
        await ui.press("x", "5")
        assert ui.data.crosses[-1][0].window.name == "7d"
        await ui.press("slash", *"!bot", "enter")
        assert ui.data.crosses[-1][0].filters == (Filter("any", "bot", "!*"),)
        asked = len(ui.data.crosses)
        ui.data.version += 1
        await ui.tick()
        assert len(ui.data.crosses) == asked + 1
