"""Who moved: one line for an alert about money, found when it begins to fire.

The window of the rule against the one before it, restricted to the labels, as the why screen does
it (`analysis.blame`).
"""

from __future__ import annotations

from typing import Final, Protocol

from costtui.alerts.watches import BUDGET_BURN, BUDGET_FORECAST, BUDGET_STEP, STEP, Watch
from costtui.analysis.blame import Contribution, contributions, main_cause
from costtui.model.alert import AlertStatus
from costtui.model.money import divide_half_even
from costtui.model.movement import Movement
from costtui.model.quantity import quantity_text
from costtui.model.safetext import safe_name, visible
from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import DAY, MINUTE, Window, ceil_minute

MOST: Final = 20
"""Causes that are looked for in one evaluation: each is a read of 10-50 ms, and of a thousand
alerts that begin at once nobody reads the thousandth line."""
MEASURES: Final = (
    "cost_over", "projected_over", "spike_over", BUDGET_STEP, BUDGET_FORECAST, BUDGET_BURN,
)  # fmt: skip
_WORDS: Final = {"volume": "more requests", "price": "dearer", "mix": "bigger requests"}


class Moves(Protocol):
    """What of the store's reader is needed."""

    def movement(self, view: View, pairs: list[tuple[Window, Window]]) -> tuple[Movement, ...]: ...


def cause_of(reader: Moves, watch: Watch, status: AlertStatus, now: float) -> str:
    """The line, `""` where nothing rose. Raises a `StoreError`."""
    end = ceil_minute(now)
    length = watch.window or DAY  # of a budget: its last day
    window = Window(end - length, end, MINUTE)
    before = Window(window.start - length, window.start, MINUTE)
    filters = [Filter(d, v) for d, v in (*watch.where, *status.labels) if d != STEP]
    (found,) = reader.movement(View(window, tuple(dict.fromkeys(filters))), [(before, window)])
    risen = [c for c in contributions(found.rows) if c.difference > 0]
    if not risen:
        return ""
    rise = sum(c.difference for c in risen)
    return _line(risen[0], rise)


def _line(top: Contribution, rise: int) -> str:
    """`consumer search, model gpt-5: +$12.30, 84% of the rise (more requests)`."""
    values = dict(top.values)
    named = [
        f"{name} {visible(safe_name(value) if name == 'consumer' else value, 60)}"
        for name in ("consumer", "model")
        if (value := values.get(name, ""))
    ]
    who = ", ".join(named) or "usage without a name"
    share = divide_half_even(top.difference * 100, rise)
    why = "new" if not top.before.effective_nano else _WORDS[main_cause(top.parts)]
    return f"{who}: +{quantity_text('cost', top.difference)}, {share}% of the rise ({why})"
