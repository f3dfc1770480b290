"""Gauges whose value × price is money while they stand, with areas worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from costtui.errors import SourceUnreachableError
from costtui.model.dimension import INFRASTRUCTURE, Dimensions
from costtui.model.usage import UsageRecord
from costtui.sources.metrics.gauges import integrate, levels, longest_gap
from costtui.sources.metrics.mapping import COST, GAUGE, Placement, Series

if TYPE_CHECKING:
    from tests.unit.sources.metrics.conftest import Target

    MakeTarget = Callable[..., Target]

PRICES = {"cpu_cost_per_core": 0.36, "memory_cost_per_gb": "0.018"}
GB = 2**30


def gauge(rate: str, key: str = "g:1", *, presence: bool = False, model: str = "") -> Series:
    place = Placement(Dimensions(model=model), (COST,), 0, "x")
    return Series(key, "gauge", (place,), Decimal(rate), presence=presence)


def money(records: Iterable[UsageRecord]) -> int:
    return sum(record.reported_nano or 0 for record in records)


def app(cores: float | str = 2, memory: float | str = 0) -> str:
    return f"cost_cpu_usage_cores {cores}\ncost_memory_usage_bytes {memory}\n"


@pytest.mark.parametrize(
    ("rate", "before", "now", "seconds", "nano"),
    [
        ("0.04", "2", "2", 900, 20_000_000),  # 2 cores × $0.04 × ¼ h
        ("1", "0", "1", 3600, 500_000_000),  # a triangle
        ("1", "3", "1", 3600, 2_000_000_000),
        ("2.5", "1", "1", 0.5, 347_222),  # 2.5 / 7200 = 0.000347222…
        ("0.0000000036", "1", "1", 500, 0),  # half a nano goes to the even one
        ("0.0000000036", "1", "1", 1500, 2),  # … so does one and a half
        ("1", "1", "1", -15, 0),
        ("1", "1", "1", 0, 0),
        ("1", "1e3", "1E+3", 3600, 1000 * 10**9),
    ],
)
def test_the_area_below_a_gauge(
    rate: str, before: str, now: str, seconds: float, nano: int
) -> None:
    assert integrate(gauge(rate), before, now, seconds) == nano


def test_how_long_a_gap_is() -> None:
    assert (longest_gap(15), longest_gap(120), longest_gap(600)) == (300, 300, 1500)


def test_what_is_only_present_is_worth_one_together() -> None:
    here = gauge("1", "g:a", presence=True, model="m")
    again = gauge("1", "g:a", presence=True, model="m")
    other = gauge("1", "g:b", presence=True, model="n")
    plain = gauge("1", "g:c")
    assert {k: v.value for k, v in levels([(here, "7"), (again, "0")]).items()} == {"g:a": "1"}
    both = levels([(here, "7"), (plain, "7"), (other, "3")])
    assert {k: v.value for k, v in both.items()} == {"g:a": "0.5", "g:b": "0.5", "g:c": "7"}


async def test_processor_and_memory_become_infrastructure(target_of: MakeTarget) -> None:
    target = target_of("app-cost", options=PRICES)
    assert not (await target.poll(app(2, 4 * GB))).records  # first sight counts nothing
    (record,) = (await target.poll(app(4, 2 * GB), after=100)).records
    # 3 cores × $0.36 + 3 GB × $0.018 an hour, for 100 s of 3,600.
    assert record.reported_nano == 30_000_000 + 1_500_000
    assert record.dims == Dimensions(gateway="gw", service=INFRASTRUCTURE)
    assert record.estimated
    assert record.requests == 0
    assert (record.start_ns, record.end_ns) == (1_000_015 * 10**9, 1_000_115 * 10**9)


async def test_a_page_that_stays_the_same_costs_money_all_the_same(target_of: MakeTarget) -> None:
    target = target_of("app-cost", options=PRICES)
    await target.poll(app(1))
    for _ in range(3):
        batch = await target.poll()
        assert money(batch.records) == 1_500_000
        assert list(batch.checkpoint) == ["@target"]  # the level is stored when it changes only


async def test_a_restart_neither_loses_nor_doubles(target_of: MakeTarget) -> None:
    target = target_of("app-cost", options=PRICES)
    await target.poll(app(1))
    lost = await target.poll(app(3), append=False)
    assert money(lost.records) == 3_000_000
    target.reopen()  # killed before the batch was stored
    first = await target.poll(app(3))
    # As if the scrape that was never stored had not been: 30 s from 1 to 3 cores.
    assert money(first.records) == 6_000_000
    target.reopen()
    assert money((await target.poll(app(3))).records) == 4_500_000
    target.source.restore(target.stored)  # what the pipeline does after a failed append
    assert money((await target.poll()).records) == 4_500_000


async def test_a_short_failure_is_bridged_and_a_long_one_is_a_gap(target_of: MakeTarget) -> None:
    target = target_of("app-cost", options=PRICES)
    await target.poll(app(1))
    target.status = 503
    with pytest.raises(SourceUnreachableError):
        await target.poll()
    target.status = 200
    (record,) = (await target.poll(app(1), after=285)).records
    assert (record.reported_nano, record.lower_bounds) == (30_000_000, 0)  # 300 s
    (record,) = (await target.poll(app(1), after=300.5)).records
    assert (record.reported_nano, record.lower_bounds) == (0, 1)
    assert record.end_ns - record.start_ns == 300_500_000_000
    (record,) = (await target.poll(app(1))).records
    assert (record.reported_nano, record.lower_bounds) == (1_500_000, 0)


async def test_costtui_was_away_for_a_day(target_of: MakeTarget) -> None:
    target = target_of("app-cost", options=PRICES)
    await target.poll(app(8))
    target.reopen()
    (record,) = (await target.poll(app(8), after=86_400)).records
    assert (record.reported_nano, record.lower_bounds) == (0, 1)


async def test_a_gauge_that_was_away_begins_again(target_of: MakeTarget) -> None:
    target = target_of("app-cost", options={"cpu_cost_per_core": 0.36})
    await target.poll(app(1))
    assert not (await target.poll("other 1\n")).records
    assert not [part for part in target.stored if part.startswith(GAUGE)]
    assert not (await target.poll(app(1))).records
    assert money((await target.poll(app(1))).records) == 1_500_000


@pytest.mark.parametrize("value", ["NaN", "-1", "+Inf", "1e60", "99999999999"])
async def test_a_level_that_cannot_be_true_is_no_level(target_of: MakeTarget, value: str) -> None:
    target = target_of("app-cost", options={"cpu_cost_per_core": 0.36})
    await target.poll(app(1))
    batch = await target.poll(app(value))
    assert not batch.records
    assert batch.skipped_count == (value != "NaN")
    assert not (await target.poll(app(1))).records
    assert money((await target.poll(app(1))).records) == 1_500_000


async def test_without_a_price_nothing_is_read(target_of: MakeTarget) -> None:
    target = target_of("app-cost", options={"memory_cost_per_gb": 1})
    await target.poll(app(4, 1))
    assert money((await target.poll(app(9, GB), after=100)).records) == 13_888_889
    assert len([part for part in target.stored if part.startswith(GAUGE)]) == 1


def vllm(tokens: int, *models: str, engines: int = 1) -> str:
    lines = []
    for model in models or ("llama",):
        for engine in range(engines):
            label = f'{{engine="{engine}",model_name="{model}"}}'
            lines.append(f"vllm:num_requests_running{label} {engine}")
            lines.append(f"vllm:num_requests_waiting{label} 0")
        lines.append(f'vllm:prompt_tokens_total{{model_name="{model}"}} {tokens}')
    return "\n".join([*lines, ""])


async def test_gpu_hours_are_the_cost_of_a_model(target_of: MakeTarget) -> None:
    target = target_of("vllm", options={"gpu_cost_per_hour": 2.50, "gpus": 4})
    assert not (await target.poll(vllm(0, engines=2))).records
    (record,) = (await target.poll(vllm(700, engines=2), after=36)).records
    assert record.reported_nano == 100_000_000  # 4 × $2.50 × 0.01 h, however many engines
    assert (record.input, record.estimated, record.dims.model) == (700, True, "llama")
    assert record.dims.service == "llm"
    # An idle server costs as much, and the page is the same.
    (record,) = (await target.poll(after=36)).records
    assert (record.reported_nano, record.input) == (100_000_000, 0)


async def test_two_models_share_the_gpus(target_of: MakeTarget) -> None:
    target = target_of("vllm", options={"gpu_cost_per_hour": 10})
    await target.poll(vllm(0, "a", "b"))
    batch = await target.poll(vllm(0, "a", "b"), after=36)
    assert {r.dims.model: r.reported_nano for r in batch.records} == {
        "a": 50_000_000,
        "b": 50_000_000,
    }


async def test_engines_do_not_weigh(target_of: MakeTarget) -> None:
    target = target_of("vllm", options={"gpu_cost_per_hour": 10})
    page = vllm(0, "a", engines=3) + vllm(0, "b")
    await target.poll(page)
    batch = await target.poll(after=36)
    assert sorted(r.reported_nano or 0 for r in batch.records) == [50_000_000, 50_000_000]
    assert len([part for part in target.stored if part.startswith(GAUGE)]) == 2


async def test_after_a_gap_tokens_are_not_unpriced(target_of: MakeTarget) -> None:
    target = target_of("vllm", options={"gpu_cost_per_hour": 10})
    await target.poll(vllm(0))
    (record,) = (await target.poll(vllm(5), after=4000)).records
    assert (record.input, record.reported_nano, record.lower_bounds) == (5, 0, 1)


async def test_without_the_option_tokens_are_left_to_pricing(target_of: MakeTarget) -> None:
    target = target_of("vllm")
    await target.poll(vllm(0))
    (record,) = (await target.poll(vllm(700))).records
    assert (record.input, record.reported_nano, record.estimated) == (700, None, False)
