"""The counters of `/metrics`: what was charged when it was counted, and never less than before.

The truth is added up here, charge by charge, while appends, re-pricing, retention and changed roles
come in any order.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from datetime import UTC
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis, CostPolicy
from costtui.model.counted import PRICED
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store.counted import CountedReader
from costtui.store.writer import Store

NOW = 1_790_000_000.0
DAY, NS = 86_400, 10**9
KEEP = Retention(requests=2 * DAY, minute=2 * DAY, hour=4 * DAY, day=8 * DAY)
POLICIES = {"a": CostPolicy.REPORTED, "b": CostPolicy.REPORTED}

Prices = dict[str, int]
usage = st.tuples(
    st.just("append"),
    st.sampled_from("ab"),
    st.lists(
        st.tuples(
            st.sampled_from("mn"),
            st.sampled_from(["u", "v", "w"]),
            st.integers(0, 7 * DAY),
            st.integers(0, 1000),
            st.sampled_from(["ok", "error", "throttled"]),
            st.none() | st.integers(0, 10**6),
        ),
        min_size=1,
        max_size=5,
    ),
)
step = st.one_of(
    usage,
    st.tuples(st.just("reprice"), st.dictionaries(st.sampled_from("mn"), st.integers(0, 900))),
    st.tuples(st.just("prune"), st.integers(0, 6)),
    st.tuples(st.just("role"), st.sampled_from("ab"), st.sampled_from(["count", "reconcile"])),
)


def charged(prices: Prices, record: UsageRecord) -> Charge:
    rate = prices.get(record.dims.model)
    listed = None if rate is None else rate * record.input
    if record.reported_nano is not None:
        return Charge(record.reported_nano, listed, CostBasis.REPORTED)
    if listed is None:
        return Charge(0, None, CostBasis.UNPRICED)
    return Charge(listed, listed, CostBasis.COMPUTED)


def shown(reader: CountedReader, now: float, most: int) -> Counter[tuple[object, ...]]:
    """Every number of the page, by what it is."""
    found: Counter[tuple[object, ...]] = Counter()
    for labels, counts in reader.counted(now, most).usage.items():
        for basis, nano in zip(PRICED, counts.cost, strict=True):
            found[labels, basis.name] = nano
        found[labels, "input"] = counts.tokens[0]
        for name in ("listed", "requests", "errors", "throttled", "unpriced_requests"):
            found[labels, name] = getattr(counts, name)
    return found


USAGE = ("append", "a", [("m", "u", 0, 10, "ok", None), ("n", "v", 6 * DAY, 5, "error", 7)])


@settings(max_examples=40, deadline=None)
@given(st.lists(step, max_size=12))
@example([USAGE, ("reprice", {"m": 3}), USAGE, ("reprice", {"m": 1}), ("reprice", {})])
@example([USAGE, ("prune", 6), ("prune", 6), USAGE, ("role", "a", "reconcile"), USAGE])
@example([USAGE, ("role", "a", "reconcile"), ("reprice", {"m": 3}), ("role", "a", "count"), USAGE])
def test_counters_are_what_was_charged_and_never_go_back(steps: list[tuple[object, ...]]) -> None:
    async def run(path: Path) -> None:
        now, prices, roles = NOW, Prices(), dict.fromkeys("ab", "count")
        truth: Counter[tuple[object, ...]] = Counter()
        reader = CountedReader(path, zone=UTC)
        before: Counter[tuple[object, ...]] = Counter()
        async with await Store.open(path, KEEP, now=now) as store:
            for name in "ab":
                await store.register(name, "metrics", name)
            for kind, *rest in steps:
                match kind, rest:
                    case "append", [str(name), list(rows)]:
                        records = [
                            UsageRecord(
                                int(now - ago) * NS, int(now - ago) * NS,
                                Dimensions("p", model, who, name), input=tokens,
                                errors=int(end == "error"), throttled=int(end == "throttled"),
                                reported_nano=told, request_id="",
                            )
                            for model, who, ago, tokens, end, told in rows
                        ]  # fmt: skip
                        charges = [charged(prices, record) for record in records]
                        await store.append(name, records, charges, now=now)
                        if roles[name] == "count":
                            add(truth, records, charges)
                    case "reprice", [dict(new)]:
                        prices = new
                        async for _ in store.reprice(
                            lambda record, _: charged(prices, record), POLICIES,  # noqa: B023
                            str(sorted(new.items())), now,
                        ):  # fmt: skip
                            pass
                    case "prune", [int(days)]:
                        now += days * DAY
                        await store.prune(now)
                    case "role", [str(name), str(role)]:
                        roles[name] = role
                        await store.register(name, "metrics", name, role)
                page = shown(reader, now, 1000)
                assert +page == +truth
                assert all(page[key] >= value for key, value in before.items())
                before = page
                folded = shown(reader, now, 1)
                for name in ("requests", "input", "COMPUTED", "REPORTED"):
                    assert total(folded, name) == total(truth, name)
        reader.close()

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name) / "t.db"))


def add(
    truth: Counter[tuple[object, ...]], records: list[UsageRecord], charges: list[Charge]
) -> None:
    for record, charge in zip(records, charges, strict=True):
        dims = record.dims
        labels = (dims.provider, dims.model, dims.consumer, dims.gateway, dims.service)
        truth[labels, charge.basis.name] += charge.effective_nano
        truth[labels, "input"] += record.input
        truth[labels, "listed"] += charge.list_nano or 0
        truth[labels, "requests"] += 1
        truth[labels, "errors"] += record.errors
        truth[labels, "throttled"] += record.throttled
        truth[labels, "unpriced_requests"] += charge.basis is CostBasis.UNPRICED


def total(page: Counter[tuple[object, ...]], name: str) -> int:
    return sum(value for (_, what), value in page.items() if what == name)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=6))
def test_what_has_its_own_series_keeps_it(batches: list[list[int]]) -> None:
    """Who comes later is folded, and never takes the place of who came first."""

    async def run(path: Path) -> None:
        reader = CountedReader(path, zone=UTC)
        own: set[object] = set()
        async with await Store.open(path, now=NOW) as store:
            await store.register("a", "metrics", "a")
            for batch in batches:
                records = [
                    UsageRecord(int(NOW) * NS, int(NOW) * NS, Dimensions("p", "m", f"c{n}", "a"))
                    for n in batch
                ]
                charges = [Charge(n, n, CostBasis.COMPUTED) for n in batch]
                await store.append("a", records, charges, now=NOW)
                found = {k for k in reader.counted(NOW, 3).usage if k[0] != "other"}
                assert own <= found
                assert len(found) <= 3
                own = set(found)
        reader.close()

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name) / "t.db"))
