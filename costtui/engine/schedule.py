"""When a source is polled next: a fixed grid, and back-off with a ceiling while it fails.

The grid keeps the polls of a source evenly spaced whatever a poll takes; a poll that is still
running when its next turn comes makes that turn an overrun, counted, never a second poll. (An
"exclusive" worker that cancels the poll before it starves for ever on an endpoint slower than
its interval.) Back-off never gives up: a monitor must see an endpoint come back by itself.
"""

from __future__ import annotations

BACKOFF_CEILING = 60.0
"""Seconds; a source whose own interval is longer is never polled less often than that."""


class Schedule:
    """The due times of one source, in seconds of a monotonic clock."""

    def __init__(self, interval: float, start: float, *, early: float = 0.0) -> None:
        """`early`: by how much the second turn is earlier than a whole interval after `start`.
        200 sources that start together, so that nobody waits for a first number, are spread over
        the whole interval by it from then on."""
        self.interval = interval
        self.due = start
        self._early = early
        self.failures = 0
        self.overruns = 0
        self._catching_up = False

    def succeeded(self, now: float) -> None:
        """A poll ended well at `now`: the next turn is the next point of the grid."""
        self.failures = 0
        if self._catching_up:
            # Reading a backlog keeps no grid, so it cannot be late for it.
            self._catching_up = False
            self.due = now + self.interval
        else:
            self._advance(now, self.interval - self._early)
            self._early = 0.0

    def failed(self, now: float) -> None:
        """A poll failed: wait twice as long as before, up to the ceiling."""
        self.failures += 1
        ceiling = max(self.interval, BACKOFF_CEILING)
        delay = min(self.interval * 2.0 ** min(self.failures - 1, 16), ceiling)
        self.due = now + delay

    def more(self, now: float) -> None:
        """There is more to read at once."""
        self.failures = 0
        self._catching_up = True
        self.due = now

    def _advance(self, now: float, step: float) -> None:
        self.due += step
        if self.due < now:
            missed = int((now - self.due) // self.interval) + 1
            self.overruns += missed
            self.due += missed * self.interval
