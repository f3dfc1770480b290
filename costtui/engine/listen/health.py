"""`/health`: is usage being read, judged and stored? From memory alone, so it answers always."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from costtui import __version__
from costtui.engine.listen.budget import moment
from costtui.model.safetext import redact, visible
from costtui.model.snapshot import SourceStatus

LATE_S: Final = 60.0
"""Seconds, and four intervals where those are longer, after which an evaluation is late."""
STILL_S: Final = 60.0
"""A heartbeat is stored every 10 s; after so many seconds without one, the store takes none."""


def state_of(status: SourceStatus, now: float) -> str:
    """`new` until it was tried, `failing`, `late` where its polls do not come, or `ok`."""
    if not status.last_attempt:
        return "new"
    if status.failures:
        return "failing"
    return "late" if now - status.last_ok > max(LATE_S, 4 * status.interval) else "ok"


def health(
    statuses: Sequence[SourceStatus],
    now: float,
    *,
    started: float,
    looked_at: float,
    beat_at: float,
    interval: float,
    last_commit: float,
    store_bytes: int,
    budgets_at: float,
) -> tuple[int, dict[str, Any]]:
    """(status, document). Times are epoch seconds, 0 is never."""
    states = {status.name: state_of(status, now) for status in statuses}
    why = []
    if statuses and not any(state in ("ok", "new") for state in states.values()):
        why.append("no source can be read")
    if now - (looked_at or started) > max(LATE_S, 4 * interval):
        why.append("alerts were not looked at when it was time")
    if now - (beat_at or started) > STILL_S:
        why.append("the store takes no writes")
    document: dict[str, Any] = {
        "up": not why,
        "reasons": why,
        "version": __version__,
        "uptime_seconds": int(max(0.0, now - started)),
        "last_commit": _when(last_commit),
        "last_evaluation": _when(looked_at),
        "budgets_as_of": _when(budgets_at),
        "store_bytes": store_bytes,
        "sources": [_source(status, states[status.name], now) for status in statuses],
    }
    return (503 if why else 200), document


def _source(status: SourceStatus, state: str, now: float) -> dict[str, Any]:
    return {
        "name": status.name,
        "type": status.kind,
        "gateway": status.gateway,
        "role": status.role,
        "state": state,
        "lag_seconds": round(status.lag_s, 3),
        "last_success": _when(status.last_ok),
        "last_success_seconds": round(max(0.0, now - status.last_ok), 1)
        if status.last_ok
        else None,
        "failures": status.failures,
        "error": visible(redact(status.error), 500) or None,
    }


def _when(seconds: float) -> str | None:
    return moment(seconds) if seconds else None
