"""What is known of every series, and what that makes of an answer.

Live samples are read forwards from the newest one known of each series (`states`). History is read
backwards, newest first, in stretches of a `Hole`: the oldest sample known of each series above the
hole (its *head*) waits for the one before it, wherever in the hole that is. At the bottom a head
meets the state that was stored before the outage (its *tail*), or was the first of its series. So
every pair of neighbouring samples is counted once, whatever the order of reading, and a sum is the
same as if everything had been read forwards (a property test says so).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from costtui.model.usage import UsageRecord
from costtui.sources.metrics.joining import Increment, Joiner
from costtui.sources.prometheus.fold import ALL, LONG_MS, Step, mask_at, restarts, steps, trimmed
from costtui.sources.prometheus.holes import Above, Head, Hole, State
from costtui.sources.prometheus.tracks import Reading, Run, Stretch, Target, Tracks

NEAR_BEGINNING_MS: Final = 600_000
"""A target first scraped this much after the earliest of all came later: what it had counted by
then is not known. Before that, everything there was is the baseline of the whole view."""

KEEP_TARGET_MS: Final = 45 * 86_400_000
"""A target that was not scraped for so long is forgotten: pods come and go. If it comes back it is
new and its first values are a baseline, which can only count too little."""

_MINUTE_MS: Final = 60_000
_MS_NS: Final = 1_000_000


@dataclass(slots=True)
class Outcome:
    """What an answer came to."""

    records: list[UsageRecord] = field(default_factory=list)
    parts: dict[str, str | None] = field(default_factory=dict)
    """Changed checkpoint parts."""
    resets: int = 0
    newest: int = 0
    """Time of the newest scrape, epoch ms."""


class _Sums(NamedTuple):
    """What is counted of one target."""

    target: Target
    stretch: Stretch
    steps: list[Step]
    joiner: Joiner
    prefix: str
    newest_first: bool


class Ledger:
    """The memory of one source. It changes as it is used; whoever cannot store an `Outcome` must
    `restore` from what is stored."""

    def __init__(self, tracks: Tracks, *, together: bool) -> None:
        self.tracks = tracks
        self._together = together
        self._rules = tracks.mapper.shape.metrics
        self.states: dict[str, State] = {}
        self.holes: list[Hole] = []
        """Unfinished ones, the newest last."""
        self.view_from = 0
        """Nothing before this moment is looked at, epoch ms."""
        self.asked: dict[str, int] = {}
        """Metrics that were not asked for from the beginning, and since when."""

    # Live

    def live(self, reading: Reading) -> Outcome:
        """Count what is new in `reading`, a stretch up to now."""
        out = Outcome(newest=reading.newest)
        hole = self.holes[-1] if self.holes else None
        earliest = self._earliest(reading)
        for stretch in reading.stretches.values():
            self._live_target(stretch, hole, earliest, out)
        return out

    def _live_target(
        self, stretch: Stretch, hole: Hole | None, earliest: int, out: Outcome
    ) -> None:
        target = stretch.target
        fresh = [ms for ms in stretch.scrapes if ms > target.good]
        if stretch.scrapes and not target.first:
            target.first = stretch.scrapes[0]
        if hole is not None and stretch.scrapes and target.key not in hole.above:
            hole.put_above(target.key, _lowest(stretch, Above()), out.parts)
        runs: list[Run] = []
        found: list[Step] = []
        for run in stretch.runs:
            track = run.track
            state = self.states.get(track.key)
            samples = run.samples
            if state is not None:
                samples = trimmed(samples, (state.ms, state.value))
                if len(samples) == 1:
                    continue
                if state.created:
                    stretch.born.setdefault(track.series.pair, {})[state.ms] = state.created
            elif hole is not None:
                hole.put_head(self._head(run, stretch), track, out.parts)
            else:
                before = stretch.scrape_before(samples[0][0])
                if not before and target.good < samples[0][0]:
                    before = target.good
                found.append(self._first(run, stretch, before, earliest))
            runs.append(Run(track, samples))
        starts = [(target.good, target.start)] if target.start else []
        starts += [pair for pair in stretch.starts if pair[0] > target.good]
        self._settle(stretch, runs, starts, found, out)
        if fresh:
            target.good = fresh[-1]
            target.start = stretch.starts[-1][1] if stretch.starts else target.start
            target.version = stretch.versions[-1][1] if stretch.versions else target.version
        self._remember(runs, found, stretch, out.parts)
        if fresh or found:
            sums = _Sums(target, stretch, found, target.joiner, f"J:{target.key}:", False)
            self._count(sums, out)
            out.parts[f"T:{target.key}"] = target.dump()

    def _settle(
        self,
        stretch: Stretch,
        runs: list[Run],
        starts: list[tuple[int, float]],
        found: list[Step],
        out: Outcome,
    ) -> None:
        """Add the steps of `runs` to `found`, restarts taken into account."""
        target = stretch.target
        again = restarts(stretch, runs, starts, together=self._together)
        new = [ms for ms in again if ms not in target.restarts]
        if new:
            target.restarts = sorted({*target.restarts, *new})
            out.resets += len(new)
        known = target.restarts
        for run in runs:
            low = bisect_right(known, run.samples[0][0])
            within = known[low : bisect_right(known, run.samples[-1][0])]
            for step in steps(run, within, stretch):
                out.resets += step.lost and not within
                found.append(self._masked(step, stretch))

    def _masked(self, step: Step, stretch: Stretch) -> Step:
        mask = mask_at(step.ms, step.track, stretch, self._rules)
        return step if mask == ALL else step._replace(mask=mask)

    def _remember(
        self, runs: list[Run], found: list[Step], stretch: Stretch, parts: dict[str, str | None]
    ) -> None:
        """The newest samples are the states now. One whose number did not move is not stored
        again: a stored time that is too old says the same of a counter that stood still."""
        moved = {step.track.key for step in found}
        for run in runs:
            key = run.track.key
            ms, value = run.samples[-1]
            old = self.states.get(key)
            created = stretch.born.get(run.track.series.pair, {}).get(ms, 0.0)
            if old is not None and value < old.value and key not in moved:
                value = old.value  # a float sum that wobbles in its last digit
            state = State(ms, value, created, stretch.target.key)
            if old is None or key in moved or (old.value, old.created) != (value, created):
                parts[f"s:{key}"] = state.dump()
            self.states[key] = state

    def _first(self, run: Run, stretch: Stretch, before: int, earliest: int) -> Step:
        """What the first sample ever of a series is worth: nothing, or all of it. `before` is the
        scrape before it, 0 where that is not known."""
        track, (ms, value) = run.track, run.samples[0]
        target = stretch.target
        asked = self.asked.get(self.tracks.mapper.counter_name(track.name), 0)
        start = max((s for at, s in stretch.starts if at <= ms), default=0.0)
        born = max(start, stretch.born.get(track.series.pair, {}).get(ms, 0.0))
        # The target was looked at before and this series was not there, or it began in our time.
        counted = (before >= asked if asked else target.first < ms) or (
            born * 1000 > max(self.view_from, asked)
        )
        if counted:
            far = before if before and ms - before > LONG_MS else 0
            return self._masked(Step(track, far, ms, value, False, False), stretch)
        late = bool(value) and target.first > earliest + NEAR_BEGINNING_MS
        return self._masked(Step(track, 0, ms, 0, False, late), stretch)

    def _earliest(self, reading: Reading | None = None) -> int:
        firsts = [t.first for t in self.tracks.targets.values() if t.first]
        if reading is not None:
            firsts += [s.scrapes[0] for s in reading.stretches.values() if s.scrapes]
        return min(firsts, default=0)

    # History

    def dig(self, number: int, lo: int, hi: int, *, first: bool) -> Hole:
        """Open a hole `(lo, hi]` above which live samples go on. `first`: there is nothing known
        below it. The states of before become its tails."""
        hole = Hole(number, lo, hi, hi)
        if first:
            self.view_from = lo
        else:
            hole.tails = self.states
            for target in self.tracks.targets.values():
                hole.below[target.key] = Above(
                    target.good, target.good, target.start, target.version
                )
        self.states = {}
        self.holes.append(hole)
        return hole

    def fill(self, hole: Hole, reading: Reading, edge: int) -> Outcome:
        """Count `reading`, the stretch of `hole` from `edge` to where it was filled before."""
        out = Outcome(newest=reading.newest)
        for stretch in reading.stretches.values():
            self._fill_target(hole, stretch, out)
        hole.edge = edge
        out.parts[hole.part] = hole.dump()
        return out

    def _fill_target(self, hole: Hole, stretch: Stretch, out: Outcome) -> None:
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
            elif track.key not in self.states:
                # It vanished inside the hole: this is the newest that is known of it.
                ms, value = samples[-1]
                created = stretch.born.get(track.series.pair, {}).get(ms, 0.0)
                self.states[track.key] = State(ms, value, created, target.key)
                out.parts[f"s:{track.key}"] = self.states[track.key].dump()
            runs.append(Run(track, samples))
        lowest = _lowest(stretch, above)
        starts = list(stretch.starts)
        if above.start:
            starts.append((above.start_ms, above.start))
        if above.scrape:
            stretch.scrapes.append(above.scrape)
        if above.version:
            stretch.versions.append((above.scrape, above.version))
        found: list[Step] = []
        self._settle(stretch, runs, starts, found, out)
        found = [
            step._replace(mask=masks[step.track.key].mask)
            if step.track.key in masks and step.ms == masks[step.track.key].ms
            else step
            for step in found
        ]
        moved = {step.track.key for step in found}
        for run in runs:
            hole.put_head(self._head(run, stretch), run.track, out.parts, run.track.key in moved)
        if stretch.scrapes:
            first = stretch.scrapes[0]
            target.first = min(target.first or first, first)
            target.good = max(target.good, stretch.scrapes[-1])
        if not target.start and stretch.starts:
            target.start = stretch.starts[-1][1]
        if not target.version and stretch.versions:
            target.version = stretch.versions[-1][1]
        hole.put_above(target.key, lowest, out.parts)
        joiner = hole.joiner(target.key, lambda: self.tracks.joiner(history=True))
        sums = _Sums(target, stretch, found, joiner, hole.joiner_prefix(target.key), True)
        self._count(sums, out)
        out.parts[f"T:{target.key}"] = target.dump()

    def _head(self, run: Run, stretch: Stretch) -> Head:
        ms, value = run.samples[0]
        created = stretch.born.get(run.track.series.pair, {}).get(ms, 0.0)
        mask = mask_at(ms, run.track, stretch, self._rules)
        return Head(ms, value, created, mask, run.track.metric)

    def close(self, hole: Hole) -> Outcome:
        """The bottom of `hole`: its heads meet its tails, pass to an older hole, or were first."""
        out = Outcome()
        self.holes.remove(hole)
        older = self.holes[-1] if self.holes else None
        earliest = self._earliest()
        stretches: dict[str, Stretch] = {}
        found: dict[str, list[Step]] = {}
        pairs: dict[str, list[Run]] = {}
        for key, head in hole.heads.items():
            track = self.tracks.track(head.metric)
            if track is None:
                continue
            target = track.target
            above = hole.above.get(target.key, Above())
            stretch = stretches.get(target.key)
            if stretch is None:
                stretch = stretches[target.key] = Stretch(target)
                below = hole.below.get(target.key, Above())
                stretch.scrapes = sorted(ms for ms in (below.scrape, above.scrape) if ms)
                stretch.starts = [(a.start_ms, a.start) for a in (below, above) if a.start]
                stretch.versions = [(above.scrape, above.version)] if above.version else []
            if head.created:
                stretch.born.setdefault(track.series.pair, {})[head.ms] = head.created
            tail = hole.tails.get(key)
            if tail is not None:
                if tail.created:
                    stretch.born.setdefault(track.series.pair, {})[tail.ms] = tail.created
                run = Run(track, [(tail.ms, tail.value), (head.ms, head.value)])
                pairs.setdefault(target.key, []).append(run)
            elif older is not None:
                if key not in older.heads:
                    older.put_head(head, track, out.parts, True)
            else:
                run = Run(track, [(head.ms, head.value)])
                found.setdefault(target.key, []).append(self._first(run, stretch, 0, earliest))
        for key, tail in hole.tails.items():
            if key not in self.states:
                self.states[key] = tail
                out.parts[f"s:{key}"] = tail.dump()
        for key, stretch in stretches.items():
            steps_of = found.setdefault(key, [])
            self._settle(stretch, pairs.get(key, []), stretch.starts, steps_of, out)
            joiner = hole.joiner(key, lambda: self.tracks.joiner(history=True))
            prefix = f"J:{key}:"
            heads = hole.heads
            steps_of[:] = [s._replace(mask=heads[s.track.key].mask) for s in steps_of]
            sums = _Sums(stretch.target, stretch, steps_of, joiner, hole.joiner_prefix(key), True)
            self._count(sums, out)
            out.parts.update(
                {prefix + part: text for part, text in stretch.target.joiner.adopt(joiner).items()}
            )
            out.parts[f"T:{key}"] = stretch.target.dump()
        hole.erase(out.parts)
        return out

    # Both

    def _count(self, sums: _Sums, out: Outcome) -> None:
        """Join the steps of one target into records, a minute each."""
        joiner, target = sums.joiner, sums.target
        buckets: dict[tuple[int, int], list[Step]] = {}
        for step in sums.steps:
            minute = step.ms if step.since else -(-step.ms // _MINUTE_MS) * _MINUTE_MS
            buckets.setdefault((minute, step.since), []).append(step)
        if not buckets and joiner.waiting and sums.stretch.scrapes:
            buckets[sums.stretch.scrapes[-1], 0] = []
        for (end, since), found in sorted(buckets.items(), reverse=sums.newest_first):
            last = max((step.ms for step in found), default=end)
            joined = joiner.join(
                _increments(found),
                lambda _: True,
                target.priced.__contains__,
                sums.stretch.version_at(last),
                (since or end - _MINUTE_MS) * _MS_NS,
                last * _MS_NS,
            )
            out.records += joined.records
            for part, text in joiner.checkpoint(joined).items():
                out.parts[sums.prefix + part] = text
            joiner.commit(joined)

    def forget_old(self, now_ms: int) -> dict[str, str | None]:
        """Drop targets that are gone for good. The parts that changes."""
        parts: dict[str, str | None] = {}
        limit = now_ms - KEEP_TARGET_MS
        gone = [t for t in self.tracks.targets.values() if 0 < t.good < limit]
        keys = {target.key for target in gone}
        if self.holes or not keys:
            return parts
        for target in gone:
            parts[f"T:{target.key}"] = None
            self.tracks.drop_target(target)
        for key in [k for k, state in self.states.items() if state.target in keys]:
            del self.states[key]
            parts[f"s:{key}"] = None
        return parts


def _lowest(stretch: Stretch, above: Above) -> Above:
    """The oldest scrape of `stretch`, or what was known above it."""
    return Above(
        stretch.scrapes[0] if stretch.scrapes else above.scrape,
        *(stretch.starts[0] if stretch.starts else (above.start_ms, above.start)),
        stretch.versions[0][1] if stretch.versions else above.version,
    )


def _increments(found: Iterable[Step]) -> list[Increment]:
    increments = []
    for step in found:
        places = step.track.series.placements
        if step.mask != ALL:
            places = tuple(p for bit, p in enumerate(places) if step.mask >> bit & 1)
        increments.append(Increment(places, step.delta, step.known, step.lost))
    return increments
