"""One look at the store for all rules and budgets, and what each of them makes of it.

Pure over a `Sight`, which is one consistent look at the store. Nothing is remembered between two
evaluations, so usage that comes late, a re-pricing and a changed configuration are judged as if
they had always been so. The formulas are in docs/alerts.md.

Ratios are rounded up where a value must be above its limit, and down where it must reach a step:
then `value > limit` (`value >= step`) is true of the shown integer exactly when it is true of the
fraction.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from costtui.alerts.watches import Watch
from costtui.model.alert import Labels
from costtui.model.charge import Exactness
from costtui.model.comparison import Compared
from costtui.model.snapshot import Gap, SourceStatus, Totals, View
from costtui.model.timewindow import MINUTE, ceil_minute

Key = tuple[str, ...]
T = TypeVar("T")

GRACE: Final = 60.0
"""Seconds, and twice its interval where that is longer, after which a source that was not read is
one whose data is missing."""


class Sight(Protocol):
    """What `store.watching.Sight` offers."""

    def sums(
        self, low: int, high: int, where: Labels, by: Key
    ) -> tuple[Mapping[Key, Totals], int, int]: ...

    def spent(
        self, low: int, high: int, where: Labels, by: Key
    ) -> tuple[Mapping[Key, int], int, int]: ...

    def once(self, key: Hashable, low: int, high: int, make: Callable[[], T]) -> T: ...

    def last_usage(self, low: int, high: int, where: Labels, by: Key) -> dict[Key, int]: ...

    def sources(self, where: Labels, by: Key) -> dict[Key, set[str]]: ...

    def compared(self, low: int, high: int, where: Labels, by: Key) -> tuple[Compared, ...]: ...

    def statuses(self) -> tuple[SourceStatus, ...]: ...

    def gaps(self, low: int, high: int) -> tuple[Gap, ...]: ...

    def earliest(self) -> int: ...


Forecast = Callable[[View, Key], Mapping[Labels, int] | None]
"""(the period, by) → what it will have cost at its end, nano-USD, for each label set of `by`; None
where nothing better is known than that it goes on evenly."""


class Seen(NamedTuple):
    """One label set now."""

    value: int
    """In the unit of the watch."""
    over: bool
    """Does the condition hold?"""
    exactness: Exactness = Exactness.EXACT
    note: str = ""
    """For people, beside the value."""


@dataclass(slots=True)
class Look:
    """One evaluation: the moment, and what all of its watches share."""

    sight: Sight
    now: float
    zone: tzinfo
    configured: frozenset[str] | None = None
    """Names of the sources that are configured; None is all that are stored."""
    started: float = 0.0
    """When the collector began: since then a source that was never read is down."""
    forecast: Forecast | None = None
    statuses: tuple[SourceStatus, ...] = ()
    blind: frozenset[str] = frozenset()
    """Sources whose newest data is missing."""
    _carriers: dict[tuple[Labels, Key], dict[Key, set[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.configured
        self.statuses = tuple(s for s in self.sight.statuses() if known is None or s.name in known)
        self.blind = frozenset(s.name for s in self.statuses if self._missing(s))

    def _missing(self, status: SourceStatus) -> bool:
        if not status.last_attempt:
            return False  # nobody has looked yet, so there is nothing that is missing
        grace = max(GRACE, 2 * status.interval)
        return status.failures > 0 or self.now - status.last_ok > grace or status.lag_s > grace

    @property
    def end(self) -> int:
        """Of windows: the end of the minute that is running."""
        return ceil_minute(self.now)

    def unread_for(self, status: SourceStatus) -> int:
        """Seconds for which a source could not be read. One that was read when it was due is 0."""
        since = status.last_ok or self.started or status.last_attempt
        late = 0.0 if status.failures else status.interval + GRACE
        return max(0, int(self.now - since - late)) if status.last_attempt else 0

    def unknown(self, watch: Watch, by: Key) -> frozenset[Key]:
        """The values of `by` that have usage from a source whose newest data is missing."""
        if not self.blind:
            return frozenset()
        found = self._carriers.get((watch.where, by))
        if found is None:
            found = self._carriers[watch.where, by] = self.sight.sources(watch.where, by)
        blind = {key for key, names in found.items() if names & self.blind}
        if not by and not blind and not any(found.values()):
            blind.add(())  # nothing was ever seen, and somebody cannot be read
        return frozenset(blind)


class Terms(NamedTuple):
    """What a measure sees of each label set, and how it is judged. A label set whose `of` is the
    same under the same `context` is judged the same, so it is judged once."""

    of: Mapping[Key, Any]
    judge: Callable[[Key, Any], Seen | None]
    """None where there is nothing to say."""
    context: tuple[Any, ...]
    """All else that `judge` depends on."""
    unknown: frozenset[Key] = frozenset()


def judged(of: Mapping[Key, Seen], unknown: frozenset[Key] = frozenset()) -> Terms:
    """Terms of what is judged already."""
    return Terms(of, lambda _, seen: seen, (), unknown)


def recent(look: Look, watch: Watch, window: int = 0) -> tuple[int, int]:
    """The window of a watch."""
    return look.end - (window or watch.window or MINUTE), look.end
