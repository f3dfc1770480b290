"""Every captured page is read without loss: our sums against a regular expression's."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costtui.model.usage import UsageRecord
from costtui.sources import presets
from costtui.sources.metrics.mapping import Mapper

if TYPE_CHECKING:
    from tests.unit.sources.metrics.conftest import Target

Sum = tuple[str, dict[str, str]]
"""A metric, and label → value; a value that begins with ! must not be there."""

LITELLM: dict[str, list[Sum]] = {
    "reported_nano": [("litellm_spend_metric_total", {})],
    "input+cache_read+cache_write": [("litellm_input_tokens_metric_total", {})],
    "cache_read": [("litellm_input_cached_tokens_metric_total", {})],
    "cache_write": [("litellm_input_cache_creation_tokens_metric_total", {})],
    "output+reasoning": [("litellm_output_tokens_metric_total", {})],
    "reasoning": [("litellm_output_reasoning_tokens_metric_total", {})],
    "requests-errors-throttled": [("litellm_requests_metric_total", {})],
    "errors+throttled": [("litellm_proxy_failed_requests_metric_total", {"route": "!/metrics/"})],
    "throttled": [
        ("litellm_proxy_failed_requests_metric_total", {"exception_status": "429"}),
    ],
}


def otel(unit: str) -> dict[str, list[Sum]]:
    tokens = f"gen_ai_client_token_usage{unit}_sum"
    calls = "gen_ai_client_operation_duration_seconds_count"
    return {
        "input+cache_read+cache_write": [(tokens, {"gen_ai_token_type": "input"})],
        "output+reasoning": [(tokens, {"gen_ai_token_type": "output"})],
        "requests": [(calls, {})],
        "errors+throttled": [(calls, {"error_type": "!"})],
        "throttled": [(calls, {"error_type": "RateLimitError"})],
        # Counted only where there are no calls.
        "": [(f"gen_ai_client_token_usage{unit}_count", {})],
    }


KONG: dict[str, list[Sum]] = {
    "reported_nano": [("kong_ai_llm_cost_total", {})],
    "input": [("kong_ai_llm_tokens_total", {"token_type": "prompt_tokens"})],
    "output": [("kong_ai_llm_tokens_total", {"token_type": "completion_tokens"})],
    "requests-errors-throttled": [("kong_ai_llm_requests_total", {})],
    "errors+throttled": [("kong_http_requests_total", {"code": "!200"})],
}
AGENT = "agentgateway_gen_ai_client_token_usage"
AGENTGATEWAY: dict[str, list[Sum]] = {
    "reported_nano": [("agentgateway_gen_ai_client_cost_usd_total", {})],
    "input+cache_read+cache_write": [(f"{AGENT}_sum", {"gen_ai_token_type": "input"})],
    "output": [(f"{AGENT}_sum", {"gen_ai_token_type": "output"})],
    "requests-errors-throttled": [(f"{AGENT}_count", {"gen_ai_token_type": "input"})],
    "errors+throttled": [("agentgateway_requests_total", {"status": "!200"})],
    "lower_bounds": [("agentgateway_cost_catalog_lookups_total", {"status": "!Exact"})],
}
USAGE = "gen_ai_client_token_usage"
ENVOY: dict[str, list[Sum]] = {
    "input+cache_read+cache_write": [(f"{USAGE}_sum", {"gen_ai_token_type": "input"})],
    "cache_read": [(f"{USAGE}_sum", {"gen_ai_token_type": "cached_input"})],
    "output+reasoning": [(f"{USAGE}_sum", {"gen_ai_token_type": "output"})],
    "reasoning": [(f"{USAGE}_sum", {"gen_ai_token_type": "reasoning"})],
    "requests": [(f"{USAGE}_count", {"gen_ai_token_type": "input"})],
    "errors+throttled": [("gen_ai_server_request_duration_seconds_count", {"error_type": "!"})],
}
CLIENT_FIELDS: dict[str, Any] = {
    "dimensions": {"model": ["model", "gen_ai_request_model"], "consumer": "consumer"},
    "metrics": [
        {"name": "llm_spend_usd_total", "quantity": "cost"},
        {"name": "gen_ai_client_cost_total", "quantity": "cost"},
        {"name": "gen_ai_client_token_usage_sum", "quantity": "tokens",
         "kind_label": "gen_ai_token_type", "kinds": {"input": "input"}},
        {"name": "gen_ai_client_token_usage_count", "quantity": "requests"},
    ],
}  # fmt: skip
CLIENT: dict[str, list[Sum]] = {
    "reported_nano": [("llm_spend_usd_total", {}), ("gen_ai_client_cost_total", {})],
    "input": [("gen_ai_client_token_usage_sum", {"gen_ai_token_type": "input"})],
    "requests": [("gen_ai_client_token_usage_count", {})],
}
SPEND: dict[str, list[Sum]] = {"reported_nano": [("litellm_spend_metric_total", {})]}

CASES = [
    ("litellm-1.106.2.text004.txt.gz", "litellm", {}, LITELLM),
    ("litellm-1.106.2.openmetrics.txt.gz", "litellm", {}, LITELLM),
    ("prometheus-2.42.federate.txt.gz", "litellm", {}, SPEND),
    ("otel-openai_v2.text004.txt.gz", "otel-genai", {}, otel("")),
    ("otel-openai_v2.openmetrics.txt.gz", "otel-genai", {}, otel("")),
    ("otel-openai_v2.openmetrics_utf8.txt.gz", "otel-genai", {}, otel("")),
    ("otel-openllmetry_openai.text004.txt.gz", "otel-genai", {}, otel("_token")),
    ("otel-openllmetry_openai.openmetrics.txt.gz", "otel-genai", {}, otel("_token")),
    ("client-0.26.text004.txt", "", CLIENT_FIELDS, CLIENT),
    ("client-0.26.text100_utf8.txt", "", CLIENT_FIELDS, CLIENT),
    ("client-0.26.openmetrics.txt", "", CLIENT_FIELDS, CLIENT),
    ("client-0.26.openmetrics_utf8.txt", "", CLIENT_FIELDS, CLIENT),
    ("derived-kong-oss-3.9.txt", "kong", {}, KONG),
    ("derived-kong-ee-3.13.txt", "kong", {}, KONG),
    (
        "derived-kong-oss-3.9.txt",
        "kong-requests",
        {},
        {"requests": [("kong_http_requests_total", {})]},
    ),
    ("derived-kong-oss-2.8.txt", "kong-2.8", {}, {"requests": [("kong_http_status", {})]}),
    ("derived-agentgateway-1.4.1.txt", "agentgateway", {}, AGENTGATEWAY),
    ("derived-envoy-ai-gateway-1.1.txt", "envoy-ai-gateway", {}, ENVOY),
]


def samples(page: bytes) -> list[tuple[str, str, Decimal]]:
    """(name, labels as text, number) of each line, read without any of the product's code."""
    found = []
    for line in page.decode().splitlines():
        if not line or line.startswith("#"):
            continue
        # {"a.name",x="y"} 1 is the same as a_name{x="y"} 1.
        line = re.sub(
            r'^\{"([^"]+)",?', lambda quoted: quoted[1].replace(".", "_") + "{", line, count=1
        )
        match = re.match(r'([^\s{]+)((?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?)\s+(\S+)', line)
        assert match, line
        found.append((match[1], match[2], Decimal(match[3])))
    return found


def by_hand(page: bytes, metric: str, labels: dict[str, str]) -> tuple[Decimal, int]:
    """The sum of a metric's series, and how many there are."""
    total, count = Decimal(0), 0
    for name, text, number in samples(page):
        if name != metric:
            continue
        fits = all(
            (f'{label}="{value[1:]}"' not in text and (value != "!" or f'{label}="' in text))
            if value.startswith("!")
            else f'{label}="{value}"' in text
            for label, value in labels.items()
        )
        if fits:
            total, count = total + number, count + 1
    return total, count


def ours(records: list[UsageRecord], formula: str) -> int:
    total = 0
    for sign, field in re.findall(r"([+-]?)(\w+)", formula):
        value = sum(getattr(record, field) or 0 for record in records)
        total += -value if sign == "-" else value
    return total


@pytest.mark.parametrize(("name", "preset", "fields", "expected"), CASES)
async def test_a_captured_page_is_read_without_loss(
    target_of: Callable[..., Target],
    captured: Callable[[str], bytes],
    name: str,
    preset: str,
    fields: dict[str, Any],
    expected: dict[str, list[Sum]],
) -> None:
    page = captured(name)
    target = target_of(preset, fields=fields)
    records = await target.from_zero(page)
    for formula, sums in expected.items():
        if not formula:
            continue
        parts = [by_hand(page, metric, labels) for metric, labels in sums]
        truth = sum((number for number, _ in parts), Decimal(0))
        series = sum(count for _, count in parts)
        if formula == "reported_nano":
            # Each series is a whole number of nano-USD.
            assert abs(ours(records, formula) - truth * 10**9) <= Decimal("0.5") * series
            assert ours(records, formula) > 0
        else:
            assert ours(records, formula) == truth, formula
    # The table above forgot no metric that is counted.
    shape = presets.shape_of(target.config)
    counted = {name for rule in shape.metrics for name in rule.names}
    wanted = Mapper(shape, target.config).wanted()
    on_page = {name for name, *_ in samples(page)}
    assert counted <= wanted
    assert {metric for sums in expected.values() for metric, _ in sums} >= counted & on_page
