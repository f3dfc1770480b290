"""Makes a source from its configuration; imports only the kind that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError, Problem
from costtui.sources.base import Source

if TYPE_CHECKING:
    import httpx


def build(config: SourceConfig, *, transport: httpx.AsyncBaseTransport | None = None) -> Source:
    """The source that `config` describes. `transport` replaces the network of a source
    that asks a server. Raises ConfigError when its preset or fields cannot be used."""
    if config.type == "metrics":
        from costtui.sources.metrics.source import MetricsSource
        from costtui.sources.presets import shape_of

        return MetricsSource(config, shape_of(config), transport)
    if config.type == "prometheus":
        from costtui.sources.metrics.shape import Shape
        from costtui.sources.presets import shape_of
        from costtui.sources.prometheus.source import PrometheusSource
        from costtui.sources.prometheus.windows import WindowSource

        if config.queries:
            return WindowSource(config, Shape(), transport)
        if config.mode == "aggregate":
            return WindowSource(config, shape_of(config), transport)
        return PrometheusSource(config, shape_of(config), transport)
    if config.type == "jsonl":
        from costtui.sources.jsonl.source import JsonlSource

        return JsonlSource(config)
    raise ConfigError(
        [
            Problem(
                f"source {config.name}",
                0,
                "type",
                f"{config.type!r} is not jsonl, metrics or prometheus",
            )
        ]
    )
