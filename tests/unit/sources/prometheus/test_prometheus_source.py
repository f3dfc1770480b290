"""The source on a server in memory: beginnings, outages, changes, and what counts twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from costtui.config.schema import Elsewhere
from costtui.errors import (
    SourceError,
    SourceFormatError,
    SourceTimeoutError,
    SourceTooLargeError,
    SourceUnreachableError,
)
from costtui.sources.prometheus import source as module

Make = Callable[..., Any]
HOUR = 3600.0


def tokens(series_of: Make, model: str = "a", **more: str) -> Any:
    return series_of("gw_tokens_total", model=model, **more)


# First sight


async def test_what_began_in_view_counts_whole_and_what_was_there_is_a_baseline(
    prom_of: Make, series_of: Make
) -> None:
    prom = prom_of(since=7200)
    old, new = tokens(series_of), tokens(series_of, "b")
    t0 = prom.now - 7200 + 15
    prom.server.scrape(t0, (old, 1_000))
    prom.server.scrape(t0 + 60, (old, 1_010), (new, 7))
    prom.server.scrape(prom.now - 5, (old, 1_050), (new, 9))
    await prom.drain()
    assert (prom.total(model="a"), prom.total(model="b")) == (50, 9)
    assert prom.total("lower_bounds") == 0
    prom.now += 15
    prom.server.scrape(prom.now - 1, (old, 1_051), (tokens(series_of, "c"), 3))
    await prom.poll()
    assert (prom.total(model="a"), prom.total(model="c")) == (51, 3)


async def test_a_target_that_came_later_without_a_start_is_a_lower_bound(
    prom_of: Make, series_of: Make
) -> None:
    prom = prom_of()
    early, late = tokens(series_of), tokens(series_of, instance="b:1")
    prom.server.scrape(prom.now - 7000, (early, 5))
    prom.server.scrape(prom.now - 600, (early, 5), (late, 400))
    prom.server.scrape(prom.now - 5, (early, 6), (late, 410))
    await prom.drain()
    assert (prom.total(gateway="a:1"), prom.total(gateway="b:1")) == (1, 10)
    assert prom.total("lower_bounds", gateway="a:1") == 0
    assert prom.total("lower_bounds", gateway="b:1") == 1


async def test_a_target_whose_process_began_in_view_counts_whole(
    prom_of: Make, series_of: Make
) -> None:
    prom = prom_of()
    late = tokens(series_of, instance="b:1")
    start = series_of("process_start_time_seconds", instance="b:1")
    prom.server.scrape(prom.now - 7000, (tokens(series_of), 5))
    prom.server.scrape(prom.now - 600, (late, 400), (start, prom.now - 620))
    prom.server.scrape(prom.now - 5, (late, 410), (start, prom.now - 620))
    await prom.drain()
    assert prom.total(gateway="b:1") == 410
    assert prom.total("lower_bounds") == 0


async def test_an_empty_server_says_so(prom_of: Make) -> None:
    prom = prom_of(match='job="nothing"')
    await prom.drain()
    assert prom.records == []
    assert prom.batches[0].note == (
        'nothing that fields: counts is on this server with job="nothing" yet'
    )


async def test_a_target_that_cannot_be_scraped_is_named(prom_of: Make, series_of: Make) -> None:
    prom = prom_of()
    prom.server.scrape(prom.now - 20, (tokens(series_of), 5))
    prom.server.scrape(prom.now - 5, up="0")
    [first, *_] = await prom.poll()
    assert first.note == "the server cannot scrape a:1"


# Outages


async def test_a_failed_poll_leaves_totals_alone(prom_of: Make, series_of: Make) -> None:
    prom = prom_of()
    prom.server.scrape(prom.now - 7000, (tokens(series_of), 0))
    prom.server.scrape(prom.now - 5, (tokens(series_of), 5))
    await prom.drain()
    before = dict(prom.stored)
    prom.server.hook = lambda *_: httpx.Response(502, text="bad gateway")
    prom.now += 15
    with pytest.raises(SourceUnreachableError, match="HTTP 502"):
        await prom.poll()
    assert prom.stored == before
    prom.server.hook = None
    prom.server.scrape(prom.now + 10, (tokens(series_of), 9))
    prom.now += 15
    await prom.drain()
    assert prom.total() == 9


async def test_a_long_silence_is_read_backwards(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(since=300)
    start = prom.now
    for turn in range(4 * 60 * 5):
        prom.server.scrape(start + turn * 15, (tokens(series_of), turn))
    prom.now = start + 2
    await prom.drain()
    prom.now = start + 5 * HOUR - 10
    await prom.drain()
    assert prom.total() == 4 * 60 * 5 - 1
    assert [part for part in prom.stored if part[0] in "HhtABK"] == []


@pytest.mark.parametrize("error", [SourceTooLargeError("big"), SourceTimeoutError("slow")])
async def test_an_answer_too_large_for_a_short_silence_is_read_in_pieces(
    prom_of: Make, series_of: Make, error: SourceError, monkeypatch: pytest.MonkeyPatch
) -> None:
    prom = prom_of(since=300)
    start = prom.now
    for turn in range(240):
        prom.server.scrape(start + turn * 15, (tokens(series_of), turn))
    prom.now = start + 2
    await prom.drain()
    whole = prom.source._api.raw

    async def raw(selector: str, begin: int, end: int) -> Any:
        if end - begin > 1_000_000:
            raise error
        return await whole(selector, begin, end)

    monkeypatch.setattr(prom.source._api, "raw", raw)
    prom.now = start + HOUR - 10
    with pytest.raises(type(error)):
        await prom.poll()
    for _ in range(5):
        await prom.drain()
        prom.now += 60
    assert prom.total() == 239


async def test_history_waits_while_live_goes_on(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(since=7200)
    for turn in range(479):
        prom.server.scrape(prom.now - 7185 + 15 * turn, (tokens(series_of), turn))
    refuse = True

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        if refuse and float(form.get("time", prom.now)) < prom.now:
            return httpx.Response(422, json={"status": "error", "errorType": "execution",
                                             "error": "too many samples"})  # fmt: skip
        return None

    prom.server.hook = hook
    await prom.poll()
    assert not prom.source.has_more
    prom.now += 1
    [batch] = await prom.poll()
    assert batch.note == "history waits: http://prom.test:9090: too many samples"
    assert batch.backfill_total == 7200
    prom.server.scrape(prom.now + 1, (tokens(series_of), 500))
    prom.now += 2
    await prom.poll()
    refuse = False
    prom.now += 20
    await prom.drain()
    assert prom.total() == 500
    assert prom.batches[-1].note == ""


# Warnings


async def test_a_partial_answer_counts_live_and_waits_in_history(
    prom_of: Make, series_of: Make
) -> None:
    prom = prom_of(since=7200)
    for turn in range(479):
        prom.server.scrape(prom.now - 7190 + 15 * turn, (tokens(series_of), turn))
    prom.server.warnings = ["No StoreAPIs matched for this query"]
    await prom.poll()
    live = prom.total()
    assert 0 < live < 30
    assert prom.batches[0].note == (
        "the server says that data may be missing: No StoreAPIs matched for this query"
    )
    prom.now += 1
    await prom.poll()
    assert prom.total() == live
    prom.server.warnings = []
    prom.now += 60
    await prom.drain()
    assert prom.total() == 478
    assert prom.batches[-1].note == ""


# Changes of the configuration


async def test_a_metric_that_is_asked_for_later_is_a_baseline(
    prom_of: Make, series_of: Make
) -> None:
    fields: dict[str, Any] = {
        "dimensions": {"model": "model"},
        "metrics": [{"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"}],
    }
    prom = prom_of(fields=fields)
    requests = series_of("gw_requests_total", model="a")
    fresh = series_of("gw_requests_total", model="b")
    prom.server.scrape(prom.now - 7000, (tokens(series_of), 5), (requests, 100))
    prom.server.scrape(prom.now - 5, (tokens(series_of), 9), (requests, 200))
    await prom.drain()
    more = [*fields["metrics"], {"name": "gw_requests_total", "quantity": "requests"}]
    prom.reopen(fields={**fields, "metrics": more})
    prom.now += 15
    prom.server.scrape(prom.now - 1, (tokens(series_of), 9), (requests, 201))
    await prom.drain()
    prom.now += 15
    prom.server.scrape(prom.now - 1, (tokens(series_of), 10), (requests, 205), (fresh, 3))
    await prom.drain()
    assert prom.total() == 5
    # The first answer reaches a little back, so the baseline is the scrape of 15 s ago.
    assert (prom.total("requests", model="a"), prom.total("requests", model="b")) == (5, 3)


async def test_a_wider_match_makes_what_it_adds_a_baseline(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(match='model="a"')
    a, b = tokens(series_of), tokens(series_of, "b")
    prom.server.scrape(prom.now - 7000, (a, 5), (b, 1_000_000))
    prom.server.scrape(prom.now - 5, (a, 9), (b, 1_000_000))
    await prom.drain()
    assert (prom.total(model="a"), prom.total(model="b")) == (4, 0)
    prom.reopen(match="")
    prom.now += 15
    prom.server.scrape(prom.now - 1, (a, 10), (b, 1_000_001))
    await prom.drain()
    prom.now += 15
    prom.server.scrape(prom.now - 1, (a, 11), (b, 1_000_003))
    await prom.drain()
    assert (prom.total(model="a"), prom.total(model="b")) == (6, 3)


# Double counting


async def test_traffic_that_another_source_counts_is_refused(
    prom_of: Make, series_of: Make
) -> None:
    page = Elsewhere("edge page", "edge", "127.0.0.1:8001")
    prom = prom_of(elsewhere=(page,))
    series = tokens(series_of, instance="localhost:8001")
    prom.server.scrape(prom.now - 5, (series, 9))
    with pytest.raises(
        SourceFormatError,
        match="instance localhost:8001 is already counted by source edge page: give one of them "
        "role: reconcile, or leave it out here with match:",
    ):
        await prom.poll()
    assert prom.stored == {}
    prom.reopen(role="reconcile")
    prom.server.scrape(prom.now - 1, (series, 12))
    await prom.drain()
    assert prom.total(gateway="edge") == 3


async def test_a_gateway_of_another_sources_name_is_refused(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(elsewhere=(Elsewhere("log", "a:1", ""),))
    prom.server.scrape(prom.now - 5, (tokens(series_of), 9))
    with pytest.raises(SourceFormatError, match="gateway a:1 is already counted by source log"):
        await prom.poll()


async def test_gateways_have_the_names_that_the_user_gave(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(gateway_labels=("cluster", "instance"), gateways=(("eu-*", "europe"),))
    places = [
        tokens(series_of, cluster="eu-1"),
        tokens(series_of, cluster="us-1"),
        tokens(series_of, instance="c:1"),
        series_of("gw_tokens_total", model="a", instance="", job="x"),
    ]
    prom.server.scrape(prom.now - 7000, *((s, 0) for s in places))
    prom.server.scrape(prom.now - 5, *((s, 5) for s in places))
    await prom.drain()
    assert {record.dims.gateway for record in prom.records} == {"europe", "us-1", "c:1", "prom"}


# Bounds


async def test_a_target_that_is_gone_for_good_is_forgotten(
    prom_of: Make, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    prom = prom_of(since=300)
    prom.server.scrape(prom.now - 5, (tokens(series_of, instance="gone:1"), 9))
    await prom.drain()
    assert any(part.startswith("T:") for part in prom.stored)
    prom.now += 46 * 86_400
    await prom.drain()
    prom.now += 60
    await prom.drain()
    assert [part for part in prom.stored if part[:2] in ("T:", "s:")] == []
    assert module.LIVE_MS == 3_600_000


async def test_closing_twice(prom_of: Make) -> None:
    prom = prom_of()
    await prom.poll()
    await prom.source.close()
    await prom.source.close()
