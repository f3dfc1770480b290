"""The identities of usage, interned: what a series id in a row stands for."""

from __future__ import annotations

from typing import Final, NamedTuple

from costtui.model.charge import CostBasis
from costtui.model.dimension import Dimensions

Key = tuple[Dimensions, int, int, bool, bool, bool, bool]
"""(dims, basis, tier, listed, aggregated, reports, estimated): an identity within a source."""

COLUMNS: Final = (
    "id, source, provider, model, consumer, gateway, endpoint, service, "
    "basis, tier, listed, aggregated, reports, estimated"
)


class Series(NamedTuple):
    """One row of the `series` table."""

    id: int
    source: int
    dims: Dimensions
    basis: CostBasis
    tier: int
    listed: bool
    aggregated: bool
    reports: bool
    estimated: bool

    @property
    def key(self) -> Key:
        return (
            self.dims,
            int(self.basis),
            self.tier,
            self.listed,
            self.aggregated,
            self.reports,
            self.estimated,
        )


def from_row(row: tuple[object, ...]) -> Series:
    """A `SELECT` of `COLUMNS` as a `Series`."""
    identity, source, *rest = row
    dims = Dimensions(*map(str, rest[:6]))
    basis, tier, listed, aggregated, reports, estimated = map(_integer, rest[6:])
    return Series(
        _integer(identity),
        _integer(source),
        dims,
        CostBasis(basis),
        tier,
        bool(listed),
        bool(aggregated),
        bool(reports),
        bool(estimated),
    )


def _integer(value: object) -> int:
    assert isinstance(value, int)
    return value


def clean(text: str) -> str:
    """`text` as UTF-8 can hold it: a lone surrogate (`\\ud800` in JSON) would fail a batch for
    ever."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


class Interner:
    """The ids of all series of a store, in memory. Ids are given here and not by SQLite, so that
    rows can be built before the transaction begins."""

    def __init__(self, rows: list[tuple[object, ...]]) -> None:
        self._next = 1
        self.added: list[tuple[object, ...]] = []
        """Series that are not stored yet, as rows of `COLUMNS`."""
        self._sources: dict[int, SourceSeries] = {}
        for row in rows:
            series = from_row(row)
            self.of(series.source).ids[series.key] = series.id
            self._next = max(self._next, series.id + 1)

    def of(self, source: int) -> SourceSeries:
        found = self._sources.get(source)
        if found is None:
            found = self._sources[source] = SourceSeries(self, source)
        return found

    def add(self, source: int, key: Key) -> int:
        identity = self._next
        self._next += 1
        dims, *flags = key
        self.added.append((identity, source, *dims, *map(int, flags)))
        return identity


class SourceSeries:
    """The series of one source."""

    def __init__(self, interner: Interner, source: int) -> None:
        self.source = source
        self.ids: dict[Key, int] = {}
        self._interner = interner

    def intern(self, key: Key) -> int:
        """The id of `key`, a new one where it has none."""
        dims = Dimensions(*map(clean, key[0]))
        cleaned: Key = (dims, *key[1:])
        identity = self.ids.get(cleaned)
        if identity is None:
            identity = self.ids[cleaned] = self._interner.add(self.source, cleaned)
        self.ids[key] = identity
        return identity
