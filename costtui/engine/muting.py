"""Which alerts are told to nobody, by whom and until when: for screens and the command line.

The same functions as the collector's, so that a screen never contradicts what was told. Also how a
viewer says so: an acknowledgement and a silence, each a short transaction of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from costtui.alerts.muting import inhibited, matches
from costtui.alerts.watches import Watch, watch_of, watches
from costtui.config.alert_schema import AlertRule, BudgetConfig
from costtui.model.alert import Ack, AlertStatus, Labels, Matcher, Silence
from costtui.model.safetext import visible
from costtui.store import silences as store

Key = tuple[str, Labels]
"""(rule, labels) of an alert instance."""
ACKED: Final = "acked"
SILENCED: Final = "silenced"
INHIBITED: Final = "inhibited"


class Mute(NamedTuple):
    """Why nobody is told of an alert. Times are epoch seconds."""

    kind: str
    """`acked`, `silenced` or `inhibited`."""
    by: str = ""
    """Who said so; "" where it was nobody: another alert says more."""
    since: float = 0.0
    until: float = 0.0
    """0 is to the end of the episode."""
    reason: str = ""
    silence: int = 0
    """Its id."""


def muted(
    rules: Iterable[AlertRule],
    budgets: Iterable[BudgetConfig],
    statuses: Sequence[AlertStatus],
    silences: Sequence[Silence],
    acks: Sequence[Ack],
    now: float,
) -> dict[Key, tuple[Mute, ...]]:
    """Everything that mutes each firing or pending alert at `now`; those that nothing mutes are not
    in it."""
    if not any(s.state in ("firing", "pending") for s in statuses):
        return {}
    return muted_of(watches(rules, budgets), statuses, silences, acks, now)


def muted_of(
    known: Sequence[Watch],
    statuses: Sequence[AlertStatus],
    silences: Sequence[Silence],
    acks: Sequence[Ack],
    now: float,
) -> dict[Key, tuple[Mute, ...]]:
    """The same, of watches."""
    active = [s for s in statuses if s.state in ("firing", "pending")]
    found_of = watch_of(known)
    episodes = {ack.episode: ack for ack in acks if ack.at <= now}
    quiet = inhibited(known, statuses)
    held = [s for s in silences if s.starts <= now < s.ends]
    out: dict[Key, tuple[Mute, ...]] = {}
    for status in active:
        found = []
        ack = episodes.get(status.id) if status.id else None
        if ack is not None and status.state == "firing":
            found.append(Mute(ACKED, ack.author, ack.at, 0.0, ack.reason))
        watch = found_of(status)
        extra = watch.extra if watch is not None else ()
        mine = [s for s in held if matches(s, status, extra)]
        found += [
            Mute(SILENCED, one.author, one.starts, one.ends, one.reason, one.id)
            for one in sorted(mine, key=lambda s: -s.ends)
        ]
        if status.id and status.id in quiet:
            found.append(Mute(INHIBITED))
        if found:
            out[status.rule, status.labels] = tuple(found)
    return out


def fitting(
    rules: Iterable[AlertRule],
    budgets: Iterable[BudgetConfig],
    statuses: Iterable[AlertStatus],
    matchers: Sequence[Matcher],
) -> list[AlertStatus]:
    """The present alerts that a silence with these matchers would mute."""
    found_of = watch_of(watches(rules, budgets))
    wanted = Silence(0, tuple(matchers), 0.0, 1.0)
    fit = []
    for status in statuses:
        watch = found_of(status)
        if matches(wanted, status, watch.extra if watch is not None else ()):
            fit.append(status)
    return fit


def unknown_name(name: str, known: Iterable[str]) -> str:
    """Why nothing can be said of an alert of this name, with the one that was probably meant."""
    from costtui.config.words import did_you_mean, nearest

    names = list(known)
    # the alert of the budget "team" is called "budget team"
    bare = {n.removeprefix("budget "): n for n in names}
    meant = nearest(name, bare) if not nearest(name, names) else None
    hint = f' (did you mean "{bare[meant]}"?)' if meant else did_you_mean(name, names)
    return f'no alert is called "{visible(name, 60)}"{hint}'


def matchers_of(status: AlertStatus) -> tuple[Matcher, ...]:
    """What fits this alert and no other: its name and its labels."""
    return (
        Matcher("alert", "=", status.rule),
        *(Matcher(name, "=", value) for name, value in status.labels),
    )


def author(env: Mapping[str, str] = os.environ) -> str:
    """Who sits here, by the login name: who called sudo, rather than root. What the environment
    says can be made up; it is a signature for colleagues and no proof."""
    for name in ("SUDO_USER", "LOGNAME", "USER"):
        if env.get(name, "").strip():
            return env[name].strip()
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return "unknown"


def silence(
    path: Path,
    matchers: Sequence[Matcher],
    starts: float,
    seconds: float,
    reason: str = "",
    by: str = "",
) -> int:
    """Store a silence from `starts` on, epoch seconds, and return its id. Raises `StoreError`, and
    ValueError for one without a matcher or of no length."""
    wanted = Silence(0, tuple(matchers), starts, starts + seconds, reason, by or author())
    return store.silence(path, wanted)


def acknowledge(
    path: Path, alerts: Iterable[AlertStatus], now: float, reason: str = "", by: str = ""
) -> int:
    """Acknowledge those that fire; how many. Raises `StoreError`."""
    number = 0
    for status in alerts:
        if status.state == "firing" and status.id:
            ack = Ack(status.rule, status.labels, status.id, now, by or author(), reason)
            store.acknowledge(path, ack)
            number += 1
    return number


def unacknowledge(path: Path, alerts: Iterable[AlertStatus]) -> int:
    """Take it back; of how many there was one. Raises `StoreError`."""
    return sum(store.unacknowledge(path, status.id) for status in alerts if status.id)


def end_silence(path: Path, identity: int, now: float) -> bool:
    """End a silence at `now`. False where there is none that has not ended. Raises `StoreError`."""
    return store.end_silence(path, identity, now)
