"""Alert rules, budgets and notifiers as the configuration says them, validated and in integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from costtui.config.secret import Secret
from costtui.model.alert import FACTOR as FACTOR
from costtui.model.alert import SHARE as SHARE
from costtui.model.alert import UNITS as UNITS


class Measure(NamedTuple):
    """One thing that a rule can watch, named by the key that sets its limit."""

    key: str
    unit: str
    window: int
    """The usual window, seconds; 0 where the rule must say one."""
    doc: str
    extra: tuple[str, ...] = ()
    """Keys that only mean something beside it."""
    usage: bool = True
    """It looks at usage, so `window`, `by`, `where` and `no_data` mean something."""


MEASURES: Final = {
    m.key: m
    for m in (
        Measure("cost_over", "cost", 0, "USD spent in the window."),
        Measure("tokens_over", "tokens", 0, "Tokens of all kinds used in the window."),
        Measure("requests_over", "requests", 0, "Requests in the window."),
        Measure(
            "error_share_over", "share", 0,
            "Failed requests ÷ all requests of the window, for example 5%.", ("min_requests",),
        ),
        Measure(
            "throttled_share_over", "share", 0,
            "Requests answered with 429 ÷ all requests of the window.", ("min_requests",),
        ),
        Measure(
            "projected_over", "cost", 3600,
            "USD in `per` at the rate of the window: an hour's spend × 24 against a daily limit.",
            ("per",),
        ),
        Measure(
            "spike_over", "factor", 3600,
            "How many times the usual the window costs. Usual is the median of the same hour of"
            " the week in the past weeks.",
            ("min_cost",),
        ),
        Measure(
            "silent_for", "seconds", 86400,
            "Time without any usage of somebody who had some in the window.",
        ),
        Measure(
            "source_down_for", "seconds", 60,
            "Time since a source could last be read; one alert a source.", usage=False,
        ),
        Measure("unpriced_over", "tokens", 0, "Tokens in the window that have no price."),
        Measure(
            "difference_over", "share", 0,
            "Difference between what counts and what a reconciling source saw, of what counts.",
        ),
    )
}  # fmt: skip
"""key → measure. A rule has exactly one."""

NO_DATA: Final = ("keep", "ok", "alert")
SEVERITIES: Final = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One entry of `alerts:`. It fires strictly above the limit, not at it."""

    name: str
    measure: str
    """A key of `MEASURES`."""
    limit: int
    """In the `unit` of the measure."""
    window: int
    """Seconds."""
    window_name: str = ""
    """As written, for example `24h`; the usual window as `costtui` would write it."""
    by: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    """(dimension, value) pairs that must all be equal."""
    hold: int = 0
    """`for:`, seconds."""
    keep: int = 0
    """`keep_firing_for:`, seconds."""
    severity: str = "warning"
    """`info`, `warning` or `critical`."""
    labels: tuple[tuple[str, str], ...] = ()
    """More labels of its alerts, for whoever routes them."""
    notify: tuple[str, ...] | None = None
    """Names of notifiers; None is all of them."""
    no_data: str = "keep"
    """What a gap means: `keep` the state, `ok` nothing was spent, `alert`."""
    min_cost_nano: int = 0
    """Below this spend of the window it is no spike."""
    min_requests: int = 0
    """Below so many requests a share means nothing."""
    per: int = 86400
    """Seconds that `projected_over` projects to."""

    @property
    def unit(self) -> str:
        return MEASURES[self.measure].unit


PERIODS: Final = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """One entry of `budgets:`."""

    name: str
    limit_nano: int
    period: str = "month"
    """`day`, `week` or `month` of the calendar in the configured time zone, or `rolling`."""
    seconds: int = 0
    """Length of a rolling period; 0 for one of the calendar."""
    by: tuple[str, ...] = ()
    """One budget of this size for each value or combination of these."""
    where: tuple[tuple[str, str], ...] = ()
    steps: tuple[int, ...] = (SHARE // 2, SHARE * 8 // 10, SHARE)
    """Millionths of the limit at which an alert fires, ascending; exactly reached counts."""
    forecast: bool = True
    """Alert when the forecast for the period's end is above the limit."""
    burn_over: int | None = None
    """Thousandths: alert when it burns more than so many times faster than it may, over both
    windows; None is never."""
    burn_window: int = 3600
    """Seconds."""
    burn_short_window: int = 300
    """Seconds, less than `burn_window`."""
    parent: str = ""
    """The budget that this one is a part of: while that one's alert fires, this one's is muted."""
    severity: str = "critical"
    """Of the last step; the others are warnings."""
    labels: tuple[tuple[str, str], ...] = ()
    notify: tuple[str, ...] | None = None
    """Names of notifiers; None is all of them."""

    @property
    def alert(self) -> str:
        """The name of its alert; no rule has the same."""
        return f"budget {self.name}"


ROLLING: Final = "rolling"
NOTIFIERS: Final = ("webhook", "slack", "alertmanager", "command", "apprise")


@dataclass(frozen=True, slots=True)
class NotifierConfig:
    """One entry of `notifiers:`."""

    name: str
    type: str
    """One of `NOTIFIERS`."""
    url: Secret | None = None
    """Most of them are keys. `http://` or `https://`, but for apprise any URL of its own."""
    secret: Secret | None = None
    """The key of the HMAC signature."""
    headers: tuple[tuple[str, Secret], ...] = ()
    template: str = field(default="", repr=False)
    """The message with `{placeholders}`; "" is the usual one."""
    command: tuple[str, ...] = field(default=(), repr=False)
    """Program and arguments."""
    severity: str = "info"
    """The least severity that it is told of."""
    resolved: bool = True
    """Tell it of the end, too."""
    group_by: tuple[str, ...] = ()
    group_wait: int = 10
    """Seconds in which alerts of one group are gathered into one message."""
    repeat: int | None = 14400
    """Seconds after which a firing alert is told again; None is never."""
    timeout: float = 10.0
    """Seconds."""
