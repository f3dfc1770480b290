"""History, newest first: a hole is dug, filled from its top to its bottom, and closed.

See `ledger` for why this comes to the same as reading forwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from costtui.model.usage import UsageRecord
from costtui.sources.prometheus import levels
from costtui.sources.prometheus.fold import LONG_MS, Step
from costtui.sources.prometheus.holes import Above, Head, Hole, State
from costtui.sources.prometheus.ledger import (
    MINUTE_MS,
    MS_NS,
    Ledger,
    Outcome,
    Sums,
    lowest_of,
)
from costtui.sources.prometheus.tracks import Reading, Run, Stretch, Target


def dig(ledger: Ledger, number: int, lo: int, hi: int, *, first: bool) -> Hole:
    """Open a hole `(lo, hi]` above which live samples go on. `first`: there is nothing known
    below it. The states of before become its tails."""
    hole = Hole(number, lo, hi, hi, first)
    if first:
        ledger.view_from = lo
    else:
        hole.tails = ledger.states
        # Those with nothing but a name are of the answer that is about to be counted.
        # And between the scrapes below an older hole and this one are some that are not read yet.
        known_from = ledger.holes[-1].lo if ledger.holes else 0
        for target in filter(lambda known: known.good > known_from, ledger.tracks.targets.values()):
            hole.below[target.key] = Above(
                target.good, target.good, target.start, target.version, target.levels
            )
    ledger.states = {}
    ledger.holes.append(hole)
    return hole


def fill(ledger: Ledger, hole: Hole, reading: Reading, edge: int, step: int = 0) -> Outcome:
    """Count `reading`, the stretch of `hole` from `edge` to where it was filled before. `step`:
    milliseconds between two of its samples, where the server chose them."""
    out = Outcome(newest=reading.newest)
    gap_ms = max(ledger.gap_ms, step * 3 // 2)
    for stretch in reading.stretches.values():
        _fill_target(ledger, hole, stretch, gap_ms, out)
    hole.edge = edge
    out.parts[hole.part] = hole.dump()
    return out


def _fill_target(ledger: Ledger, hole: Hole, stretch: Stretch, gap_ms: int, out: Outcome) -> None:
    target = stretch.target
    above = hole.above.get(target.key, Above())
    runs: list[Run] = []
    masks: dict[str, Head] = {}
    for run in stretch.runs:
        track, samples = run.track, run.samples
        head = hole.heads.get(track.key)
        if head is not None:
            samples = [s for s in samples if s[0] < head.ms]
            if not samples:
                continue
            masks[track.key] = head
            samples.append((head.ms, head.value))
            if head.created:
                stretch.born.setdefault(track.series.pair, {})[head.ms] = head.created
        elif track.key not in ledger.states:
            # It vanished inside the hole: this is the newest that is known of it.
            ms, value = samples[-1]
            created = stretch.born.get(track.series.pair, {}).get(ms, 0.0)
            ledger.states[track.key] = State(ms, value, created, target.key)
            out.parts[f"s:{track.key}"] = ledger.states[track.key].dump()
        runs.append(Run(track, samples))
    times = list(stretch.scrapes)
    starts = list(stretch.starts)
    if above.start:
        starts.append((above.start_ms, above.start))
    if above.scrape:
        stretch.scrapes.append(above.scrape)
    if above.version:
        stretch.versions.append((above.scrape, above.version))
    after = (above.scrape, above.levels) if above.scrape else None
    gauges = levels.read(stretch, times, ledger.rules, after=after, gap_ms=gap_ms)
    shown = gauges.scrapes[0][1] if gauges.scrapes else {}
    lowest = lowest_of(stretch, above, shown if times else above.levels)
    found: list[Step] = []
    ledger.settle(stretch, runs, starts, found, out)
    found = [
        step._replace(mask=masks[step.track.key].mask)
        if step.track.key in masks and step.ms == masks[step.track.key].ms
        else step
        for step in found
    ]
    moved = {step.track.key for step in found}
    waiting = _waiting(ledger, hole)
    for key in waiting.pop(target.key, ()) if times else ():
        head = hole.heads[key]
        hole.put_head(
            head._replace(before=times[-1]),
            ledger.tracks.of_head(key, head.metric),
            out.parts,
            True,
        )
    for run in runs:
        head = ledger.head(run, stretch)
        hole.put_head(head, run.track, out.parts, run.track.key in moved)
        hole.wait_for(head, run.track)
    found += gauges.steps
    if stretch.scrapes:
        first = stretch.scrapes[0]
        target.first = min(target.first or first, first)
    if times and times[-1] > target.good:
        # The newest scrape that is known of it: live samples go on from here.
        target.good = times[-1]
        target.levels = dict(gauges.scrapes[-1][1]) if gauges.scrapes else {}
        target.start = starts[-1][1] if starts else target.start
        target.version = stretch.versions[-1][1] if stretch.versions else target.version
    hole.put_above(target.key, lowest, out.parts)
    joiner = hole.joiner(target.key, lambda: ledger.tracks.joiner(history=True))
    sums = Sums(target, stretch, found, joiner, hole.joiner_prefix(target.key), True)
    ledger.count(sums, out)
    out.parts[f"T:{target.key}"] = target.dump()


def _waiting(ledger: Ledger, hole: Hole) -> dict[str, set[str]]:
    if hole.waiting is None:
        hole.waiting = {}
        for key, head in hole.heads.items():
            if not head.before:
                target = ledger.tracks.of_head(key, head.metric).target
                hole.waiting.setdefault(target.key, set()).add(key)
    return hole.waiting


def newcomers(ledger: Ledger, hole: Hole) -> list[Target]:
    """Targets that were first seen in `hole`, an outage. Until then they had nothing to count, so
    whether they were scraped at all was not asked."""
    if hole.first:
        return []
    tracks = (ledger.tracks.of_head(key, head.metric) for key, head in hole.heads.items())
    found = {track.target.key: track.target for track in tracks}
    return [target for key, target in found.items() if key not in hole.below]


def close(ledger: Ledger, hole: Hole) -> Outcome:
    """The bottom of `hole`: its heads meet its tails, pass to an older hole, or were first."""
    out = Outcome()
    ledger.holes.remove(hole)
    older = ledger.holes[-1] if ledger.holes else None
    earliest = ledger.earliest()
    for key in hole.tails.keys() - ledger.states.keys():
        ledger.states[key] = hole.tails[key]
        out.parts[f"s:{key}"] = hole.tails[key].dump()
    # Targets with gauges meet their past too, whether or not they have a counter.
    bottoms = {
        key: _Bottom(_between(hole, ledger.tracks.targets[key]))
        for key, above in hole.above.items()
        if above.levels and key in hole.below and key in ledger.tracks.targets
    }
    for key, head in hole.heads.items():
        track = ledger.tracks.of_head(key, head.metric)
        if not track.series.placements:
            continue  # the preset was changed in the meantime: this is not counted any more
        target = track.target
        bottom = bottoms.get(target.key)
        if bottom is None:
            bottom = bottoms[target.key] = _Bottom(_between(hole, target))
        born = bottom.stretch.born.setdefault(track.series.pair, {})
        born[head.ms] = head.created
        tail = hole.tails.get(key)
        # After a start in the middle of the hole nothing else tells since when money was reported.
        known = [(tail.ms, tail.value)] if tail is not None else []
        ledger.tracks.note_price(track, [*known, (head.ms, head.value)])
        if tail is not None and not tail.passed:
            born[tail.ms] = tail.created
            samples = [(tail.ms, tail.value), (head.ms, head.value)]
            bottom.runs.append(Run(track, samples))
            continue
        lowest = hole.above.get(target.key, Above()).scrape
        if not head.before or head.ms == lowest:
            # At the oldest scrape of its target, also where an idle one's stored time is newer.
            ms = min(head.ms, lowest or head.ms)
            head = head._replace(ms=ms, before=bottom.stretch.scrape_before(ms))
            born[ms] = head.created
        if older is None:
            bottom.firsts.append((Run(track, [(head.ms, head.value)]), head.before))
        elif key not in older.heads:
            older.put_head(head, track, out.parts, True)
            older.wait_for(head, track)
    if older is not None:
        for key in hole.above.keys() - hole.below.keys() - older.above.keys():
            older.put_above(key, hole.above[key], out.parts)
    hole.erase(out.parts)
    for bottom in bottoms.values():
        stretch, parts = bottom.stretch, out.parts
        again = ledger.began_again(bottom.firsts, stretch)
        for run, before in bottom.firsts:
            bottom.found.append(ledger.first(run, stretch, before, earliest, parts, again))
        _close_target(ledger, hole, bottom, out)
    return out


def _close_target(ledger: Ledger, hole: Hole, bottom: _Bottom, out: Outcome) -> None:
    stretch, found = bottom.stretch, bottom.found
    target = stretch.target
    ledger.settle(stretch, bottom.runs, stretch.starts, found, out)
    heads = [hole.heads[step.track.key] for step in found]
    lowest = hole.above.get(target.key, Above()).scrape
    found = [
        # Only of the oldest scrape above the bottom is the one before it known from `stretch`.
        step._replace(mask=head.mask, since=step.since if step.ms == lowest else _far(head))
        for step, head in zip(found, heads, strict=True)
    ]
    below, above = hole.below.get(target.key), hole.above.get(target.key)
    if below is not None and above is not None:
        sides = ((below.scrape, below.levels), (above.scrape, above.levels))
        found += levels.between(*sides, stretch, ledger.tracks.gauges(target), ledger.gap_ms)
    joiner = hole.joiner(target.key, lambda: ledger.tracks.joiner(history=True))
    # Its parts are gone with the hole.
    kept = dict(out.parts)
    ledger.count(Sums(target, stretch, found, joiner, "", True), out)
    out.parts = kept
    when = {
        place.dims: (step.since or step.ms - MINUTE_MS, step.ms)
        for step in found
        for place in step.track.series.placements
    }
    for dims, carry in joiner.settle().items():
        # A part whose whole was counted in a newer stretch, with the part still in it; so whether
        # it has its money is not asked of the bottom.
        start, end = when.get(dims, (hole.lo - MINUTE_MS, hole.lo))
        out.records.append(
            UsageRecord(
                start * MS_NS, end * MS_NS, dims, requests=0,
                input=carry.input, output=carry.output,
                reported_nano=0 if target.is_priced(dims, until_ms=max(end, hole.hi)) else None,
            )
        )  # fmt: skip
    out.parts[f"T:{target.key}"] = target.dump()


def _far(head: Head) -> int:
    """The scrape before `head`, where it is known and far; else 0."""
    return head.before if head.before and head.ms - head.before > LONG_MS else 0


@dataclass(slots=True)
class _Bottom:
    """What meets at the bottom of a hole, of one target."""

    stretch: Stretch
    runs: list[Run] = field(default_factory=list)
    firsts: list[tuple[Run, int]] = field(default_factory=list)
    found: list[Step] = field(default_factory=list)


def _between(hole: Hole, target: Target) -> Stretch:
    """The scrapes on both sides of the bottom of `hole`."""
    below, above = hole.below.get(target.key, Above()), hole.above.get(target.key, Above())
    stretch = Stretch(target)
    stretch.scrapes = sorted(side.scrape for side in (below, above) if side.scrape)
    stretch.starts = [(side.start_ms, side.start) for side in (below, above) if side.start]
    stretch.versions = [(above.scrape, above.version)] if above.version else []
    return stretch
