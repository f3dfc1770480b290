"""The budgets as a table of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costtui.model.money import decimal_text
from costtui.model.snapshot import View
from costtui.tui.budget_rows import Alerts, Row, word_of
from costtui.tui.sheet import Sheet, Value, iso

COLUMNS = (
    "budget", "part_of", "labels", "consumer_name", "where", "period", "start", "end", "limit",
    "limit_nano", "spent", "spent_nano", "exactness", "left_nano", "used_millionths",
    "burn_thousandths", "burn_window_s", "forecast_nano", "forecast_low_nano",
    "forecast_high_nano", "limit_reached", "outcome", "alert", "alert_steps",
)  # fmt: skip


def budgets(
    view: View, rows: Sequence[Row], alerts: Alerts, consumer: Callable[[str], str]
) -> Sheet:
    """One row a budget and label set, in the order of the screen; the row over label sets is none.
    `outcome` is `passed`, `reached`, `forecast` (the limit will be), `lasts` or empty."""
    found = tuple(_row(row, alerts, consumer) for row in rows if row.line is not None)
    return Sheet("budgets", COLUMNS, found, view)


def _row(row: Row, alerts: Alerts, consumer: Callable[[str], str]) -> tuple[Value, ...]:
    line, budget = row.line, row.whole.budget
    assert line is not None
    ahead = line.ahead
    steps = alerts.steps(budget, line.labels)
    return (
        budget.name, budget.parent, " ".join(f"{k}={v}" for k, v in line.labels),
        consumer(dict(line.labels).get("consumer", "")),
        " ".join(f"{k}={v}" for k, v in budget.where), line.period, iso(line.start), iso(line.end),
        decimal_text(line.limit), line.limit, decimal_text(line.spent), line.spent,
        line.exactness.word, line.left, line.share, line.burn, line.burn_window,
        ahead.nano if ahead else None, ahead.low if ahead and line.banded else None,
        ahead.high if ahead and line.banded else None, iso(line.reaches), outcome(row),
        row.standing.word, " ".join(f"{s.name}:{word_of(s)}" for s in steps),
    )  # fmt: skip


def outcome(row: Row) -> str:
    line = row.line
    if line is None:
        return ""
    if line.left < 0:
        return "passed"
    if line.left == 0:
        return "reached"
    if line.reaches:
        return "forecast"
    return "" if line.ahead is None else "lasts"
