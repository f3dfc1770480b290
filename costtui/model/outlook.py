"""What a forecast is made from: one consistent read of the past."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.snapshot import AlertStatus, Totals, View


class OutlookGroup(NamedTuple):
    """One value of the grouped dimension."""

    key: str
    to_date: Totals
    """Of this calendar month."""
    week: Totals
    """Of the last seven days: what the rest of the month is shared out by."""


class Outlook(NamedTuple):
    """The past hours and this month so far. Times are epoch seconds, money is nano-USD."""

    view: View
    """This calendar month to date, with the filters."""
    revision: int
    until: int
    """The end of the calendar month."""
    start: int
    """Of the first hour."""
    hours: tuple[int | None, ...]
    """The spend of each whole hour up to now; None is a gap: nothing arrived, a source was down."""
    to_date: Totals
    last_month: Totals
    """The whole calendar month before."""
    dimension: str
    groups: tuple[OutlookGroup, ...]
    alerts: tuple[AlertStatus, ...] = ()
    last_month_from: int = 0
    """Since when last month is in the store; 0 where all of it is."""
    earliest: int = 0
    """The oldest usage in the store, epoch seconds; 0 for none."""
