"""What VictoriaMetrics answers otherwise than Prometheus; captured from 1.79."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from costtui.config.schema import SourceConfig
from costtui.sources.prometheus.api import Api, Result, api_base


async def _raw(result: list[dict[str, Any]], **more: object) -> tuple[Result, dict[str, list[str]]]:
    asked: list[dict[str, list[str]]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(parse_qs(request.content.decode()))
        data = {"resultType": "matrix", "result": result}
        return httpx.Response(200, json={"status": "success", "data": data, **more})

    config = SourceConfig("v", "prometheus", "v", url="http://victoria.test:8428/prometheus")
    api = Api(config, httpx.MockTransport(respond))
    try:
        return await api.raw('{__name__="c"}', 0, 10_000), asked[0]
    finally:
        await api.close()


async def test_a_stale_marker_is_no_sample() -> None:
    """A range selector shows where a series ended as a NaN; Prometheus leaves it out."""
    values = [[1.0, "1"], [2.0, "NaN"], [3.0, "1"], [4.0, "NaN"]]
    found, _ = await _raw([{"metric": {"__name__": "c"}, "values": values}])
    assert found.rows[0].values == [(1.0, "1"), (3.0, "1")]


async def test_a_partial_answer_is_a_warning() -> None:
    """A cluster with a storage node down. History is not taken from it."""
    found, _ = await _raw([], isPartial=True)
    assert found.warnings == ["the answer is partial"]
    found, _ = await _raw([], isPartial=False)
    assert found.warnings == []


async def test_answers_are_not_taken_from_its_cache() -> None:
    _, form = await _raw([])
    assert form["nocache"] == ["1"]


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://v:8428", "http://v:8428/api/v1"),
        ("http://v:8428/prometheus/", "http://v:8428/prometheus/api/v1"),
        ("http://v:8428/vmui/#/?g0.expr=up", "http://v:8428/api/v1"),
        ("http://v:8481/select/0/prometheus", "http://v:8481/select/0/prometheus/api/v1"),
        ("http://v:8481/select/0/prometheus/vmui/", "http://v:8481/select/0/prometheus/api/v1"),
    ],
)
def test_its_addresses(url: str, base: str) -> None:
    assert api_base(url) == base
