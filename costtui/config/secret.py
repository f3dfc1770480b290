"""A text that is never shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown: `str()` and `repr()` are masked, `.reveal()` is the text."""

    _text: str

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return "********"

    def __repr__(self) -> str:
        return "Secret(********)"
