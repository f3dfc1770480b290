"""A Kong 3.9 status page with AI metrics, quirks included.

Kong's open-source AI metrics know no consumer and no cached tokens; `total_tokens` stands beside
its own parts; a model without a price has no cost series at all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from costtui.demo.gateway import Gateway, Request, price
from costtui.demo.people import CONSUMERS, Route, shown_consumer
from costtui.demo.rhythm import Rhythm
from costtui.demo.truth import Cell

CONTENT_TYPE = "text/plain; charset=UTF-8"
NODE = "7c9d3f0e-5b1a-4c39-9a55-2f6e1f7b8d10"
PROVIDER_BOUNDS = (250, 500, 1000, 1500, 2000, 2500, 5000, 10000, 30000, 60000)
PROXY_BOUNDS = (1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000)

_HELP = {
    "kong_ai_llm_cost_total": ("counter", "AI requests cost per ai_provider/cache in Kong"),
    "kong_ai_llm_provider_latency_ms": (
        "histogram",
        "LLM response Latency for each AI plugins per ai_provider in Kong",
    ),
    "kong_ai_llm_requests_total": ("counter", "AI requests total per ai_provider in Kong"),
    "kong_ai_llm_tokens_total": ("counter", "AI requests cost per ai_provider/cache in Kong"),
    "kong_bandwidth_bytes": ("counter", "Total bandwidth (ingress/egress) throughput in bytes"),
    "kong_datastore_reachable": ("gauge", "Datastore reachable from Kong, 0 is unreachable"),
    "kong_http_requests_total": (
        "counter",
        "HTTP status codes per consumer/service/route in Kong",
    ),
    "kong_kong_latency_ms": (
        "histogram",
        "Latency added by Kong and enabled plugins for each service/route in Kong",
    ),
    "kong_memory_lua_shared_dict_bytes": ("gauge", "Allocated slabs in bytes in a shared_dict"),
    "kong_nginx_connections_total": ("gauge", "Number of connections by subsystem"),
    "kong_nginx_metric_errors_total": ("counter", "Number of nginx-lua-prometheus errors"),
    "kong_nginx_requests_total": ("gauge", "Total number of requests"),
    "kong_node_info": ("gauge", "Kong Node metadata information"),
}


def lua_number(value: float) -> str:
    """As LuaJIT's `tostring` prints it: 14 significant digits."""
    return f"{value:.14g}"


def money(nano: int) -> str:
    """nano-USD as USD, every nano of it. Raises ValueError where 14 digits cannot hold it."""
    if nano >= 10**14:
        raise ValueError("a simulated Kong counter is past $100,000: its nanos no longer show")
    return lua_number(nano / 1_000_000_000)


class Kong(Gateway):
    """Counters of one Kong node."""

    def __init__(self, name: str, routes: Sequence[Route], rhythm: Rhythm, seed: int) -> None:
        super().__init__(name, routes, rhythm, seed)
        self._labels = [
            f'ai_provider="{r.provider}",ai_model="{r.model}",cache_status="",vector_db="",'
            'embeddings_provider="",embeddings_model="",'
            for r in self.routes
        ]
        self.reset()

    def failure_cell(self, route: Route, consumer: int) -> Cell:
        return Cell(route.provider, "", shown_consumer(CONSUMERS[consumer].id), self.name)

    def endpoint(self, cell: Cell) -> str:
        # The AI metrics have no route; only failures, which have no model, come with one.
        return "" if cell.model else _route_name(cell.provider)

    @property
    def services(self) -> dict[str, str]:
        return {_service_name(r.provider): r.provider for r in self.routes}

    def reset(self) -> None:
        count = len(self.routes)
        self._requests = [0] * count
        self._prompt = [0] * count
        self._completion = [0] * count
        self._nano = [0] * count
        self._latency_sum = [0] * count
        self._latency = [[0] * (len(PROVIDER_BOUNDS) + 1) for _ in range(count)]
        self._http: dict[tuple[str, str, int, str], int] = {}
        self._proxy_latency = [0] * (len(PROXY_BOUNDS) + 1)
        self._proxy_latency_sum = 0

    def count(self, route: int, requests: int, request: Request) -> None:
        self._requests[route] += requests
        self._prompt[route] += request.plain
        self._completion[route] += request.output
        self._nano[route] += price(self.routes[route], request) or 0
        self._latency_sum[route] += request.latency_ms
        slot = bisect_left(PROVIDER_BOUNDS, request.latency_ms // requests)
        self._latency[route][slot] += requests
        self._answer(route, request.consumer, 200, "service", requests)

    def count_failure(self, route: int, consumer: int, status: int, requests: int = 1) -> None:
        source = "kong" if status == 429 else "service"
        self._answer(route, consumer, status, source, requests)

    def _answer(self, route: int, consumer: int, status: int, source: str, requests: int) -> None:
        key = (self.routes[route].provider, source, status, CONSUMERS[consumer].id)
        self._http[key] = self._http.get(key, 0) + requests
        delay = 1 + (self._requests[route] * 7 + consumer) % 9
        self._proxy_latency[bisect_left(PROXY_BOUNDS, delay)] += requests
        self._proxy_latency_sum += delay * requests

    def render(self) -> str:
        families: dict[str, list[str]] = {name: [] for name in _HELP}
        order = sorted(range(len(self.routes)), key=lambda at: self._labels[at])
        for at in order:
            if self._requests[at]:
                self._llm(families, at)
        answers = families["kong_http_requests_total"]
        for (provider, source, status, consumer), value in self._http.items():
            answers.append(
                f'kong_http_requests_total{{service="{_service_name(provider)}",'
                f'route="{_route_name(provider)}",code="{status}",source="{source}",'
                f'workspace="default",consumer="{consumer}"}} ' + lua_number(value)
            )
        answers.sort()
        self._unrelated(families)
        out: list[str] = []
        for name, lines in families.items():
            if lines:
                kind, text = _HELP[name]
                out += (f"# HELP {name} {text}", f"# TYPE {name} {kind}", *lines)
        return "\n".join(out) + "\n"

    def _llm(self, families: dict[str, list[str]], at: int) -> None:
        labels = self._labels[at]
        full = labels + 'workspace="default"'
        if self.routes[at].known and self._nano[at]:
            families["kong_ai_llm_cost_total"].append(
                f"kong_ai_llm_cost_total{{{full}}} {money(self._nano[at])}"
            )
        families["kong_ai_llm_provider_latency_ms"] += _histogram(
            "kong_ai_llm_provider_latency_ms",
            full,
            PROVIDER_BOUNDS,
            self._latency[at],
            self._latency_sum[at],
        )
        families["kong_ai_llm_requests_total"].append(
            f"kong_ai_llm_requests_total{{{full}}} {lua_number(self._requests[at])}"
        )
        prompt, completion = self._prompt[at], self._completion[at]
        families["kong_ai_llm_tokens_total"] += [
            f'kong_ai_llm_tokens_total{{{labels}token_type="{kind}",workspace="default"}} '
            + lua_number(value)
            for kind, value in (
                ("completion_tokens", completion),
                ("prompt_tokens", prompt),
                ("total_tokens", prompt + completion),
            )
        ]

    def _unrelated(self, families: dict[str, list[str]]) -> None:
        answered = sum(self._http.values())
        node = f'node_id="{NODE}"'
        for direction, size in (("egress", 2150), ("ingress", 3900)):
            families["kong_bandwidth_bytes"].append(
                'kong_bandwidth_bytes{service="openai-upstream",route="openai-chat",'
                f'direction="{direction}",workspace="default",consumer=""}} '
                + lua_number(answered * size)
            )
        families["kong_datastore_reachable"].append("kong_datastore_reachable 1")
        families["kong_kong_latency_ms"] += _histogram(
            "kong_kong_latency_ms",
            'service="openai-upstream",route="openai-chat",workspace="default"',
            PROXY_BOUNDS,
            self._proxy_latency,
            self._proxy_latency_sum,
        )
        families["kong_memory_lua_shared_dict_bytes"] += [
            f'kong_memory_lua_shared_dict_bytes{{{node},shared_dict="{name}",'
            f'kong_subsystem="http"}} {size}'
            for name, size in (("kong", 40960), ("prometheus_metrics", 65536))
        ]
        families["kong_nginx_connections_total"] += [
            f'kong_nginx_connections_total{{{node},subsystem="http",state="{state}"}} {value}'
            for state, value in (("accepted", 211), ("active", 6), ("handled", 211))
        ]
        families["kong_nginx_metric_errors_total"].append("kong_nginx_metric_errors_total 0")
        families["kong_nginx_requests_total"].append(
            f'kong_nginx_requests_total{{{node},subsystem="http"}} '
            + lua_number(answered + self.scrapes)
        )
        families["kong_node_info"].append(f'kong_node_info{{{node},version="3.9.0"}} 1')


def _histogram(
    name: str, labels: str, bounds: Sequence[int], counts: Sequence[int], total: int
) -> list[str]:
    lines = []
    running = 0
    for bound, count in zip((*bounds, "+Inf"), counts, strict=True):
        running += count
        lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {lua_number(running)}')
    lines.append(f"{name}_count{{{labels}}} {lua_number(running)}")
    lines.append(f"{name}_sum{{{labels}}} {lua_number(total)}")
    return lines


def _service_name(provider: str) -> str:
    return f"{provider}-upstream"


def _route_name(provider: str) -> str:
    return f"{provider}-chat"
