"""How every budget stands now: for the budgets screen, the listener and `costtui check`.

The same sums, burn rates and forecast as the alerts of the budgets (`alerts.budgets`,
`engine.outlooks`), so that a screen never contradicts what was told.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo

from costtui.alerts.budgets import burn_rates, spent_in
from costtui.alerts.look import Key, Look
from costtui.alerts.watches import whole
from costtui.analysis.forecast import shared
from costtui.config.alert_schema import ROLLING, BudgetConfig
from costtui.engine.outlooks import Outlooks
from costtui.engine.standing import stand
from costtui.model.budget import BudgetLine, Estimate
from costtui.model.snapshot import Totals
from costtui.model.timewindow import DAY
from costtui.store.watching import WatchReader

Step = tuple[int, Estimate]
"""(moment, what will have been spent from now until then)."""


def read_budgets(
    reader: WatchReader,
    budgets: Sequence[BudgetConfig],
    now: float,
    zone: tzinfo,
    sources: frozenset[str] | None = None,
) -> tuple[BudgetLine, ...]:
    """`standing` at one consistent read. `sources` are the configured ones; None is all. Raises a
    `StoreError`."""
    if not budgets:
        return ()
    with reader.watching() as sight:
        look = Look(sight, now, zone, sources)
        return standing(look, budgets, Outlooks(sight, now, zone))


def standing(
    look: Look, budgets: Iterable[BudgetConfig], outlooks: Outlooks
) -> tuple[BudgetLine, ...]:
    """Each budget in the order of the configuration, its label sets by what they spent, most first.
    A budget without `by` has one line, spent or not."""
    return tuple(line for budget in budgets for line in _lines(look, budget, outlooks))


def _lines(look: Look, budget: BudgetConfig, outlooks: Outlooks) -> list[BudgetLine]:
    watch, stood = whole(budget), stand(look, budget)
    sums = stood.sums
    rates = burn_rates(look, watch, budget.burn_window)
    steps: list[Step] = []
    weights: Mapping[Key, Totals] = sums
    told = outlooks.forecast(watch.where, stood.end) if budget.period != ROLLING else None
    if told is not None:  # with less than a day of history nobody claims anything, as the alert
        steps = [s for s in zip(told.ends, told.path, strict=True) if s[0] <= stood.end]
        weights, _ = spent_in(look, watch, look.end - 7 * DAY, look.end)
    keys = sorted({*sums, *weights}, key=lambda k: (-_nano(sums, k), k))
    by = [max(0, _nano(weights, key)) for key in keys]
    ends = _shared_end(steps, by)
    if not sum(by):
        by = [1] * len(by)
    weight = sum(by)  # added up once: for each of ten thousand it took 1.4 s
    rise = [moment for moment, _ in steps], [estimate.nano for _, estimate in steps]
    out = []
    for place, key in enumerate(keys):
        line = stood.line(key)
        out.append(
            line._replace(
                burn=rates[key][0] if key in rates else 0,
                burn_window=budget.burn_window,
                ahead=ends[place].plus(line.spent) if ends else None,
                banded=bool(ends),
                reaches=_reaches(line.left, int(look.now), rise, by[place], weight),
            )
        )
    return out


def _shared_end(steps: Sequence[Step], by: Sequence[int]) -> list[Estimate]:
    """What comes until the end, shared out; the parts add up to it."""
    if not steps:
        return []
    columns = [shared(amount, by) for amount in steps[-1][1]]
    return [Estimate(*parts) for parts in zip(*columns, strict=True)]


def _nano(sums: Mapping[Key, Totals], key: Key) -> int:
    return sums[key].effective_nano if key in sums else 0


def _reaches(
    left: int, now: int, rise: tuple[list[int], list[int]], weight: int, whole: int
) -> int:
    """When a part, `weight` of `whole`, of what comes will be `left` nano-USD, straight between two
    steps; 0 for not in them. The line of the whole is turned around, not each part's: ten thousand
    label sets over the hours of a month are seven million numbers."""
    if left <= 0 or not weight:
        return 0
    moments, amounts = rise
    wanted = -(-left * whole // weight)
    at = bisect_left(amounts, wanted)
    if at == len(amounts):
        return 0
    before, known = (moments[at - 1], amounts[at - 1]) if at else (now, 0)
    return before + (moments[at] - before) * (wanted - known) // (amounts[at] - known)
