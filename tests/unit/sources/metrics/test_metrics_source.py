"""The whole source on made and captured pages, with totals worked out another way."""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from costtui.config.schema import ServiceMapping, SourceConfig
from costtui.errors import SourceError, SourceFormatError
from costtui.model.charge import CostPolicy
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch
from costtui.sources.factory import build

FIXTURES = Path(__file__).parents[3] / "fixtures" / "metrics"


class Target:
    """A page that the test changes; also the store, which keeps what each batch says."""

    def __init__(self, preset: str = "kong", **more: Any) -> None:
        self.page = b""
        self.status = 200
        self.content_type = "text/plain; charset=utf-8"
        self.stored: dict[str, str] = {}
        self.now = 1_000_000.0
        self.config = SourceConfig(
            "src", "metrics", "gw", preset=preset, url="http://gw.test/metrics", **more
        )
        self.reopen()

    def reopen(self) -> None:
        """A new process."""
        self.source = build(self.config, transport=httpx.MockTransport(self._answer))
        self.source.restore(self.stored)

    def _answer(self, _: httpx.Request) -> httpx.Response:
        headers = {"content-type": self.content_type}
        return httpx.Response(self.status, content=self.page, headers=headers)

    async def poll(self, page: str | bytes | None = None, *, append: bool = True) -> Batch:
        if page is not None:
            self.page = page.encode() if isinstance(page, str) else page
        self.now += 15.0
        batches = [batch async for batch in self.source.poll(self.now)]
        assert len(batches) == 1
        if append:
            self.keep(batches[0])
        return batches[0]

    async def fail(self) -> SourceError:
        self.now += 15.0
        try:
            async for batch in self.source.poll(self.now):
                assert not batch.records
                self.keep(batch)
        except SourceError as error:
            return error
        raise AssertionError("the scrape did not fail")

    def keep(self, batch: Batch) -> None:
        for part, state in batch.checkpoint.items():
            if state is None:
                self.stored.pop(part, None)
            else:
                self.stored[part] = state


def fixture(name: str) -> bytes:
    raw = (FIXTURES / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


async def from_zero(target: Target, page: bytes) -> list[UsageRecord]:
    """What a page holds, as increments of a target that showed nothing before."""
    records: list[UsageRecord] = []
    for text in (b"# nothing yet\n# EOF\n", page, page):
        batch = await target.poll(text)
        assert batch.skipped_count == 0
        records += batch.records
    return records


def by_hand(page: bytes, metric: str, **labels: str) -> Decimal:
    """Sum of a metric's samples, with nothing but a regular expression."""
    total = Decimal(0)
    for line in page.decode().splitlines():
        wanted = re.match(rf"{re.escape(metric)}[{{ ]", line)
        if wanted and all(f'{name}="{value}"' in line for name, value in labels.items()):
            total += Decimal(re.sub(r" # \{.*", "", line).rsplit(" ", 1)[1])
    return total


def total(records: Iterable[UsageRecord], field: str) -> int:
    return sum(getattr(record, field) or 0 for record in records)


@pytest.mark.parametrize("form", ["text004", "openmetrics"])
async def test_litellm_golden_numbers(form: str) -> None:
    page = fixture(f"litellm-1.106.2.{form}.txt.gz")
    target = Target("litellm")
    target.content_type = (
        "application/openmetrics-text; version=1.0.0" if form == "openmetrics" else "text/plain"
    )
    records = await from_zero(target, page)
    if form == "text004":
        # formats.md C.2, counted from the load that made the capture.
        assert total(records, "reported_nano") == 583_855_240
        assert total(records, "input") + total(records, "cache_read") == 327_780
        assert total(records, "cache_read") == 61_559
        assert total(records, "output") + total(records, "reasoning") == 81_464
        assert (
            total(records, "requests") - total(records, "errors") - total(records, "throttled")
            == 290
        )
        spend = dict.fromkeys((r.dims.model for r in records), 0)
        keys = dict.fromkeys((r.dims.consumer for r in records), 0)
        for record in records:
            spend[record.dims.model] += record.reported_nano or 0
            keys[record.dims.consumer] += record.reported_nano or 0
        assert spend["gpt-4o"] == 512_295_000
        assert spend["claude-sonnet-4-5"] == 22_521_000
        assert spend["gpt-4o-mini"] == 32_106_600
        assert spend["llama-3.1-8b-instruct"] == 16_070_600
        assert spend["text-embedding-3-small"] == 862_040
        assert keys["checkout-svc"] == 254_277_510
        assert keys["search-svc"] == 161_457_700
        assert keys["batch-night"] == 95_759_550
    spent = by_hand(page, "litellm_spend_metric_total") * 10**9
    assert abs(total(records, "reported_nano") - spent) < len(records)
    assert total(records, "throttled") == by_hand(
        page, "litellm_proxy_failed_requests_metric_total", exception_status="429"
    )
    # Unpriced in LiteLLM: stands at 0.0, which is not "free".
    mystery = [r for r in records if r.dims.model == "mystery-model-9000"]
    assert mystery
    assert all(r.reported_nano is None for r in mystery)


@pytest.mark.parametrize(
    ("preset", "name", "expected"),
    [
        (
            "kong",
            "derived-kong-oss-3.9.txt",
            {"requests": 1, "input": 25, "output": 12, "reported_nano": 370_000},
        ),
        (
            "kong",
            "derived-kong-ee-3.13.txt",
            {"requests": 1, "input": 13, "output": 12, "reported_nano": 152_500},
        ),
        ("kong-requests", "derived-kong-oss-3.9.txt", {"requests": 2}),
        ("kong-2.8", "derived-kong-oss-2.8.txt", {"requests": 2}),
        (
            "agentgateway",
            "derived-agentgateway-1.4.1.txt",
            {"requests": 2, "input": 1566, "reported_nano": 452_100},
        ),
        (
            "envoy-ai-gateway",
            "derived-envoy-ai-gateway-1.1.txt",
            {"requests": 1, "input": 8, "output": 57, "reasoning": 320},
        ),
    ],
)
async def test_derived_pages(preset: str, name: str, expected: dict[str, int]) -> None:
    records = await from_zero(Target(preset), fixture(name))
    fields = ("requests", "errors", "throttled", "input", "cache_read", "cache_write")
    for field in (*fields, "output", "reasoning", "reported_nano", "lower_bounds"):
        assert total(records, field) == expected.get(field, 0), field
    assert all(record.request_id is None for record in records)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("otel-openai_v2.text004.txt.gz", ""),
        ("otel-openai_v2.openmetrics.txt.gz", ""),
        ("otel-openai_v2.openmetrics_utf8.txt.gz", ""),
        ("otel-openllmetry_openai.text004.txt.gz", "_token"),
        ("otel-openllmetry_openai.openmetrics.txt.gz", "_token"),
    ],
)
async def test_opentelemetry_pages(name: str, unit: str) -> None:
    page = fixture(name)
    records = await from_zero(Target("otel-genai"), page)
    tokens = f"gen_ai_client_token_usage{unit}_sum"
    assert total(records, "input") == by_hand(page, tokens, gen_ai_token_type="input")
    assert total(records, "output") == by_hand(page, tokens, gen_ai_token_type="output")
    calls = "gen_ai_client_operation_duration_seconds_count"
    assert total(records, "requests") == by_hand(page, calls)
    assert total(records, "throttled") == by_hand(page, calls, error_type="RateLimitError")
    # Calls that failed before an answer have no provider on some pages.
    assert {record.dims.provider for record in records if record.input} == {"openai"}


def kong(
    tokens: dict[str, int] | None = None, cost: str = "", model: str = "gpt-4o", more: str = ""
) -> str:
    lines = [
        f'kong_ai_llm_tokens_total{{ai_provider="openai",ai_model="{model}",token_type="{k}"}} {v}'
        for k, v in (tokens or {}).items()
    ]
    if cost:
        lines.append(f'kong_ai_llm_cost_total{{ai_provider="openai",ai_model="{model}"}} {cost}')
    return "\n".join([*lines, more, ""])


async def test_one_record_for_one_combination_between_two_scrapes() -> None:
    target = Target()
    first = kong({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}, "0.5")
    assert not (await target.poll(first)).records
    second = kong({"prompt_tokens": 125, "completion_tokens": 22, "total_tokens": 147}, "0.50037")
    (record,) = (await target.poll(second)).records
    assert (record.input, record.output, record.reported_nano) == (25, 12, 370_000)
    assert record.start_ns == 1_000_015 * 10**9
    assert record.end_ns == 1_000_030 * 10**9
    assert record.dims.gateway == "gw"
    assert record.requests == 0


async def test_a_failed_scrape_is_a_gap_that_the_next_record_spans() -> None:
    target = Target()
    await target.poll(kong({"prompt_tokens": 1}, "1"))
    target.status = 503
    assert "HTTP 503" in str(await target.fail())
    await target.fail()
    target.status = 200
    (record,) = (await target.poll(kong({"prompt_tokens": 8}, "1"))).records
    assert record.input == 7
    assert (record.start_ns, record.end_ns) == (1_000_015 * 10**9, 1_000_060 * 10**9)
    assert record.lower_bounds == 0


@pytest.mark.parametrize(
    ("page", "kind", "words"),
    [
        ("<!DOCTYPE html><html>", "text/html", "an HTML page"),
        ('{"error": "no"}', "application/json", "a JSON document"),
        ('"Unauthorized"', "text/plain", "a JSON document"),
        ("a_total 1\n", "application/openmetrics-text; version=1.0.0", "no # EOF"),
        ("\0\1\2", "application/vnd.google.protobuf", "a binary page"),
    ],
)
async def test_what_is_no_page_fails(page: str, kind: str, words: str) -> None:
    target = Target()
    target.page, target.content_type = page.encode(), kind
    error = await target.fail()
    assert isinstance(error, SourceFormatError)
    assert words in str(error)
    assert str(error).startswith("http://gw.test/metrics: ")


async def test_half_a_page_does_not_look_like_a_reset() -> None:
    target = Target()
    target.content_type = "application/openmetrics-text; version=1.0.0"
    await target.poll(kong({"prompt_tokens": 12345}, "1") + "# EOF\n")
    target.page = kong({"prompt_tokens": 12345}).encode()[:-4]
    await target.fail()
    batch = await target.poll(kong({"prompt_tokens": 12350}, "1") + "# EOF\n")
    assert total(batch.records, "input") == 5
    assert batch.resets == 0


async def test_what_is_not_appended_comes_again_and_what_is_does_not() -> None:
    target = Target()
    await target.poll(kong({"prompt_tokens": 1}, "1"))
    lost = await target.poll(kong({"prompt_tokens": 8}, "1.5"), append=False)
    target.source.restore(target.stored)
    again = await target.poll()
    assert [r._replace(end_ns=0) for r in again.records] == [
        r._replace(end_ns=0) for r in lost.records
    ]
    target.reopen()
    assert not (await target.poll()).records


async def test_money_waits_one_scrape_for_the_first_cost() -> None:
    target = Target()
    await target.poll("# empty\n")
    held = await target.poll(kong({"prompt_tokens": 100}))
    assert not held.records
    target.reopen()  # what is held survives
    (record,) = (await target.poll(kong({"prompt_tokens": 130}, "0.001"))).records
    assert (record.input, record.reported_nano) == (130, 1_000_000)
    assert record.start_ns == 1_000_015 * 10**9
    # From now on tokens without new cost are "reported 0 so far", not computed.
    (record,) = (await target.poll(kong({"prompt_tokens": 140}, "0.001"))).records
    assert (record.input, record.reported_nano) == (10, 0)


async def test_traffic_without_cost_series_is_left_to_pricing() -> None:
    target = Target()
    await target.poll("# empty\n")
    assert not (await target.poll(kong({"prompt_tokens": 100}))).records
    (record,) = (await target.poll()).records
    assert (record.input, record.reported_nano) == (100, None)
    (record,) = (await target.poll(kong({"prompt_tokens": 101}))).records
    assert (record.input, record.reported_nano) == (1, None)


async def test_nothing_waits_where_money_is_computed_anyway() -> None:
    target = Target(cost=CostPolicy.COMPUTED)
    await target.poll("# empty\n")
    assert len((await target.poll(kong({"prompt_tokens": 100}))).records) == 1


async def test_kong_failures_by_code() -> None:
    def codes(**counts: int) -> str:
        label = 'kong_http_requests_total{{service="s",route="r",code="{}",consumer="al"}} {}'
        return "\n".join(label.format(code[1:], n) for code, n in counts.items()) + "\n"

    target = Target()
    await target.poll(codes(c200=10, c429=1, c500=1))
    (record,) = (await target.poll(codes(c200=30, c304=5, c404=2, c429=5, c500=2))).records
    assert (record.requests, record.throttled, record.errors) == (7, 4, 3)
    assert (record.dims.consumer, record.dims.endpoint, record.dims.provider) == ("al", "r", "")


async def test_kong_requests_maps_services() -> None:
    services = (("claude", ServiceMapping("anthropic", "claude-sonnet-4-5")),)
    target = Target("kong-requests", services=services)
    line = 'kong_http_requests_total{{service="{}",route="r",code="{}"}} {}\n'
    await target.poll("# empty\n")
    batch = await target.poll(
        line.format("claude", 200, 5) + line.format("claude", 429, 1) + line.format("grok", 200, 2)
    )
    found = {(r.dims.provider, r.dims.model): (r.requests, r.throttled) for r in batch.records}
    assert found == {("anthropic", "claude-sonnet-4-5"): (6, 1), ("grok", ""): (2, 0)}
    assert all(r.reported_nano is None for r in batch.records)


@pytest.mark.parametrize(
    ("page", "note"),
    [
        ('kong_node_info{version="3.9.0"} 1\n', "ai_metrics is off"),
        ('kong_http_status{code="200"} 1\n', "use preset kong-2.8"),
        ("go_goroutines 5\n", "nothing that kong counts"),
        (kong({"prompt_tokens": 1}), ""),
        (kong({"thinking_tokens": 1}) + kong({"prompt_tokens": 1}), "thinking_tokens"),
    ],
)
async def test_notes(page: str, note: str) -> None:
    batch = await Target().poll(page)
    assert note in batch.note
    assert bool(note) == bool(batch.note)


def agent(provider: str, version: str | None, **tokens: int) -> str:
    name = "agentgateway_gen_ai_client_token_usage_sum"
    lines = [
        f'{name}{{gen_ai_token_type="{kind}",gen_ai_system="{provider}",'
        f'gen_ai_request_model="m",gen_ai_response_model="unknown"}} {value}.0'
        for kind, value in tokens.items()
    ]
    if version is not None:
        lines.append(f'agentgateway_build_info{{tag="{version}"}} 1')
    return "\n".join([*lines, "# EOF", ""])


@pytest.mark.parametrize(
    ("provider", "version", "options", "expected"),
    [
        ("openai", "1.4.1", {}, 60),
        ("anthropic", "1.4.1", {}, 100),
        ("anthropic", "v1.4.0", {}, 100),
        ("anthropic", None, {}, 100),
        ("anthropic", "1.5.0", {}, 60),
        ("anthropic", "1.4.1-30-gabcdef", {}, 60),
        ("anthropic", "main", {}, 60),
        ("anthropic", "1.5.0", {"legacy_token_semantics": True}, 100),
        ("aws.bedrock", "1.3.0", {}, 100),
    ],
)
async def test_agentgateway_input_semantics(
    provider: str, version: str | None, options: dict[str, Any], expected: int
) -> None:
    target = Target("agentgateway", options=options, cost=CostPolicy.COMPUTED)
    await target.poll("# EOF\n")
    page = agent(provider, version, input=100, input_cache_read=30, input_cache_write=10, output=7)
    (record,) = (await target.poll(page)).records
    assert (record.input, record.cache_read, record.cache_write, record.output) == (
        expected,
        30,
        10,
        7,
    )
    assert record.dims.model == "m"


async def test_cache_seen_before_its_input_is_made_up_for() -> None:
    target = Target("agentgateway", cost=CostPolicy.COMPUTED)
    await target.poll(agent("openai", "1.4.1", input=0, input_cache_read=0))
    (early,) = (await target.poll(agent("openai", "1.4.1", input=10, input_cache_read=30))).records
    assert (early.input, early.cache_read) == (0, 30)
    target.reopen()
    (late,) = (await target.poll(agent("openai", "1.4.1", input=100, input_cache_read=30))).records
    assert (late.input, late.cache_read) == (70, 0)
    assert not any(part.startswith("c:") for part in target.stored)


async def test_a_rule_that_does_not_fit_is_noticed() -> None:
    target = Target("agentgateway", cost=CostPolicy.COMPUTED)
    note = ""
    for n in range(6):
        page = agent("custom", "9.0", input=n, input_cache_read=50 * n)
        note = (await target.poll(page)).note
    assert "input_includes_cache does not fit" in note


async def test_failed_price_lookups_make_reported_money_a_lower_bound() -> None:
    labels = 'gen_ai_system="openai",gen_ai_request_model="m"'
    cost = "agentgateway_gen_ai_client_cost_usd_total{" + labels + "} "
    look = 'agentgateway_cost_catalog_lookups_total{{status="{}",' + labels + "}} {}\n"

    def page(money: str, missing: int) -> str:
        return cost + money + "\n" + look.format("Exact", 5) + look.format("Missing", missing)

    target = Target("agentgateway")
    await target.poll(page("1.0", 0))
    (record,) = (await target.poll(page("1.25", 2))).records
    assert (record.reported_nano, record.lower_bounds) == (250_000_000, 2)


async def test_a_reset_is_marked_and_counted() -> None:
    target = Target("kong")
    await target.poll(kong({"prompt_tokens": 100, "completion_tokens": 9}, "1.0"))
    batch = await target.poll(kong({"prompt_tokens": 120, "completion_tokens": 2}, "0.1"))
    (record,) = batch.records
    # Kong's counters live together: one that fell says that all began again.
    assert (record.input, record.output, record.reported_nano) == (120, 2, 100_000_000)
    assert (record.lower_bounds, batch.resets) == (1, 1)


async def test_numbers_of_every_form() -> None:
    target = Target()
    await target.poll(kong({"prompt_tokens": 0, "completion_tokens": 0}, "0"))
    page = (
        'kong_ai_llm_tokens_total{ai_provider="openai",ai_model="gpt-4o",token_type="prompt_tokens"}'
        " 1.2345678901235e+15 1700000000000\r\n"
        "kong_ai_llm_tokens_total "
        '{ai_provider="openai",ai_model="gpt-4o",token_type="completion_tokens"}\t44.9\n'
        'kong_ai_llm_cost_total{ai_provider="openai",ai_model="gpt-4o"} 3.7e-4 # {a="}"} 1 2\n'
    )
    batch = await target.poll(page)
    assert batch.skipped_count == 0
    assert total(batch.records, "input") == 1_234_567_890_123_500
    assert total(batch.records, "reported_nano") == 370_000


async def test_bad_lines_cost_a_line_each_and_are_shown_once() -> None:
    target = Target()
    secret = "sk-abcdef1234567890abcdef"
    page = (
        kong({"prompt_tokens": 5}, "1")
        + f'kong_ai_llm_tokens_total{{ai_model="{secret} 5\n'
        + 'kong_ai_llm_cost_total{ai_model="n"} NaN\n'
        + 'kong_ai_llm_cost_total{ai_model="i"} +Inf\n'
        + 'kong_ai_llm_cost_total{ai_model="h"} 0x10\n'
        + 'kong_ai_llm_cost_total{ai_model="e"} 1e999\n'
        + 'kong_ai_llm_cost_total{ai_model="big"} 1e40\n'
        + 'kong_ai_llm_cost_total{ai_model="u"} 1_000\n'
        + 'kong_ai_llm_cost_total{ai_model="\x1b[2J"} -1\n'
        + 'kong_ai_llm_tokens_total{ai_provider="openai",ai_model="gpt-4o",'
        + 'token_type="prompt_tokens"} 900\n'
    )
    batch = await target.poll(page)
    assert batch.skipped_count == 8
    assert 1 <= len(batch.skipped) <= 8
    shown = " ".join(line.text for line in batch.skipped)
    assert "\x1b" not in shown
    assert secret not in shown
    assert (await target.poll(page.replace("} 5\n", "} 6\n"))).skipped_count == 0


async def test_a_consumer_that_is_a_key_is_stored_as_a_fingerprint() -> None:
    target = Target(cost=CostPolicy.COMPUTED)
    await target.poll("# empty\n")
    line = (
        'kong_ai_llm_tokens_total{ai_provider="openai",ai_model="gpt-4o",'
        'token_type="prompt_tokens",consumer="token:sk-abc123"} 5\n'
    )
    batch = await target.poll(line)
    assert batch.records[0].dims.consumer.startswith("key:")
    assert "abc123" not in repr(batch)


async def test_fields_alone_map_any_page() -> None:
    fields = {
        "dimensions": {"provider": {"value": "acme"}, "model": ["m", "model"], "consumer": "team"},
        "metrics": [
            {"name": "acme_tokens_total", "quantity": "tokens", "kind_label": "dir",
             "kinds": {"in": "input", "out": "output"}},
            {"name": "acme_cents_total", "quantity": "cost", "unit": "cents"},
        ],
    }  # fmt: skip
    target = Target("", fields=fields)
    await target.poll("# empty\n")
    batch = await target.poll(
        'acme_tokens_total{dir="in",model="x",team="t"} 7\n'
        'acme_cents_total{model="x",team="t"} 12.5\n'
    )
    (record,) = batch.records
    assert (record.input, record.reported_nano) == (7, 125_000_000)
    assert record.dims[:3] == ("acme", "x", "t")


async def test_an_idle_page_writes_one_small_part() -> None:
    target = Target()
    await target.poll(kong({"prompt_tokens": 5}, "1"))
    batch = await target.poll()
    assert list(batch.checkpoint) == ["@target"]
    assert not batch.records


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        ({"kinds": {"in": "input"}}, {"kinds": {"in": "input", "out": "output"}}, 5),
        ({"where": {"k": "in"}}, {"where": {"k": ["in", "out"]}}, 5),
    ],
)
async def test_a_series_that_counts_only_since_the_rule_changed_is_a_baseline(
    target_of: Callable[..., Any],
    before: dict[str, Any],
    after: dict[str, Any],
    counted: int,
) -> None:
    def fields(more: dict[str, Any]) -> dict[str, Any]:
        kinds = {"kind_label": "k"} if "kinds" in more else {"kind": "input"}
        rule = {"name": "gw_t_total", "quantity": "tokens", **kinds, **more}
        return {"dimensions": {}, "metrics": [rule]}

    target = target_of(fields=fields(before))
    await target.poll('gw_t_total{k="in"} 1\ngw_t_total{k="out"} 900\n')
    target.config = dataclasses.replace(target.config, fields=fields(after))
    target.reopen()
    records = []
    for used, made in ((2, 901), (3, 904)):
        page = f'gw_t_total{{k="in"}} {used}\ngw_t_total{{k="out"}} {made}\n'
        records += (await target.poll(page)).records
    assert sum(record.input + record.output for record in records) == counted


async def test_a_counter_read_in_another_unit_is_another_counter(
    target_of: Callable[..., Any],
) -> None:
    rule = {"name": "gw_cost_total", "quantity": "cost", "unit": "usd"}
    target = target_of(fields={"dimensions": {}, "metrics": [rule]})
    await target.poll("gw_cost_total 1000\n")
    rule = {**rule, "unit": "cents"}
    target.config = dataclasses.replace(target.config, fields={"dimensions": {}, "metrics": [rule]})
    target.reopen()
    assert (await target.poll("gw_cost_total 1001\n")).records == []
    [record] = (await target.poll("gw_cost_total 1003\n")).records
    assert (record.reported_nano, record.lower_bounds) == (2 * 10**7, 0)
