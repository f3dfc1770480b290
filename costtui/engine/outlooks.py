"""What a budget's period will have cost at its end, as the forecast screen says it.

The same engine (`analysis.forecast`) over the same hours, from the read that the alerts are judged
by. A group's part of what is to come is its part of the last seven days, also as on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from costtui.analysis.forecast import Forecast, expected, forecast, shared
from costtui.analysis.profile import LEAST_HOURS
from costtui.model.alert import Labels
from costtui.model.snapshot import View
from costtui.model.timewindow import DAY, ceil_minute
from costtui.store.watching import Sight

Key = tuple[str, ...]


class Outlooks:
    """Forecasts of one evaluation; hours are read and a model is made once for each `where`."""

    def __init__(self, sight: Sight, now: float, zone: tzinfo) -> None:
        self._sight, self._now, self._zone = sight, now, zone
        self._known: dict[tuple[Labels, int], int | None] = {}
        self._told: dict[tuple[Labels, int], Forecast | None] = {}

    def __call__(self, view: View, by: Key) -> dict[Labels, int] | None:
        """label set → nano-USD at the end of the view's window. None with less than a day of
        history, of which the engine makes nothing."""
        where = tuple((f.dimension, f.value) for f in view.filters)
        rest = self._rest(where, view.window.end)
        if rest is None:
            return None
        end = ceil_minute(self._now)
        spent, _, _ = self._sight.sums(view.window.start, min(end, view.window.end), where, by)
        week, _, _ = self._sight.sums(end - 7 * DAY, end, where, by)
        keys = sorted({**spent, **week})
        parts = shared(rest, [week[k].effective_nano if k in week else 0 for k in keys])
        return {
            tuple(zip(by, key, strict=True)): (spent[key].effective_nano if key in spent else 0)
            + part
            for key, part in zip(keys, parts, strict=True)
        }

    def forecast(self, where: Labels, until: int) -> Forecast | None:
        """With its band, from now to `until`; None with less than a day of history."""
        asked = (where, until)
        if asked not in self._told:
            start, hours = self._sight.hours(where, self._now)
            self._told[asked] = (
                forecast(hours, start, self._now, until, self._zone) if _enough(hours) else None
            )
        return self._told[asked]

    def _rest(self, where: Labels, until: int) -> int | None:
        asked = (where, until)
        if asked not in self._known:
            start, hours = self._sight.hours(where, self._now)
            self._known[asked] = (
                expected(hours, start, self._now, until, self._zone) if _enough(hours) else None
            )
        return self._known[asked]


def _enough(hours: Sequence[int | None]) -> bool:
    return sum(1 for hour in hours if hour is not None) >= LEAST_HOURS
