"""How a notifier is doing, for whoever shows it."""

from __future__ import annotations

from typing import NamedTuple


class NotifierHealth(NamedTuple):
    """One notifier. Times are epoch seconds; 0 means never."""

    name: str
    type: str
    waiting: int = 0
    """Parcels that it was not told yet, as far as they are known."""
    last_ok: float = 0.0
    last_failed: float = 0.0
    error: str = ""
    """Why the last message failed, "" once one was taken again. Holds no secret."""
    failures: int = 0
    """Messages in a row that failed."""
    refused: int = 0
    """Parcels that it does not want; they are offered again every hour."""
    retry_at: float = 0.0
    """When it is tried again; 0 when nothing holds it up."""
