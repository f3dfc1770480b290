"""How the interpreter runs in a collector process. Set once, by `costtui collect`."""

from __future__ import annotations

import gc
import sys

SWITCH = 0.001
"""Seconds. A thread that parses or prices gives the interpreter up this long after the event loop
asked for it. At the default of 5 ms the loop was late by 6 ms (median of scrapes of a page of
100,000 series) and 8 ms at worst, at 1 ms by 3 and 5, at 0.5 ms by 2 and 6; the scrape itself
cost the same in each."""


def tune() -> None:
    """Batches are tens of thousands of tuples without a cycle among them: at the default of 700
    the cycle collector takes a sixth of the time of a bulk load, and looks through everything
    that is remembered of a large page with the interpreter held for 30 ms."""
    gc.set_threshold(200_000, 20, 20)
    sys.setswitchinterval(SWITCH)


def settle() -> None:
    """Everything that is there now stays: leave it out of all later looks for cycles. Without
    this the first of them, a minute after the start, held up 200 endpoints for 130–170 ms."""
    gc.freeze()
