"""The formula of each measure of a rule. Those of budgets are in `budgets`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from costtui.alerts import budgets
from costtui.alerts.look import Key, Look, Measured, Seen, recent
from costtui.alerts.periods import weeks_before
from costtui.alerts.ratios import ceil_div
from costtui.alerts.watches import BUDGET_BURN, BUDGET_FORECAST, BUDGET_STEP, Watch
from costtui.config.alert_schema import AlertRule
from costtui.model.alert import FACTOR, SHARE
from costtui.model.charge import Exactness
from costtui.model.comparison import Compared
from costtui.model.money import NANO
from costtui.model.snapshot import Gap, Totals
from costtui.model.timewindow import TEN_MINUTES, floor_to

Answer = tuple[Measured, frozenset[Key]]
Measure = Callable[[Look, Watch], Answer]

WEEKS: Final = 8
"""Weeks that spikes are compared with."""
LEAST_WEEKS: Final = 2
MOST_GAP: Final = 10
"""A week in which more than one of so many parts of the window was a gap says nothing."""
LEAST_DIFFERENCE: Final = NANO // 100
"""nano-USD: a difference of less than a cent is none."""


def names_of(watch: Watch) -> Key:
    """The label names of what a watch sees, without the step of a budget."""
    if watch.measure == "source_down_for":
        return ("source",)
    if watch.measure == "difference_over":
        return ("gateway", "source", *(d for d in watch.by if d not in ("gateway", "source")))
    return watch.by


def _rule(watch: Watch) -> AlertRule:
    assert watch.rule is not None
    return watch.rule


def _sums(look: Look, watch: Watch) -> tuple[Mapping[Key, Totals], frozenset[Key], Exactness, int]:
    """(sums, unknown, what makes them less exact, seconds that were read)."""
    low, high = recent(look, watch)
    found, start, end = look.sight.sums(low, high, watch.where, watch.by)
    right = Exactness.EXACT if end - start == high - low else Exactness.ESTIMATE
    return found, look.unknown(watch, watch.by), right, end - start


def _bound(exactness: int, key: Key, unknown: frozenset[Key]) -> Exactness:
    """Where the newest data is missing, what was spent is at least what is known."""
    return Exactness(exactness | (Exactness.LOWER_BOUND if key in unknown else 0))


def _amount(
    of: Callable[[Totals], int], *, priced: bool = False
) -> Callable[[Look, Watch], Answer]:
    def measure(look: Look, watch: Watch) -> Answer:
        sums, unknown, right, _ = _sums(look, watch)
        out = {}
        for key, totals in sums.items():
            value = of(totals)
            exact = right | (totals.exactness if priced else Exactness.EXACT)
            out[key] = Seen(value, value > watch.limit, _bound(exact, key, unknown))
        return out, unknown

    return measure


def _share(of: Callable[[Totals], int]) -> Measure:
    def measure(look: Look, watch: Watch) -> Answer:
        sums, unknown, right, _ = _sums(look, watch)
        least = max(1, _rule(watch).min_requests)
        out = {}
        for key, totals in sums.items():
            if totals.requests < least:
                continue
            part = ceil_div(of(totals) * SHARE, totals.requests)
            exact = right | (Exactness.ESTIMATE if key in unknown else Exactness.EXACT)
            note = f"{of(totals):,} of {totals.requests:,} requests"
            out[key] = Seen(part, part > watch.limit, Exactness(exact), note)
        return out, unknown

    return measure


def _projected(look: Look, watch: Watch) -> Answer:
    sums, unknown, _, seconds = _sums(look, watch)
    per = _rule(watch).per
    out = {}
    for key, totals in sums.items():
        value = ceil_div(totals.effective_nano * per, seconds)
        exact = totals.exactness | Exactness.ESTIMATE
        out[key] = Seen(value, value > watch.limit, _bound(exact, key, unknown))
    return out, unknown


def _spike(look: Look, watch: Watch) -> Answer:
    """The cost of the window ÷ the median of the same hours of the weeks before."""
    sums, unknown, right, _ = _sums(look, watch)
    usual = _usual(look, watch)
    least = _rule(watch).min_cost_nano
    out: dict[Key, Seen] = {}
    unjudged = set(unknown)
    for key, totals in sums.items():
        costs = [week.get(key, 0) for week in usual]
        twice = twice_the_median(costs)
        if len(costs) < LEAST_WEEKS or not twice:
            # Nothing usual: only a rule that keeps its state may take that for "not known".
            if watch.timing.no_data == "keep":
                unjudged.add(key)
            continue
        value = ceil_div(2 * FACTOR * totals.effective_nano, twice)
        exact = _bound(totals.exactness | right, key, unknown)
        over = value > watch.limit and totals.effective_nano >= least
        out[key] = Seen(value, over, exact)
    return out, frozenset(unjudged)


def _usual(look: Look, watch: Watch) -> list[dict[Key, int]]:
    """nano-USD by label set in the same window of each week before that is known, newest first.

    Its end is brought down to ten minutes, so that it is the same for as long and is read once.
    """
    length = watch.window
    end = floor_to(look.end, TEN_MINUTES)
    earliest = look.sight.earliest()
    gaps = look.sight.gaps(weeks_before(end, WEEKS, look.zone) - length, end - length)
    weeks: list[dict[Key, int]] = []
    for back in range(1, WEEKS + 1):
        high = weeks_before(end, back, look.zone)
        low = high - length
        if not earliest or low < earliest or _gap_in(gaps, low, high) * MOST_GAP > length:
            continue
        sums, start, stop = look.sight.sums(low, high, watch.where, watch.by)
        read = stop - start
        weeks.append({k: t.effective_nano * length // read for k, t in sums.items()})
    return weeks


def _gap_in(gaps: Sequence[Gap], low: int, high: int) -> float:
    """The longest gap of a source within `[low, high)`, seconds."""
    return max((min(g.end, high) - max(g.start, low) for g in gaps), default=0.0)


def twice_the_median(values: Sequence[int]) -> int:
    """Twice, because half of the sum of the two in the middle may be no integer. 0 for none."""
    ordered = sorted(values)
    count = len(ordered)
    return ordered[(count - 1) // 2] + ordered[count // 2] if ordered else 0


def _silent(look: Look, watch: Watch) -> Answer:
    low, high = recent(look, watch)
    unknown = look.unknown(watch, watch.by)
    out = {}
    for key, end in look.sight.last_usage(low, high, watch.where, watch.by).items():
        silence = max(0, int(look.now) - end)
        # What a source that is down has not told is no silence.
        out[key] = Seen(silence, silence > watch.limit and key not in unknown)
    return out, unknown


def _source_down(look: Look, watch: Watch) -> Answer:
    out: dict[Key, Seen] = {}
    for status in look.statuses:
        value = look.unread_for(status)
        out[(status.name,)] = Seen(value, value > watch.limit, note=status.error[:200])
    return out, frozenset()


def _difference(look: Look, watch: Watch) -> Answer:
    low, high = recent(look, watch)
    by = names_of(watch)[2:]
    out: dict[Key, Seen] = {}
    unknown: set[Key] = set()
    for row in look.sight.compared(low, high, watch.where, by):
        key = (row.gateway, row.source, *row.key)
        if not row.covered or row.reading or not row.counting or not row.known:
            unknown.add(key)
        else:
            out[key] = _compared(row, watch.limit)
    if watch.timing.no_data != "keep":
        unknown.clear()  # two sides that do not overlap yet are no gap
    return out, frozenset(unknown)


def _compared(row: Compared, limit: int) -> Seen:
    """By cost; by tokens where one side has no price for what the other has. As on the screen
    (`analysis.reconcile`), what two reads can have on the other side of an end is no difference."""
    one, other = row.counted, row.seen
    if bool(one.unpriced_tokens) is bool(other.unpriced_tokens):
        counted, seen, edge = one.effective_nano, other.effective_nano, row.edge.effective_nano
        least = LEAST_DIFFERENCE
    else:
        counted, seen, edge, least = one.tokens, other.tokens, row.edge.tokens, 0
    gap = abs(counted - seen)
    value = ceil_div(gap * SHARE, counted or max(seen, 1))
    exact = Exactness.EXACT
    if one.exactness or other.exactness:
        exact = Exactness.ESTIMATE
    return Seen(value, value > limit and gap > max(edge, least), exact)


MEASURED: Final[Mapping[str, Measure]] = {
    "cost_over": _amount(lambda t: t.effective_nano, priced=True),
    "tokens_over": _amount(lambda t: t.tokens),
    "requests_over": _amount(lambda t: t.requests),
    "unpriced_over": _amount(lambda t: t.unpriced_tokens),
    "error_share_over": _share(lambda t: t.errors),
    "throttled_share_over": _share(lambda t: t.throttled),
    "projected_over": _projected,
    "spike_over": _spike,
    "silent_for": _silent,
    "source_down_for": _source_down,
    "difference_over": _difference,
    BUDGET_STEP: budgets.reached,
    BUDGET_FORECAST: budgets.forecast,
    BUDGET_BURN: budgets.burn,
}
"""Measure → what it sees."""
