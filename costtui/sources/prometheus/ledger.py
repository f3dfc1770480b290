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
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from costtui.model.usage import UsageRecord
from costtui.sources.metrics.gauges import longest_gap
from costtui.sources.metrics.joining import Increment, Joiner
from costtui.sources.prometheus import levels
from costtui.sources.prometheus.fold import ALL, LONG_MS, Step, mask_at, restarts, steps, trimmed
from costtui.sources.prometheus.holes import Above, Head, Hole, State
from costtui.sources.prometheus.succession import fallen, predecessor
from costtui.sources.prometheus.tracks import Reading, Run, Stretch, Target, Tracks

NEAR_BEGINNING_MS: Final = 600_000
"""A target first scraped this much after the earliest of all came later: what it had counted by
then is not known. Before that, everything there was is the baseline of the whole view."""

KEEP_TARGET_MS: Final = 45 * 86_400_000
"""A target that was not scraped for so long is forgotten: pods come and go. If it comes back it is
new and its first values are a baseline, which can only count too little."""

MINUTE_MS: Final = 60_000
MS_NS: Final = 1_000_000


@dataclass(slots=True)
class Outcome:
    """What an answer came to."""

    records: list[UsageRecord] = field(default_factory=list)
    parts: dict[str, str | None] = field(default_factory=dict)
    """Changed checkpoint parts."""
    resets: int = 0
    newest: int = 0
    """Time of the newest scrape, epoch ms."""


class Sums(NamedTuple):
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

    def __init__(self, tracks: Tracks, *, interval: float = 0.0) -> None:
        """`interval`: seconds between two polls, for how long a gauge may be out of sight."""
        shape = tracks.mapper.shape
        self.tracks = tracks
        self.gap_ms = round(longest_gap(interval) * 1000)
        self._together = shape.resets == "together"
        self._vanishing = shape.idle_series_vanish
        self.rules = shape.metrics
        self.states: dict[str, State] = {}
        self.holes: list[Hole] = []
        """Unfinished ones, the newest last."""
        self.unlearnt: set[str] = set()
        """Targets known from a checkpoint of which nothing newer was read yet: see `recall`."""
        self.restored = False
        """It goes on from a checkpoint."""
        self.view_from = 0
        """Nothing before this moment is looked at, epoch ms."""
        self.asked: dict[str, int] = {}
        """Metrics that were not asked for from the beginning, and since when."""

    # Live

    def live(self, reading: Reading) -> Outcome:
        """Count what is new in `reading`, a stretch up to now."""
        out = Outcome(newest=reading.newest)
        hole = self.holes[-1] if self.holes else None
        earliest = self.earliest(reading)
        for stretch in reading.stretches.values():
            self._live_target(stretch, hole, earliest, out)
        return out

    def _live_target(
        self, stretch: Stretch, hole: Hole | None, earliest: int, out: Outcome
    ) -> None:
        target = stretch.target
        fresh = [ms for ms in stretch.scrapes if ms > target.good]
        # What lies between the scrapes below a hole and these is still to be read: a restart in
        # there would be found here and, where it was, once more.
        good = target.good if hole is None or target.good > hole.lo else 0
        if stretch.scrapes and not target.first:
            target.first = stretch.scrapes[0]
        if hole is not None and stretch.scrapes and target.key not in hole.above:
            first = levels.read(stretch, stretch.scrapes[:1], self.rules, gap_ms=self.gap_ms)
            shown = first.scrapes[0][1] if first.scrapes else {}
            hole.put_above(target.key, lowest_of(stretch, Above(), shown), out.parts)
        if good and (not stretch.scrapes or good < stretch.scrapes[0]):
            stretch.scrapes.insert(0, good)
        runs: list[Run] = []
        new: list[Run] = []
        found: list[Step] = []
        for run in stretch.runs:
            track = run.track
            state = self.states.get(track.key)
            samples = run.samples
            if state is not None and state.passed:
                samples = trimmed(samples, (state.ms, -1))[1:]
                if not samples:
                    continue
                run, state = Run(track, samples), None
            if state is not None:
                samples = trimmed(samples, (state.ms, state.value))
                if len(samples) == 1:
                    continue
                if state.created:
                    stretch.born.setdefault(track.series.pair, {})[state.ms] = state.created
            elif hole is not None:
                head = self.head(run, stretch)
                hole.put_head(head, track, out.parts)
                hole.wait_for(head, track)
            else:
                new.append(run)
            runs.append(Run(track, samples))
        starts = [(good, target.start)] if good and target.start else []
        starts += [pair for pair in stretch.starts if pair[0] > target.good]
        self.settle(stretch, runs, starts, found, out)
        known = (good, target.levels) if good else None
        gauges = levels.read(stretch, fresh, self.rules, before=known, gap_ms=self.gap_ms)
        if fresh:
            target.levels = dict(gauges.scrapes[-1][1]) if gauges.scrapes else {}
            target.good = fresh[-1]
            self.unlearnt.discard(target.key)
            target.start = stretch.starts[-1][1] if stretch.starts else target.start
            target.version = stretch.versions[-1][1] if stretch.versions else target.version
        self._remember(runs, found, stretch, out.parts)
        firsts = [(run, stretch.scrape_before(run.samples[0][0])) for run in new]
        again = self.began_again(firsts, stretch)
        for run, before in firsts:
            found.append(self.first(run, stretch, before, earliest, out.parts, again))
        found += gauges.steps
        if fresh or found:
            sums = Sums(target, stretch, found, target.joiner, f"J:{target.key}:", False)
            self.count(sums, out)
            out.parts[f"T:{target.key}"] = target.dump()

    def settle(
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
            for step in steps(run, within, stretch, vanishing=self._vanishing):
                out.resets += step.lost and not within
                found.append(self._masked(step, stretch))

    def _masked(self, step: Step, stretch: Stretch) -> Step:
        mask = mask_at(step.ms, step.track, stretch, self.rules)
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

    def first(
        self,
        run: Run,
        stretch: Stretch,
        before: int,
        earliest: int,
        parts: dict[str, str | None],
        again: Collection[int] = (),
    ) -> Step:
        """What the first sample ever of a series is worth: nothing, all of it, or what it adds to
        a series that was called otherwise. `before`: the scrape before it, 0 where that is not
        known. `again`: see `began_again`."""
        track, (ms, value) = run.track, run.samples[0]
        target = stretch.target
        asked = self.asked.get(self.tracks.mapper.counter_name(track.name), 0)
        start = max((s for at, s in stretch.starts if at <= ms), default=0.0)
        old = None
        if ms not in again:
            old = predecessor(run, before, start, self.states, self.tracks)
        if old is not None:
            # What goes on under another name must not be met again under this one.
            key, state = old
            self.states[key] = state._replace(value=-1)
            parts[f"s:{key}"] = self.states[key].dump()
            last = before or state.ms
            grown = max(value - state.value, 0)
            far = last if ms - last > LONG_MS else 0
            return self._masked(Step(track, far, ms, grown, True, False), stretch)
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

    def began_again(self, firsts: Iterable[tuple[Run, int]], stretch: Stretch) -> set[int]:
        """The scrapes at which a target was called otherwise *and* began again: one of its
        counters fell. `firsts`: the first samples of series, and the scrape before each."""
        if not (self._together and stretch.target.whole):
            return set()
        found: set[int] = set()
        for run, before in firsts:
            ms = run.samples[0][0]
            start = max((s for at, s in stretch.starts if at <= ms), default=0.0)
            if ms not in found and fallen(run, before, start, self.states, self.tracks):
                found.add(ms)
        return found

    def earliest(self, reading: Reading | None = None) -> int:
        firsts = [t.first for t in self.tracks.targets.values() if t.first]
        if reading is not None:
            firsts += [s.scrapes[0] for s in reading.stretches.values() if s.scrapes]
        return min(firsts, default=0)

    # Both

    def head(self, run: Run, stretch: Stretch) -> Head:
        ms, value = run.samples[0]
        created = stretch.born.get(run.track.series.pair, {}).get(ms, 0.0)
        mask = mask_at(ms, run.track, stretch, self.rules)
        return Head(ms, value, created, mask, stretch.scrape_before(ms), run.track.metric)

    def count(self, sums: Sums, out: Outcome) -> None:
        """Join the steps of one target into records, a minute each. One in which the gateway's
        version changed is two: a version says what its counts include."""
        joiner, target, stretch = sums.joiner, sums.target, sums.stretch
        buckets: dict[tuple[int, int, str], list[Step]] = {}
        for step in sums.steps:
            minute = step.ms if step.since else -(-step.ms // MINUTE_MS) * MINUTE_MS
            key = (minute, step.since, stretch.version_at(step.ms))
            buckets.setdefault(key, []).append(step)
        if not buckets and joiner.waiting and stretch.scrapes:
            last = stretch.scrapes[-1]
            buckets[last, 0, stretch.version_at(last)] = []
        in_time = sorted(
            (max((step.ms for step in found), default=key[0]), key, found)
            for key, found in buckets.items()
        )
        for last, (end, since, version), found in in_time[:: -1 if sums.newest_first else 1]:
            # A cost may show one scrape after its tokens.
            after = stretch.scrape_after(last) or last + (LONG_MS if sums.newest_first else 0)
            joined = joiner.join(
                _increments(found),
                lambda _: True,
                partial(target.is_priced, until_ms=after),
                version,
                (since or end - MINUTE_MS) * MS_NS,
                last * MS_NS,
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


def lowest_of(stretch: Stretch, above: Above, shown: levels.Values) -> Above:
    """The oldest scrape of `stretch`, or what was known above it. `shown`: its gauges."""
    return Above(
        stretch.scrapes[0] if stretch.scrapes else above.scrape,
        *(stretch.starts[0] if stretch.starts else (above.start_ms, above.start)),
        stretch.versions[0][1] if stretch.versions else above.version,
        shown,
    )


def _increments(found: Iterable[Step]) -> list[Increment]:
    increments = []
    for step in found:
        places = step.track.series.placements
        if step.mask != ALL:
            places = tuple(p for bit, p in enumerate(places) if step.mask >> bit & 1)
        increments.append(Increment(places, step.delta, step.known, step.lost, step.estimated))
    return increments
