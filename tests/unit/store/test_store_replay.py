"""A replay says of every moment what the live look says of it, sum by sum."""

from __future__ import annotations

import random
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store.replay import ReplayReader
from costtui.store.watching import WatchReader
from costtui.store.writer import Store

NOW = 1_789_387_200 + 36_000
DAY, HOUR = 86_400, 3600
BASES = list(CostBasis)


Used = list[tuple[int, str, str]]
"""(minute, model, consumer)."""


async def filled(path: Path, retention: Retention) -> Used:
    used: Used = []
    rng = random.Random(11)
    async with await Store.open(path, retention, now=NOW) as store:
        await store.register("s", "metrics", "gw")
        records, charges = [], []
        for _ in range(3000):
            at = int(NOW - rng.randint(1, 5 * DAY) * rng.choice([1, 1, 0.05])) + 0.5
            dims = Dimensions("p", rng.choice("ab"), rng.choice(["ann", "bob", ""]), "gw")
            ns = int(at * 1e9)
            used.append(((ns - 1) // 10**9 // 60 * 60, dims.model, dims.consumer))
            records.append(
                UsageRecord(ns, ns, dims, requests=rng.randint(1, 3), input=rng.randint(0, 50))
            )
            basis = rng.choice(BASES)
            nano = 0 if basis is CostBasis.UNPRICED else rng.randint(0, 10**6)
            charges.append(Charge(nano, nano, basis))
        await store.append("s", records, charges, now=NOW)
        await store.prune(NOW)
    return used


def last_of(used: Used, low: int, high: int, where: str, by: tuple[str, ...]) -> Any:
    found: dict[tuple[str, ...], int] = {}
    for minute, model, consumer in used:
        values = {"model": model, "consumer": consumer}
        if minute < high and minute + 60 > low and (not where or model == where):
            key = tuple(values[d] for d in by)
            found[key] = max(minute + 60, found.get(key, 0))
    return found


@pytest.mark.parametrize("retention", [Retention(), Retention(minute=2 * DAY, hour=4 * DAY)])
async def test_each_window_sums_up_as_it_does_live(store_path: Path, retention: Retention) -> None:
    used = await filled(store_path, retention)
    low, high = NOW - 6 * DAY, NOW
    asked = [
        ((), ()), ((), ("model",)), ((), ("consumer", "model")), ((("model", "a"),), ("consumer",)),
    ]  # fmt: skip
    rng = random.Random(5)
    with (
        ReplayReader(store_path, zone=UTC) as replays,
        WatchReader(store_path, zone=UTC) as live,
        replays.replaying(low, high) as past,
        live.watching() as sight,
    ):
        moments = sorted(rng.sample(range(NOW - 5 * DAY, NOW, 60), 40))
        compared = 0
        for end in moments:
            begun = end - end % DAY  # a day's budget grows, and begins again
            windows = [(end - length, end) for length in (60, 900, 5 * HOUR, DAY)]
            for window in [*windows, (begun, end)]:
                for where, by in asked:
                    ours = past.sums(*window, where, by)
                    truth = sight.sums(*window, where, by)
                    assert ours[1:] == truth[1:]
                    assert dict(ours[0]) == dict(truth[0])
                    compared += bool(truth[0])
            for where, by in asked:
                last = past.last_usage(end - DAY, end, where, by)
                if retention == Retention():  # else it is as coarse as what is kept
                    assert last == last_of(used, end - DAY, end, dict(where).get("model", ""), by)
            at = float(end)
            assert past.hours((), at) == sight.hours((), at)
        assert compared > 200
