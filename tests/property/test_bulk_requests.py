"""Requests in bulk come out exactly as the same requests one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.model.charge import Charge, CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.requests import Request, Requests
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer
from costtui.store.levels import Floors
from costtui.store.prepare import prepare
from costtui.store.series import Interner

DAY = 86_400
START = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
PRICER = Pricer(
    Config(
        sources=(),
        store=StoreConfig(path=Path("unused.db")),
        pricing=(
            PriceOverride(
                model="odd-rate", rates=(("input", Decimal("0.1234567")), ("output", Decimal(0)))
            ),
            PriceOverride(model="only-input", rates=(("input", Decimal(2)),)),
            PriceOverride(model="by-request", per_request=Decimal("0.001")),
        ),
    )
)
MODELS = (
    ("openai", "gpt-4o-mini"),
    ("gemini", "gemini-2.5-pro"),  # dearer above 200,000 input tokens
    ("anthropic", "claude-sonnet-4-5"),
    ("deepseek", "deepseek-chat"),  # by the hour
    ("openai", "text-embedding-3-small"),
    ("x", "odd-rate"),
    ("x", "by-request"),
    ("x", "only-input"),
    ("x", "nobody-knows-it"),
)
SIZES = st.one_of(
    st.sampled_from([0, 1, 3, 199_999, 200_000, 200_001]), st.integers(0, 2**53), st.integers(0, 99)
)


@st.composite
def rows(draw: st.DrawFn) -> list[Request]:
    count = draw(st.integers(0, 12))
    return [
        (
            draw(st.integers(START * 10**9, (START + 4 * DAY) * 10**9)),
            Dimensions(*draw(st.sampled_from(MODELS)), draw(st.sampled_from(["ann", "bob"]))),
            draw(SIZES),
            draw(SIZES),
            draw(st.none() | st.sampled_from([0, 1, 370_000])),
            draw(st.booleans()),
            str(number),
            draw(st.sampled_from(["a.jsonl", "b.jsonl"])),
            number * 400,
            draw(st.sampled_from(["", '{"a":1}'])),
        )
        for number in range(count)
    ]


def one_by_one(found: list[Request]) -> list[UsageRecord]:
    """By name, so that a mixed-up column is seen."""
    return [
        UsageRecord(
            start_ns=ns,
            end_ns=ns,
            dims=dims,
            input=used,
            output=made,
            reported_nano=reported,
            estimated=estimated,
            request_id=request_id,
            part=part,
            offset=offset,
            attrs=attrs,
        )
        for ns, dims, used, made, reported, estimated, request_id, part, offset, attrs in found
    ]


@given(rows())
def test_they_read_as_records(found: list[Request]) -> None:
    bulk = Requests(found)
    assert list(bulk) == one_by_one(found)
    assert len(bulk) == len(found)
    assert all(type(record) is UsageRecord for record in bulk)
    assert list(bulk[1:3]) == one_by_one(found)[1:3]
    assert [bulk[at] for at in range(len(bulk))] == one_by_one(found)


@settings(max_examples=300)
@given(rows(), st.sampled_from(CostPolicy))
def test_they_cost_the_same(found: list[Request], policy: CostPolicy) -> None:
    expected = [PRICER.charge(record, policy) for record in one_by_one(found)]
    assert [Charge(*priced) for priced in PRICER.charge_all(Requests(found), policy)] == expected
    assert PRICER.charge_all(one_by_one(found), policy) == expected


FLOORS = st.sampled_from(
    [
        Floors(),
        Floors(START + 3 * DAY, START + 2 * DAY, START + DAY, START),
        Floors(START + 9 * DAY, START + 9 * DAY, START + 2 * DAY, START + DAY),
    ]
)


@settings(max_examples=200)
@given(rows(), st.sampled_from(CostPolicy), FLOORS)
def test_they_are_stored_the_same(found: list[Request], policy: CostPolicy, floors: Floors) -> None:
    records = one_by_one(found)
    charges = [PRICER.charge(record, policy) for record in records]
    recent = {found[0][0] // 10**6: 77} if found else {}
    single, bulk = Interner([]), Interner([])
    parts: tuple[dict[str, int], dict[str, int]] = ({}, {})
    a = prepare(records, charges, single.of(1), floors, parts[0], recent)
    b = prepare(Requests(found), charges, bulk.of(1), floors, parts[1], recent)
    assert (a.levels, a.low, a.high, a.sequences) == (b.levels, b.low, b.high, b.sequences)
    assert single.added == bulk.added
    assert parts[0] == parts[1]
    kept = (0, 1, 2, 6, 10, 12, 13, 14, 18, 19, 20, 21)
    assert [tuple(row[at] for at in kept) for row in a.requests] == b.requests
    defaults = {3: 1, 16: 0, 17: -1}
    for row in a.requests:
        rest = {at: value for at, value in enumerate(row) if at not in kept}
        assert rest == {at: defaults.get(at, 0) for at in rest}
