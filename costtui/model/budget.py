"""How a budget stands: what is spent of it, what is left, and where it is going."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.alert import SHARE, Labels
from costtui.model.charge import Exactness


class Estimate(NamedTuple):
    """An amount with its band; nano-USD. Without a band all three are equal."""

    nano: int
    low: int
    high: int

    def plus(self, nano: int) -> Estimate:
        return Estimate(self.nano + nano, self.low + nano, self.high + nano)


class BudgetLine(NamedTuple):
    """One budget for one label set of its `by`. Times are epoch seconds, money is nano-USD."""

    name: str
    labels: Labels
    """Of its `by`; empty where the budget is one for all."""
    where: Labels
    parent: str
    """The budget that it is a part of, or ""."""
    period: str
    """`day`, `week`, `month`, or the length of a rolling one."""
    start: int
    end: int
    """Of a rolling period the end of the minute that is running, so it has no forecast."""
    limit: int
    spent: int
    exactness: Exactness = Exactness.EXACT
    """Of what is spent: a lower bound where something is unpriced or newest data is missing."""
    burn: int = 0
    """Thousandths: how many times faster than evenly it was spent in `burn_window` seconds."""
    burn_window: int = 3600
    ahead: Estimate | None = None
    """What the period will have cost at its end; None for a rolling one, and where nothing is known
    yet."""
    banded: bool = False
    """Is there enough history for a band around `ahead`?"""
    reaches: int = 0
    """When the limit is forecast to be reached; 0 is not in this period, or already."""

    @property
    def left(self) -> int:
        """Negative once it is passed."""
        return self.limit - self.spent

    @property
    def share(self) -> int:
        """Spent ÷ limit in millionths, rounded down: a step is reached exactly at it."""
        return self.spent * SHARE // self.limit

    @property
    def overspent(self) -> bool:
        """Exactly all of it is reached, not passed."""
        return self.spent > self.limit


class Course(NamedTuple):
    """What was spent of one budget over its period, and what is to come. Times are epoch seconds,
    money is nano-USD."""

    start: int
    end: int
    now: int
    limit: int
    past: tuple[tuple[int, int], ...]
    """(moment, spent since `start`), ascending, from the start to now."""
    gaps: tuple[tuple[int, int], ...] = ()
    """Stretches before now of which something is missing."""
    ahead: tuple[tuple[int, Estimate], ...] = ()
    """(moment, what will have been spent since `start`), ascending, to the end; empty where nobody
    knows."""
    banded: bool = False
