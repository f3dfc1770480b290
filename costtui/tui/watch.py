"""Noticing what is new: in the store, about the sources and the collector, among the alerts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from costtui.model.notifier import NotifierHealth
from costtui.model.snapshot import AlertStatus, Overview, SourceStatus, View
from costtui.tui.data import Data
from costtui.tui.shown import Shown

ALIVE_EVERY = 5.0
"""Seconds between two looks whether a collector is alive: one that dies writes nothing."""


WIDE = 1000
"""Rows of a panel from which the collector of cycles is kept away from what was read."""
SETTLE_EVERY = 30.0
"""Seconds between two times of doing so."""


class News(NamedTuple):
    """What a look found."""

    changed: bool = False
    """Usage, gaps or alerts: ask for a new overview."""
    statuses: Sequence[SourceStatus] | None = None
    """The sources were polled; None when they were not."""
    notifiers: Sequence[NotifierHealth] = ()
    """How they are doing, where `statuses` are not None: that is no revision, either."""
    alive: bool | None = None
    """None when nobody looked."""
    problem: str = ""
    """Why there is no collector."""

    def laid_on(self, shown: Shown, now: float) -> Shown:
        """What is shown with what is new; the same object where nothing is."""
        overview = shown.overview
        if self.problem != shown.collector:
            shown = shown._replace(collector=self.problem)
        if overview is None or shown.state.paused:
            return shown
        if self.statuses is not None and overview.view.window.live:
            overview = replace(
                overview, sources=tuple(self.statuses), notifiers=tuple(self.notifiers),
                taken_at=now,
            )  # fmt: skip
        if self.alive is not None and self.alive is not overview.collector_alive:
            overview = replace(overview, collector_alive=self.alive)
        return shown if overview is shown.overview else shown._replace(overview=overview)


class Watch:
    """Did anything change since the last look? Runs in the reader's thread."""

    def __init__(self, ensure_collector: Callable[[], str | None] | None) -> None:
        self._ensure = ensure_collector
        self._version: int | None = None
        self._revision: int | None = None
        self._alive: bool | None = None
        self._looked = 0.0
        self._problem = ""
        self._settled = float("-inf")

    def overview(
        self, data: Data, view: View, now: float, dimensions: Sequence[str]
    ) -> Overview | None:
        """Read an overview. What is in the first one is what later looks compare with: usage that
        is stored between it and the first look is news."""
        found = data.overview(view, now, dimensions)
        if self._revision is None and isinstance(found, Overview):
            self._revision = found.revision
        if isinstance(found, Overview):
            self._settle(found, now)
        return found

    def _settle(self, found: Overview, now: float) -> None:
        """Of ten thousand consumers some 270,000 objects are remembered, none in a cycle. Looking
        through all of them held a key press up by 95–210 ms; what is frozen is left out, and still
        freed when nothing refers to it any more."""
        if (
            abs(now - self._settled) >= SETTLE_EVERY
            and max((len(b.groups) for b in found.breakdowns), default=0) >= WIDE
        ):
            self._settled = now
            gc.collect(0)
            gc.freeze()

    def check(self, data: Data, now: float, *, ensure: bool = True) -> News | None:
        """None when nothing is new, so that nobody is woken. `now` is epoch seconds.

        `ensure` False leaves the collector alone: one that cannot start is not to be started five
        times a second.
        """
        problem = self._problem
        if ensure and self._ensure is not None:
            problem = self._ensure() or ""
        news = News(problem=problem)
        if abs(now - self._looked) >= ALIVE_EVERY:
            self._looked = now
            alive = data.collector_alive(now)
            if alive is not self._alive:
                self._alive = alive
                news = news._replace(alive=alive)
        version = data.data_version()
        if version != self._version:
            first, self._version = self._version is None, version
            known, revision = self._revision, data.revision()
            if revision != known:
                self._revision = revision
                news = news._replace(changed=known is not None)
            elif not first:
                news = news._replace(statuses=data.statuses(), notifiers=data.notifiers())
        said, self._problem = self._problem, problem
        return None if news == News(problem=said) else news


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
