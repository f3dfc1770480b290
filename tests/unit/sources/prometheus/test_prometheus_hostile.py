"""Odd answers, clocks that are off and hostile labels: nothing crashes, leaks or counts twice."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from costtui.sources.prometheus import plan
from costtui.sources.prometheus import source as module

Make = Callable[..., Any]
HOUR = 3600.0


def tokens(series_of: Make, model: str = "a", **more: str) -> Any:
    return series_of("gw_tokens_total", model=model, **more)


# Odd answers


async def test_another_series_than_asked_is_ignored(prom_of: Make, series_of: Make) -> None:
    prom = prom_of()

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        found = list(prom.server.rows(form))
        found.append({"metric": {"__name__": "node_cpu_seconds_total"}, "values": [[1.0, "5"]]})
        found.append({"metric": {}, "values": [[prom.now - 1, "5"]]})
        found.append({"metric": {"__name__": "gw_tokens_total_created"}, "values": []})
        said: httpx.Response = prom.server.matrix(found)
        return said

    prom.server.hook = hook
    prom.server.scrape(prom.now - 7000, (tokens(series_of), 1))
    prom.server.scrape(prom.now - 5, (tokens(series_of), 9))
    await prom.drain()
    assert prom.total() == 8
    assert all(batch.skipped_count == 0 for batch in prom.batches)


async def test_native_histograms_do_not_crash(prom_of: Make, series_of: Make) -> None:
    prom = prom_of()

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        found = list(prom.server.rows(form))
        histogram = [prom.now - 1, {"count": "3", "sum": "4", "buckets": [[0, "0", "1", "3"]]}]
        metric = {"__name__": "gw_tokens_total", "instance": "a:1", "model": "h"}
        found.append({"metric": metric, "histograms": [histogram]})
        said: httpx.Response = prom.server.matrix(found)
        return said

    prom.server.hook = hook
    prom.server.scrape(prom.now - 7000, (tokens(series_of), 1))
    prom.server.scrape(prom.now - 5, (tokens(series_of), 9))
    await prom.drain()
    assert prom.total() == 8


async def test_bad_numbers_are_shown_and_cost_themselves(prom_of: Make, series_of: Make) -> None:
    prom = prom_of()
    series = tokens(series_of, "a\x1b[2J")
    for number, value in enumerate((1, "Inf", "x\x1b[31m", 4)):
        prom.server.scrape(prom.now - 60 + 15 * number, (series, value))
    await prom.drain()
    assert prom.total() == 3
    [first, *_] = prom.batches
    assert first.skipped_count == 2
    assert all("\x1b" not in line.reason + line.text for line in first.skipped)


async def test_series_without_job_and_instance(prom_of: Make, series_of: Make) -> None:
    """They may be of many processes, so one that fell does not restart the others."""
    prom = prom_of(gateway_labels=())
    one = series_of("gw_tokens_total", instance="", job="", model="a")
    two = series_of("gw_tokens_total", instance="", job="", model="b")
    at = prom.now - 7000
    for number, (a, b) in enumerate(((10, 10), (20, 20), (5, 30), (6, 30))):
        prom.server.put(one, at + 15 * number, a)
        prom.server.put(two, at + 15 * number, b)
    await prom.drain()
    assert (prom.total(model="a"), prom.total(model="b")) == (10 + 5 + 1, 20)
    assert {record.dims.gateway for record in prom.records} == {"prom"}


# Clocks


@pytest.mark.parametrize("skew", [-1500.0, -600.0, 600.0])
async def test_a_server_whose_clock_is_off(skew: float, prom_of: Make, series_of: Make) -> None:
    prom = prom_of(since=4 * 3600)
    start = prom.now
    turn = 0

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        # The `Date` of an answer is of the real clock, which this test does not set.
        said: httpx.Response = prom.server.matrix(list(prom.server.rows(form)))
        said.headers["date"] = formatdate(time.time() + skew, usegmt=True)
        return said

    prom.server.hook = hook
    for _ in range(480):
        prom.server.scrape(start + skew + 15 * turn, (tokens(series_of), turn * 3))
        turn += 1
    prom.now = start + 15 * turn
    await prom.drain()
    for _ in range(120):
        prom.server.scrape(start + skew + 15 * turn, (tokens(series_of), turn * 3))
        turn += 1
        prom.now = start + 15 * turn
        await prom.poll()
    which = "behind" if skew < 0 else "ahead of"
    assert re.fullmatch(rf"the server's clock is \d+ s {which} this one", prom.batches[-1].note)
    prom.now += 700
    await prom.drain()
    assert prom.total() == (turn - 1) * 3
    assert sum(record.lower_bounds for record in prom.records) == 0


@pytest.mark.parametrize("skew", [-1500.0, 1500.0])
async def test_a_proxy_whose_clock_is_off(skew: float, prom_of: Make, series_of: Make) -> None:
    """Its `Date` is not that of the samples: nothing may be lost for believing it."""
    prom = prom_of(since=4 * 3600)
    start = prom.now

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        said: httpx.Response = prom.server.matrix(list(prom.server.rows(form)))
        said.headers["date"] = formatdate(time.time() + skew, usegmt=True)
        return said

    prom.server.hook = hook
    for turn in range(400):
        prom.server.scrape(start + 15 * turn, (tokens(series_of), turn * 3))
        prom.now = start + 15 * turn + 1
        if turn % 3 == 0:
            await prom.poll()
        if skew > 0 and turn % 3 == 0:
            assert prom.total() == turn * 3  # and live
    prom.server.hook = None
    await prom.drain()
    prom.now += 30
    await prom.drain()
    assert prom.total() == 399 * 3
    assert sum(record.lower_bounds for record in prom.records) == 0


# Hostile labels


async def test_hostile_labels(prom_of: Make, series_of: Make) -> None:
    prom = prom_of()
    secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    series = [
        tokens(series_of, "\x1b]0;owned\x07\x1b[31mred", team="t"),
        tokens(series_of, "x" * 10_240, team="t"),
        tokens(series_of, "m", team=secret),
        tokens(series_of, "[bold]m[/]", team='=cmd|"/c calc"'),
        tokens(series_of, "m", team="\u202egnp.exe"),
    ]
    prom.server.scrape(prom.now - 7000, *((s, 0) for s in series))
    prom.server.scrape(prom.now - 5, *((s, 7) for s in series))
    await prom.drain()
    assert prom.total() == 7 * len(series)
    for record in prom.records:
        text = "".join(record.dims)
        assert max(map(len, record.dims)) <= 200
        assert secret not in text
    consumers = {record.dims.consumer for record in prom.records if record.dims.model == "m"}
    assert len(consumers) == 2


async def test_a_consumer_that_is_a_secret_is_never_in_the_checkpoint(
    prom_of: Make, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor while history is half read, where the labels of a series wait in it."""
    secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    prom = prom_of()
    for turn in range(479):
        at = prom.now - 7190 + 15 * turn
        prom.server.scrape(at, (tokens(series_of, team=secret), turn))
    monkeypatch.setattr(module, "TURN_S", 0.0)
    for _ in range(100):
        await prom.poll()
        assert secret not in json.dumps([record.dims for record in prom.records])
        assert secret not in json.dumps(prom.stored)
        if not prom.source.has_more:
            break
        prom.reopen()
    assert prom.total() == 478
    assert len({record.dims for record in prom.records}) == 1


async def test_values_that_need_quoting_in_a_selector(
    prom_of: Make, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "RAW_SAMPLES", 60)
    prom = prom_of(since=24 * 3600)
    odd = 'a"\\\n{},up:1'
    prom.server.scrape(prom.now - 24 * HOUR + 15, (tokens(series_of, instance=odd), 0))
    value = total = 0
    for turn in range(1, 480):
        value = 1 if turn == 200 else value + turn % 5
        total += 1 if turn == 200 else turn % 5
        at = prom.now - 23 * HOUR + 165 * turn
        prom.server.scrape(at, (tokens(series_of, instance=odd), value))
    await prom.drain()
    assert prom.total() == total
    repaired = [form["query"] for form in prom.server.asked if 'instance="' in form["query"]]
    assert repaired
    assert 'instance="a\\"\\\\\\n{},up:1"' in repaired[0]
