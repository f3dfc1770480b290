"""Which decoder a source's configuration asks for."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError, Problem
from costtui.sources.jsonl.decode import Decoder, ProxyDecoder
from costtui.sources.jsonl.fields import parse_fields
from costtui.sources.jsonl.mapped import MappedDecoder

LLM_PROXY = "llm-proxy"


@cache
def preset_names() -> tuple[str, ...]:
    """The presets of the `jsonl` source; each is a file of `presets/`."""
    found = (files(__package__) / "presets").iterdir()
    return tuple(sorted(f.name.removesuffix(".yml") for f in found if f.name.endswith(".yml")))


def preset_fields(preset: str) -> dict[str, Any]:
    """The mapping of a preset, as its file says."""
    text = (files(__package__) / "presets" / f"{preset}.yml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)["fields"]
    return loaded


def build_decoder(config: SourceConfig) -> Decoder:
    """The decoder of a preset, a mapping, or a mapping laid over a preset. Raises ConfigError."""
    preset = config.preset
    if preset and preset not in preset_names():
        near = get_close_matches(preset, preset_names(), 1, 0.5)
        hint = f' (did you mean "{near[0]}"?)' if near else f" (known: {', '.join(preset_names())})"
        raise _error(config, "preset", f"unknown preset {preset!r}{hint}")
    if not preset and not config.fields:
        raise _error(config, "preset", f"say preset: ({', '.join(preset_names())}) or fields:")
    if preset == LLM_PROXY and not config.fields:
        return ProxyDecoder(config.gateway)
    base = preset_fields(preset) if preset else {}
    return MappedDecoder(config.gateway, parse_fields({**base, **config.fields}, config.name))


def _error(config: SourceConfig, key: str, message: str) -> ConfigError:
    return ConfigError([Problem(f"source {config.name}", 0, key, message)])
