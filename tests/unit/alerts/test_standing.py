"""How budgets stand: sums of plain rows, shares of what comes, and when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from costtui.alerts.look import Look
from costtui.alerts.observe import observe
from costtui.alerts.watches import watches
from costtui.config.alert_schema import SHARE, BudgetConfig
from costtui.engine.budgeting import read_budgets, standing
from costtui.engine.outlooks import Outlooks
from costtui.model.budget import BudgetLine
from costtui.model.charge import CostBasis, Exactness
from costtui.model.snapshot import View
from costtui.model.timewindow import Window
from costtui.store.watching import WatchReader

if TYPE_CHECKING:
    from tests.unit.alerts.conftest import World
else:
    World = Any

HOUR, DAY = 3600, 86_400
NANO = 10**9


def stand(world: World, *budgets: BudgetConfig) -> list[BudgetLine]:
    world.store()
    with WatchReader(world.path, zone=world.zone, consumers=world.people) as reader:
        return list(read_budgets(reader, budgets, world.now, world.zone))


def weeks(world: World) -> None:
    """Three weeks: ann spends $1 an hour, bob $3, and today half of an hour each is missing."""
    for hour in range(1, 21 * 24):
        world.use(hour * HOUR, "ann", NANO)
        world.use(hour * HOUR, "bob", 3 * NANO)


def test_no_usage_is_a_budget_of_which_nothing_is_spent(world: World) -> None:
    (line,) = stand(world, BudgetConfig("all", 100 * NANO))
    assert (line.spent, line.left, line.share, line.burn, line.reaches) == (0, 100 * NANO, 0, 0, 0)
    assert stand(world, BudgetConfig("each", NANO, by=("consumer",))) == []
    assert stand(world) == []


def test_spent_and_left_are_of_the_period(world: World) -> None:
    world.use(30, "ann", 7 * NANO)
    world.use(21 * HOUR, "ann", 2 * NANO)
    world.use(23 * HOUR, "ann", 40 * NANO)  # yesterday
    line, rolling = stand(
        world,
        BudgetConfig("day", 9 * NANO, "day"),
        BudgetConfig("roll", 50 * NANO, "rolling", 30 * DAY, where=(("consumer", "ann"),)),
    )
    assert (line.spent, line.left, line.share) == (9 * NANO, 0, SHARE)
    assert not line.overspent
    assert line.end - line.start == DAY
    assert line.start <= world.now < line.end
    assert rolling.spent == 49 * NANO
    assert (rolling.ahead, rolling.reaches, rolling.period) == (None, 0, "30d")


def test_unpriced_usage_makes_it_a_lower_bound(world: World) -> None:
    world.use(60, "ann", 0, tokens=5, basis=CostBasis.UNPRICED)
    (line,) = stand(world, BudgetConfig("day", NANO, "day"))
    assert line.exactness & Exactness.LOWER_BOUND


def test_a_source_that_is_blind_makes_it_a_lower_bound(world: World) -> None:
    world.use(60, "ann", NANO)
    world.source("s", last_attempt=10, last_ok=4000, failures=3, interval=15.0)
    (line,) = stand(world, BudgetConfig("day", NANO, "day"))
    assert line.exactness & Exactness.LOWER_BOUND


def test_burn_is_against_an_even_pace(world: World) -> None:
    world.use(1800, "ann", 5 * NANO)
    (line,) = stand(world, BudgetConfig("day", 24 * NANO, "day"))
    assert line.burn == 5000  # $5 in an hour where $1 would be even


@pytest.mark.parametrize(("hours", "claimed"), [(0, False), (22, False), (24, True), (30, True)])
def test_with_less_than_a_day_of_history_nobody_claims_anything(
    world: World, hours: int, claimed: bool
) -> None:
    """The store is `hours` old, 22 hours of the day are gone: neither screen nor alert."""
    world.use(hours * HOUR + 60, "ann", NANO)
    world.use(60, "ann", NANO)
    budget = BudgetConfig("day", NANO, "day", steps=())
    (line,) = stand(world, budget)
    assert (line.ahead is not None, line.banded) == (claimed, claimed)
    with WatchReader(world.path, zone=world.zone) as reader, reader.watching() as sight:
        look = Look(sight, world.now, world.zone, None, 0.0,
                    Outlooks(sight, world.now, world.zone))  # fmt: skip
        seen = observe(look, watches((), (budget,)))
    assert bool([one for one in seen if one is not None and one.seen]) is claimed


def test_what_the_screen_says_is_what_the_alert_says(world: World) -> None:
    weeks(world)
    budget = BudgetConfig("month", 2900 * NANO, by=("consumer",))
    bob, ann = stand(world, budget)
    assert (bob.labels, ann.labels) == ((("consumer", "bob"),), (("consumer", "ann"),))
    with WatchReader(world.path, zone=world.zone) as reader, reader.watching() as sight:
        outlooks = Outlooks(sight, world.now, world.zone)
        window = Window(bob.start, bob.end, HOUR, "month")
        told = outlooks(View(window, ()), ("consumer",))
    assert told is not None
    assert {line.labels: line.ahead.nano for line in (ann, bob) if line.ahead} == dict(told)
    # A quarter and three quarters of a steady spend, and of its end.
    assert ann.ahead is not None
    assert bob.ahead is not None
    assert bob.banded
    assert bob.ahead.nano == pytest.approx(3 * 30 * 24 * NANO, rel=0.05)
    assert ann.ahead.nano == pytest.approx(bob.ahead.nano / 3, rel=0.01)
    assert bob.ahead.low <= bob.ahead.nano <= bob.ahead.high


def test_the_limit_is_reached_where_a_steady_spend_meets_it(world: World) -> None:
    weeks(world)
    limit = 1500 * NANO
    bob, ann = stand(world, BudgetConfig("month", limit, by=("consumer",)))
    assert ann.reaches == 0  # 720 of 1,500 at most
    hours = (limit - bob.spent) / (3 * NANO)
    assert bob.reaches == pytest.approx(world.now + hours * HOUR, abs=8 * HOUR)
    (whole,) = stand(world, BudgetConfig("w", limit, where=(("consumer", "bob"),)))
    assert whole.reaches == pytest.approx(bob.reaches, abs=HOUR)


def test_what_is_spent_reaches_nothing_any_more(world: World) -> None:
    weeks(world)
    (line,) = stand(world, BudgetConfig("month", 10 * NANO))
    assert line.overspent
    assert line.left < 0
    assert line.reaches == 0


def test_filters_are_those_of_the_budget(world: World) -> None:
    weeks(world)
    where = (("consumer", "ann"),)
    (line,) = stand(world, BudgetConfig("ann", 100 * NANO, "day", where=where, parent="all"))
    assert (line.where, line.parent) == (where, "all")
    day = [nano for at, who, nano in world.rows if at >= line.start and who == "ann"]
    assert line.spent == sum(day)


def test_no_watch_of_a_budget_is_needed_for_its_standing(world: World) -> None:
    world.use(60, "ann", NANO)
    silent = BudgetConfig("quiet", 10 * NANO, steps=(), forecast=False)
    assert watches((), (silent,)) == ()
    world.store()
    with WatchReader(world.path, zone=world.zone) as reader, reader.watching() as sight:
        look = Look(sight, world.now, world.zone)
        (line,) = standing(look, (silent,), Outlooks(sight, world.now, world.zone))
    assert line.spent == NANO
