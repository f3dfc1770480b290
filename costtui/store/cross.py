"""Two dimensions at once: the sums of every pair, with rows, columns and the period before."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from costtui.errors import UsageError
from costtui.model.cross import Cross, DimensionUse
from costtui.model.snapshot import Totals, View
from costtui.model.timewindow import Window
from costtui.store.catalogue import Catalogue, Selection
from costtui.store.levels import EFFECTIVE
from costtui.store.sums import Groups, SumCache, Sums, add_up


def cross(
    connection: sqlite3.Connection,
    cache: SumCache,
    view: View,
    before: Window,
    chosen: Selection,
    by: tuple[str, str],
    revision: int,
) -> Cross:
    """Every pair of values of `by` that had usage. Raises `UsageError` for twice the same one."""
    if by[0] == by[1]:
        raise UsageError(f"rows and columns are both {by[0]}: choose another dimension for one")
    window = view.window

    def sums(span: Window, names: tuple[str, ...]) -> Groups:
        return cache.groups(connection, span.start, span.end, chosen, names)

    sides = [_side(sums(window, (name,)), sums(before, (name,))) for name in by]
    return Cross(
        view, revision, *by,
        _pairs(sums(window, by)), _pairs(sums(before, by)),
        sides[0][0], sides[1][0], sides[0][1], sides[1][1],
        add_up(sides[1][0].values()), add_up(sides[1][1].values()),
    )  # fmt: skip


def _pairs(groups: Groups) -> Mapping[tuple[str, str], Totals]:
    return groups  # type: ignore[return-value]  # keys of two dimensions are pairs


def _side(now: Groups, before: Groups) -> tuple[dict[str, Totals], dict[str, Totals]]:
    """One axis, dearest first: (sums, sums of the period before)."""
    none = Totals()
    found = [(key[0], totals) for key, totals in now.items()]
    found += [(key[0], none) for key in before if key not in now]
    found.sort(key=lambda pair: (-pair[1].effective_nano, -pair[1].requests, pair[0]))
    return dict(found), {key[0]: totals for key, totals in before.items()}


def uses(catalogue: Catalogue, rows: Sums) -> tuple[DimensionUse, ...]:
    """Everything the rows can be grouped by."""
    total = sum(row[EFFECTIVE] for row in rows.values())
    found = []
    for dimension in catalogue.groupable:
        keys = catalogue.keys((dimension,))
        spent: dict[tuple[str, ...], int] = {}
        for sid, row in rows.items():
            key = keys[sid]
            spent[key] = spent.get(key, 0) + row[EFFECTIVE]
        top = min(spent, key=lambda key: (-spent[key], key), default=("",))
        found.append(DimensionUse(dimension, len(spent), top[0], spent.get(top, 0), total))
    return tuple(found)
