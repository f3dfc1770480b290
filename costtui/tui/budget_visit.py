"""From a budget to the overview of what it is about."""

from __future__ import annotations

from costtui.model.budget import BudgetLine
from costtui.model.snapshot import Filter
from costtui.model.timewindow import WINDOWS, ceil_minute
from costtui.tui.budget_rows import Stood
from costtui.tui.state import Mark, State
from costtui.tui.widgets.budget_table import rolling


def visited(state: State, filters: tuple[Filter, ...], line: BudgetLine, stood: Stood) -> State:
    """The overview of a budget: its filters and no others, so that the sum there is what is spent
    of it. Esc goes back to `state` and to this screen."""
    names = {"day": "today", "month": "month"}
    name = names.get(line.period, "")
    if rolling(line):
        seconds = line.end - line.start
        name = next((w.name for w in WINDOWS if w.seconds == seconds), "")
    mark = Mark((), state.group, filters[-1].value if filters else "", state, "budgets")
    moment = 0.0 if stood.live else stood.at
    zoom = None
    if not name:
        zoom = line.start, min(line.end, ceil_minute(stood.at))
    there = state._replace(
        filters=filters,
        trail=(mark,),
        window=name or state.window,
        back=0,
        anchor=moment,
        zoom=zoom,
    )
    return there._replace(group=there.next_dimension() or state.group)
