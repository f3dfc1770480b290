"""When rules and budgets would have fired over the stored history, with other limits, too.

The same measures (`alerts.measures`) and states (`alerts.machine`) as live, over `store.replay`,
with a clock of its own that moves by whole minutes. A window ends with the minute that is running,
so in every minute there is one look, at its end, when it holds all of it. What is found is true to
the minute: live, an alert fires at some second of that minute.

A rule is looked at once for all of its limits, and the states of each limit follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Final, NamedTuple

from costtui.alerts.look import Key, Look, Seen
from costtui.alerts.machine import Instance, step
from costtui.alerts.measures import MEASURED, WEEKS, names_of
from costtui.alerts.watches import BUDGET_FORECAST, BUDGET_STEP, Watch
from costtui.config.alert_schema import ROLLING
from costtui.engine.outlooks import Outlooks
from costtui.errors import UsageError
from costtui.model.alert import Labels
from costtui.model.timewindow import DAY, HOUR, MINUTE
from costtui.store.replay import Replay, ReplayReader

_ANY: Final = -1
"""A limit that everything is above."""
_NEVER: Final = 2**62
_PERIOD: Final = {"day": 2 * DAY, "week": 8 * DAY, "month": 32 * DAY}
"""How far back a period can begin."""
LIVE_ONLY: Final = {
    "difference_over": "what reconciling sources had read at each moment is not kept",
}
"""Measures that cannot be looked at in the past, and why."""


class Episode(NamedTuple):
    """One firing. Times are the beginning of a minute, epoch seconds."""

    labels: Labels
    fired_at: int
    ended_at: int
    """0: it fires still."""
    peak: int
    """The highest value while it fired, in the unit of the watch."""
    since: int = 0
    """Where what was looked for begins: it may have fired before."""

    def seconds(self, until: int) -> int:
        """How long it fired in what was looked for."""
        return (self.ended_at or until) - max(self.fired_at, self.since)


@dataclass(slots=True)
class Trial:
    """One watch with one limit, and what came of it."""

    watch: Watch
    setting: str = ""
    """What was set, as it was written; "" for the rule as it is."""
    episodes: list[Episode] = field(default_factory=list)
    judged_from: int = 0
    """Since when it could be looked at, epoch seconds; 0 for never."""
    why_not: str = ""
    _instances: dict[Key, Instance] = field(default_factory=dict)
    _peaks: dict[Key, int] = field(default_factory=dict)

    def seconds(self, until: int) -> int:
        """How long it fired in all, label sets added up."""
        return sum(e.seconds(until) for e in self.episodes)

    def take(
        self,
        measured: Mapping[Key, Seen],
        unknown: frozenset[Key],
        now: int,
        passed: float,
        suffix: Labels,
    ) -> None:
        """One look: `now` is the beginning of the minute."""
        watch = self.watch
        limit = watch.limit
        if watch.measure == BUDGET_STEP:
            active = {key for key, one in measured.items() if one.value >= limit}
        else:
            active = {key for key, one in measured.items() if one.over and one.value > limit}
        before = self._instances
        if not active and not before and not (unknown and watch.timing.no_data == "alert"):
            return
        after = step(watch.timing, before, active, now, unknown, passed)
        for key in {*before, *after}:
            was, became = before.get(key), after.get(key)
            fires = became is not None and became.state == "firing"
            if fires:
                value = measured[key].value if key in measured else 0
                self._peaks[key] = max(value, self._peaks.get(key, 0))
            elif was is not None and was.state == "firing":
                self._end(key, int(was.fired_at), now, suffix)
        self._instances = after

    def _end(self, key: Key, fired_at: int, ended_at: int, suffix: Labels) -> None:
        labels = (*zip(names_of(self.watch), key, strict=True), *suffix)
        self.episodes.append(Episode(labels, fired_at, ended_at, self._peaks.pop(key, 0)))

    def close(self, suffix: Labels) -> None:
        """What still fires is told as it is."""
        for key, one in self._instances.items():
            if one.state == "firing":
                self._end(key, int(one.fired_at), 0, suffix)
        self._instances = {}
        self.episodes.sort(key=lambda e: (e.fired_at, e.labels))


class Stretch(NamedTuple):
    """What was looked at."""

    since: int
    until: int
    minutes_from: int
    """From here on each minute was looked at."""
    hours_from: int
    """From here to there each hour."""
    looks: int


@dataclass(slots=True)
class _Subject:
    """One thing that is measured, for all trials that differ in limits and times only."""

    watch: Watch
    trials: list[Trial]
    measured: Mapping[Key, Seen] = field(default_factory=dict)
    unknown: frozenset[Key] = frozenset()


def backtest(
    reader: ReplayReader,
    trials: Sequence[Trial],
    since: int,
    until: int,
    zone: tzinfo,
    sources: frozenset[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Stretch:
    """Fill in the episodes of `trials` in `[since, until)`, epoch seconds in whole minutes. A rule
    that was over its limit before begins as it would have been. Raises a `StoreError`."""
    warm = max((int(t.watch.timing.hold + t.watch.timing.keep) for t in trials), default=0)
    start = since - warm - warm % MINUTE - HOUR
    with reader.replaying(_lowest(trials, start), until) as sight:
        first = sight.earliest()
        if not first:
            return Stretch(since, until, until, until, 0)
        minutes, hours = sight.finest_from
        start = max(start, first - first % HOUR, hours)
        subjects = _subjects(trials)
        looks, before = 0, 0
        for now, grain in _moments(start, until, minutes):
            _look(sight, subjects, now, grain, zone, sources, now - before if before else 0)
            before = now
            looks += 1
            if progress is not None and not looks % 720:
                progress((now - start) / max(1, until - start))
        for trial in trials:
            trial.close(trial.watch.suffix)
            trial.episodes = [
                e._replace(since=since)
                for e in trial.episodes
                if not e.ended_at or e.ended_at > since
            ]
    begun = max(since, first - first % MINUTE)
    return Stretch(since, until, max(begun, minutes), max(begun, hours), looks)


def _moments(start: int, until: int, minutes_from: int) -> Iterable[tuple[int, int]]:
    """(the beginning of what is looked at, how long it is)."""
    coarse = min(max(start, minutes_from), until)
    for at in range(start - start % HOUR, coarse - HOUR + 1, HOUR):
        yield at, HOUR
    for at in range(max(start, coarse), until, MINUTE):
        yield at, MINUTE


def _lowest(trials: Iterable[Trial], start: int) -> int:
    """The earliest moment that one of them looks back to."""
    low = start
    for trial in trials:
        watch, budget = trial.watch, trial.watch.budget
        back = watch.window
        if watch.measure == "spike_over":
            back += WEEKS * 7 * DAY + HOUR
        if budget is not None:
            back = max(back, budget.seconds, _PERIOD.get(budget.period, 0), budget.burn_window)
            if watch.measure == BUDGET_FORECAST:
                back = max(back, 7 * DAY)
        low = min(low, start - back)
    return low - low % HOUR


def _subjects(trials: Iterable[Trial]) -> list[_Subject]:
    found: dict[tuple[object, ...], _Subject] = {}
    for trial in trials:
        watch = trial.watch
        why = LIVE_ONLY.get(watch.measure)
        if why:
            trial.why_not = why
            continue
        rule, budget = watch.rule, watch.budget
        same: tuple[object, ...] = (watch.measure, watch.window, watch.by, watch.where)
        same += (watch.timing.no_data,)
        if rule is not None:
            same += (rule.per, rule.min_cost_nano, rule.min_requests)
        if budget is not None:
            same += (budget.limit_nano, budget.period, budget.seconds)
            same += (budget.burn_window, budget.burn_short_window)
        base = replace(watch, limit=_NEVER if watch.measure == BUDGET_STEP else _ANY)
        found.setdefault(same, _Subject(base, [])).trials.append(trial)
    return list(found.values())


def _look(
    sight: Replay,
    subjects: Sequence[_Subject],
    now: int,
    grain: int,
    zone: tzinfo,
    sources: frozenset[str] | None,
    passed: int,
) -> None:
    minutes, _ = sight.finest_from
    # The last second of it: then a window ends where it does.
    moment = now + grain - 1
    sight.at = float(moment)
    forecast = Outlooks(sight, moment, zone)
    look = Look(sight, moment, zone, sources, float(now), forecast)
    hour = moment // HOUR != (moment + 1) // HOUR
    for subject in subjects:
        watch = subject.watch
        if _too_short(watch, grain) or _between_hours(watch, now + grain, minutes):
            continue
        # The forecast knows whole hours; between them only what is spent since grows.
        if watch.measure != BUDGET_FORECAST or hour or not subject.trials[0].judged_from:
            try:
                terms = MEASURED[watch.measure](look, watch)
            except UsageError as error:
                for trial in subject.trials:
                    trial.why_not = str(error)
                continue
            judged = ((key, terms.judge(key, one)) for key, one in terms.of.items())
            subject.measured = {key: seen for key, seen in judged if seen is not None}
            subject.unknown = terms.unknown
        for trial in subject.trials:
            trial.judged_from = trial.judged_from or now
            trial.take(subject.measured, subject.unknown, now, passed, trial.watch.suffix)


def _too_short(watch: Watch, grain: int) -> bool:
    """A window that is no whole number of what is kept says nothing."""
    if grain == MINUTE:
        return False
    if watch.measure == "source_down_for":
        return True
    budget = watch.budget
    windows = [watch.window]
    if budget is not None:
        windows = [budget.seconds] if budget.period == ROLLING else []
        if watch.measure not in (BUDGET_STEP, BUDGET_FORECAST):
            windows = [budget.burn_window, budget.burn_short_window]
    if watch.measure == "silent_for":
        windows.append(watch.limit)
    return any(window % grain for window in windows)


def _between_hours(watch: Watch, end: int, minutes_from: int) -> bool:
    """Does the window begin within an hour of which no minutes are kept? The store would take all
    of that hour, and say too much."""
    budget = watch.budget
    length = watch.window
    if budget is not None and watch.measure in (BUDGET_STEP, BUDGET_FORECAST):
        length = budget.seconds  # 0 for the calendar's, which begin with an hour
    start = end - length
    return bool(length) and start < minutes_from and bool(start % HOUR)
