"""Who moved: one line for an alert about money, found when it begins to fire.

The window of the rule against the one before it, restricted to the labels, as the why screen does
it (`analysis.blame`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from costtui.alerts.watches import BUDGET_BURN, BUDGET_FORECAST, BUDGET_STEP, STEP, Watch
from costtui.analysis.blame import Contribution, contributions, main_cause
from costtui.model.alert import AlertStatus, Labels
from costtui.model.money import divide_half_even
from costtui.model.movement import BY, Key, Moved, Movement
from costtui.model.quantity import quantity_text
from costtui.model.safetext import safe_name, visible
from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import DAY, MINUTE, Window, ceil_minute

MOST: Final = 20
"""Reads for causes in one evaluation, of 10-50 ms each. What is left is looked for at the next."""
TOGETHER: Final = 1000
"""Causes that are told from one read at most, 0.1 ms each."""
MEASURES: Final = (
    "cost_over", "projected_over", "spike_over", BUDGET_STEP, BUDGET_FORECAST, BUDGET_BURN,
)  # fmt: skip
_WORDS: Final = {"volume": "more requests", "price": "dearer", "mix": "bigger requests"}


class Moves(Protocol):
    """What of the store's reader is needed."""

    def movement(self, view: View, pairs: list[tuple[Window, Window]]) -> tuple[Movement, ...]: ...


def turns(
    groups: Mapping[tuple[Watch, float], Sequence[AlertStatus]],
) -> Iterator[tuple[Watch, float, Sequence[AlertStatus]]]:
    """(watch, when they began to fire, alerts) of each read that this evaluation has time for, of
    the alerts that wait longest first."""
    reads: list[tuple[float, int, Watch, list[Sequence[AlertStatus]]]] = []
    for place, ((watch, fired_at), some) in enumerate(groups.items()):
        together = set(watch.by) <= set(BY) and len(some) > 1
        own: list[Sequence[AlertStatus]] = (
            [some[:TOGETHER]] if together else [[one] for one in some]
        )
        reads.append((fired_at, len(own) * len(groups) + place, watch, own))
    reads.sort(key=lambda one: one[:2])  # of one moment, what is told by the fewest reads
    left = MOST
    for fired_at, _, watch, own in reads:
        for some in own[:left]:
            yield watch, fired_at, some
        left -= len(own[:left])


def causes_of(
    reader: Moves, watch: Watch, statuses: Sequence[AlertStatus], moment: float
) -> Iterator[tuple[AlertStatus, str]]:
    """The line of each of some alerts of one watch that began at `moment`, `""` where nothing rose,
    from one read. Raises a `StoreError`."""
    end = ceil_minute(moment)
    length = watch.window or DAY  # of a budget: its last day
    window = Window(end - length, end, MINUTE)
    before = Window(window.start - length, window.start, MINUTE)

    def rows(labels: Labels) -> tuple[Moved, ...]:
        filters = tuple(dict.fromkeys(Filter(d, v) for d, v in (*watch.where, *labels)))
        (found,) = reader.movement(View(window, filters), [(before, window)])
        return found.rows

    if len(statuses) == 1:
        (status,) = statuses
        yield status, _words(rows(tuple(label for label in status.labels if label[0] != STEP)))
        return
    places = [BY.index(name) for name in watch.by]
    by_value: dict[Key, list[Moved]] = {}
    for row in rows(()):
        by_value.setdefault(tuple(row.key[place] for place in places), []).append(row)
    for status in statuses:
        key = tuple(value for name, value in status.labels if name != STEP)
        yield status, _words(by_value.get(key, ()))


def _words(rows: Iterable[Moved]) -> str:
    risen = [c for c in contributions(rows) if c.difference > 0]
    return _line(risen[0], sum(c.difference for c in risen)) if risen else ""


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
