"""The thirty days before the demo starts.

The scraped gateways' history is made as ten-minute sums, as a store would have kept them; the
log's history is a real log (`ProxyLog.write_backlog`), so that its back-fill can be watched.
Every interval has dice of its own: any piece of history can be made again, in any process.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from costtui.demo.fleet import Fleet
from costtui.demo.gateway import Gateway, Request, price
from costtui.demo.rhythm import poisson
from costtui.demo.sizes import CONSUMER_TABLE
from costtui.demo.truth import Amounts, Cell, Truth
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord

INTERVAL = 600
"""Seconds of one history record."""
BATCH = 2_000
"""Records of one batch, at least."""
SMOOTH = 2 * 86_400
"""Seconds before the start within which a record covers its whole interval, which the store
spreads over the minutes. Older ones are short: a tenth of the rows, and the screen is there in a
second and not in nine."""
POINT_NS = 60_000_000_000
FAILED, THROTTLED = 0.003, 0.004
NS = 1_000_000_000


class Interval(NamedTuple):
    """What one gateway did in one stretch."""

    start: int
    end: int
    used: list[tuple[int, int, Request]]
    """(route, requests, sums) of the successful requests."""
    failed: list[tuple[int, int, int]]
    """(route, consumer, status) of each failed request."""


def intervals(gateway: Gateway, seed: int, start: int, end: int) -> Iterator[Interval]:
    """The history of `[start, end)`, aligned to ten minutes, clipped at both ends."""
    begin = start
    while begin < end:
        until = min(end, begin - begin % INTERVAL + INTERVAL)
        yield _interval(gateway, seed, begin, until)
        begin = until


def _interval(gateway: Gateway, seed: int, start: int, end: int) -> Interval:
    rng = random.Random(f"{seed}/{gateway.name}/{start // INTERVAL}")
    intensity = gateway.rhythm.at((start + end) / 2)
    used, failed = [], []
    for index, (route, rate) in enumerate(zip(gateway.routes, intensity.routes, strict=True)):
        requests = poisson(rng, rate * (end - start))
        if not requests:
            continue
        # The mean of n skewed sizes: normal, with a deviation of one mean over √n.
        wobble = max(0.2, 1 + rng.gauss(0.0, 1.0) / requests**0.5)
        tokens = max(requests, int(requests * route.mean_input * wobble))
        sums = Request()
        sums.consumer = CONSUMER_TABLE[rng.getrandbits(8)]
        sums.cache_read = int(tokens * route.cache_read)
        sums.cache_write = int(tokens * route.cache_write)
        sums.plain = tokens - sums.cache_read - sums.cache_write
        sums.output = max(requests, int(requests * route.mean_output * (0.5 + wobble / 2)))
        sums.latency_ms = requests * 180 + sums.output * 7
        used.append((index, requests, sums))
    whole = sum(requests for _, requests, _ in used)
    for _ in range(poisson(rng, whole * (FAILED + THROTTLED))):
        dice = rng.getrandbits(32)
        status = 429 if dice % 7 < 4 else 503
        route_index = used[(dice >> 8) % len(used)][0]
        failed.append((route_index, CONSUMER_TABLE[dice >> 24], status))
    return Interval(start, end, used, failed)


def history_records(
    fleet: Fleet, source_name: str, start: float, end: float
) -> Iterator[list[UsageRecord]]:
    """Batches of the history of one source in `[start, end)`, oldest first.

    Empty for the log, whose history is in its files.
    """
    gateway = fleet.gateways.get(source_name)
    if gateway is None:
        return
    dims = [_dimensions(gateway, gateway.cell(route)) for route in gateway.routes]
    batch: list[UsageRecord] = []
    for piece in intervals(gateway, fleet.seed, int(start), int(end)):
        start_ns, end_ns = piece.start * NS, piece.end * NS
        if piece.end < fleet.start - SMOOTH:
            start_ns = max(start_ns, end_ns - POINT_NS)
        for index, requests, sums in piece.used:
            route = gateway.routes[index]
            batch.append(
                UsageRecord(
                    start_ns,
                    end_ns,
                    dims[index],
                    requests,
                    input=sums.plain,
                    cache_read=sums.cache_read,
                    cache_write=sums.cache_write,
                    output=sums.output,
                    reported_nano=price(route, sums) if route.known else None,
                )
            )
        for cell, (errors, throttled) in _failures(gateway, piece).items():
            batch.append(
                UsageRecord(
                    start_ns,
                    end_ns,
                    _dimensions(gateway, cell),
                    errors + throttled,
                    errors,
                    throttled,
                )
            )
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def all_history(fleet: Fleet) -> Iterator[tuple[str, list[UsageRecord]]]:
    """(source name, batch) of every source that has records for its history."""
    for name in fleet.gateways:
        for batch in history_records(fleet, name, fleet.history_start, fleet.start):
            yield name, batch


def history_truth(fleet: Fleet) -> Truth:
    """What the fleet spent before its start, the log's backlog (once written) included."""
    truth = fleet.proxy.history_truth()
    for gateway in fleet.gateways.values():
        cells = [truth.cell(gateway.cell(route)) for route in gateway.routes]
        for piece in intervals(gateway, fleet.seed, fleet.history_start, fleet.start):
            for index, requests, sums in piece.used:
                gateway.book(cells[index], gateway.routes[index], requests, sums)
            for cell, (errors, throttled) in _failures(gateway, piece).items():
                truth.cell(cell).add(Amounts(errors + throttled, errors, throttled))
    return truth


def preload(fleet: Fleet, days: float = 2.0) -> None:
    """Let the counters have run for the last `days` of history, as those of a gateway that was
    not started a moment ago. Not part of the truth: the first scrape is a baseline."""
    for gateway in fleet.gateways.values():
        begin = fleet.start - int(days * 86_400)
        for piece in intervals(gateway, fleet.seed, begin, fleet.start):
            for index, requests, sums in piece.used:
                gateway.count(index, requests, sums)
            for index, consumer, status in piece.failed:
                gateway.count_failure(index, consumer, status)


def _failures(gateway: Gateway, piece: Interval) -> dict[Cell, tuple[int, int]]:
    """(errors, throttled) by cell."""
    out: dict[Cell, tuple[int, int]] = {}
    for index, consumer, status in piece.failed:
        cell = gateway.failure_cell(gateway.routes[index], consumer)
        errors, throttled = out.get(cell, (0, 0))
        out[cell] = (errors + (status != 429), throttled + (status == 429))
    return out


def _dimensions(gateway: Gateway, cell: Cell) -> Dimensions:
    return Dimensions(
        cell.provider, cell.model, cell.consumer, cell.gateway, gateway.endpoint(cell)
    )
