"""Which queries to ask: bounded for this process and for the server.

The newest history is read sample by sample. Older history comes in steps, the last sample of each:
differences of a counter do not care how many samples lie between, as long as it did not start
again there, and the server counts restarts (`resets()`) in one cheap query. A step with a restart
is read sample by sample after all. Ten minutes and an hour are levels of the store, so nothing
that it would have kept is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from costtui.sources.prometheus.api import quote
from costtui.sources.prometheus.holes import Hole
from costtui.sources.prometheus.tracks import START, TARGET_LABELS, UP

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

FIRST_MS: Final = 5 * MINUTE_MS
"""The first stretch, so that something is on screen at once; also a server's look-back."""

PIECE_SAMPLES: Final = 120_000
"""Samples of one answer: 4 MB of JSON, 20 MB in memory, 0.1 s to decode and count."""

RAW_SAMPLES: Final = 2_000_000
"""How many samples of one hole are read one by one; older ones in steps."""

SERVER_SAMPLES: Final = 10_000_000
"""What one query of steps may make the server read; its own limit is 50 million."""

LONGEST_RAW_MS: Final = 6 * HOUR_MS
FINE_MS: Final = 10 * MINUTE_MS
FINE_FOR_MS: Final = 14 * DAY_MS
"""How long the store keeps minutes by default."""

MOST_STEPS: Final = 1_000


class Piece(NamedTuple):
    """A stretch `(start, end]`, epoch milliseconds."""

    start: int
    end: int
    step: int
    """0: sample by sample."""


def next_piece(hole: Hole, series: int, now_ms: int, scale: float) -> Piece:
    """What to read next of `hole`. `series` is about how many there are; `scale`, at most 1, makes
    pieces shorter for a server that refused longer ones."""
    end = hole.edge
    done = hole.hi - end
    if not done:
        return Piece(max(hole.lo, end - FIRST_MS), end, 0)
    rate = hole.samples / done
    step = _step(hole, rate, now_ms)
    bottom = -(-hole.lo // step) * step if step else 0
    if step and end % step == 0 and end > bottom:
        most = min(
            PIECE_SAMPLES / max(series, 1),
            SERVER_SAMPLES / max(rate * step, 1e-9),
            float(MOST_STEPS),
        )
        count = max(1, int(most * scale))
        return Piece(max(bottom, end - count * step), end, step)
    length = min(PIECE_SAMPLES / max(rate, 1e-9), LONGEST_RAW_MS, max(2 * done, FIRST_MS))
    start = end - max(int(length * scale), MINUTE_MS)
    if step:
        start = max(start, (end - 1) // step * step)
    return Piece(max(hole.lo, start), end, 0)


def _step(hole: Hole, rate: float, now_ms: int) -> int:
    """0 while samples are read one by one."""
    if rate * (hole.hi - hole.edge) < RAW_SAMPLES:
        return 0
    return FINE_MS if now_ms - hole.edge < FINE_FOR_MS else HOUR_MS


class Selector:
    """The selectors for one source's series."""

    def __init__(self, names: Iterable[str], match: str) -> None:
        wanted = {*names, *native(names)}
        self._names = "|".join(_pattern(name) for name in sorted(wanted))
        self._match = match

    def of(self, labels: Iterable[tuple[str, str]] = (), *, names: str = "", more: str = "") -> str:
        """Every wanted series, or those of one target; `names` replaces the wanted names by a
        regular expression, and `more` is one more matcher."""
        parts = [f"__name__=~{quote(names or self._names)}", *([more] if more else [])]
        parts += [f"{name}={quote(value)}" for name, value in labels]
        if self._match:
            parts.append(self._match)
        return "{" + ",".join(parts) + "}"

    def of_target(self, labels: Iterable[tuple[str, str]]) -> str:
        """Everything that is to be known of one target, its own series included."""
        return self.of(labels, names=f"{self._names}|{UP}|{START}")

    def last(self, step_ms: int, selector: str = "") -> str:
        """The last sample of each series in each step, also of one that is gone by its end."""
        return f"last_over_time({selector or self.of()}[{step_ms}ms])"

    def restarts(self, counters: Iterable[str], window_ms: int) -> str:
        """How many counters of each target fell in each window.

        `resets()` takes a metric's name away, and Prometheus refuses two series that are the same
        then (`_sum` and `_count` of one histogram). So each metric is asked for by itself, and
        gets its name again as a label that no page has.
        """
        each = " or ".join(
            f"label_replace(resets({self.of(names=_pattern(name))}[{window_ms}ms]), "
            f'"costtui_of", {quote(name)}, "", "")'
            for name in sorted({*counters, *native(counters)})
        )
        return f"sum by ({', '.join(TARGET_LABELS)}) ({each}) > 0"


def native(names: Iterable[str]) -> set[str]:
    """What the histograms of `names` are called where they are native: one series, no suffix."""
    return {
        name.removesuffix(suffix)
        for name in names
        for suffix in ("_sum", "_count")
        if name.endswith(suffix)
    }


def _pattern(name: str) -> str:
    """A name as a pattern. OpenTelemetry's may have kept their dots (Prometheus 3)."""
    escaped = re.escape(name)
    return escaped.replace("_", "[._]") if name.startswith("gen_ai_") else escaped
