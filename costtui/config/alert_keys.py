"""The keys of `alerts:`, `budgets:` and `notifiers:`."""

from __future__ import annotations

from typing import Final

from costtui.config.alert_schema import (
    MEASURES,
    NO_DATA,
    NOTIFIERS,
    PERIODS,
    SEVERITIES,
    AlertRule,
    BudgetConfig,
    NotifierConfig,
)
from costtui.config.kinds import Bool, Choice, Duration, Kind, Money, Text
from costtui.config.number_kinds import Count, Factor, Share
from costtui.config.secret_kinds import HeaderValue, Masked, SecretFile
from costtui.config.sections import Key, ListOf, MapOf, Section
from costtui.model.dimension import DIMENSIONS, MAPPED_DIMENSIONS

DIMENSION: Final = Choice(DIMENSIONS + MAPPED_DIMENSIONS)
USUAL: Final = "usual"
"""The only set of rules that comes with costtui."""

LIMITS: Final[dict[str, Kind]] = {
    "cost": Money(),
    "tokens": Count(),
    "requests": Count(),
    "share": Share(),
    "factor": Factor(),
    "seconds": Duration(least="1m", whole_minutes=True),
}
"""How the limit of each unit is written."""

ALERT: Final = Section(
    AlertRule,
    (
        Key("preset", Choice((USUAL,)), "Put the usual set of rules here.", (), default=""),
        Key("name", Text(limit=100), "Each name once; one of a preset replaces that rule."),
        *(
            Key(m.key, LIMITS[m.unit], m.doc, ("limit",), default="")
            for m in MEASURES.values()
        ),
        Key(
            "window",
            Duration(least="1m", whole_minutes=True),
            "The time up to now that is looked at.",
            ("window", "window_name"),
            default="required for most",
        ),
        Key("by", ListOf(DIMENSION), "One alert for each value or combination of these."),
        Key("where", MapOf(DIMENSION, Text(empty=True), "dimension"), "Only this usage."),
        Key("for", Duration(least="0s"), "How long it must hold before it fires.", ("hold",)),
        Key(
            "keep_firing_for",
            Duration(least="0s"),
            "How long it goes on firing after it has ended.",
            ("keep",),
        ),
        Key("severity", Choice(SEVERITIES), "How loud it is."),
        Key("labels", MapOf(Text(), Text(), "name"), "More labels, for whoever routes alerts."),
        Key("notify", ListOf(Text()), "Which `notifiers:` are told; all of them by default."),
        Key(
            "no_data",
            Choice(NO_DATA),
            "While a source is down: keep the state, take it for nothing spent, or alert.",
        ),
        Key(
            "min_cost", Money(), "Below this spend it is no spike.", ("min_cost_nano",), default="0"
        ),
        Key("min_requests", Count(), "With fewer requests a share says nothing."),
        Key("per", Duration(least="1m", whole_minutes=True), "What the rate is projected to."),
    ),
)

BUDGET: Final = Section(
    BudgetConfig,
    (
        Key("name", Text(limit=100), "Each name once.", required=True),
        Key("limit", Money(), "USD for one period.", ("limit_nano",), required=True),
        Key(
            "period",
            Choice(PERIODS),
            "A calendar period in `timezone`.",
        ),
        Key(
            "rolling",
            Duration(least="1h", whole_minutes=True),
            "Instead of a period: the last so many days up to now.",
            ("seconds",),
            default="",
        ),
        Key("by", ListOf(DIMENSION), "One budget of this size for each value of these."),
        Key("where", MapOf(DIMENSION, Text(empty=True), "dimension"), "Only this usage."),
        Key("steps", ListOf(Share()), "Shares of the limit that alert when they are reached.",
            default="50%, 80%, 100%"),
        Key("forecast", Bool(), "Alert when the period is forecast to end above the limit."),
        Key(
            "burn_over",
            Factor(),
            "Alert when it burns so many times faster than it may, over both burn windows.",
            default="never",
        ),
        Key("burn_window", Duration(least="5m", whole_minutes=True), "The long one."),
        Key("burn_short_window", Duration(least="1m", whole_minutes=True), "The short one."),
        Key("parent", Text(), "The budget it is a part of: while that fires, this one is muted."),
        Key("severity", Choice(SEVERITIES), "Of the last step; the others are warnings."),
        Key("labels", MapOf(Text(), Text(), "name"), "More labels, for whoever routes alerts."),
        Key("notify", ListOf(Text()), "Which `notifiers:` are told; all of them by default."),
    ),
)  # fmt: skip

NOTIFIER: Final = Section(
    NotifierConfig,
    (
        Key("name", Text(limit=100), "Each name once.", required=True),
        Key("type", Choice(NOTIFIERS), "How it is told.", required=True),
        Key("url", HeaderValue(), "Where to; usually a secret, so ${NAME}."),
        Key("url_file", SecretFile(), "A file that holds it.", ("url",), shown=False),
        Key("secret", Masked(), "Signs each message (HMAC-SHA256, `X-Costtui-Signature`)."),
        Key("secret_file", SecretFile(), "A file that holds it.", ("secret",), shown=False),
        Key("headers", MapOf(Text(), HeaderValue(), "name"), "More HTTP headers."),
        Key("template", Text(limit=20_000), "The message, with {placeholders}.", default=""),
        Key("command", ListOf(Text()), "Program and arguments; it gets the alert as JSON."),
        Key("severity", Choice(SEVERITIES), "The least severity that it is told of."),
        Key("resolved", Bool(), "Tell it of the end, too."),
        Key("group_by", ListOf(Text()), "Labels that one message has in common."),
        Key("group_wait", Duration(least="0s"), "How long alerts are gathered into one message."),
        Key("repeat", Duration(never="never"), "When a firing alert is told again."),
        Key("timeout", Duration(plain=True, fraction=True), "How long it may take."),
    ),
)
