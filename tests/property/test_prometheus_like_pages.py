"""The same presets serve pages and servers: what a page says and what the server that scrapes it
says come to the same, combination by combination.

A page grows in steps. The `metrics` source scrapes it; a server in memory keeps what each scrape
would have given and the `prometheus` source reads that, live and as history.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from costtui.config.schema import SourceConfig
from costtui.model.usage import UsageRecord
from costtui.sources import factory

FIXTURES = Path(__file__).parents[1] / "fixtures" / "metrics"
START = 1_795_600_000 // 3600 * 3600
STEP = 30
PAGES = {
    "kong": "derived-kong-oss-3.9.txt",
    "kong-ee": "derived-kong-ee-3.13.txt",
    "kong-requests": "derived-kong-oss-3.9.txt",
    "kong-2.8": "derived-kong-oss-2.8.txt",
    "agentgateway": "derived-agentgateway-1.4.1.txt",
    "envoy-ai-gateway": "derived-envoy-ai-gateway-1.1.txt",
    "litellm": "litellm-1.106.2.text004.txt.gz",
    "otel-genai": "otel-openai_v2.text004.txt.gz",
    "otel-genai-llm": "otel-openllmetry_openai.text004.txt.gz",
}
APP = """
cost_provider_tokens_total{provider="openai",model="gpt-4o",type="input"} 900
cost_provider_tokens_total{provider="openai",model="gpt-4o",type="output"} 90
cost_provider_tokens_total{provider="openai",model="gpt-4o",type="total"} 990
cost_request_cost_usd_sum{endpoint="/chat"} 1.5
cost_request_cost_usd_count{endpoint="/chat"} 30
cost_cpu_usage_cores 2.5
cost_memory_usage_bytes 2147483648
"""
VLLM = """
vllm:prompt_tokens_total{model_name="llama",engine="0"} 3000
vllm:generation_tokens_total{model_name="llama",engine="0"} 300
vllm:request_success_total{finished_reason="stop",model_name="llama",engine="0"} 30
vllm:num_requests_running{model_name="llama",engine="0"} 3
process_start_time_seconds 1795500000
"""
LLM = """
llm_cost_total{provider="openai",model="gpt-4o",type="input",user_id="a"} 3
llm_cost_total{provider="openai",model="gpt-4o",type="output",user_id="a"} 6
llm_cost_total{provider="openai",model="gpt-4o",type="total",user_id="a"} 9
"""
TEXTS = {
    "app-cost": (APP, {"cpu_cost_per_core": 0.04, "memory_cost_per_gb": 0.005}),
    "vllm": (VLLM, {"gpu_cost_per_hour": 2.5, "gpus": 2}),
    "llm-cost": (LLM, {}),
}
CASES = [*PAGES, *TEXTS]
Series = tuple[str, tuple[tuple[str, str], ...]]


def page_of(case: str) -> dict[Series, str]:
    """The samples of a page that the preset wants, by series."""
    if case in TEXTS:
        text = TEXTS[case][0]
    else:
        raw = (FIXTURES / PAGES[case]).read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    found: dict[Series, str] = {}
    # Without types: the parser would add `_total` to a counter that has none.
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n"
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if "bucket" not in sample.name and sample.value >= 0:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                found[key] = repr(float(sample.value))
    return found


def fixed(name: str) -> bool:
    """Numbers that say what they are at once: times, infos and gauges do not grow."""
    return not name.endswith(("_total", "_sum", "_count", "kong_http_status"))


def grown(page: dict[Series, str], step: int, steps: int) -> dict[Series, str]:
    """The page when it was younger. Every third series is born only in the second half."""
    young: dict[Series, str] = {}
    for number, ((name, labels), value) in enumerate(sorted(page.items())):
        if fixed(name):
            young[name, labels] = value
        elif number % 3 or step > steps // 2:
            whole = Decimal(value)
            # A part must not outgrow its whole: both grow alike, in whole units where they are.
            share = whole * step // steps if whole == whole.to_integral() else whole * step / steps
            young[name, labels] = repr(float(share))
    return young


def text_of(page: dict[Series, str]) -> bytes:
    lines = []
    for (name, labels), value in page.items():
        inner = ",".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in labels)
        lines.append(f"{name}{{{inner}}} {value}" if inner else f"{name} {value}")
    return ("\n".join(lines) + "\n").encode()


def config(case: str, kind: str) -> SourceConfig:
    preset = {"kong-ee": "kong", "otel-genai-llm": "otel-genai"}.get(case, case)
    options = TEXTS[case][1] if case in TEXTS else {}
    return SourceConfig(
        "s", kind, "gw", preset=preset, url="http://127.0.0.1:1/metrics", options=dict(options),
        interval=float(STEP), since=24 * 3600,
    )  # fmt: skip


class Server:
    """Raw samples of every scrape; answers range selectors."""

    def __init__(self) -> None:
        self.rows: dict[Series, list[tuple[float, str]]] = {}

    def keep(self, page: dict[Series, str], now: float) -> None:
        self.rows.setdefault(("up", ()), []).append((now, "1"))
        for key, value in page.items():
            self.rows.setdefault(key, []).append((now, value))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"status": "success", "data": ["i:1"]})
        form = dict(httpx.QueryParams(request.content.decode()))
        result: list[dict[str, Any]] = []
        if "step" not in form:
            length = int(form["query"].rpartition("[")[2].removesuffix("ms]")) / 1000
            end = float(form["time"])
            targets = "instance=~" in form["query"]
            for (name, labels), values in self.rows.items():
                if targets != (name in ("up", "process_start_time_seconds")):
                    continue
                inside = [v for v in values if end - length <= v[0] <= end]
                metric = {"__name__": name, **dict(labels), "job": "j", "instance": "i:1"}
                if inside:
                    result.append({"metric": metric, "values": inside})
        data = {"resultType": "matrix", "result": result}
        return httpx.Response(200, json={"status": "success", "data": data})


def sums(records: Iterable[UsageRecord]) -> dict[tuple[str, ...], Counter[str]]:
    """Dimensions → every quantity."""
    found: dict[tuple[str, ...], Counter[str]] = {}
    for record in records:
        total = found.setdefault(tuple(record.dims), Counter())
        for name in record._fields[3:12]:
            total[name] += getattr(record, name)
        total["nano"] += record.reported_nano or 0
        total["priced"] += record.reported_nano is not None and bool(any(record[3:12]))
        total["lost"] += bool(record.lower_bounds)
    return {
        dims: Counter({k: v for k, v in total.items() if v and k != "priced"})
        for dims, total in found.items()
        if any(total.values())
    }


async def drain(source: Any, now: float, into: list[UsageRecord]) -> None:
    async for batch in source.poll(now):
        into += batch.records


@pytest.mark.parametrize("history", [False, True], ids=["live", "history"])
@pytest.mark.parametrize("case", CASES)
async def test_a_server_says_what_its_pages_said(case: str, history: bool) -> None:
    whole = page_of(case)
    server = Server()
    page: dict[Series, str] = {}

    def serve(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=text_of(page), headers={"Content-Type": "text/plain"})

    scraped = factory.build(config(case, "metrics"), transport=httpx.MockTransport(serve))
    asked = factory.build(config(case, "prometheus"), transport=httpx.MockTransport(server.answer))
    scraped.restore({})
    asked.restore({})
    by_page: list[UsageRecord] = []
    by_server: list[UsageRecord] = []
    steps = 8
    for step in range(1, steps + 3):
        page = grown(whole, min(step, steps), steps)
        now = float(START + step * STEP)
        server.keep(page, now)
        await drain(scraped, now, by_page)
        if not history:
            await drain(asked, now + 1, by_server)
            # At its first answer a source looks back; that is not to be half of this test.
    later = START + (steps + 3) * STEP + 1.0
    for turn in range(200):
        await drain(asked, later + turn, by_server)
        if not asked.has_more:  # type: ignore[attr-defined]
            break
    assert sums(by_server) == sums(by_page)
    assert sums(by_page)
    await scraped.close()
    await asked.close()
