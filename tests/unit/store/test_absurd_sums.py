"""No batch of valid records can stop its source: what no sum can hold is skipped and shown."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.config.schema import SourceConfig
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.requests import Requests
from costtui.model.usage import UsageRecord
from costtui.sources.jsonl.source import JsonlSource
from costtui.store.sane import CELL
from costtui.store.writer import Store

NOW = 1_795_352_000.0
NS = 10**9
MOMENT = int(NOW - 60) * NS


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def add(store: Store, records: Sequence[UsageRecord], nano: Sequence[int], mark: str) -> int:
    charges = [Charge(n, None, CostBasis.REPORTED, -1) for n in nano]
    return await store.append("s", records, charges, checkpoint={"f": mark}, now=NOW)


def request(user: str, at: int = 0, nano: int = 0, used: int = 1) -> UsageRecord:
    dims = Dimensions("p", "m", user)
    return UsageRecord(
        MOMENT, MOMENT, dims, input=used, reported_nano=nano, request_id="r", part="f", offset=at
    )


async def test_a_broken_proxy_blinds_nobody(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with await Store.open(path, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        broken, paid = 999_999_500_000_000, [999_999_500_000_000] * 100
        fit = CELL // broken
        lines = [request("bot", at, broken) for at in range(100)]
        for batch in range(100):
            await add(store, [*lines, request("ann", 100, NS)], [*paid, NS], str(batch))
        assert await store.checkpoint("s") == {"f": "99"}
    (user, ann), (_, bot) = rows(
        path,
        "SELECT consumer, sum(effective) FROM day JOIN series ON id = series GROUP BY 1 ORDER BY 1",
    )
    assert (user, ann, bot) == ("ann", 100 * NS, fit * broken)
    assert rows(path, "SELECT records, skipped FROM source") == [(100 + fit, 10_000 - fit)]
    assert rows(path, "SELECT count(*) FROM request") == [(100 + fit,)]
    reason, text = rows(path, "SELECT reason, text FROM skipped LIMIT 1")[0]
    assert reason == "its day would have a sum too large to be true"
    assert text == "p m bot: 1 requests, 1 tokens, $999999.50"


async def test_a_sum_filled_by_an_earlier_version_lets_the_others_on(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with await Store.open(path, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        await add(store, [request("bot")], [1], "1")
        with closing(sqlite3.connect(path)) as other, other:
            for table in ("minute", "day"):
                other.execute(f"UPDATE {table} SET effective = ?", (2**63 - 10,))
        assert await add(store, [request("bot"), request("ann")], [NS, NS], "2") == 1
        assert await store.checkpoint("s") == {"f": "2"}


amount = st.integers(0, 2**63 - 1) | st.integers(0, 10**13)


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b"]), amount, amount, st.sampled_from([0, 60, 900, 200_000])
            ),
            max_size=6,
        ),
        max_size=5,
    ),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_no_batch_raises_and_all_are_counted(
    batches: list[list[tuple[str, int, int, int]]], bulk: bool
) -> None:
    async def run(path: Path) -> None:
        async with await Store.open(path, now=NOW) as store:
            await store.register("s", "jsonl", "gw")
            for number, batch in enumerate(batches):
                given: Sequence[UsageRecord]
                if bulk:
                    given = Requests(
                        [
                            (MOMENT, Dimensions("p", "m", u), used, 0, n, False, "", "f", 0, "")
                            for u, used, n, _ in batch
                        ]
                    )
                else:
                    given = [
                        request(u, 0, n, used)._replace(
                            start_ns=MOMENT - length * NS, request_id=None if length else "r"
                        )
                        for u, used, n, length in batch
                    ]
                await add(store, given, [n for _, _, n, _ in batch], str(number))
                assert await store.checkpoint("s") == {"f": str(number)}

    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "s.db"
        asyncio.run(run(path))
        stored, skipped = rows(path, "SELECT records, skipped FROM source")[0]
        assert stored + skipped == sum(map(len, batches))
        assert rows(
            path, "SELECT count(*) FROM day WHERE max(effective, input) > (1 << 53) + 5000000000000"
        ) == [(0,)]
        rows(path, "SELECT sum(effective), sum(input), sum(reported) FROM minute")


async def test_ten_thousand_dollars_are_the_most_one_line_costs(tmp_path: Path) -> None:
    def line(cost: float) -> str:
        fields = {"timestamp": "2026-11-22T09:00:00Z", "provider": "p", "model": "m"}
        return json.dumps({**fields, "input_tokens": 1, "total_cost": cost}) + "\n"

    log = tmp_path / "log.jsonl"
    log.write_text(line(10_000) + line(10_000.5) + line(999_999.5) + line(1))
    source = JsonlSource(SourceConfig("s", "jsonl", "g", "llm-proxy", 1.0, paths=(str(log),)))
    source.restore({})
    batches = [batch async for batch in source.poll(NOW)]
    assert [r.reported_nano for b in batches for r in b.records] == [10_000 * NS, NS]
    reasons = [line.reason for b in batches for line in b.skipped]
    assert reasons == ["total_cost is absurdly large"] * 2
    await source.close()
