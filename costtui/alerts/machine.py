"""The states of one rule's instances: Prometheus's alerting, as a pure function.

The order of the steps is that of Prometheus 2.42's `AlertingRule.Eval` (its documentation on
"Alerting rules" gives the meaning): a label set over the limit becomes active and pending, fires
once it has been active for `for:`, goes on firing for `keep_firing_for:` after the condition has
ended, and is then kept as resolved for a quarter of an hour, so that whoever is told of it hears
the end. Pending instances whose condition ends are forgotten. `for: 0s` passes through pending
inside of one evaluation.

Beyond Prometheus: where a source was down, a label set may be unknown, and then `no_data:`
decides. `keep` neither fires nor resolves and lets no time count; `ok` reads silence as nothing
spent; `alert` reads it as the condition.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, NamedTuple, TypeVar

Labels = tuple[tuple[str, str], ...]
L = TypeVar("L", bound=Hashable)
"""Whatever tells the instances of one rule apart: their labels, or the values of them."""

RESOLVED_FOR: Final = 900.0
"""Seconds for which a resolved instance is kept; Prometheus's `resolvedRetention`."""
NO_DATA: Final = ("keep", "ok", "alert")


class Timing(NamedTuple):
    """What a rule says about time, seconds."""

    hold: float = 0.0
    """`for:`."""
    keep: float = 0.0
    """`keep_firing_for:`."""
    no_data: str = "keep"


class Instance(NamedTuple):
    """One label set of a rule that is or was active. Times are epoch seconds, 0 means never."""

    state: str
    """`pending`, `firing` or `resolved`."""
    active_at: float
    """When the condition began to hold."""
    fired_at: float = 0.0
    keep_since: float = 0.0
    """When the condition ended while it goes on firing."""
    resolved_at: float = 0.0

    @property
    def since(self) -> float:
        """When the present state began."""
        return {"pending": self.active_at, "firing": self.fired_at}.get(
            self.state, self.resolved_at
        )


def step(
    timing: Timing,
    before: Mapping[L, Instance],
    active: frozenset[L] | set[L],
    now: float,
    unknown: frozenset[L] | set[L] = frozenset(),
    passed: float = 0.0,
) -> dict[L, Instance]:
    """The instances after one evaluation at `now`, `passed` seconds after the one before.

    `active` are the label sets for which the condition holds; `unknown` those that cannot be
    judged: what is known to be over the limit is active all the same.
    """
    if timing.no_data == "alert":
        active = active | unknown
    held = (unknown - active) if timing.no_data == "keep" else frozenset()
    after: dict[L, Instance] = {}
    for labels in [*before, *(a for a in active if a not in before)]:
        old = before.get(labels)
        if labels in held and old is not None and old.state != "resolved":
            after[labels] = _waited(old, passed)
        elif labels in active:
            after[labels] = _over(timing, old, now)
        elif old is not None:
            left = _under(timing, old, now)
            if left is not None:
                after[labels] = left
    return after


def _over(timing: Timing, old: Instance | None, now: float) -> Instance:
    if old is None or old.state == "resolved":
        old = Instance("pending", now)
    # A clock that was set back must not hold an alert in `pending` until it has caught up.
    old = old._replace(active_at=min(old.active_at, now), keep_since=0.0)
    if old.state == "pending" and now - old.active_at >= timing.hold:
        return old._replace(state="firing", fired_at=now)
    return old


def _under(timing: Timing, old: Instance, now: float) -> Instance | None:
    if old.state == "pending":
        return None
    if old.state == "resolved":
        return old if 0 <= now - old.resolved_at <= RESOLVED_FOR else None
    if timing.keep > 0:
        since = min(old.keep_since or now, now)
        if now - since < timing.keep:
            return old._replace(keep_since=since)
    return old._replace(state="resolved", resolved_at=now, keep_since=0.0)


def _waited(old: Instance, passed: float) -> Instance:
    """Nothing is known: the time that has passed is taken out of what is being waited for."""
    if old.state == "pending":
        return old._replace(active_at=old.active_at + passed)
    if old.keep_since:
        return old._replace(keep_since=old.keep_since + passed)
    return old
