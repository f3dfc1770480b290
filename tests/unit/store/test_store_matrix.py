"""Usage by bucket: sparse and dense rows, tokens, and those of them that have no price."""

from __future__ import annotations

from array import array
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import View
from costtui.model.timewindow import DAY, HOUR, TEN_MINUTES, Window
from costtui.model.usage import UsageRecord
from costtui.store.matrix import Matrix
from costtui.store.reader import Reader
from costtui.store.writer import Store

WIDTH = 6
END = 1_790_000_040
NOW = END - 3.0
BUCKETS = st.dictionaries(
    st.integers(0, WIDTH - 1), st.tuples(*[st.integers(0, 10**15)] * 3), max_size=WIDTH
)


@given(
    st.dictionaries(st.integers(1, 5), BUCKETS),
    st.sets(st.integers(1, 7)),
    st.sets(st.integers(1, 7)),
)
def test_sparse_and_dense_rows_add_up_the_same(
    used: dict[int, dict[int, tuple[int, int, int]]], unpriced: set[int], ids: set[int]
) -> None:
    cells = {
        sid: array("q", [n for at, row in sorted(own.items()) for n in (at, *row)])
        for sid, own in used.items()
    }
    matrix = Matrix(WIDTH, dict(cells), unpriced)
    want = [[0] * WIDTH for _ in range(4)]
    for sid in ids & used.keys():
        for at, (cost, count, tokens) in used[sid].items():
            for side, value in zip(
                want, (cost, count, tokens, tokens * (sid in unpriced)), strict=True
            ):
                side[at] += value
    assert list(matrix.of(sorted(ids))) == want
    full = {sid: own | {at: (0, 0, 0) for at in range(WIDTH) if at not in own}
            for sid, own in used.items()}  # fmt: skip
    dense = Matrix(
        WIDTH,
        {sid: array("q", [n for at, row in sorted(own.items()) for n in (at, *row)])
         for sid, own in full.items()},
        unpriced,
    )  # fmt: skip
    assert bool(dense.full) is bool(used)
    assert list(dense.of(sorted(ids))) == want


@pytest.mark.parametrize("few", [0, 200])
async def test_tokens_by_bucket_add_up_to_the_totals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Against the totals of each bucket, which another statement of SQL reads."""
    monkeypatch.setattr("costtui.store.overview.FEW", few)
    path = tmp_path / "store.db"
    async with await Store.open(path, Retention(), now=NOW) as opened:
        await opened.register("log", "jsonl", "eu")
        for number in range(60):
            at = int((END - 40 - number * 1021) * 1e9)
            free = number % 3 == 0
            record = UsageRecord(
                at, at, Dimensions("p", "local" if free else "gpt", f"who-{number % 7}", "eu"),
                input=number, cache_read=3, cache_write=5, cache_write_1h=7, output=11,
                reasoning=13, request_id=str(number),
            )  # fmt: skip
            charge = Charge(0, 0, CostBasis.UNPRICED) if free else Charge(5, 5, CostBasis.COMPUTED)
            await opened.append("log", [record], [charge], now=NOW)
    with Reader(path, zone=UTC) as reader:
        for length, step in ((DAY, TEN_MINUTES), (3 * HOUR + 120, TEN_MINUTES), (2 * DAY, HOUR)):
            view = View(Window(END - length, END, step, "24h"))
            overview = reader.overview(view, NOW, ("model", "consumer"))
            truth = [t for _, t in reader.timeline(view, step, NOW)]
            assert list(overview.chart_tokens) == [t.tokens for t in truth]
            assert list(overview.chart_unpriced) == [t.unpriced_tokens for t in truth]
            for breakdown in overview.breakdowns:
                for group in breakdown.groups:
                    assert len(group.spark_tokens) == len(group.spark) == len(truth)
                    assert sum(group.spark_tokens) == group.totals.tokens
                    assert sum(group.spark_unpriced) == group.totals.unpriced_tokens
                for side, whole in (
                    ("spark_tokens", overview.chart_tokens),
                    ("spark_unpriced", overview.chart_unpriced),
                ):
                    rows = [getattr(g, side) for g in breakdown.groups]
                    assert tuple(map(sum, zip(*rows, strict=True))) == whole


async def test_what_a_moving_window_leaves_behind_is_forgotten(store_path: Path) -> None:
    """An hour of refreshes keeps the charts of the windows that are looked at, and says what a new
    reader says."""
    async with await Store.open(store_path, Retention(None, None, None, None), now=NOW) as store:
        await store.register("s", "jsonl", "gw")
        with Reader(store_path, zone=UTC) as reader:
            kept = []
            for minute in range(60):
                now = NOW + 60 * minute
                at = int(now * 1e9)
                record = UsageRecord(at, at, Dimensions("p", "m"), input=5, request_id="x")
                await store.append("s", [record], [Charge(7, 7, CostBasis.COMPUTED)], now=now)
                for length, step in ((900, 60), (6 * HOUR, TEN_MINUTES)):
                    end = int(now) // 60 * 60 + 60
                    view = View(Window(end - length, end, step))
                    seen = reader.overview(view, now)
                    if not minute % 20:
                        with Reader(store_path, zone=UTC) as other:
                            assert seen == other.overview(view, now)
                kept.append(len(reader._cache._matrices))
            assert max(kept) <= 5
