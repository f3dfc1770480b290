"""Who is told of what: an event's notifiers, by their configuration and its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from costtui.config.alert_schema import SEVERITIES, NotifierConfig


def hears_ends(config: NotifierConfig) -> bool:
    """Is it told that an alert is over? Alertmanager always is: it has to know."""
    return config.resolved or config.type == "alertmanager"


class Address(Protocol):
    """Of an `AlertEvent` what says who is told."""

    @property
    def state(self) -> str: ...

    @property
    def severity(self) -> str: ...

    @property
    def notify(self) -> tuple[str, ...] | None: ...


def wants(config: NotifierConfig, event: Address) -> bool:
    """Is this notifier told of this event? By the rule's `notify:`, and by the notifier's
    `severity:` and `resolved:`."""
    if event.notify is not None and config.name not in event.notify:
        return False
    if event.state == "resolved" and not hears_ends(config):
        return False
    return SEVERITIES.index(event.severity) >= SEVERITIES.index(config.severity)


def addressed(notifiers: Iterable[NotifierConfig], event: Address) -> tuple[str, ...]:
    """The names of those that are told, in the order of the configuration."""
    return tuple(config.name for config in notifiers if wants(config, event))
