"""Lines of the LLM proxy: every field, every way to be wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costtui.config.schema import SourceConfig
from costtui.model.dimension import Dimensions
from costtui.sources.jsonl import decoders
from costtui.sources.jsonl.decode import ProxyDecoder
from costtui.sources.jsonl.fields import parse_fields
from costtui.sources.jsonl.mapped import MappedDecoder
from costtui.sources.jsonl.values import Decoded

SECRET = "sk-proj-4fJk29sLqPz81mXcVb73NaQw"
BASE: dict[str, Any] = {
    "timestamp": "2026-11-22T13:00:38.123456789+02:00",
    "request_id": "req_1",
    "user_id": "ana",
    "provider": "openai",
    "model": "gpt-4o",
    "endpoint": "/v1/chat/completions",
    "is_streaming": True,
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 999,
    "input_cost": 0.0003,
    "output_cost": 0.0002,
    "total_cost": 0.0004,
    "is_estimate": False,
}


def decode(*lines: bytes, base: int = 0) -> Decoded:
    return ProxyDecoder("gw").decode(b"".join(lines), base, "a.log", 0)


def one(**changes: Any) -> Decoded:
    entry = {k: v for k, v in {**BASE, **changes}.items() if v is not ...}
    return decode(json.dumps(entry).encode() + b"\n")


def test_every_field() -> None:
    found = one(ip_address="10.0.0.1", key_id="ab…yz", finish_reason="stop", matched_model="m")
    (record,) = found.records
    assert record.start_ns == record.end_ns == 1795345238_123456789
    assert record.dims == Dimensions("openai", "gpt-4o", "ana", "gw", "/v1/chat/completions")
    assert (record.requests, record.errors, record.throttled) == (1, 0, 0)
    assert record[6:12] == (100, 0, 0, 0, 20, 0)
    assert record.reported_nano == 400_000
    assert record.estimated is False
    assert (record.request_id, record.part, record.offset) == ("req_1", "a.log", 0)
    assert json.loads(record.attrs) == {
        "ip_address": "10.0.0.1",
        "is_streaming": True,
        "finish_reason": "stop",
        "matched_model": "m",
        "key_id": "ab…yz",
    }
    assert found.newest_ns == record.end_ns


def test_omitted_fields() -> None:
    (record,) = decode(b'{"timestamp":"2026-11-22T11:00:38Z"}\n').records
    assert record.dims == Dimensions(gateway="gw")
    assert record[6:12] == (0, 0, 0, 0, 0, 0)
    assert record.reported_nano is None
    assert record.request_id == ""
    assert json.loads(record.attrs) == {"is_streaming": False}


def test_reported_zero_and_estimates_are_passed_on() -> None:
    (record,) = one(total_cost=0, is_estimate=True).records
    assert record.reported_nano == 0
    assert record.estimated is True


def test_the_key_stands_in_for_the_user() -> None:
    (record,) = one(user_id=..., key_id="ab…yz").records
    assert record.dims.consumer == "ab…yz"
    assert "key_id" not in record.attrs
    (record,) = one(user_id=..., ip_address="10.0.0.1").records
    assert record.dims.consumer == ""
    assert "10.0.0.1" in record.attrs


@pytest.mark.parametrize("text", [f"token:{SECRET}", "token:sk-abc123", SECRET])
@pytest.mark.parametrize("broken", [False, True])
def test_a_secret_is_never_kept(text: str, broken: bool) -> None:
    found = one(user_id=text, key_id=text, input_tokens=-1 if broken else 1)
    shown = repr([*found.records, *found.skipped])
    assert text not in shown
    assert "abc123" not in shown
    assert SECRET not in shown
    if not broken:
        assert found.records[0].dims.consumer.startswith("key:")


def test_an_endpoint_loses_its_query() -> None:
    (record,) = one(
        endpoint="/v1beta/models/x:generate?key=AIzaSyA-1234567890abcdefghijklmnop"
    ).records
    assert record.dims.endpoint == "/v1beta/models/x:generate"


def test_dimensions_are_interned() -> None:
    line = json.dumps(BASE).encode() + b"\n"
    records = decode(line, line).records
    assert records[0].dims is records[1].dims


@pytest.mark.parametrize(
    ("cost", "nano"),
    [
        ("0.0001", 100_000),
        ("1e-9", 1),
        ("0.1", 100_000_000),
        ("0.30000000000000004", 300_000_000),
        ("1234.123456789", 1_234_123_456_789),
        ("2.5e-9", 2),
        ("3.5e-9", 4),
        ('"0.25"', 250_000_000),
        ("7", 7_000_000_000),
    ],
)
def test_money_is_what_the_digits_say(cost: str, nano: int) -> None:
    line = f'{{"timestamp":"2026-11-22T11:00:38Z","total_cost":{cost}}}\n'
    assert decode(line.encode()).records[0].reported_nano == nano


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": ...}, "there is no timestamp"),
        ({"timestamp": ""}, "there is no timestamp"),
        ({"timestamp": "yesterday"}, "the timestamp is not RFC 3339"),
        ({"timestamp": "0001-01-01T00:00:00Z"}, "the timestamp is before 1970 or after 2262"),
        ({"timestamp": "2026-02-30T00:00:00Z"}, "the timestamp is not a real date"),
        ({"timestamp": {"a": 1}}, "timestamp is not text"),
        ({"input_tokens": -1}, "input_tokens is negative"),
        ({"input_tokens": 2**53 + 1}, "input_tokens is absurdly large"),
        ({"input_tokens": 10**400}, "input_tokens is absurdly large"),
        ({"input_tokens": 1.5}, "input_tokens is not a whole number"),
        ({"output_tokens": True}, "output_tokens is not a whole number"),
        ({"output_tokens": "many"}, "output_tokens is not a number"),
        ({"output_tokens": "NaN"}, "output_tokens is not a whole number"),
        ({"total_cost": -0.01}, "total_cost is negative"),
        ({"total_cost": float("nan")}, "total_cost is not a finite number"),
        ({"total_cost": float("inf")}, "total_cost is not a finite number"),
        ({"total_cost": True}, "total_cost is not a number"),
        ({"total_cost": 1e300}, "total_cost is absurdly large"),
        ({"total_cost": "1" * 100}, "total_cost is not a number"),
        ({"is_estimate": "no"}, "is_estimate is not true or false"),
        ({"model": ["x"]}, "model is not text"),
    ],
)
def test_a_wrong_value_costs_its_line_only(changes: dict[str, Any], reason: str) -> None:
    good = json.dumps(BASE).encode() + b"\n"
    entry = {k: v for k, v in {**BASE, **changes}.items() if v is not ...}
    bad = json.dumps(entry).encode() + b"\n"
    found = decode(good, bad, good, base=1000)
    assert [r.offset for r in found.records] == [1000, 1000 + len(good) + len(bad)]
    assert found.skipped_count == 1
    assert found.skipped[0][:3] == (1000 + len(good), 1, reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"hello", "this is not JSON"),
        (b'"text"', "the line is not a JSON object"),
        (b"[]", "the line is not a JSON object"),
        (b"null", "the line is not a JSON object"),
        (b'{"timestamp":', "this is not JSON"),
        (b"[" * 200_000, "the JSON is nested too deeply"),
        (b'{"x":' * 100_000, "the JSON is nested too deeply"),
    ],
)
def test_what_is_no_record_is_skipped(line: bytes, reason: str) -> None:
    found = decode(line + b"\n", json.dumps(BASE).encode() + b"\n")
    assert len(found.records) == 1
    assert [s.reason for s in found.skipped] == [reason]


def test_strings_and_whole_floats_are_numbers() -> None:
    (record,) = one(input_tokens="12", output_tokens=3e2, user_id=7).records
    assert (record.input, record.output, record.dims.consumer) == (12, 300, "7")


def test_null_is_absent() -> None:
    (record,) = one(user_id=None, input_tokens=None, total_cost=None, is_estimate=None).records
    assert (record.dims.consumer, record.input, record.reported_nano) == ("", 0, None)


@pytest.mark.parametrize("field", ["model", "user_id", "endpoint", "request_id", "provider"])
def test_names_can_be_stored(field: str) -> None:
    raw = json.dumps({**BASE, field: "MARK"}).encode()
    for bad in (b"a\\u0000b", b"a\\ud800b", b"a\xffb", b"a\xed\xa0\x80b"):
        (record,) = decode(raw.replace(b"MARK", bad) + b"\n").records
        names = (*record.dims, record.request_id)
        text = "".join(str(n) for n in names)
        assert "\0" not in text
        text.encode()
        assert "\ufffd" in text
    (record,) = decode(raw.replace(b"MARK", b"word " * 1000) + b"\n").records
    assert max(len(str(n)) for n in (*record.dims, record.request_id)) == 200


def test_control_characters_stay_and_an_excerpt_is_safe() -> None:
    (record,) = one(model="a\x1b[2Jb").records
    assert record.dims.model == "a\x1b[2Jb"
    found = decode(b"\x1b[2J\x00" + b"x" * 10_000 + b"\n")
    assert found.skipped[0].text.isprintable()
    assert len(found.skipped[0].text) <= 200


def test_blank_lines_holes_and_a_mark_are_no_mistakes() -> None:
    line = json.dumps(BASE).encode()
    data = b"\xef\xbb\xbf" + line + b"\r\n\r\n\0\0\0\n  \t\n\0\0" + line + b"\n"
    found = decode(data)
    assert len(found.records) == 2
    assert found.skipped_count == 0


def test_a_whole_line_behind_a_torn_one_is_saved() -> None:
    line = json.dumps(BASE).encode()
    found = decode(line[:50] + line + b"\n")
    assert [r.offset for r in found.records] == [50]
    assert found.skipped_count == 1


def test_the_rest_is_counted_when_the_examples_are_full() -> None:
    found = decode(*[b"x\n"] * 100)
    assert found.skipped_count == 100
    assert len(found.skipped) == 5


def test_older_than_the_cut_is_left_out() -> None:
    line = json.dumps(BASE).encode() + b"\n"
    ns = 1795345238_123456789
    assert len(ProxyDecoder("gw").decode(line, 0, "a", ns).records) == 1
    assert len(ProxyDecoder("gw").decode(line, 0, "a", ns + 1).records) == 0


texts = st.text(max_size=12)
entries = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": st.sampled_from(
            ["2026-11-22T11:00:38Z", "2026-11-22T11:00:38.5-07:00", "2026-11-22 11:00:38", "x", ""]
        ),
        "request_id": texts,
        "user_id": texts | st.none() | st.integers(),
        "key_id": texts,
        "provider": texts,
        "model": texts,
        "endpoint": texts,
        "input_tokens": st.integers(-1, 2**54) | st.floats() | st.booleans() | texts,
        "output_tokens": st.integers(0, 9999),
        "total_cost": st.floats() | st.integers(-1, 10**12) | st.none() | texts,
        "is_estimate": st.booleans(),
    },
)


@given(st.lists(entries, max_size=4))
@example([{"timestamp": "2026-11-22T11:00:38Z", "provider": "NULL", "key_id": "unknown"}])
def test_the_fast_way_and_the_mapping_agree(lines: list[dict[str, Any]]) -> None:
    """`presets/llm-proxy.yml` and the fast decoder read the same from any line."""
    data = b"".join(json.dumps(entry).encode() + b"\n" for entry in lines)
    fast = ProxyDecoder("gw").decode(data, 0, "a", 0)
    mapping = parse_fields(decoders.preset_fields("llm-proxy"), "s")
    slow = MappedDecoder("gw", mapping).decode(data, 0, "a", 0)
    for a, b in zip(fast.records, slow.records, strict=False):
        assert a[:19] == b[:19]
        assert a.offset == b.offset
    assert len(fast.records) == len(slow.records)
    assert fast.skipped_count == slow.skipped_count


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_counted(data: bytes) -> None:
    found = decode(data)
    assert len(found.records) + found.skipped_count <= data.count(b"\n") + 2


@given(st.lists(st.sampled_from([b"x", b"", json.dumps(BASE).encode(), b"\r"]), max_size=12))
def test_offsets_point_at_their_line(lines: list[bytes]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    found = decode(data, base=77)
    good = json.dumps(BASE).encode()
    for record in found.records:
        assert data[record.offset - 77 :].startswith(good)
    assert len(found.records) == lines.count(good)
    assert found.skipped_count == lines.count(b"x")


def test_the_proxy_preset_has_the_fast_decoder() -> None:
    plain = SourceConfig("s", "jsonl", "gw", "llm-proxy")
    assert isinstance(decoders.build_decoder(plain), ProxyDecoder)
    laid_over = SourceConfig("s", "jsonl", "gw", "llm-proxy", fields={"consumer": "team"})
    assert isinstance(decoders.build_decoder(laid_over), MappedDecoder)
