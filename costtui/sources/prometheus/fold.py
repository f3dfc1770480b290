"""The counter rules on raw samples: what was used between two samples of a series.

They are those of `metrics.counters`, said of samples with times instead of pages one after another
(a test holds the two against each other):

- new ≥ old: the difference;
- new < old, a newer `_created`, or the target started again in between: the new value, and what
  the old life had after its last sample is lost (a lower bound);
- a target starts again when its process start time says so. Where all its counters live and die
  together, one that fell says so too, and it happened at the first scrape after that counter was
  last seen: there a counter only vanishes with its process.

What the first sample of a series is worth depends on what came before the stretch; see `ledger`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from costtui.sources.metrics.counters import CLOCK_SLACK, fell
from costtui.sources.metrics.shape import MetricRule
from costtui.sources.prometheus.numbers import Sample
from costtui.sources.prometheus.tracks import Run, Stretch, Track, part_of

ALL: Final = -1
"""The mask of a series all of whose placements count."""

LONG_MS: Final = 120_000
"""Between two scrapes further apart the time of usage is not known: it is spread over them."""


class Step(NamedTuple):
    """What one series grew by, up to one sample."""

    track: Track
    since: int
    """The scrape before, epoch ms; 0 where it is near."""
    ms: int
    delta: int
    known: bool
    """The series was seen before this sample."""
    lost: bool
    mask: int = ALL
    """Which of the series' placements count at this scrape, a bit each."""
    estimated: bool = False


def restarts(
    stretch: Stretch,
    runs: Iterable[Run],
    starts: Sequence[tuple[int, float]],
    *,
    together: bool,
) -> list[int]:
    """The scrapes at which the target was found to have started again, in order.

    `runs` hold the samples that are to be compared and `starts` the process start times by scrape,
    those from outside the stretch included.
    """
    found: set[int] = set()
    for (at, before), (ms, start) in pairwise(starts):
        # Linux lets a process's start time drift when the clock is set: only a start after the
        # last scrape is believed, because then the old process still lived.
        if start > before + 1.0 and start > at / 1000 - CLOCK_SLACK:
            found.add(stretch.scrape_after(at) or ms)
    if together and stretch.target.whole:
        known = stretch.target.restarts
        for run in runs:
            last, value = run.samples[0]
            for ms, now in run.samples:
                fallen = now < value and fell(now, value)
                # Not where a restart is known already that explains it.
                if fallen and bisect_right(known, last) == bisect_right(known, ms):
                    found.add(min(stretch.scrape_after(last) or ms, ms))
                last, value = ms, now
    return sorted(found)


def steps(
    run: Run, restarted: Sequence[int], stretch: Stretch, *, vanishing: bool = False
) -> list[Step]:
    """What `run` grew by from each of its samples to the next. `vanishing`: idle series are deleted
    one by one, so one that began again while its process went on lost nothing."""
    out: list[Step] = []
    track = run.track
    born = stretch.born.get(track.series.pair)
    samples = iter(run.samples)
    last, value = next(samples)
    for ms, now in samples:
        if now == value and not restarted and born is None:
            last = ms
            continue
        renewed = born is not None and 0 < born.get(last, 0.0) < born.get(ms, 0.0)
        process = bool(restarted) and bisect_right(restarted, last) < bisect_right(restarted, ms)
        lost = False
        if process or renewed or (now < value and fell(now, value)):
            delta = now
            lost = process or not (vanishing and renewed)
        else:
            now = max(now, value)
            delta = now - value
        if delta or lost:
            out.append(Step(track, since(stretch, ms, last), ms, delta, True, lost))
        last, value = ms, now
    return out


def since(stretch: Stretch, ms: int, last: int) -> int:
    """The scrape before `ms` where it is far, else 0. The same for all series of a scrape, so that
    a part and the whole that holds it stay in one record; `last` only where no scrape is known."""
    if ms - last <= LONG_MS:
        return 0
    before = stretch.scrape_before(ms) or last
    return before if ms - before > LONG_MS else 0


def mask_at(ms: int, track: Track, stretch: Stretch, rules: Sequence[MetricRule]) -> int:
    """Which placements of `track` count at a scrape: where several metrics say the same, the
    first one that the scrape has."""
    if not track.choice:
        return ALL
    mask = 0
    for bit, place in enumerate(track.series.placements):
        rule = rules[place.rule]
        better = [*rule.names[: rule.names.index(place.name)], *rule.unless]
        if place.whole:
            better.append(part_of(place))
        if not any(ms in stretch.present.get(name, ()) for name in better):
            mask |= 1 << bit
    return mask


def trimmed(samples: list[Sample], before: Sample | None) -> list[Sample]:
    """`samples` after the one that is remembered, with that one in front."""
    if before is None:
        return samples
    at = bisect_left(samples, (before[0] + 1, -1))
    return [before, *samples[at:]]
