"""What charts are made of, against sums made another way."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Size

from costtui.config.alert_schema import AlertRule, BudgetConfig
from costtui.model.charge import Exactness
from costtui.model.snapshot import AlertStatus, Filter, Totals, View
from costtui.model.timewindow import (
    STEPS,
    WINDOW_BY_NAME,
    WINDOWS,
    Window,
    previous,
    step_for,
    window_at,
)
from costtui.store.levels import LEVELS
from costtui.tui import themes
from costtui.tui.curves import More, curves, leaders, limit_for
from costtui.tui.glyphs import ASCII, UNICODE
from costtui.tui.look import Line, Look
from costtui.tui.palette import Palette
from costtui.tui.shown import UNIT_NAMES, Limits, Shown, amount, exactness_in, over_time, trend
from costtui.tui.state import State
from costtui.tui.widgets.chart_bars import Bars, Crosshair


def _load_fakes() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "snapshot" / "fakes.py"
    spec = importlib.util.spec_from_file_location("tui_fakes_for_curves", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fakes = _load_fakes()
UNITS = tuple(UNIT_NAMES)


def name(_: str, value: str) -> str:
    return value


def more(shown: Shown) -> More:
    overview = shown.overview
    assert overview is not None
    data = fakes.FakeData()
    past = replace(overview.view, window=previous(overview.view.window, UTC))
    rows = data.timeline(overview.view, 3600, fakes.NOW)
    before = tuple(data.timeline(past, 3600, fakes.NOW))
    return More(
        overview.view, tuple(t for _, t in rows), before, past.window.start, past.window.end
    )


@pytest.mark.parametrize("unit", UNITS)
def test_over_time_is_the_unit(unit: str) -> None:
    overview = fakes.overview()
    made = curves(Shown(State(unit=unit), overview), "time", None, name)
    assert made.totals == over_time(overview, unit)
    due = {
        "cost": overview.chart,
        "tokens": overview.chart_tokens,
        "requests": overview.chart_requests,
        "rate": tuple(
            c * 10**6 // (t - u) if t > u else 0
            for c, t, u in zip(
                overview.chart, overview.chart_tokens, overview.chart_unpriced, strict=True
            )
        ),
    }[unit]
    assert made.totals == due
    assert made.title == f"{UNIT_NAMES[unit]} over time"
    assert ("without a price" in made.note) == (unit == "rate")


@pytest.mark.parametrize("unit", ["cost", "tokens", "requests"])
def test_a_stack_holds_everything_the_largest_first(unit: str) -> None:
    overview = fakes.overview()
    made = curves(Shown(State(unit=unit), overview), "stacked", None, name)
    groups = next(b for b in overview.breakdowns if b.dimension == "model").groups
    assert made.totals == tuple(map(sum, zip(*(trend(g, unit) for g in groups), strict=True)))
    assert len(made.layers) == 6
    assert made.layers[-1].name == "other"
    sizes = [next(amount(g.totals, unit) for g in groups if g.key == layer.name)
             for layer in made.layers[:-1]]  # fmt: skip
    assert sizes == sorted(sizes, reverse=True)
    assert [layer.number for layer in made.layers] == [1, 2, 3, 4, 5, 6]


def test_rates_do_not_add_up_so_a_stack_of_them_is_of_cost() -> None:
    made = curves(Shown(State(unit="rate"), fakes.overview()), "stacked", None, name)
    assert made.unit == "cost"
    assert "rates do not add up" in made.note


def test_the_mix_is_of_disjoint_kinds() -> None:
    shown = Shown(State(), fakes.overview())
    extra = more(shown)
    made = curves(shown, "mix", extra, name)
    assert made.totals == tuple(t.tokens for t in extra.now)
    assert not curves(shown, "mix", None, name).layers


@pytest.mark.parametrize("unit", UNITS)
def test_the_sum_ends_at_all_of_it_and_the_period_before_too(unit: str) -> None:
    shown = Shown(State(unit=unit), fakes.overview())
    extra = more(shown)
    made = curves(shown, "sum", extra, name)
    total, before = Totals(), Totals()
    for one in extra.now:
        total = total.plus(one)
    for _, one in extra.before:
        before = before.plus(one)
    assert made.totals[-1] == amount(total, unit)
    assert made.before[-1] == pytest.approx(amount(before, unit), rel=0.01)
    if unit != "rate":
        assert list(made.totals) == sorted(made.totals)
        assert list(made.before) == sorted(made.before)
    assert not curves(Shown(State(compare=False), shown.overview), "sum", extra, name).before


@given(st.integers(1, 400_000), st.integers(0, 3600), st.integers(2, 40))
def test_the_period_before_is_aligned_by_time_and_not_by_bucket(
    nano: int, shift: int, buckets: int
) -> None:
    """A steady spend is a straight line from nothing, wherever the two windows begin."""
    shift -= shift % 60
    start = 1_790_000_000 // 3600 * 3600 + shift
    window = Window(start, start + buckets * 3600, 3600, "custom")
    past = previous(window, UTC)
    per_minute = nano

    def spent(of: Window) -> list[tuple[int, Totals]]:
        return [
            (b, Totals(1, effective_nano=per_minute
                       * ((min(b + 3600, of.end) - max(b, of.start)) // 60)))
            for b in of.buckets()
        ]  # fmt: skip

    overview = replace(fakes.overview(), view=View(window), alerts=())
    extra = More(View(window), tuple(t for _, t in spent(window)), tuple(spent(past)), past.start,
                 past.end)  # fmt: skip
    made = curves(Shown(State(), overview), "sum", extra, name)
    for now, then in zip(made.totals, made.before, strict=True):
        assert abs(now - then) <= max(2, per_minute)


def alert(limit: int, window: str, *labels: tuple[str, str]) -> AlertStatus:
    return AlertStatus("r", labels, "inactive", "warning", 0, limit, 0.0, window)


def test_a_limit_is_one_on_exactly_what_is_shown() -> None:
    day = View(window_at(WINDOW_BY_NAME["24h"], fakes.NOW, UTC))
    rows = (alert(9, "24h"), alert(7, "1d"), alert(5, "25h"), alert(3, "1h"), alert(1, ""),
            alert(2, "24h", ("model", "gpt-5")))  # fmt: skip
    assert limit_for(rows, day, "cost") == 5
    assert limit_for(rows, day, "tokens") == 0
    assert limit_for(rows[:1], day, "cost") == 9
    only = replace(day, filters=(Filter("model", "gpt-5"),))
    assert limit_for(rows, only, "cost") == 2
    assert limit_for(rows, replace(day, filters=(Filter("any", "gpt", "*"),)), "cost") == 0
    month = View(window_at(WINDOW_BY_NAME["month"], fakes.NOW, UTC))
    assert limit_for((alert(4, "30d"),), month, "cost") == 4
    today = View(window_at(WINDOW_BY_NAME["today"], fakes.NOW, UTC))
    assert limit_for((alert(4, "24h"), alert(3, "12h")), today, "cost") == 4
    assert limit_for((replace(alert(4, "24h"), unit="share"),), today, "cost") == 0


def test_a_limit_is_one_for_what_the_configuration_says() -> None:
    """A projection's limit is not one on its window, and `where:` is in no label."""
    hour = View(window_at(WINDOW_BY_NAME["1h"], fakes.NOW, UTC))
    rows = (alert(4, "1h"),)
    projected = AlertRule("r", "projected_over", 4, 3600, "1h")
    some = AlertRule("r", "cost_over", 4, 3600, "1h", where=(("model", "gpt-5"),))
    assert limit_for(rows, hour, "cost", Limits((projected,))) == 0
    assert limit_for(rows, hour, "cost", Limits((some,))) == 0
    only = replace(hour, filters=(Filter("model", "gpt-5"),))
    assert limit_for(rows, only, "cost", Limits((some,))) == 4


def test_a_budget_is_a_limit_on_its_period() -> None:
    month = View(window_at(WINDOW_BY_NAME["month"], fakes.NOW, UTC))
    week = View(window_at(WINDOW_BY_NAME["7d"], fakes.NOW, UTC))
    whole, team = BudgetConfig("all", 90), BudgetConfig("teams", 20, by=("team",))
    rolling = BudgetConfig("week", 7, "rolling", 7 * 86_400, where=(("team", "a"),))
    limits = Limits((), (whole, team, rolling))
    assert limit_for((), month, "cost", limits) == 90
    assert limit_for((), week, "cost", limits) == 0
    for_a = (Filter("team", "a"),)
    assert limit_for((), replace(month, filters=for_a), "cost", limits) == 20
    assert limit_for((), replace(week, filters=for_a), "cost", limits) == 7
    assert limit_for((), replace(week, filters=(Filter("team", "b"),)), "cost", limits) == 0


def test_leaders_of_a_bucket() -> None:
    overview = fakes.overview()
    groups = next(b for b in overview.breakdowns if b.dimension == "model").groups
    at = len(overview.chart) // 2
    due = sorted(((g.spark[at], g.key) for g in groups), reverse=True)[:3]
    assert [(v, k) for k, v in leaders(overview, "model", "cost", at)] == due


def test_a_rate_is_of_what_has_a_price() -> None:
    some = Totals(2, input=3_000_000, effective_nano=6_000_000_000, unpriced_tokens=1_000_000)
    assert amount(some, "rate") == 3_000_000_000
    assert exactness_in(some, "rate") is Exactness.ESTIMATE
    assert amount(Totals(1, input=5, unpriced_tokens=5), "rate") == 0
    assert Totals(1, input=5, unpriced_tokens=5).rate_nano is None
    assert exactness_in(some._replace(unpriced_tokens=0), "rate") is Exactness.EXACT


def look(*, ascii_only: bool = False, colorless: bool = False) -> Look:
    name = "monochrome" if colorless else "costtui-dark"
    theme = themes.read(themes.builtin_dir() / f"{name}.yml")
    palette = Palette({**theme.colors, **theme.variables})
    return Look(palette, ASCII if ascii_only else UNICODE, UTC)


def texts(lines: list[Line]) -> list[str]:
    return ["".join(s.text for s in line.segments) for line in lines]


@given(
    st.sampled_from(["time", "stacked", "mix", "sum"]),
    st.sampled_from(UNITS),
    st.integers(20, 200),
    st.integers(2, 40),
    st.sampled_from([w.name for w in WINDOWS]),
    st.booleans(),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(0, 60)),
)
def test_bars_fit_at_every_size(
    kind: str, unit: str, width: int, height: int, window: str, ascii_only: bool, at: int,
    mark: int | None,
) -> None:  # fmt: skip
    shown = Shown(State(unit=unit, window=window), fakes.overview(window))
    assert shown.overview is not None
    made = curves(shown, kind, more(shown), name)
    last = len(made.totals) - 1
    pointed = Crosshair(min(at, last), None if mark is None else min(mark, last))
    drawn = Bars(LOOKS[ascii_only], made, shown.overview.view.window, (width, height), pointed)
    lines = drawn.lines()
    assert len(lines) <= max(height, 2)
    for text in texts(lines):
        assert len(text) <= max(width, 11)
        if ascii_only:
            assert text.isascii()


LOOKS = {False: look(), True: look(ascii_only=True)}


@pytest.mark.parametrize("made_for", [look(ascii_only=True), look(colorless=True)])
def test_series_have_characters_of_their_own_where_there_are_no_colours(made_for: Look) -> None:
    shown = Shown(State(), fakes.overview())
    assert shown.overview is not None
    made = curves(shown, "stacked", None, name)
    drawn = Bars(made_for, made, shown.overview.view.window, (118, 30), None)
    text = "\n".join(texts(drawn.lines()))
    for layer in made.layers[:4]:
        assert made_for.glyphs.stack[layer.number - 1] in text
    assert len(set(made_for.glyphs.stack)) == 6


@pytest.mark.parametrize("kind", ["time", "stacked", "mix", "sum"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_plotted_fits_and_begins_at_zero(kind: str, ascii_only: bool) -> None:
    from costtui.tui.plot import plotted

    shown = Shown(State(), fakes.overview())
    assert shown.overview is not None
    made = curves(shown, kind, more(shown), name)
    size = Size(118, 30)
    lines = plotted(LOOKS[ascii_only], shown.overview.view.window, made, size, Crosshair(5, 2))
    assert len(lines) <= size.height
    shown_text = texts(lines)
    assert all(len(t) <= size.width for t in shown_text)
    assert any(t.lstrip().startswith(("$0", "0")) for t in shown_text)
    if ascii_only:
        assert all(t.isascii() for t in shown_text)


def test_the_steps_of_windows_are_the_levels_of_the_store() -> None:
    assert tuple(level.step for level in LEVELS) == STEPS
    for spec in WINDOWS:
        if spec.seconds > 900:
            assert step_for(spec.seconds) == spec.step, spec.name
    assert step_for(23 * 3600) == 3600
    assert step_for(60) == 60


@given(st.integers(1, 10**6))
def test_a_window_of_any_length_has_enough_buckets_and_not_too_many(minutes: int) -> None:
    seconds = minutes * 60
    buckets = seconds / step_for(seconds)
    assert buckets >= min(12, minutes)
    assert buckets <= 200 or step_for(seconds) == 86_400
