"""What was used and paid, put together for questions about prices and budgets."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.snapshot import Totals, View


class Spent(NamedTuple):
    """The usage of a view under one key."""

    key: tuple[str, ...]
    """(provider, model) and what else was asked for."""
    total: Totals
    """All of it."""
    listed: tuple[tuple[int, Totals], ...] = ()
    """The part that has a list price, by tier (see `Charge.tier`), lowest first. Its `list_nano` is
    all that `total` has."""
    told: Totals = Totals()
    """The part that has a list price and for which the source reported money: what can be
    compared. A reported 0 for tokens means "not priced" and is no part of it."""
    standing: Totals = Totals()
    """The part that costs by the hour and not by use (`service: infrastructure`)."""

    @property
    def provider(self) -> str:
        return self.key[0]

    @property
    def model(self) -> str:
        return self.key[1]


class Days(NamedTuple):
    """What is spent, for whoever chooses a budget. Days and months are local ones."""

    view: View
    """Its filters narrow everything here, its window nothing."""
    month: Totals
    """This month to date."""
    last_month: Totals
    """The whole of the one before."""
    last_month_start: int
    """Epoch seconds."""
    days: tuple[tuple[int, Totals], ...]
    """(start, sums) of each of the last whole days that the store covers, oldest first; today is
    not one of them."""
    earliest: float
    """The oldest usage in the store, epoch seconds; 0 when it is empty."""
