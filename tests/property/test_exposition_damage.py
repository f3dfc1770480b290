"""Damaged pages: what a flipped byte or a missing end may change, and what it may not.

A digit that became another digit cannot be seen on a text page, so nothing can be promised about
the number that was hit. What is promised: it is the only one; a page cut short is a failed scrape
or says nothing wrong; and damage of a compressed page, which has a checksum, is always noticed.
"""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress
from functools import cache
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from costtui.config.schema import SourceConfig
from costtui.errors import SourceError, SourceFormatError
from costtui.model.usage import UsageRecord
from costtui.sources import presets
from costtui.sources.factory import build
from costtui.sources.metrics.exposition import (
    Page,
    PageReader,
    check_complete,
    check_kind,
    framed,
    number_text,
)
from costtui.sources.metrics.http import Fetched
from costtui.sources.metrics.mapping import Mapper

PAGES = Path(__file__).parents[1] / "fixtures" / "metrics"
PRESETS = {
    "derived-kong-ee-3.13.txt": "kong",
    "derived-agentgateway-1.4.1.txt": "agentgateway",
    "otel-openai_v2.text004.txt.gz": "otel-genai",
    "otel-openllmetry_openai.openmetrics.txt.gz": "otel-genai",
    "litellm-1.106.2.openmetrics.txt.gz": "litellm",
    "prometheus-2.42.federate.txt.gz": "litellm",
}
NAMES = st.sampled_from(sorted(PRESETS))
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@cache
def body(name: str) -> bytes:
    """A captured page; of a large one the wanted lines and some others, so that a flip hits what
    matters more often than a bucket of a histogram."""
    raw = (PAGES / name).read_bytes()
    raw = gzip.decompress(raw) if name.endswith(".gz") else raw
    if len(raw) < 100_000:
        return raw
    wanted = tuple(metric.encode() for metric in names(name))
    lines = [line for line in raw.splitlines(True) if line.startswith((*wanted, b"# EOF"))]
    return b"".join(lines)


@cache
def names(name: str) -> frozenset[str]:
    preset = PRESETS[name]
    shape = presets.load(preset)
    return Mapper(shape, SourceConfig("s", "metrics", "g", preset=preset)).wanted()


def read(name: str, page: bytes) -> Page[str]:
    reader: PageReader[str] = PageReader(names(name), lambda metric, labels, identity: metric)
    return reader.read(framed([page]))


def values(page: Page[str]) -> dict[bytes, str | None]:
    """Identity → number, for every series that can be read."""
    found: dict[bytes, str | None] = {}
    for entry in page.changed:
        with suppress(ValueError):
            found[entry.identity] = number_text(entry.now)
    return found


@cache
def truth(name: str) -> dict[bytes, str | None]:
    found = values(read(name, body(name)))
    assert len(found) > 3
    return found


def lines_hit(page: bytes, place: int, byte: int) -> set[bytes]:
    """The lines of the true page that a flip at `place` belongs to: two where a line feed went."""
    start = page.rfind(b"\n", 0, place) + 1
    end = page.find(b"\n", place)
    end = len(page) if end < 0 else end
    if page[place] == 10:
        end = page.find(b"\n", place + 1)
        end = len(page) if end < 0 else end
    return set(page[start:end].split(b"\n"))


@settings(max_examples=400, deadline=None)
@given(NAMES, st.integers(0, 10**9), st.integers(0, 255))
def test_a_flipped_byte_costs_only_the_lines_it_touches(name: str, place: int, byte: int) -> None:
    page = body(name)
    place %= len(page)
    damaged = page[:place] + bytes([byte]) + page[place + 1 :]
    with suppress(SourceFormatError):
        check_kind(framed([damaged]), "text/plain")
    after, before = values(read(name, damaged)), truth(name)
    touched = lines_hit(page, place, byte)
    for identity, number in before.items():
        if not any(line.lstrip(b" \t").startswith(identity) for line in touched):
            assert after.get(identity) == number, identity
    assert len(after.keys() - before.keys()) <= 2


@settings(max_examples=400, deadline=None)
@given(NAMES, st.integers(0, 10**9), st.integers(0, 255), st.booleans())
def test_a_flip_outside_of_a_number_changes_no_known_series(
    name: str, place: int, byte: int, blank: bool
) -> None:
    """Its line may be lost, or be read as another series; its number stays its own."""
    page = body(name)
    lines = page.splitlines(True)
    line = lines[place % len(lines)]
    identity = next((i for i in truth(name) if line.startswith(i)), None)
    if identity is None:
        return
    offset = len(identity) if blank else place // len(lines) % len(identity)
    flipped = line[:offset] + bytes([byte]) + line[offset + 1 :]
    number = values(read(name, flipped)).get(identity)
    assert number in (None, truth(name)[identity])


@settings(max_examples=300, deadline=None)
@given(NAMES, st.integers(0, 10**9))
@example("derived-agentgateway-1.4.1.txt", 0)
def test_a_page_without_its_end_fails_or_says_nothing_wrong(name: str, cut: int) -> None:
    page = body(name)
    cut %= len(page)
    part = page[:cut]
    with pytest.raises(SourceFormatError, match="half a page"):
        # An OpenMetrics page is whole with its last line only; the line feed behind it is not
        # part of what it says.
        check_complete(framed([part.removesuffix(b"# EOF")]), OPENMETRICS, True)
    try:
        check_complete(framed([part]), "text/plain; version=0.0.4", False)
    except SourceFormatError:
        return
    for identity, number in values(read(name, part)).items():
        assert truth(name)[identity] == number


@settings(max_examples=300, deadline=None)
@given(NAMES, st.integers(0, 10**9), st.integers(0, 255))
def test_damage_of_a_compressed_page_is_always_noticed(name: str, place: int, byte: int) -> None:
    packed = bytearray(gzip.compress(body(name), mtime=0))
    packed[place % len(packed)] = byte
    try:
        found = Fetched([bytes(packed)], gzipped=True).body()
    except SourceFormatError:
        return
    assert found == framed([body(name)])  # it hit the header, which says nothing about the page


@settings(max_examples=200, deadline=None)
@given(NAMES, st.integers(0, 10**9))
def test_a_cut_of_a_compressed_page_is_always_noticed(name: str, cut: int) -> None:
    packed = gzip.compress(body(name))
    with pytest.raises(SourceFormatError, match="ends early"):
        Fetched([packed[: cut % len(packed)]], gzipped=True).body()


@settings(max_examples=80, deadline=None)
@given(NAMES.filter(lambda name: "litellm" not in PRESETS[name]), st.data())
def test_a_source_survives_any_damage(name: str, data: st.DataObject) -> None:
    """A good page, three damaged ones, the good one again: only typed errors, no negative amount,
    and whatever was carried or held is whole again."""
    good = body(name)
    pages = [good]
    for _ in range(3):
        place = data.draw(st.integers(0, len(good) - 1))
        byte = data.draw(st.integers(0, 255))
        end = data.draw(st.none() | st.integers(0, len(good)))
        pages.append((good[:place] + bytes([byte]) + good[place + 1 :])[:end])
    records = asyncio.run(_poll(PRESETS[name], [*pages, good, good]))
    for record in records:
        assert min(record[3:12]) >= 0
        assert (record.reported_nano or 0) >= 0
        assert record.end_ns >= record.start_ns


async def _poll(preset: str, pages: list[bytes]) -> list[UsageRecord]:
    page = b""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=page))
    config = SourceConfig("s", "metrics", "g", preset=preset, url="http://gw.test/metrics")
    source = build(config, transport=transport)
    source.restore({})
    records: list[UsageRecord] = []
    for number, page in enumerate(pages):  # noqa: B007  (the transport reads it)
        with suppress(SourceError):
            async for batch in source.poll(1_000.0 + 15 * number):
                records += batch.records
    last = [batch async for batch in source.poll(2_000.0)]
    assert not any(batch.records for batch in last)  # the good page again: nothing is left over
    return records
