"""One line about an alert, for people who read it on a telephone."""

from __future__ import annotations

from typing import Final

from costtui.alerts.watches import BUDGET_BURN, BUDGET_FORECAST, BUDGET_STEP, STEP, Watch
from costtui.model.alert import AlertStatus
from costtui.model.quantity import length_text, quantity_text
from costtui.model.safetext import safe_name, visible

_PHRASES: Final = {
    "cost_over": "{value} spent in {window}, limit {limit}",
    "tokens_over": "{value} used in {window}, limit {limit}",
    "requests_over": "{value} in {window}, limit {limit}",
    "error_share_over": "{value} of requests failed in {window}, limit {limit}",
    "throttled_share_over": "{value} of requests were throttled in {window}, limit {limit}",
    "projected_over": "{value} in {per} at the rate of the last {window}, limit {limit}",
    "spike_over": "{value} the usual cost of {window}, limit {limit}",
    "silent_for": "no usage for {value}, limit {limit}",
    "source_down_for": "not read for {value}, limit {limit}",
    "unpriced_over": "{value} without a price in {window}, limit {limit}",
    "difference_over": "{value} between what counts and what was seen in {window}, limit {limit}",
    BUDGET_STEP: "{value} of the budget spent in {period}, step {limit}",
    BUDGET_FORECAST: "forecast to end {period} at {value}, budget {limit}",
    BUDGET_BURN: "spending {value} as fast as the budget allows, limit {limit}",
}


def summary(status: AlertStatus, watch: Watch | None, note: str = "") -> str:
    """`team playground (consumer=x): $23.10 spent in 1h, limit $20.00`. `note` in brackets; the
    end begins with `resolved: `."""
    where = ", ".join(
        f"{name}={_value(name, value)}" for name, value in status.labels if name != STEP
    )
    head = visible(status.rule, 100) + (f" ({where})" if where else "")
    if status.state == "resolved":
        head = f"resolved: {head}"
    text = sentence(
        watch,
        quantity_text(status.unit, status.value, status.exactness),
        quantity_text(status.unit, status.limit),
        status.window,
    )
    return f"{head}: {text}" + (f" ({visible(note, 100)})" if note else "")


def sentence(watch: Watch | None, value: str, limit: str, window: str) -> str:
    """`value` and `limit` of a watch in words; without a watch only the two of them."""
    phrase = _PHRASES[watch.measure] if watch is not None else "{value}, limit {limit}"
    per = length_text(watch.rule.per) if watch is not None and watch.rule is not None else ""
    rolling = watch is not None and watch.budget is not None and watch.budget.seconds > 0
    period = f"{'the last' if rolling else 'this'} {window}"
    return phrase.format(value=value, limit=limit, window=window, per=per, period=period)


def _value(name: str, value: str) -> str:
    return visible(safe_name(value) if name == "consumer" else value, 80) or "(none)"
