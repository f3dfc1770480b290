"""Noticing what is new: in the store, and among the alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from costtui.model.snapshot import AlertStatus
from costtui.tui.data import Data


class Watch:
    """Did the store change since the last look? Runs in the reader's thread."""

    def __init__(self, ensure_collector: Callable[[], str | None] | None) -> None:
        self._ensure = ensure_collector
        self._version: int | None = None
        self._revision: int | None = None
        self.changed = False
        """The last look found something new."""
        self.problem = ""
        """Why there is no collector."""

    def check(self, data: Data) -> object:
        """None when nothing is new, so that nobody is woken; else True."""
        problem = (self._ensure() or "") if self._ensure is not None else ""
        said, self.problem = self.problem, problem
        self.changed = False
        version = data.data_version()
        if version != self._version:
            self._version = version
            revision = data.revision()
            self.changed = self._revision is not None and revision != self._revision
            self._revision = revision
        return True if self.changed or problem != said else None


class Firings:
    """Which firing alerts have already rung."""

    def __init__(self) -> None:
        self._rung: set[tuple[str, tuple[tuple[str, str], ...], float]] = set()

    def new(self, alerts: Iterable[AlertStatus]) -> bool:
        """Is there a firing instance that has not rung yet? It has now."""
        firing = {(a.rule, a.labels, a.since) for a in alerts if a.state == "firing"}
        fresh = bool(firing - self._rung)
        self._rung = firing
        return fresh
