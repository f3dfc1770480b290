"""What a look around this machine found, and what would be written into a configuration for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

AGAIN = 75
"""What the screen ends with when it is to start once more, with another configuration."""


class Found(NamedTuple):
    """One thing that is here: a page, a server or a log."""

    where: str
    """`127.0.0.1:8001`, or the path of a log."""
    text: str
    """What it is, for people."""
    source: tuple[str, ...] = ()
    """Lines of one or more entries of `sources:`, without indent; none where it is not counted."""
    presets: tuple[str, ...] = ()
    """Of the source: a second one with one of them would count the same."""
    again: bool = False
    """Something before it has the same preset, and so most likely the same traffic: one Kong has
    its page on two ports, and a Prometheus may scrape a page that is here too."""

    @property
    def good(self) -> bool:
        """Would it be counted?"""
        return bool(self.source) and not self.again


def once(found: Iterable[Found]) -> list[Found]:
    """`found` with those marked that would count what one before them counts."""
    taken: set[str] = set()
    out = []
    for one in found:
        if one.source and taken & set(one.presets):
            one = one._replace(again=True, text=f"{one.text}; the same again?")
        taken.update(one.presets)
        out.append(one)
    return out


class Discovery(NamedTuple):
    """Everything that was found, and the configuration for it."""

    found: tuple[Found, ...]
    text: str
    """A whole configuration file, in YAML."""
