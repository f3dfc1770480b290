"""Which alerts are told to nobody: silenced, acknowledged, or said by another one already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from costtui.alerts.watches import BUDGET_STEP, Watch, mutes
from costtui.model.alert import AlertStatus, Labels, Matcher, Silence


def matches(silence: Silence, status: AlertStatus, extra: Labels = ()) -> bool:
    """Do all matchers of a silence fit? `extra` are the labels that the rule adds."""
    labels = {**dict(extra), **dict(status.labels)}
    labels |= {"alert": status.rule, "severity": status.severity}
    return bool(silence.matchers) and all(_fits(m, labels) for m in silence.matchers)


def _fits(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher.name, "")
    match matcher.op:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~" | "!~":
            pattern = _compiled(matcher.value)
            # What is no regular expression silences nothing.
            return pattern is not None and (
                (pattern.fullmatch(value) is not None) is (matcher.op == "=~")
            )
        case _:
            return False


@lru_cache(maxsize=256)
def _compiled(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return None


def silenced(
    silences: Iterable[Silence], status: AlertStatus, extra: Labels, now: float
) -> Silence | None:
    """The silence that holds at `now` and mutes an alert; the one that ends last."""
    held = (s for s in silences if s.starts <= now < s.ends and matches(s, status, extra))
    return max(held, key=lambda s: s.ends, default=None)


def spoke_again(
    silences: Iterable[Silence], status: AlertStatus, extra: Labels, since: float, now: float
) -> bool:
    """Has a silence of this alert ended after `since`?"""
    return any(
        s.starts < s.ends <= now and s.ends > since and matches(s, status, extra) for s in silences
    )


def inhibited(watches: Sequence[Watch], statuses: Sequence[AlertStatus]) -> set[str]:
    """The ids of firing alerts of budgets that need not be told, because another one says more: a
    higher step of the same budget, or the budget that it is a part of.

    The parent's labels must be the child's, as far as the parent has any.
    """
    watch_of = {(w.name, w.step): w for w in watches if w.budget is not None}
    by_budget = {w.budget.name: w for w in watches if w.budget is not None}
    alerts = {name for name, _ in watch_of}
    # Found by its label set, not looked for among all: of ten thousand that fire that took minutes.
    firing: dict[tuple[str, Scope], list[Watch]] = {}
    mine: list[tuple[AlertStatus, Watch]] = []
    for status in statuses:
        if status.state != "firing" or status.rule not in alerts or not status.labels:
            continue
        watch = watch_of.get((status.rule, status.labels[-1][1]))
        if watch is not None and watch.budget is not None:
            scope = _scope(watch, dict(status.labels[:-1]))
            firing.setdefault((watch.budget.name, scope), []).append(watch)
            mine.append((status, watch))
    found = set()
    for status, watch in mine:
        assert watch.budget is not None
        labels = dict(status.labels[:-1])
        name, parents = watch.budget.parent, set[str]()
        muted = watch.measure == BUDGET_STEP and any(
            other.measure == BUDGET_STEP and other.limit > watch.limit
            for other in firing[watch.budget.name, _scope(watch, labels)]
        )
        while name and name not in parents and not muted:
            parents.add(name)
            above = by_budget.get(name)
            if above is None or above.budget is None:
                break
            muted = any(
                mutes(other, watch) for other in firing.get((name, _scope(above, labels)), ())
            )
            name = above.budget.parent
        if muted:
            found.add(status.id)
    return found


Scope = tuple[str | None, ...]


def _scope(watch: Watch, labels: Mapping[str, str]) -> Scope:
    """The values that `labels` has for what a budget is divided by. None for one that it lacks,
    which no firing alert of that budget has."""
    return tuple(labels.get(name) for name in watch.by)
