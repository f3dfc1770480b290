"""The checkpoint of a `prometheus` source: one part a series, a target and a hole.

| part | holds |
|---|---|
| `@prom` | the newest scrape read, since when what is looked at |
| `s:<series>` | `State`, the newest sample |
| `T:<target>` | `Target` |
| `J:<target>:…` | what its joiner remembers |
| `H:<n>` | a `Hole`; its `h:<n>:<series>` heads, `t:` tails, `A:` and `B:` scrapes, `K:` joiners |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from costtui.errors import SourceFormatError
from costtui.sources.prometheus.holes import Above, Head, Hole, State
from costtui.sources.prometheus.ledger import Ledger


class Meta(NamedTuple):
    """What is remembered of the source as a whole. Times are epoch milliseconds."""

    edge: int = 0
    """Everything up to here was looked at; 0 before the first answer."""
    names: frozenset[str] = frozenset()
    """The metrics that were asked for, with their unit."""
    view: int = 0
    asked: Mapping[str, int] = {}
    next: int = 1
    """The number of the next hole."""

    def dump(self) -> str:
        data = [self.edge, sorted(self.names), self.view, dict(self.asked), self.next]
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Meta:
        """Raises ValueError or TypeError."""
        edge, names, view, asked, number = json.loads(text)
        return cls(
            int(edge),
            frozenset(map(str, names)),
            int(view),
            {str(k): int(v) for k, v in asked.items()},
            int(number),
        )


META = Meta()


def restore(checkpoint: Mapping[str, str], ledger: Ledger) -> Meta:
    """Fill an empty ledger. Raises SourceFormatError for a checkpoint that was not written by us:
    going on without a part of it could count twice."""
    try:
        return _restore(checkpoint, ledger)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise SourceFormatError(f"the stored checkpoint cannot be read: {error}") from None


def _restore(checkpoint: Mapping[str, str], ledger: Ledger) -> Meta:
    if "@prom" not in checkpoint:
        return META
    meta = Meta.load(checkpoint["@prom"])
    ledger.view_from = meta.view
    ledger.asked = dict(meta.asked)
    holes: dict[str, Hole] = {}
    for part, text in checkpoint.items():
        if part.startswith("T:"):
            ledger.tracks.load_target(text)
        elif part.startswith("H:"):
            holes[part.partition(":")[2]] = Hole.load(part, text)
    memories: dict[tuple[str, str], dict[str, str]] = {}
    for part, text in checkpoint.items():
        letter, _, rest = part.partition(":")
        number, _, key = rest.partition(":")
        match letter:
            case "s":
                ledger.states[rest] = State.load(text)
            case "h":
                holes[number].heads[key] = Head.load(text)
            case "t":
                holes[number].tails[key] = State.load(text)
            case "A":
                holes[number].above[key] = Above.load(text)
            case "B":
                holes[number].below[key] = Above.load(text)
            case "J":
                memories.setdefault(("", number), {})[key] = text
            case "K":
                target, _, inner = key.partition(":")
                memories.setdefault((number, target), {})[inner] = text
    for (number, target), parts in memories.items():
        if number:
            make = lambda: ledger.tracks.joiner(history=True)  # noqa: E731
            holes[number].joiner(target, make).restore(parts)
        elif target in ledger.tracks.targets:
            ledger.tracks.targets[target].joiner.restore(parts)
    ledger.restored = True
    ledger.unlearnt = {key for key, target in ledger.tracks.targets.items() if target.good}
    ledger.holes = sorted(holes.values(), key=lambda hole: hole.number)
    return meta
