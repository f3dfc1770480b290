"""What is on screen, as one immutable value that every widget draws its part of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from costtui.config.alert_schema import AlertRule, BudgetConfig, NotifierConfig
from costtui.model.charge import Exactness
from costtui.model.dimension import is_mapped
from costtui.model.found import Found
from costtui.model.snapshot import Breakdown, Group, Overview, Totals
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.glyphs import Glyphs
from costtui.tui.state import GROUPS, State

if TYPE_CHECKING:
    from costtui.tui.month_end import MonthEnd

SORTS = ("name", "value", "change", "requests", "tokens")
"""What rows can be sorted by, in the order of the columns."""
UNIT_NAMES = {"cost": "cost", "tokens": "tokens", "requests": "requests", "rate": "$ per 1M"}
"""What each unit is called on screen; `rate` is $ per 1M tokens that have a price."""
MILLION = 1_000_000


class Limits(NamedTuple):
    """What the configuration says of how much may be spent."""

    rules: tuple[AlertRule, ...] = ()
    budgets: tuple[BudgetConfig, ...] = ()


NO_LIMITS = Limits()


class Shown(NamedTuple):
    """One screenful. A new one is made only when something changed."""

    state: State
    overview: Overview | None = None
    """The newest answer; it may still be of the view before (`pending`)."""
    pending: bool = False
    """A question has been open for a while; what is shown is older than what was asked."""
    error: str = ""
    """Why the last question failed, `""` once one has succeeded again."""
    collector: str = ""
    """Why there is no collector, as far as the supervisor knows."""
    starting: bool = False
    """A collector has just been started and may not have spoken yet."""
    sample_config: str = "sample-config.yml"
    """Where the commented example is."""
    as_of: str = ""
    """When this was true, for the frame that the next start shows first."""
    configured: bool = True
    """False when no source is configured at all."""
    rules: int = 0
    """Alert rules in the configuration; each has a status once it has been evaluated."""
    alert_rules: tuple[AlertRule, ...] = ()
    """Those rules."""
    budgets: tuple[BudgetConfig, ...] = ()
    """Those of the configuration."""
    notifiers: tuple[NotifierConfig, ...] = ()
    """Those of the configuration."""
    notice: str = ""
    """What came up at the start, for example an unknown theme."""
    view_name: str = ""
    """The saved view that this is; `""` once one has gone elsewhere."""

    begin: str = ""
    """The configuration that `i` would write; `""` where there is one, or none may be written."""
    found: tuple[Found, ...] | None = None
    """What a look around this machine found; None before there was one."""
    config_file: str = ""
    """The configuration that was read."""
    month_end: MonthEnd | None = None
    """What the month will have cost; None until that has been worked out."""
    usual: State = State()
    """Where a start is as configured: what is different is marked."""

    @property
    def forecast(self) -> MonthEnd | None:
        """The month's end of what is shown: of these filters, and not of the past."""
        found = self.month_end
        return None if found is None or found.filters != self.state.filters or self.state.past \
            else found  # fmt: skip

    @property
    def limits(self) -> Limits:
        return Limits(self.alert_rules, self.budgets)

    @property
    def single(self) -> frozenset[str]:
        """Dimensions known to have one value, or none, in what is shown."""
        sizes = self.overview.sizes if self.overview is not None else ()
        return frozenset(name for name, number in sizes if number < 2)

    @property
    def groups(self) -> tuple[str, ...]:
        """What `g` goes through: what has more than one value here, or is configured."""
        sizes = dict(self.overview.sizes) if self.overview is not None else {}
        if not any(number > 1 for number in sizes.values()):
            return GROUPS[:5]  # nobody knows yet, and of the rest little is configured
        wide = [name for name, number in sizes.items() if number > 1 or is_mapped(name)]
        wide.sort(key=lambda name: GROUPS.index(name) if name in GROUPS else len(GROUPS))
        return tuple(wide)

    @property
    def condition(self) -> str:
        """`error`, `loading`, `welcome`, `waiting` or `ready`: which screenful fits."""
        if self.overview is None:
            return "error" if self.error else "loading"
        if not self.overview.earliest and not self.overview.total.requests:
            return "waiting" if self.configured or self.overview.sources else "welcome"
        return "ready"


def nothing_matches(state: State, name: Callable[[str, str], str]) -> str:
    """Why a view without usage is empty, where filters made it so; else `""`. `name` gives what is
    shown for a dimension's value."""
    if not state.filters:
        return ""
    last = state.filters[-1]
    value = outside(name(last.dimension, last.value) if last.op in ("=", "!=") else last.value, 40)
    what = outside(str(replace(last, value=value)), 60)
    typed = not (state.trail and state.trail[-1].cursor)
    if typed and last.op == "=" and value:
        return f"nothing matches {what} (= is exact; try /{value})"
    return f"nothing matches {what}" if typed else f"no {what} in this window"


def amount(totals: Totals, unit: str) -> int:
    """The number that `unit` stands for."""
    if unit == "tokens":
        return totals.tokens
    if unit == "rate":
        return totals.rate_nano or 0
    return totals.requests if unit == "requests" else totals.effective_nano


def is_money(unit: str) -> bool:
    """Is an amount of `unit` nano-USD?"""
    return unit in ("cost", "rate")


def exactness_in(totals: Totals, unit: str) -> Exactness:
    """How right the number is that `unit` stands for. Tokens and requests are counted."""
    if unit == "rate":
        return totals.rate_exactness
    return totals.exactness if unit == "cost" else Exactness.EXACT


def has_amount(totals: Totals, unit: str) -> bool:
    """Does `unit` mean anything here? Nothing per no tokens is not $0."""
    return unit != "rate" or totals.rate_nano is not None


def number(value: int, unit: str, width: int, exactness: Exactness, glyphs: Glyphs) -> str:
    """An amount of `unit` as text in at most `width` cells, with its mark."""
    if is_money(unit):
        return fmt.money(value, width, exactness, glyphs)
    return fmt.compact(value, width) if unit == "tokens" else fmt.count(value, width)


def rates(cost: Sequence[int], tokens: Sequence[int], unpriced: Sequence[int]) -> tuple[int, ...]:
    """nano-USD per 1M tokens of each bucket; 0 where no token has a price."""
    if not tokens:
        return (0,) * len(cost)
    return tuple(
        c * MILLION // (t - u) if t > u else 0
        for c, t, u in zip(cost, tokens, unpriced or (0,) * len(tokens), strict=True)
    )


def trend(group: Group, unit: str) -> Sequence[int]:
    """The amounts of `unit` of a group, by bucket."""
    if unit == "rate":
        return rates(group.spark, group.spark_tokens, group.spark_unpriced)
    return {"tokens": group.spark_tokens, "requests": group.spark_requests}.get(unit, group.spark)


def over_time(overview: Overview, unit: str) -> tuple[int, ...]:
    """The amounts of `unit` of everything, by bucket."""
    if unit == "rate":
        return rates(overview.chart, overview.chart_tokens, overview.chart_unpriced)
    found = {"tokens": overview.chart_tokens, "requests": overview.chart_requests}
    return found.get(unit, overview.chart)


def sort_value(group: Group, sort: str, unit: str) -> tuple[float, int]:
    """The key a numeric sort orders by; ties go by the unit."""
    now = amount(group.totals, unit)
    if sort == "requests":
        return group.totals.requests, now
    if sort == "tokens":
        return group.totals.tokens, now
    if sort == "change":
        # by the percentage that is shown; what is new has grown more than any
        before = amount(group.previous, unit)
        return (now / before if before > 0 else inf if now > 0 else -1.0), now
    return now, group.totals.requests


def ordered(breakdown: Breakdown, state: State, name: Callable[[str], str] = str) -> list[Group]:
    """The rows of a panel in the order to show them: dearest first, names from A, or reversed.
    `name` is what is shown for a key."""

    def by_name(group: Group) -> str:
        return name(group.key).casefold()

    if (state.sort, state.unit, state.reverse) == ("value", "cost", False):
        return list(breakdown.groups)  # as the reader gives them; sorting 10,000 took 25 ms
    if state.sort == "name":
        rows = sorted(breakdown.groups, key=by_name, reverse=state.reverse)
    else:
        rows = sorted(breakdown.groups, key=by_name)
        rows.sort(key=lambda g: sort_value(g, state.sort, state.unit), reverse=not state.reverse)
    return rows


def change_role(now: int, before: int, *, cost: bool = True) -> str:
    """The role of a change: more money (or errors) warns, less is good, others are neutral."""
    if not cost or now == before or before <= 0:
        return "quiet"
    if now < before:
        return "ok"
    return "over" if now >= 2 * before else "warn"


def sort_mark(state: State, sort: str, glyphs: Glyphs) -> str:
    """The arrow beside the column that rows are sorted by."""
    if state.sort != sort:
        return ""
    down = state.reverse if sort == "name" else not state.reverse
    return glyphs.sort_down if down else glyphs.sort_up
