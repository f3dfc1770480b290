"""What each preset makes of the versions and spellings of its gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.config.schema import SourceConfig
from costtui.model.usage import TOKEN_TYPES, UsageRecord
from costtui.sources import presets
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.metrics.shape import TOKEN_KINDS, MetricRule

if TYPE_CHECKING:
    from tests.unit.sources.metrics.conftest import Target

    MakeTarget = Callable[..., Target]


def total(records: Iterable[UsageRecord], field: str) -> int:
    return sum(getattr(record, field) or 0 for record in records)


def line(name: str, value: float | str, **labels: str) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{name}{{{inside}}} {value}\n"


def labelled() -> Iterator[Any]:
    for name in presets.names():
        for rule in presets.load(name).metrics:
            if rule.kind_label:
                yield pytest.param(name, rule, id=f"{name}-{rule.names[0]}")


@pytest.mark.parametrize(("name", "rule"), labelled())
@given(data=st.data())
def test_token_kinds_are_never_added_up(name: str, rule: MetricRule, data: st.DataObject) -> None:
    """Whatever kinds a page shows, each series is one kind or none: `total` and what is not known
    are no tokens, and no other label makes them so."""
    values = st.sampled_from(sorted(rule.kinds)) | st.text("abctolin_", max_size=6)
    value = data.draw(values)
    mapper = Mapper(presets.load(name), SourceConfig("s", "metrics", "g", preset=name))
    series = mapper.series(rule.names[0], {rule.kind_label: value}, "s:1", b"")
    tokens = [field for place in series.placements for field in place.fields if field < 6]
    kind = rule.kinds.get(value, "ignore")
    expected = [] if kind == "ignore" else [TOKEN_TYPES.index(kind)]
    assert tokens == expected
    assert TOKEN_KINDS == TOKEN_TYPES
    assert not ({"total", "total_tokens"} & set(rule.kinds)) or "ignore" in rule.kinds.values()


@pytest.mark.parametrize("name", presets.names())
def test_each_preset_says_where_it_was_read_and_what_it_cannot_know(name: str) -> None:
    text, shape = presets.text(name), presets.load(name)
    assert "# Read in: " in text
    assert "# Tokens: " in text or "# Money: " in text or "Tokens: none" in text
    assert len(shape.limits) >= 2
    assert all(limit.endswith(".") for limit in shape.limits)
    assert all(len(line) <= 100 for line in text.splitlines())


# --- Kong ----------------------------------------------------------------------------------------


async def test_enterprise_splits_requests_by_mode_and_consumer(target_of: MakeTarget) -> None:
    def page(oneshot: int, stream: int) -> str:
        labels = {"ai_provider": "openai", "ai_model": "gpt-4o", "consumer": "alice"}
        return "".join(
            line("kong_ai_llm_requests_total", count, request_mode=mode, **labels)
            + line("kong_ai_llm_cost_total", count / 4, request_mode=mode, **labels)
            for mode, count in (("oneshot", oneshot), ("stream", stream))
        )

    target = target_of("kong")
    await target.poll(page(1, 1))
    (record,) = (await target.poll(page(3, 5))).records
    assert (record.requests, record.reported_nano) == (6, 1_500_000_000)
    assert record.dims.consumer == "alice"


# --- LiteLLM -------------------------------------------------------------------------------------


async def test_names_of_litellm_before_mid_2025(target_of: MakeTarget) -> None:
    labels = {"model": "gpt-4o", "api_key_alias": "None", "user": "u1", "team": "None"}
    records = await target_of("litellm").from_zero(
        line("litellm_spend_metric_total", 0.25, **labels)
        + line("litellm_input_tokens_total", 100, **labels)
        + line("litellm_output_tokens_total", 20, **labels)
        + line("litellm_total_tokens_total", 120, **labels)
    )
    (record,) = records
    assert (record.input, record.output, record.reported_nano) == (100, 20, 250_000_000)
    # "None" is no value: the next label that has one says who it was.
    assert (record.dims.provider, record.dims.consumer) == ("", "u1")


async def test_every_token_kind_of_litellm(target_of: MakeTarget) -> None:
    counts = {
        "input": 100,
        "output": 40,
        "total": 140,
        "input_cached": 30,
        "input_cache_creation": 10,
        "output_reasoning": 15,
        "input_audio": 5,
        "output_audio": 5,
        "provider_cache_read_input": 30,
    }
    page = "".join(
        line(f"litellm_{kind}_tokens_metric_total", count, model="m")
        for kind, count in counts.items()
    )
    (record,) = await target_of("litellm").from_zero(page)
    assert record[6:12] == (60, 30, 10, 0, 25, 15)


def spend(value: float, created: float, user: str = "bob", start: float = 900_000.0) -> str:
    labels = {"end_user": user, "model": "m", "api_provider": "openai"}
    return (
        f"process_start_time_seconds {start}\n"
        + line("litellm_spend_metric_total", value, **labels)
        + line("litellm_spend_metric_created", created, **labels)
    )


async def test_an_end_user_series_that_vanished_is_no_reset(target_of: MakeTarget) -> None:
    target = target_of("litellm")
    await target.poll(spend(5, 900_010))
    await target.poll("process_start_time_seconds 900000\n")
    batch = await target.poll(spend(0.5, 1_000_040))
    (record,) = batch.records
    assert (record.reported_nano, record.lower_bounds, batch.resets) == (500_000_000, 0, 0)
    # Deleted and back between two scrapes, and already beyond what it was.
    (record,) = (await target.poll(spend(0.75, 1_000_050))).records
    assert (record.reported_nano, record.lower_bounds) == (750_000_000, 0)


async def test_a_restart_of_litellm_is_a_reset(target_of: MakeTarget) -> None:
    target = target_of("litellm")
    await target.poll(spend(5, 900_010))
    batch = await target.poll(spend(0.5, 1_000_020, start=1_000_019.0))
    (record,) = batch.records
    assert (record.reported_nano, record.lower_bounds, batch.resets) == (500_000_000, 1, 1)


async def test_without_start_and_creation_a_fall_is_a_reset(target_of: MakeTarget) -> None:
    target = target_of("litellm")
    labels = {"end_user": "bob", "model": "m"}
    await target.poll(line("litellm_spend_metric_total", 5, **labels))
    batch = await target.poll(line("litellm_spend_metric_total", 1, **labels))
    assert (total(batch.records, "lower_bounds"), batch.resets) == (1, 1)


# --- Envoy AI Gateway and OpenTelemetry ----------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "options", "fresh"),
    [
        ("openai", {}, 70),
        ("anthropic", {}, 70),
        ("gcp.anthropic", {"anthropic_input_without_cache": True}, 100),
        ("aws.bedrock", {"anthropic_input_without_cache": True}, 100),
        ("openai", {"anthropic_input_without_cache": True}, 70),
    ],
)
async def test_envoy_input_with_and_without_cache(
    target_of: MakeTarget, provider: str, options: dict[str, Any], fresh: int
) -> None:
    kinds = {"input": 100, "cached_input": 30, "output": 9, "reasoning": 4, "total": 109}
    page = "".join(
        line("gen_ai_client_token_usage_sum", value, gen_ai_provider_name=provider,
             gen_ai_response_model="m", gen_ai_token_type=kind)
        for kind, value in kinds.items()
    )  # fmt: skip
    (record,) = await target_of("envoy-ai-gateway", options=options).from_zero(page)
    assert (record.input, record.cache_read) == (fresh, 30)
    assert (record.output, record.reasoning) == (5, 4)


async def test_old_envoy_names_the_provider_otherwise(target_of: MakeTarget) -> None:
    page = line("gen_ai_client_token_usage_sum", 8, gen_ai_system_name="openai",
                gen_ai_request_model="m", gen_ai_token_type="input")  # fmt: skip
    (record,) = await target_of("envoy-ai-gateway").from_zero(page)
    assert record.dims[:2] == ("openai", "m")


SPLIT = {
    "input_tokens": 100,
    "cache_read.input_tokens": 30,
    "cache_write.input_tokens": 10,
    "output_tokens": 20,
    "reasoning.output_tokens": 5,
}


@pytest.mark.parametrize("style", ["underscores", "underscores_total", "dots"])
async def test_counters_of_the_new_conventions(target_of: MakeTarget, style: str) -> None:
    """One counter a kind, split by modality, whatever the translator made of the dots."""
    page = 'gen_ai_client_token_usage_sum{gen_ai_token_type="input"} 100\n'  # both while migrating
    for kind, value in SPLIT.items():
        name = f"gen_ai.client.inference.usage.{kind}"
        for modality, count in (("text", value - 1), ("image", 1)):
            if style == "dots":
                page += (
                    f'{{"{name}","gen_ai.provider.name"="openai","gen_ai.response.model"="m",'
                    f'"gen_ai.token.modality"="{modality}"}} {count}\n'
                )
                continue
            plain = name.replace(".", "_") + ("_total" if style.endswith("total") else "")
            page += line(plain, count, gen_ai_provider_name="openai", gen_ai_response_model="m",
                         gen_ai_token_modality=modality)  # fmt: skip
    (record,) = await target_of("otel-genai").from_zero(page)
    assert record.dims[:2] == ("openai", "m")
    assert (record.input, record.cache_read, record.cache_write) == (60, 30, 10)
    assert (record.output, record.reasoning) == (15, 5)


# --- which model ---------------------------------------------------------------------------------

MODELS = {"gen_ai_original_model": "o", "gen_ai_request_model": "q", "gen_ai_response_model": "r"}


@pytest.mark.parametrize(
    ("options", "labels", "model"),
    [
        ({}, {}, "r"),
        ({}, {"gen_ai_response_model": "unknown"}, "q"),
        ({"model_from": "requested"}, {}, "q"),
        ({"model_from": "original"}, {}, "o"),
        ({"model_from": "original"}, {"gen_ai_original_model": ""}, "r"),
        ({"model_from": "response"}, {}, "r"),
    ],
)
async def test_which_model_is_chosen(
    target_of: MakeTarget, options: dict[str, Any], labels: dict[str, str], model: str
) -> None:
    page = line(
        "gen_ai_client_token_usage_sum", 8, gen_ai_token_type="input", **{**MODELS, **labels}
    )
    (record,) = await target_of("envoy-ai-gateway", options=options).from_zero(page)
    assert record.dims.model == model


# --- applications --------------------------------------------------------------------------------


async def test_an_application_with_everything(target_of: MakeTarget) -> None:
    at = {"provider": "openai", "model": "gpt-4o"}
    page = (
        line("cost_provider_tokens_total", 100, type="input", **at)
        + line("cost_provider_tokens_total", 20, type="output", **at)
        + line("cost_provider_tokens_total", 120, type="total", **at)
        + line("cost_provider_api_calls_total", 7, status="success", **at)
        + line("cost_provider_api_calls_total", 2, status="429", **at)
        + line("cost_provider_api_calls_total", 1, status="error", **at)
        + line("cost_request_cost_usd_sum", 0.125, endpoint="/chat")
        + line("cost_request_cost_usd_count", 4, endpoint="/chat")
        + line("cost_request_cost_usd_bucket", 4, endpoint="/chat", le="+Inf")
    )
    records = await target_of("app-cost").from_zero(page)
    found = {record.dims.endpoint: record for record in records}
    assert found["/chat"].reported_nano == 125_000_000
    assert found["/chat"].requests == 0  # the calls are counted, not both
    tokens = found[""]
    assert (tokens.input, tokens.output, tokens.dims.provider) == (100, 20, "openai")
    assert (tokens.requests, tokens.throttled, tokens.errors) == (10, 2, 1)
    # The histogram pays for the whole page: the tokens are not priced a second time.
    assert tokens.reported_nano == 0


async def test_an_application_with_other_spellings(target_of: MakeTarget) -> None:
    page = (
        line("cost_provider_tokens_total", 5, token_type="prompt", vendor="x", model_name="m")
        + line("cost_request_cost_usd_count", 4, route="/chat")
        + line("cost_request_cost_usd_sum", 0, route="/chat")
    )
    records = await target_of("app-cost").from_zero(page)
    found = {record.dims.endpoint: record for record in records}
    assert (found[""].input, found[""].dims[:2]) == (5, ("x", "m"))
    assert found["/chat"].requests == 4  # without calls, the histogram's


async def test_an_application_without_the_histogram_is_priced(target_of: MakeTarget) -> None:
    page = line("cost_provider_tokens_total", 5, type="input", provider="x", model="m")
    (record,) = await target_of("app-cost").from_zero(page)
    assert (record.input, record.reported_nano) == (5, None)


async def test_parts_of_a_cost_add_up_and_their_sum_does_not(target_of: MakeTarget) -> None:
    whole = {"provider": "b", "model": "m", "user_id": "bob"}
    split = {"provider": "a", "model": "m", "user_id": "ann"}
    page = (
        line("llm_cost_total", 0.25, type="input", **split)
        + line("llm_cost_total", 0.50, type="output", **split)
        + line("llm_cost_total", 0.75, type="total", **split)
        + line("llm_cost_total", 2, type="Total", **whole)
        + line("llm_cost_total", 3, provider="c")
    )
    records = await target_of("llm-cost").from_zero(page)
    assert {r.dims.provider: r.reported_nano for r in records} == {
        "a": 750_000_000,
        "b": 2_000_000_000,
        "c": 3_000_000_000,
    }
    assert {r.dims.consumer for r in records} == {"ann", "bob", ""}


async def test_kinds_of_calls_add_up(target_of: MakeTarget) -> None:
    page = line("llm_cost_total", 1, type="chat") + line("llm_cost_total", 2, type="embedding")
    records = await target_of("llm-cost").from_zero(page)
    assert total(records, "reported_nano") == 3_000_000_000
