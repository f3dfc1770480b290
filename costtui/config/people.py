"""Who a consumer id is, by the configuration's `consumers:`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from costtui.config.schema import Consumer

KEPT: Final = 100_000
"""Ids that are remembered: anybody may ask the listener for any."""


class People:
    """The exact entry of an id, else the last glob that matches."""

    def __init__(self, consumers: Sequence[tuple[str, Consumer]]) -> None:
        self._exact = {pattern: who for pattern, who in consumers if not _is_glob(pattern)}
        self._globs = [(pattern, who) for pattern, who in reversed(consumers) if _is_glob(pattern)]
        self._who: dict[str, Consumer] = {}

    def of(self, identity: str) -> Consumer:
        who = self._who.get(identity)
        if who is None:
            who = self._exact.get(identity)
            if who is None:
                matching = (w for pattern, w in self._globs if fnmatchcase(identity, pattern))
                who = next(matching, Consumer())
            if len(self._who) >= KEPT:
                self._who.clear()
            self._who[identity] = who
        return who


def _is_glob(pattern: str) -> bool:
    return any(char in pattern for char in "*?[")
