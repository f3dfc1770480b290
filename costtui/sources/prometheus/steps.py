"""Old history in steps: the last sample of each, and sample by sample where a counter fell.

A few queries a piece: the last samples, the scrapes, and which targets' counters fell. A step in
which a target started again is read whole, so the differences are those of raw samples.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Final

from costtui.errors import SourceFormatError, SourceOverloadedError
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.prometheus.api import Api, Result, Row
from costtui.sources.prometheus.plan import Piece, Selector
from costtui.sources.prometheus.scope import Scope
from costtui.sources.prometheus.tracks import START, TARGET_LABELS, UP, Reading

MOST_REPAIRS: Final = 300
"""Queries for single steps of one piece. A target that starts again more often than that is asked
for in longer stretches."""

Labels = tuple[tuple[str, str], ...]


async def read(
    api: Api,
    selector: Selector,
    scope: Scope,
    mapper: Mapper,
    piece: Piece,
    take: Callable[[Result, int, int], Awaitable[Reading]],
) -> Reading:
    """The samples of `piece`, one a step where that is exact. Raises SourceError."""
    step, first = piece.step, piece.start + piece.step

    async def ask(query: str, start: int = first) -> list[Row]:
        result = await api.steps(query, start, piece.end, step)
        if result.warnings:
            raise SourceOverloadedError(f"the server's answer is not whole: {result.warnings[0]}")
        return result.rows

    # A step earlier, too: what was there before the first step?
    rows = await ask(selector.last(step), piece.start)
    up: list[Row] = []
    if ups := scope.selector(names=[UP]):
        found = await ask(f"max_over_time({ups}[{step}ms])", piece.start)
        up = [Row({**row.metric, "__name__": UP}, row.values) for row in found]
        rows = [*rows, *up, *await ask(selector.last(step, scope.selector(names=[START])))]
    if any("__name__" not in row.metric for row in rows):
        raise SourceFormatError(f"{api.shown}: last_over_time() does not keep metric names here")
    counters = {name.partition(" ")[0] for name in mapper.counted()}
    fallen = await ask(selector.restarts(counters, 2 * step))
    try:
        doubtful = _doubtful(rows, up, fallen, counters, piece)
    except (ValueError, OverflowError):
        raise SourceFormatError(f"{api.shown}: an answer without numbers") from None
    repairs = _merged(doubtful, step)
    if len(repairs) > MOST_REPAIRS:
        repairs = [(labels, piece.start, piece.end) for labels in doubtful]
    for labels, start, end in repairs:
        raw = await api.raw(selector.of_target(labels), start, end)
        rows = _repaired(rows, raw.rows, labels, start, end)
    return await take(Result(rows), piece.start, piece.end)


def _labels(metric: dict[str, str]) -> Labels:
    return tuple((name, metric[name]) for name in TARGET_LABELS if metric.get(name))


def _doubtful(
    rows: list[Row], up: list[Row], fallen: list[Row], counters: set[str], piece: Piece
) -> dict[Labels, set[int]]:
    """target → ends of the steps in which it may have started again, or was first scraped."""
    found: dict[Labels, set[int]] = {}
    for row in fallen:
        steps = found.setdefault(_labels(row.metric), set())
        for at, _ in row.values:
            ms = round(at * 1000)
            # The window began in the step before, which may be where it fell.
            steps.update(end for end in (ms, ms - piece.step) if end > piece.start)
    for row in up:
        # Whether a target was seen before a series is a question of seconds in its first step.
        good = {round(at * 1000) for at, value in row.values if float(value) > 0}
        begun = {ms for ms in good if ms > piece.start and ms - piece.step not in good}
        if begun:
            found.setdefault(_labels(row.metric), set()).update(begun)
    for row in rows:
        name = row.metric["__name__"].replace(".", "_")
        if name in counters:
            # One that was not there in the step before was born, or was away: it may have begun
            # again in between, and have grown past what it was.
            there = {round(at * 1000) for at, _ in row.values}
            back = {ms for ms in there if ms > piece.start and ms - piece.step not in there}
            if back:
                found.setdefault(_labels(row.metric), set()).update(back)
        if name != START:
            continue
        for (_, before), (at, now) in pairwise(row.values):
            if float(now) > float(before) + 1.0:
                found.setdefault(_labels(row.metric), set()).add(round(at * 1000))
    return found


def _merged(doubtful: dict[Labels, set[int]], step: int) -> list[tuple[Labels, int, int]]:
    """Neighbouring steps as one stretch."""
    stretches = []
    for labels, ends in doubtful.items():
        start = end = 0
        for ms in sorted(ends):
            if ms - step == end:
                end = ms
                continue
            if end:
                stretches.append((labels, start, end))
            start, end = ms - step, ms
        if end:
            stretches.append((labels, start, end))
    return stretches


def _repaired(rows: list[Row], raw: list[Row], labels: Labels, start: int, end: int) -> list[Row]:
    """`rows` with what `labels` said in `(start, end]` sample by sample."""
    low, high = start / 1000, end / 1000
    made: list[Row] = []
    by_metric = {tuple(sorted(row.metric.items())): row for row in raw}
    for row in rows:
        if _labels(row.metric) != labels:
            made.append(row)
            continue
        exact = by_metric.pop(tuple(sorted(row.metric.items())), None)
        kept = [pair for pair in row.values if not low < pair[0] <= high]
        if exact is not None:
            kept = sorted([*kept, *(pair for pair in exact.values if low < pair[0] <= high)])
        made.append(Row(row.metric, kept))
    made += [
        Row(row.metric, [pair for pair in row.values if low < pair[0] <= high])
        for row in by_metric.values()
    ]
    return made
