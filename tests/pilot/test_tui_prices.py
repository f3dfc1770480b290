"""Prices, advice and budgets: keys, what-if, drilling, taking away, silence when nothing is new."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.analysis.whatif import doubt
from costtui.config.schema import PriceOverride
from costtui.model.charge import Exactness
from costtui.model.snapshot import Filter, Totals
from costtui.tui.widgets.finding_table import FindingTable
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.price_table import PriceTable

Start = Any


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch, fakes: ModuleType) -> None:
    fakes.PRICES.freeze_catalogue(monkeypatch)


def table(ui: Any) -> PriceTable:
    found = ui.app.screen.query_one(PriceTable)
    assert isinstance(found, PriceTable)
    return found


def screen(ui: Any) -> str:
    return type(ui.app.screen).__name__


def written(folder: Path, what: str) -> str:
    """The text of the one export called so."""
    (path,) = folder.glob(f"costtui-{what}-*")
    return path.read_text(encoding="utf-8")


async def type_rate(ui: Any, text: str) -> None:
    await ui.press("equals_sign")
    for char in text:
        await ui.pilot.press("space" if char == " " else char)
    await ui.press("enter")


async def test_unpriced_first_with_every_rate_and_where_it_comes_from(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8")
        assert screen(ui) == "PricesScreen"
        rows = table(ui).items
        assert rows[0].priced.key == ("qwen", "qwen3-coder-plus")
        costs = [r.total.effective_nano for r in rows[1:]]
        assert costs == sorted(costs, reverse=True)
        for text in ("1 unpriced", "catalogue genai-prices 0.0.0", "$/1M", "vs list", "+12%",
                     "reported", "-4.0%", "all models"):  # fmt: skip
            assert text in ui.text, text
        assert "no rate in pricing:" in ui.text


async def test_what_if_prices_the_unpriced_and_gives_the_line(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8")
        await type_rate(ui, "1 5")
        row = table(ui).items[0]
        used = row.total
        assert row.would == (used.input + used.cache_read) * 1000 + used.output * 5000
        assert "~$19.84" in ui.text
        line = "- {provider: qwen, model: qwen3-coder-plus, input: 1, output: 5}"
        assert line in ui.text
        await ui.press("y")
        assert ui.app.clipboard == line
        foot = table(ui).foot
        assert foot is not None
        assert foot.would == foot.total.effective_nano + row.would
        await type_rate(ui, "")
        assert table(ui).items[0].would is None
        assert "what if " not in ui.lines[2]


async def test_a_sum_stays_a_lower_bound_while_something_in_it_is_unpriced(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8", "down")
        await type_rate(ui, "1 5")
        foot = table(ui).foot
        assert foot is not None
        assert foot.exactness is Exactness.ESTIMATED_LOWER_BOUND
        await ui.press("home")
        await type_rate(ui, "1 5")
        foot = table(ui).foot
        assert foot is not None
        assert foot.exactness is Exactness.ESTIMATE
        lost = Totals(requests=1, input=5, lower_bounds=1)
        assert doubt(lost) is Exactness.ESTIMATED_LOWER_BOUND


async def test_what_if_of_all_like_another_model(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8")
        await type_rate(ui, "all like gpt-5-mini")
        rows = table(ui).items
        assert all(r.assumed is not None and r.would is not None for r in rows)
        mini = next(r for r in rows if r.priced.spent.model == "gpt-5-mini")
        assert mini.would == mini.priced.spent.listed[0][1].list_nano
        await ui.press("down")
        await type_rate(ui, "0 0")
        row = table(ui).current
        assert row is not None
        assert row.would == 0
        await type_rate(ui, "all")
        assert all(r.would is None for r in table(ui).items)


async def test_a_name_that_nobody_knows_is_refused_with_a_hint(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8")
        await type_rate(ui, "gpt-5-minni")
        assert "no rate is known for gpt-5-minni" in ui.toasts
        assert "gpt-5-mini" in ui.toasts
        assert all(r.would is None for r in table(ui).items)
        # what was typed is there again, to be corrected
        await ui.press("backspace", "backspace", "i", "enter")
        assert [r.assumed.label for r in table(ui).items if r.assumed] == ["openai/gpt-5-mini"]
        await type_rate(ui, "1 2 3 4 5 6")
        assert "five rates at most" in ui.toasts
        assert not [r for r in table(ui).items if r.assumed and "$" in r.assumed.label]
        await ui.press("escape")
        await type_rate(ui, "3")
        assert [r.assumed.label for r in table(ui).items if r.assumed] == ["$3 for all tokens"]
        await ui.press("equals_sign")
        await ui.press("escape")
        assert screen(ui) == "PricesScreen"
        assert table(ui).has_focus


async def test_chosen_rates_stay_with_their_model_and_leave_with_the_screen(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8")
        await type_rate(ui, "1 5")
        await ui.press("5", "greater_than_sign", "r")
        chosen = [r for r in table(ui).items if r.would is not None]
        assert [r.priced.spent.model for r in chosen] == ["qwen3-coder-plus"]
        await ui.press("f2", "f8")
        assert all(r.would is None for r in table(ui).items)


async def test_the_screen_asks_again_for_another_window_or_filter(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8", "6")
        prices = table(ui).prices
        assert prices is not None
        assert prices.view.window.name == "30d"
        await ui.press("slash", *"provider", "equals_sign", *"openai", "enter")
        assert {r.priced.spent.provider for r in table(ui).items} == {"openai"}


async def test_columns_are_sorted_by(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8")
        assert table(ui).sort == "from"
        for _ in range(3):
            await ui.press("greater_than_sign")
        assert table(ui).sort == "cost"
        costs = [r.total.effective_nano for r in table(ui).items]
        assert costs == sorted(costs, reverse=True)
        await ui.press("r")
        assert [r.total.effective_nano for r in table(ui).items] == sorted(costs)
        seen = set()
        for _ in range(14):
            await ui.press("less_than_sign")
            seen.add(table(ui).sort)
        assert {"name", "provider", "in", "out", "tokens", "paid", "list"} <= seen


async def test_enter_works_a_cost_out_to_the_last_digit(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8", "down")
        row = table(ui).current
        assert row is not None
        await ui.press("enter")
        assert screen(ui) == "PriceScreen"
        detail = ui.app.screen.detail
        assert detail.worked.list_nano == row.total.list_nano
        assert sum(p.nano for p in detail.worked.parts) == row.total.list_nano
        assert "not in these" not in ui.text
        assert f"${row.total.list_nano // 10**9}." in ui.text
        await ui.press("tab", "y")
        assert "catalogue genai-prices" in ui.app.clipboard
        await ui.press("escape", "escape")  # what was said, then the screen
        assert screen(ui) == "PricesScreen"


async def test_long_requests_have_lines_of_their_own(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8")
        table(ui).select("gcp.gemini\x1fgemini-2.5-pro")
        await ui.press("enter")
        assert ui.text.count("requests above 200,000 input tokens") == 3
        assert "found as google/gemini-2.5-pro (built in)" in ui.text
        assert "not in these" not in ui.text


async def test_an_unpriced_model_is_told_what_is_near(start: Start) -> None:
    async with start() as ui:
        await ui.press("f8", "enter")
        assert "openrouter/qwen/qwen3-coder-plus" in ui.text
        assert "unpriced" in ui.text


async def test_the_list_can_be_taken_away(start: Start, tmp_path: Path) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("f8")
        await type_rate(ui, "1 5")
        await ui.press("e")
        rows = list(csv.DictReader(written(tmp_path, "prices").splitlines()))
        assert len(rows) == len(table(ui).items)
        first = rows[0]
        assert (first["from"], first["what_if"]) == ("unpriced", "$1 / $5")
        assert int(first["what_if_cost_nano"]) == table(ui).items[0].would
        gpt = next(r for r in rows if r["model"] == "gpt-5")
        assert (gpt["rate_input"], gpt["rate_cache_write"], gpt["entry"]) == (
            "1.25", "1.25", "openai/gpt-5",
        )  # fmt: skip
        off = int(gpt["compared_reported_nano"]) - int(gpt["compared_list_nano"])
        assert off > 0


async def test_a_pricing_file_that_is_broken_is_said_and_the_rest_stands(
    start: Start, fakes: ModuleType, tmp_path: Path
) -> None:
    config = replace(fakes.config(), pricing_file=tmp_path / "gone.yml")
    async with start(config=config) as ui:
        await ui.press("f8")
        assert "cannot read the pricing file" in ui.text
        assert "catalogue" in ui.text


async def test_a_free_model_and_an_entry_of_the_configuration(
    start: Start, fakes: ModuleType
) -> None:
    entries = (PriceOverride("ollama", free=True, line=9),)
    config = replace(fakes.config(), pricing=entries, files=(Path("/x/my.yml"),))
    async with start(config=config) as ui:
        await ui.press("f8")
        table(ui).select("ollama\x1fllama3.3:70b")
        await ui.press("down", "up")
        assert "pricing[0] of my.yml, line 9 (ollama/*)" in ui.text


async def test_nothing_new_paints_nothing(start: Start) -> None:
    async with start() as ui:
        for key in ("f8", "f7", "f5"):
            await ui.press(key)
            ui.data.version += 1
            await ui.tick()
            before = sum(w.painted for w in ui.app.screen.query(Lines))
            ui.data.version += 1
            await ui.tick()
            assert sum(w.painted for w in ui.app.screen.query(Lines)) == before, key


# Advice -----------------------------------------------------------------------------------------


async def test_advice_is_sorted_by_money_and_told_in_full(start: Start) -> None:
    async with start() as ui:
        await ui.press("f7")
        findings = ui.app.screen.query_one(FindingTable).items
        kinds = {f.kind.value for f in findings}
        assert {"unpriced", "over list", "few cache reads", "cache not read", "failures"} <= kinds
        stakes = [f.stake_nano for f in findings if f.stake_nano is not None]
        assert stakes == sorted(stakes, reverse=True)
        assert "no rate is known for this model" in ui.text
        await ui.press("down")
        assert "at the median of 3 consumers" in ui.text


async def test_enter_shows_what_a_finding_is_about(start: Start) -> None:
    async with start() as ui:
        await ui.press("f7", "enter")
        assert screen(ui) == "OverviewScreen"
        assert ui.data.asked[-1][0].filters == (
            Filter("provider", "qwen"), Filter("model", "qwen3-coder-plus"),
        )  # fmt: skip
        await ui.press("escape", "escape")
        assert ui.data.asked[-1][0].filters == ()


async def test_advice_can_be_taken_away(start: Start, tmp_path: Path) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("f7", "E", "y")
        rows = json.loads(written(tmp_path, "advice"))["rows"]
        assert rows[0]["kind"] == "unpriced"
        assert rows[0]["stake_nano"] is None
        assert rows[0]["exactness"] == "unknown"
        assert ui.app.clipboard.startswith("- {provider: qwen")


async def test_without_usage_there_is_nothing_to_judge(
    start: Start, fakes: ModuleType, tmp_path: Path
) -> None:
    data = fakes.FakeData(fakes.empty(configured=True))
    async with start(data=data, export_dir=tmp_path) as ui:
        await ui.press("f7")
        assert "nothing was used in this window" in ui.text
        assert "what was looked at" in ui.text
        await ui.press("enter", "y", "f8")
        assert "no usage in this window" in ui.text
        await ui.press("equals_sign", "enter", "y", "e")
        assert screen(ui) == "PricesScreen"


# Budgets ----------------------------------------------------------------------------------------


async def test_budgets_say_that_there_are_none_and_what_was_spent(
    start: Start, tmp_path: Path
) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("f5")
        for text in ("No budget is configured.", "limit: ", "period: day",
                     "≥$9,318.44  November", "$11,802.07  October", "a day, median",
                     "of 30 whole days"):  # fmt: skip
            assert text in ui.text, text
        found = ui.app.screen.days.days
        costs = sorted(t.effective_nano for _, t in found)
        assert f"${costs[14] / 1e9:,.2f}" in ui.text
        assert f"${costs[-1] / 1e9:,.2f}" in ui.text
        await ui.press("y", "e")
        assert ui.app.clipboard.startswith("limit: ")
        assert len(written(tmp_path, "days").splitlines()) == 31


async def test_the_example_of_a_budget_loads(start: Start, tmp_path: Path) -> None:
    from costtui.config.load import load
    from costtui.tui.widgets.budget_notice import BudgetNotice

    async with start() as ui:
        await ui.press("f5")
        text = "\n".join(ui.app.screen.query_one(BudgetNotice).example())
    path = tmp_path / "c.yml"
    path.write_text(text)
    (budget,) = load(path, env={"HOME": str(tmp_path)}).budgets
    assert budget.period == "day"
    assert budget.limit_nano > 0


async def test_budgets_follow_a_filter(start: Start) -> None:
    async with start() as ui:
        await ui.press("f5", "slash", *"consumer", "equals_sign", *"search", "enter")
        assert "by consumer search" in ui.text
