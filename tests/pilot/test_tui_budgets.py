"""F5: every key, what is asked and when, the past, and the way to what a budget is about."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from costtui.model.timewindow import MINUTE
from costtui.tui.budget_rows import FEW
from costtui.tui.screens.budgets import EVERY
from costtui.tui.widgets.budget_detail import BudgetDetail
from costtui.tui.widgets.budget_table import BudgetTable

Start = Any


def told(fakes: ModuleType, **changes: Any) -> Any:
    """Data in which budgets fire, some of them muted."""
    made = fakes.BUDGETS
    overview = replace(
        fakes.overview(), alerts=made.firing(), silences=made.silences(), acks=made.acks(),
        notifiers=made.health(), **changes,
    )  # fmt: skip
    return fakes.FakeData(overview)


def configured(fakes: ModuleType, budgets: Any = None) -> Any:
    made = fakes.BUDGETS
    return replace(fakes.config(), budgets=budgets or made.TREE, notifiers=made.NOTIFIERS)


def table(ui: Any) -> BudgetTable:
    found: BudgetTable = ui.app.screen.query_one(BudgetTable)
    return found


def written(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    (file,) = folder.glob("costtui-budgets-*.csv")
    rows = csv.DictReader(file.read_text().splitlines())
    return {(row["budget"], row["labels"]): row for row in rows}


def row_of(ui: Any, text: str) -> str:
    """The line of the table, and not of what is below it, that has `text`."""
    end = next(n for n, line in enumerate(ui.lines) if line.startswith("╰"))
    (found,) = [line for line in ui.lines[2:end] if text in line]
    return str(found)


async def test_a_tree_with_every_number(start: Start, fakes: ModuleType) -> None:
    async with start(told(fakes), config=configured(fakes), size=(160, 40)) as ui:
        await ui.press("f5")
        assert "budgets 9  1 passed" in ui.text
        assert "9 firing (7 muted) of budgets" in ui.text
        for text, facts in {
            "company": ("month→1 Dec", "$5,000", "≥$4,312", "≥86%", "≤$687.55", "1.2×", "≥~$6,030",
                        "$5,686-$6,545", "25 Nov 21:03", "8d 13h", "FIRING"),
            "discovery": ("$1,012", "112%", "-$112.30", "passed", "acked"),
            "payments": ("$900.00", "100%", "$0.00", "reached", "silenced"),
            "support": ("24%", "lasts", "ok"),
            "(none)": ("$18.05", "2.0%"),
            "a day": ("day→23 Nov", "$200"),
            "thirty days": ("last 30d", "69%"),
        }.items():  # fmt: skip
            line = row_of(ui, text)
            for fact in facts:
                assert fact in line, (fact, line)
        assert "passed" not in row_of(ui, "payments")
        # the whole of the budget under the cursor, with its alerts
        assert "80% FIRING since 21 Nov 09:57" in ui.text
        assert "50% FIRING since 14 Nov 08:30, inhibited" in ui.text
        assert "expected" in ui.text
        # of all label sets together: whose it is
        await ui.press("down")
        assert "discovery 50% FIRING since 22 Nov 09:57" in ui.text
        assert "payments 80% FIRING since 22 Nov 09:57" in ui.text
        await ui.press("down")
        assert "discovery 50% FIRING" not in ui.text


async def test_the_detail_follows_the_cursor(start: Start, fakes: ModuleType) -> None:
    async with start(told(fakes), config=configured(fakes)) as ui:
        await ui.press("f5", "down", "down")
        assert "team › discovery" in ui.text
        assert "acked by ann 22 Nov 10:27: asked them to stop" in ui.text
        await ui.press("down")
        assert "silenced by bob until 22 Nov 12:57: month end load" in ui.text
        assert [name for name, _ in ui.data.courses] == ["company", "team", "team"]


async def test_enter_shows_what_it_is_about_and_esc_comes_back(
    start: Start, fakes: ModuleType
) -> None:
    async with start(told(fakes), config=configured(fakes)) as ui:
        ui.data.answer = None
        await ui.press("slash", *"gpt", "enter", "f5", "down", "down", "enter")
        state = ui.app.state
        assert [str(f) for f in state.filters] == ["team=discovery"]
        assert (state.window, state.past) == ("month", False)
        assert ui.app.screen.where == "overview"
        await ui.press("escape")
        assert ui.app.screen.where == "budgets"
        assert [f.value for f in ui.app.state.filters] == ["gpt"]
        await ui.press("f5", "end", "up", "enter")
        assert ui.app.state.zoom is not None  # a week has no window of its own


async def test_words_narrow_as_they_are_typed(start: Start, fakes: ModuleType) -> None:
    async with start(told(fakes), config=configured(fakes)) as ui:
        await ui.press("f5", "slash", *"disc")
        assert [r.depth for r in table(ui).items] == [0, 1, 2]
        await ui.press("enter")
        assert "/disc" in ui.text
        assert ui.app.state.filters == ()
        await ui.press("escape")
        assert len(table(ui).items) == 10
        assert ui.app.screen.where == "budgets"
        await ui.press("slash", *"zzz")
        assert "no budget has zzz" in ui.text
        await ui.press("escape")
        assert len(table(ui).items) == 10


async def test_sorting_and_its_command(start: Start, fakes: ModuleType) -> None:
    async with start(told(fakes), config=configured(fakes)) as ui:
        await ui.press("f5", "greater_than_sign")
        assert "sorted by name" in ui.text
        assert "a day" in table(ui).items[0].key
        await ui.press("r")
        assert "thirty days" in table(ui).items[0].key
        await ui.press("less_than_sign", "less_than_sign")
        assert ui.app.screen.sorting() == {"sort": "alert", "reverse": False}
        await ui.press("colon", *"sort used", "enter")
        assert "a week" in table(ui).items[0].key


async def test_space_folds_and_ten_thousand_scroll_like_ten(
    start: Start, fakes: ModuleType
) -> None:
    made = fakes.BUDGETS
    data = fakes.FakeData()
    data.lines = lambda budgets, now: made.many(10_000)
    async with start(data, config=configured(fakes, made.MANY)) as ui:
        await ui.press("f5")
        assert len(table(ui).items) == FEW + 2
        assert "and 9,990 more" in ui.text
        await ui.press("end", "enter")
        assert len(table(ui).items) == 10_001
        await ui.press("end")
        assert "user-09999" in row_of(ui, "▌")
        await ui.press("space")
        assert len(table(ui).items) == 1
        assert table(ui).cursor == 0
        await ui.press("space")
        assert len(table(ui).items) == FEW + 2
        await ui.press("slash", *"user-07777", "enter")
        assert [r.depth for r in table(ui).items] == [0, 1]


async def test_it_is_read_once_a_minute_and_after_new_usage(
    start: Start, fakes: ModuleType
) -> None:
    async with start(told(fakes), config=configured(fakes)) as ui:
        await ui.press("f5")
        assert len(ui.data.stood) == 1
        await ui.tick()
        await ui.press("down", "r", "f4", "escape")
        assert len(ui.data.stood) == 1
        await ui.press("f5")
        known = len(ui.data.stood)
        ui.data.version += 1
        await ui.tick()
        assert len(ui.data.stood) == known, "less than five seconds after the last"
        assert ui.app.screen._again is not None
        ui.clock.time += EVERY
        ui.data.version += 1
        await ui.tick()
        assert len(ui.data.stood) == known + 1
        ui.clock.time += MINUTE
        ui.app.show(ui.app.shown)
        await ui.settle()
        assert len(ui.data.stood) == known + 2
        await ui.press("R")
        assert len(ui.data.stood) == known + 3
        assert ui.data.stood[-1] == (ui.clock.time, frozenset({"llm-proxy"}))


async def test_in_the_past_it_shows_how_it_stood(start: Start, fakes: ModuleType) -> None:
    async with start(fakes.FakeData(), config=configured(fakes)) as ui:
        await ui.press("f5", "left_square_bracket")
        window = ui.app.state.view(ui.clock.now(), ui.app.look.zone).window
        assert ui.data.stood[-1] == (window.end - 1, frozenset())
        assert "as they stood Sat 21 Nov 2026 10:58" in ui.text
        assert "PAST" in ui.lines[0]
        await ui.press("a")
        assert "this is the past" in ui.toasts
        await ui.press("L")
        assert ui.data.stood[-1][0] == ui.clock.now()
        assert "as they stood" not in ui.text


async def test_numbers_and_back(start: Start, fakes: ModuleType) -> None:
    async with start(told(fakes), config=configured(fakes)) as ui:
        await ui.press("f5", "n")
        assert "To choose a limit by" in ui.text
        assert "6 budgets configured: n goes back" in ui.text
        assert not table(ui).display
        await ui.press("n", "n", "escape")
        assert table(ui).display
        assert ui.app.screen.where == "budgets"


async def test_the_chart_alone(start: Start, fakes: ModuleType) -> None:
    async with start(told(fakes), config=configured(fakes), size=(80, 24)) as ui:
        await ui.press("f5")
        assert ui.data.courses == []
        await ui.press("M")
        assert not table(ui).display
        assert "limit" in ui.lines[1]
        assert len(ui.data.courses) == 1
        await ui.press("escape")
        assert table(ui).display
        assert ui.app.screen.where == "budgets"


async def test_what_leaves_the_screen(start: Start, fakes: ModuleType, tmp_path: Path) -> None:
    async with start(told(fakes), config=configured(fakes), export_dir=tmp_path) as ui:
        await ui.press("f5", "down", "down", "y")
        assert ui.app.clipboard == "team team=discovery"
        await ui.press("up", "space", "e")
        found = written(tmp_path)
        assert len(found) == 9, "folded or not"
        row = found["team", "team=discovery"]
        assert (row["spent_nano"], row["left_nano"], row["outcome"], row["alert"]) == (
            "1012300000000", "-112300000000", "passed", "acked",
        )  # fmt: skip
        assert found["company", ""]["exactness"] == "lower_bound"
        assert found["team", "team=payments"]["outcome"] == "reached"


async def test_hostile_names_are_harmless(start: Start, fakes: ModuleType) -> None:
    made = fakes.BUDGETS
    evil = replace(made.TREE[1], name=made.HOSTILE)
    data = fakes.FakeData()
    data.lines = lambda budgets, now: [
        made.line(evil, 10**12, (("team", made.HOSTILE),), now),
    ]
    for size in ((120, 40), (80, 24), (40, 10)):
        async with start(data, config=configured(fakes, (evil,)), size=size) as ui:
            await ui.press("f5", "down")
            assert "\x1b" not in ui.text
            assert "\u202e" not in ui.text
            await ui.press("y", "z", "enter", "escape", "escape")
            assert ui.app._exception is None


async def test_a_budget_without_usage_is_nothing_spent(start: Start, fakes: ModuleType) -> None:
    made = fakes.BUDGETS
    data = fakes.FakeData()
    data.lines = lambda budgets, now: []
    async with start(data, config=configured(fakes, made.MANY)) as ui:
        await ui.press("f5", "enter", "space", "y", "z", "escape", "a")
        assert "none yet" in row_of(ui, "each")
        assert ui.app.screen.where == "budgets"
        assert ui.app.screen.query_one(BudgetDetail).row is not None
