"""What a budget sees: how much of it is spent, how it will end, how fast it burns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from costtui.alerts.look import Key, Look, Seen, Terms, judged
from costtui.alerts.periods import Period, period_of
from costtui.alerts.ratios import ceil_div
from costtui.alerts.watches import Watch
from costtui.config.alert_schema import BudgetConfig
from costtui.model.alert import FACTOR, SHARE
from costtui.model.charge import Exactness
from costtui.model.quantity import quantity_text
from costtui.model.snapshot import Filter, Totals, View
from costtui.model.timewindow import HOUR, Window

FORECAST_FROM: Final = 10
"""A forecast begins when one of so many parts of the period has passed: the first hour of a month
says nothing of its end, and would page somebody every first of a month. With less than a day of
history there is none at all: a store that began a minute ago has not seen the part that passed."""


def budget_of(watch: Watch) -> BudgetConfig:
    """The budget that a watch is of."""
    assert watch.budget is not None
    return watch.budget


def spent_in(
    look: Look, watch: Watch, low: int, high: int
) -> tuple[Mapping[Key, Totals], Exactness]:
    """(what was spent in `[low, high)`, whether the edges are those that were asked for)."""
    found, start, end = look.sight.sums(low, high, watch.where, watch.by)
    exact = (start, end) == (low, high)
    return found, Exactness.EXACT if exact else Exactness.ESTIMATE


def period_until_now(look: Look, watch: Watch) -> tuple[Period, int]:
    """(the period, where what is spent ends)."""
    period = period_of(budget_of(watch), look.now, look.zone)
    return period, min(look.end, period.end)


def reached(look: Look, watch: Watch) -> Terms:
    """Spent ÷ limit, rounded down: a step is reached, exactly at it too."""
    period, end = period_until_now(look, watch)
    sums, right = spent_in(look, watch, period.start, end)
    unknown = look.unknown(watch, watch.by)
    limit = budget_of(watch).limit_nano
    whole = quantity_text("cost", limit)

    def judge(key: Key, totals: Totals) -> Seen:
        spent = totals.effective_nano
        exact = totals.exactness | right
        if key in unknown:
            exact |= Exactness.LOWER_BOUND
        value = spent * SHARE // limit
        note = ""
        if value >= watch.limit:  # ten thousand notes are 0.2 s
            note = f"{quantity_text('cost', spent, Exactness(exact))} of {whole}"
        return Seen(value, value >= watch.limit, Exactness(exact), note)

    return Terms(sums, judge, (right, unknown), unknown)


def forecast(look: Look, watch: Watch) -> Terms:
    """What the period will have cost at its end. Over the limit, and not yet spent: then a step
    says it better."""
    period, end = period_until_now(look, watch)
    elapsed = end - period.start
    if elapsed * FORECAST_FROM < period.seconds:
        return judged({})
    sums, _ = spent_in(look, watch, period.start, end)
    if look.forecast is None:  # nobody who could say it better
        ends = {k: t.effective_nano * period.seconds // elapsed for k, t in sums.items()}
    else:
        filters = tuple(Filter(d, v) for d, v in watch.where)
        window = Window(period.start, period.end, HOUR, budget_of(watch).period)
        told = look.forecast(View(window, filters), watch.by)
        if told is None:
            return judged({})
        ends = {tuple(value for _, value in labels): nano for labels, nano in told.items()}
    none = Totals()

    def judge(key: Key, nano: int) -> Seen:
        exact = Exactness(sums.get(key, none).exactness | Exactness.ESTIMATE)
        return Seen(nano, nano > watch.limit, exact)

    return Terms(ends, judge, (sums,), look.unknown(watch, watch.by))


def burn(look: Look, watch: Watch) -> Terms:
    """How many times faster than evenly it is spent: over both windows, so the lower of the two.

    The long window says that it matters, the short one that it still goes on (the two-window rule
    of Google's SRE workbook, chapter 5, for error budgets).
    """
    budget = budget_of(watch)
    long, pace = _spent_and_pace(look, watch, budget.burn_window)
    short, pace_now = _spent_and_pace(look, watch, budget.burn_short_window)

    def judge(_: Key, spent: tuple[Totals, Totals | None]) -> Seen:
        before, now = spent
        lower = min(pace.of(before), pace_now.of(now) if now is not None else 0)
        exact = Exactness(before.exactness | Exactness.ESTIMATE)
        return Seen(lower, lower > watch.limit, exact)

    both = {key: (totals, short.get(key)) for key, totals in long.items()}
    return Terms(both, judge, (pace, pace_now), look.unknown(watch, watch.by))


class _Pace(NamedTuple):
    """Of even spending: nano-USD × `times` ÷ `allowed` is how much faster than that it was."""

    times: int
    allowed: int

    def of(self, totals: Totals) -> int:
        return ceil_div(totals.effective_nano * self.times, self.allowed)


def burn_rates(look: Look, watch: Watch, window: int) -> dict[Key, tuple[int, Exactness]]:
    """How many times faster than evenly it was spent in the last `window` seconds, thousandths."""
    sums, pace = _spent_and_pace(look, watch, window)
    return {key: (pace.of(t), t.exactness) for key, t in sums.items()}


def _spent_and_pace(look: Look, watch: Watch, window: int) -> tuple[Mapping[Key, Totals], _Pace]:
    budget = budget_of(watch)
    seconds = period_of(budget, look.now, look.zone).seconds
    sums, start, end = look.sight.sums(look.end - window, look.end, watch.where, watch.by)
    return sums, _Pace(seconds * FACTOR, budget.limit_nano * (end - start))
