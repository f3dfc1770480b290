"""The proxy's log: its lines decode, its files add up to the truth, however they were rotated."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.demo.fleet import Fleet
from costtui.demo.people import CONSUMERS, MYSTERY, PROXY_ROUTES, RATES, Route, shown_consumer
from costtui.demo.proxylines import Stamp, civil, dollars
from costtui.demo.truth import Amounts, Cell, Truth

START = 1_795_340_000
ROUTES: dict[tuple[str, str], Route] = {(r.provider, r.model): r for r in PROXY_ROUTES}
ALWAYS = [
    *("timestamp", "provider", "model", "endpoint", "is_streaming"),
    *("input_tokens", "output_tokens", "total_tokens"),
    *("input_cost", "output_cost", "total_cost", "is_estimate"),
]
ORDER = [
    *("timestamp", "request_id", "user_id", "key_id", "ip_address", "provider", "model"),
    *("endpoint", "is_streaming", "input_tokens", "output_tokens", "total_tokens"),
    *("input_cost", "output_cost", "total_cost", "is_estimate", "finish_reason"),
    "matched_model",
]


def _rows(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert not raw or raw.endswith(b"\n")
        for line in raw.splitlines():
            yield json.loads(line, parse_float=Decimal)


def _up(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.0001"), ROUND_CEILING)


def _adds_up_to(rows: Iterable[dict[str, Any]]) -> Truth:
    """The truth as a careful reader of the log finds it, in Decimal."""
    truth = Truth()
    for row in rows:
        amounts = Amounts(requests=1, input=row["input_tokens"], output=row["output_tokens"])
        route = ROUTES[row["provider"], row["model"]]
        reported = Decimal(row["total_cost"])
        if reported:
            amounts.effective_nano = int(reported * 10**9)
        elif route.rates is not None:
            amounts.effective_nano = (
                amounts.input * route.rates.input + amounts.output * route.rates.output
            )
        else:
            amounts.unpriced_requests = 1
            amounts.unpriced_tokens = amounts.input + amounts.output
        if row["is_estimate"]:
            amounts.estimated_requests, amounts.estimated_nano = 1, amounts.effective_nano
        consumer = shown_consumer(row["user_id"])
        truth.cell(Cell(row["provider"], row["model"], consumer, "llm-proxy")).add(amounts)
    return truth


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = Fleet(tmp_path_factory.mktemp("log"), start=START, rate=100)
    fleet.advance(START + 300)
    fleet.close()
    return fleet


def test_the_log_adds_up_to_the_truth(fleet: Fleet) -> None:
    read = _adds_up_to(_rows([fleet.proxy.path]))
    assert read.to_dict() == fleet.proxy.truth().to_dict()
    assert read.total.requests > 1000


def test_lines_have_the_proxys_fields_in_its_order(fleet: Fleet) -> None:
    omitted = set()
    for row in _rows([fleet.proxy.path]):
        keys = list(row)
        assert [k for k in ORDER if k in row] == keys
        assert set(ALWAYS) <= set(keys)
        omitted |= set(ORDER) - set(keys)
        assert all(row[key] != "" for key in keys), "Go omits empty fields"
    assert omitted == {"request_id", "key_id", "finish_reason", "matched_model"}


def test_costs_are_rounded_up_each_for_itself(fleet: Fleet) -> None:
    over = 0
    for row in _rows([fleet.proxy.path]):
        route = ROUTES[row["provider"], row["model"]]
        if route.rates is None or not route.known:
            assert row["input_cost"] == row["output_cost"] == row["total_cost"] == 0
            assert "matched_model" not in row
            continue
        used = Decimal(row["input_tokens"] * route.rates.input) / 10**9
        out = Decimal(row["output_tokens"] * route.rates.output) / 10**9
        assert row["input_cost"] == _up(used)
        assert row["output_cost"] == _up(out)
        assert row["total_cost"] == _up(used + out)
        over += row["input_cost"] + row["output_cost"] > row["total_cost"]
        assert row["is_estimate"] == (row["matched_model"] != row["model"])
    assert over


def test_times_are_rfc3339_with_an_offset_and_not_in_order(fleet: Fleet) -> None:
    moments = []
    digits = set()
    for row in _rows([fleet.proxy.path]):
        found = re.fullmatch(
            r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{0,8}[1-9]))?\+01:00", row["timestamp"]
        )
        assert found, row["timestamp"]
        digits.add(len(found[2] or ""))
        second = datetime.fromisoformat(found[1] + "+01:00").timestamp()
        moments.append(second + float("0." + (found[2] or "0")))
    assert min(moments) >= START
    assert max(moments) < START + 300
    assert any(b < a for a, b in pairwise(moments))
    assert {7, 8, 9} <= digits


def test_every_consumer_and_model_is_in_the_log_and_the_mystery_has_no_price(fleet: Fleet) -> None:
    truth = fleet.proxy.truth()
    assert set(truth.by("consumer")) == {shown_consumer(c.id) for c in CONSUMERS}
    assert set(truth.by("model")) == {r.model for r in PROXY_ROUTES}
    mystery = truth.by("model")[MYSTERY]
    assert mystery.effective_nano == 0
    assert mystery.unpriced_requests == mystery.requests > 0
    raw = fleet.proxy.path.read_text(encoding="utf-8")
    assert '"user_id":"r\\u0026d"' in raw
    assert "…" in raw


@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_a_rotation_loses_no_line(tmp_path: Path, how: str) -> None:
    fleet = Fleet(tmp_path, start=START, rate=100)
    live = fleet.proxy.path
    for step in range(1, 5):
        fleet.advance(START + 20 * step)
        rotated = fleet.rotate(how)
        assert rotated is not None
        assert re.fullmatch(r"cost-tracking\.jsonl-\d{10}", rotated.name)
        kept = rotated.stat().st_size
        assert live.exists() == (how == "copytruncate")
        assert how == "rename" or live.stat().st_size == 0
        fleet.advance(fleet.now + 2)
        # A process that keeps its handle goes on filling the renamed file.
        assert (rotated.stat().st_size > kept) == (how == "rename")
    fleet.advance(START + 120)
    fleet.close()
    files = sorted(live.parent.iterdir())
    assert len(files) == 5
    assert _adds_up_to(_rows(files)).to_dict() == fleet.proxy.truth().to_dict()


def test_there_is_nothing_to_rotate_twice(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, start=START, rate=100)
    assert fleet.rotate() is None
    fleet.advance(START + 5)
    assert fleet.rotate() is not None
    assert fleet.rotate() is None
    fleet.advance(START + 15)
    with pytest.raises(ValueError, match="not a way to rotate"):
        fleet.rotate("burn")
    fleet.close()


def test_the_backlog_is_rotated_files_that_add_up(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, start=START, days=9)
    lines = fleet.proxy.write_backlog(fleet.history_start, fleet.start)
    fleet.advance(START + 600)
    fleet.close()
    files = sorted(fleet.proxy.path.parent.iterdir())
    assert [p.name.rpartition("-")[2] for p in files if p.suffix == ".gz"] == [
        f"{START - 2 * 86_400}.gz",
        f"{START - 86_400}.gz",
    ]
    truth = fleet.proxy.history_truth()
    assert truth.total.requests == lines
    truth.add(fleet.proxy.truth())
    assert _adds_up_to(_rows(files)).to_dict() == truth.to_dict()
    first = next(_rows(files[1:]))
    moment = datetime.fromisoformat(re.sub(r"\.\d+", "", first["timestamp"])).timestamp()
    assert START - 9 * 86_400 <= moment < START - 9 * 86_400 + 3600


def test_dates_are_those_of_the_calendar() -> None:
    day = datetime(1970, 1, 1, tzinfo=UTC)
    for count in range(0, 60_000, 13):
        moment = day + timedelta(days=count)
        assert civil(count) == (moment.year, moment.month, moment.day)


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2026-03-29T00:59:59+00:00", '{"timestamp":"2026-03-29T01:59:59+01:00",'),
        ("2026-03-29T01:00:00+00:00", '{"timestamp":"2026-03-29T03:00:00+02:00",'),
        ("2026-10-25T00:59:59+00:00", '{"timestamp":"2026-10-25T02:59:59+02:00",'),
        ("2026-10-25T01:00:00+00:00", '{"timestamp":"2026-10-25T02:00:00+01:00",'),
        ("2026-10-24T23:30:00+00:00", '{"timestamp":"2026-10-25T01:30:00+02:00",'),
        ("2026-03-26T12:00:00+00:00", '{"timestamp":"2026-03-26T13:00:00+01:00",'),
        ("2026-10-31T12:00:00+00:00", '{"timestamp":"2026-10-31T13:00:00+01:00",'),
        ("2026-12-31T23:30:00+00:00", '{"timestamp":"2027-01-01T00:30:00+01:00",'),
    ],
)
def test_the_server_keeps_european_time(utc: str, local: str) -> None:
    stamp = Stamp()
    assert "".join(stamp.prefix(int(datetime.fromisoformat(utc).timestamp()))) == local


def test_dollars_are_printed_as_go_prints_them() -> None:
    assert [dollars(n) for n in (0, 1, 10, 5000, 10_000, 123_456)] == [
        *("0", "0.0001", "0.001", "0.5", "1", "12.3456")
    ]


def test_rates_are_whole_nanos_and_those_of_the_catalogue() -> None:
    import genai_prices

    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)  # some prices depend on the hour
    for (provider, model), rates in RATES.items():
        catalogue = {"gemini": "google"}.get(provider, provider)
        usages = {
            rates.input: genai_prices.Usage(input_tokens=1000),
            rates.output: genai_prices.Usage(output_tokens=1000),
            rates.cache_read: genai_prices.Usage(input_tokens=1000, cache_read_tokens=1000),
            rates.cache_write: genai_prices.Usage(input_tokens=1000, cache_write_tokens=1000),
        }
        for rate, usage in usages.items():
            if rate:
                price = genai_prices.calc_price(
                    usage, model, provider_id=catalogue, genai_request_timestamp=noon
                )
                assert price.total_price * 10**9 == rate * 1000, (model, usage)


def test_nobody_prices_the_mystery() -> None:
    import genai_prices

    with pytest.raises(LookupError):
        genai_prices.calc_price(genai_prices.Usage(input_tokens=1), MYSTERY, provider_id="openai")


def _generator() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "gen_llm_proxy_log.py"
    spec = importlib.util.spec_from_file_location("gen_llm_proxy_log", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("tile", [False, True])
def test_the_generator_writes_what_it_says(tmp_path: Path, tile: bool) -> None:
    path = tmp_path / "log.jsonl"
    made = _generator().generate(path, records=25_123, days=3, end=START, seed=5, tile=tile)
    rows = list(_rows([path]))
    assert len(rows) == made.records == 25_123
    assert made.bytes == path.stat().st_size
    assert _adds_up_to(rows).to_dict() == made.truth.to_dict()
    stamps = [
        datetime.fromisoformat(re.sub(r"\.\d+", "", row["timestamp"])).timestamp() for row in rows
    ]
    assert START - 3 * 86_400 <= min(stamps) < START - 3 * 86_400 + 600
    assert START - 600 < max(stamps) < START
    assert len({(row["timestamp"]) for row in rows}) > 25_000


def test_the_generator_meets_a_size(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    made = _generator().generate(path, size=3_000_000, days=1, end=START)
    assert abs(path.stat().st_size - 3_000_000) < 30_000
    assert made.bytes == path.stat().st_size
    with pytest.raises(ValueError, match="records or size"):
        _generator().generate(path, days=1)
