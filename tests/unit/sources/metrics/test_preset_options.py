"""`options:` of a metrics source: switches, numbers, and which model."""

from __future__ import annotations

from typing import Any

import pytest

from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError
from costtui.model.charge import CostPolicy
from costtui.sources import presets
from costtui.sources.metrics.shape import Shape


def shape(preset: str, options: dict[str, Any], **more: Any) -> Shape:
    return presets.shape_of(
        SourceConfig("s", "metrics", "g", preset=preset, options=options, **more)
    )


@pytest.mark.parametrize(
    ("preset", "options", "message"),
    [
        (
            "vllm",
            {"gpu_cost_per_hours": 2},
            'gpu_cost_per_hours: not an option of this preset (did you mean "gpu_cost_per_hour"?)',
        ),
        ("vllm", {"gpu_cost_per_hour": "lots"}, "options.gpu_cost_per_hour: must be a number"),
        ("vllm", {"gpu_cost_per_hour": True}, "options.gpu_cost_per_hour: must be a number"),
        ("vllm", {"gpu_cost_per_hour": -1}, "options.gpu_cost_per_hour: must be a number"),
        ("vllm", {"gpu_cost_per_hour": float("nan")}, "gpu_cost_per_hour: must be a number"),
        ("vllm", {"gpu_cost_per_hour": [2]}, "gpu_cost_per_hour: must be a number"),
        ("vllm", {"gpus": 4}, "options.gpus: means nothing without options.gpu_cost_per_hour"),
        ("vllm", {"model_from": "requested"}, "options.model_from: not an option of this preset"),
        (
            "envoy-ai-gateway",
            {"model_from": "request"},
            'must be one of response, requested, original (did you mean "requested"?)',
        ),
        ("litellm", {"model_from": ["response"]}, "must be one of response, requested"),
        ("litellm", {"model_form": "response"}, '(did you mean "model_from"?)'),
    ],
)
def test_options_that_are_wrong(preset: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        shape(preset, options)
    assert message in str(caught.value)
    assert "lots" not in str(caught.value)  # it may have come out of the environment


def test_a_price_of_gpus_beside_cost_computed_is_a_contradiction() -> None:
    with pytest.raises(ConfigError, match="means nothing where cost: takes tokens"):
        shape("vllm", {"gpu_cost_per_hour": 2}, cost=CostPolicy.COMPUTED)
    # Infrastructure is no tokens: it costs what it costs.
    assert shape("app-cost", {"cpu_cost_per_core": 1}, cost=CostPolicy.COMPUTED)


def test_fields_may_bring_options_and_gauges_of_their_own() -> None:
    gauge = {"name": "rent", "quantity": "cost_rate", "price": "per_room", "unit": "gigabytes"}
    fields: dict[str, Any] = {
        "options": {"per_room": {"number": "USD for a room for an hour", "default": 3}},
        "metrics": [gauge],
    }
    (rule,) = shape("", {}, fields=fields).metrics
    assert rule.rate == 3
    (rule,) = shape("", {"per_room": "0.1"}, fields=fields).metrics
    assert str(rule.rate) == "0.1"  # as written: no float in between
    for wrong, message in (
        ({"price": "per_rom"}, "metrics[0].price: 'per_rom' is not one of per_room"),
        ({"unit": "usd"}, "metrics[0].unit: 'usd' is not one of one, gigabytes, gibibytes"),
        ({"service": "infrastructur"}, '(did you mean "infrastructure"?)'),
        ({"covers_page": True}, "covers_page: has no meaning for quantity cost_rate"),
        ({"presence": "yes"}, "presence: must be true or false"),
    ):
        broken = {**fields, "metrics": [{**gauge, **wrong}]}
        with pytest.raises(ConfigError) as caught:
            shape("", {}, fields=broken)
        assert message in str(caught.value)
    both = {**fields, "metrics": [gauge, {"name": "rent", "quantity": "requests"}]}
    with pytest.raises(ConfigError, match="a gauge in one metric, a counter in another"):
        shape("", {}, fields=both)
