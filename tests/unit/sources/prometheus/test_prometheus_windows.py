"""`mode: aggregate` and `queries:`: each window once, and every record an estimate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from costtui.config.schema import Config, Elsewhere, QueryConfig, StoreConfig
from costtui.errors import SourceError, SourceFormatError
from costtui.model.charge import CostBasis, CostPolicy
from costtui.pricing.calculate import Pricer
from costtui.sources.prometheus import windows

Make = Callable[..., Any]
MINUTES = 119
"""`since: 1h` begins at a full hour, and the last minute is not over for long enough."""


@pytest.fixture(autouse=True)
def _whole_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not change how much history one poll reads."""
    monkeypatch.setattr(windows, "TURN_S", 3600.0)


def query(quantity: str = "cost", per: str = "second", **more: Any) -> QueryConfig:
    return QueryConfig("sum(rate(x[5m]))", quantity, per, **more)


def constant(value: str, metric: dict[str, str] | None = None) -> Callable[..., httpx.Response]:
    """A server on which a query always has this value."""

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response:
        start, end, step = (float(form[key]) for key in ("start", "end", "step"))
        count = round((end - start) / step) + 1
        values = [[start + step * n, value] for n in range(count)]
        row = {"metric": metric or {}, "values": values}
        data = {"resultType": "matrix", "result": [row]}
        return httpx.Response(200, json={"status": "success", "data": data})

    return hook


def steady(prom: Any, series: Any, each: float, seconds: int, *, begin: float = 0.0) -> None:
    """A counter that grew by `each` at every scrape of the last `seconds`."""
    count = seconds // 15
    for n in range(count + 1):
        prom.server.scrape(begin + prom.now - seconds + 15 * n, (series, round(n * each, 6)))


# mode: aggregate


async def test_the_server_adds_up_and_every_record_is_an_estimate(
    prom_of: Make, series_of: Make, tmp_path: Path
) -> None:
    prom = prom_of(mode="aggregate", since=3600)
    steady(prom, series_of("gw_tokens_total", model="gpt-4o", team="t"), 5, 9000)
    await prom.drain()
    assert prom.total() == MINUTES * 20
    assert all(record.estimated for record in prom.records)
    assert {(r.dims.model, r.dims.consumer, r.dims.gateway) for r in prom.records} == {
        ("gpt-4o", "t", "a:1")
    }
    pricer = Pricer(Config(StoreConfig(tmp_path / "s.db")))
    charge = pricer.charge(
        prom.records[0]._replace(dims=prom.records[0].dims._replace(provider="openai")),
        CostPolicy.COMPUTED,
    )
    assert charge.basis is CostBasis.ESTIMATED
    assert charge.effective_nano


async def test_money_of_the_server_is_an_estimate_too(
    prom_of: Make, series_of: Make, tmp_path: Path
) -> None:
    fields = {"dimensions": {"model": "model"},
              "metrics": [{"name": "spend_total", "quantity": "cost"}]}  # fmt: skip
    prom = prom_of(mode="aggregate", since=3600, fields=fields)
    steady(prom, series_of("spend_total", model="m"), 0.001, 9000)
    await prom.drain()
    assert prom.total("reported_nano") == pytest.approx(MINUTES * 4_000_000, abs=5)
    pricer = Pricer(Config(StoreConfig(tmp_path / "s.db")))
    charge = pricer.charge(prom.records[0], CostPolicy.REPORTED)
    assert charge.basis is CostBasis.ESTIMATED


async def test_every_window_once_newest_first_whatever_happens(
    prom_of: Make, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MOST_WINDOWS", 7)
    monkeypatch.setattr(windows, "TURN_S", 0.0)
    prom = prom_of(mode="aggregate", since=26 * 3600)
    steady(prom, series_of("gw_tokens_total", model="m"), 1, 27 * 3600)
    begin = prom.now
    turn = 0

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        nonlocal turn
        turn += 1
        return httpx.Response(503, text="busy") if turn % 5 == 4 else None

    prom.server.hook = hook
    for number in range(400):
        prom.now = begin + 31 * number
        try:
            await prom.poll()
        except SourceError:
            continue
        if number % 3 == 0:
            prom.reopen()
    ends = windows._Ends(*map(int, prom.stored[windows.PART].strip("[]").split(",")))
    assert ends.low == ends.bottom
    seen = sorted((r.start_ns // 10**9, r.end_ns // 10**9) for r in prom.records if r.input)
    assert all(a[1] == b[0] for a, b in pairwise(seen))
    assert seen[0][0] == ends.bottom // 1000
    # The counter stops at `begin`; what is after that is windows without growth.
    assert seen[-1][1] <= begin + 360
    assert Counter(b - a for a, b in seen).keys() == {60, 600}
    live = [b.newest_ns for b in prom.batches if b.records and not b.history]
    assert live == sorted(live)


async def test_rests_of_rounding_do_not_drift(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(mode="aggregate", since=6 * 3600)
    third = 1 / 3
    prom.server.hook = constant(repr(third), {"model": "m", "instance": "a:1"})
    failing = False

    def hook(form: dict[str, str], request: httpx.Request) -> httpx.Response:
        nonlocal failing
        failing = not failing
        if "gw_requests" in form["query"] and failing:
            return httpx.Response(503, text="busy")
        return constant(repr(third), {"model": "m", "instance": "a:1"})(form, request)

    prom.server.hook = hook
    begin = prom.now
    polls = 0
    for number in range(600):
        prom.now = begin + 60 * number
        try:
            await prom.poll()
        except SourceError:
            continue
        polls += 1
    assert polls > 100
    ends = windows._Ends(*map(int, prom.stored[windows.PART].strip("[]").split(",")))
    assert ends.low == ends.bottom
    counted = (ends.high - ends.bottom) / 60_000
    assert abs(prom.total() - counted * third) <= 1
    assert abs(prom.total("requests") - counted * third) <= 1


ALTERNATIVES: dict[str, Any] = {
    "dimensions": {"model": "model"},
    "metrics": [
        {"name": ["new_total", "old_total"], "quantity": "tokens", "kind": "input"},
        {"name": "rough_total", "quantity": "tokens", "kind": "output", "unless": ["exact_total"]},
    ],
}


async def test_of_metrics_that_say_the_same_each_gateway_has_its_own(
    prom_of: Make, series_of: Make
) -> None:
    prom = prom_of(mode="aggregate", since=3600, fields=ALTERNATIVES)
    for name, instance, each in (
        ("new_total", "new:1", 1),
        ("old_total", "new:1", 1),
        ("old_total", "old:1", 2),
        ("rough_total", "new:1", 3),
        ("exact_total", "new:1", 3),
        ("rough_total", "old:1", 4),
    ):
        steady(prom, series_of(name, instance=instance, model="m"), each, 9000)
    await prom.drain()
    assert prom.total(gateway="new:1") == MINUTES * 4
    assert prom.total(gateway="old:1") == MINUTES * 8
    assert prom.total("output", gateway="new:1") == 0
    assert prom.total("output", gateway="old:1") == MINUTES * 16


async def test_parts_of_a_cost_and_their_sum_count_once(prom_of: Make, series_of: Make) -> None:
    fields = {"dimensions": {"model": "model"},
              "metrics": [{"name": "cost_total", "quantity": "cost", "part_label": "type",
                           "wholes": ["total"]}]}  # fmt: skip
    prom = prom_of(mode="aggregate", since=3600, fields=fields)
    for kind, model in (("input", "p"), ("output", "p"), ("total", "p"), ("total", "w")):
        steady(prom, series_of("cost_total", model=model, type=kind), 1, 9000)
    await prom.drain()
    assert prom.total("reported_nano", model="w") == MINUTES * 4 * 10**9
    assert prom.total("reported_nano", model="p") == MINUTES * 8 * 10**9


async def test_a_cost_of_zero_is_not_free_where_it_means_unknown(
    prom_of: Make, series_of: Make
) -> None:
    fields = {"zero_cost_is_unknown": True, "dimensions": {"model": "model"},
              "metrics": [{"name": "t_total", "quantity": "tokens", "kind": "input"},
                          {"name": "spend_total", "quantity": "cost"}]}  # fmt: skip
    prom = prom_of(mode="aggregate", since=3600, fields=fields)
    for model, spend in (("known", 0.5), ("odd", 0.0)):
        steady(prom, series_of("t_total", model=model), 5, 9000)
        steady(prom, series_of("spend_total", model=model), spend, 9000)
    await prom.drain()
    found = {model: {r.reported_nano for r in prom.records if r.dims.model == model}
             for model in ("known", "odd")}  # fmt: skip
    assert found["odd"] == {None}
    assert None not in found["known"]


async def test_a_cost_that_pays_for_all_prices_no_token(prom_of: Make, series_of: Make) -> None:
    fields = {"dimensions": {"model": "model", "endpoint": "route"},
              "metrics": [{"name": "t_total", "quantity": "tokens", "kind": "input"},
                          {"name": "c_total", "quantity": "cost",
                           "covers_page": True}]}  # fmt: skip
    prom = prom_of(mode="aggregate", since=3600, fields=fields)
    steady(prom, series_of("t_total", model="m"), 5, 9000)
    steady(prom, series_of("c_total", route="/x"), 1, 9000)
    steady(prom, series_of("t_total", model="m", instance="other:1"), 5, 9000)
    await prom.drain()
    money = {(r.dims.gateway, r.dims.model): r.reported_nano for r in prom.records}
    assert money["a:1", "m"] == 0
    assert money["other:1", "m"] is None


async def test_a_gauge_is_said_to_be_missing(prom_of: Make) -> None:
    prom = prom_of(mode="aggregate", preset="vllm", options={"gpu_cost_per_hour": 2.5})
    [first, *_] = await prom.poll()
    assert first.note == (
        "mode: aggregate does not read vllm:num_requests_running: its cost is missing"
    )
    assert not any("num_requests_running" in form["query"] for form in prom.server.asked)


async def test_the_queries_of_a_preset(prom_of: Make) -> None:
    prom = prom_of(
        mode="aggregate", fields=ALTERNATIVES, match='job="x"', gateway_labels=("cluster", "pod")
    )
    await prom.poll()
    asked = {form["query"] for form in prom.server.asked}
    selector = '{__name__="rough_total",job="x"}'
    assert (
        f"sum by (model, cluster, pod) (increase({selector}[300000ms])) * 0.2"
        ' unless on (cluster, pod) count by (cluster, pod) ({__name__="exact_total",job="x"})'
    ) in asked
    assert len(asked) == 3


async def test_old_history_in_longer_windows(prom_of: Make) -> None:
    prom = prom_of(mode="aggregate", since=20 * 86_400)
    prom.server.hook = constant("60", {"model": "m", "instance": "a:1"})
    await prom.drain()
    lengths = {(r.end_ns - r.start_ns) // 10**9 for r in prom.records}
    assert lengths == {60, 600, 3600}
    spans = sorted((r.start_ns, r.end_ns) for r in prom.records)
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert all(form["step"] in ("60", "600", "3600") for form in prom.server.asked)
    for form in prom.server.asked:
        count = (float(form["end"]) - float(form["start"])) / float(form["step"])
        assert count <= windows.MOST_WINDOWS


# queries:


@pytest.mark.parametrize(
    ("per", "rate", "usd"),
    [("second", "0.5", 30), ("minute", "30", 30), ("hour", "7200", 120), ("day", "14400", 10)],
)  # fmt: skip
async def test_a_rate_times_its_time(per: str, rate: str, usd: int, prom_of: Make) -> None:
    prom = prom_of(queries=(query("cost", per),), since=3600, gateway_labels=())
    prom.server.hook = constant(rate)
    await prom.drain()
    assert {(r.end_ns - r.start_ns) // 10**9 for r in prom.records} == {60}
    assert {r.reported_nano for r in prom.records} == {usd * 10**9}
    assert all(record.estimated for record in prom.records)
    assert {form["query"] for form in prom.server.asked} == {"sum(rate(x[5m]))"}


async def test_dimensions_values_and_infrastructure(prom_of: Make) -> None:
    secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    asked = query(
        "input",
        dimensions=(("model", "mdl"), ("consumer", "who"), ("gateway", "gw")),
        values=(("provider", "gpus"), ("service", "infrastructure")),
    )
    prom = prom_of(queries=(asked,), since=3600)
    metric = {"mdl": "a\x1b[31m", "who": secret, "gw": "g7"}
    prom.server.hook = constant("1.5", metric)
    await prom.drain()
    [dims] = {record.dims for record in prom.records}
    assert (dims.provider, dims.service, dims.gateway) == ("gpus", "infrastructure", "g7")
    assert dims.model == "a\x1b[31m"  # kept; who draws it spells it out
    assert dims.consumer
    assert secret not in dims.consumer
    assert {record.input for record in prom.records} == {90}


async def test_nan_is_a_gap_and_nonsense_is_shown(prom_of: Make) -> None:
    prom = prom_of(queries=(query("requests"),), since=3600)
    prom.server.hook = constant("NaN")
    await prom.drain()
    assert (prom.records, sum(b.skipped_count for b in prom.batches)) == ([], 0)
    for bad in ("-1", "+Inf", "1e300", "x\x1b[2J"):
        again = prom_of(queries=(query("requests"),), since=3600)
        again.server.hook = constant(bad, {"key": "sk-abcdefghijklmnopqrstuvwxyz0123456789"})
        await again.drain()
        assert again.records == []
        assert sum(batch.skipped_count for batch in again.batches) == MINUTES
        [line, *_] = [line for batch in again.batches for line in batch.skipped]
        assert "\x1b" not in line.reason + line.text
        assert "abcdefghijklmnop" not in line.text


# Failures


async def test_a_partial_answer_is_not_taken(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(mode="aggregate", since=3600)
    steady(prom, series_of("gw_tokens_total", model="m"), 5, 9000)
    prom.server.warnings = ["store down"]
    await prom.poll()
    assert prom.records == []
    prom.now += 60
    with pytest.raises(SourceFormatError, match="not whole: store down"):
        await prom.poll()
    prom.server.warnings = []
    prom.now += 15
    await prom.drain()
    assert prom.total() == (MINUTES + 1) * 20  # and the minute that was refused
    assert prom.batches[-1].note == ""


async def test_traffic_that_another_source_counts_is_refused(
    prom_of: Make, series_of: Make
) -> None:
    page = Elsewhere("edge page", "edge", "127.0.0.1:8001")
    prom = prom_of(mode="aggregate", since=3600, elsewhere=(page,))
    steady(prom, series_of("gw_tokens_total", instance="localhost:8001", model="m"), 5, 9000)
    await prom.poll()
    assert prom.records == []
    assert "gateway edge is already counted by source edge page" in prom.batches[-1].note or (
        await _says(prom, "gateway edge is already counted by source edge page")
    )
    prom.reopen(role="reconcile")
    prom.now += 60
    await prom.drain()
    assert prom.total(gateway="edge") > 0


async def _says(prom: Any, reason: str) -> bool:
    prom.now += 60
    with pytest.raises(SourceFormatError, match=reason):
        await prom.poll()
    return True


def test_a_checkpoint_that_is_not_ours_is_refused(prom_of: Make) -> None:
    prom = prom_of(mode="aggregate")
    for text in ("x", "[1]", "{}", '["a",1,2]', "[1,2,3,4]"):
        with pytest.raises(SourceFormatError, match="checkpoint cannot be read"):
            prom.source.restore({windows.PART: text})
    prom.source.restore({})


async def test_an_unstored_batch_is_asked_for_again(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(mode="aggregate", since=3600)
    steady(prom, series_of("gw_tokens_total", model="m"), 5, 9000)
    batches = prom.source.poll(prom.now)
    prom.store(await anext(batches))
    lost = await anext(batches)
    assert lost.records
    await batches.aclose()
    prom.source.restore(prom.stored)
    await prom.drain()
    assert prom.total() == MINUTES * 20
