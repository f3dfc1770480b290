"""Which decoder a source's configuration asks for."""

from __future__ import annotations

from costtui.config.schema import SourceConfig
from costtui.sources.jsonl.decode import Decoder, ProxyDecoder

LLM_PROXY = "llm-proxy"


def build_decoder(config: SourceConfig) -> Decoder:
    """The decoder of a preset or a mapping. Raises ConfigError."""
    return ProxyDecoder(config.gateway)
