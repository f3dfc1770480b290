"""What `sources.base.Source` promises, held against every kind of source.

Each kind gets the same small story of usage. Totals are compared with what was written, not with
what another run of the source found.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from costtui.config.schema import QueryConfig, SourceConfig
from costtui.engine.listen.page import Facts, Served, render
from costtui.errors import SourceError
from costtui.model.counted import Counted, Counts, Heard
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch, Source
from costtui.sources.factory import build

START = 1_795_600_000 // 3600 * 3600
EACH = 6
"""Tokens used in each minute of the story."""


class World(Protocol):
    """Something with usage in it and a source that reads it."""

    exact: bool
    """Every token is found; an estimate may round."""

    def use(self, minutes: int) -> None:
        """`minutes` pass, each with `EACH` tokens."""

    def source(self) -> Source: ...

    def fail(self, on: bool) -> None:
        """Whatever is read cannot be, from now on."""

    now: float
    used: int


class Log:
    """jsonl."""

    exact = True

    def __init__(self, folder: Path) -> None:
        self.now = float(START)
        self.used = 0
        self._file = folder / "cost.jsonl"
        self._file.touch()
        self._away = folder / "away"

    def use(self, minutes: int) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            for _ in range(minutes):
                self.now += 60
                self.used += EACH
                at = datetime.fromtimestamp(self.now, UTC).isoformat()
                file.write(json.dumps({"ts": at, "model": "m", "in": EACH}) + "\n")

    def source(self) -> Source:
        fields = {"timestamp": "ts", "model": "model", "input": "in"}
        return build(SourceConfig("log", "jsonl", "log", paths=(str(self._file),), fields=fields))

    def fail(self, on: bool) -> None:
        if on:
            self._file.rename(self._away)
            self._file.mkdir()
        else:
            self._file.rmdir()
            self._away.rename(self._file)


class Page:
    """metrics."""

    exact = True
    type = "metrics"
    mode = "raw"

    def __init__(self, folder: Path) -> None:
        self.now = float(START)
        self.used = 0
        self._seen = 1000
        self._broken = False
        self.setup()

    def setup(self) -> None:
        pass

    def use(self, minutes: int) -> None:
        for _ in range(minutes):
            self.now += 60
            self.used += EACH
            self._seen += EACH
            self.scraped()

    def scraped(self) -> None:
        pass

    def fail(self, on: bool) -> None:
        self._broken = on

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self._broken:
            return httpx.Response(502, text="bad gateway")
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f'gw_tokens_total{{model="m"}} {self._seen}\n')

    def source(self) -> Source:
        fields = {
            "dimensions": {"model": "model"},
            "metrics": [{"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"}],
        }
        config = SourceConfig(
            "src", self.type, "gw", url="http://gw.test:9090", fields=fields, mode=self.mode,
            since=3600,
        )  # fmt: skip
        return build(config, transport=httpx.MockTransport(self._answer))


class OurPage(Page):
    """metrics, the page of another costtui as `engine.listen.page` writes it."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        heard = Heard(1, self.now, self.now, (), (), ())
        usage = {("p", "m", "", "edge", "llm"): Counts(tokens=[self._seen, 0, 0, 0, 0, 0])}
        facts = Facts(
            Counted(1, 0.0, usage, 0), heard, None, (), Served({}, 0, 0, 0), (), frozenset(),
            self.now, 0, 1000, self.now,
        )  # fmt: skip
        body, kind = render(facts, openmetrics="openmetrics" in request.headers["accept"])
        return httpx.Response(200, content=body, headers={"content-type": kind})

    def source(self) -> Source:
        config = SourceConfig("src", "metrics", "gw", preset="costtui", url="http://gw.test:8712")
        return build(config, transport=httpx.MockTransport(self._answer))


class Server(Page):
    """prometheus, sample by sample. Scraped once a minute, at its full second."""

    type = "prometheus"

    def setup(self) -> None:
        self._samples: list[tuple[float, int]] = []
        self.scraped()

    def scraped(self) -> None:
        self._samples.append((self.now, self._seen))

    def rows(self, start: float, end: float) -> list[dict[str, Any]]:
        at = {"job": "gw", "instance": "a:1"}
        inside = [(t, str(v)) for t, v in self._samples if start <= t <= end]
        if not inside:
            return []
        return [
            {"metric": {"__name__": "gw_tokens_total", "model": "m", **at}, "values": inside},
            {"metric": {"__name__": "up", **at}, "values": [(t, "1") for t, _ in inside]},
        ]

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/values"):
            return httpx.Response(200, json={"status": "success", "data": ["a:1"]})
        form = dict(httpx.QueryParams(request.content.decode()))
        rows: list[dict[str, Any]] = []
        if "step" not in form:
            length = int(form["query"].rpartition("[")[2].partition("ms]")[0]) / 1000
            end = float(form["time"])
            rows = [
                row for row in self.rows(end - length, end)
                if "up|" not in form["query"] or row["metric"]["__name__"] == "up"
            ]  # fmt: skip
            if "up" not in form["query"]:
                rows = [row for row in rows if row["metric"]["__name__"] != "up"]
        else:
            rows = self.stepped(form)
        data = {"resultType": "matrix", "result": rows}
        return httpx.Response(200, json={"status": "success", "data": data})

    def stepped(self, form: dict[str, str]) -> list[dict[str, Any]]:
        return []


class Sums(Server):
    """prometheus, added up by the server."""

    mode = "aggregate"
    exact = False

    def stepped(self, form: dict[str, str]) -> list[dict[str, Any]]:
        start, end, step = (float(form[key]) for key in ("start", "end", "step"))
        count = round((end - start) / step) + 1
        grid = [start + step * n for n in range(count)]
        values = [(t, str(self._between(t - step, t))) for t in grid]
        return [{"metric": {"model": "m"}, "values": values}]

    def _between(self, low: float, high: float) -> int:
        return sum(EACH for t, _ in self._samples[1:] if low < t <= high)


class Rates(Sums):
    """prometheus, a query of the user's own."""

    def source(self) -> Source:
        query = QueryConfig("rate(x[5m])", "input", "minute", values=(("model", "m"),))
        config = SourceConfig(
            "src", "prometheus", "gw", url="http://gw.test:9090", queries=(query,), since=3600
        )
        return build(config, transport=httpx.MockTransport(self._answer))


WORLDS: dict[str, Callable[[Path], World]] = {
    "jsonl": Log,
    "metrics": Page,
    "costtui": OurPage,
    "raw": Server,
    "aggregate": Sums,
    "queries": Rates,
}


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return WORLDS[request.param](tmp_path)


class Store:
    """The part of the store: records and checkpoint in one step, or not at all."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.parts: dict[str, str] = {}
        self.records: list[UsageRecord] = []
        self.source = world.source()
        self.source.restore({})

    def take(self, batch: Batch) -> None:
        self.records += batch.records
        for part, text in batch.checkpoint.items():
            assert text is None or isinstance(text, str)
            if text is None:
                self.parts.pop(part, None)
            else:
                self.parts[part] = text

    async def poll(self) -> int:
        count = 0
        async for batch in self.source.poll(self.world.now):
            self.take(batch)
            count += 1
        return count

    async def drain(self) -> None:
        """Until nothing is left to read (the newest window of sums is not over before a minute)."""
        for _ in range(50):
            await self.poll()
            if not getattr(self.source, "has_more", False):
                return
        raise AssertionError("it never ends")

    def again(self) -> None:
        """A new process."""
        self.source = self.world.source()
        self.source.restore(dict(self.parts))

    @property
    def total(self) -> int:
        return sum(record.input for record in self.records)


async def settled(store: Store) -> None:
    """Read everything that there is to read."""
    await store.drain()
    store.world.now += 120  # sums want a window to be over
    await store.drain()


async def test_a_poll_yields_batches_with_checkpoints(world: World) -> None:
    store = Store(world)
    await settled(store)
    before = store.total
    world.use(5)
    world.now += 120
    found: list[Batch] = []
    for _ in range(50):
        async for batch in store.source.poll(world.now):
            store.take(batch)
            found.append(batch)
        if not getattr(store.source, "has_more", False):
            break
    assert store.total - before == 5 * EACH
    assert all(batch.checkpoint for batch in found if batch.records)
    for record in store.records:
        assert record.start_ns <= record.end_ns
        assert record.end_ns <= world.now * 1e9
        assert record.dims.gateway
        assert record.estimated is (not world.exact)


async def test_a_batch_that_was_not_stored_is_read_again(world: World) -> None:
    """Wherever it stops: the totals are those of one that never stopped."""
    store = Store(world)
    await settled(store)
    for keep in range(4):
        world.use(3)
        world.now += 120
        batches = store.source.poll(world.now)
        taken = 0
        async for batch in batches:
            if taken == keep:
                break  # this one is lost
            store.take(batch)
            taken += 1
        await batches.aclose()  # type: ignore[attr-defined]
        if keep % 2:
            store.again()
        else:
            store.source.restore(dict(store.parts))
    await settled(store)
    assert store.total == world.used


async def test_a_restart_after_every_poll_changes_nothing(world: World) -> None:
    store = Store(world)
    await settled(store)
    for _ in range(6):
        world.use(2)
        await store.poll()
        await store.source.close()
        store.again()
    await settled(store)
    assert store.total == world.used


async def test_a_failing_poll_leaves_totals_alone(world: World) -> None:
    store = Store(world)
    await settled(store)
    world.use(3)
    await settled(store)
    before, records = store.total, len(store.records)
    world.fail(True)
    said: list[str] = []
    for _ in range(3):
        world.now += 150
        try:
            await store.poll()
        except SourceError as error:
            said.append(str(error))
    assert (store.total, len(store.records)) == (before, records)
    assert all(10 < len(text) < 400 for text in said)
    world.fail(False)
    world.use(2)
    await settled(store)
    await settled(store)
    assert store.total == world.used


async def test_the_same_twice_is_the_same_once(world: World) -> None:
    store = Store(world)
    world.use(1)
    await settled(store)
    before = store.total
    for _ in range(3):
        await store.poll()
    assert store.total == before


async def test_closing_twice_and_before_the_first_poll(world: World) -> None:
    store = Store(world)
    await store.source.close()
    await store.source.close()
    store.again()
    await store.poll()
    await store.source.close()
    await store.source.close()
