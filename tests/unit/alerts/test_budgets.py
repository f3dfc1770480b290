"""Budgets: periods of the wall clock, steps that are reached, forecasts and burn rates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.alerts.look import Seen
from costtui.alerts.periods import period_of
from costtui.config.alert_schema import BudgetConfig
from costtui.model.charge import Exactness
from costtui.model.snapshot import Filter

if TYPE_CHECKING:
    from tests.unit.alerts.conftest import World
else:
    World = Any

HOUR, DAY = 3600, 86_400
BERLIN = ZoneInfo("Europe/Berlin")
PLAIN = BudgetConfig("b", 1000, forecast=False)


def seen(world: World, budget: BudgetConfig) -> dict[str, dict[str, Seen]]:
    """step → label values, joined → what is seen."""
    out: dict[str, dict[str, Seen]] = {}
    for one in world.look(budget):
        assert one is not None
        for labels, found in one.seen.items():
            *scope, (name, step) = labels
            assert name == "step"
            out.setdefault(step, {})["/".join(v for _, v in scope)] = found
    return out


ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York")


@given(
    st.integers(1_700_000_000, 1_900_000_000),
    st.sampled_from(ZONES),
    st.sampled_from(["day", "week", "month"]),
)
def test_a_period_is_one_of_the_wall_clock(now: int, name: str, period: str) -> None:
    zone = ZoneInfo(name)
    found = period_of(replace(PLAIN, period=period), now, zone)
    assert found.start <= now < found.end
    first, last = (datetime.fromtimestamp(t, zone) for t in found)
    assert {(t.hour, t.minute, t.second) for t in (first, last)} == {(0, 0, 0)}
    if period == "month":
        assert (first.day, last.day) == (1, 1)
        assert (last.year * 12 + last.month) - (first.year * 12 + first.month) == 1
    else:
        assert (last.date() - first.date()) == timedelta(days=7 if period == "week" else 1)
        assert period == "day" or first.weekday() == 0


@pytest.mark.parametrize(
    ("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)]
)
def test_a_day_is_as_long_as_it_is(day: tuple[int, int, int], hours: int) -> None:
    noon = datetime(*day, 12, tzinfo=BERLIN).timestamp()
    assert period_of(replace(PLAIN, period="day"), noon, BERLIN).seconds == hours * HOUR


@pytest.mark.parametrize("period", ["day", "week", "month", "rolling"])
@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=["utc", "berlin"])
def test_what_is_spent_is_that_of_the_period(world: World, period: str, zone: Any) -> None:
    world.zone = zone
    world.now = datetime(2026, 10, 28, 9, 0, 30, tzinfo=zone).timestamp()
    for ago in range(600, 40 * DAY, 5 * HOUR):
        world.use(ago, nano=1)
    budget = replace(PLAIN, period=period, seconds=2 * DAY if period == "rolling" else 0)
    start = {
        "day": datetime(2026, 10, 28, tzinfo=zone),
        "week": datetime(2026, 10, 26, tzinfo=zone),
        "month": datetime(2026, 10, 1, tzinfo=zone),
        "rolling": datetime(2026, 10, 26, 9, 1, tzinfo=zone),
    }[period].timestamp()
    spent = sum(nano for t, _, nano in world.rows if t >= start)
    assert seen(world, budget)["50%"][""].value == spent * 1_000_000 // 1000


def test_a_step_is_reached_exactly_at_it(world: World) -> None:
    world.use(60, "ann", 800)
    world.use(60, "bob", 799)
    world.use(60, "eve", 1500)
    found = seen(world, replace(PLAIN, by=("consumer",)))
    reached = {s: {who for who, one in f.items() if one.over} for s, f in found.items()}
    assert reached == {"50%": {"ann", "bob", "eve"}, "80%": {"ann", "eve"}, "100%": {"eve"}}
    assert found["80%"]["bob"].value == 799_000
    assert found["100%"]["eve"].value == 1_500_000
    assert found["80%"]["ann"].note == "$0.0000008 of $0.000001"


@given(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(1, 2_000_000))
def test_reached_is_reached(spent: int, limit: int, step: int) -> None:
    assert (spent * 1_000_000 // limit >= step) == (
        Fraction(spent, limit) >= Fraction(step, 1_000_000)
    )


def test_a_forecast_goes_on_evenly(world: World) -> None:
    """The tenth of September, 12:00: 9.5 of 30 days, to the minute that is running."""
    world.now = datetime(2026, 9, 10, 11, 59, 30, tzinfo=UTC).timestamp()
    world.use(5 * DAY, nano=950)
    budget = replace(PLAIN, limit_nano=2999, forecast=True, steps=())
    assert seen(world, budget)["forecast"][""] == Seen(3000, True, Exactness.ESTIMATE)
    assert not seen(world, replace(budget, limit_nano=3000))["forecast"][""].over
    # Nothing is forecast in the first tenth of a period, nor for one that has no end.
    world.now = datetime(2026, 9, 3, 11, 59, 30, tzinfo=UTC).timestamp()
    assert seen(world, budget) == {}
    assert seen(world, replace(budget, period="rolling", seconds=DAY)) == {}


def test_another_forecast_takes_its_place(world: World) -> None:
    asked = []

    def forecast(view: Any, by: Any) -> Any:
        asked.append((view.window.start, view.window.end, view.filters, by))
        return {(("consumer", "ann"),): 5000}

    world.forecast = forecast
    world.use(60, "ann", 1)
    budget = replace(PLAIN, forecast=True, steps=(), by=("consumer",), where=(("model", "m"),))
    assert seen(world, budget)["forecast"]["ann"][:2] == (5000, True)
    start, end = (int(datetime(2026, m, 1, tzinfo=UTC).timestamp()) for m in (9, 10))
    assert asked == [(start, end, (Filter("model", "m"),), ("consumer",))]


@pytest.mark.parametrize(
    ("long", "short", "over"), [(24, 24, True), (24, 0, False), (1, 24, False), (0, 0, False)]
)
def test_burning_is_too_fast_over_both_windows(
    world: World, long: int, short: int, over: bool
) -> None:
    """A day's budget of $86.4 allows $3.6 an hour and $0.3 in five minutes."""
    world.use(30 * 60, nano=long * 36 * 10**8)
    world.use(60, nano=short * 3 * 10**8)
    budget = replace(PLAIN, limit_nano=864 * 10**8, period="day", burn_over=14_400, steps=())
    found = seen(world, budget)["burn"][""]
    in_hour = long * 36 * 10**8 + short * 3 * 10**8
    truth = min(Fraction(in_hour, 36 * 10**8), Fraction(short))
    assert found.value == -(-truth * 1000 // 1)
    assert found.over is over is (truth > Fraction(144, 10))
