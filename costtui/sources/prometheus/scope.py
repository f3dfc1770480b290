"""Which targets to ask about, beside the series that are counted.

Whether a target was scraped before a series was born is told by its `up`, and whether it started
again by its start time. A server has those of everything it scrapes, thousands of pods that are no
gateway, so they are asked for by instance, of instances that have something to count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from costtui.errors import SourceError
from costtui.sources.prometheus.api import Api, quote
from costtui.sources.prometheus.plan import DAY_MS, HOUR_MS, Selector
from costtui.sources.prometheus.tracks import START, UP, Target

MOST: Final = 300
"""Instances named in one selector; with more of them it names their jobs."""

LOOK_BACK_MS: Final = HOUR_MS
"""How far back the scrapes of an instance are looked at when it is first seen."""
LONG_LOOK_BACK_MS: Final = DAY_MS
"""And how far where that hour has none: it had nothing to count, and then nobody reached it."""


class Scope:
    """The instances that have something to count."""

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        self._known: dict[str, set[str]] = {}
        """Instance → its jobs."""
        self._everything = False

    def learn(self, targets: Iterable[Target]) -> set[str]:
        """Add the instances of `targets`; those that are new."""
        new: set[str] = set()
        for target in targets:
            labels = dict(target.labels)
            instance = labels.get("instance", "")
            if instance and instance not in self._known:
                new.add(instance)
            if instance:
                self._known.setdefault(instance, set()).add(labels.get("job", ""))
        return set() if self._everything else new

    def forget(self, instances: Iterable[str]) -> None:
        """They are new again."""
        for instance in instances:
            self._known.pop(instance, None)

    async def discover(self, api: Api, low: int, high: int) -> int:
        """Ask for every instance that had something to count in `(low, high]`, epoch ms. Where
        that began, to a day; `low` where the server does not say. Never raises: what is not told
        is looked for the long way."""
        try:
            found = await api.label_values("instance", self._selector.of(), low, high)
            if not found:
                return low
            for instance in found:
                self._known.setdefault(instance, set())
            return await self._begin(api, low, high)
        except SourceError:
            self._everything = True
            return low

    async def _begin(self, api: Api, low: int, high: int) -> int:
        """Bisect the days. An index tells by blocks, so it may say too early and never too late."""
        first, last = 0, (high - low) // DAY_MS
        while first < last:
            middle = (first + last) // 2
            end = min(high, low + (middle + 1) * DAY_MS)
            if await api.label_values("instance", self._selector.of(), low, end):
                last = middle
            else:
                first = middle + 1
        return low + first * DAY_MS

    def selector(
        self, only: Iterable[str] | None = None, *, names: Iterable[str] = (UP, START)
    ) -> str:
        """A selector of the targets' own series; "" where none is known. `only`: of some."""
        wanted = "|".join(names)
        if only is None and self._everything:
            return self._selector.of(names=wanted)
        instances = sorted(self._known if only is None else only)
        if not instances:
            return ""
        label, values = "instance", instances
        jobs = {job for instance in instances for job in self._known.get(instance, ())}
        if len(instances) > MOST:
            if not jobs or "" in jobs:
                return self._selector.of(names=wanted)
            label, values = "job", sorted(jobs)
        pattern = "|".join(re.escape(value) for value in values)
        return self._selector.of(names=wanted, more=f"{label}=~{quote(pattern)}")
