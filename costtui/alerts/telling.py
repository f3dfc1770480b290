"""Who is to be told what, now: from the states, and what was told before, to letters.

Pure. What was told is stored with the states, in one transaction, so that a crash makes nobody
hear a thing twice or never.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from costtui.alerts.muting import inhibited, silenced, spoke_again
from costtui.alerts.notify.addresses import addressed, hears_ends
from costtui.alerts.watches import Watch, WatchOf, watch_of
from costtui.alerts.words import summary
from costtui.config.alert_schema import NotifierConfig
from costtui.model.alert import Ack, AlertEvent, AlertStatus, Silence

ALERTMANAGER: Final = "alertmanager"

Letter = tuple[str, AlertEvent]
"""(notifier, event)."""


Note = Callable[[AlertStatus], str]


class Told(Protocol):
    """What a notifier was told last of an episode; `store.outbox.Told`."""

    @property
    def state(self) -> str: ...

    @property
    def at(self) -> float: ...

    @property
    def waiting(self) -> bool: ...


class Muting(NamedTuple):
    """What people have said."""

    silences: Sequence[Silence] = ()
    acks: Sequence[Ack] = ()


class _Address(NamedTuple):
    """What of an event says who is told."""

    state: str
    notify: tuple[str, ...] | None
    severity: str


def repeat_of(notifier: NotifierConfig) -> int | None:
    """Seconds after which a firing alert is told again; None is never. An Alertmanager hears of it
    each minute, which is its lane's business (`notify.lane`) and no parcel's."""
    return None if notifier.type == ALERTMANAGER else notifier.repeat


def letters(
    watches: Sequence[Watch],
    before: Sequence[AlertStatus],
    after: Sequence[AlertStatus],
    told: Mapping[tuple[str, str], Told],
    notifiers: Sequence[NotifierConfig],
    muting: Muting,
    now: float,
    note: Note | None = None,
) -> list[Letter]:
    """What has to be told at `now`, epoch seconds.

    A notifier hears that an alert fires when it is neither silenced, acknowledged nor inhibited;
    again after its `repeat`, and when a silence has ended. It hears of the end if it heard of
    the beginning, muted or not: an incident that nobody closes is worse than a line too many.
    `note` has words beside the value.
    """
    if not notifiers:
        return []
    find = watch_of(watches)
    quiet = inhibited(watches, after)
    acked = {ack.episode for ack in muting.acks}
    named = {n.name: n for n in notifiers}
    repeats = {n.name: repeat_of(n) for n in notifiers}
    silences = muting.silences
    heard: dict[str, list[str]] = {}
    for (episode, name), last in told.items():
        if last.state == "firing" and name in named and hears_ends(named[name]):
            heard.setdefault(episode, []).append(name)
    names: dict[tuple[tuple[str, ...] | None, str], tuple[str, ...]] = {}
    out: list[Letter] = []
    for status in after:
        watch = find(status)
        if status.state == "resolved":
            if status.id in heard:
                event = _event(status, watch, note)
                out += [(name, event) for name in sorted(heard[status.id])]
            continue
        if status.state != "firing" or status.id in quiet or status.id in acked:
            continue
        if watch is None:
            continue
        if silences and silenced(silences, status, watch.extra, now) is not None:
            continue
        whom = (watch.notify, status.severity)
        if whom not in names:
            names[whom] = addressed(notifiers, _Address("firing", *whom))
        due = [
            name
            for name in names[whom]
            if _due(told.get((status.id, name)), repeats[name], status, watch, silences, now)
        ]
        if due:  # of ten thousand that fire nearly all were told: words for them take 0.3 s
            event = _event(status, watch, note)
            out += [(name, event) for name in due]
    out += _gone(before, {a.id for a in after if a.id}, heard, find, now)
    return out


def standing(
    watches: Sequence[Watch],
    statuses: Sequence[AlertStatus],
    told: Mapping[tuple[str, str], Told],
) -> list[AlertEvent]:
    """What fires, each addressed to those who have heard of it: where a restart goes on. What
    waits to be delivered is not among it, nor what was muted all the time."""
    find = watch_of(watches)
    heard: dict[str, list[str]] = {}
    for (episode, name), last in told.items():
        if last.state == "firing" and not last.waiting:
            heard.setdefault(episode, []).append(name)
    return [
        _event(status, find(status), None)._replace(notify=tuple(sorted(heard[status.id])))
        for status in statuses
        if status.state == "firing" and status.id in heard
    ]


def _due(
    last: Told | None,
    repeat: int | None,
    status: AlertStatus,
    watch: Watch,
    silences: Sequence[Silence],
    now: float,
) -> bool:
    if last is None or last.state != "firing":
        return True
    if last.waiting:  # it has not heard the last one yet
        return False
    if repeat is not None and now - last.at >= repeat:
        return True
    return bool(silences) and spoke_again(silences, status, watch.extra, last.at, now)


def _gone(
    before: Sequence[AlertStatus],
    present: Collection[str],
    heard: Mapping[str, Sequence[str]],
    find: WatchOf,
    now: float,
) -> Iterator[Letter]:
    """The end of what fired and whose rule has left the configuration."""
    for status in before:
        if status.state == "firing" and status.id and status.id not in present:
            ended = replace(status, state="resolved", since=now, resolved_at=now)
            for name in sorted(heard.get(status.id, ())):
                yield name, _event(ended, find(status), None)


def _event(status: AlertStatus, watch: Watch | None, note: Note | None) -> AlertEvent:
    words = note(status) if note is not None else ""
    return AlertEvent(
        id=status.id, rule=status.rule, labels=status.labels, severity=status.severity,
        state=status.state, unit=status.unit, value=status.value, limit=status.limit,
        window=status.window, active_at=status.active_at, fired_at=status.fired_at,
        resolved_at=status.resolved_at, exactness=status.exactness,
        summary=summary(status, watch, words), cause=status.cause,
        extra=watch.extra if watch is not None else (),
        notify=watch.notify if watch is not None else None,
    )  # fmt: skip
