"""What `costtui check` judges: how far budgets are spent, which alerts fire, how old that is.

Pure. The levels are those of Nagios plugins. A lower bound that is over the line is over it, so
`critical` comes before `unknown`; all else that is said of old data may be wrong, so `unknown`
comes before `warning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from costtui.alerts.watches import BUDGET_STEP, STEP, Watch
from costtui.engine.muting import muted_of
from costtui.model.alert import AlertStatus
from costtui.model.budget import BudgetLine
from costtui.model.counted import Heard
from costtui.model.quantity import length_text
from costtui.model.safetext import visible

OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS: Final = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_WORST: Final = (OK, WARNING, UNKNOWN, CRITICAL)
_OF_SEVERITY: Final = {"critical": CRITICAL, "warning": WARNING}


class Limits(NamedTuple):
    """Millionths of a budget, and seconds."""

    warn: int
    crit: int
    stale: int


def worst(levels: Iterable[int]) -> int:
    """The level of all of them together."""
    return max(levels, key=_WORST.index, default=OK)


def level_of(line: BudgetLine, limits: Limits) -> int:
    """A share is reached at exactly it."""
    if line.share >= limits.crit:
        return CRITICAL
    return WARNING if line.share >= limits.warn else OK


def level_of_alert(status: AlertStatus) -> int:
    """What is only for information is no reason to be woken."""
    return _OF_SEVERITY.get(status.severity, OK)


def firing(
    heard: Heard, watches: Sequence[Watch], now: float, *, steps: bool
) -> tuple[list[tuple[AlertStatus, Watch | None]], int]:
    """What fires and is not muted (acknowledged, silenced, or said by another alert that fires),
    most severe first; how many are muted. Without `steps`, no steps of budgets:
    somebody tells of the budgets themselves. An alert whose rule has left the configuration is
    put away at the next evaluation, and until then it is none."""
    known: Mapping[tuple[str, str], Watch] = {(w.name, w.step): w for w in watches}
    mutes = muted_of(watches, heard.alerts, heard.silences, heard.acks, now)
    found: list[tuple[AlertStatus, Watch | None]] = []
    muted = 0
    for status in heard.alerts:
        if status.state != "firing":
            continue
        watch = known.get((status.rule, dict(status.labels).get(STEP, "")))
        if watch is None:
            watch = known.get((status.rule, ""))
        if watch is None or (watch.measure == BUDGET_STEP and not steps):
            continue
        if (status.rule, status.labels) in mutes:
            muted += 1
        else:
            found.append((status, watch))
    found.sort(key=lambda pair: -_WORST.index(level_of_alert(pair[0])))
    return found, muted


def staleness(heard: Heard, configured: frozenset[str], now: float, limits: Limits) -> str:
    """Why what is known is too old to be judged, or "".

    A collector that lives says so every ten seconds. One that reads all and ends (`--once`) does
    not, so the last good read of a source is a sign of life as well.
    """
    sources = [s for s in heard.sources if s.name in configured]
    alive = max([heard.heartbeat, heard.evaluated, *(s.last_ok for s in sources)])
    if not alive:
        return "nothing was ever collected here"
    if now - alive > limits.stale:
        return f"nothing was collected for {length_text(int(now - alive))}"
    old = [
        s for s in sources
        if s.role == "count" and now - s.last_ok > max(limits.stale, 2 * s.interval)
    ]  # fmt: skip
    if not old:
        return ""
    first = min(old, key=lambda s: s.last_ok)
    name = visible(first.name, 60)
    more = f" and {len(old) - 1} more" if len(old) > 1 else ""
    if not first.last_ok:
        return f"source {name}{more} could never be read"
    return f"source {name}{more} not read for {length_text(int(now - first.last_ok))}"
