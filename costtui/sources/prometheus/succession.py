"""One series under other labels: what a server's configuration changed, and no process did.

Prometheus names what it scrapes. A label that is added, a job or an instance that is called
otherwise makes other series of the same counters, and they would seem to be new ones that had used
all of their value in one scrape. A series is another's successor where

- that one was last seen at the scrape before, on the same target, or on a target that is gone and
  whose process has the same start time (which is told in hundredths of a second);
- they are of one metric, and the labels that the preset reads are the same, as far as both have
  them. Within a process the names of a metric's labels do not change.

Where a process deletes idle series to make room for new ones, one that ends as another begins says
nothing: there the names of the labels must differ, and all that both have must be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from costtui.sources.metrics.counters import fell
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.prometheus.holes import State
from costtui.sources.prometheus.tracks import TARGET_LABELS, Run, Target, Track, Tracks

APART_MS: Final = 300_000
"""How far apart the two may be where the scrape before is not known."""

SAME_START: Final = 0.005


def predecessor(
    run: Run, before: int, start: float, states: Mapping[str, State], tracks: Tracks
) -> tuple[str, State] | None:
    """The key and the last sample of the series that `run` goes on with; None for none. `before`:
    the scrape before, 0 where that is not known; `start`: when the process began, 0 for unknown."""
    value = run.samples[0][1]
    found = [
        (same, key, state)
        for same, key, state in _alike_before(run, before, start, states, tracks)
        if not fell(value, state.value)
    ]
    if not found:
        return None
    _, key, state = max(found)
    return key, state


def fallen(
    run: Run, before: int, start: float, states: Mapping[str, State], tracks: Tracks
) -> bool:
    """Would `run` go on with a series, had it not fallen? Then its process began again, and where
    all counters of a process live and die together, none of them goes on."""
    value = run.samples[0][1]
    found = [state for _, _, state in _alike_before(run, before, start, states, tracks)]
    return bool(found) and all(fell(value, state.value) for state in found)


def _alike_before(
    run: Run, before: int, start: float, states: Mapping[str, State], tracks: Tracks
) -> Iterator[tuple[int, str, State]]:
    """(labels in common, key, last sample) of the series that ended as `run` began."""
    track, ms = run.track, run.samples[0][0]
    target = track.target
    low = before or ms - APART_MS
    old = former(target, start, tracks.targets.values())
    for other in chain(*(tracks.of_metric(track.name, t) for t in (target, old) if t is not None)):
        state = states.get(other.key)
        if state is None or other.key == track.key or state.passed or state.ms >= ms:
            continue
        if other.target is target:
            again = any(state.ms < at <= ms for at in target.restarts)
            if again or state.ms < low or start * 1000 > state.ms:
                continue
        same = _alike(track, other, tracks.mapper)
        if same >= 0:
            yield same, other.key, state


def former(target: Target, start: float, targets: Iterable[Target]) -> Target | None:
    """The target that `target` was called before; None where it was not."""
    if not start:
        return None
    return next(
        (
            other
            for other in targets
            if other is not target
            and abs(other.start - start) < SAME_START
            and 0 < other.good < target.first
        ),
        None,
    )


def _alike(track: Track, other: Track, mapper: Mapper) -> int:
    """How many labels both have in common; -1 where they are of different traffic."""
    mine, others = _inner(track), _inner(other)
    both = mine.keys() & others.keys()
    if mapper.shape.idle_series_vanish and (
        mine.keys() == others.keys() or any(mine[name] != others[name] for name in both)
    ):
        return -1
    if any(mine[name] != others[name] for name in both & set(mapper.labels_of(track.name))):
        return -1
    return sum(mine[name] == others[name] for name in both)


def _inner(track: Track) -> dict[str, str]:
    outer = (*TARGET_LABELS, "__name__")
    return {k.replace(".", "_"): v for k, v in track.metric.items() if k not in outer}
