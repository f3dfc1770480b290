"""Alerts in words and in plain JSON values: what all kinds of messages have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from costtui.model.alert import AlertEvent, Parcel
from costtui.model.charge import Exactness
from costtui.model.money import NANO, decimal_text, divide_half_even
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


def amount(unit: str, number: int, right: Exactness = Exactness.EXACT) -> str:
    """`number` for people: `≥$61.20`, `1,500,000 tokens`, `5.25%`, `2.5 times`, `1h 30m`."""
    if unit == "cost":
        return right.mark + _usd(number)
    if unit == "share":
        return f"{right.mark}{_decimal(number, 10_000)}%"
    if unit == "factor":
        return f"{right.mark}{_decimal(number, 1000)} times"
    if unit == "seconds":
        return right.mark + _duration(number)
    return f"{right.mark}{number:,} {unit}"


def _usd(nano: int) -> str:
    """With cents, and four decimals where the cents would be all there is."""
    sign = "-" if nano < 0 else ""
    nano = abs(nano)
    places = 2 if nano >= NANO or nano == 0 else 4
    step = NANO // 10**places
    if 0 < nano < step:
        return f"{sign}${decimal_text(nano)}"
    units = divide_half_even(nano, step)
    whole, rest = divmod(units, 10**places)
    return f"{sign}${whole:,}.{rest:0{places}d}"


def _decimal(number: int, whole: int) -> str:
    """`number` ÷ `whole`, exactly."""
    places = len(str(whole)) - 1
    sign = "-" if number < 0 else ""
    full, rest = divmod(abs(number), whole)
    return f"{sign}{full:,}.{rest:0{places}d}".rstrip("0").rstrip(".")


def _duration(seconds: int) -> str:
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(max(0, seconds), size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def values(event: AlertEvent) -> tuple[str, str]:
    """Value and limit. Where rounding would make them equal and they are not, all digits."""
    value = amount(event.unit, event.value, event.exactness)
    limit = amount(event.unit, event.limit)
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
