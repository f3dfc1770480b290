"""How a budget came to where it stands, and where it goes: sums of plain rows, and the same end."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from costtui.config.alert_schema import BudgetConfig
from costtui.engine.viewing import ViewReader
from costtui.model.budget import BudgetLine, Course

if TYPE_CHECKING:
    from tests.unit.alerts.conftest import World
else:
    World = Any

HOUR, DAY = 3600, 86_400
NANO = 10**9


def course(world: World, budget: BudgetConfig, nth: int = 0) -> tuple[BudgetLine, Course]:
    world.store()
    with ViewReader(world.path, zone=world.zone, consumers=world.people) as reader:
        line = reader.budgets((budget,), world.now)[nth]
        return line, reader.course(budget, line, world.now)


def test_the_past_is_the_sum_of_what_was_before_each_point(world: World) -> None:
    spends = [(600, 3), (5 * HOUR, 2), (9 * HOUR, 4), (20 * HOUR, 1), (30 * HOUR, 100)]
    for ago, dollars in spends:
        world.use(ago, "ann", dollars * NANO)
    line, found = course(world, BudgetConfig("day", 100 * NANO, "day"))
    assert (found.start, found.end, found.limit) == (line.start, line.end, line.limit)
    assert found.past[0] == (line.start, 0)
    assert found.past[-1] == (found.now, 10 * NANO)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(found.past))
    for moment, spent in found.past[1:-1]:
        true = sum(d for ago, d in spends if line.start <= world.now - ago < moment)
        assert spent == true * NANO, moment


def test_a_label_set_has_its_own(world: World) -> None:
    world.use(HOUR, "ann", NANO)
    world.use(2 * HOUR, "bob", 5 * NANO)
    line, found = course(world, BudgetConfig("each", 100 * NANO, "day", by=("consumer",)), 1)
    assert line.labels == (("consumer", "ann"),)
    assert found.past[-1][1] == NANO


def test_what_comes_begins_now_and_ends_as_the_line_says(world: World) -> None:
    for hour in range(1, 21 * 24):
        world.use(hour * HOUR, "ann", NANO)
        world.use(hour * HOUR, "bob", 3 * NANO)
    budget = BudgetConfig("month", 2900 * NANO, by=("consumer",))
    for nth in (0, 1):
        line, found = course(world, budget, nth)
        assert line.ahead is not None
        assert found.banded
        assert found.ahead[0] == (found.now, (line.spent,) * 3)
        assert found.ahead[-1] == (line.end, line.ahead)
        assert all(a[0] < b[0] and a[1].nano <= b[1].nano for a, b in pairwise(found.ahead))
        for _, estimate in found.ahead:
            assert estimate.low <= estimate.nano <= estimate.high
        # It crosses the limit when the line says that it does.
        before = [at for at, e in found.ahead if e.nano < line.limit]
        if line.reaches:
            assert before[-1] <= line.reaches + 1
            assert line.reaches - HOUR <= before[-1]


def test_without_history_and_of_a_rolling_one_nobody_knows(world: World) -> None:
    world.use(HOUR, "ann", NANO)
    line, found = course(world, BudgetConfig("day", 100 * NANO, "day"))
    assert line.ahead is None
    assert (found.ahead, found.banded) == ((), False)
    _, rolling = course(world, BudgetConfig("roll", NANO, "rolling", 30 * DAY))
    assert rolling.ahead == ()


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_nothing_spent_is_a_line_of_nothing(world: World, period: str) -> None:
    _, found = course(world, BudgetConfig("all", NANO, period))
    assert {spent for _, spent in found.past} == {0}
