"""Gauges in samples: what costs money while it stands, scrape by scrape.

The area below a gauge between two scrapes is `metrics.gauges`' business; here is which scrapes
follow one another, in a stretch and across its edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from costtui.sources.metrics.gauges import integrate, levels
from costtui.sources.metrics.shape import MetricRule
from costtui.sources.prometheus.fold import Step, mask_at, since
from costtui.sources.prometheus.tracks import Stretch, Track

Values = Mapping[str, str]
"""Gauge → what it was worth at one scrape."""
Scrape = tuple[int, Values]


class Levels(NamedTuple):
    """The gauges of a stretch."""

    steps: list[Step]
    scrapes: list[Scrape]
    """What the stretch itself showed, in order; empty where it has no gauges."""


def read(
    stretch: Stretch,
    times: Iterable[int],
    rules: Sequence[MetricRule],
    *,
    before: Scrape | None = None,
    after: Scrape | None = None,
    gap_ms: int,
) -> Levels:
    """The money of gauges between the scrapes at `times` (epoch ms, in order) and the ones on both
    sides. Scrapes more than `gap_ms` apart count nothing and are a lower bound: nobody knows what
    the gauge was in between. A gauge that was not there at the scrape before counts nothing."""
    tracks: dict[str, Track] = {run.track.series.key: run.track for run in stretch.gauges}
    if not tracks:
        return Levels([], [])
    shown: list[Scrape] = []
    for ms in times:
        items = [
            (run.track.series, run.values[ms])
            for run in stretch.gauges
            if ms in run.values and mask_at(ms, run.track, stretch, rules)
        ]
        shown.append((ms, {key: level.value for key, level in levels(items).items()}))
    sequence = [*([before] if before else []), *shown, *([after] if after else [])]
    steps: list[Step] = []
    for older, newer in pairwise(sequence):
        steps += between(older, newer, stretch, tracks, gap_ms)
    return Levels(steps, shown)


def between(
    older: Scrape, newer: Scrape, stretch: Stretch, tracks: Mapping[str, Track], gap_ms: int
) -> list[Step]:
    """The money of gauges from one scrape to the next. `tracks`: the gauges that are known."""
    (last, old), (ms, new) = older, newer
    steps: list[Step] = []
    for key in sorted(old.keys() & new.keys() & tracks.keys()) if ms > last else ():
        track = tracks[key]
        lost = ms - last > gap_ms
        nano = 0 if lost else integrate(track.series, old[key], new[key], (ms - last) / 1000)
        steps.append(Step(track, since(stretch, ms, last), ms, nano, True, lost, estimated=True))
    return steps
