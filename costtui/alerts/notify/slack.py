"""A message for a chat: Slack's incoming webhooks, and what takes the same (Mattermost,
Rocket.Chat). Text and attachments, as those three read both; blocks are Slack's alone.

Names come from the internet: one must not ring a whole channel, draw a picture from elsewhere, or
look like a link to somewhere else. Slack reads `<!channel>` and is told not to read markup at all;
Mattermost does as it likes, and reads `@all` and Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from costtui.alerts.notify.words import latest, placeholder, safe, values
from costtui.config.alert_schema import NotifierConfig
from costtui.config.placeholders import fill
from costtui.model.alert import AlertEvent, Parcel

MOST: Final = 20
"""Attachments of one message; Slack advises against more."""
TEXT_LIMIT: Final = 3000
"""Characters, before escaping, of the text and of an attachment's text."""
FIELDS: Final = 8
_COLORS: Final = {"critical": "danger", "warning": "warning"}
_BREAK: Final = "\u200b"
"""Between `@` and a name, or a link's halves: what looks the same and means nothing."""


def message(config: NotifierConfig, parcels: Sequence[Parcel]) -> dict[str, Any]:
    """The body for an incoming webhook: the last state of each alert."""
    told = [safe(parcel.event) for parcel in latest(list(parcels))]
    if config.template:
        texts = [
            fill(config.template, lambda name, e=event: escaped(placeholder(e, name)))  # type: ignore[misc]
            for event in told[:MOST]
        ]
        return {"text": _bounded("\n".join(texts), TEXT_LIMIT * 2) + _more(told)}
    return {
        "text": escaped(heading(told)) + _more(told),
        "mrkdwn": False,
        "attachments": [_attachment(event) for event in told[:MOST]],
    }


def _more(told: Sequence[AlertEvent]) -> str:
    return f" … and {len(told) - MOST} more" if len(told) > MOST else ""


def _attachment(event: AlertEvent) -> dict[str, Any]:
    value, limit = values(event)
    fields = [("Value", value), ("Limit", limit), ("Window", event.window)]
    fields += [*event.labels, *event.extra]
    color = "good" if event.state == "resolved" else _COLORS.get(event.severity)
    made: dict[str, Any] = {
        "fallback": escaped(line(event)),
        "title": escaped(_bounded(_title(event), 300)),
        "text": escaped(_bounded(_text(event), TEXT_LIMIT)),
        "fields": [
            {"title": escaped(name), "value": escaped(text), "short": True}
            for name, text in fields[:FIELDS]
            if text
        ],
        "mrkdwn_in": [],
    }
    if color:
        made["color"] = color
    at = event.resolved_at if event.state == "resolved" else event.fired_at
    if at > 0:
        made["ts"] = int(at)
    return made


def _title(event: AlertEvent) -> str:
    return f"{event.state.upper()} ({event.severity}): {event.rule}"


def _text(event: AlertEvent) -> str:
    lasted = ""
    if event.state == "resolved" and 0 < event.fired_at <= event.resolved_at:
        minutes = int(event.resolved_at - event.fired_at) // 60
        lasted = f"It fired for {minutes} min." if minutes else "It fired for less than a minute."
    return "\n".join(filter(None, (event.summary, event.cause, lasted)))


def line(event: AlertEvent) -> str:
    """One alert in one line."""
    return f"{_title(event)}: {event.summary or ' > '.join(values(event))}"


def heading(told: Sequence[AlertEvent]) -> str:
    """What it is about: the alert itself, or how many fire and ended."""
    if len(told) == 1:
        return line(told[0])
    firing = sum(event.state == "firing" for event in told)
    ended = len(told) - firing
    parts = [f"{firing} firing"] * bool(firing) + [f"{ended} resolved"] * bool(ended)
    return f"costtui: {', '.join(parts) or 'nothing'}"


def plain_text(told: Sequence[AlertEvent]) -> str:
    """Without any markup, for whatever Apprise reaches."""
    lines = [defused("\n".join((_title(event), _text(event)))) for event in told[:MOST]]
    return _bounded("\n\n".join(lines), TEXT_LIMIT * 2) + _more(told)


def escaped(text: str) -> str:
    """`text` as it is, in Slack's own markup: `&`, `<` and `>` (Slack's documentation, "Escaping
    text"), and no mention or link made of a name."""
    safe_text = defused(text)
    return safe_text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def defused(text: str) -> str:
    """Mentions, Markdown links and addresses taken apart. `alice@example.com` stays."""
    text = re.sub(r"(?<![A-Za-z0-9])@(?=\w)", f"@{_BREAK}", text)
    return text.replace("](", f"]{_BREAK}(").replace("://", f":{_BREAK}//")


def _bounded(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
