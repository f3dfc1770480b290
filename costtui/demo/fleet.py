"""The simulated fleet: three metrics pages and one log, moved by a given clock.

`advance(to)` makes all traffic up to a moment, in order and from seeded dice, without threads or
waiting: an hour takes about a second. What is made does not depend on the size of the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from costtui.demo.agentgateway import Agentgateway
from costtui.demo.gateway import Gateway
from costtui.demo.kong import Kong
from costtui.demo.people import EU_ROUTES, KONG_ROUTES, PROXY_ROUTES, US_ROUTES, Route
from costtui.demo.proxylog import ProxyLog
from costtui.demo.rhythm import Rhythm, Script
from costtui.demo.truth import Truth

DAY = 86_400

PER_SECOND = {
    "kong": 0.40,
    "agentgateway-eu": 0.25,
    "agentgateway-us": 0.25,
    "llm-proxy": 0.08,
}
"""Mean requests per second of each gateway at `rate` 1."""

WORKING_DAY_SHIFT = {"agentgateway-us": 7}


class Fleet:
    """All gateways, their traffic and their truth.

    `start` is epoch seconds. `speed` is how many simulated seconds of rhythm, script and traffic
    go into one second of the clock; `rate` multiplies the traffic alone (history excepted).
    `days` is the history before `start`. Time stamps are always those of the given clock.
    """

    def __init__(
        self,
        directory: Path,
        *,
        start: float,
        seed: int = 1,
        speed: float = 1.0,
        rate: float = 1.0,
        days: int = 30,
        script: Script | None = None,
    ) -> None:
        if speed <= 0 or rate <= 0 or days < 0:
            raise ValueError("speed and rate must be positive, days must not be negative")
        self.directory = directory
        self.seed = seed
        self.start = int(start)
        self.now = self.start
        """Everything before this second has happened."""
        self.speed = speed
        self.rate = rate
        self.days = days
        self.script = script
        logs = directory / "llm-proxy"
        logs.mkdir(parents=True, exist_ok=True)
        self.kong = Kong("kong", KONG_ROUTES, self._rhythm("kong", KONG_ROUTES), seed)
        self.eu = self._agentgateway("agentgateway-eu", EU_ROUTES)
        self.us = self._agentgateway("agentgateway-us", US_ROUTES)
        self.proxy = ProxyLog(logs, self._rhythm("llm-proxy", PROXY_ROUTES), seed)

    @property
    def gateways(self) -> dict[str, Gateway]:
        """The scraped gateways by name."""
        return {g.name: g for g in (self.kong, self.eu, self.us)}

    @property
    def services(self) -> dict[str, dict[str, str]]:
        """`Gateway.services` by gateway, for `configfile.write_config`."""
        return {name: gateway.services for name, gateway in self.gateways.items()}

    @property
    def history_start(self) -> int:
        return self.start - self.days * DAY

    def _rhythm(self, name: str, routes: Sequence[Route]) -> Rhythm:
        return Rhythm(
            self.seed,
            name,
            PER_SECOND[name],
            [route.weight for route in routes],
            self.start,
            WORKING_DAY_SHIFT.get(name, 0),
            self.script,
        )

    def _agentgateway(self, name: str, routes: Sequence[Route]) -> Agentgateway:
        return Agentgateway(name, routes, self._rhythm(name, routes), self.seed)

    def advance(self, to: float) -> int:
        """Make all traffic of the whole seconds before `to`. Returns the number of requests.

        The log is written when it returns. A moment in the past does nothing.
        """
        end = int(to)
        count = 0
        factor = self.speed * self.rate
        metered = tuple(self.gateways.values())
        while self.now < end:
            second = self.now
            since = (second - self.start) * self.speed
            if self.script is not None:
                self._follow(self.script, second, since)
            simulated = self.start + since
            for gateway in metered:
                count += gateway.tick(second, simulated, factor)
            count += self.proxy.tick(second, simulated, factor)
            self.now = second + 1
        self.proxy.flush()
        return count

    def _follow(self, script: Script, second: int, since: float) -> None:
        before = since - self.speed
        if script.due(script.rename_at, before, since):
            self.proxy.rotate(second, "rename")
        if script.due(script.copytruncate_at, before, since):
            self.proxy.rotate(second, "copytruncate")
        if script.due(script.restart_at, before, since):
            self.restart(script.restarts)

    def page(self, name: str) -> str:
        """One scrape of a gateway. Raises `GatewayDownError` while it restarts."""
        return self.gateways[name].page()

    def restart(self, name: str, *, graceful: bool = True) -> None:
        """Restart a gateway: see `Gateway.restart`."""
        self.gateways[name].restart(self.now, graceful=graceful)

    def rotate(self, how: str = "rename") -> Path | None:
        """Rotate the log: see `ProxyLog.rotate`."""
        return self.proxy.rotate(self.now, how)

    def hold(self) -> None:
        """Let each scraped gateway take its first request only after its first scrape."""
        for gateway in self.gateways.values():
            gateway.hold()

    def truth(self) -> Truth:
        """What was spent since the start (for the days before: `history.history_truth`)."""
        truth = self.proxy.truth()
        for gateway in self.gateways.values():
            truth.add(gateway.truth)
        return truth

    def close(self) -> None:
        """Close the log. May be called twice."""
        self.proxy.close()
