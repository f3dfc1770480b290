"""Rules and budgets as one kind of thing to look at.

A rule is one watch. A budget is several: one for each step, one for its forecast, one for how fast
it burns; they share the alert's name and differ in the label `step`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from costtui.alerts.machine import Labels, Timing
from costtui.config.alert_schema import ROLLING, AlertRule, BudgetConfig
from costtui.config.durations import duration_text
from costtui.model.alert import SHARE, AlertStatus
from costtui.model.quantity import quantity_text

STEP: Final = "step"
"""The label that tells the alerts of one budget apart: `80%`, `forecast` or `burn`."""
FORECAST: Final = "forecast"
BURN: Final = "burn"
BUDGET_STEP: Final = "budget step"
BUDGET_FORECAST: Final = "budget forecast"
BUDGET_BURN: Final = "budget burn"


@dataclass(frozen=True, slots=True)
class Watch:
    """One thing that is looked at in every evaluation."""

    name: str
    """Of the alert."""
    measure: str
    """A key of `MEASURES`, or one of the three of a budget."""
    unit: str
    limit: int
    window: int
    """Seconds."""
    window_name: str
    by: tuple[str, ...]
    where: Labels
    severity: str
    timing: Timing
    extra: Labels = ()
    notify: tuple[str, ...] | None = None
    rule: AlertRule | None = None
    budget: BudgetConfig | None = None
    step: str = ""
    """Of a budget: the value of its label `step`."""

    @property
    def suffix(self) -> Labels:
        return ((STEP, self.step),) if self.step else ()


def watches(rules: Iterable[AlertRule], budgets: Iterable[BudgetConfig]) -> tuple[Watch, ...]:
    """Everything that is looked at, in the order of the configuration."""
    found = [_of_rule(rule) for rule in rules]
    for budget in budgets:
        found += _of_budget(budget)
    return tuple(found)


WatchOf = Callable[[AlertStatus], Watch | None]


def watch_of(watches: Iterable[Watch]) -> WatchOf:
    """Which watch a status is of; None where it has left the configuration."""
    known = {(w.name, w.step): w for w in watches}

    def found(status: AlertStatus) -> Watch | None:
        plain = known.get((status.rule, ""))
        if plain is not None:
            return plain
        return known.get((status.rule, status.labels[-1][1] if status.labels else ""))

    return found


def _of_rule(rule: AlertRule) -> Watch:
    return Watch(
        rule.name, rule.measure, rule.unit, rule.limit, rule.window,
        rule.window_name or duration_text(rule.window), rule.by, rule.where, rule.severity,
        Timing(rule.hold, rule.keep, rule.no_data), rule.labels, rule.notify, rule=rule,
    )  # fmt: skip


def whole(budget: BudgetConfig) -> Watch:
    """All of a budget as a watch, for whoever asks how it stands; it is none of `watches`."""
    return _part(budget, BUDGET_STEP, "share", SHARE, budget.severity, "")


def _part(
    budget: BudgetConfig, measure: str, unit: str, limit: int, severity: str, step: str
) -> Watch:
    return Watch(
        budget.alert, measure, unit, limit, 0, period_name(budget), budget.by, budget.where,
        severity, Timing(), budget.labels, budget.notify, budget=budget, step=step,
    )  # fmt: skip


def _of_budget(budget: BudgetConfig) -> list[Watch]:
    found = []
    for step in budget.steps:
        severity = budget.severity if step == budget.steps[-1] else "warning"
        name = quantity_text("share", step)
        found.append(_part(budget, BUDGET_STEP, "share", step, severity, name))
    # A window that ends now and is always as long has no end to forecast.
    if budget.forecast and budget.period != ROLLING:
        limit = budget.limit_nano
        found.append(_part(budget, BUDGET_FORECAST, "cost", limit, "warning", FORECAST))
    if budget.burn_over is not None:
        part = _part(budget, BUDGET_BURN, "factor", budget.burn_over, budget.severity, BURN)
        window = budget.burn_window
        found.append(replace(part, window=window, window_name=duration_text(window)))
    return found


def period_name(budget: BudgetConfig) -> str:
    """`day`, `week`, `month`, or the length of a rolling one."""
    return duration_text(budget.seconds) if budget.period == ROLLING else budget.period


def mutes(parent: Watch, child: Watch) -> bool:
    """While this alert of the parent budget fires, need nobody be told of that one of a part?

    The same kind of alert says the same of the whole. A lower step does not: that half of the
    company's money is gone is no reason not to hear that a team has spent all of its own. What is
    spent entirely mutes everything below it.
    """
    if parent.measure == BUDGET_STEP and parent.limit >= SHARE:
        return True
    if parent.measure != child.measure:
        return False
    return parent.measure != BUDGET_STEP or parent.limit >= child.limit
