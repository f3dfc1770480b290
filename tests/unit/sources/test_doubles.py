"""Two presets that read the same metrics of one place count them twice."""

from __future__ import annotations

from typing import Any

import pytest

from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError
from costtui.sources.doubles import check


def source(name: str, preset: str, **more: Any) -> SourceConfig:
    given = {"type": "prometheus", "url": "http://p:9090", **more}
    return SourceConfig(name=name, gateway=name, preset=preset, **given)


def test_two_presets_with_a_metric_in_common_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        check([source("a", "envoy-ai-gateway"), source("b", "otel-genai")])
    message = str(caught.value)
    assert "source b: preset: counts gen_ai_client_token_usage_" in message
    assert "of the same server as source a" in message
    pages = [source(n, p, type="metrics") for n, p in (("a", "kong"), ("b", "kong-requests"))]
    with pytest.raises(ConfigError, match=r"kong_http_requests_total of the same page as source a"):
        check(pages)


@pytest.mark.parametrize(
    "second",
    [
        source("b", "litellm"),
        source("b", "otel-genai", url="http://other:9090"),
        source("b", "otel-genai", role="reconcile"),
        source("b", "otel-genai", match='job="apps"'),
        source("b", "otel-genai", type="metrics"),
    ],
    ids=["other metrics", "other server", "compared", "excluded", "a page"],
)
def test_what_is_counted_once_is_none_of_its_business(second: SourceConfig) -> None:
    check([source("a", "envoy-ai-gateway", match='job="envoy"'), second])
