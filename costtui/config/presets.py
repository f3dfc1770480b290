"""The names of the presets, without importing the code that reads them.

A preset for metrics is a data file, so its name is the file's; the modules of `sources` import
httpx and the exposition parser, which a viewer that only checks a name must not pay for.
"""

from __future__ import annotations

from functools import cache

JSONL_PRESETS = ("llm-proxy",)


@cache
def preset_types() -> dict[str, str]:
    """Preset → the source type it is for."""
    from importlib.resources import files  # 20 ms, and only a `preset:` needs it

    folder = files("costtui") / "sources" / "presets"
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    found = {name.removesuffix(".yml"): "metrics" for name in names if name.endswith(".yml")}
    return found | dict.fromkeys(JSONL_PRESETS, "jsonl")
