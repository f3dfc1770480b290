"""What the simulated fleet really spent.

The demo's whole worth as a test bed is that its truth is found another way than costtui's
totals: plain integer sums, kept while the traffic is made, by code that shares nothing with
sources, pricing or store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

DIMENSIONS = ("provider", "model", "consumer", "gateway")


class Cell(NamedTuple):
    """One combination of dimension values as costtui can see them; `""` where the gateway does
    not tell (Kong's open-source AI metrics know no consumer, its failures no model)."""

    provider: str = ""
    model: str = ""
    consumer: str = ""
    gateway: str = ""


@dataclass(slots=True)
class Amounts:
    """Sums of one cell. Token kinds are disjoint; money is integer nano-USD."""

    requests: int = 0
    """Failed ones included."""
    errors: int = 0
    """Failed for another reason than 429."""
    throttled: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    """Always 0: none of the fleet's gateways tells reasoning apart from output."""
    effective_nano: int = 0
    """What costtui promises to show with `cost: reported`."""
    estimated_nano: int = 0
    """The part of it that the proxy itself calls a guess."""
    estimated_requests: int = 0
    unpriced_requests: int = 0
    """Requests to a model that no list has a rate for."""
    unpriced_tokens: int = 0

    def add(self, other: Amounts, sign: int = 1) -> None:
        """Add `other` (take it away with `sign` -1)."""
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + sign * getattr(other, name))

    @property
    def tokens(self) -> int:
        return sum(getattr(self, name) for name in _TOKENS)


_NAMES = tuple(f.name for f in fields(Amounts))
_TOKENS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")


@dataclass(slots=True)
class Truth:
    """Amounts by cell, and by every single dimension on request."""

    cells: dict[Cell, Amounts] = field(default_factory=dict)

    def cell(self, cell: Cell) -> Amounts:
        """The amounts of `cell`, made on first use."""
        found = self.cells.get(cell)
        if found is None:
            found = self.cells[cell] = Amounts()
        return found

    def add(self, other: Truth, sign: int = 1) -> None:
        """Add all of `other` (take it away with `sign` -1)."""
        for cell, amounts in other.cells.items():
            self.cell(cell).add(amounts, sign)

    def copy(self) -> Truth:
        made = Truth()
        made.add(self)
        return made

    def by(self, dimension: str, names: Mapping[str, str] | None = None) -> dict[str, Amounts]:
        """Amounts per value of one of `DIMENSIONS`; `names` renames values (and may merge
        them), for a config that does. Cells in which nothing happened are left out."""
        at = DIMENSIONS.index(dimension)
        out: dict[str, Amounts] = {}
        for cell, amounts in self.cells.items():
            if not amounts.requests:
                continue
            value = (names or {}).get(cell[at], cell[at])
            out.setdefault(value, Amounts()).add(amounts)
        return out

    @property
    def total(self) -> Amounts:
        total = Amounts()
        for amounts in self.cells.values():
            total.add(amounts)
        return total

    def to_dict(self) -> dict[str, Any]:
        """`total`, one object a dimension, and the `cells` they are made of."""
        return {
            "total": asdict(self.total),
            **{d: {k: asdict(a) for k, a in sorted(self.by(d).items())} for d in DIMENSIONS},
            "cells": [
                {**cell._asdict(), **asdict(a)}
                for cell, a in sorted(self.cells.items())
                if a.requests
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Truth:
        """The inverse of `to_dict` (reads `cells` only)."""
        made = cls()
        for row in data["cells"]:
            cell = Cell(*(row[d] for d in DIMENSIONS))
            made.cells[cell] = Amounts(**{name: row[name] for name in _NAMES})
        return made

    def write(self, path: Path) -> None:
        """Write `truth.json`, whole or not at all."""
        part = path.with_name(path.name + ".part")
        part.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Truth:
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
