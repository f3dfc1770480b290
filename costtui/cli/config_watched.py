"""What `costtui config check` says of alerts, budgets and notifiers: a line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from shutil import which
from typing import Final

from costtui.cli.config_cmd import count
from costtui.config.alert_schema import (
    FACTOR,
    ROLLING,
    SHARE,
    AlertRule,
    BudgetConfig,
    NotifierConfig,
)
from costtui.config.durations import duration_text
from costtui.config.schema import Config
from costtui.config.words import quoted
from costtui.model.safetext import redact, visible

_MEASURES: Final = {
    "cost_over": "over {limit} in {window}",
    "tokens_over": "over {limit} in {window}",
    "requests_over": "over {limit} in {window}",
    "error_share_over": "over {limit} of {least}requests failed in {window}",
    "throttled_share_over": "over {limit} of {least}requests throttled in {window}",
    "projected_over": "over {limit} in {per} at the rate of the last {window}",
    "spike_over": "over {limit} times the usual in {window}{least}",
    "silent_for": "no usage for {limit} after some in {window}",
    "source_down_for": "a source not read for {limit}",
    "unpriced_over": "over {limit} without a price in {window}",
    "difference_over": "over {limit} between what counts and what is compared in {window}",
}


def watched(config: Config) -> Iterator[str]:
    """The lines, a heading before each kind; budgets and notifiers only where there are any."""
    yield count(len(config.alerts), "alert")
    for rule in config.alerts:
        yield f"  {_alert(rule)}"
    if config.budgets:
        yield ""
        yield count(len(config.budgets), "budget")
    for budget in config.budgets:
        yield f"  {_budget(budget)}"
    if config.notifiers:
        yield ""
        yield count(len(config.notifiers), "notifier")
    for notifier in config.notifiers:
        yield f"  {_notifier(notifier)}"


def not_found(config: Config) -> Iterator[str]:
    """A warning of each notifier whose program is not on PATH. It is no error: the collector may
    run elsewhere, as somebody else."""
    for notifier in config.notifiers:
        if notifier.type == "command" and which(notifier.command[0]) is None:
            program = quoted(notifier.command[0])
            hint = ""
            if len(notifier.command) == 1 and " " in notifier.command[0].strip():
                line = json.dumps(notifier.command[0], ensure_ascii=False)
                hint = f"; for a line of a shell write [sh, -c, {visible(redact(line), 100)}]"
            where = "" if "/" in notifier.command[0] else " on PATH"
            of = f"notifier {_name(notifier.name)}: the program {program}"
            yield f"{of} is not found{where}{hint}"


def _alert(rule: AlertRule) -> str:
    least = f"at least {rule.min_requests:,} " if rule.min_requests else ""
    if rule.min_cost_nano:
        least = f" and at least {_usd(rule.min_cost_nano)}"
    words = _MEASURES[rule.measure].format(
        limit=_limit(rule),
        window=rule.window_name or duration_text(rule.window),
        per=duration_text(rule.per),
        least=least,
    )
    hold = f" for {duration_text(rule.hold)}" if rule.hold else ""
    scope = _scope(rule.by, rule.where)
    return f"{_name(rule.name)}: {words}{scope}{hold} ({rule.severity}){_told(rule.notify)}"


def _limit(rule: AlertRule) -> str:
    if rule.unit == "cost":
        return _usd(rule.limit)
    if rule.unit == "share":
        return _percent(rule.limit)
    if rule.unit == "factor":
        return _times(rule.limit)
    if rule.unit == "seconds":
        return duration_text(rule.limit)
    what = "token" if rule.unit == "tokens" else "request"
    return f"{rule.limit:,} {what}{'' if rule.limit == 1 else 's'}"


def _budget(budget: BudgetConfig) -> str:
    period = f"a {budget.period}"
    if budget.period == ROLLING:
        period = f"in any {duration_text(budget.seconds)}"
    parts = []
    if budget.steps:
        parts.append(f"alerts at {', '.join(map(_percent, budget.steps))}")
    if budget.forecast:
        parts.append("when forecast to end above it" if parts else "alerts when forecast above it")
    if budget.burn_over is not None:
        windows = (
            f"{duration_text(budget.burn_window)} and {duration_text(budget.burn_short_window)}"
        )
        parts.append(f"burning over {_times(budget.burn_over)} times too fast in {windows}")
    if budget.parent:
        parts.append(f"part of {_name(budget.parent)}")
    scope = _scope(budget.by, budget.where)
    tail = "".join(f"; {part}" for part in parts)
    start = f"{_name(budget.name)}: {_usd(budget.limit_nano)} {period}{scope}"
    return f"{start}{tail} ({budget.severity}){_told(budget.notify)}"


def _notifier(notifier: NotifierConfig) -> str:
    how = notifier.type
    if notifier.command:
        how = f"command {visible(redact(notifier.command[0]), 60)}"
    least = "everything" if notifier.severity == "info" else f"{notifier.severity} and above"
    if notifier.severity == "critical":
        least = "critical"
    end = "" if notifier.resolved else ", not of the end"
    return f"{_name(notifier.name)}: {how}, told of {least}{end}{_again(notifier)}"


def _again(notifier: NotifierConfig) -> str:
    if notifier.type == "alertmanager":
        return ""
    return f", again every {duration_text(notifier.repeat)}" if notifier.repeat else ", once"


def _scope(by: Iterable[str], where: Iterable[tuple[str, str]]) -> str:
    grouped = ", ".join(by)
    filters = "".join(f", {name}={visible(value, 60) or '(none)'}" for name, value in where)
    return (f" by {grouped}" if grouped else "") + filters


def _told(notify: tuple[str, ...] | None) -> str:
    if notify is None:
        return ""
    return f", tells {', '.join(map(_name, notify)) or 'nobody'}"


def _name(name: str) -> str:
    return visible(name, 100)


def _usd(nano: int) -> str:
    limit = Decimal(nano).scaleb(-9).normalize()
    return f"${limit.quantize(Decimal('0.01')) if limit == round(limit, 2) else limit:,f}"


def _percent(share: int) -> str:
    return f"{(Decimal(share) * 100 / SHARE).normalize():f}%"


def _times(factor: int) -> str:
    return f"{(Decimal(factor) / FACTOR).normalize():f}"
