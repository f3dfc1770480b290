"""The usage of two stretches of time beside each other: what "why" is answered from."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.snapshot import Totals
from costtui.model.timewindow import Window

BY = ("provider", "model", "consumer", "gateway", "endpoint")
"""The dimensions of a `Moved` key."""

Key = tuple[str, ...]
"""Values of `BY`; `""` is "no value"."""


class Moved(NamedTuple):
    """One combination of dimensions, then and now."""

    key: Key
    before: Totals
    now: Totals


class Movement(NamedTuple):
    """Two stretches of time, and every combination that has usage in either."""

    before: Window
    now: Window
    rows: tuple[Moved, ...]
