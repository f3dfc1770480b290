"""What is recorded: the growth of each counter, running totals, and sums of windows and periods.

`growth` is what came since the evaluation before: the difference to the last sample an
interval ago; a counter that fell began again, and one that was not there although its target was
scraped is new, so both count whole. Nothing is extrapolated and no first value is lost, which
is where `increase()` goes wrong. `total` adds it up for ever, so any window is the difference of
two samples. Decision 058 has the reasons and the measured errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from costtui.alerts.measures import WEEKS
from costtui.alerts.promrules.apart import merged, told_apart
from costtui.alerts.promrules.clock import CLOCK, clock_rule
from costtui.alerts.promrules.pages import COST, Page, Part, plain_glob, service_names
from costtui.alerts.promrules.text import (
    NO_VALUES,
    Rule,
    indented,
    milliseconds,
    number,
    one_of,
    quote,
    replacement,
)
from costtui.config.durations import duration_text
from costtui.config.schema import Consumer
from costtui.model.dimension import DIMENSIONS, is_mapped, tag_of
from costtui.model.timewindow import DAY, HOUR, MINUTE

LOOK_BACK: Final = "1h"
"""How long a counter that is not there is remembered: a target that is down for less loses
nothing."""
LATELY: Final = "5m"
"""How long the last sample of one that is not there is taken for its present one: what was used
just before a target went away."""
REMEMBERED: Final = "6h"
"""How long what was recorded survives an outage of the server itself."""
PERIODS: Final = ("day", "week", "month")


def label_of(dimension: str) -> str:
    """What a dimension is called as a label: `tag:env` is `tag_env`."""
    text = f"tag_{tag_of(dimension)}" if tag_of(dimension) else dimension
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in text)


def summed(by: Iterable[str], expr: str) -> str:
    """`sum by (…) (…)`."""
    names = ", ".join(label_of(d) for d in by)
    head = f"sum by ({names})" if names else "sum"
    return f"{head} ({expr})" if "\n" not in expr else f"{head} (\n{indented(expr, 2)}\n)"


@dataclass(slots=True)
class Needed:
    """What the rules ask of one quantity."""

    dimensions: set[str] = field(default_factory=set)
    windows: set[int] = field(default_factory=set)
    """Seconds, whole minutes."""
    periods: set[str] = field(default_factory=set)
    usual: set[int] = field(default_factory=set)
    """Windows, seconds, of which the same hours of the weeks before are asked for."""


class Recorder:
    """Names what is recorded, and remembers what was asked for."""

    def __init__(
        self,
        pages: Sequence[Page],
        consumers: Sequence[tuple[str, Consumer]],
        interval: int,
        zone: tzinfo,
        now: float,
    ) -> None:
        self.pages, self.interval, self.zone, self.now = pages, interval, zone, now
        self._consumers = consumers
        self._parts = [(page, part) for page in pages for part in page.parts()]
        self.needed: dict[str, Needed] = {}
        self.clocked = False
        """Something asks for the wall clock."""
        self.offered = {part.quantity for _, part in self._parts}

    def ask(self, quantity: str, dimensions: Iterable[str]) -> Needed:
        found = self.needed.setdefault(quantity, Needed())
        found.dimensions.update(dimensions)
        return found

    def dimensions(self, quantity: str) -> tuple[str, ...]:
        """In the order of the screens, then teams and tags."""
        found = self.needed[quantity].dimensions
        mapped = sorted(d for d in found if is_mapped(d))
        return (*(d for d in DIMENSIONS if d in found), *mapped)

    def level(self, quantity: str) -> str:
        names = "_".join(label_of(d) for d in self.dimensions(quantity)) or "all"
        return f"{names}:llm_{quantity}"

    def window(self, quantity: str, seconds: int) -> str:
        """The recorded sum of a window."""
        return f"{self.level(quantity)}:sum{duration_text(seconds)}"

    def weeks(self, quantity: str, seconds: int) -> str:
        """That window in each of the last weeks, by the label `week`."""
        return f"{self.level(quantity)}:weeks{duration_text(seconds)}"

    def period(self, quantity: str, period: str) -> str:
        """What was used since the period began."""
        return f"{self.level(quantity)}:{period}"

    def rules(self) -> list[Rule]:
        """In the order in which they must be evaluated."""
        out: list[Rule] = []
        for quantity in self.needed:
            mine = [(page, part) for page, part in self._parts if part.quantity == quantity]
            every = merged(mine, self.dimensions(quantity))
            out += told_apart(self._growth(page, part) for page, part in every)
        for quantity, needed in self.needed.items():
            out.append(self._total(quantity))
            out += [self._window(quantity, seconds) for seconds in sorted(needed.windows)]
            for seconds in sorted(needed.usual):
                out += [self._week(quantity, seconds, back) for back in range(1, WEEKS + 1)]
            out += [self._period(quantity, p) for p in PERIODS if p in needed.periods]
        used = {p for needed in self.needed.values() for p in needed.periods}
        clock = [clock_rule(self.zone, self.now)] if used or self.clocked else []
        return [*clock, *out, *(self._number(p) for p in PERIODS if p in used)]

    # Growth ---------------------------------------------------------------------------------

    def _growth(self, page: Page, part: Part) -> Rule:
        dimensions = self.dimensions(part.quantity)
        if part.rule.quantity == "cost_rate":
            expr = self._rate(page, part, dimensions)
        else:
            grown = " or ".join(self._grown(page.selector(part.metric, m)) for m in part.selectors)
            if part.unless:
                grown = f"({grown})" if len(part.selectors) > 1 else grown  # `unless` binds closer
                other = page.any_of(part.unless)
                grown += f"\nunless on (job, instance) group by (job, instance) ({other})"
            if part.instead:
                whole = tuple(page.picks(part.rule))
                there = " or ".join(
                    f"last_over_time({page.selector(part.metric, m)}[{LOOK_BACK}])"
                    for m in part.instead
                )
                mine, theirs = (self._placed(page, part, whole, e) for e in (grown, there))
                on = ", ".join(whole)
                both = f"{mine}\nunless on ({on})\n{theirs}"
                # Teams need the consumer, which is among all that the page has.
                expr = summed(dimensions, self._mapped(both, dimensions))
            else:
                expr = self._placed(page, part, dimensions, grown)
            if part.factor != 1:
                expr = f"{number(part.factor)} * {expr}"
        labels = [("source", page.name), ("metric", part.metric + ("!" if part.instead else ""))]
        for name, value in (("gateway", page.config.gateway), ("service", part.rule.service)):
            if name in dimensions and not (name == "gateway" and page.config.gateway_labels):
                labels.append((name, value))
        return Rule(f"{self.level(part.quantity)}:growth", expr, tuple(labels))

    def _grown(self, selector: str) -> str:
        """What came of each series since the evaluation before. In order: one that was not on a
        page that was read is new; one that rose; one that fell began again; one that was not
        known is new, too, where its target was down for a moment."""
        ago = f"offset {self.interval}s"
        now = f"last_over_time({selector}[{LATELY}])"
        then = f"last_over_time({selector}[{LOOK_BACK}] {ago})"
        return (
            f"(\n  ({selector} unless {selector} {ago} and on (job, instance) (up {ago} == 1))\n"
            f"  or ({now} - {then} >= 0)\n  or ({now} and {then})\n"
            f"  or ({now} and on (job, instance) (max_over_time(up[{LATELY}] {ago}) == 1))\n)"
        )

    def _rate(self, page: Page, part: Part, dimensions: Sequence[str]) -> str:
        """A gauge is worth its price for as long as the interval."""
        every = " or ".join(page.selector(part.metric, m) for m in part.selectors)
        factor = part.factor * self.interval / HOUR
        if part.rule.presence:
            whole = tuple(d for d, pick in page.picks(part.rule).items() if pick.labels)
            names = ", ".join(whole)
            placed = self._placed(page, part, whole, every)
            every = f"group by ({names}) ({placed})" if names else f"group ({placed})"
            expr = summed(dimensions, self._constants(page, part, dimensions, every))
        else:
            expr = self._placed(page, part, dimensions, every)
        return f"{number(factor)} * {expr}"

    def _constants(self, page: Page, part: Part, dimensions: Sequence[str], expr: str) -> str:
        for dimension, pick in page.picks(part.rule).items():
            if pick.value and dimension in dimensions:
                expr = _replace(expr, dimension, replacement(pick.value), "", "")
        return self._mapped(expr, dimensions)

    def _mapped(self, expr: str, dimensions: Sequence[str]) -> str:
        for dimension in dimensions:
            if is_mapped(dimension):
                expr = self._consumer_of(expr, dimension)
        return expr

    def _placed(self, page: Page, part: Part, dimensions: Sequence[str], grown: str) -> str:
        """Added up by dimensions instead of by the labels of the page."""
        rule = part.rule
        picks = page.picks(rule)
        wanted = [d for d in picks if d in dimensions]
        if any(is_mapped(d) for d in dimensions) and "consumer" in picks:
            wanted = list(dict.fromkeys([*wanted, "consumer"]))
        services = {"provider", "model"} & {*dimensions} and (
            page.config.services or rule.service_as_provider
        )
        labels = [label for d in wanted for label in picks[d].labels]
        if services and rule.service_label:
            labels.append(rule.service_label)
        gateways = page.config.gateway_labels if "gateway" in dimensions else ()
        raw = list(dict.fromkeys([*labels, *gateways]))
        by = ", ".join(raw)
        expr = f"sum by ({by}) ({grown})" if raw else f"sum ({grown})"
        for label in dict.fromkeys(labels):
            expr = _replace(expr, label, "", label, NO_VALUES)
        late: list[tuple[str, str]] = []

        def to(dimension: str) -> str:
            """Where a dimension is put together: beside the labels that are still needed."""
            if dimension not in raw:
                return dimension
            late.append((dimension, f"to_{dimension}"))
            return f"to_{dimension}"

        for dimension in wanted:
            pick = picks[dimension]
            if pick.labels == (dimension,) and not pick.value:
                continue
            target = to(dimension)
            if pick.value:
                expr = _replace(expr, target, replacement(pick.value), "", "")
            for label in reversed(pick.labels):
                expr = _replace(expr, target, "$1", label, "(.+)")
        if services and rule.service_label:
            expr = self._services(page, rule.service_label, rule.service_as_provider, expr)
        if gateways:
            expr = self._gateways(page, expr, to("gateway"))
        for dimension, name in late:
            expr = _replace(expr, dimension, "$1", name, "(.*)")
        for dimension in dimensions:  # a label of the page that only looks like it
            if label_of(dimension) in raw and dimension not in picks:
                expr = _replace(expr, label_of(dimension), "", "", "")
        return summed(dimensions, self._mapped(expr, dimensions))

    def _services(self, page: Page, label: str, as_provider: bool, expr: str) -> str:
        if as_provider:
            expr = _replace(expr, "provider", "$1", label, "(.+)")
        for name, (provider, model) in service_names(page).items():
            expr = _replace(expr, "provider", replacement(provider), label, one_of([name]))
            expr = _replace(expr, "model", replacement(model), label, one_of([name]))
        return expr

    def _gateways(self, page: Page, expr: str, target: str) -> str:
        config = page.config
        for label in reversed(config.gateway_labels):
            expr = _replace(expr, target, "$1", label, "(.+)")
        # The first glob that fits wins, so the last is put in first.
        for glob, name in reversed(config.gateways):
            expr = _replace(expr, target, replacement(name), target, plain_glob(glob))
        return _replace(expr, target, replacement(config.gateway), target, "")

    def _consumer_of(self, expr: str, dimension: str) -> str:
        """The team (org, tag) of a consumer, as the configuration has it: the exact entry, else
        the last glob that fits."""

        def value(who: Consumer) -> str:
            return who.tag(tag_of(dimension)) if tag_of(dimension) else getattr(who, dimension)

        globs = [(p, value(who)) for p, who in self._consumers if any(c in p for c in "*?[")]
        exact: dict[str, list[str]] = {}
        for pattern, who in self._consumers:
            if not any(c in pattern for c in "*?["):
                exact.setdefault(value(who), []).append(pattern)
        target = label_of(dimension)
        for pattern, what in globs:
            expr = _replace(expr, target, replacement(what), "consumer", plain_glob(pattern))
        for what, names in exact.items():
            expr = _replace(expr, target, replacement(what), "consumer", one_of(names))
        return expr

    # Sums -----------------------------------------------------------------------------------

    def _total(self, quantity: str) -> Rule:
        level = self.level(quantity)
        before = _remembered(f"{level}:total")
        return Rule(
            f"{level}:total", summed(self.dimensions(quantity), f"{before}\nor {level}:growth")
        )

    def _window(self, quantity: str, seconds: int) -> Rule:
        """The total now less the one when the window began: at the first whole minute in it, as
        costtui's windows do. One that is not there, or above, began again since."""
        total = f"{self.level(quantity)}:total"
        # One whole minute lies in it, whether a range has its left end (2.x) or not (3.x).
        offset = (seconds - MINUTE) * 1000 - 1
        began = f"min_over_time({total}[1m:1m] offset {milliseconds(offset)})"
        if seconds == MINUTE:
            began = f"min_over_time({total}[59999ms:1m])"
        return Rule(self.window(quantity, seconds), f"({total} - {began} >= 0)\nor {total}")

    def _week(self, quantity: str, seconds: int, back: int) -> Rule:
        """The same window some weeks ago. Who was not there in a week that is known spent nothing
        in it."""
        series = self.window(quantity, seconds)
        then = f"{series} offset {back}w"
        expr = f"{then}\nor 0 * ({series} and on () (count({then})))"
        return Rule(self.weeks(quantity, seconds), expr, (("week", str(back)),))

    def _period(self, quantity: str, period: str) -> Rule:
        name = self.period(quantity, period)
        number = f"scalar(last_over_time({_index(period)}[{REMEMBERED}]))"
        same = f"({number} == bool scalar({self._now_index(period)}))"
        expr = f"{_remembered(name)}\n* {same}\nor {self.level(quantity)}:growth"
        return Rule(name, summed(self.dimensions(quantity), expr))

    def _number(self, period: str) -> Rule:
        return Rule(
            _index(period), self._now_index(period),
            comment=(f"Which {period} it is. What is above asks whether it is another one.",),
        )  # fmt: skip

    def _now_index(self, period: str) -> str:
        match period:
            case "day":
                return f"floor({CLOCK} / {DAY})"
            case "week":  # the epoch was a Thursday
                return f"floor(({CLOCK} - {4 * DAY}) / {7 * DAY})"
        return f"12 * year({CLOCK}) + month({CLOCK})"

    def period_seconds(self, period: str) -> str:
        """How long the running period is, but for the hour of a change of the clock."""
        if period == "month":
            self.clocked = True
            return f"{DAY} * scalar(days_in_month({CLOCK}))"
        return str(DAY if period == "day" else 7 * DAY)


def _remembered(name: str) -> str:
    """The last value of what this very rule recorded, over an outage of the server, too."""
    return f"last_over_time({name}[{REMEMBERED}])"


def _index(period: str) -> str:
    return f"costtui:{period}:number"


def _replace(expr: str, target: str, value: str, label: str, pattern: str) -> str:
    inside = f"\n{indented(expr, 2)},\n  " if "\n" in expr else f"{expr}, "
    return (
        f"label_replace({inside}{quote(target)}, {quote(value)}, {quote(label)}, {quote(pattern)})"
    )


def usd(nano: int | Decimal) -> str:
    """nano-USD as PromQL has it."""
    return number(Decimal(nano).scaleb(-9))


def rounded(quantity: str, expr: str) -> str:
    """A sum of money to the nano-dollar: floats drift by less, and then equal is equal."""
    if quantity != COST:
        return expr
    return f"round(1e9 * {expr}) / 1e9"
