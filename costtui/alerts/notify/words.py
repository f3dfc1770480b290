"""Alerts in words and in plain JSON values: what all kinds of messages have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from costtui.model.alert import AlertEvent, Parcel
from costtui.model.money import decimal_text
from costtui.model.quantity import quantity_text
from costtui.model.safetext import redact, safe_name, visible

NAME_LIMIT: Final = 200
"""Characters of a name or a label's value."""
TEXT_LIMIT: Final = 1000
"""Characters of a summary or a cause."""


def safe(event: AlertEvent) -> AlertEvent:
    """`event` with every text printable, bounded and without secrets. JSON of a lone surrogate is
    no JSON to most readers, and a name that is a key would be told to a chat."""

    def pairs(given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((_name(name), _name(value)) for name, value in given)

    return event._replace(
        id=_name(event.id),
        rule=_name(event.rule),
        labels=pairs(event.labels),
        extra=pairs(event.extra),
        window=_name(event.window),
        summary=visible(redact(event.summary), TEXT_LIMIT),
        cause=visible(redact(event.cause), TEXT_LIMIT),
    )


def _name(text: str) -> str:
    return visible(safe_name(text), NAME_LIMIT)


def values(event: AlertEvent) -> tuple[str, str]:
    """Value and limit. Where rounding would make them equal and they are not, all digits."""
    value = quantity_text(event.unit, event.value, event.exactness)
    limit = quantity_text(event.unit, event.limit)
    if value.lstrip("≥~") == limit and event.value != event.limit and event.unit == "cost":
        exact = event.exactness.mark
        return f"{exact}${decimal_text(event.value)}", f"${decimal_text(event.limit)}"
    return value, limit


def moment(seconds: float) -> str:
    """Epoch seconds as RFC 3339 in UTC, "" for never."""
    if seconds <= 0:
        return ""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace(
        "+00:00", "Z"
    )


def delivery(event: AlertEvent) -> str:
    """What makes a message that comes twice known: the same for every try."""
    return f"{event.id}:{event.state}"


def alert(parcel: Parcel) -> dict[str, Any]:
    """One alert of the document, of an event that is `safe`."""
    event = parcel.event
    value, limit = values(event)
    return {
        "id": event.id,
        "delivery": delivery(event),
        "state": event.state,
        "severity": event.severity,
        "rule": event.rule,
        "labels": dict(event.labels),
        "rule_labels": dict(event.extra),
        "summary": event.summary,
        "cause": event.cause,
        "unit": event.unit,
        "value": event.value,
        "limit": event.limit,
        "value_text": value,
        "limit_text": limit,
        "exactness": event.exactness.word,
        "window": event.window,
        "active_at": moment(event.active_at) or None,
        "fired_at": moment(event.fired_at) or None,
        "resolved_at": moment(event.resolved_at) or None,
        "created_at": moment(parcel.created) or None,
    }


def placeholder(event: AlertEvent, name: str) -> str:
    """What a `{placeholder}` of a template stands for, of an event that is `safe`."""
    if name.startswith("labels."):
        wanted = name.removeprefix("labels.")
        return next((v for n, v in (*event.labels, *event.extra) if n == wanted), "")
    value, limit = values(event)
    return {
        "summary": event.summary,
        "cause": event.cause,
        "state": event.state,
        "severity": event.severity,
        "rule": event.rule,
        "value": value,
        "limit": limit,
        "value_number": str(event.value),
        "limit_number": str(event.limit),
        "unit": event.unit,
        "window": event.window,
        "exactness": event.exactness.word,
        "labels": ", ".join(f"{n}={v}" for n, v in (*event.labels, *event.extra)),
        "since": moment(event.fired_at),
        "until": moment(event.resolved_at),
        "id": event.id,
    }[name]


def latest(parcels: list[Parcel]) -> list[Parcel]:
    """The last state of each episode, in the order of their first: what is over need not be told
    as if it were not. For people and for Alertmanager; machines get every state."""
    last: dict[str, Parcel] = {}
    for parcel in parcels:
        last[parcel.event.id] = parcel
    return list(last.values())
