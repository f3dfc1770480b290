"""Append, whatever comes: levels conserve totals, a batch is stored whole or not at all."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.config.schema import Retention
from costtui.errors import StoreError
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SkippedLine
from costtui.model.usage import UsageRecord
from costtui.store import maintenance
from costtui.store.writer import Store

NOW = 1_790_000_000.0
DAY = 86_400
NS = 10**9
TABLES = {"minute": 60, "ten_minute": 600, "hour": 3600, "six_hour": 21_600, "day": DAY}
KEEP = Retention(requests=3 * DAY, minute=2 * DAY, hour=5 * DAY, day=None)

dims = st.builds(
    Dimensions,
    st.sampled_from(["openai", "anthropic"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["", "ann", "b\udcff"]),
)
count = st.integers(0, 9)
tokens = st.integers(0, 100_000)
moment = st.integers(int((NOW - 8 * DAY) * 1000), int((NOW + 60) * 1000)).map(
    lambda ms: ms * 10**6 + ms % 999
)


@st.composite
def records(draw: st.DrawFn) -> UsageRecord:
    end = draw(moment)
    single = draw(st.booleans())
    length = 0 if single else draw(st.sampled_from([1, 15 * NS, 120 * NS, 121 * NS, 5000 * NS]))
    return UsageRecord(
        end - length,
        end,
        draw(dims),
        requests=draw(count),
        errors=draw(count),
        input=draw(tokens),
        cache_read=draw(tokens),
        output=draw(tokens),
        reasoning=draw(count),
        reported_nano=draw(st.none() | st.integers(0, 10**9)),
        estimated=draw(st.booleans()),
        lower_bounds=0,
        request_id="r" if single else None,
        part=draw(st.sampled_from(["x.jsonl", "y\udcfe.jsonl"])),
        attrs=draw(st.sampled_from(["", '{"k":"\ud800"}'])),
    )


charges = st.builds(
    Charge,
    st.integers(0, 10**12),
    st.none() | st.integers(0, 10**12),
    st.sampled_from(CostBasis),
    st.sampled_from([-1, 0, 200_000]),
)
batches = st.lists(st.lists(st.tuples(records(), charges), max_size=12), max_size=4)


@contextmanager
def folder() -> Iterator[Path]:
    """A fresh one for each example, which `tmp_path` is not."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything but who wrote last."""
    names = [r[0] for r in rows(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {name: sorted(rows(path, f"SELECT * FROM {name}"), key=repr) for name in names}
    found["meta"] = [row for row in found["meta"] if row[0] != "writer"]
    return found


async def fill(path: Path, given: Sequence[Sequence[tuple[UsageRecord, Charge]]]) -> None:
    async with await Store.open(path, KEEP, now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        for number, batch in enumerate(given):
            await store.append(
                "s",
                [record for record, _ in batch],
                [charge for _, charge in batch],
                checkpoint={"f": str(number)},
                now=NOW,
            )


def when(record: UsageRecord) -> int:
    point = record.end_ns - (record.request_id is None and record.end_ns > record.start_ns)
    return point // NS


@given(batches)
@settings(max_examples=40)
def test_every_level_holds_exactly_what_was_appended(
    given: list[list[tuple[UsageRecord, Charge]]],
) -> None:
    flat = [pair for batch in given for pair in batch]
    midnight = int(NOW) // DAY * DAY
    floor = {"minute": int(NOW) - 2 * DAY, "hour": int(NOW) - 5 * DAY}
    since = {
        table: (
            floor["minute"] // DAY * DAY
            if step < 3600
            else floor["hour"] // DAY * DAY
            if step < DAY
            else 0
        )
        for table, step in TABLES.items()
    }
    with folder() as home:
        path = home / "s.db"
        asyncio.run(fill(path, given))
        assert maintenance.check(path) == []
        points = [p for p in flat if p[0].end_ns - p[0].start_ns <= 120 * NS]
        spread = [p for p in flat if p[0].end_ns - p[0].start_ns > 120 * NS]
        for table, step in TABLES.items():
            expected: dict[int, list[int]] = defaultdict(lambda: [0] * 4)
            for record, charge in points:
                if when(record) >= since[table]:
                    own = expected[when(record) // step * step]
                    own[0] += record.requests
                    own[1] += record.output
                    own[2] += charge.effective_nano
                    own[3] += charge.list_nano or 0
            stored = {
                t: list(values)
                for t, *values in rows(
                    path,
                    "SELECT t, sum(requests), sum(output), sum(effective), sum(list) "
                    f"FROM {table} GROUP BY t",
                )
            }
            if not spread:
                assert stored == expected
            if table == "day":
                for at, value in enumerate(
                    (
                        sum(r.requests for r, _ in flat),
                        sum(r.output for r, _ in flat),
                        sum(c.effective_nano for _, c in flat),
                        sum(c.list_nano or 0 for _, c in flat),
                    )
                ):
                    assert sum(v[at] for v in stored.values()) == value
        kept = [
            (r, c)
            for r, c in flat
            if r.request_id is not None and r.end_ns >= (midnight - 3 * DAY) * NS
        ]
        got = rows(path, "SELECT (id >> 22) * 1000000 + ns, effective, list, reported FROM request")
        assert sorted(got, key=repr) == sorted(
            ((r.end_ns, c.effective_nano, c.list_nano, r.reported_nano) for r, c in kept),
            key=repr,
        )


class _Torn(Exception):
    pass


def tear(store: Store, at: int, error: Callable[[], Exception]) -> list[int]:
    """Make the `at`-th statement of `store` from now on fail. Returns the running count."""
    db: Any = store._session.db
    seen = [0]

    def guard(method: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            seen[0] += 1
            if seen[0] == at:
                raise error()
            return await method(*args, **kwargs)

        return call

    for name in ("execute", "executemany", "execute_fetchall"):
        setattr(db, name, guard(getattr(db, name)))
    return seen


def batch(offset: int) -> tuple[list[UsageRecord], list[Charge]]:
    made = [
        UsageRecord(
            int(NOW * NS) - i * 10**11,
            int(NOW * NS) - i * 10**11,
            Dimensions("p", f"m{(i + offset) % 3}"),
            input=i,
            request_id=f"{offset}-{i}",
            part=f"f{offset}",
        )
        for i in range(20)
    ]
    return made, [Charge(i, i, CostBasis.COMPUTED) for i in range(20)]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (lambda: sqlite3.OperationalError("torn"), StoreError),
        (_Torn, _Torn),
        (asyncio.CancelledError, asyncio.CancelledError),
    ],
)
def test_a_batch_torn_at_any_statement_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, error: Callable[[], Exception], raised: type[BaseException]
) -> None:
    line = SkippedLine("s", "f", 1, 2, "why", "text", NOW)
    extra: dict[str, Any] = {
        "skipped": [line],
        "skipped_count": 7,
        "resets": 1,
        "newest_ns": int(NOW * NS),
        "now": NOW,
    }

    async def run() -> int:
        whole, torn = tmp_path / "whole.db", tmp_path / "torn.db"
        async with await Store.open(whole, KEEP, now=NOW) as store:
            await store.register("s", "jsonl", "gw")
            await store.append("s", *batch(0), checkpoint={"f0": "1"}, **extra)
        shutil.copy(whole, torn)
        async with await Store.open(whole, KEEP, now=NOW) as store:
            await store.append("s", *batch(1), checkpoint={"f0": None, "f1": "2"}, **extra)
        before = dump(torn)
        at = 0
        while True:
            at += 1
            async with await Store.open(torn, KEEP, now=NOW) as store:
                await store.heartbeat(0.0)
                seen = tear(store, at, error)
                try:
                    await store.append("s", *batch(1), checkpoint={"f0": None, "f1": "2"}, **extra)
                except raised:
                    assert seen[0] >= at
                    assert dump(torn) == before
                    continue
            assert dump(torn) == dump(whole)
            return at

    assert asyncio.run(run()) > 15


def test_the_same_store_object_goes_on_after_a_failure(tmp_path: Path) -> None:
    async def run() -> None:
        whole, torn = tmp_path / "whole.db", tmp_path / "torn.db"
        for path in (whole, torn):
            async with await Store.open(path, KEEP, now=NOW) as store:
                await store.register("s", "jsonl", "gw")
                for offset in range(3):
                    if path == torn:
                        seen = tear(store, 9, lambda: sqlite3.OperationalError("torn"))
                        with pytest.raises(StoreError):
                            await store.append("s", *batch(offset), checkpoint={"f": "x"}, now=NOW)
                        assert seen[0] == 9
                    await store.append("s", *batch(offset), checkpoint={"f": str(offset)}, now=NOW)
        # What is remembered of used sequence numbers is lost with a failure, so requests of one
        # millisecond may be numbered otherwise.
        found, expected = dump(torn), dump(whole)
        for rows_of in (found, expected):
            rows_of["request"] = sorted((row[0] >> 22, *row[1:]) for row in rows_of["request"])
        assert found == expected

    asyncio.run(run())
