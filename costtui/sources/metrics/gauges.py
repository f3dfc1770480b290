"""Gauges that cost money while they stand: value × price = USD an hour, summed over time.

A counter says what was used; a gauge says what is being used now, so its money is the area below
it. Between two good scrapes that follow one another the area is taken as a trapezium: the mean of
both values × the seconds between them. That is an estimate and every record says so. Where two
good scrapes are too far apart nothing is guessed: the interval counts nothing and is a lower bound.

The last value of each gauge is a checkpoint part (`g:` + key); its time is the last good scrape
of the target, which stands in the same checkpoint. So a restart neither loses nor doubles: the
interval in which costtui was away is integrated when it was short, and a gap when it was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from costtui.model.money import NANO
from costtui.sources.metrics.joining import Increment
from costtui.sources.metrics.mapping import GAUGE, Series

LEAST_GAP = 300.0
"""Seconds that are bridged at any interval: a deployment or a short outage of the network."""

GAP_INTERVALS = 2.5
"""Polls that may be missing before the time between is a gap: one that failed, and some jitter."""

MOST_AN_HOUR = 1_000_000
"""USD an hour of one gauge that are believed: a broken exporter must not spend a fortune."""

_HOUR_MS = 3_600_000


class Level(NamedTuple):
    """What one gauge showed."""

    series: Series
    value: str
    """As on the page, or its share of the thing that it stands for."""


def integrate(series: Series, before: str, now: str, seconds: float) -> int:
    """nano-USD of `seconds` during which the gauge went from `before` to `now`; 0 where the clock
    went back. `series.factor` is USD an hour for 1. Rounded half-even once."""
    milliseconds = round(seconds * 1000)
    if milliseconds <= 0 or series.factor is None:
        return 0
    mean = (Decimal(before) + Decimal(now)) / 2
    return round(mean * series.factor * NANO * milliseconds / _HOUR_MS)


def level_text(series: Series, number: str) -> str:
    """The value of a gauge as it is kept. Raises ValueError for one that cannot be true."""
    value = Decimal(number)
    if value.adjusted() > 30 or value * (series.factor or 0) > MOST_AN_HOUR:
        raise ValueError(f"more than {MOST_AN_HOUR:,} USD an hour")
    return number


def longest_gap(interval: float) -> float:
    """Seconds between two good scrapes over which a gauge is still integrated."""
    return max(GAP_INTERVALS * interval, LEAST_GAP)


def levels(items: Iterable[tuple[Series, str]]) -> dict[str, Level]:
    """What each gauge is worth, by key. Series that say only that a thing is there (`presence`)
    are worth 1 together: a server with four engines is one server, and where two models stand on
    its page each has half of it."""
    found: dict[str, Level] = {}
    present: dict[int, list[Series]] = {}
    for series, number in items:
        if not series.presence:
            found[series.key] = Level(series, number)
        elif series.key not in found:
            found[series.key] = Level(series, "1")
            present.setdefault(series.placements[0].rule, []).append(series)
    for sharing in present.values():
        share = str(Decimal(1) / len(sharing))
        found.update((series.key, Level(series, share)) for series in sharing)
    return found


@dataclass(slots=True)
class Areas:
    """What one good scrape adds. Nothing counts until it is committed."""

    shown: Mapping[str, Level]
    increments: list[Increment] = field(default_factory=list)
    parts: dict[str, str | None] = field(default_factory=dict)
    """The checkpoint parts that change."""


class Gauges:
    """The last value of every gauge of one target."""

    def __init__(self, interval: float) -> None:
        """`interval`: seconds between two polls."""
        self._longest = longest_gap(interval)
        self._values: dict[str, str] = {}
        self._shown: Mapping[str, Level] = {}

    def restore(self, checkpoint: Mapping[str, str]) -> None:
        """Forget everything and go on from `checkpoint`."""
        self._values = {part: text for part, text in checkpoint.items() if part.startswith(GAUGE)}
        self._shown = {}

    def advance(self, shown: Mapping[str, Level] | None, good: float, now: float) -> Areas:
        """`shown`: the gauges of this page; None says that the page is the last committed one
        again. `good`: when the last good scrape was, epoch seconds; 0 for none.

        A gauge that is on the page for the first time counts nothing, and so does one that came
        back: while it was away the target said, on a good page, that it was not there.
        """
        if shown is None:
            shown = self._shown
        result = Areas(shown)
        seconds = now - good
        for key, (series, value) in shown.items():
            before = _number(self._values.get(key))
            if before is None or not good:
                pass
            elif seconds > self._longest:
                result.increments.append(Increment(series.placements, 0, True, True, True))
            else:
                nano = integrate(series, before, value, seconds)
                result.increments.append(Increment(series.placements, nano, True, False, True))
            if self._values.get(key) != value:
                result.parts[key] = value
        result.parts.update((key, None) for key in self._values if key not in shown)
        return result

    def commit(self, areas: Areas) -> None:
        """The batch of `areas` is yielded: memory follows."""
        self._values = {key: level.value for key, level in areas.shown.items()}
        self._shown = areas.shown


def _number(text: str | None) -> str | None:
    """A stored value; None for none, or for one that was not written by us."""
    try:
        return text if text is not None and Decimal(text).is_finite() else None
    except ArithmeticError:
        return None
