"""Tags of consumers as dimensions, and two dimensions at once, from a real store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from costtui.config.schema import Consumer, Retention
from costtui.errors import UsageError
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import Filter, View
from costtui.model.timewindow import HOUR, Window
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

END = 1_790_000_040
NOW = float(END)
WINDOW = Window(END - 6 * HOUR, END, 600, "6h", live=True)
USED = [
    # consumer, model, hours ago, nano-USD (None is unpriced)
    ("alice", "gpt", 1, 500), ("alice", "claude", 2, 70), ("bob", "gpt", 3, 9),
    ("key:ab12", "gpt", 1, 4000), ("key:ab99", "local", 5, None), ("", "gpt", 4, 30),
    ("bob", "gpt", 8, 11), ("carol", "claude", 9, 600),
]  # fmt: skip
PEOPLE = (
    ("alice", Consumer("Alice", tags=(("env", "prod"), ("cost-center", "4711")))),
    ("key:ab*", Consumer(tags=(("env", "dev"),))),
    ("bob", Consumer(team="web")),
)


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    path = tmp_path / "costtui.db"
    async with await Store.open(path, Retention(), now=NOW) as opened:
        await opened.register("log", "jsonl", "eu")
        for number, (who, model, hours, nano) in enumerate(USED):
            at = int((END - hours * HOUR) * 1e9)
            basis = CostBasis.UNPRICED if nano is None else CostBasis.COMPUTED
            charge = Charge(nano or 0, nano, basis)
            record = UsageRecord(
                at, at, Dimensions("p", model, who, "eu"), input=7, request_id=f"r{number}"
            )
            await opened.append("log", [record], [charge], now=NOW)
    return path


def spent(pick: Callable[[str, str], object]) -> dict[object, int]:
    """By hand: nano-USD of the window by whatever `pick` makes of (consumer, model)."""
    out: dict[object, int] = defaultdict(int)
    for who, model, hours, nano in USED:
        if hours < 6:
            out[pick(who, model)] += nano or 0
    return dict(out)


def env(who: str) -> str:
    return {"alice": "prod"}.get(who, "dev" if who.startswith("key:ab") else "")


async def test_a_tag_is_a_dimension_and_re_mapping_is_retroactive(store: Path) -> None:
    with Reader(store, zone=UTC, consumers=PEOPLE) as reader:
        view = View(WINDOW)
        found = {k[0]: t.effective_nano for k, t in reader.breakdown(view, ("tag:env",), NOW)}
        assert found == spent(lambda who, _: env(who))
        panel = {g.key: g.totals.effective_nano for g in reader.groups(view, "tag:env", NOW)}
        assert panel == found
        only = View(WINDOW, (Filter("tag:env", "prod"),))
        assert reader.totals(only, NOW).effective_nano == 570
        none = View(WINDOW, (Filter("tag:env", ""),))
        assert reader.totals(none, NOW).effective_nano == 39
        shown = reader.overview(view, NOW, ("tag:env", "provider", "model", "consumer"))
        assert dict(shown.sizes) == {
            "provider": 1, "model": 3, "consumer": 5, "gateway": 1, "endpoint": 1, "service": 1,
            "team": 2, "tag:cost-center": 2, "tag:env": 3,
        }  # fmt: skip
    moved = (("*", Consumer(tags=(("env", "all"),))),)
    with Reader(store, zone=UTC, consumers=moved) as reader:
        found = {k[0]: t.effective_nano for k, t in reader.breakdown(view, ("tag:env",), NOW)}
        assert found == {"all": 4609}


async def test_a_tag_that_nobody_has(store: Path) -> None:
    with Reader(store, zone=UTC, consumers=PEOPLE) as reader:
        for ask in (
            lambda: reader.breakdown(View(WINDOW), ("tag:evn",), NOW),
            lambda: reader.totals(View(WINDOW, (Filter("tag:evn", "x"),)), NOW),
        ):
            with pytest.raises(UsageError, match='did you mean "tag:env"'):
                ask()


async def test_every_cell_row_and_column_of_two_dimensions(store: Path) -> None:
    with Reader(store, zone=UTC, consumers=PEOPLE) as reader:
        for rows, columns, pick in (
            ("consumer", "model", lambda who, model: (who, model)),
            ("model", "tag:env", lambda who, model: (model, env(who))),
        ):
            table = reader.cross(View(WINDOW), rows, columns, NOW)
            cells = {pair: t.effective_nano for pair, t in table.cells.items()}
            assert cells == spent(pick)
            for axis, side in enumerate((table.row_totals, table.column_totals)):
                by_hand: dict[str, int] = defaultdict(int)
                for pair, nano in cells.items():
                    by_hand[pair[axis]] += nano
                there = {k: t.effective_nano for k, t in side.items() if t.requests}
                assert there == by_hand
                assert list(side) == sorted(side, key=lambda k: (-side[k].effective_nano,
                                                                 -side[k].requests, k))  # fmt: skip
            assert table.total == reader.totals(View(WINDOW), NOW)
            before = Window(END - 12 * HOUR, END - 6 * HOUR, 600)
            assert table.total_previous == reader.totals(View(before), NOW)
        table = reader.cross(View(WINDOW), "consumer", "model", NOW)
        assert "carol" in table.row_totals  # only before
        assert table.cells["key:ab99", "local"].unpriced_requests == 1
        with pytest.raises(UsageError, match="rows and columns are both model"):
            reader.cross(View(WINDOW), "model", "model", NOW)


async def test_what_there_is_to_choose_from(store: Path) -> None:
    with Reader(store, zone=UTC, consumers=PEOPLE) as reader:
        uses = {u.dimension: u for u in reader.dimensions(View(WINDOW), NOW)}
        assert list(uses)[-3:] == ["team", "tag:cost-center", "tag:env"]  # no org is configured
        assert uses["tag:env"][1:] == (3, "dev", 4000, 4609)
        assert uses["consumer"][1:4] == (5, "key:ab12", 4000)


async def test_new_usage_reaches_every_cached_sum(store: Path) -> None:
    """A panel of many rows keeps what did not change; the rest must not be kept."""
    async with await Store.open(store, Retention(), now=NOW) as opened:
        with Reader(store, zone=UTC, consumers=PEOPLE) as reader:
            view, names = View(WINDOW), ("consumer", "tag:env")
            for number in range(4):
                at = int((END - (5 if number % 2 else 60 * 200)) * 1e9)
                record = UsageRecord(
                    at, at, Dimensions("p", "gpt", f"new-{number // 2}", "eu"), input=1,
                    request_id=f"n{number}",
                )  # fmt: skip
                await opened.append("log", [record], [Charge(5, 5, CostBasis.COMPUTED)], now=NOW)
                kept = reader.overview(view, NOW, names), reader.cross(view, *names, NOW)
                with Reader(store, zone=UTC, consumers=PEOPLE) as fresh:
                    new = fresh.overview(view, NOW, names), fresh.cross(view, *names, NOW)
                assert kept[0].breakdowns == new[0].breakdowns
                assert (kept[0].chart, kept[0].sizes) == (new[0].chart, new[0].sizes)
                assert dict(kept[1].cells) == dict(new[1].cells)


async def test_a_panel_of_many_rows_says_the_same(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above `FEW` rows trends are added up when they are looked at."""
    view = View(WINDOW)
    with Reader(store, zone=UTC) as reader:
        few = reader.groups(view, "consumer", NOW)
    monkeypatch.setattr("costtui.store.overview.FEW", 0)
    async with await Store.open(store, Retention(), now=NOW) as opened:
        with Reader(store, zone=UTC) as reader:
            many = reader.groups(view, "consumer", NOW)
            assert many == few
            assert [tuple(g.spark_requests) for g in many] == [g.spark_requests for g in few]
            assert reader.groups(view, "consumer", NOW) is many  # nothing is new
            at = int((END - 30) * 1e9)
            record = UsageRecord(at, at, Dimensions("p", "gpt", "bob", "eu"), request_id="z")
            await opened.append("log", [record], [Charge(5, 5, CostBasis.COMPUTED)], now=NOW)
            after = reader.groups(view, "consumer", NOW)
            kept = {g.key: g for g in many}
            assert [g.key for g in after if g is not kept[g.key]] == ["bob"]
            with Reader(store, zone=UTC) as fresh:
                assert after == fresh.groups(view, "consumer", NOW)
