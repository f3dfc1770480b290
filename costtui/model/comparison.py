"""The same traffic seen twice: what counts beside what a reconciling source saw of it."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.snapshot import Totals


class Compared(NamedTuple):
    """One gateway (or a part of it) as the counting sources and as one reconciling source saw it.

    Both sums are of `[start, end)`, the stretch of the window that both sides cover. Where there
    is none (`end` is not after `start`) each is what that side has in the whole window, and
    their difference means nothing.
    """

    gateway: str
    key: tuple[str, ...]
    """The values of the further dimensions asked for; empty for the gateway as a whole."""
    source: str
    """The name of the reconciling source."""
    start: int
    end: int
    counted: Totals
    seen: Totals
    edge: Totals
    """What either side has within two reads of an end of the stretch. A counter's growth belongs
    to the minute in which it was read, so this much may lie on the other side of an end for one
    of the two and be no difference."""
    counting: tuple[str, ...] = ()
    """The sources that count this gateway; empty where nobody does."""
    known: bool = True
    """Has the reconciling source ever seen this gateway?"""
    reading: bool = False
    """Older history is still being read on one side: what is missing may come."""

    @property
    def covered(self) -> bool:
        """Is there a stretch that both sides cover?"""
        return self.end > self.start
