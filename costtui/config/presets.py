"""The names of the presets, without importing the code that reads them.

A preset for metrics is a data file, so its name is the file's; the modules of `sources` import
httpx and the exposition parser, which a viewer that only checks a name must not pay for.
"""

from __future__ import annotations

import os
from functools import cache

import costtui

JSONL_PRESETS = ("llm-proxy",)


@cache
def preset_types() -> dict[str, str]:
    """Preset → the source type it is for."""
    # Not importlib.resources: it takes 20 ms to import, a fifth of a viewer's start, and a zipped
    # costtui could not run anyway (Textual reads its style sheets from files).
    folder = os.path.join(os.path.dirname(costtui.__file__), "sources", "presets")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found = {name.removesuffix(".yml"): "metrics" for name in names if name.endswith(".yml")}
    return found | dict.fromkeys(JSONL_PRESETS, "jsonl")
