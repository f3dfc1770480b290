"""What usage is attributed to."""

from __future__ import annotations

from typing import NamedTuple

DIMENSIONS = ("provider", "model", "consumer", "gateway", "endpoint", "service")
"""The dimensions stored with usage, in the order of `Dimensions`."""

MAPPED_DIMENSIONS = ("team", "org")
"""Joined at query time from the config's `consumers:`, so a re-mapping is retroactive."""


def is_dimension(name: str) -> bool:
    """Can usage be grouped by `name` and restricted to a value of it?"""
    return name in DIMENSIONS or name in MAPPED_DIMENSIONS


LLM = "llm"
INFRASTRUCTURE = "infrastructure"

NO_VALUE = frozenset({"", "none", "unknown", "unspecified", "other", "null", "-"})
"""Lower-case spellings by which gateways say that they know no value (formats.md, rule 4)."""


class Dimensions(NamedTuple):
    """One combination of dimension values; `""` means "no value"."""

    provider: str = ""
    model: str = ""
    consumer: str = ""
    gateway: str = ""
    endpoint: str = ""
    service: str = LLM


def value_or_none(text: str) -> str:
    """`text`, or `""` where the text is one of the ways to say "no value"."""
    return "" if text.lower() in NO_VALUE else text
