"""The keys of `alerts:`, `budgets:` and `notifiers:`."""

from __future__ import annotations

import re
from typing import Final

from costtui.config.alert_schema import (
    MEASURES,
    NO_DATA,
    NOTIFIERS,
    PERIODS,
    ROLLING,
    SEVERITIES,
    AlertRule,
    BudgetConfig,
    NotifierConfig,
)
from costtui.config.durations import duration_text
from costtui.config.kinds import Bool, Choice, Duration, Kind, Text, Written
from costtui.config.number_kinds import Count, Factor, Nano, Share
from costtui.config.secret_kinds import HeaderValue, Masked, SecretFile, SecretUrl
from costtui.config.sections import Key, ListOf, MapOf, Section
from costtui.model.dimension import DIMENSIONS, MAPPED_DIMENSIONS, is_dimension

ALERT_PRESETS: Final = ("usual",)
"""The sets of rules that come with costtui: the files in `alert_presets`."""


class Dimension(Choice):
    """What usage can be grouped by: the words, and whatever else the model takes for one."""

    def parse(self, written: Written) -> str:
        return written.text if is_dimension(written.text) else str(super().parse(written))


class Label(Text):
    """The name of a label of alerts, as Prometheus and Alertmanager allow it."""

    label = "name"

    def parse(self, written: Written) -> str:
        text = super().parse(written)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) or text.startswith("__"):
            raise ValueError("is not the name of a label: letters, digits and _")
        if text in OWN_LABELS:
            raise ValueError("is a label that costtui sets itself")
        return text


OWN_LABELS: Final = ("alertname", "severity")
DIMENSION: Final = Dimension(DIMENSIONS + MAPPED_DIMENSIONS)
LABELS: Final = MapOf(Label(limit=100), Text(limit=200), "name")
WHERE: Final = MapOf(DIMENSION, Text(empty=True), "dimension")
USAGE: Final = tuple(m.key for m in MEASURES.values() if m.usage)
"""The measures that look at usage in a window."""


def _beside(name: str) -> tuple[str, ...]:
    """The measures beside which the key `name` means something."""
    return tuple(m.key for m in MEASURES.values() if name in m.extra)


LIMITS: Final[dict[str, Kind]] = {
    "cost": Nano(),
    "tokens": Count(),
    "requests": Count(),
    "share": Share(),
    "factor": Factor(),
    "seconds": Duration(least="1m", whole_minutes=True),
}
"""How the limit of each unit is written."""


def _usual_windows() -> str:
    usual: dict[int, list[str]] = {}
    for m in MEASURES.values():
        if m.usage and m.window:
            usual.setdefault(m.window, []).append(f"`{m.key}`")
    return "required; " + ", ".join(
        f"`{duration_text(seconds)}` of {' and '.join(keys)}" for seconds, keys in usual.items()
    )


ALERT: Final = Section(
    AlertRule,
    (
        Key(
            "preset",
            Choice(ALERT_PRESETS),
            "Alone in its entry: put this set of rules here.",
            ("name",),
            default="",
            shown=False,
        ),
        Key(
            "name",
            Text(limit=100),
            "Each name once; a rule with the name of one of a preset replaces it.",
            default="required",
        ),
        *(
            Key(m.key, LIMITS[m.unit], m.doc, ("limit", "measure"), default="", only=(m.key,))
            for m in MEASURES.values()
        ),
        Key(
            "window",
            Duration(least="1m", whole_minutes=True),
            "The time up to now that is looked at.",
            ("window", "window_name"),
            default=_usual_windows(),
            only=USAGE,
        ),
        Key(
            "by",
            ListOf(DIMENSION),
            "One alert for each value or combination of these.",
            only=USAGE,
        ),
        Key("where", WHERE, "Only this usage.", only=USAGE),
        Key("for", Duration(least="0s"), "How long it must hold before it fires.", ("hold",)),
        Key(
            "keep_firing_for",
            Duration(least="0s"),
            "How long it goes on firing after it has ended.",
            ("keep",),
        ),
        Key("severity", Choice(SEVERITIES), "How loud it is."),
        Key("labels", LABELS, "More labels, for whoever routes alerts."),
        Key("notify", ListOf(Text()), "Which `notifiers:` are told; all of them by default."),
        Key(
            "no_data",
            Choice(NO_DATA),
            "While a source is down: keep the state, take it for nothing spent, or alert.",
            only=USAGE,
        ),
        Key(
            "min_cost",
            Nano(),
            "With less spend in the window it is no spike.",
            ("min_cost_nano",),
            only=_beside("min_cost"),
        ),
        Key(
            "min_requests",
            Count(),
            "With fewer requests in the window a share says nothing.",
            only=_beside("min_requests"),
        ),
        Key(
            "per",
            Duration(least="1m", whole_minutes=True),
            "What the rate is projected to.",
            only=_beside("per"),
        ),
    ),
    chosen="measure",
    choices=tuple(MEASURES),
    only_doc="beside `",
)

BUDGET: Final = Section(
    BudgetConfig,
    (
        Key("name", Text(limit=100), "Each name once.", required=True),
        Key("limit", Nano(), "USD for one period.", ("limit_nano",), required=True),
        Key("period", Choice(PERIODS), "A calendar period in `timezone`.", only=PERIODS),
        Key(
            "rolling",
            Duration(least="1h", whole_minutes=True),
            "Instead of `period`: so long up to now.",
            ("seconds",),
            default="",
            only=(ROLLING,),
        ),
        Key("by", ListOf(DIMENSION), "One budget of this size for each value of these."),
        Key("where", WHERE, "Only this usage."),
        Key(
            "steps",
            ListOf(Share()),
            "Shares of the limit, ascending; each alerts when it is reached.",
            default="`[50%, 80%, 100%]`",
        ),
        Key("forecast", Bool(), "Alert when the period is forecast to end above the limit."),
        Key(
            "burn_over",
            Factor(never="never"),
            "Alert when it burns more than so many times faster than it may, over both windows.",
        ),
        Key("burn_window", Duration(least="5m", whole_minutes=True), "The long one."),
        Key("burn_short_window", Duration(least="1m", whole_minutes=True), "The short one."),
        Key(
            "parent",
            Text(),
            "The budget that it is a part of: while that one fires, this one is muted.",
        ),
        Key("severity", Choice(SEVERITIES), "Of the last step; the others are warnings."),
        Key("labels", LABELS, "More labels, for whoever routes alerts."),
        Key("notify", ListOf(Text()), "Which `notifiers:` are told; all of them by default."),
    ),
    chosen="period",
    only_doc="",
)

POSTED: Final = ("webhook", "slack", "alertmanager", "apprise")
"""The types that post to a URL."""
HTTP: Final = ("webhook", "slack", "alertmanager")
"""Those whose URL is one of HTTP, and whose headers are ours to set."""
GROUPED: Final = tuple(kind for kind in NOTIFIERS if kind != "alertmanager")

NOTIFIER: Final = Section(
    NotifierConfig,
    (
        Key("name", Text(limit=100), "What `notify:` calls it; each name once.", required=True),
        Key(
            "type",
            Choice(NOTIFIERS),
            "`webhook` posts JSON, `slack` a message to an incoming webhook (Mattermost has the "
            "same), `alertmanager` hands the alerts to Alertmanager's API, `command` runs a "
            "program, `apprise` hands them to Apprise.",
            required=True,
        ),
        Key(
            "url",
            SecretUrl(),
            "Where to. From `${NAME}` for slack and apprise; a plain `http(s)://` URL of a webhook"
            " or Alertmanager may stand here.",
            only=POSTED,
        ),
        Key(
            "url_file",
            SecretFile(),
            "A file that holds nothing but the URL.",
            ("url",),
            only=POSTED,
            shown=False,
        ),
        Key(
            "secret",
            Masked(),
            "Signs each message: HMAC-SHA256 in `X-Costtui-Signature`. From `${NAME}` only.",
            only=("webhook",),
        ),
        Key(
            "secret_file",
            SecretFile(),
            "A file that holds nothing but the secret.",
            ("secret",),
            only=("webhook",),
            shown=False,
        ),
        Key(
            "headers",
            MapOf(Text(limit=200), HeaderValue(), "header"),
            "Sent with each message. One that can be a secret takes its value from `${NAME}`.",
            only=HTTP,
        ),
        Key(
            "template",
            Text(limit=20_000, lines=True),
            "The message, with {placeholders}.",
            only=("webhook", "slack"),
        ),
        Key(
            "command",
            ListOf(Text(), program=True),
            "Program and arguments, run without a shell (a line of one is "
            '`[sh, -c, "…"]`); it gets the alerts as JSON on its standard input.',
            only=("command",),
        ),
        Key("severity", Choice(SEVERITIES), "The least severity that it is told of."),
        Key("resolved", Bool(), "Tell it of the end, too."),
        Key(
            "group_by",
            ListOf(Text(limit=100)),
            "Labels that the alerts of one message have in common.",
            only=GROUPED,
        ),
        Key(
            "group_wait",
            Duration(least="0s"),
            "How long alerts are gathered into one message.",
            only=GROUPED,
        ),
        Key(
            "repeat",
            Duration(never="never", least="1m"),
            "When a firing alert is told again.",
            only=GROUPED,
        ),
        Key("timeout", Duration(plain=True, least="0.1s", fraction=True), "Limit for one message."),
    ),
    choices=NOTIFIERS,
)
