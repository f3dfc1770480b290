"""Names as numbers that are in their order, so that a list of requests can be sorted by them.

A request has the number of its series, and a series has names: a model's is looked up once for each
series and not for each of a million requests. The name that is shown counts: a consumer's own,
where the configuration gives one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Final, NamedTuple

from costtui.model.dimension import DIMENSIONS
from costtui.model.listing import Amount, name_amount
from costtui.store.catalogue import Catalogue

CONSUMER: Final = "consumer"


class Ranks(NamedTuple):
    """The values of one dimension in the order of a list: the last one is shown first."""

    amounts: tuple[Amount, ...]
    """Of the names, least first."""
    places: dict[Amount, int]
    """What a request's own value is in a list → its rank."""
    series: array[int]
    """The rank of each series, by its id."""

    def rank(self, amount: Amount) -> int:
        return self.places.get(amount, 0)

    def sorted_pairs(self, rows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """(series, id), sorted → (rank, id), sorted. All requests of a series have one rank, so
        only the ids of series that share one are sorted again, and as runs that are in order.
        A join in SQL with a table of the ranks took 25 times as long: it has no index."""
        flat = array("q", chain.from_iterable(rows))
        series, ids = flat[::2], flat[1::2]
        found: dict[int, list[array[int]]] = {}
        at = 0
        while at < len(series):
            end = bisect_right(series, series[at], at)
            found.setdefault(self.series[series[at]], []).append(ids[at:end])
            at = end
        for rank in sorted(found):
            runs = found[rank]
            together: Iterable[int] = runs[0] if len(runs) == 1 else sorted(chain(*runs))
            yield from zip(repeat(rank), together, strict=False)

    def table_from(self, old: Ranks) -> array[int]:
        """The new rank of each old one. Names only ever come: the order of those there were
        stays."""
        at = {amount: rank for rank, amount in enumerate(self.amounts)}
        return array("q", (at.get(amount, 0) for amount in old.amounts))


def ranks_of(catalogue: Catalogue, dimension: str) -> Ranks:
    """The order of a dimension's values as far as series are known."""
    at = DIMENSIONS.index(dimension)
    shown: dict[str, Amount] = {}
    for series in catalogue.series.values():
        raw = series.dims[at]
        if raw not in shown:
            name = catalogue.consumer(raw).name if raw and dimension == CONSUMER else ""
            shown[raw] = name_amount(name or raw)
    amounts = tuple(sorted(set(shown.values())))
    order = {amount: rank for rank, amount in enumerate(amounts)}
    by_series = array("q", bytes(8 * (max(catalogue.series, default=0) + 1)))
    for identity, series in catalogue.series.items():
        by_series[identity] = order[shown[series.dims[at]]]
    places = {name_amount(raw): order[amount] for raw, amount in shown.items()}
    return Ranks(amounts, places, by_series)
