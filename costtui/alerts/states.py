"""From what is seen and the states before to the states now.

A pure function: there is no timer and no memory here. All that is waited for is in the statuses,
which come back from the store, so a restart neither forgets a firing alert nor starts a `for:`
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from costtui.alerts.look import Seen
from costtui.alerts.machine import Instance, step
from costtui.alerts.observe import Observation
from costtui.alerts.watches import Watch
from costtui.model.alert import AlertStatus, Labels, episode_id
from costtui.model.charge import Exactness
from costtui.model.timewindow import MINUTE

MOST = 2**62
"""Of any value: what SQLite stores."""
_NOTHING = Seen(0, over=False)
_KEEPS_VALUE = ("silent_for", "spike_over", "difference_over")
"""Measures of which a label set that is not seen has no value; of the others it is 0."""


def evaluate(
    watches: Sequence[Watch],
    observed: Sequence[Observation | None],
    previous: Sequence[AlertStatus],
    now: float,
    passed: float = 0.0,
) -> list[AlertStatus]:
    """The status of every alert instance at `now` (epoch seconds), `passed` seconds after the
    evaluation before, in the order of the watches.

    A watch without an observation keeps its statuses. An alert with nothing to tell has one
    `inactive` status, of the label set that is nearest to its limit. Statuses of alerts that are
    gone are dropped.
    """
    before: dict[str, dict[Labels, AlertStatus]] = {}
    for status in previous:
        before.setdefault(status.rule, {})[status.labels] = status
    result: list[AlertStatus] = []
    by_name: dict[str, list[tuple[Watch, Observation | None]]] = {}
    for watch, seen in zip(watches, observed, strict=True):
        by_name.setdefault(watch.name, []).append((watch, seen))
    for name, own in by_name.items():
        old = before.get(name, {})
        told = [status for watch, seen in own for status in _watch(watch, seen, old, now, passed)]
        result.extend(told or _quiet(own, old, now))
    return result


def _watch(
    watch: Watch,
    seen: Observation | None,
    old: Mapping[Labels, AlertStatus],
    now: float,
    passed: float,
) -> Iterator[AlertStatus]:
    # Only what is over the limit or was told before: a rule by consumer has as many label sets
    # as there are consumers, and nearly all of them are of no interest.
    mine = {
        labels: status
        for labels, status in old.items()
        if status.state != "inactive" and _belongs(watch, labels)
    }
    if seen is None:
        yield from mine.values()
        return
    active = {labels for labels, one in seen.seen.items() if one.over}
    out = {
        labels: status
        for labels, status in mine.items()
        if labels in active and _goes_on(watch, status, seen.seen[labels], now)
    }
    moving = {k: _instance(status) for k, status in mine.items() if k not in out}
    if moving or seen.unknown or len(out) < len(active):
        active.difference_update(out)
        after = step(watch.timing, moving, active, now, seen.unknown - out.keys(), passed)
        for labels, at in after.items():
            out[labels] = _status(watch, labels, at, seen, mine.get(labels))
    for labels in sorted(out):
        yield out[labels]


def _goes_on(watch: Watch, status: AlertStatus, seen: Seen, now: float) -> bool:
    """Is a status what it would become? Of ten thousand that fire nearly all go on as they are,
    and making each anew takes 0.15 s."""
    return (
        status.state == "firing"
        and status.id != ""
        and not status.keep_since
        and status.active_at <= now
        and status.value == min(seen.value, MOST)
        and status.exactness == seen.exactness
        and (status.severity, status.limit, status.window, status.unit, status.since)
        == (watch.severity, watch.limit, watch.window_name, watch.unit, status.fired_at)
    )


def _belongs(watch: Watch, labels: Labels) -> bool:
    return not watch.suffix or labels[-1:] == watch.suffix


def _instance(status: AlertStatus) -> Instance:
    return Instance(
        status.state, status.active_at, status.fired_at, status.keep_since, status.resolved_at
    )


def _status(
    watch: Watch, labels: Labels, at: Instance, seen: Observation, old: AlertStatus | None
) -> AlertStatus:
    now = seen.seen.get(labels)
    if now is None:
        now = _NOTHING
        if old is not None and (labels in seen.unknown or watch.measure in _KEEPS_VALUE):
            right = old.exactness | (Exactness.LOWER_BOUND if labels in seen.unknown else 0)
            now = Seen(old.value, over=False, exactness=Exactness(right))
    identity = episode_id(watch.name, labels, at.fired_at) if at.fired_at else ""
    return AlertStatus(
        watch.name, labels, at.state, watch.severity, min(now.value, MOST), watch.limit, at.since,
        watch.window_name, now.exactness, watch.unit, at.active_at, at.fired_at, at.keep_since,
        at.resolved_at, identity, old.cause if old is not None and old.id == identity else "",
    )  # fmt: skip


def _quiet(
    own: Sequence[tuple[Watch, Observation | None]], old: Mapping[Labels, AlertStatus], now: float
) -> list[AlertStatus]:
    """The one status of an alert that has nothing to tell."""
    found: list[tuple[tuple[int, int], Labels, Watch, Seen]] = []
    for watch, seen in own:
        if seen is None:
            continue
        # One watch has one limit, so the greatest value is the nearest to it.
        most = max((one.value for one in seen.seen.values()), default=None)
        if most is not None:
            labels = min(labels for labels, one in seen.seen.items() if one.value == most)
            found.append((_way(watch, most), labels, watch, seen.seen[labels]))
    inactive = [status for status in old.values() if status.state == "inactive"]
    if not found and all(seen is None for _, seen in own):
        return inactive
    _, labels, watch, one = max(
        found, key=lambda f: f[0], default=((0, 0), (), own[0][0], _NOTHING)
    )
    since = min((status.since for status in inactive), default=now)
    value = min(one.value, MOST)
    if watch.unit == "seconds":
        # The quiet status of what grows with time would be a new revision at every evaluation.
        value -= value % MINUTE
    return [
        AlertStatus(
            watch.name, labels, "inactive", watch.severity, value, watch.limit, min(since, now),
            watch.window_name, one.exactness, watch.unit,
        )
    ]  # fmt: skip


def _way(watch: Watch, value: int) -> tuple[int, int]:
    """How far a value is on its way to the limit, in millionths; then the value."""
    return value * 1_000_000 // max(1, watch.limit), value
