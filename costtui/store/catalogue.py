"""What readers know of series: who they are, and which of them a view asks for.

A few thousand series describe millions of rows, so filters and groups are resolved here, in
Python, to sets of series ids; SQL sees integers only. Teams and organisations are joined here too,
which makes a re-mapping in the config retroactive.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Hashable, Sequence
from itertools import islice
from typing import Final

from costtui.config.people import People
from costtui.config.schema import Consumer, tag_names
from costtui.config.words import did_you_mean
from costtui.errors import UsageError
from costtui.model.charge import CostBasis
from costtui.model.dimension import DIMENSIONS, MAPPED_DIMENSIONS, TAG, tag_of
from costtui.model.snapshot import Filter
from costtui.store.series import COLUMNS, Series, from_row

RECONCILE: Final = "reconcile"
_CONSUMER: Final = DIMENSIONS.index("consumer")
_CACHED: Final = 64


Selection = frozenset[int]


class Chosen(frozenset[int]):
    """The series that some filters let pass.

    `token` stands for it in what is remembered of closed stretches of time: a series that is new
    has nothing in them, and as part of the key its id alone would make ten thousand rows be
    added up again (0.5-3 s).
    """

    token: Hashable = None


def token_of(selection: Selection) -> Hashable:
    """What a selection goes by in a cache; a set that was put together goes by what is in it."""
    return selection.token if isinstance(selection, Chosen) else selection


class Catalogue:
    """All series of a store, read once and then only what is new."""

    def __init__(self, consumers: Sequence[tuple[str, Consumer]] = ()) -> None:
        self.series: dict[int, Series] = {}
        self.sources: dict[int, tuple[str, str]] = {}
        """id → (name, role)."""
        self.tags = tag_names(consumers)
        """The tags that the configuration gives some consumer."""
        self.dimensions = (*DIMENSIONS, *MAPPED_DIMENSIONS, "source", *(TAG + t for t in self.tags))
        """Every dimension that can be asked for."""
        mapped = (d for d in MAPPED_DIMENSIONS if any(getattr(who, d) for _, who in consumers))
        self.groupable = (*DIMENSIONS, *mapped, *(TAG + t for t in self.tags))
        """Those that are worth offering: of the mapped ones what the configuration names."""
        self.unpriced: set[int] = set()
        """Series that have no price."""
        self.uncertain: set[int] = set()
        """Those, and series whose price is estimated."""
        self._newest = 0
        self._people = People(consumers)
        self._roles = 0
        """How often sources have changed, which moves series from one side to the other."""
        self._selections: dict[tuple[tuple[Filter, ...], bool], Chosen] = {}
        self._keys: dict[tuple[str, ...], dict[int, tuple[str, ...]]] = {}

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Learn what is new, inside of a read transaction."""
        sources = {
            int(identity): (str(name), str(role))
            for identity, name, role in connection.execute("SELECT id, name, role FROM source")
        }
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM series WHERE id > ? ORDER BY id", (self._newest,)
        ).fetchall()
        if sources != self.sources:
            self._roles += 1
        if rows or sources != self.sources:
            self.sources = sources
            self._selections.clear()
        for row in rows:
            series = from_row(row)
            self.series[series.id] = series
            if series.basis is CostBasis.UNPRICED:
                self.unpriced.add(series.id)
            if series.basis in (CostBasis.UNPRICED, CostBasis.ESTIMATED):
                self.uncertain.add(series.id)
            self._newest = series.id

    @property
    def reconciles(self) -> bool:
        """Is there a source that is only compared?"""
        return any(role == RECONCILE for _, role in self.sources.values())

    def consumer(self, identity: str) -> Consumer:
        """Who a consumer id is."""
        return self._people.of(identity)

    def value(self, series: Series, dimension: str) -> str:
        """What `series` has for a dimension that `check` lets pass."""
        if dimension in DIMENSIONS:
            return series.dims[DIMENSIONS.index(dimension)]
        if dimension == "team":
            return self.consumer(series.dims.consumer).team
        if dimension == "org":
            return self.consumer(series.dims.consumer).org
        if dimension == "source":
            return self.sources.get(series.source, ("", ""))[0]
        return self.consumer(series.dims.consumer).tag(tag_of(dimension))

    def check(self, dimension: str) -> None:
        """Raises `UsageError` for a dimension that is not known, with the nearest that is."""
        if dimension in self.dimensions:
            return
        near = did_you_mean(dimension, self.dimensions)
        raise UsageError(
            f"{dimension!r} is not a dimension; known are {', '.join(self.dimensions)}{near}"
        )

    def keys(self, by: tuple[str, ...]) -> dict[int, tuple[str, ...]]:
        """series → its values of `by`. Raises `UsageError` for a dimension that is not known."""
        known = self._keys.get(by)
        if known is None:
            for dimension in by:
                self.check(dimension)
            known = self._keys[by] = {}
        if len(known) != len(self.series):  # both are in order of arrival
            for identity, series in islice(self.series.items(), len(known), None):
                known[identity] = tuple(self.value(series, d) for d in by)
        return known

    def select(self, filters: tuple[Filter, ...], *, reconcile: bool = False) -> Chosen:
        """The series that all `filters` let pass.

        Sources that only reconcile are left out, or with `reconcile` are the only ones.
        Raises `UsageError` for an unknown dimension, operator or a broken regular expression.
        """
        found = self._selections.get((filters, reconcile))
        if found is not None:
            return found
        ids = [
            identity
            for identity, series in self.series.items()
            if (self.sources.get(series.source, ("", ""))[1] == RECONCILE) is reconcile
        ]
        for step in filters:
            ids = self._passing(ids, step)
        if len(self._selections) >= _CACHED:
            self._selections.clear()
        selection = self._selections[filters, reconcile] = Chosen(ids)
        selection.token = filters, reconcile, self._roles
        return selection

    def _passing(self, ids: list[int], step: Filter) -> list[int]:
        if step.dimension != "any":
            self.check(step.dimension)
        match, negative = _matcher(step)
        verdicts: dict[str, bool] = {}

        def ok(text: str) -> bool:
            verdict = verdicts.get(text)
            if verdict is None:
                verdict = verdicts[text] = match(text)
            return verdict

        return [i for i in ids if any(map(ok, self._texts(i, step.dimension))) is not negative]

    def _texts(self, identity: int, dimension: str) -> list[str]:
        """What a filter on `dimension` looks at; a consumer goes by its name too."""
        series = self.series[identity]
        names = self.dimensions if dimension == "any" else (dimension,)
        texts = [self.value(series, name) for name in names]
        if dimension in ("any", "consumer"):
            name = self.consumer(series.dims[_CONSUMER]).name
            if name:
                texts.append(name)
        return texts


def _matcher(step: Filter) -> tuple[Callable[[str], bool], bool]:
    """(test of one value, whether the filter is negative)."""
    wanted = step.value
    negative = step.op.startswith("!")
    op = step.op.removeprefix("!") or "="
    if op == "=":
        return wanted.__eq__, negative
    if op == "*":
        folded = wanted.casefold()
        return lambda text: folded in text.casefold(), negative
    if op == "~":
        try:
            pattern = re.compile(wanted)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"{wanted!r} is not a regular expression: {error}") from error
        return lambda text: pattern.search(text) is not None, negative
    raise UsageError(f"{step.op!r} is not a filter operator; known are = != ~ !~ * !*")
