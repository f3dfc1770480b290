"""A simulated gateway with a metrics page: its traffic, its counters' life, its truth.

What is counted and how it is printed belongs to the subclasses, one a product.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import Enum

from costtui.demo.people import Route
from costtui.demo.rhythm import Intensity, Rhythm, poisson
from costtui.demo.sizes import CONSUMER_TABLE, token_sizes
from costtui.demo.truth import Amounts, Cell, Truth

TICK = 1
"""Seconds of the given clock that are simulated in one go. Fixed, so that the traffic does not
depend on how the clock is stepped."""

DRAIN_SCRAPES = 2
"""Scrapes to be seen after the last request before a graceful restart. The second one proves
that the first was kept: a poller asks again only once its last batch is durable."""

DOWN_TICKS = 3
"""How long a restarting gateway answers nobody."""


class GatewayDownError(Exception):
    """The gateway is restarting and answers nobody."""


class Phase(Enum):
    HELD = "held"
    """Waits for the first scrape: a baseline swallows what came before it, by design."""
    RUNNING = "running"
    DRAINING = "draining"
    DOWN = "down"


class Request:
    """One successful request, reused for every call: an allocation each was 20 % of the time."""

    __slots__ = ("cache_read", "cache_write", "consumer", "latency_ms", "output", "plain")

    def __init__(self) -> None:
        self.consumer = self.plain = self.cache_read = self.cache_write = 0
        self.output = self.latency_ms = 0


class Gateway:
    """Base of the gateways that are scraped."""

    def __init__(self, name: str, routes: Sequence[Route], rhythm: Rhythm, seed: int) -> None:
        self.name = name
        self.routes = tuple(routes)
        self.rhythm = rhythm
        self.phase = Phase.RUNNING
        self.truth = Truth()
        self.swallowed = Truth()
        """What an ungraceful restart took before anybody had scraped it."""
        self.scrapes = 0
        self.restarts = 0
        self._seen = Truth()
        self._drain_scrapes = 0
        self._down_until = 0
        self._rng = random.Random(f"{seed}/{name}/live")
        tables = random.Random(f"{seed}/{name}/sizes")
        self._sizes = [
            (token_sizes(tables, r.mean_input), token_sizes(tables, r.mean_output))
            for r in self.routes
        ]
        self._cells = [self.truth.cell(self.cell(route)) for route in self.routes]

    # -- what a product does its own way

    def cell(self, route: Route) -> Cell:
        """Where costtui sees the successful requests of `route`."""
        return Cell(self.shown_provider(route.provider), route.model, "", self.name)

    def failure_cell(self, route: Route, consumer: int) -> Cell:
        """Where costtui sees a failed request, with the `services:` that the demo configures."""
        raise NotImplementedError

    def shown_provider(self, provider: str) -> str:
        """The provider as the page calls it, which is how costtui shows it."""
        return provider

    def endpoint(self, cell: Cell) -> str:
        """The endpoint that costtui sees for the usage of `cell`."""
        raise NotImplementedError

    @property
    def services(self) -> dict[str, str]:
        """What the failures are labelled with → the provider that `services:` maps it to."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget every counter."""
        raise NotImplementedError

    def count(self, route: int, requests: int, request: Request) -> None:
        """Move the counters by `requests` requests that add up to `request`."""
        raise NotImplementedError

    def count_failure(self, route: int, consumer: int, status: int, requests: int = 1) -> None:
        raise NotImplementedError

    def render(self) -> str:
        """The page as it stands."""
        raise NotImplementedError

    # -- traffic

    def tick(self, second: int, simulated: float, factor: float) -> int:
        """The traffic of one second; `factor` multiplies it. Returns the number of requests."""
        if self.phase is not Phase.RUNNING:
            self._wait(second)
        live = self.phase is Phase.RUNNING
        intensity = self.rhythm.at(simulated)
        draw = self._rng
        total = 0
        request = Request()
        for index, rate in enumerate(intensity.routes):
            wanted = poisson(draw, rate * factor)
            for _ in range(wanted):
                dice = draw.getrandbits(64)
                # Drawn even when dropped: later traffic must not depend on who scraped when.
                if live:
                    self._one(index, dice, intensity, request)
            total += wanted
        return total if live else 0

    def _one(self, index: int, dice: int, intensity: Intensity, request: Request) -> None:
        route = self.routes[index]
        consumer = CONSUMER_TABLE[dice & 255]
        luck = (dice >> 44) / (1 << 20)
        if luck < intensity.throttled + intensity.failing:
            throttled = luck < intensity.throttled
            amounts = self.truth.cell(self.failure_cell(route, consumer))
            amounts.requests += 1
            if throttled:
                amounts.throttled += 1
            else:
                amounts.errors += 1
            status = 429 if throttled else (500, 502, 503, 503)[(dice >> 8) & 3]
            self.count_failure(index, consumer, status)
            return
        inputs, outputs = self._sizes[index]
        tokens = inputs[(dice >> 8) & 1023]
        jitter = (dice >> 28) & 255
        read = min(tokens, int(tokens * route.cache_read * jitter / 128))
        write = min(tokens - read, int(tokens * route.cache_write * (255 - jitter) / 128))
        request.consumer = consumer
        request.plain = tokens - read - write
        request.cache_read = read
        request.cache_write = write
        request.output = outputs[(dice >> 18) & 1023]
        request.latency_ms = 180 + request.output * (4 + (dice >> 36 & 7))
        self.book(self._cells[index], route, 1, request)
        self.count(index, 1, request)

    @staticmethod
    def book(amounts: Amounts, route: Route, requests: int, request: Request) -> int:
        """Add `requests` requests that sum to `request`. Returns what they cost, nano-USD."""
        amounts.requests += requests
        amounts.input += request.plain
        amounts.cache_read += request.cache_read
        amounts.cache_write += request.cache_write
        amounts.output += request.output
        cost = price(route, request)
        if cost is None:
            amounts.unpriced_requests += requests
            amounts.unpriced_tokens += (
                request.plain + request.cache_read + request.cache_write + request.output
            )
            return 0
        amounts.effective_nano += cost
        return cost

    # -- scrapes and restarts

    def page(self) -> str:
        """A scrape. Raises `GatewayDownError` during a restart."""
        if self.phase is Phase.DOWN:
            raise GatewayDownError(self.name)
        self.scrapes += 1
        if self.phase is Phase.HELD:
            self.phase = Phase.RUNNING
        elif self.phase is Phase.DRAINING:
            self._drain_scrapes += 1
        self._seen = self.truth.copy()
        return self.render()

    def hold(self) -> None:
        """Take no traffic before the first scrape."""
        if not self.scrapes:
            self.phase = Phase.HELD

    def restart(self, second: int, *, graceful: bool = True) -> None:
        """All counters to zero. Gracefully: traffic stops first and the counters go only when
        they have been scraped; otherwise at once, with what nobody had scraped `swallowed`."""
        if self.phase is not Phase.RUNNING:
            return
        if graceful:
            self.phase = Phase.DRAINING
            self._drain_scrapes = 0
            return
        lost = self.truth.copy()
        lost.add(self._seen, -1)
        self.swallowed.add(lost)
        self._go_down(second)

    def _wait(self, second: int) -> None:
        if self.phase is Phase.DRAINING and self._drain_scrapes >= DRAIN_SCRAPES:
            self._go_down(second)
        elif self.phase is Phase.DOWN and second >= self._down_until:
            self.phase = Phase.RUNNING

    def _go_down(self, second: int) -> None:
        self.reset()
        self.restarts += 1
        self._seen = self.truth.copy()
        self.phase = Phase.DOWN
        self._down_until = second + DOWN_TICKS * TICK


def price(route: Route, request: Request) -> int | None:
    """nano-USD of what `request` holds, None when nobody has a rate."""
    rates = route.rates
    if rates is None:
        return None
    return (
        request.plain * rates.input
        + request.cache_read * rates.cache_read
        + request.cache_write * rates.cache_write
        + request.output * rates.output
    )
