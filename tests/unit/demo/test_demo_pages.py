"""The pages look as the real ones do, and add up to the truth to the nano-dollar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as lenient
from prometheus_client.samples import Sample

from costtui.demo.agentgateway import money as shortest_money
from costtui.demo.fleet import Fleet
from costtui.demo.kong import lua_number
from costtui.demo.kong import money as lua_money
from costtui.demo.pages import FleetServer
from costtui.demo.people import MYSTERY
from costtui.demo.truth import Amounts

START = 1_795_340_000
LLM = ("ai_provider", "ai_model", "cache_status", "vector_db", "embeddings_provider")
KONG_LABELS = {
    "kong_ai_llm_cost_total": (*LLM, "embeddings_model", "workspace"),
    "kong_ai_llm_requests_total": (*LLM, "embeddings_model", "workspace"),
    "kong_ai_llm_tokens_total": (*LLM, "embeddings_model", "token_type", "workspace"),
    "kong_ai_llm_provider_latency_ms_bucket": (*LLM, "embeddings_model", "workspace", "le"),
    "kong_ai_llm_provider_latency_ms_count": (*LLM, "embeddings_model", "workspace"),
    "kong_ai_llm_provider_latency_ms_sum": (*LLM, "embeddings_model", "workspace"),
    "kong_bandwidth_bytes": ("service", "route", "direction", "workspace", "consumer"),
    "kong_http_requests_total": ("service", "route", "code", "source", "workspace", "consumer"),
    "kong_nginx_metric_errors_total": (),
}
MODEL = (
    "gen_ai_operation_name",
    "gen_ai_system",
    "gen_ai_request_model",
    "gen_ai_response_model",
)
PLACE = ("bind", "gateway", "listener", "route", "route_rule")
USAGE = ("gen_ai_token_type", *MODEL, *PLACE)
AGENTGATEWAY_LABELS = {
    "agentgateway_build_info": ("tag",),
    "agentgateway_gen_ai_client_token_usage_sum": USAGE,
    "agentgateway_gen_ai_client_token_usage_count": USAGE,
    "agentgateway_gen_ai_client_token_usage_bucket": ("le", *USAGE),
    "agentgateway_gen_ai_client_cost_usd_total": (*MODEL, *PLACE),
    "agentgateway_requests_total": ("backend", "protocol", "method", "status", "reason", *PLACE),
    "agentgateway_cost_catalog_lookups_total": ("status", *MODEL, *PLACE),
}
"""Names and label order as in pages built from the gateways' own sources."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), start=START, rate=20)
    fleet.advance(START + 600)
    fleet.close()
    return fleet


def _lenient(text: str) -> list[Sample]:
    return [sample for family in lenient(text) for sample in family.samples]


def _strict(text: str) -> list[Sample]:
    families = openmetrics.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return [sample for family in families for sample in family.samples]


def _label_names(text: str) -> dict[str, set[tuple[str, ...]]]:
    """Label names in wire order, found without a parser: no value of ours holds `="`."""
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.rpartition(" ")[0].partition("{")
        names = [part.rpartition(",")[2].lstrip('"') for part in rest.split('="')[:-1]]
        found[name].add(tuple(n.rpartition('"')[2].lstrip(",") for n in names))
    return found


def _by_model(samples: Iterable[Sample], name: str, label: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for sample in samples:
        if sample.name == name:
            sums[sample.labels[label]] += Decimal(repr(sample.value))
    return dict(sums)


def _of(fleet: Fleet, gateway: str) -> dict[str, Amounts]:
    """Truth by model of one gateway; failures are under ''."""
    out: dict[str, Amounts] = {}
    for cell, amounts in fleet.gateways[gateway].truth.cells.items():
        out.setdefault(cell.model, Amounts()).add(amounts)
    return out


def test_kong_names_and_labels_are_those_of_kong(fleet: Fleet) -> None:
    found = _label_names(fleet.page("kong"))
    for name, labels in KONG_LABELS.items():
        assert found[name] == {labels}, name


def test_agentgateway_names_and_labels_are_those_of_agentgateway(fleet: Fleet) -> None:
    found = _label_names(fleet.page("agentgateway-eu"))
    for name, labels in AGENTGATEWAY_LABELS.items():
        assert found[name] == {labels}, name


def test_kong_page_adds_up_to_the_truth(fleet: Fleet) -> None:
    samples = _lenient(fleet.page("kong"))
    truth = _of(fleet, "kong")
    failures = truth.pop("")
    requests = _by_model(samples, "kong_ai_llm_requests_total", "ai_model")
    assert requests == {model: a.requests for model, a in truth.items()}
    cost = _by_model(samples, "kong_ai_llm_cost_total", "ai_model")
    assert {m: int(usd * 10**9) for m, usd in cost.items()} == {
        m: a.effective_nano for m, a in truth.items() if a.effective_nano
    }
    assert MYSTERY not in cost
    tokens: dict[tuple[str, str], float] = {
        (s.labels["ai_model"], s.labels["token_type"]): s.value
        for s in samples
        if s.name == "kong_ai_llm_tokens_total"
    }
    for model, amounts in truth.items():
        assert tokens[model, "prompt_tokens"] == amounts.input
        assert tokens[model, "completion_tokens"] == amounts.output
        assert tokens[model, "total_tokens"] == amounts.input + amounts.output
    codes = _by_model(samples, "kong_http_requests_total", "code")
    assert codes.pop("200") == sum(a.requests for a in truth.values())
    assert codes.pop("429") == failures.throttled
    assert sum(codes.values()) == failures.errors


def test_kong_types_are_counters_and_series_are_sorted(fleet: Fleet) -> None:
    page = fleet.page("kong")
    families = {f.name: f.type for f in lenient(page)}
    assert families["kong_ai_llm_cost"] == "counter"
    assert families["kong_kong_latency_ms"] == "histogram"
    lines = [x for x in page.splitlines() if x.startswith("kong_http_requests_total{")]
    assert lines == sorted(lines)
    assert "_created" not in page


@pytest.mark.parametrize("name", ["agentgateway-eu", "agentgateway-us"])
def test_agentgateway_page_adds_up_to_the_truth(fleet: Fleet, name: str) -> None:
    samples = _strict(fleet.page(name))
    truth = _of(fleet, name)
    failures = truth.pop("")
    usage: dict[tuple[str, str], float] = {}
    providers: dict[str, str] = {}
    for s in samples:
        if s.name == "agentgateway_gen_ai_client_token_usage_sum":
            model = s.labels["gen_ai_request_model"]
            providers[model] = s.labels["gen_ai_system"]
            usage[model, s.labels["gen_ai_token_type"]] = s.value
    for model, amounts in truth.items():
        cached = amounts.cache_read + amounts.cache_write
        inclusive = providers[model] != "anthropic"
        assert usage[model, "input"] == amounts.input + cached * inclusive
        assert usage.get((model, "input_cache_read"), 0) == amounts.cache_read
        assert usage.get((model, "input_cache_write"), 0) == amounts.cache_write
        assert usage[model, "output"] == amounts.output
    cost = _by_model(samples, "agentgateway_gen_ai_client_cost_usd_total", "gen_ai_request_model")
    assert {m: int(usd * 10**9) for m, usd in cost.items()} == {
        m: a.effective_nano for m, a in truth.items() if a.effective_nano
    }
    statuses = _by_model(samples, "agentgateway_requests_total", "status")
    assert statuses.pop("200") == sum(a.requests for a in truth.values())
    assert statuses.pop("429", 0) == failures.throttled
    assert sum(statuses.values()) == failures.errors
    lookups = _by_model(samples, "agentgateway_cost_catalog_lookups_total", "status")
    assert lookups.get("Missing", 0) == sum(a.unpriced_requests for a in truth.values())


def test_agentgateway_histograms_are_whole(fleet: Fleet) -> None:
    page = fleet.page("agentgateway-us")
    assert page.endswith("\n# EOF\n")
    samples = _strict(page)
    name = "agentgateway_gen_ai_client_token_usage"
    counts = {}
    ends = {}
    for s in samples:
        key = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
        if s.name == f"{name}_count":
            counts[key] = s.value
        elif s.name == f"{name}_bucket" and s.labels["le"] == "+Inf":
            ends[key] = s.value
    assert counts == ends
    assert counts


def test_lenient_parser_reads_the_openmetrics_body_too(fleet: Fleet) -> None:
    page = fleet.page("agentgateway-eu")
    assert len(_lenient(page)) == len(_strict(page))


@pytest.mark.parametrize("nano", [1, 370_000, 99_999_999_999_999, 12_345_678_901_234, 10**9])
def test_both_ways_to_print_money_keep_every_nano(nano: int) -> None:
    assert Decimal(lua_money(nano)) * 10**9 == nano
    assert Decimal(shortest_money(nano)) * 10**9 == nano


def test_money_that_would_lose_nanos_is_refused() -> None:
    with pytest.raises(ValueError, match=r"100,000"):
        lua_money(10**14)
    with pytest.raises(ValueError, match=r"1,000,000"):
        shortest_money(10**15)


def test_lua_prints_fourteen_digits() -> None:
    assert lua_number(0.00037) == "0.00037"
    assert lua_number(1234567890123456) == "1.2345678901235e+15"
    assert lua_number(25) == "25"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("agentgateway-eu", "application/openmetrics-text"), ("kong", "text/plain")],
)
def test_a_page_is_labelled_as_it_was_asked_for(tmp_path: Path, name: str, kind: str) -> None:
    """As Prometheus asks: it refuses the info type of a page that is labelled as plain text."""
    fleet = Fleet(tmp_path, start=START, rate=20)
    server = FleetServer(fleet)
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    try:
        request = Request(server.urls[name], headers={"Accept": accept})
        with urlopen(request, timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith(kind)
        with urlopen(server.urls[name], timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
    finally:
        server.close()
        fleet.close()
