"""Mappings and the presets made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError
from costtui.model.usage import UsageRecord
from costtui.sources.jsonl.decoders import build_decoder, preset_fields, preset_names
from costtui.sources.jsonl.fields import KEYS, parse_fields
from costtui.sources.jsonl.values import Decoded

FIXTURES = Path(__file__).parents[3] / "fixtures" / "jsonl"


def read(fields: dict[str, Any], *entries: Any, preset: str = "") -> Decoded:
    decoder = build_decoder(SourceConfig("s", "jsonl", "gw", preset, fields=fields))
    data = b"".join(json.dumps(e).encode() + b"\n" for e in entries)
    return decoder.decode(data, 0, "a", 0)


def one(fields: dict[str, Any], entry: Any) -> UsageRecord:
    found = read({"timestamp": {"path": "t", "unit": "s"}, **fields}, {"t": 1_795_000_000, **entry})
    assert found.skipped == []
    (record,) = found.records
    return record


def fixture(preset: str, name: str) -> dict[str, UsageRecord]:
    decoder = build_decoder(SourceConfig("s", "jsonl", "gw", preset))
    found = decoder.decode((FIXTURES / name).read_bytes(), 0, "a", 0)
    assert found.skipped_count == 0
    return {str(r.request_id): r for r in found.records}


def test_kong() -> None:
    """Truth: worked out by hand from the fixture."""
    records = fixture("kong-log", "kong-log.jsonl")
    assert set(records) == {"k39", "k38", "k37", "k36", "kee", "k429", "k502", "khit"}
    first = records["k39"]
    assert first.end_ns == 1795327876_973000000
    assert first.dims[:5] == ("openai", "gpt-4o-2024-08-06", "team-a", "gw", "chat")
    assert (first.input, first.output, first.reported_nano) == (107, 43, 697_500)
    assert (first.status, first.latency_ms) == (200, 812)
    assert (records["k38"].input, records["k38"].output) == (11, 22)
    assert records["k38"].reported_nano == 0
    assert records["k38"].offset == records["k37"].offset > 0
    assert (records["k37"].input, records["k37"].output) == (5, 6)
    assert records["k37"].reported_nano is None
    assert (records["k36"].dims.model, records["k36"].input) == ("gpt-4", 8)
    assert records["kee"][6:12] == (600, 400, 0, 0, 50, 450)
    assert (records["k429"].throttled, records["k429"].errors) == (1, 0)
    assert records["k429"].dims.consumer == "c-2"
    assert (records["k502"].throttled, records["k502"].errors) == (0, 1)
    assert records["k502"].dims.provider == ""
    hit = records["khit"]
    assert (hit.requests, hit.input, hit.output, hit.reported_nano) == (1, 0, 0, 0)


def test_litellm() -> None:
    """Truth: the captured values, read by eye."""
    records = {k[:8]: r for k, r in fixture("litellm-log", "litellm-1.106.2.jsonl").items()}
    assert len(records) == 10
    first = records["6e24db77"]
    assert first.end_ns == 1795327877_654609000
    assert first.dims[:5] == ("openai", "gpt-4o", "checkout-svc", "gw", "/v1/chat/completions")
    assert first[6:12] == (1117, 1117, 0, 0, 101, 0)
    assert (first.reported_nano, first.latency_ms) == (5_198_750, 681)
    assert records["76da7cac"].dims[:2] == ("anthropic", "claude-sonnet-4-5")
    assert records["76da7cac"].reported_nano == 330_000
    assert records["ec8a4c0f"].reported_nano == 0
    assert (records["059af300"].errors, records["059af300"].status) == (1, 400)
    assert (records["067854f6"].throttled, records["067854f6"].errors) == (1, 0)
    assert (records["ea343c59"].errors, records["ea343c59"].status) == (1, 0)
    # A key without a name is known by its hash.
    assert records["ea343c59"].dims.consumer.startswith("2ab06cfadcdc")
    assert json.loads(first.attrs)["team"] == "payments"


def test_every_preset_is_valid() -> None:
    assert preset_names() == ("kong-log", "litellm-log", "llm-proxy")
    for preset in preset_names():
        parse_fields(preset_fields(preset), preset)


@pytest.mark.parametrize(
    ("switches", "leaves"),
    [
        ((False, False, False), (100, 30, 20, 5, 50, 10)),
        ((True, False, False), (45, 30, 20, 5, 50, 10)),
        ((True, True, False), (45, 30, 20, 5, 40, 10)),
        ((True, True, True), (50, 30, 15, 5, 40, 10)),
    ],
)
def test_counts_become_disjoint(switches: tuple[bool, bool, bool], leaves: tuple[int, ...]) -> None:
    names = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
    keys = ("input_includes_cache", "output_includes_reasoning", "cache_write_includes_1h")
    fields = {n: n for n in names} | dict(zip(keys, switches, strict=True))
    entry = dict(zip(names, (100, 30, 20, 5, 50, 10), strict=True))
    assert one(fields, entry)[6:12] == leaves


def test_a_part_larger_than_its_whole_never_makes_it_negative() -> None:
    fields = {"input": "i", "cache_read": "c", "input_includes_cache": True}
    assert one(fields, {"i": 5, "c": 9})[6:8] == (0, 9)


def test_paths_constants_lists_and_scales() -> None:
    fields = {
        "provider": {"value": "openai"},
        "model": ["a.none", "a.list.1.name", "b"],
        "consumer": r"odd\.key.x",
        "endpoint": "a.*.route",
        "request_id": "id",
        "input": "a.*.tokens",
        "output": {"path": "kilo", "scale": 1000},
        "cost": {"path": "cents", "scale": 0.01},
        "latency_ms": {"path": "seconds", "scale": 1000},
        "status": "code",
        "estimated": "guess",
        "attrs": {"zone": "zone", "cached": "cached"},
    }
    entry = {
        "a": {
            "list": [{"name": "no"}, {"name": "yes"}],
            "x": {"tokens": 3, "route": "unknown"},
            "y": {"tokens": "4", "route": "r"},
        },
        "odd.key": {"x": "team"},
        "kilo": 1.5,
        "cents": 0.07,
        "seconds": 0.25,
        "code": "200",
        "guess": True,
        "id": 12,
        "zone": "eu",
        "cached": False,
    }
    record = one(fields, entry)
    assert record.dims[:5] == ("openai", "yes", "team", "gw", "r")
    assert (record.input, record.output, record.reported_nano) == (7, 1500, 700_000)
    assert (record.latency_ms, record.status, record.estimated) == (250, 200, True)
    assert record.request_id == "12"
    assert json.loads(record.attrs) == {"zone": "eu", "cached": False}


def test_total_stands_in_for_a_missing_output() -> None:
    fields = {"input": "i", "output": "o", "total": "t2"}
    assert one(fields, {"i": 5, "t2": 12}).output == 7
    assert one(fields, {"i": 5, "o": 1, "t2": 12}).output == 1


def test_only_what_is_asked_for() -> None:
    fields = {"timestamp": "t", "only_if": [{"path": "kind", "equals": ["llm", 7]}, "force"]}
    t = {"t": "2026-11-22T11:00:38Z"}
    found = read(
        fields, {**t, "kind": "llm"}, {**t, "kind": "web"}, {"kind": "web"}, {**t, "kind": 7}
    )
    assert (len(found.records), found.skipped_count) == (2, 0)
    assert len(read(fields, {**t, "force": True}, {**t, "force": False}).records) == 1


def test_what_is_displayed_only_never_costs_a_line() -> None:
    fields = {"status": "s", "latency_ms": "l"}
    wrong: tuple[object, ...] = (None, "", "x", [], {}, -1, 1e300, True)
    for bad in wrong:
        record = one(fields, {"s": bad, "l": bad})
        assert (record.status, record.latency_ms) in ((0, -1), (0, 0), (1, 1))


def test_what_is_counted_does() -> None:
    fields = {"timestamp": "t", "input": "i", "cost": "c"}
    t = {"t": "2026-11-22T11:00:38Z"}
    found = read(
        fields, {**t, "i": -1}, {**t, "i": True}, {**t, "c": "x"}, {**t, "i": []}, {"i": 1}, 5
    )
    assert found.records == []
    assert found.skipped_count == 6


def test_fields_lie_over_a_preset() -> None:
    found = read(
        {"consumer": "team"},
        {"timestamp": "2026-11-22T11:00:38Z", "team": "x", "user_id": "u", "input_tokens": 3},
        preset="llm-proxy",
    )
    assert (found.records[0].dims.consumer, found.records[0].input) == ("x", 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"timestamp": "t", "modle": "m"}, 'fields.modle: unknown key (did you mean "model"?)'),
        ({"model": "m"}, "fields.timestamp: is missing: every line needs a moment"),
        (
            {"timestamp": {"path": "t", "unti": "s"}},
            'fields.timestamp.unti: unknown key (did you mean "unit"?)',
        ),
        (
            {"timestamp": {"path": "t", "unit": "m"}},
            "fields.timestamp.unit: must be one of s, ms, us, ns, rfc3339",
        ),
        ({"timestamp": "t", "model": 5}, "fields.model: must be a dotted path"),
        ({"timestamp": "t", "model": []}, "fields.model: needs at least one path"),
        ({"timestamp": "t", "model": {}}, "fields.model: needs a path or a value"),
        ({"timestamp": "t", "model": "a..b"}, "fields.model: 'a..b' has an empty step"),
        ({"timestamp": "t", "cost": {"path": "c", "scale": 0}}, "fields.cost.scale: must be"),
        ({"timestamp": "t", "cost": {"path": "c", "scale": True}}, "fields.cost.scale: must be"),
        (
            {"timestamp": "t", "cache_read": "c"},
            "fields.input_includes_cache: must be true or false where cache_read",
        ),
        (
            {"timestamp": "t", "reasoning": "r"},
            "fields.output_includes_reasoning: must be true or false where reasoning is mapped",
        ),
        (
            {"timestamp": "t", "input_includes_cache": "yes"},
            "fields.input_includes_cache: must be true or false",
        ),
        (
            {"timestamp": "t", "only_if": {"path": "a", "equal": 1}},
            'fields.only_if.equal: unknown key (did you mean "equals"?)',
        ),
        ({"timestamp": "t", "attrs": "x"}, "fields.attrs: must be a mapping"),
        ({"timestamp": "t", 5: "x"}, "fields.5: unknown key"),
    ],
)
def test_problems_name_the_key(fields: dict[Any, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_fields(fields, "mine")
    assert any(str(p).startswith(f"source mine: {message}") for p in error.value.problems)


def test_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        parse_fields({"modle": "m", "inptu": "i"}, "mine")
    assert len(error.value.problems) == 3


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("kong-logs", "unknown preset 'kong-logs' (did you mean \"kong-log\"?)"),
        ("zzz", "unknown preset 'zzz' (known: kong-log, litellm-log, llm-proxy)"),
        ("", "say preset: (kong-log, litellm-log, llm-proxy) or fields:"),
    ],
)
def test_presets_are_named(preset: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        build_decoder(SourceConfig("s", "jsonl", "gw", preset))
    assert str(error.value) == f"source s: preset: {message}"


def test_the_page_names_every_key() -> None:
    page = (Path(__file__).parents[4] / "docs" / "sources-jsonl.md").read_text(encoding="utf-8")
    for key in KEYS:
        assert f"`{key}`" in page
