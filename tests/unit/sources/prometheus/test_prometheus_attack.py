"""What an attacker found in the source, each with the figures worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
HOUR = 3600


# After an outage


@pytest.mark.parametrize("counter", [False, True])
async def test_a_gauge_costs_through_an_outage_and_after_it(
    prom_of: Make, series_of: Make, counter: bool
) -> None:
    fields = {
        "dimensions": {"model": "model"},
        "metrics": [
            {"name": "gw_usd_per_hour", "quantity": "cost_rate"},
            {"name": "gw_requests_total", "quantity": "requests"},
        ],
    }
    prom = prom_of(fields=fields, since=300)
    start = prom.now
    gauge, requests = series_of("gw_usd_per_hour"), series_of("gw_requests_total", model="a")
    rates = {turn: 60 if turn < 240 else 600 for turn in range(4 * 60 * 5 + 3)}
    for turn, rate in rates.items():
        more = [(requests, turn)] if counter else []
        prom.server.scrape(start + turn * 15, (gauge, rate), *more)
    for now in (2, 32, 5 * HOUR - 3, 5 * HOUR + 17, 5 * HOUR + 32):
        prom.now = start + now
        await prom.drain()
    area = sum((rates[turn] + rates[turn + 1]) * 15 / 2 / HOUR for turn in range(len(rates) - 1))
    assert prom.total("reported_nano") == round(area * 1_000_000_000)
    assert prom.total("lower_bounds") == 0


async def test_a_restart_in_an_outage_is_not_found_again_after_it(
    prom_of: Make, series_of: Make
) -> None:
    """The clock of the gateway is two hours ahead."""
    prom = prom_of(since=300)
    start = prom.now
    counter, begun = (
        series_of("gw_tokens_total", model="a"),
        series_of("process_start_time_seconds"),
    )
    for turn in range(4 * 60 * 5 + 3):
        again = turn >= 960
        value, since = (turn - 959, start + 6 * HOUR) if again else (turn, start - 1000)
        prom.server.scrape(start + turn * 15, (counter, value), (begun, since))
    for now in (2, 32, 5 * HOUR - 3, 5 * HOUR + 17, 5 * HOUR + 32):
        prom.now = start + now
        await prom.drain()
    assert prom.total() == 959 + (1202 - 959)
    assert prom.total("lower_bounds") == 1
