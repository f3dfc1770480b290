"""Whatever happens to gateways, Prometheus and the collector: what is counted is what was used.

Simulated gateways (restarts, new series, failed scrapes) are scraped by a server in memory that
answers as the real one does (tests/e2e holds the real one to it). The source is polled live,
crashes before its batch is stored, sleeps through hours that it then reads backwards, and meets a
server that is down. The truth is kept here with plain integers.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.config.schema import SourceConfig
from costtui.errors import SourceError
from costtui.model.usage import UsageRecord
from costtui.sources import factory
from costtui.sources.base import Source
from costtui.sources.prometheus import plan, source

START = 1_795_600_000 // 3600 * 3600
"""Epoch seconds, a full hour."""
INTERVAL = 15
MODELS = ("m-a", "m-b", "m-c")
Labels = tuple[tuple[str, str], ...]


@dataclass
class Gateway:
    """One process: counters of tokens and requests by model, and its start time if it says one."""

    instance: str
    says_start: bool
    started: float
    values: Counter[tuple[str, str]] = field(default_factory=Counter)
    env: int = 0
    """A label of the scrape configuration, which nothing in the process knows."""
    marker_due: int = 5
    """Grows a series that falls at every restart, as any busy gateway has."""

    def page(self) -> dict[Labels, str]:
        at: Labels = (("instance", self.instance), ("job", "gw"))
        if self.env:
            at = (("env", f"env-{self.env}"), *at)
        page: dict[Labels, str] = {}
        for (name, model), value in self.values.items():
            text = repr(value / 1_000_000_000) if name == "nano" else str(value)
            name = "gw_cost_usd_total" if name == "nano" else f"gw_{name}_total"
            page[tuple(sorted((("__name__", name), ("model", model), *at)))] = text
        if self.says_start:
            page[tuple(sorted((("__name__", "process_start_time_seconds"), *at)))] = repr(
                self.started
            )
        return page


class RefusedError(Exception):
    """A query that the real server refuses."""


class Server:
    """What it scraped, and the few queries that costtui asks."""

    def __init__(self) -> None:
        self.series: dict[Labels, list[tuple[float, str]]] = {}
        self.up = True
        self.longest = float("inf")
        """Seconds of raw samples in one answer; more are refused."""

    def scrape(self, gateway: Gateway, now: float, *, good: bool) -> None:
        at = (("__name__", "up"), ("instance", gateway.instance), ("job", "gw"))
        self.series.setdefault(at, []).append((now, "1" if good else "0"))
        if good:
            for labels, value in gateway.page().items():
                self.series.setdefault(labels, []).append((now, value))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not self.up:
            return httpx.Response(503, text="down")
        if request.method == "GET":
            return httpx.Response(200, json=self._instances(dict(request.url.params)))
        form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        try:
            rows = list(self._rows(form))
        except RefusedError as error:
            answer = {"status": "error", "errorType": "execution", "error": str(error)}
            return httpx.Response(422, json=answer)
        data = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
        return httpx.Response(200, json=data)

    def _instances(self, params: dict[str, str]) -> dict[str, Any]:
        start, end = float(params["start"]), float(params["end"])
        found = {
            dict(labels)["instance"]
            for labels, values in self._matching(params["match[]"])
            if any(start <= at <= end for at, _ in values)
        }
        return {"status": "success", "data": sorted(found)}

    def _matching(self, query: str) -> Iterator[tuple[Labels, list[tuple[float, str]]]]:
        names = re.findall(r'__name__=~"([^"]*)"', query)
        assert names
        exact = dict(re.findall(r'[,{](\w+)="([^"]*)"', query))
        instances = re.search(r'instance=~"([^"]*)"', query)
        where = re.compile(instances[1].replace("\\\\", "\\") if instances else ".*")
        for pattern in names:
            wanted = re.compile(pattern.replace("\\\\", "\\"))
            nameless: set[Labels] = set()
            for labels, values in self.series.items():
                have = dict(labels)
                if where.fullmatch(have["instance"]) is None:
                    continue
                if wanted.fullmatch(have["__name__"]) and exact.items() <= have.items():
                    # resets() takes the name away.
                    rest = tuple(pair for pair in labels if pair[0] != "__name__")
                    if "resets(" in query and rest in nameless:
                        raise RefusedError("vector cannot contain metrics with the same labels")
                    nameless.add(rest)
                    yield labels, values

    def _rows(self, form: dict[str, str]) -> Iterator[dict[str, Any]]:
        query = form["query"]
        window = re.search(r"\[(\d+)(ms|d)\]", query)
        assert window is not None
        length = int(window[1]) / 1000 if window[2] == "ms" else int(window[1]) * 86_400
        if "step" not in form:
            end = float(form["time"])
            if length > self.longest:
                raise RefusedError("query processing would load too many samples into memory")
            for labels, values in self._matching(query):
                inside = [v for v in values if end - length <= v[0] <= end]
                if inside:
                    yield {"metric": dict(labels), "values": inside}
            return
        start, end, step = (float(form[k]) for k in ("start", "end", "step"))
        grid = [start + step * i for i in range(int((end - start) / step + 0.5) + 1)]
        assert len(grid) <= 11_001
        sums: dict[Labels, dict[float, float]] = {}
        for labels, values in self._matching(query):
            out = {}
            for at in grid:
                inside = [v for v in values if at - length <= v[0] <= at]
                if inside:
                    out[at] = _over(query, inside)
            have = dict(labels)
            if query.startswith("sum by"):
                key: Labels = (("instance", have["instance"]), ("job", have["job"]))
                total = sums.setdefault(key, {})
                for at, value in out.items():
                    total[at] = total.get(at, 0.0) + float(value)
            elif query.startswith("count"):
                total = sums.setdefault((), {})
                for at in out:
                    total[at] = total.get(at, 0.0) + 1
            elif out:
                if not query.startswith("last_over_time"):
                    del have["__name__"]
                yield {"metric": have, "values": list(out.items())}
        for key, points in sums.items():
            shown = [(at, repr(v)) for at, v in sorted(points.items()) if v > 0]
            if shown:
                yield {"metric": dict(key), "values": shown}


def _over(query: str, inside: list[tuple[float, str]]) -> str:
    if "last_over_time" in query:
        return inside[-1][1]
    numbers = [float(value) for _, value in inside]
    if "resets" in query:
        return str(sum(b < a for a, b in pairwise(numbers)))
    return f"{max(numbers):g}"


FIELDS = {
    "resets": "together",
    "dimensions": {"model": "model"},
    "metrics": [
        {"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"},
        {"name": "gw_cached_total", "quantity": "tokens", "kind": "cache_read"},
        {"name": "gw_cost_usd_total", "quantity": "cost", "unit": "usd"},
        {"name": "gw_requests_total", "quantity": "requests"},
    ],
}


class World:
    """Everything together. Times are epoch seconds."""

    def __init__(self, since_hours: int, instances: int) -> None:
        self.now = float(START)
        self.server = Server()
        self.gateways = [
            Gateway(f"10.0.0.{n}:1", n % 2 == 0, self.now - 1) for n in range(instances)
        ]
        self.truth: Counter[tuple[str, str, str]] = Counter()
        self.stored: dict[str, str] = {}
        self.records: list[UsageRecord] = []
        self.since = since_hours * 3600
        self.source = self._source()
        for gateway in self.gateways:
            self.server.scrape(gateway, self.now, good=True)

    def _source(self) -> Source:
        config = SourceConfig(
            "prom", "prometheus", "prom", url="http://127.0.0.1:1", fields=FIELDS,
            gateway_labels=("instance",), since=self.since,
        )  # fmt: skip
        source = factory.build(config, transport=httpx.MockTransport(self.server.answer))
        source.restore(self.stored)
        return source

    def use(self, gateway: Gateway, model: str, amount: int) -> None:
        """One request. Its input holds what came from a cache, as the page shows it."""
        cached = amount // 3 if amount % 2 else 0
        nano = amount * 7 + 1
        shown = {"tokens": amount, "cached": cached, "nano": nano, "requests": 1}
        for name, grown in shown.items():
            if grown or name != "cached":
                gateway.values[name, model] += grown
        for name, used in {**shown, "tokens": amount - cached}.items():
            self.truth[gateway.instance, model, name] += used

    def scrapes(self, count: int, *, use: int = 0, bad: frozenset[int] = frozenset()) -> None:
        """`count` scrapes; `use` is the seed of what is used before each, 0 for nothing."""
        for turn in range(count):
            for number, gateway in enumerate(self.gateways):
                if use and (turn * 7 + use + number) % 5 == 0:
                    self.use(gateway, MODELS[(turn + use) % len(MODELS)], (turn * use) % 97)
            self.now += INTERVAL
            for number, gateway in enumerate(self.gateways):
                good = number not in bad
                self.server.scrape(gateway, self.now, good=good)
                if good and gateway.marker_due:
                    self.use(gateway, "marker", gateway.marker_due)
                    gateway.marker_due = 0

    def restart(self, number: int) -> None:
        gateway = self.gateways[number % len(self.gateways)]
        # Drained: everything was scraped before the process ended. A life too short for a counter
        # to be seen above what the next one begins with is told by nobody.
        if gateway.marker_due:
            self.now += INTERVAL
            self.server.scrape(gateway, self.now, good=True)
            self.use(gateway, "marker", gateway.marker_due)
            gateway.marker_due = 0
        self.now += INTERVAL
        self.server.scrape(gateway, self.now, good=True)
        self.now += 3
        gateway.values.clear()
        gateway.started = self.now
        self.use(gateway, "marker", 1)
        gateway.marker_due = 9

    def relabel(self, number: int) -> None:
        """The server calls everything of one process otherwise."""
        self.gateways[number % len(self.gateways)].env += 1
        self.scrapes(1)

    async def poll(self, *, crash: bool = False) -> None:
        source = self.source
        try:
            batches = source.poll(self.now)
            async for batch in batches:
                if crash:
                    await batches.aclose()  # type: ignore[attr-defined]
                    self.source = self._source()
                    return
                self.records += batch.records
                for part, text in batch.checkpoint.items():
                    if text is None:
                        self.stored.pop(part, None)
                    else:
                        self.stored[part] = text
        except SourceError:
            return

    async def drain(self) -> None:
        self.server.up = True
        for _ in range(2000):
            await self.poll()
            if not getattr(self.source, "has_more", False) and not self._holes():
                return
            self.now += 1
        raise AssertionError("history does not end")

    def _holes(self) -> bool:
        return any(part.startswith("H:") for part in self.stored)

    def counted(self) -> Counter[tuple[str, str, str]]:
        found: Counter[tuple[str, str, str]] = Counter()
        for record in self.records:
            where = (record.dims.gateway, record.dims.model)
            found[(*where, "tokens")] += record.input
            found[(*where, "cached")] += record.cache_read
            found[(*where, "nano")] += record.reported_nano or 0
            found[(*where, "without its money")] += record.reported_nano is None
            found[(*where, "requests")] += record.requests
        return +found


EVENT = st.one_of(
    st.tuples(st.just("scrapes"), st.integers(1, 12), st.integers(0, 50)),
    st.tuples(st.just("failing"), st.integers(1, 6), st.integers(0, 50)),
    st.tuples(st.just("hours"), st.integers(1, 5), st.integers(0, 50)),
    st.tuples(st.just("restart"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("relabel"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("poll"), st.just(0), st.just(0)),
    st.tuples(st.just("poll"), st.just(0), st.just(0)),
    st.tuples(st.just("crash"), st.just(0), st.just(0)),
    st.tuples(st.just("server down"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("silence"), st.integers(1, 60), st.integers(0, 50)),
    st.tuples(st.just("refuses"), st.integers(1, 4), st.integers(0, 30)),
    st.tuples(st.just("new start"), st.just(0), st.just(0)),
)


async def _play(world: World, events: list[tuple[str, int, int]]) -> None:
    for what, count, seed in events:
        if what == "scrapes":
            world.scrapes(count, use=seed)
        elif what == "failing":
            world.scrapes(count, use=seed, bad=frozenset({seed % 3}))
        elif what == "silence":
            world.scrapes(count, use=seed, bad=frozenset(range(len(world.gateways))))
        elif what == "refuses":
            world.server.longest = 301
            for _ in range(count):
                await world.poll()
                world.scrapes(seed, use=seed)
            world.server.longest = float("inf")
        elif what == "hours":
            world.scrapes(count * 240, use=seed)
        elif what == "restart":
            world.restart(count)
        elif what == "relabel":
            world.relabel(count)
        elif what == "poll":
            await world.poll()
        elif what == "crash":
            await world.poll(crash=True)
        elif what == "server down":
            world.server.up = False
            await world.poll()
            world.now += count * 600
            world.server.up = True
        else:
            world.source = world._source()
    world.scrapes(2)
    await world.drain()
    world.scrapes(1)
    await world.drain()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that hours are many pieces, and the older ones come in steps."""
    monkeypatch.setattr(plan, "PIECE_SAMPLES", 3_000)
    monkeypatch.setattr(plan, "RAW_SAMPLES", 12_000)
    # A piece a poll: how much one takes must not depend on how fast this machine is.
    monkeypatch.setattr(source, "TURN_S", -1.0)


@settings(max_examples=60)
@given(st.integers(1, 3), st.lists(EVENT, max_size=14))
def test_what_is_counted_is_what_was_used(
    instances: int, events: list[tuple[str, int, int]]
) -> None:
    world = World(since_hours=200, instances=instances)
    asyncio.run(_play(world, events))
    assert world.counted() == +world.truth, json.dumps(events)


def _moments(text: str) -> list[tuple[str, int, int]]:
    """`hours 1 0, poll, …` as events."""
    out = []
    for event in text.split(", "):
        what, *numbers = re.split(r" (?=\d)", event)
        count, seed = [*map(int, numbers), 0, 0][:2]
        out.append((what, count, seed))
    return out


@pytest.mark.parametrize(
    ("instances", "events"),
    [
        pytest.param(
            2, "scrapes 2 0, restart 0 0, restart 0 0, poll, new start, relabel 1 0",
            id="the labels changed while costtui started again",
        ),
        pytest.param(
            1, "restart 0 0, poll, hours 1 0, server down 1 0, refuses 1 0",
            id="a restart in a silence whose end was read first",
        ),
        pytest.param(
            2, "failing 5 1, refuses 2 1",
            id="the server refuses to say when an instance was first scraped",
        ),
        pytest.param(
            1, "poll, relabel 0 0, relabel 0 0, server down 1 0, relabel 0 0",
            id="the labels changed in a silence that was read in pieces",
        ),
        pytest.param(
            1, "relabel 0 0, relabel 0 0, refuses 1 0, relabel 0 0, hours 1 0",
            id="the labels changed between two stretches that are not read yet",
        ),
        pytest.param(
            1,
            "relabel 0 0, relabel 0 0, refuses 1 0, scrapes 1 0, relabel 0 0, refuses 2 2, crash",
            id="the labels of an idle series changed, then a crash before its beginning was read",
        ),
        pytest.param(
            1,
            "scrapes 2 0, poll, crash, scrapes 12 29, relabel 0 0, relabel 0 0, poll, crash, "
            "relabel 0 0, hours 5 0",
            id="the labels of an idle series changed, and older history was read after a crash",
        ),
        pytest.param(
            1,
            "relabel 0 0, relabel 0 0, poll, relabel 0 0, server down 1 0, server down 1 0, "
            "refuses 1 0, relabel 0 0, hours 1 0",
            id="three stretches to read, and a scrape between the lower two",
        ),
        pytest.param(
            1, "refuses 1 0, restart 0 0, server down 1 0",
            id="a cached part whose whole is told at the bottom",
        ),
        pytest.param(
            2, "scrapes 2 0, refuses 3 19",
            id="a first value of one request and no token",
        ),
        pytest.param(
            2, "poll, server down 1 0, server down 5 0, failing 2 4, poll",
            id="a first value after more than an hour in which nobody reached the instance",
        ),
    ],
)  # fmt: skip
def test_what_was_counted_wrong_once(instances: int, events: str) -> None:
    """Examples that were found by the test above."""
    world = World(since_hours=200, instances=instances)
    asyncio.run(_play(world, _moments(events)))
    assert world.counted() == +world.truth


@pytest.mark.parametrize("refusals", [2, 5])
@pytest.mark.parametrize("silent", [8, 22, 40])
def test_silence_while_the_server_refuses_long_queries(silent: int, refusals: int) -> None:
    """Minutes without an answer are a hole where one answer cannot hold them, also when its newest
    part is empty; what was counted before is not read again."""

    async def play(world: World) -> None:
        everyone = frozenset(range(len(world.gateways)))
        world.scrapes(40, use=3)
        await world.drain()
        world.scrapes(12, use=7)
        world.scrapes(silent, use=5, bad=everyone)
        world.server.longest = 301
        for _ in range(refusals):
            world.now += 1
            await world.poll()
        world.server.longest = float("inf")
        world.scrapes(3, use=11)
        await world.drain()

    world = World(since_hours=20, instances=2)
    asyncio.run(play(world))
    assert world.counted() == +world.truth
