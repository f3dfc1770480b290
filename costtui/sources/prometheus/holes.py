"""Stretches of time that are still to be read, and how they are kept in the checkpoint.

A crash in the middle goes on where the last stored batch ended: the oldest samples known (heads)
and the states of before (tails) are parts of the checkpoint until the hole is filled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from costtui.sources.metrics.joining import Joiner
from costtui.sources.prometheus.tracks import Track


class State(NamedTuple):
    """The newest sample known of a series."""

    ms: int
    value: int
    """-1: it goes on as another series. If it comes back it is that one's successor."""
    created: float = 0.0
    target: str = ""

    @property
    def passed(self) -> bool:
        """Does another series go on from it?"""
        return self.value < 0

    def dump(self) -> str:
        return _dump(list(self))

    @classmethod
    def load(cls, text: str) -> State:
        """Raises ValueError or TypeError."""
        ms, value, created, target = json.loads(text)
        return cls(int(ms), int(value), float(created), str(target))


class Head(NamedTuple):
    """The oldest sample known of a series above a hole: what it grew by is not counted yet."""

    ms: int
    value: int
    created: float
    mask: int
    """Which placements count at this scrape."""
    before: int
    """The scrape before it; 0 where that is not known."""
    metric: Mapping[str, str]

    def dump(self) -> str:
        return _dump([*self[:5], dict(self.metric)])

    @classmethod
    def load(cls, text: str) -> Head:
        """Raises ValueError, TypeError or AttributeError."""
        ms, value, created, mask, before, metric = json.loads(text)
        labels = {str(k): str(v) for k, v in metric.items()}
        return cls(int(ms), int(value), float(created), int(mask), int(before), labels)


class Above(NamedTuple):
    """The oldest scrape known of a target above a hole. Times are epoch milliseconds."""

    scrape: int = 0
    start_ms: int = 0
    start: float = 0.0
    """`process_start_time_seconds` at `start_ms`; 0 for none."""
    version: str = ""
    levels: Mapping[str, str] = {}
    """What each gauge was worth."""

    def dump(self) -> str:
        return _dump([*self[:4], dict(self.levels)])

    @classmethod
    def load(cls, text: str) -> Above:
        """Raises ValueError or TypeError."""
        scrape, start_ms, start, version, levels = json.loads(text)
        values = {str(key): str(value) for key, value in dict(levels).items()}
        return cls(int(scrape), int(start_ms), float(start), str(version), values)


@dataclass(slots=True)
class Hole:
    """`(lo, hi]`, of which `(edge, hi]` is read. Times are epoch milliseconds."""

    number: int
    lo: int
    hi: int
    edge: int
    first: bool = False
    """Nothing is known below it."""
    samples: int = 0
    """How many samples were read of it."""
    heads: dict[str, Head] = field(default_factory=dict)
    tails: dict[str, State] = field(default_factory=dict)
    above: dict[str, Above] = field(default_factory=dict)
    """By the target's key."""
    below: dict[str, Above] = field(default_factory=dict)
    """The newest scrape known of a target below the hole."""
    waiting: dict[str, set[str]] | None = None
    """Heads at the oldest scrape of their target: the one before it is not read yet. None until
    it is found out, after a start in the middle of the hole."""
    _joiners: dict[str, Joiner] = field(default_factory=dict)

    @property
    def part(self) -> str:
        return f"H:{self.number}"

    def dump(self) -> str:
        return _dump([self.lo, self.hi, self.edge, self.first, self.samples])

    @classmethod
    def load(cls, part: str, text: str) -> Hole:
        """Raises ValueError or TypeError."""
        lo, hi, edge, first, samples = json.loads(text)
        number = int(part.partition(":")[2])
        return cls(number, int(lo), int(hi), int(edge), bool(first), int(samples))

    def put_head(
        self,
        head: Head,
        track: Track,
        parts: dict[str, str | None],
        moved: bool = False,
    ) -> None:
        """Set a series' head. One whose number did not move is not stored again: a stored time
        that is too new says the same of a counter that stood still. Where it began is stored."""
        old = self.heads.get(track.key)
        self.heads[track.key] = head
        began = old is not None and (old.before or head.before) and old != head
        if began or moved or old is None or (old.value, old.created) != (head.value, head.created):
            parts[f"h:{self.number}:{track.key}"] = head.dump()

    def wait_for(self, head: Head, track: Track) -> None:
        """For the scrape before `head`, where that is not read yet."""
        if not head.before and self.waiting is not None:
            self.waiting.setdefault(track.target.key, set()).add(track.key)

    def put_above(self, target: str, above: Above, parts: dict[str, str | None]) -> None:
        if self.above.get(target) != above:
            self.above[target] = above
            parts[f"A:{self.number}:{target}"] = above.dump()

    def joiner(self, target: str, make: Callable[[], Joiner]) -> Joiner:
        """The joiner of one target in this hole."""
        found = self._joiners.get(target)
        if found is None:
            found = self._joiners[target] = make()
        return found

    def joiner_prefix(self, target: str) -> str:
        return f"K:{self.number}:{target}:"

    def dump_all(self, parts: dict[str, str | None]) -> None:
        """Everything, when the hole is new."""
        parts[self.part] = self.dump()
        for key, tail in self.tails.items():
            parts[f"s:{key}"] = None
            parts[f"t:{self.number}:{key}"] = tail.dump()
        for key, below in self.below.items():
            parts[f"B:{self.number}:{key}"] = below.dump()

    def erase(self, parts: dict[str, str | None]) -> None:
        """Remove every part of it."""
        parts[self.part] = None
        of: dict[str, Mapping[str, object]] = {
            "h": self.heads,
            "t": self.tails,
            "A": self.above,
            "B": self.below,
        }
        for letter, keys in of.items():
            parts.update(dict.fromkeys((f"{letter}:{self.number}:{key}" for key in keys), None))
        for target, joiner in self._joiners.items():
            prefix = self.joiner_prefix(target)
            parts.update(dict.fromkeys((prefix + part for part in joiner.parts()), None))


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
