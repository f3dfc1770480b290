"""The alert of each watch, and why some have none."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

from costtui.alerts.measures import LEAST_WEEKS
from costtui.alerts.promrules.pages import COST, ERRORS, REQUESTS, THROTTLED, TOKENS
from costtui.alerts.promrules.recording import Recorder, label_of, rounded, summed, usd
from costtui.alerts.promrules.text import Rule, number, quote, template_text
from costtui.alerts.watches import BUDGET_BURN, BUDGET_FORECAST, BUDGET_STEP, Watch
from costtui.alerts.words import sentence
from costtui.config.alert_schema import ROLLING
from costtui.config.durations import duration_text
from costtui.model.alert import FACTOR, SHARE
from costtui.model.dimension import is_dimension
from costtui.model.quantity import quantity_text
from costtui.model.timewindow import MINUTE

SPENT: Final = '{{ $value | printf "$%.2f" }}'
COUNTED: Final = '{{ $value | printf "%.0f" }}'
SHARED: Final = "{{ $value | humanizePercentage }}"
TIMES: Final = '{{ $value | printf "%.2f" }}x'
_DOWN_KNOWN: Final = "1d"


class Remark(NamedTuple):
    """What is not the same in Prometheus."""

    name: str
    """Of the rule or budget; "" is all of them."""
    text: str
    left_out: bool = True
    """There is no rule for it; else there is one that can say otherwise."""


class Made(NamedTuple):
    expr: str
    value: str
    """How a template shows it."""
    remark: str = ""


class Watcher:
    """Turns watches into alerts. First `ask` for all of them, then `rule` each: how what is
    recorded is called depends on what all of them need."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._makers: dict[str, Callable[[Watch], Made]] = {
            "cost_over": self._over,
            "tokens_over": self._over,
            "requests_over": self._over,
            "projected_over": self._projected,
            "error_share_over": self._share,
            "throttled_share_over": self._share,
            "spike_over": self._spike,
            "silent_for": self._silent,
            "source_down_for": self._down,
            BUDGET_STEP: self._step,
            BUDGET_BURN: self._burn,
        }

    def why_not(self, watch: Watch) -> str:
        """Why there is no alert for it; "" where there is one. Asks for what it needs."""
        match watch.measure:
            case "unpriced_over":
                return "which models have a price is known to costtui alone"
            case "difference_over":
                return "what a reconciling source saw is known to costtui alone"
            case name if name == BUDGET_FORECAST:
                return "the forecast is costtui's own: weeks of history, their weekdays and hours"
            case "source_down_for":
                found = [p for p in self._recorder.pages if p.config.type != "prometheus"]
                return "" if found else "a Prometheus cannot say of itself that it is down"
        unknown = [d for d in (*watch.by, *dict(watch.where)) if not is_dimension(d)]
        if unknown:
            return f"{unknown[0]} is no dimension"
        lacking = [q for q in self._quantities(watch) if q not in self._recorder.offered]
        if lacking:
            return _LACKING[lacking[0]]
        for quantity in self._quantities(watch):
            needed = self._recorder.ask(quantity, {*watch.by, *dict(watch.where)})
            needed.windows.update(self._windows(watch))
            if watch.measure == "spike_over":
                needed.usual.add(watch.window)
            if watch.measure == BUDGET_BURN and watch.budget is not None:
                self._recorder.period_seconds(watch.budget.period)
            if watch.budget is not None and watch.measure == BUDGET_STEP:
                needed.periods.update({watch.budget.period} - {ROLLING})
        return ""

    def _quantities(self, watch: Watch) -> tuple[str, ...]:
        match watch.measure:
            case "tokens_over":
                return (TOKENS,)
            case "requests_over":
                return (REQUESTS,)
            case "error_share_over":
                return (REQUESTS, ERRORS)
            case "throttled_share_over":
                return (REQUESTS, THROTTLED)
            case "silent_for":
                return (self._usage,)
        return (COST,)

    @property
    def _usage(self) -> str:
        """What shows best that somebody is there."""
        offered = self._recorder.offered
        return next((q for q in (REQUESTS, TOKENS, COST) if q in offered), COST)

    def _windows(self, watch: Watch) -> set[int]:
        budget = watch.budget
        if budget is None:
            return {watch.window, watch.limit + MINUTE + 1} if watch.unit == "seconds" else {
                watch.window
            }  # fmt: skip
        if watch.measure == BUDGET_BURN:
            return {budget.burn_window, budget.burn_short_window}
        return {budget.seconds} if budget.period == ROLLING else set()

    def rules(self, watch: Watch) -> tuple[list[Rule], list[Remark]]:
        """Its alert, with what it says otherwise than costtui."""
        made = self._makers[watch.measure](watch)
        remarks = []
        if made.remark:
            remarks.append(Remark(watch.name, made.remark, left_out=False))
        if watch.timing.no_data == "alert":
            text = "no_data: alert is not in it: what was not read looks like nothing spent"
            remarks.append(Remark(watch.name, text))
        notes = tuple(f"{r.name}: {r.text}" for r in remarks)
        exprs = made.expr.split("\0")
        pages = [p for p in self._recorder.pages if p.config.type != "prometheus"]
        out = []
        for place, expr in enumerate(exprs):
            extra = (("source", pages[place].name),) if watch.measure == "source_down_for" else ()
            out.append(
                Rule(
                    watch.name, expr, self._labels(watch, extra), True, int(watch.timing.hold),
                    int(watch.timing.keep), self._annotations(watch, made.value, extra), notes,
                )
            )  # fmt: skip
            notes = ()
        return out, remarks

    def _labels(
        self, watch: Watch, extra: tuple[tuple[str, str], ...]
    ) -> tuple[tuple[str, str], ...]:
        own = [("severity", watch.severity), *watch.suffix, *extra]
        taken = {name for name, _ in own}
        more = [(k, v) for k, v in watch.extra if k not in taken]
        return tuple((name, template_text(value)) for name, value in (*own, *more))

    def _annotations(
        self, watch: Watch, value: str, extra: tuple[tuple[str, str], ...]
    ) -> tuple[tuple[str, str], ...]:
        limit = quantity_text(watch.unit, watch.limit)
        where = ", ".join(
            [f"{d}={{{{ $labels.{label_of(d)} }}}}" for d in watch.by]
            + [f"{name}={template_text(text)}" for name, text in extra]
        )
        head = template_text(watch.name) + (f" ({where})" if where else "")
        text = sentence(watch, "\0", template_text(limit), template_text(watch.window_name))
        if watch.measure in ("silent_for", "source_down_for"):
            text = text.replace("\0", f"more than {limit}").replace(f", limit {limit}", "")
        return (
            ("summary", f"{head}: {text.replace(chr(0), value)}"),
            ("description", template_text(_description(watch))),
        )

    # Expressions ----------------------------------------------------------------------------

    def _of(self, watch: Watch, series: str, *also: str) -> str:
        """What is recorded, restricted and grouped as the watch says, and by labels `also`."""
        inside = ", ".join(f"{label_of(d)}={quote(value)}" for d, value in watch.where)
        return summed((*watch.by, *also), f"{series}{{{inside}}}" if inside else series)

    def _sum(self, watch: Watch, quantity: str, seconds: int) -> str:
        found = self._of(watch, self._recorder.window(quantity, seconds))
        return rounded(quantity, found)

    def _over(self, watch: Watch) -> Made:
        (quantity,) = self._quantities(watch)
        limit = usd(watch.limit) if quantity == COST else str(watch.limit)
        value = SPENT if quantity == COST else f"{COUNTED} {quantity}"
        return Made(f"{self._sum(watch, quantity, watch.window)} > {limit}", value)

    def _projected(self, watch: Watch) -> Made:
        assert watch.rule is not None
        per = Decimal(watch.rule.per)
        limit = Decimal(watch.limit) * watch.window / per
        text = f"({self._sum(watch, COST, watch.window)} > {usd(limit)})"
        return Made(f"{text} * {number(per / watch.window)}", SPENT)

    def _share(self, watch: Watch) -> Made:
        assert watch.rule is not None
        every, some = self._quantities(watch)
        requests = self._sum(watch, every, watch.window)
        failed = self._sum(watch, some, watch.window)
        least = max(1, watch.rule.min_requests)
        limit = number(Decimal(watch.limit) / SHARE)
        return Made(f"{failed}\n/ ({requests} >= {least})\n> {limit}", SHARED)

    def _spike(self, watch: Watch) -> Made:
        assert watch.rule is not None
        series = self._recorder.weeks(COST, watch.window)
        weeks = self._of(watch, series, "week")
        by = ", ".join(label_of(d) for d in watch.by)
        by = f" by ({by})" if by else ""
        least = f" >= {usd(watch.rule.min_cost_nano)}" if watch.rule.min_cost_nano else ""
        expr = (
            f"({self._sum(watch, COST, watch.window)}{least})\n/ (\n"
            f"  (quantile{by} (0.5, {weeks}) > 0)\n"
            f"  and (count{by} ({weeks}) >= {LEAST_WEEKS})\n)\n"
            f"> {number(Decimal(watch.limit) / FACTOR)}"
        )
        return Made(
            expr, TIMES,
            "the usual is of weeks of 168 hours to the minute, gaps included, and grows with what"
            " the server has recorded (its retention is 15 days unless it is told otherwise)",
        )  # fmt: skip

    def _silent(self, watch: Watch) -> Made:
        # The silence begins with the end of the last minute with usage, and is above the limit a
        # second later.
        some = self._sum(watch, self._usage, watch.window)
        lately = self._sum(watch, self._usage, watch.limit + MINUTE + 1)
        return Made(
            f"({some} > 0)\nand ({lately} == 0)", COUNTED,
            "while a target is down it looks silent; costtui does not take that for silence",
        )  # fmt: skip

    def _down(self, watch: Watch) -> Made:
        exprs = []
        for page in self._recorder.pages:
            if page.config.type == "prometheus":
                continue
            there = f"last_over_time({page.any_of(page.names)}[{_DOWN_KNOWN}])"
            exprs.append(
                f"max (\n  max_over_time(up[{duration_text(watch.limit)}])\n"
                f"  and on (job, instance) ({there})\n) == 0"
            )
        return Made(
            "\0".join(exprs), COUNTED,
            "it is about scrapes of this server, of a target that had these metrics in the last"
            f" {_DOWN_KNOWN}",
        )  # fmt: skip

    def _step(self, watch: Watch) -> Made:
        budget = watch.budget
        assert budget is not None
        if budget.period == ROLLING:
            spent = self._sum(watch, COST, budget.seconds)
        else:
            spent = rounded(COST, self._of(watch, self._recorder.period(COST, budget.period)))
        reached = usd(Decimal(budget.limit_nano) * watch.limit / SHARE)
        return Made(f"({spent} >= {reached}) / {usd(budget.limit_nano)}", SHARED)

    def _burn(self, watch: Watch) -> Made:
        budget = watch.budget
        assert budget is not None
        seconds = str(budget.seconds)
        if budget.period != ROLLING:
            seconds = self._recorder.period_seconds(budget.period)
        over = number(Decimal(watch.limit) / FACTOR)

        def rate(window: int) -> str:
            allowed = usd(Decimal(budget.limit_nano) * window)
            return f"({self._sum(watch, COST, window)} * {seconds} / {allowed} > {over})"

        return Made(f"{rate(budget.burn_window)}\nand {rate(budget.burn_short_window)}", TIMES)


_LACKING: Final = {
    COST: "no source here reports money; what tokens cost is worked out by costtui alone",
    TOKENS: "no source here has tokens",
    REQUESTS: "no source here counts requests",
    ERRORS: "no source here counts failed requests",
    THROTTLED: "no source here tells which requests were throttled",
}


def _description(watch: Watch) -> str:
    limit = quantity_text(watch.unit, watch.limit)
    if watch.budget is not None:
        rolling = watch.budget.period == ROLLING
        period = duration_text(watch.budget.seconds) if rolling else watch.budget.period
        what = f"step {watch.step}" if watch.measure == BUDGET_STEP else watch.step
        whole = quantity_text("cost", watch.budget.limit_nano)
        parts = [f"budget of {whole} {'in' if rolling else 'a'} {period}, {what}"]
        if watch.window_name and watch.measure != BUDGET_STEP:
            parts.append(f"in {watch.window_name}")
    elif watch.measure == "source_down_for":
        parts = [f"{watch.measure} {limit}"]
    else:
        parts = [f"{watch.measure} {limit} in {watch.window_name}"]
    if watch.by:
        parts.append(f"by {', '.join(watch.by)}")
    parts += [f"where {name} is {value or '(none)'}" for name, value in watch.where]
    return "; ".join(parts)
