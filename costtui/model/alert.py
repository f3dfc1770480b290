"""What is told of an alert: one event, and the parcel in which it waits for a notifier."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.charge import Exactness


class AlertEvent(NamedTuple):
    """An alert that began to fire, or ended. Times are epoch seconds; 0 means never."""

    id: str
    """Stable for one firing episode: firing and resolved have the same."""
    rule: str
    labels: tuple[tuple[str, str], ...]
    severity: str
    """`info`, `warning` or `critical`."""
    state: str
    """`firing` or `resolved`."""
    unit: str
    """`cost`, `tokens`, `requests`, `share`, `factor` or `seconds`."""
    value: int
    """In the unit: nano-USD, tokens, requests, millionths, thousandths, seconds."""
    limit: int
    """In the unit, as `value`."""
    window: str
    """As written, for example `24h`."""
    active_at: float
    """When the condition began to hold."""
    fired_at: float
    resolved_at: float
    exactness: Exactness
    summary: str
    cause: str
    """Why it moved, or ""."""
    extra: tuple[tuple[str, str], ...]
    """The rule's own `labels:`."""
    notify: tuple[str, ...] | None
    """Names of notifiers; None is all of them."""


class Parcel(NamedTuple):
    """One event on its way to one notifier."""

    key: int
    """Ascending in the order in which they were put."""
    notifier: str
    event: AlertEvent
    attempts: int
    """How often it was tried in vain."""
    created: float
    """Epoch seconds."""
