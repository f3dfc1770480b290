"""The formula of each measure of a rule. Those of budgets are in `budgets`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from costtui.alerts import budgets
from costtui.alerts.look import Key, Look, Seen, Terms, judged, recent
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

Measure = Callable[[Look, Watch], Terms]

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


def _amount(of: Callable[[Totals], int], *, priced: bool = False) -> Measure:
    def measure(look: Look, watch: Watch) -> Terms:
        sums, unknown, right, _ = _sums(look, watch)

        def judge(key: Key, totals: Totals) -> Seen:
            value = of(totals)
            exact = right | (totals.exactness if priced else Exactness.EXACT)
            return Seen(value, value > watch.limit, _bound(exact, key, unknown))

        return Terms(sums, judge, (right, unknown), unknown)

    return measure


def _share(of: Callable[[Totals], int]) -> Measure:
    def measure(look: Look, watch: Watch) -> Terms:
        sums, unknown, right, _ = _sums(look, watch)
        least = max(1, _rule(watch).min_requests)

        def judge(key: Key, totals: Totals) -> Seen | None:
            if totals.requests < least:
                return None
            part = ceil_div(of(totals) * SHARE, totals.requests)
            exact = right | (Exactness.ESTIMATE if key in unknown else Exactness.EXACT)
            note = f"{of(totals):,} of {totals.requests:,} requests"
            return Seen(part, part > watch.limit, Exactness(exact), note)

        return Terms(sums, judge, (right, unknown), unknown)

    return measure


def _projected(look: Look, watch: Watch) -> Terms:
    sums, unknown, _, seconds = _sums(look, watch)
    per = _rule(watch).per

    def judge(key: Key, totals: Totals) -> Seen:
        value = ceil_div(totals.effective_nano * per, seconds)
        exact = totals.exactness | Exactness.ESTIMATE
        return Seen(value, value > watch.limit, _bound(exact, key, unknown))

    return Terms(sums, judge, (seconds, unknown), unknown)


def _spike(look: Look, watch: Watch) -> Terms:
    """The cost of the window ÷ the median of the same hours of the weeks before."""
    sums, unknown, right, _ = _sums(look, watch)
    weeks, twice = _usual(look, watch)
    if weeks < LEAST_WEEKS:
        twice = {}
    least = _rule(watch).min_cost_nano
    unjudged = unknown
    # Nothing usual: only a rule that keeps its state may take that for "not known".
    if watch.timing.no_data == "keep":
        unjudged = unknown.union(key for key in sums if key not in twice)

    def judge(key: Key, totals: Totals) -> Seen | None:
        usual = twice.get(key)
        if not usual:
            return None
        value = ceil_div(2 * FACTOR * totals.effective_nano, usual)
        exact = _bound(totals.exactness | right, key, unknown)
        over = value > watch.limit and totals.effective_nano >= least
        return Seen(value, over, exact)

    return Terms(sums, judge, (right, unknown, twice), unjudged)


def _usual(look: Look, watch: Watch) -> tuple[int, Mapping[Key, int]]:
    """(weeks that are known, twice the median of what was spent in the same window of each of them
    by label set, nano-USD; those with none are left out).

    The end is brought down to ten minutes, so that it is the same for as long and is read once.
    """
    length = watch.window
    end = floor_to(look.end, TEN_MINUTES)
    earliest = look.sight.earliest()
    gaps = look.sight.gaps(weeks_before(end, WEEKS, look.zone) - length, end - length)
    ends = [weeks_before(end, back, look.zone) for back in range(1, WEEKS + 1)]
    known = tuple(
        high
        for high in ends
        if earliest
        and high - length >= earliest
        and _gap_in(gaps, high - length, high) * MOST_GAP <= length
    )

    def medians() -> dict[Key, int]:
        weeks: list[Mapping[Key, int]] = []
        for high in known:
            spent, start, stop = look.sight.spent(high - length, high, watch.where, watch.by)
            weeks.append({k: nano * length // (stop - start) for k, nano in spent.items()})
        keys = {key for week in weeks for key in week}
        found = ((k, twice_the_median([week.get(k, 0) for week in weeks])) for k in keys)
        return {key: twice for key, twice in found if twice}

    if not known:
        return 0, {}
    asked = ("usual", watch.where, watch.by, length, known)
    return len(known), look.sight.once(asked, min(known) - length, max(known), medians)


def _gap_in(gaps: Sequence[Gap], low: int, high: int) -> float:
    """The longest gap of a source within `[low, high)`, seconds."""
    return max((min(g.end, high) - max(g.start, low) for g in gaps), default=0.0)


def twice_the_median(values: Sequence[int]) -> int:
    """Twice, because half of the sum of the two in the middle may be no integer. 0 for none."""
    ordered = sorted(values)
    count = len(ordered)
    return ordered[(count - 1) // 2] + ordered[count // 2] if ordered else 0


def _silent(look: Look, watch: Watch) -> Terms:
    low, high = recent(look, watch)
    unknown = look.unknown(watch, watch.by)
    now = int(look.now)

    def judge(key: Key, end: int) -> Seen:
        silence = max(0, now - end)
        # What a source that is down has not told is no silence.
        return Seen(silence, silence > watch.limit and key not in unknown)

    ends = look.sight.last_usage(low, high, watch.where, watch.by)
    return Terms(ends, judge, (now, unknown), unknown)


def _source_down(look: Look, watch: Watch) -> Terms:
    out: dict[Key, Seen] = {}
    for status in look.statuses:
        value = look.unread_for(status)
        out[(status.name,)] = Seen(value, value > watch.limit, note=status.error[:200])
    return judged(out)


def _difference(look: Look, watch: Watch) -> Terms:
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
    return judged(out, frozenset(unknown))


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
