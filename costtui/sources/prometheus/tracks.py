"""What a server's series are: which target each came from, and what its numbers mean.

A target is what Prometheus scraped: one process of one gateway. Its counters live and die with it,
and all samples of one scrape have the same time, so a target's series at one time are what its
page said then. That is why the presets of pages serve here as they are.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Final

from costtui.model.dimension import Dimensions
from costtui.model.safetext import safe_name
from costtui.sources.metrics.joining import Joiner
from costtui.sources.metrics.mapping import COST, Mapper, Placement, Series
from costtui.sources.prometheus.api import Row
from costtui.sources.prometheus.numbers import Sample, floats, in_order, levels_of, samples_of

TARGET_LABELS: Final = "job", "instance", "cluster", "prometheus", "prometheus_replica", "replica"
"""Labels that tell one scraped process from another. Two Prometheus replicas that scrape one
gateway each give their own series and their own times, so a replica label makes another target."""

UP: Final = "up"
START: Final = "process_start_time_seconds"
BAD_EXAMPLES: Final = 5
NEVER_MS: Final = 1 << 62


@dataclass(slots=True, eq=False)
class Target:
    """One scraped process, over all its lives. Times are epoch milliseconds."""

    key: str
    labels: tuple[tuple[str, str], ...]
    joiner: Joiner
    first: int = 0
    """The earliest scrape in view; 0 before there is one."""
    good: int = 0
    """The latest scrape."""
    start: float = 0.0
    """`process_start_time_seconds` of the latest scrape, epoch seconds; 0 when it says none."""
    version: str = ""
    """The gateway's version at the latest scrape."""
    restarts: list[int] = field(default_factory=list)
    """First scrapes after a restart, in order."""
    priced: dict[Dimensions, int] = field(default_factory=dict)
    """Traffic with a cost series that says something, and since when."""
    covered: int = NEVER_MS
    """Since when it has a cost that pays for all of its traffic."""
    levels: dict[str, str] = field(default_factory=dict)
    """What each gauge was worth at the latest scrape."""

    @property
    def whole(self) -> bool:
        """Is it one process? Series without an instance could be of many."""
        return any(name == "instance" for name, _ in self.labels)

    def is_priced(self, dims: Dimensions, *, until_ms: int) -> bool:
        """Did it report by `until_ms` what `dims` cost? Gateways learn to with a new version."""
        return min(self.covered, self.priced.get(dims, NEVER_MS)) <= until_ms

    def dump(self) -> str:
        times = (self.first, self.good, self.start)
        rest = (self.version, self.restarts[-100:], self.levels)
        return json.dumps([self.labels, *times, *rest], separators=(",", ":"))


@dataclass(slots=True, eq=False)
class Track:
    """One series, understood."""

    key: str
    """Its checkpoint part, without prefix."""
    name: str
    metric: Mapping[str, str]
    """Its labels, as they may be stored: secrets are fingerprints."""
    series: Series
    target: Target
    choice: bool
    """Another metric may say the same: whether it counts is decided scrape by scrape."""


@dataclass(slots=True, eq=False)
class Run:
    """The samples of one series in a stretch, in time order."""

    track: Track
    samples: list[Sample]


@dataclass(slots=True, eq=False)
class GaugeRun:
    """The values of one gauge in a stretch, by time."""

    track: Track
    values: dict[int, str]


@dataclass(slots=True, eq=False)
class Stretch:
    """What one target said in a stretch of time."""

    target: Target
    runs: list[Run] = field(default_factory=list)
    gauges: list[GaugeRun] = field(default_factory=list)
    scrapes: list[int] = field(default_factory=list)
    """Times of good scrapes, in order."""
    starts: list[tuple[int, float]] = field(default_factory=list)
    versions: list[tuple[int, str]] = field(default_factory=list)
    present: dict[str, set[int]] = field(default_factory=dict)
    """Of metrics that other metrics give way to: the scrapes that had them."""
    born: dict[tuple[str, bytes], dict[int, float]] = field(default_factory=dict)
    """`_created` by pair and time."""

    def scrape_before(self, ms: int) -> int:
        """The latest scrape before `ms`; 0 when there is none here."""
        at = bisect_left(self.scrapes, ms)
        return self.scrapes[at - 1] if at else 0

    def scrape_after(self, ms: int) -> int:
        """The earliest scrape after `ms`; 0 when there is none here."""
        at = bisect_left(self.scrapes, ms + 1)
        return self.scrapes[at] if at < len(self.scrapes) else 0

    def version_at(self, ms: int) -> str:
        """The gateway's version at `ms` (the earliest known where `ms` is before it)."""
        found = self.versions[0][1] if self.versions else self.target.version
        for at, version in self.versions:
            if at > ms:
                break
            found = version
        return found


@dataclass(slots=True)
class Reading:
    """What one answer holds."""

    stretches: dict[str, Stretch]
    """By the target's key."""
    samples: int = 0
    newest: int = 0
    bad: list[tuple[str, str]] = field(default_factory=list)
    """(reason, series) of numbers that could not be read: a few examples."""
    bad_count: int = 0
    told_ms: int = 0
    """What could not be read up to here was told before."""

    def note_bad(self, track: Track, ms: int, reason: str) -> None:
        if ms <= self.told_ms:
            return
        self.bad_count += 1
        if len(self.bad) < BAD_EXAMPLES:
            self.bad.append((reason, json.dumps(dict(track.metric))))


class Tracks:
    """Every series ever seen, understood once."""

    def __init__(self, mapper: Mapper, *, hold: bool, count_lookups: bool) -> None:
        """`hold` and `count_lookups` are those of each target's `Joiner`."""
        self.mapper = mapper
        self._hold = hold
        self._count_lookups = count_lookups
        self.targets: dict[str, Target] = {}
        self._by_metric: dict[tuple[tuple[str, str], ...], Track] = {}
        self._by_key: dict[str, Track] = {}
        self._answered: set[str] = set()
        self._gauges: dict[str, dict[str, Track]] = {}
        self._of_metric: dict[tuple[str, str], dict[str, Track]] = {}
        self._open_labels: dict[str, set[str]] = {}
        rules = mapper.shape.metrics
        self._watched = {
            name for rule in rules if len(rule.names) > 1 or rule.unless for name in rule.names
        } | {name for rule in rules for name in rule.unless}

    def joiner(self, *, history: bool = False) -> Joiner:
        """A new joiner with this source's rules. History need not wait for a cost that comes one
        scrape later: it is read already."""
        return Joiner(
            self.mapper.inclusions,
            hold=self._hold and not history,
            count_lookups=self._count_lookups,
        )

    def target(self, labels: tuple[tuple[str, str], ...]) -> Target:
        """The target with `labels`, made when it is new."""
        key = _digest(json.dumps(labels).encode())
        found = self.targets.get(key)
        if found is None:
            found = self.targets[key] = Target(key, labels, self.joiner())
        return found

    def load_target(self, text: str) -> None:
        """Take up a target from its checkpoint. Raises ValueError or TypeError."""
        labels, first, good, start, version, restarts, levels = json.loads(text)
        target = self.target(tuple((str(k), str(v)) for k, v in labels))
        target.first, target.good, target.start = int(first), int(good), float(start)
        target.version = str(version)
        target.restarts = [int(ms) for ms in restarts]
        target.levels = {str(key): str(value) for key, value in dict(levels).items()}

    def forget(self) -> None:
        """Forget every target; what series mean stays known by asking again."""
        self.targets.clear()
        self._by_metric.clear()
        self._by_key.clear()
        self._answered.clear()
        self._gauges.clear()
        self._of_metric.clear()

    def of_metric(self, name: str, target: Target) -> Iterable[Track]:
        """The counters of a target's metric that were seen since the last start."""
        return self._of_metric.get((name, target.key), {}).values()

    def gauges(self, target: Target) -> Mapping[str, Track]:
        """The gauges of a target that were seen since the last start, by `Series.key`."""
        return self._gauges.get(target.key, {})

    def drop_target(self, target: Target) -> None:
        self.targets.pop(target.key, None)
        gone = {m: t for m, t in self._by_metric.items() if t.target is target}
        for metric, track in gone.items():
            del self._by_metric[metric]
            self._by_key.pop(track.key, None)
            self._answered.discard(track.key)
            self._of_metric.get((track.name, target.key), {}).pop(track.key, None)

    def track(self, metric: Mapping[str, str]) -> Track:
        """The track of a series."""
        identity = tuple(sorted(metric.items()))
        try:
            return self._by_metric[identity]
        except KeyError:
            found = self._understand(metric, identity)
            self._answered.add(found.key)
            return self._by_metric.setdefault(identity, found)

    def answered(self, key: str) -> bool:
        """Was the series `key` in an answer since the last start?"""
        return key in self._answered

    def of_head(self, key: str, metric: Mapping[str, str]) -> Track:
        """The track `key`, whose stored labels are `metric`. Where those hold fingerprints of
        secrets they do not lead to it."""
        found = self._by_key.get(key)
        return found or self._understand(metric, tuple(sorted(metric.items())), key)

    def _understand(
        self, metric: Mapping[str, str], identity: tuple[tuple[str, str], ...], key: str = ""
    ) -> Track:
        # Dots in names become underscores, as every translator of OpenTelemetry names writes them.
        name = metric.get("__name__", "").replace(".", "_")
        target = self.target(tuple((k, metric[k]) for k in TARGET_LABELS if metric.get(k)))
        labels = {k.replace(".", "_"): v for k, v in metric.items() if k != "__name__"}
        wire = name + json.dumps([p for p in identity if p[0] != "__name__"])
        raw = wire.encode("utf-8", "replace")
        key = key or _digest(self.mapper.identity(name, raw))
        if name == UP:
            series = Series(key, "up")
        else:
            series = self.mapper.series(name, labels, key, raw)
        choice = name in self._watched or any(place.whole for place in series.placements)
        shown = {k: v if self._open(name, k) else safe_name(v) for k, v in metric.items()}
        track = self._by_key[key] = Track(key, name, shown, series, target, choice)
        if series.role == "gauge":
            self._gauges.setdefault(target.key, {})[series.key] = track
        elif series.role == "counter":
            self._of_metric.setdefault((name, target.key), {})[key] = track
        return track

    def _open(self, name: str, label: str) -> bool:
        """Is what a label says shown as it is?"""
        found = self._open_labels.get(name)
        if found is None:
            shape = self.mapper.shape
            picks = [shape.dimensions, *(rule.dimensions or {} for rule in shape.metrics)]
            closed = {
                label for pick in picks if "consumer" in pick for label in pick["consumer"].labels
            }
            found = {"__name__", *TARGET_LABELS, *self.mapper.gateway_labels}
            found |= {*self.mapper.labels_of(name)} - closed
            self._open_labels[name] = found
        return label.replace(".", "_") in found

    def read(
        self, rows: Iterable[Row], after_ms: int, until_ms: int, *, told_ms: int = 0
    ) -> Reading:
        """Samples of `(after_ms, until_ms]`, by target; of those up to `told_ms` it is known
        which could not be read."""
        reading = Reading({}, told_ms=told_ms)
        inferred: dict[str, set[int]] = {}
        for row, track in self._once(rows):
            target = track.target
            stretch = reading.stretches.get(target.key)
            if stretch is None:
                stretch = reading.stretches[target.key] = Stretch(target)
            self._take(row, track, stretch, reading, inferred, after_ms, until_ms)
        for key, stretch in reading.stretches.items():
            if not stretch.scrapes:
                stretch.scrapes = sorted(inferred.get(key, ()))
            stretch.versions.sort()
            stretch.starts.sort()
            if stretch.scrapes:
                reading.newest = max(reading.newest, stretch.scrapes[-1])
        return reading

    def _once(self, rows: Iterable[Row]) -> Iterable[tuple[Row, Track]]:
        """Every wanted series once, also where its name is spelled with dots and without."""
        found: dict[str, tuple[Row, Track]] = {}
        for row in rows:
            track = self.track(row.metric)
            same = found.get(track.key)
            if same is not None:
                row = Row(row.metric, [*same[0].values, *row.values])
            found[track.key] = row, track
        return found.values()

    def _take(
        self,
        row: Row,
        track: Track,
        stretch: Stretch,
        reading: Reading,
        inferred: dict[str, set[int]],
        after: int,
        until: int,
    ) -> None:
        values = [(round(t * 1000), text) for t, text in row.values if 0 < t < 1e12]
        values = in_order([pair for pair in values if after < pair[0] <= until])
        if not values:
            return
        reading.samples += len(values)
        role = track.series.role
        if role == "up":
            stretch.scrapes = sorted({*stretch.scrapes, *(ms for ms, v in values if v != "0")})
            return
        inferred.setdefault(track.target.key, set()).update(ms for ms, _ in values)
        if track.choice or role == "marker":
            stretch.present.setdefault(track.name, set()).update(ms for ms, _ in values)
        for place in track.series.placements:
            if self.mapper.shape.metrics[place.rule].part_label and not place.whole:
                times = stretch.present.setdefault(part_of(place), set())
                times.update(ms for ms, _ in values)
        if role == "counter":
            samples = samples_of(track.series, values, partial(reading.note_bad, track))
            if samples:
                stretch.runs.append(Run(track, samples))
                self.note_price(track, samples)
        elif role == "gauge":
            bad = partial(reading.note_bad, track)
            levels = dict(levels_of(track.series, values, bad))
            if levels:
                stretch.gauges.append(GaugeRun(track, levels))
                self.note_price(track, [(min(levels), 1)])
        elif role == "start" and track.target.whole:
            stretch.starts += floats(values)
        elif role == "created":
            stretch.born.setdefault(track.series.pair, {}).update(floats(values))
        elif role == "version":
            stretch.versions += [(ms, track.series.version) for ms, _ in values]

    def note_price(self, track: Track, samples: list[Sample]) -> None:
        """Remember since when the traffic of a cost series is reported with its money."""
        shape, target = self.mapper.shape, track.target
        for place in track.series.placements:
            if COST not in place.fields:
                continue
            says = (ms for ms, value in samples if value or not shape.zero_cost_is_unknown)
            since = next(says, NEVER_MS)
            target.priced[place.dims] = min(since, target.priced.get(place.dims, NEVER_MS))
            if shape.metrics[place.rule].covers_page:
                target.covered = min(since, target.covered)


def part_of(place: Placement) -> str:
    """What `Stretch.present` calls the parts of a cost that may stand beside their sum."""
    return "\0".join((f"part {place.rule}", *place.dims))


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=8).hexdigest()
