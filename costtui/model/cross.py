"""Two dimensions at once, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from costtui.model.snapshot import Totals, View

if TYPE_CHECKING:
    from collections.abc import Mapping

Pair = tuple[str, str]
"""(value of the rows' dimension, value of the columns' dimension)."""


@dataclass(frozen=True, slots=True)
class Cross:
    """The usage of a view by two dimensions, and of the period before. A pair that is not in
    `cells` had no usage. Rows, columns and cells each add up to `total`."""

    view: View
    revision: int
    rows: str
    """The dimension of the rows."""
    columns: str
    cells: Mapping[Pair, Totals]
    previous: Mapping[Pair, Totals]
    row_totals: Mapping[str, Totals]
    """Dearest first; with what had usage only before."""
    column_totals: Mapping[str, Totals]
    row_previous: Mapping[str, Totals]
    column_previous: Mapping[str, Totals]
    total: Totals
    total_previous: Totals


class DimensionUse(NamedTuple):
    """One dimension that a view can be grouped by."""

    dimension: str
    values: int
    """How many values it has in the view; usage without one counts as one."""
    top: str
    """The dearest value."""
    top_nano: int
    """Its effective cost, nano-USD."""
    total_nano: int
    """That of the whole view."""
