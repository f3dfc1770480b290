"""Gauges over any sequence of scrapes against areas in exact fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from costtui.model.dimension import Dimensions
from costtui.sources.metrics.gauges import Gauges, Level, integrate
from costtui.sources.metrics.mapping import COST, Placement, Series

LEVEL = st.decimals(0, 10**6, places=6)
RATE = st.decimals(0, 100, places=9)
STEP = st.tuples(
    st.integers(1, 700_000),  # milliseconds since the last good scrape; 300 s is a gap
    st.none() | LEVEL,  # None: the gauge is not on the page
    st.sampled_from(["stored", "lost", "restart"]),
)


def series(rate: Decimal) -> Series:
    return Series("g:1", "gauge", (Placement(Dimensions(), (COST,), 0, "x"),), rate)


@given(RATE, LEVEL, LEVEL, st.integers(0, 10**9))
def test_one_area_is_exact_and_rounded_once(
    rate: Decimal, before: Decimal, now: Decimal, milliseconds: int
) -> None:
    area = (Fraction(before) + Fraction(now)) / 2 * Fraction(rate) * milliseconds / 3_600_000
    found = integrate(series(rate), str(before), str(now), milliseconds / 1000)
    assert abs(found - area * 10**9) <= Fraction(1, 2) + abs(area) / 10**15


@given(RATE, st.lists(STEP, max_size=12))
def test_any_history_is_the_sum_of_its_short_intervals(
    rate: Decimal, steps: list[tuple[int, Decimal | None, str]]
) -> None:
    """Batches are stored, lost, or stored before a new process goes on: the money is that of the
    stored scrapes, each pair once, and pairs further apart than five minutes are gaps."""
    it = series(rate)
    gauges, stored = Gauges(15.0), dict[str, str]()
    gauges.restore(stored)
    now = good = 1_000_000
    last: Decimal | None = None
    begun, money, gaps = False, 0, 0
    truth, true_gaps, intervals = Fraction(0), 0, 0
    for milliseconds, level, fate in steps:
        now += milliseconds
        shown = {} if level is None else {"g:1": Level(it, str(level))}
        areas = gauges.advance(shown, good / 1000 if begun else 0.0, now / 1000)
        if fate == "lost":
            gauges.restore(stored)
            continue
        for increment in areas.increments:
            money += increment.delta
            gaps += increment.lost
            assert increment.estimated
        if level is not None and last is not None:
            if now - good > 300_000:
                true_gaps += 1
            else:
                mean = (Fraction(last) + Fraction(level)) / 2
                truth += mean * Fraction(rate) * (now - good) / 3_600_000 * 10**9
                intervals += 1
        for part, text in areas.parts.items():
            if text is None:
                del stored[part]
            else:
                stored[part] = text
        gauges.commit(areas)
        if fate == "restart":
            gauges = Gauges(15.0)
            gauges.restore(stored)
        good, last, begun = now, level, True
    assert abs(money - truth) <= Fraction(intervals, 2) + truth / 10**15
    assert gaps == true_gaps
