"""After a start: which labels the series of before had, where that matters.

What is remembered of a series is a number under a hash (decision 030), so after a start nobody
knows its labels until it is seen again. Most are, in the first answer. One that is not may go on
under other labels (`succession`), and those would count all that was ever used a second time. So
where a series begins on a target of which something is remembered that was not seen again, the
server is asked for that target's last scrape before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from costtui.sources.metrics.counters import fell
from costtui.sources.prometheus.holes import Above, Hole, State
from costtui.sources.prometheus.ledger import Ledger
from costtui.sources.prometheus.succession import SAME_START
from costtui.sources.prometheus.tracks import Reading, Target

MOST: Final = 50
"""Scrapes above a hole that are read again of one target: those at which most series began. Where
labels change, all series of a target end and begin at one."""


class Last(NamedTuple):
    """A scrape to read again."""

    target: Target
    ms: int


def before_live(ledger: Ledger, reading: Reading) -> list[Last]:
    """What to read again before `reading`, new samples, is counted."""
    found: dict[str, Last] = {}
    if not ledger.unlearnt or ledger.holes:  # beginnings wait for the bottom of a hole
        return []
    for stretch in reading.stretches.values():
        if all(run.track.key in ledger.states for run in stretch.runs):
            continue
        start = max((value for _, value in stretch.starts), default=0.0)
        for old in (stretch.target, *_called_before(stretch.target, start, ledger)):
            seen = reading.stretches.get(old.key)
            again = seen is not None and seen.scrapes and seen.scrapes[0] <= old.good
            if old.key in ledger.unlearnt and not again:
                found[old.key] = Last(old, old.good)
    return list(found.values())


def at_bottom(ledger: Ledger, hole: Hole) -> list[Last]:
    """What to read again before `hole` is closed."""
    if len(ledger.holes) > 1:  # what begins above it waits for the bottom of an older one
        return []
    begun: dict[str, Counter[int]] = {}
    targets: dict[str, Target] = {}
    for key, head in hole.heads.items():
        tail = hole.tails.get(key)
        if tail is None or tail.passed:
            target = ledger.tracks.of_head(key, head.metric).target
            targets[target.key] = target
            below = hole.below.get(target.key, Above()).scrape
            begun.setdefault(target.key, Counter())[head.before or below] += 1
    former: dict[str, Target] = {}
    for target in targets.values():
        start = hole.above.get(target.key, Above()).start
        former.update((old.key, old) for old in _called_before(target, start, ledger))
    found: set[tuple[str, int]] = set()
    for state in _unknown(hole.tails, ledger):
        if state.target in targets or state.target in former:
            found.add((state.target, hole.below.get(state.target, Above()).scrape))
    for state in _unknown(ledger.states, ledger):
        if state.target in former:
            found.add((state.target, former[state.target].good))
        if state.ms in begun.get(state.target, ()):
            found.add((state.target, state.ms))
    if ledger.restored:
        # What stood still above the hole has an older time stored than when it was seen, and may
        # have been read in the hole since.
        idle: dict[str, int] = {}
        for state in ledger.states.values():
            if not state.passed:
                idle[state.target] = min(state.ms, idle.get(state.target, state.ms))
        for key, times in begun.items():
            for ms, _ in times.most_common(MOST):
                if ms > hole.hi and key in idle and idle[key] < ms:
                    found.add((key, ms))
    known = targets | former
    return [Last(known[key], ms) for key, ms in sorted(found) if ms]


def take(reading: Reading, ledger: Ledger, hole: Hole | None = None) -> None:
    """Now the labels are known; and when a series was last seen, whose number did not move."""
    books = [ledger.states, *([hole.tails] if hole is not None else [])]
    for stretch in reading.stretches.values():
        for run in stretch.runs:
            ms, value = run.samples[-1]
            for book in books:
                state = book.get(run.track.key)
                if state is None or state.passed or state.ms >= ms:
                    continue
                if value <= state.value and not fell(value, state.value):
                    book[run.track.key] = state._replace(ms=ms)


def _unknown(states: dict[str, State], ledger: Ledger) -> Iterator[State]:
    """The memories of series that no answer has had since the start. The labels of some are known
    from a head; when they were last seen is not."""
    for key, state in states.items():
        if not state.passed and not ledger.tracks.answered(key):
            yield state


def _called_before(target: Target, start: float, ledger: Ledger) -> Iterable[Target]:
    """Targets of the same process: told by when it began, 0 for unknown."""
    if not start:
        return []
    targets = ledger.tracks.targets.values()
    return [t for t in targets if t is not target and abs(t.start - start) < SAME_START]
