"""A list of requests in the order of a name: the one that is shown, also of names that come later;
and what of a view is in no request."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from costtui.config.schema import Consumer
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.listing import END, START, Listing, spot_of
from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_000.0
NS = 1_000_000_000
VIEW = View(window_at(WINDOW_BY_NAME["1h"], NOW, UTC))
PEOPLE = (("k1", Consumer(name="Zoe")), ("k2", Consumer(name="anna")), ("k3", Consumer()))


async def add(store: Store, who: str, ago: int, *, counted: bool = False, cost: int = 5) -> None:
    ns = int(NOW - ago) * NS
    dims = Dimensions("p", "m", who, "pages" if counted else "log")
    record = UsageRecord(ns, ns + NS * counted, dims, input=3, request_id=None if counted else "r")
    await store.append("s", [record], [Charge(cost, cost, CostBasis.COMPUTED)], now=NOW)


def names(reader: Reader, listing: Listing, at: str = START) -> list[str]:
    found = reader.request_list(VIEW, listing, at, 50)
    assert found.done == 1
    return [f"{r.dims.consumer} {int(NOW) - r.time_ns // NS}" for r in found.rows]


async def test_names_are_in_the_order_of_what_is_shown(store_path: Path) -> None:
    store = await Store.open(store_path, now=NOW)
    await store.register("s", "jsonl", "log")
    for who, ago in (("k1", 90), ("k2", 80), ("", 70), ("k3", 60), ("k2", 50)):
        await add(store, who, ago)
    reader = Reader(store_path, zone=UTC, consumers=PEOPLE)
    listing = Listing("consumer")
    expected = ["k2 50", "k2 80", "k3 60", "k1 90", " 70"]  # anna, k3, Zoe, nobody; newest first
    assert names(reader, listing) == expected
    assert names(reader, listing, END) == expected
    assert names(reader, listing._replace(reverse=True)) == expected[::-1]
    rows = reader.request_list(VIEW, listing, START, 50).rows
    around = reader.request_list(VIEW, listing, spot_of(rows[3], "consumer"), 2)
    assert around.first <= 3 <= around.first + len(around.rows)
    assert rows[3] in around.rows
    # A name that comes later is between the others, and what was read is not read again.
    await add(store, "bob", 40)
    await add(store, "k1", 30)
    (kept,) = reader._lists._kept.values()
    slices = list(kept.slices)
    grown = ["k2 50", "k2 80", "bob 40", "k3 60", "k1 30", "k1 90", " 70"]
    assert names(reader, listing) == grown
    assert any(each in slices for each in kept.slices) or len(kept.slices) == 1
    assert names(Reader(store_path, zone=UTC, consumers=PEOPLE), listing) == grown
    await store.close()


async def test_what_is_in_no_request(store_path: Path) -> None:
    store = await Store.open(store_path, now=NOW)
    await store.register("s", "jsonl", "log")
    reader = Reader(store_path, zone=UTC)
    await add(store, "a", 90, cost=7)
    found = reader.from_counters(VIEW, NOW)
    assert (found.total.effective_nano, found.counted.requests, found.gateways) == (7, 0, ())
    await add(store, "a", 80, counted=True, cost=11)
    await add(store, "b", 70, counted=True, cost=13)
    found = reader.from_counters(VIEW, NOW)
    assert (found.total.effective_nano, found.counted.effective_nano) == (31, 24)
    assert found.gateways == ("pages",)
    one = View(VIEW.window, (Filter("consumer", "b"),))
    found = reader.from_counters(one, NOW)
    assert found.total == found.counted
    assert found.counted.effective_nano == 13
    await store.close()
