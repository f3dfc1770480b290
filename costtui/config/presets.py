"""The names of the presets, without importing the code that reads them.

A preset is a data file, so its name is the file's; the modules of `sources` import httpx, msgspec
and the exposition parser, which a viewer that only checks a name must not pay for.
"""

from __future__ import annotations

import os
from functools import cache

import costtui

_FOLDERS = {"metrics": ("sources", "presets"), "jsonl": ("sources", "jsonl", "presets")}
"""Source type → the folder of its presets."""


@cache
def preset_types() -> dict[str, str]:
    """Preset → the source type it is for."""
    # Not importlib.resources: it takes 20 ms to import, an eighth of what Textual takes, and a
    # zipped costtui could not run anyway (Textual reads its style sheets from files).
    found: dict[str, str] = {}
    for kind, steps in _FOLDERS.items():
        folder = os.path.join(os.path.dirname(costtui.__file__), *steps)
        names = os.listdir(folder) if os.path.isdir(folder) else []
        found |= {name.removesuffix(".yml"): kind for name in names if name.endswith(".yml")}
    return dict(sorted(found.items()))
