"""How much traffic there is at a moment: days, weeks, growth, spikes, and the demo's script.

A pure function of the seed, the gateway and the simulated time, so that history and live traffic
are one curve and any piece of it can be made again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

DAY = 86_400
BLOCK = 6 * 3600
"""Seconds of a stretch that may hold one spike."""
GRANULE = 60
"""Simulated seconds within which the intensity is taken as constant."""


@dataclass(frozen=True, slots=True)
class Script:
    """What happens on purpose, in simulated seconds after the start, again every `period`.

    The windows are whole minutes, because the intensity is looked up once a minute.
    """

    period: int = 900
    spike: tuple[int, int] = (60, 180)
    """Kong's traffic to one model, five times as much."""
    throttled: tuple[int, int] = (120, 180)
    """A burst of 429."""
    failing: tuple[int, int] = (420, 480)
    """A provider answers 5xx."""
    rename_at: int = 150
    copytruncate_at: int = 600
    restart_at: int = 270
    restarts: str = "agentgateway-us"

    def within(self, window: tuple[int, int], since_start: float) -> bool:
        return since_start >= 0 and window[0] <= since_start % self.period < window[1]

    def due(self, moment: int, before: float, until: float) -> bool:
        """Does `moment` of some period lie in `(before, until]` seconds after the start?"""
        if until < moment:
            return False
        latest = moment + (until - moment) // self.period * self.period
        return latest > before


@dataclass(frozen=True, slots=True)
class Intensity:
    """Requests per second of each route, and the share of failed ones."""

    routes: tuple[float, ...]
    throttled: float = 0.004
    failing: float = 0.003


@dataclass(slots=True)
class Rhythm:
    """The intensity of one gateway over simulated time."""

    seed: int
    gateway: str
    per_second: float
    """Mean requests per second over a week."""
    weights: Sequence[float]
    start: float
    """Epoch seconds: when the script begins and the growth is 1."""
    shift: int = 0
    """Hours that this gateway's working day lies later than in UTC."""
    script: Script | None = None
    _granule: int = -1
    _last: Intensity = field(default=Intensity(()))

    def at(self, moment: float) -> Intensity:
        """The intensity at simulated epoch second `moment`."""
        granule = int(moment // GRANULE)
        if granule != self._granule:
            self._granule = granule
            self._last = self._compute(granule * GRANULE)
        return self._last

    def _compute(self, moment: float) -> Intensity:
        level = self.per_second * self._working_day(moment) * self._growth(moment)
        rates = [level * weight for weight in self.weights]
        spike = self._spike(moment)
        if spike is not None:
            rates[spike[0]] *= spike[1]
        throttled, failing = 0.004, 0.003
        if self.script is not None:
            since = moment - self.start
            if self.gateway == "kong" and self.script.within(self.script.spike, since):
                rates[0] *= 5
            if self.gateway == "kong" and self.script.within(self.script.throttled, since):
                throttled = 0.3
            if self.gateway == "agentgateway-eu" and self.script.within(self.script.failing, since):
                failing = 0.25
        return Intensity(tuple(rates), throttled, failing)

    def _working_day(self, moment: float) -> float:
        local = moment - self.shift * 3600
        hour = local % DAY / 3600
        weekend = (int(local // DAY) + 4) % 7 in (0, 6)  # 1970-01-01 was a Thursday
        busy = math.exp(-(((hour - 10.5) / 2.4) ** 2)) + math.exp(-(((hour - 15.5) / 2.6) ** 2))
        return (0.35 + (0.45 if weekend else 2.1) * busy) * 0.95

    def _growth(self, moment: float) -> float:
        days = (moment - self.start) / DAY
        return max(0.5, min(1.5, 1 + 0.008 * days))

    def _spike(self, moment: float) -> tuple[int, float] | None:
        """(route, factor) while a spike runs: about one block in seven has one."""
        block, within = divmod(int(moment), BLOCK)
        dice = crc32(f"{self.seed}/{self.gateway}/{block}".encode())
        if dice % 7:
            return None
        begin = (dice >> 4) % (BLOCK - 3600)
        length = 1200 + (dice >> 9) % 1800
        if not begin <= within < begin + length:
            return None
        return (dice >> 13) % len(self.weights), 3.0 + (dice >> 18) % 4


def poisson(rng: random.Random, mean: float) -> int:
    """How many events of `mean` expected ones happen."""
    if mean > 25:  # the normal distribution is within a few percent and costs one draw
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit = math.exp(-mean)
    count, product = 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
