"""Many gateways as one screen: each one's costs over the usual periods, and all of them."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.snapshot import Totals, View


class GatewayUsage(NamedTuple):
    """One gateway, or all of them together. Every period ends where the window ends."""

    key: str
    """The gateway's name; `""` is usage without one, and the sum of all."""
    window: Totals
    previous: Totals
    """The period before the window."""
    hour: Totals
    day: Totals
    """The last 24 hours; 7 and 30 times that below."""
    week: Totals
    month: Totals
    spark: tuple[int, ...]
    """effective nano-USD per chart bucket of the window, oldest first."""
    spark_requests: tuple[int, ...]
    sources: tuple[str, ...] = ()
    """Names of the sources that count it."""
    gap: bool = False
    """One of them was down for a part of the window."""


class Fleet(NamedTuple):
    """All gateways of a view, dearest first, from one consistent read."""

    view: View
    """What was really read."""
    revision: int
    taken_at: float
    total: GatewayUsage
    gateways: tuple[GatewayUsage, ...]
    today: Totals
    today_previous: Totals
    """Yesterday up to the same time of day; so with the week and the month."""
    week: Totals
    """Since Monday, local midnight."""
    week_previous: Totals
    month: Totals
    month_previous: Totals
    hour_previous: Totals
    """The hour before the last one."""
    gap_buckets: frozenset[int]
    """Indices of buckets in which nothing arrived because a source was down."""
