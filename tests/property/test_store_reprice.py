"""Re-pricing: the same store as if the new prices had always held, whatever was priced before."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store import maintenance
from costtui.store.levels import LEVELS
from costtui.store.writer import Store

NOW = 1_790_000_000.0
DAY = 86_400
NS = 10**9
KEEP = Retention(requests=3 * DAY, minute=5 * DAY, hour=8 * DAY, day=None)
TIER = 50_000

Prices = dict[str, tuple[int, int]]
"""model → nano-USD per input token below and above the tier; a missing model is unpriced."""


def charger(prices: Prices) -> Callable[[UsageRecord, CostPolicy], Charge]:
    """Whole-nano rates, one tier for single requests."""

    def charge(record: UsageRecord, policy: CostPolicy) -> Charge:
        above = record.request_id is not None and record.input > TIER
        return priced(record, policy, TIER if above else 0)

    def priced(record: UsageRecord, policy: CostPolicy, tier: int) -> Charge:
        rates = prices.get(record.dims.model)
        listed = None
        if rates is not None:
            listed = record.input * rates[tier > 0] + record.output * 2 * rates[0]
        tier = tier if rates is not None and rates[0] != rates[1] else 0
        if policy is CostPolicy.REPORTED and record.reported_nano is not None:
            basis = CostBasis.ESTIMATED if record.estimated else CostBasis.REPORTED
            return Charge(record.reported_nano, listed, basis, tier)
        if listed is None:
            return Charge(0, None, CostBasis.UNPRICED, tier)
        return Charge(listed, listed, CostBasis.COMPUTED, tier)

    charge.at = priced  # type: ignore[attr-defined]
    return charge


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


tokens = st.integers(0, 2 * TIER)
prices = st.dictionaries(
    st.sampled_from("abc"), st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=3
)


@st.composite
def records(draw: st.DrawFn, oldest_days: int) -> UsageRecord:
    end = draw(st.integers(int((NOW - oldest_days * DAY) * 1000), int(NOW * 1000))) * 10**6
    single = draw(st.booleans())
    return UsageRecord(
        end - (0 if single else 15 * NS),
        end,
        Dimensions("p", draw(st.sampled_from("abc")), draw(st.sampled_from(["", "ann"]))),
        input=draw(tokens),
        output=draw(tokens),
        reported_nano=draw(st.none() | st.integers(0, 10**6)),
        estimated=draw(st.booleans()),
        request_id="" if single else None,
    )


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All usage with identities instead of ids."""
    identity = "provider, model, consumer, basis, tier, listed, aggregated, reports, estimated, x.*"
    out = {}
    with closing(sqlite3.connect(path)) as connection:
        for table in (*(level.table for level in LEVELS), "request"):
            cursor = connection.execute(
                f"SELECT {identity} FROM {table} AS x JOIN series ON series.id = x.series"
            )
            drop = [c[0] for c in cursor.description].index("series")
            out[table] = sorted(
                (row[:drop] + row[drop + 1 :] for row in cursor.fetchall()), key=repr
            )
    return out


async def build(path: Path, made: list[UsageRecord], price: Any) -> None:
    async with await Store.open(path, KEEP, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        await store.append(
            "s", made, [price(record, CostPolicy.REPORTED) for record in made], now=NOW
        )


async def again(
    path: Path, price: Any, fingerprint: str, policy: CostPolicy = CostPolicy.REPORTED
) -> int:
    """Re-price to the end, as a collector that is ended after every day."""
    days = 0
    async with await Store.open(path, KEEP, now=NOW) as store:
        while True:
            steps = store.reprice(price, {"s": policy}, fingerprint, NOW, charge_at=price.at)
            step = await anext(steps, None)
            await steps.aclose()  # type: ignore[attr-defined]
            if step is None:
                return days
            days += 1


@given(st.lists(records(oldest_days=3), max_size=25), prices, prices)
@settings(max_examples=20)
def test_repriced_from_requests_is_the_store_built_with_the_new_prices(
    made: list[UsageRecord], old: Prices, new: Prices
) -> None:
    with folder() as home:
        asyncio.run(build(home / "a.db", made, charger(old)))
        asyncio.run(build(home / "b.db", made, charger(new)))
        asyncio.run(again(home / "a.db", charger(new), "new"))
        assert content(home / "a.db") == content(home / "b.db")
        assert maintenance.check(home / "a.db") == []


@given(st.lists(records(oldest_days=12), max_size=25), prices, prices)
@settings(max_examples=20)
def test_back_and_forth_is_the_identity_at_every_age(
    made: list[UsageRecord], old: Prices, new: Prices
) -> None:
    # Only one tier's rate: once two tiers of sums have become one, nothing can tell them apart.
    old = {model: (low, low) for model, (low, _) in old.items()}
    new = {model: (low, low) for model, (low, _) in new.items()}
    with folder() as home:
        path = home / "a.db"
        asyncio.run(build(path, made, charger(old)))
        before = content(path)
        asyncio.run(again(path, charger(new), "new"))
        asyncio.run(build(home / "b.db", made, charger(new)))
        assert content(path) == content(home / "b.db")
        asyncio.run(again(path, charger(old), "old"))
        assert content(path) == before
        assert maintenance.check(path) == []


@example(
    [
        UsageRecord(
            int((NOW - 12 * DAY) * NS),
            int((NOW - 12 * DAY) * NS),
            Dimensions("p", "a"),
            input=TIER + 1,
            request_id="",
        )
    ],
    {},
)
@given(st.lists(records(oldest_days=12), max_size=25), prices)
@settings(max_examples=20)
def test_sums_of_tiered_requests_keep_their_tier(made: list[UsageRecord], new: Prices) -> None:
    tiered = {"a": (3, 7), "b": (5, 11), "c": (1, 2)}
    with folder() as home:
        path = home / "a.db"
        asyncio.run(build(path, made, charger(tiered)))
        before = content(path)
        flat = {model: (low, low) for model, (low, _) in new.items()}
        asyncio.run(again(path, charger(flat), "flat"))
        asyncio.run(again(path, charger(tiered), "tiered"))
        after = content(path)
        for table in before:
            assert sum_of(after[table]) == sum_of(before[table])
        assert maintenance.check(path) == []


def sum_of(rows: list[tuple[Any, ...]]) -> list[int]:
    """Column sums of the quantities and money of level rows."""
    return [sum(row[at] or 0 for row in rows) for at in range(10, 22)]


@given(st.lists(records(oldest_days=12), max_size=25), prices)
@settings(max_examples=12)
def test_a_changed_policy_reprices_and_an_unchanged_one_does_nothing(
    made: list[UsageRecord], table: Prices
) -> None:
    price = charger(table)
    with folder() as home:
        path = home / "a.db"
        asyncio.run(build(path, made, price))
        before = content(path)
        asyncio.run(again(path, price, "same"))
        assert content(path) == before
        assert asyncio.run(again(path, price, "same")) == 0
        asyncio.run(again(path, price, "same", CostPolicy.COMPUTED))
        with closing(sqlite3.connect(path)) as connection:
            cost = connection.execute("SELECT coalesce(sum(effective), 0) FROM day").fetchone()[0]
        expected = sum(price(record, CostPolicy.COMPUTED).effective_nano for record in made)
        assert cost == expected
        asyncio.run(again(path, price, "same"))
        assert content(path) == before
