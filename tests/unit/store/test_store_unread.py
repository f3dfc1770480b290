"""What a source knows of and has not read yet is a gap until it has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_795_600_000.0


@pytest.fixture
async def store(store_path: Path) -> AsyncIterator[Store]:
    store_path.parent.mkdir()
    async with await Store.open(store_path, now=NOW) as opened:
        await opened.register("prom", "prometheus", "prom")
        await opened.register("page", "metrics", "page")
        yield opened


def gaps(path: Path) -> list[tuple[str, float, float]]:
    with Reader(path, zone=UTC) as reader:
        return [(gap.source, gap.start, gap.end) for gap in reader.gaps(0, NOW * 2)]


async def counted(store: Store) -> int:
    return {status.name: status.gaps for status in await store.statuses()}["prom"]


async def append(store: Store, unread: list[tuple[float, float]] | None, records: int = 0) -> None:
    made = [UsageRecord(int(NOW * 1e9), int(NOW * 1e9), Dimensions("p"))] * records
    charges = [Charge(1, 1, CostBasis.COMPUTED)] * records
    await store.append("prom", made, charges, unread=unread, now=NOW)


async def test_history_to_be_read_is_a_gap_that_shrinks_and_no_outage(
    store: Store, store_path: Path
) -> None:
    await append(store, [(NOW - 1000, NOW)])
    await append(store, [(NOW - 1000, NOW - 500)], records=1)
    assert gaps(store_path) == [("prom", NOW - 1000, NOW - 500)]
    await append(store, [])
    assert gaps(store_path) == []
    assert await counted(store) == 0


async def test_an_outage_is_counted_once(store: Store, store_path: Path) -> None:
    await append(store, [], records=1)
    for edge in (NOW, NOW - 100, NOW - 200):
        await append(store, [(NOW - 1000, edge)], records=1)
    assert gaps(store_path) == [("prom", NOW - 1000, NOW - 200)]
    assert await counted(store) == 1


async def test_others_gaps_and_silence_leave_it_alone(store: Store, store_path: Path) -> None:
    await store.add_gap("page", NOW - 50, NOW)
    await append(store, [(NOW - 1000, NOW)])
    await append(store, None, records=1)
    assert gaps(store_path) == [("prom", NOW - 1000, NOW), ("page", NOW - 50, NOW)]


async def test_only_a_change_is_a_new_revision(store: Store) -> None:
    await append(store, [(NOW - 1000, NOW)])
    before = store.revision
    await append(store, [(NOW - 1000, NOW)])
    assert store.revision == before
    await append(store, [])
    assert store.revision > before


async def test_a_source_that_fails_now_has_a_gap_that_is_still_open(
    store: Store, store_path: Path
) -> None:
    down = SourceStatus("page", "metrics", "page", last_ok=NOW - 300, failures=2, error="refused")
    await store.set_status(down)
    assert gaps(store_path) == [("page", NOW - 300, NOW * 2)]
    await store.set_status(replace(down, last_ok=NOW, failures=0, error=""))
    assert gaps(store_path) == []
