"""`/metrics`: what is on the page, in both formats, and that another costtui reads the same."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from costtui.config.alert_schema import BudgetConfig
from costtui.config.schema import Consumer, SourceConfig
from costtui.engine.listen import server
from costtui.model.alert import AlertStatus
from costtui.model.charge import CostBasis
from costtui.model.notifier import NotifierHealth
from costtui.model.usage import UsageRecord
from costtui.sources.base import Source
from costtui.sources.factory import build
from costtui.store.writer import Store
from tests.unit.engine.listening import NANO, NOW, ask, config_of, fill, listening, used

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
HOSTILE = 'a"b\\c\nd\x1b[31m\u202e{} 💸'
USAGE = (
    used("alice", 370_001, errors=1),
    used("alice", 8_000_000 * NANO + 1, cache_read=3, reasoning=2),
    used("bob", 250_000, basis=CostBasis.ESTIMATED, throttled=1),
    used("bob", 1, basis=CostBasis.COMPUTED, cache_write=5, cache_write_1h=6),
    used("nobody", 0, basis=CostBasis.UNPRICED, model="secret-model", gateway="edge"),
    used(HOSTILE, 77),
    used("", 12_345_678_901, service="infrastructure", requests=0, input=0, output=0),
    used("lossy", 5, lower_bounds=2),
)


def numbers(body: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("page") / "t.db"
    fill(path, *USAGE)

    async def more() -> None:
        async with await Store.open(path, now=NOW) as store:
            alerts = [
                AlertStatus("dear", (("consumer", "a"),), "firing", "warning", 1, 1, NOW, "24h"),
                AlertStatus("dear", (("consumer", "b"),), "firing", "warning", 1, 1, NOW, "24h"),
                AlertStatus("old", (), "resolved", "critical", 1, 1, NOW, "24h"),
            ]
            await store.put_alerts(alerts, NOW)
            await store.put_health((NotifierHealth("pager", "webhook", waiting=3, failures=2),))

    asyncio.run(more())
    budgets = (
        BudgetConfig("all", 10 * NANO, where=(("consumer", "bob"),)),
        BudgetConfig("each", NANO, by=("consumer", "tag:cost-center")),
    )
    people = (("x", Consumer(tags=(("cost-center", "1"),))),)
    with listening(config_of(path, budgets=budgets, consumers=people)) as port:
        return {
            "text": ask(port, "/metrics")[2],
            "openmetrics": ask(port, "/metrics", Accept=OPENMETRICS)[2],
            "browser": ask(port, "/metrics", Accept="text/html,*/*")[2],
        }


def test_usage_is_on_the_page_to_the_last_digit(pages: dict[str, bytes]) -> None:
    found = numbers(pages["text"])

    def of(name: str, consumer: str, **labels: str) -> Decimal:
        want = {"consumer": consumer, **labels}.items()
        rows = [v for (n, ls), v in found.items() if n == name and want <= dict(ls).items()]
        return sum((Decimal(repr(value)) for value in rows), Decimal(0))

    assert of("costtui_cost_usd_total", "alice", basis="reported") == Decimal("8000000.000370002")
    assert of("costtui_cost_usd_total", "bob", basis="estimated") == Decimal("0.00025")
    assert of("costtui_cost_usd_total", "bob", basis="computed") == Decimal("0.000000001")
    assert of("costtui_list_cost_usd_total", "alice") == Decimal("8000000.000370002")
    assert of("costtui_requests_total", "alice", outcome="error") == 1
    assert of("costtui_requests_total", "alice", outcome="ok") == 1
    assert of("costtui_requests_total", "bob", outcome="throttled") == 1
    assert of("costtui_tokens_total", "bob", type="cache_write_1h") == 6
    assert of("costtui_tokens_total", HOSTILE, type="input") == 100
    assert of("costtui_unpriced_tokens_total", "nobody") == 107
    assert not [key for key in found if key[0].startswith("costtui_cost") and "nobody" in str(key)]


def test_how_everything_is_doing_is_on_the_page(pages: dict[str, bytes]) -> None:
    found = numbers(pages["text"])
    assert found["costtui_source_up", (("source", "log"),)] == 1
    assert found["costtui_source_polls_total", (("source", "log"),)] == 4
    assert found["costtui_source_records_total", (("source", "log"),)] == len(USAGE)
    assert found["costtui_budget_limit_usd", (("budget", "each"),)] == 1
    labels = (("budget", "all"), ("consumer", ""), ("tag_cost_center", ""))
    assert found["costtui_budget_spent_usd", labels] == 0.000250001
    assert found["costtui_budget_left_ratio", labels] == (10 * NANO - 250_001) / (10 * NANO)
    assert found["costtui_notifier_waiting", (("notifier", "pager"),)] == 3
    firing = {ls: v for (name, ls), v in found.items() if name == "costtui_alerts_firing"}
    assert firing[("rule", "dear"), ("severity", "warning")] == 2
    assert firing[("rule", "budget all"), ("severity", "critical")] == 0
    assert "old" not in str(firing)
    assert found["costtui_process_resident_memory_bytes", ()] > 1e6
    assert found["costtui_usage_folded_combinations", ()] == 0
    # Who finds one takes a restart of the collector for one of the counters.
    assert b"\nprocess_start_time_seconds" not in pages["text"]


def test_both_formats_say_the_same_and_are_what_is_asked_for(pages: dict[str, bytes]) -> None:
    text = pages["openmetrics"].decode()
    assert text.endswith("# EOF\n")
    families = list(openmetrics_families(text))  # type: ignore[no-untyped-call]
    values = {
        (s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples
    }
    plain = {k: v for k, v in numbers(pages["text"]).items() if k[0].startswith("costtui_cost")}
    assert plain.items() <= values.items()
    created = {v for (name, _), v in values.items() if name == "costtui_cost_usd_created"}
    assert created == {NOW - 1000}
    assert b"_created" not in pages["text"]
    assert pages["browser"].split(b"\n")[0] == pages["text"].split(b"\n")[0]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(pages: dict[str, bytes]) -> None:
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=pages["text"], capture_output=True, timeout=60
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")


def test_beyond_the_limit_everything_is_counted_together(tmp_path: Path) -> None:
    fill(tmp_path / "t.db", *(used(f"c{n}", n) for n in range(20)))
    with listening(config_of(tmp_path / "t.db"), series=3 * 17) as port:
        found = numbers(ask(port, "/metrics")[2])
    own = {dict(ls)["consumer"] for (name, ls) in found if name == "costtui_cost_usd_total"}
    assert own == {"c1", "c2", "other"}
    cost = [v for (name, _), v in found.items() if name == "costtui_cost_usd_total"]
    assert round(sum(cost) * NANO) == sum(range(20))
    assert found["costtui_usage_folded_combinations", ()] == 17
    usage = ("cost_usd", "requests", "tokens", "list_cost", "lower_bounds", "unpriced")
    lines = [n for n, _ in found if n.startswith(tuple(f"costtui_{u}" for u in usage))]
    assert len(lines) <= 3 * 17 + 17


# The same page, read by another costtui


def source_of(port: int, **more: Any) -> Source:
    return build(
        SourceConfig(
            "far", "metrics", "far", preset="costtui", url=f"http://127.0.0.1:{port}/metrics",
            gateway_labels=("gateway",), **more,
        )
    )  # fmt: skip


async def read(source: Source, now: float) -> list[UsageRecord]:
    return [record async for batch in source.poll(now) for record in batch.records]


def test_the_preset_reads_what_was_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole where the store was made after the first attempt; then what is new, once."""
    monkeypatch.setattr(server, "PAGE_S", -1.0)  # a page is made for everybody who asks
    path = tmp_path / "t.db"
    fill(path, *USAGE)

    async def run(port: int) -> tuple[list[UsageRecord], list[UsageRecord]]:
        source = source_of(port)
        source.restore({"@target": f'[{NOW - 5000}, 0, 0, "http://127.0.0.1:{port}/metrics"]'})
        first = await read(source, NOW)
        first += await read(source, NOW + 15)  # what had no cost waits for one scrape
        await append(path, used("alice", 41), used("zoe", 5, basis=CostBasis.ESTIMATED))
        second = await read(source, NOW + 30)
        second += await read(source, NOW + 45)
        await source.close()
        return first, second

    with listening(config_of(path)) as port:
        first, second = asyncio.run(run(port))
    told: Counter[str] = Counter()
    for record, charge in USAGE:
        dims = record.dims
        who = "/".join((dims.model, dims.consumer, dims.gateway, dims.service))
        told[f"{who} cost"] += charge.effective_nano
        for field in ("requests", "errors", "throttled", "input", "cache_read", "cache_write",
                      "cache_write_1h", "output", "reasoning"):  # fmt: skip
            told[f"{who} {field}"] += getattr(record, field)
    assert +as_told(first) == +told
    by = {record.dims.consumer: record for record in first}
    assert by["bob"].estimated
    assert not by["alice"].estimated
    assert by["lossy"].lower_bounds == 2
    assert by["nobody"].reported_nano is None  # unpriced there, so it is not $0 here
    assert by[""].dims.service == "infrastructure"
    assert [(r.dims.consumer, r.reported_nano, r.estimated) for r in second] == [
        ("alice", 41, False),
        ("zoe", 5, True),
    ]


async def append(path: Path, *pairs: Any) -> None:
    async with await Store.open(path, now=NOW) as store:
        await store.append("log", [r for r, _ in pairs], [c for _, c in pairs], now=NOW)


def as_told(records: list[UsageRecord]) -> Counter[str]:
    found: Counter[str] = Counter()
    for record in records:
        dims = record.dims
        who = "/".join((dims.model, dims.consumer, dims.gateway, dims.service))
        found[f"{who} cost"] += record.reported_nano or 0
        for field in ("requests", "errors", "throttled", "input", "cache_read", "cache_write",
                      "cache_write_1h", "output", "reasoning"):  # fmt: skip
            found[f"{who} {field}"] += getattr(record, field)
    return found


def test_a_store_that_is_new_is_one_restart_and_a_restarted_collector_none(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    fill(path, used("alice", 100))

    async def run() -> None:
        with listening(config_of(path)) as port:
            source = source_of(port)
            source.restore({"@target": f'[{NOW - 5000}, 0, 0, "http://127.0.0.1:{port}/metrics"]'})
            assert [r.reported_nano for r in await read(source, NOW)] == [100]
        again = config_of(path)
        with listening(again, address=f"127.0.0.1:{port}"):
            assert await read(source, NOW + 15) == []
        path.unlink()
        await asyncio.to_thread(fill, path, used("alice", 300), now=NOW + 20_000)
        with listening(again, address=f"127.0.0.1:{port}"):
            assert [r.reported_nano for r in await read(source, NOW + 20_030)] == [300]
        await source.close()

    asyncio.run(run())
