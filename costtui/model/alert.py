"""Alerts as values: how an instance stands, what is told of it, and what mutes it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final, NamedTuple

from costtui.model.charge import Exactness

UNITS: Final = ("cost", "tokens", "requests", "share", "factor", "seconds")
"""What an alert's value and limit are: nano-USD, tokens, requests, millionths, thousandths,
seconds."""

SHARE: Final = 1_000_000
"""Parts of a whole: 10 % is 100,000."""
FACTOR: Final = 1000
"""Thousandths: 2.5 times is 2,500."""

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """One alert instance (rule × label set). Times are epoch seconds; 0 means never."""

    rule: str
    labels: Labels
    state: str
    """`inactive`, `pending`, `firing` or `resolved`."""
    severity: str
    value: int
    """In `unit`."""
    limit: int
    since: float
    """When the present state began."""
    window: str
    exactness: Exactness = Exactness.EXACT
    unit: str = "cost"
    """One of `UNITS`."""
    active_at: float = 0.0
    """When the condition began to hold."""
    fired_at: float = 0.0
    keep_since: float = 0.0
    """When the condition ended while it goes on firing (`keep_firing_for:`)."""
    resolved_at: float = 0.0
    id: str = ""
    """Of this firing episode: the same until it is resolved, over restarts; `""` while it has not
    fired."""
    cause: str = ""
    """One line: who moved, as it was found when it began to fire."""


class AlertChange(NamedTuple):
    """One change of an alert instance's state."""

    id: int
    at: float
    """When it changed, epoch seconds."""
    status: AlertStatus
    """What it became; `since` is `at`. Its state is `removed` where the rule has left the
    configuration."""


class AlertEvent(NamedTuple):
    """What a notifier is told: an alert fires, still fires, or is over."""

    id: str
    """Of the firing episode: what is told of one alert has one id, however often it is told."""
    rule: str
    labels: Labels
    severity: str
    state: str
    """`firing` or `resolved`."""
    unit: str
    value: int
    limit: int
    window: str
    active_at: float
    fired_at: float
    resolved_at: float
    exactness: Exactness = Exactness.EXACT
    summary: str = ""
    """One line of text for people."""
    cause: str = ""
    extra: Labels = ()
    """The `labels:` of the rule."""
    notify: tuple[str, ...] | None = None
    """Names of notifiers; None is all of them."""


class Parcel(NamedTuple):
    """One event on its way to one notifier."""

    key: int
    notifier: str
    event: AlertEvent
    attempts: int
    """Failed ones."""
    created: float


class Matcher(NamedTuple):
    """One condition of a silence. The names `alert` and `severity` are those of the alert itself,
    all others are labels; a label that is not there is empty."""

    name: str
    op: str
    """`=`, `!=`, `=~` or `!~`; a regular expression must match the whole value."""
    value: str


class Silence(NamedTuple):
    """Alerts that all `matchers` fit are told to nobody in `[starts, ends)`, epoch seconds."""

    id: int
    matchers: tuple[Matcher, ...]
    starts: float
    ends: float
    reason: str = ""
    author: str = ""


class Ack(NamedTuple):
    """Somebody knows of one firing episode: it is not told again."""

    rule: str
    labels: Labels
    episode: str
    at: float
    author: str = ""
    reason: str = ""


def episode_id(rule: str, labels: Labels, fired_at: float) -> str:
    """The stable id of one firing episode: 16 hexadecimal digits."""
    text = json.dumps([rule, labels, float(fired_at)], ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
