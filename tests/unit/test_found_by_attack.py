"""What an attacker found, each with the figures worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from costtui.config.schema import Config, PriceOverride, SourceConfig, StoreConfig
from costtui.model.charge import CostBasis, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.safetext import looks_secret
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer
from costtui.sources.jsonl.source import JsonlSource
from costtui.sources.metrics.counters import fell


@pytest.mark.parametrize(
    ("value", "before", "restarted"),
    [
        (100_000_000_001, 100_000_000_002, False),  # $100 less a nano-dollar: an order of floats
        (
            999_999_999_999_040,
            10**15,
            False,
        ),  # $1 million, of which VictoriaMetrics keeps 12 digits
        (99_999_000_000, 100_000_000_002, True),
        (0, 100_000_000_002, True),
        (104, 105, True),  # few tokens: nothing wobbles
        (105, 105, False),
    ],
)
def test_a_sum_that_wobbles_is_no_restart(value: int, before: int, restarted: bool) -> None:
    assert fell(value, before) is restarted


@pytest.mark.parametrize(
    "text",
    ["bearer:abcdef0123456789", "api-key:supersecretvalue1", "password=hunter2hunter2"],
)
def test_a_secret_behind_a_colon_or_an_equals_sign(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize("text", ["password-reset-bot", "secretary", "bearer", "api-key-service"])
def test_a_name_that_speaks_of_secrets_is_a_name(text: str) -> None:
    assert not looks_secret(text)


async def test_an_absurd_line_is_skipped_and_stops_nothing(tmp_path: Path) -> None:
    def line(used: int, cost: float) -> str:
        moment = "2026-11-22T09:00:00Z"
        fields = {"timestamp": moment, "provider": "p", "model": "m", "output_tokens": 1}
        return json.dumps({**fields, "input_tokens": used, "total_cost": cost}) + "\n"

    log = tmp_path / "log.jsonl"
    log.write_text(line(7, 0.5) + line(4 * 10**15, 0) + line(5, 9e9) + line(9, 0.25))
    source = JsonlSource(SourceConfig("s", "jsonl", "g", "llm-proxy", 1.0, paths=(str(log),)))
    source.restore({})
    batches = [batch async for batch in source.poll(1_795_352_000.0)]
    assert [r.input for b in batches for r in b.records] == [7, 9]
    assert sum(b.skipped_count for b in batches) == 2
    await source.close()


@pytest.mark.parametrize(
    ("request_id", "nano", "basis"),
    [(None, 0, CostBasis.REPORTED), ("", 2_000, CostBasis.COMPUTED)],
)
def test_a_cost_counter_at_rest_is_paid_and_a_request_of_zero_is_not(
    tmp_path: Path, request_id: str | None, nano: int, basis: CostBasis
) -> None:
    price = PriceOverride("p", "m", rates=(("input", Decimal(2)), ("output", Decimal(2))))
    pricer = Pricer(Config(StoreConfig(tmp_path / "c.db"), pricing=(price,), catalogue=False))
    record = UsageRecord(
        10**18, 10**18, Dimensions("p", "m"), input=1, reported_nano=0, request_id=request_id
    )
    charge = pricer.charge(record, CostPolicy.REPORTED)
    assert (charge.effective_nano, charge.basis) == (nano, basis)
