"""What a chart shows, as numbers by bucket. Nothing here draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from itertools import accumulate
from typing import NamedTuple

from costtui.model.snapshot import AlertStatus, Group, Overview, Totals, View
from costtui.model.timewindow import DAY, Window
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import format as fmt
from costtui.tui.shown import NO_LIMITS, UNIT_NAMES, Limits, Shown, amount, over_time, trend
from costtui.tui.widgets.kpi import KINDS as KINDS_OF_TOKENS

KINDS = ("time", "stacked", "mix", "sum")
"""In the order of `v`."""
MOST_LAYERS = 6
"""As many as there are colours for."""
_NEAR = 10
"""Percent by which the window of an alert may differ from the one shown for its limit to be one."""

_PERIODS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}


class Layer(NamedTuple):
    """One series of a stack."""

    name: str
    """From outside; `""` where there is only one."""
    number: int
    """1…6: its colour and its fill character."""
    values: tuple[int, ...]


class More(NamedTuple):
    """What the overview does not hold: totals by bucket of a window and of the period before."""

    view: View
    now: tuple[Totals, ...]
    before: tuple[tuple[int, Totals], ...] = ()
    """(start of the bucket, totals)."""
    before_start: int = 0
    before_end: int = 0


class Curves(NamedTuple):
    """One chart. Amounts are of `unit`; money is nano-USD."""

    kind: str
    title: str
    unit: str
    layers: tuple[Layer, ...]
    """From the bottom of the stack."""
    gaps: frozenset[int] = frozenset()
    before: tuple[int, ...] = ()
    """The thinner second line: the period before, by bucket."""
    limit: int = 0
    """A line that should not be crossed; 0 for none."""
    note: str = ""
    """What the numbers leave out."""

    @property
    def totals(self) -> tuple[int, ...]:
        """The height of each bucket."""
        if len(self.layers) == 1:
            return self.layers[0].values
        return tuple(map(sum, zip(*(layer.values for layer in self.layers), strict=True)))

    @property
    def stacked(self) -> bool:
        return self.kind in ("stacked", "mix")


def needs_more(kind: str) -> bool:
    """Is the overview not enough for this kind?"""
    return kind in ("mix", "sum")


def curves(shown: Shown, kind: str, more: More | None, name: Callable[[str, str], str]) -> Curves:
    """The chart of what is shown. Without `more` a kind that needs it has no layers yet. `name`
    gives what is shown for a dimension's value."""
    overview = shown.overview
    assert overview is not None
    unit = shown.state.unit
    if kind == "stacked":
        return _stacked(overview, shown.state.group, unit, name)
    if kind == "mix":
        return _mix(overview, more)
    if kind == "sum":
        return _sum(shown, overview, unit, more)
    values = over_time(overview, unit) or (0,) * len(overview.chart)
    return Curves(
        kind, f"{UNIT_NAMES[unit]} over time", unit, (Layer("", 1, values),),
        overview.gap_buckets, note=_left_out(overview.total, unit),
    )  # fmt: skip


def _left_out(total: Totals, unit: str) -> str:
    if unit != "rate" or not total.unpriced_tokens:
        return ""
    return f"{fmt.compact(total.unpriced_tokens)} tokens without a price left out"


def _stacked(
    overview: Overview, dimension: str, unit: str, name: Callable[[str, str], str]
) -> Curves:
    note = ""
    if unit == "rate":  # means do not add up
        unit, note = "cost", "as cost: rates do not add up"
    found = next((b.groups for b in overview.breakdowns if b.dimension == dimension), ())
    rows = sorted(found, key=lambda g: -amount(g.totals, unit))
    rows = [g for g in rows if any(trend(g, unit))]
    kept = rows if len(rows) <= MOST_LAYERS else rows[: MOST_LAYERS - 1]
    layers = [
        Layer(name(dimension, g.key) or "(none)", n, _padded(trend(g, unit), overview))
        for n, g in enumerate(kept, 1)
    ]
    if len(rows) > len(kept):
        rest = zip(*(_padded(trend(g, unit), overview) for g in rows[len(kept) :]), strict=True)
        layers.append(Layer("other", MOST_LAYERS, tuple(map(sum, rest))))
    if not layers:
        layers = [Layer("", 1, (0,) * len(overview.chart))]
    title = f"{UNIT_NAMES[unit]} by {dimension}"
    return Curves("stacked", title, unit, tuple(layers), overview.gap_buckets, note=note)


def _padded(values: Sequence[int], overview: Overview) -> tuple[int, ...]:
    return tuple(values) or (0,) * len(overview.chart)


def _mix(overview: Overview, more: More | None) -> Curves:
    layers: list[Layer] = []
    for n, kind in enumerate(TOKEN_TYPES, 1):
        values = tuple(int(getattr(t, kind)) for t in more.now) if more else ()
        if any(values):
            layers.append(Layer(KINDS_OF_TOKENS[kind], n, values))
    if more and not layers:
        layers = [Layer("", 1, (0,) * len(more.now))]
    return Curves("mix", "tokens by kind", "tokens", tuple(layers), overview.gap_buckets)


def _sum(shown: Shown, overview: Overview, unit: str, more: More | None) -> Curves:
    title = f"{UNIT_NAMES[unit]} so far" if unit != "rate" else "mean $ per 1M so far"
    window = overview.view.window
    note = _left_out(overview.total, unit)
    if more is None:
        return Curves("sum", title, unit, (), overview.gap_buckets, note=note)
    values = tuple(amount(t, unit) for t in accumulate(more.now, Totals.plus))
    before = _aligned(window, more, unit) if shown.state.compare else ()
    limit = limit_for(overview.alerts, overview.view, unit, shown.limits)
    return Curves("sum", title, unit, (Layer("", 1, values),), overview.gap_buckets, before,
                  limit, note)  # fmt: skip


def _aligned(window: Window, more: More, unit: str) -> tuple[int, ...]:
    """The period before as far as each bucket of the window reaches, counted from the starts of
    both: they need not begin at the same place in a bucket. Between two of its buckets it is taken
    to rise evenly."""
    points = [(0, 0)]
    step = more.before[1][0] - more.before[0][0] if len(more.before) > 1 else window.step
    starts = [start for start, _ in more.before]
    sums = accumulate((t for _, t in more.before), Totals.plus)
    for start, total in zip(starts, sums, strict=True):
        end = min(start + step, more.before_end)
        points.append((max(end - more.before_start, points[-1][0] + 1), amount(total, unit)))
    if unit == "rate" and len(points) > 1:  # a mean does not begin at nothing
        points[0] = (0, points[1][1])
    out: list[int] = []
    at = 0
    for bucket in window.buckets():
        reach = min(bucket + window.step, window.end) - window.start
        while at + 1 < len(points) - 1 and points[at + 1][0] < reach:
            at += 1
        (x0, y0), (x1, y1) = points[at], points[min(at + 1, len(points) - 1)]
        part = max(0, min(reach, x1) - x0)
        out.append(y0 + ((y1 - y0) * part // (x1 - x0) if x1 > x0 else 0))
    return tuple(out)


def limit_for(
    alerts: Sequence[AlertStatus], view: View, unit: str, limits: Limits = NO_LIMITS
) -> int:
    """The limit in nano-USD that the spend of `view` should stay below, 0 for none: the least of
    the cost alerts and budgets on exactly what is shown, over a time as long as its window."""
    if unit != "cost":
        return 0
    if any(f.op != "=" for f in view.filters):
        return 0
    labels = {(f.dimension, f.value) for f in view.filters}
    length = {"today": DAY, "month": 30 * DAY}.get(view.window.name, view.window.seconds)

    def fits(seconds: int) -> bool:
        return 100 * abs(seconds - length) <= _NEAR * length

    # A rule has more than its status says: a projection's limit is not one on its window, and
    # what `where:` leaves out is in no label.
    rules = {rule.name: rule for rule in limits.rules}
    found = [
        a.limit
        for a in alerts
        if a.unit == "cost"
        and (a.rule not in rules or rules[a.rule].measure == "cost_over")
        and {*a.labels, *(rules[a.rule].where if a.rule in rules else ())} == labels
        and fits(_seconds(a.window))
    ]
    found += [
        budget.limit_nano
        for budget in limits.budgets
        if set(budget.where) <= labels
        and sorted(d for d, _ in labels - set(budget.where)) == sorted(budget.by)
        and fits(_PERIODS.get(budget.period) or budget.seconds)
    ]
    return min((limit for limit in found if limit > 0), default=0)


def _seconds(text: str) -> int:
    """The length of an alert's window as it is written; 0 where it cannot be read."""
    from costtui.config.durations import parse_duration

    try:
        return int(parse_duration(text))
    except ValueError:
        return 0


def leaders(
    overview: Overview, dimension: str, unit: str, at: int, most: int = 3
) -> list[tuple[str, int]]:
    """(key, amount) of the groups that have the most in bucket `at`."""
    found = next((b.groups for b in overview.breakdowns if b.dimension == dimension), ())

    def value(group: Group) -> int:
        values = trend(group, unit)
        return values[at] if at < len(values) else 0

    rows = sorted(((g.key, value(g)) for g in found), key=lambda r: -r[1])
    return [row for row in rows if row[1] > 0][:most]


def question(view: View, zone: tzinfo) -> tuple[View, View]:
    """(the view, that of the period it is compared with)."""
    from dataclasses import replace

    from costtui.model.timewindow import previous

    return view, replace(view, window=previous(view.window, zone))
