"""Where parcels wait until they are delivered, and what a `Courier` needs of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from costtui.model.alert import Parcel


class Outbox(Protocol):
    """Keeps parcels across crashes. Raises `CosttuiError` when it cannot; it is asked again."""

    async def due(self, now: float, limit: int) -> list[Parcel]:
        """Parcels whose time has come by `now` (epoch seconds), the lowest keys first. A new
        parcel's time has come at once. One that is being delivered is still in here."""

    async def delivered(self, keys: Sequence[int]) -> None:
        """They were taken: forget them. Unknown keys are nothing."""

    async def failed(self, keys: Sequence[int], error: str, retry_at: float) -> None:
        """They were tried once more in vain: count it, and keep why and until when (epoch
        seconds)."""


class Clock(Protocol):
    """As the engine's, which is floors above."""

    def now(self) -> float:
        """Unix time, seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait. Cancellation passes through."""
