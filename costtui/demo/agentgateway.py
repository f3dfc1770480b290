"""An agentgateway 1.4.1 stats page: an OpenMetrics body, labelled `text/plain` unless asked for.

In this version `input` holds the cached tokens for OpenAI and Gemini, and does not for Anthropic;
reasoning is part of `output`; failures are counted by backend and not by model.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from costtui.demo.gateway import Gateway, Request, price
from costtui.demo.people import Route
from costtui.demo.rhythm import Rhythm
from costtui.demo.truth import Cell

CONTENT_TYPE = "text/plain;charset=utf-8"
OPENMETRICS = "application/openmetrics-text;charset=utf-8;version=1.0.0"
"""What newer ones say where it is asked for. Prometheus needs it: its text parser knows no info."""
TOKEN_BOUNDS = tuple(4.0**power for power in range(14))
DURATION_BOUNDS = tuple(0.01 * 2**power for power in range(14))
KINDS = ("input", "output", "input_cache_read", "input_cache_write")

WIRE_PROVIDER = {"gemini": "gcp.gemini"}
"""What agentgateway calls a provider, where it is not the common name."""

ROUTE = "ai/chat"
_REASON = {200: "Upstream", 429: "RateLimit"}


class Histogram:
    """One series of a classic histogram."""

    __slots__ = ("bounds", "count", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.count = 0
        self.sum = 0.0

    def observe(self, total: float, count: int) -> None:
        self.counts[bisect_left(self.bounds, total / count)] += count
        self.count += count
        self.sum += total

    def lines(self, name: str, labels: str) -> list[str]:
        out = [f"{name}_sum{{{labels}}} {self.sum!r}", f"{name}_count{{{labels}}} {self.count}"]
        running = 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            running += count
            out.append(f'{name}_bucket{{le="{bound}",{labels}}} {running}')
        return out


def money(nano: int) -> str:
    """nano-USD as the shortest text of the nearest double, which keeps 15 digits.

    Raises ValueError where that is no longer every nano.
    """
    if nano >= 10**15:
        raise ValueError("a simulated counter is past $1,000,000: its nanos no longer show")
    return repr(nano / 1_000_000_000)


class Agentgateway(Gateway):
    """Counters of one agentgateway process."""

    def __init__(self, name: str, routes: Sequence[Route], rhythm: Rhythm, seed: int) -> None:
        super().__init__(name, routes, rhythm, seed)
        self._place = (
            f'bind="3000/ai/{name}",gateway="ai/{name}",listener="http",route="{ROUTE}",'
            'route_rule="unknown"'
        )
        self._labels = [
            f'gen_ai_operation_name="chat",gen_ai_system="{self.shown_provider(r.provider)}",'
            f'gen_ai_request_model="{r.model}",gen_ai_response_model="{r.model}",{self._place}'
            for r in self.routes
        ]
        self.reset()

    def shown_provider(self, provider: str) -> str:
        return WIRE_PROVIDER.get(provider, provider)

    def failure_cell(self, route: Route, _consumer: int) -> Cell:
        return Cell(self.shown_provider(route.provider), "", "", self.name)

    def endpoint(self, _cell: Cell) -> str:
        return ROUTE

    @property
    def services(self) -> dict[str, str]:
        return {_backend(r.provider): self.shown_provider(r.provider) for r in self.routes}

    def reset(self) -> None:
        count = len(self.routes)
        self._usage: list[dict[str, Histogram]] = [{} for _ in range(count)]
        self._nano = [0] * count
        self._lookups = [0] * count
        self._duration = [Histogram(DURATION_BOUNDS) for _ in range(count)]
        self._answers: dict[tuple[str, int], int] = {}

    def count(self, route: int, requests: int, request: Request) -> None:
        data = self.routes[route]
        usage = self._usage[route]
        listed = request.plain + (request.cache_read + request.cache_write) * data.inclusive
        for kind, tokens in zip(
            KINDS, (listed, request.output, request.cache_read, request.cache_write), strict=True
        ):
            # A request whose whole input came from a cache still has an input, of 0.
            if tokens or kind in ("input", "output"):
                found = usage.get(kind)
                if found is None:
                    found = usage[kind] = Histogram(TOKEN_BOUNDS)
                found.observe(tokens, requests)
        self._nano[route] += price(data, request) or 0
        self._lookups[route] += requests
        self._duration[route].observe(request.latency_ms / 1000, requests)
        self._answer(route, 200, requests)

    def count_failure(self, route: int, _consumer: int, status: int, requests: int = 1) -> None:
        self._answer(route, status, requests)

    def _answer(self, route: int, status: int, requests: int) -> None:
        key = (self.routes[route].provider, status)
        self._answers[key] = self._answers.get(key, 0) + requests

    def render(self) -> str:
        used = [at for at, lookups in enumerate(self._lookups) if lookups]
        usage, duration, cost, lookups = [], [], [], []
        for at in used:
            labels = self._labels[at]
            for kind, histogram in self._usage[at].items():
                usage += histogram.lines(
                    "agentgateway_gen_ai_client_token_usage",
                    f'gen_ai_token_type="{kind}",{labels}',
                )
            duration += self._duration[at].lines(
                "agentgateway_gen_ai_server_request_duration", labels
            )
            if self._nano[at]:
                cost.append(
                    f"agentgateway_gen_ai_client_cost_usd_total{{{labels}}} {money(self._nano[at])}"
                )
            status = "Exact" if self.routes[at].known else "Missing"
            lookups.append(
                f'agentgateway_cost_catalog_lookups_total{{status="{status}",{labels}}} '
                f"{self._lookups[at]}"
            )
        answers = [
            f'agentgateway_requests_total{{backend="{_backend(provider)}",protocol="llm",method="POST",'
            f'status="{status}",reason="{_REASON.get(status, "Upstream")}",{self._place}}} {value}'
            for (provider, status), value in self._answers.items()
        ]
        out = _family("agentgateway_build", "Agentgateway build information.", "info")
        out.append('agentgateway_build_info{tag="1.4.1"} 1')
        name = "agentgateway_gen_ai_client_token_usage"
        out += _family(name, "Number of tokens used per request.", "histogram") + usage
        name = "agentgateway_gen_ai_server_request_duration"
        out += _family(name, "Duration of generative AI requests.", "histogram") + duration
        name = "agentgateway_gen_ai_client_cost_usd"
        out += _family(name, "Cumulative USD cost of generative AI requests.", "counter")
        out += [f"# UNIT {name} usd", *cost]
        name = "agentgateway_requests"
        out += _family(name, "The total number of HTTP requests sent.", "counter") + answers
        name = "agentgateway_cost_catalog_lookups"
        text = "Total number of model cost catalog lookups by resolution status."
        out += _family(name, text, "counter") + lookups
        return "\n".join([*out, "# EOF"]) + "\n"


def _family(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _backend(provider: str) -> str:
    return f"ai/{provider}"
