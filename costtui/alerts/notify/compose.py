"""What goes over the wire to a webhook, to Alertmanager and to a program. Pure: the same parcels at
the same moment make the same bytes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from costtui import __version__
from costtui.alerts.notify import slack
from costtui.alerts.notify.words import alert, delivery, latest, moment, placeholder, safe, values
from costtui.config.alert_schema import NotifierConfig
from costtui.config.placeholders import fill, is_json
from costtui.model.alert import AlertEvent, Parcel

VERSION: Final = 1
"""Of the document. Keys may be added to it; one that changes or goes makes the next version."""
SIGNATURE: Final = "X-Costtui-Signature"
DELIVERY: Final = "X-Costtui-Delivery"
ALIVE: Final = 300.0
"""Seconds after which Alertmanager ends an alert that it hears nothing more of; Prometheus says
four times its interval of telling again, at least four minutes."""
ALERTS_PATH: Final = "/api/v2/alerts"


class Posted(NamedTuple):
    """One POST."""

    url: str
    headers: dict[str, str]
    body: bytes


def document(config: NotifierConfig, parcels: Sequence[Parcel], now: float) -> dict[str, Any]:
    """The document of docs/notifiers.md: every state of every alert, in their order."""
    told = [parcel._replace(event=safe(parcel.event)) for parcel in parcels]
    firing = any(parcel.event.state == "firing" for parcel in latest(told))
    return {
        "version": VERSION,
        "source": "costtui",
        "notifier": config.name,
        "state": "firing" if firing else "resolved",
        "group": dict(group_of(config, told[0].event)) if told else {},
        "sent_at": moment(now),
        "alerts": [alert(parcel) for parcel in told],
    }


def group_of(config: NotifierConfig, event: AlertEvent) -> tuple[tuple[str, str], ...]:
    """What the alerts of one message have in common: the labels of `group_by`."""
    found = {"alertname": event.rule, "severity": event.severity, **dict(event.extra)}
    found.update(event.labels)
    return tuple((name, found.get(name, "")) for name in config.group_by)


def most(config: NotifierConfig) -> int:
    """Alerts of one message. A webhook's `template` is about one alert."""
    if config.type == "webhook" and config.template:
        return 1
    # 3 ms to compose of the event loop's time; 500 of Alertmanager's took 14–150.
    return 100 if config.type == "alertmanager" else 50


def posted(config: NotifierConfig, parcels: Sequence[Parcel], now: float) -> Posted:
    """What is posted to a webhook, to Slack or to Alertmanager. `now` is epoch seconds."""
    url = config.url.reveal() if config.url else ""
    headers = {"Content-Type": "application/json", "User-Agent": f"costtui/{__version__}"}
    if config.type == "alertmanager":
        url = _alerts_url(url)
        body = _json(alertmanager(parcels, now))
    elif config.type == "slack":
        body = _json(slack.message(config, parcels))
    elif config.template:
        body, headers["Content-Type"] = _filled(config.template, safe(parcels[0].event))
    else:
        body = _json(document(config, parcels, now))
    headers.update((name, secret.reveal()) for name, secret in config.headers)
    if config.type == "webhook":
        headers[DELIVERY] = _delivery(parcels)
        if config.secret is not None:
            headers[SIGNATURE] = signature(config.secret.reveal(), body, int(now))
    return Posted(url, headers, body)


def signature(secret: str, body: bytes, at: int) -> str:
    """`t=…,v1=…`: HMAC-SHA256 of the seconds, a dot and the body. With the time in it, an old
    message cannot be sent again by somebody else."""
    signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def _delivery(parcels: Sequence[Parcel]) -> str:
    """The same for every try of the same message; of several alerts a hash."""
    names = [delivery(safe(parcel.event)) for parcel in parcels]
    if len(names) == 1 and names[0].isascii():
        return names[0]
    return "sha256:" + hashlib.sha256("\n".join(names).encode()).hexdigest()


def _filled(template: str, event: AlertEvent) -> tuple[bytes, str]:
    if not is_json(template):
        text = fill(template, lambda name: placeholder(event, name))
        return text.encode(), "text/plain; charset=utf-8"
    text = fill(template, lambda name: json.dumps(placeholder(event, name))[1:-1])
    return text.encode(), "application/json"


def _json(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()


# Alertmanager ---------------------------------------------------------------------------------


def alertmanager(parcels: Iterable[Parcel], now: float) -> list[dict[str, Any]]:
    """The body of `POST /api/v2/alerts` (Alertmanager's OpenAPI document, `postableAlerts`).

    Alertmanager knows an alert by its labels, so the episode's id is an annotation. `endsAt` of one
    that fires lies ahead: if we are gone, it ends by then. No `generatorURL`: there is no page.
    """
    told = []
    for parcel in latest(list(parcels)):
        event = safe(parcel.event)
        value, limit = values(event)
        end = event.resolved_at if event.state == "resolved" else now + ALIVE
        annotations = {"summary": event.summary, "cause": event.cause, "value": value}
        annotations |= {"limit": limit, "window": event.window, "costtui_id": event.id}
        told.append(
            {
                "labels": labels_of(event),
                "annotations": {name: text for name, text in annotations.items() if text},
                "startsAt": moment(event.fired_at) or moment(now),
                "endsAt": moment(end) or moment(now),
            }
        )
    return told


def labels_of(event: AlertEvent) -> dict[str, str]:
    """The alert's labels as Prometheus allows them. `tag:cost-center` becomes `tag_cost_center`; a
    name that is taken then gets a number."""
    made = {"alertname": event.rule, "severity": event.severity}
    for name, value in (*event.labels, *event.extra):
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "label"
        plain = f"label_{plain}" if plain[0].isdigit() or plain.startswith("__") else plain
        unique, number = plain, 2
        while unique in made:
            unique, number = f"{plain}_{number}", number + 1
        # An empty value is no label to Prometheus; "no value" is worth being routed by.
        made[unique] = value or "(none)"
    return made


def _alerts_url(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith(ALERTS_PATH):
        path += ALERTS_PATH
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


# Programs -------------------------------------------------------------------------------------


def for_program(config: NotifierConfig, parcels: Sequence[Parcel], now: float) -> bytes:
    """What a program reads: the document, and a line break."""
    return _json(document(config, parcels, now)) + b"\n"


def for_apprise(config: NotifierConfig, parcels: Sequence[Parcel]) -> bytes:
    """What the process with Apprise in it reads. The URL is a key, so it is no argument."""
    told = [safe(parcel.event) for parcel in latest(list(parcels))]
    firing = [event for event in told if event.state == "firing"]
    critical = any(event.severity == "critical" for event in firing)
    kind = "success" if not firing else "failure" if critical else "warning"
    return _json(
        {
            "url": config.url.reveal() if config.url else "",
            "title": slack.heading(told),
            "body": slack.plain_text(told),
            "type": kind,
        }
    )
