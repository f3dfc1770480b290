"""What usage is attributed to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from costtui.model.safetext import safe_name

DIMENSIONS = ("provider", "model", "consumer", "gateway", "endpoint", "service")
"""The dimensions stored with usage, in the order of `Dimensions`."""

MAPPED_DIMENSIONS = ("team", "org")
"""Joined at query time from the config's `consumers:`, so a re-mapping is retroactive."""

TAG = "tag:"
"""Begins a dimension that is a tag of the consumer's, also joined at query time: `tag:env`."""
TAG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,62}", re.ASCII)
"""What a tag may be called: nothing that `--by` divides at or that a filter's operator begins."""

LLM = "llm"
INFRASTRUCTURE = "infrastructure"

NO_VALUE = frozenset({"", "none", "unknown", "unspecified", "other", "null", "-"})
"""Lower-case spellings by which gateways say that they know no value (formats.md, rule 4)."""


MAX_NAME: Final = 200
"""Characters of a stored name."""
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


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


def storable(text: str, limit: int = MAX_NAME) -> str:
    """`text`, at most `limit` characters of it, with what SQLite and UTF-8 cannot hold replaced by
    U+FFFD."""
    if len(text) > limit:
        text = text[:limit]
    return _UNSTORABLE.sub("\ufffd", text)


def stored_name(text: str) -> str:
    """A name that may be a secret, as it is stored: the fingerprint of the whole text, or the
    text."""
    # Replaced before a fingerprint is made: readers differ in when they do it.
    return storable(safe_name(_UNSTORABLE.sub("\ufffd", text)))


def stored_value(dimension: str, text: str) -> str:
    """What every source stores as `dimension` where usage says `text`, so what to look up.

    Characters that do not show are kept: two names that differ in one are two consumers, and who
    draws a name spells them out. Teams, organisations and tags stand in the configuration and
    are what it says.
    """
    if is_mapped(dimension):
        return text
    value = value_or_none(text)
    if dimension == "consumer":
        return stored_name(value)
    if dimension == "endpoint":  # `?key=…` is how some providers are paid
        return stored_name(value.partition("?")[0])
    return storable(value)


def tag_of(dimension: str) -> str:
    """The tag's name of a dimension `tag:env`; `""` for every other dimension."""
    return dimension[len(TAG) :] if dimension.startswith(TAG) else ""


def is_mapped(dimension: str) -> bool:
    """Does the configuration say what it is, and not the usage?"""
    return dimension in MAPPED_DIMENSIONS or dimension.startswith(TAG)


def known_dimensions(tags: Iterable[str] = ()) -> tuple[str, ...]:
    """Every dimension there is, with one for each of the names in `tags`."""
    return (*DIMENSIONS, *MAPPED_DIMENSIONS, *(TAG + name for name in tags))


def is_dimension(name: str) -> bool:
    """Can usage be grouped by `name` and restricted to a value of it? A tag may be one that no
    consumer has: then nothing has a value of it."""
    return name in known_dimensions() or bool(TAG_NAME.fullmatch(tag_of(name)))
