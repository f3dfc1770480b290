"""Everything that a store ever counted, as the counters of `/metrics` have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from costtui.model.alert import Ack, AlertStatus, Silence
from costtui.model.charge import CostBasis
from costtui.model.notifier import NotifierHealth
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import TOKEN_TYPES

BY: Final = ("provider", "model", "consumer", "gateway", "service")
"""What counters are told apart by."""
FOLDED: Final = "other"
"""The value of each of them, but the last, where there are too many."""

Labels = tuple[str, str, str, str, str]
"""The values of `BY`."""

PRICED: Final = (CostBasis.REPORTED, CostBasis.COMPUTED, CostBasis.ESTIMATED)


@dataclass(slots=True)
class Counts:
    """The usage of one combination of `BY`. Money is nano-USD, as it was charged when it was
    counted; nothing in here ever goes back but `adjusted`."""

    cost: list[int] = field(default_factory=lambda: [0] * len(PRICED))
    """In the order of `PRICED`."""
    listed: int = 0
    tokens: list[int] = field(default_factory=lambda: [0] * len(TOKEN_TYPES))
    """In the order of `TOKEN_TYPES`."""
    requests: int = 0
    errors: int = 0
    throttled: int = 0
    lower_bounds: int = 0
    unpriced_requests: int = 0
    unpriced_tokens: int = 0
    adjusted: int = 0
    """What re-pricing, retention and changed roles have added to the cost since, or taken away."""


class Counted(NamedTuple):
    """From one consistent read."""

    revision: int
    since: float
    """When the counters began, epoch seconds; 0 where that is not known."""
    usage: dict[Labels, Counts]
    folded: int
    """How many combinations are in `FOLDED`."""


class Heard(NamedTuple):
    """How the collector and all of its parts are doing, from one consistent read."""

    revision: int
    heartbeat: float
    evaluated: float
    """When the rules were last looked at, epoch seconds; 0 is never."""
    sources: tuple[SourceStatus, ...]
    alerts: tuple[AlertStatus, ...]
    notifiers: tuple[NotifierHealth, ...]
    silences: tuple[Silence, ...] = ()
    acks: tuple[Ack, ...] = ()
