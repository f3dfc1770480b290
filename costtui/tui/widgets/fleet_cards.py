"""The figures of all gateways together: today, this week, this month, the last hour."""

from __future__ import annotations

from textual.geometry import Size

from costtui.model.fleet import Fleet
from costtui.tui.look import Line, Look
from costtui.tui.shown import Shown
from costtui.tui.widgets.kpi import Card, Figures, strip, then_names, token_line
from costtui.tui.widgets.lines import Lines

MOST = 8


def fleet_cards(
    fleet: Fleet, look: Look, width: int, *, compare: bool, unit: str = "cost"
) -> list[Card]:
    """Calendar periods with their change and the last hour in `unit`, then the window's usage."""
    make = Figures(look, width, compare=compare)
    whole = fleet.total
    week, month, hour = (
        ("this week", "this month", "last hour") if width >= 11 else ("week", "month", "hour")
    )
    then = then_names(fleet.view.window, look)
    day = "today"
    if then is not None:
        day, month = then
        week = "that week" if width >= 11 else "week"
    return [
        make.spent(day, fleet.today, fleet.today_previous, 0, unit),
        make.spent(week, fleet.week, fleet.week_previous, 1, unit),
        make.spent(month, fleet.month, fleet.month_previous, 2, unit),
        make.spent(hour, whole.hour, fleet.hour_previous, 3, unit),
        *make.usage(whole.window, whole.previous, (4, 5, 6, 7), unit),
    ]


class FleetCards(Lines):
    """Label, value and change of each figure, then the window's tokens by kind."""

    DEFAULT_CSS = "FleetCards { height: 4; }"

    shown: Shown | None = None
    fleet: Fleet | None = None

    def lines(self, size: Size) -> list[Line]:
        fleet, shown = self.fleet, self.shown
        if fleet is None or shown is None:
            return []
        look, compare, unit = self.look, shown.state.compare, shown.state.unit
        return [
            *strip(
                look,
                lambda width: fleet_cards(fleet, look, width, compare=compare, unit=unit),
                MOST, size.width,
            ),
            token_line(fleet.total.window, look, size.width),
        ]  # fmt: skip
