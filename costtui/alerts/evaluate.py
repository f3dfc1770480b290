"""Threshold alerts: from observed costs and the states before to the states now.

A pure function with Prometheus's states and meaning. There is no timer and no memory here: `since`
and the state come back from the store, so a restart neither forgets a firing alert nor starts a
`for:` again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from costtui.config.schema import AlertRule
from costtui.model.charge import Exactness
from costtui.model.snapshot import AlertStatus

Labels = tuple[tuple[str, str], ...]
Observation = tuple[int, Exactness]
"""(nano-USD over the rule's window, how right that is)."""

RESOLVED_FOR: Final = 900.0
"""Seconds for which an alert is shown as resolved; as long as Prometheus keeps sending it."""

_NOTHING: Final[Observation] = (0, Exactness.EXACT)


def supported(rule: AlertRule) -> bool:
    """Is it a rule over what a window cost? Others are not looked at here."""
    return rule.measure == "cost_over"


def evaluate(
    rules: Sequence[AlertRule],
    observed: Mapping[str, Mapping[Labels, Observation]],
    previous: Sequence[AlertStatus],
    now: float,
) -> list[AlertStatus]:
    """The status of every alert instance at `now` (epoch seconds), in the order of the rules.

    `observed` maps a rule's name to all label sets with spend in its window: a label set that is
    not there spent nothing. A rule that is not in `observed` could not be looked at, and keeps
    its statuses as they are: missing data neither fires nor resolves. Exactly the limit
    is not above it. A rule with nothing to tell has one `inactive` status, of the label set that is
    nearest to the limit. Statuses of rules that are gone are dropped.
    """
    before: dict[str, dict[Labels, AlertStatus]] = {}
    for status in previous:
        before.setdefault(status.rule, {})[status.labels] = status
    result: list[AlertStatus] = []
    for rule in filter(supported, rules):
        old = before.get(rule.name, {})
        seen = observed.get(rule.name)
        if seen is None:
            result.extend(old.values())
        else:
            result.extend(_rule(rule, seen, old, now))
    return result


def _rule(
    rule: AlertRule,
    seen: Mapping[Labels, Observation],
    old: Mapping[Labels, AlertStatus],
    now: float,
) -> Iterator[AlertStatus]:
    # Only what is over the limit or was told before: a rule by consumer has as many label sets
    # as there are consumers, and nearly all of them are of no interest.
    interesting = {labels for labels, (nano, _) in seen.items() if nano > rule.limit}
    interesting.update(labels for labels, status in old.items() if status.state != "inactive")
    told = False
    for labels in sorted(interesting):
        nano, right = seen.get(labels, _NOTHING)
        state, since = _step(rule, nano, old.get(labels), now)
        if state != "inactive":
            told = True
            yield _status(rule, labels, state, since, nano, right)
    if told:
        return
    nearest: Labels = min(seen, key=lambda labels: (-seen[labels][0], labels), default=())
    nano, right = seen.get(nearest, _NOTHING)
    since = min(
        (status.since for status in old.values() if status.state == "inactive"), default=now
    )
    yield _status(rule, nearest, "inactive", min(since, now), nano, right)


def _step(rule: AlertRule, nano: int, old: AlertStatus | None, now: float) -> tuple[str, float]:
    """(state, since) after one look."""
    state = "inactive" if old is None else old.state
    # A clock that was set back must not hold an alert in `pending` until it has caught up.
    since = now if old is None else min(old.since, now)
    if nano > rule.limit:
        if state == "firing":
            return "firing", since
        if state == "pending":
            return ("firing", now) if now - since >= rule.hold else ("pending", since)
        return ("pending", now) if rule.hold > 0 else ("firing", now)
    if state == "firing":
        return "resolved", now
    if state == "resolved" and now - since < RESOLVED_FOR:
        return "resolved", since
    return "inactive", now


def _status(
    rule: AlertRule, labels: Labels, state: str, since: float, nano: int, right: Exactness
) -> AlertStatus:
    return AlertStatus(
        rule=rule.name,
        labels=labels,
        state=state,
        severity=rule.severity,
        value_nano=nano,
        limit_nano=rule.limit,
        since=since,
        window=rule.window_name,
        exactness=right,
    )
