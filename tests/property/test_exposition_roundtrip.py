"""What prometheus_client writes, we read; what is damaged costs its own line and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, exposition
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.samples import Exemplar

from costtui.errors import SourceFormatError
from costtui.sources.metrics.exposition import (
    Page,
    PageReader,
    check_complete,
    check_kind,
    framed,
    number_text,
)

generate_latest: Callable[[CollectorRegistry], bytes] = exposition.generate_latest
generate_openmetrics: Callable[[CollectorRegistry], bytes] = openmetrics.generate_latest

Identity = tuple[str, tuple[tuple[str, str], ...]]

NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}x", fullmatch=True)
VALUE = st.text(
    st.one_of(
        st.sampled_from('{}",\\ #=\n\t'),
        st.characters(codec="utf-8", exclude_characters="\r"),
    ),
    max_size=12,
)
AMOUNT = st.floats(0, 1e15, allow_nan=False)
REGISTRY = st.dictionaries(
    NAME,
    st.tuples(
        st.lists(NAME, min_size=0, max_size=3, unique=True),
        st.lists(st.tuples(st.lists(VALUE, min_size=3, max_size=3), AMOUNT), max_size=4),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def build(spec: dict[str, Any], *, exemplars: bool) -> CollectorRegistry:
    registry = CollectorRegistry()
    for name, (labels, series, histogram) in spec.items():
        if histogram:
            usage = Histogram(f"h_{name}", "help {", labels, registry=registry, buckets=(1, 10))
            for values, amount in series:
                (usage.labels(*values[: len(labels)]) if labels else usage).observe(amount)
        else:
            counter = Counter(f"c_{name}", 'help "', labels, registry=registry)
            for values, amount in series:
                child = counter.labels(*values[: len(labels)]) if labels else counter
                child.inc(amount, {"trace_id": 'a}b{ "'} if exemplars else None)
    return registry


def truth(registry: CollectorRegistry) -> dict[Identity, float]:
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in registry.collect()
        for s in family.samples
        if s.name.endswith(("_total", "_sum", "_count"))
    }


def reader_of(names: set[str]) -> PageReader[Identity]:
    return PageReader(names, lambda name, labels, _: (name, tuple(sorted(labels.items()))))


def values(page: Page[Identity]) -> dict[Identity, float]:
    return {e.item: float(number_text(e.now) or "nan") for e in page.changed}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REGISTRY, st.booleans())
def test_reads_what_the_client_library_writes(spec: dict[str, Any], exemplars: bool) -> None:
    registry = build(spec, exemplars=exemplars)
    expected = truth(registry)
    names = {name for name, _ in expected}
    for body in (
        generate_latest(registry),
        generate_openmetrics(registry),
        generate_latest(registry).replace(b"\n", b"\r\n"),
    ):
        page = reader_of(names).read(framed([body]))
        assert page.bad == []
        assert values(page) == expected


class Stamped:
    """A collector whose samples carry timestamps and exemplars, which have to be left alone."""

    def __init__(self, rows: list[tuple[str, float, float, float]]) -> None:
        self.rows = rows

    def collect(self) -> Iterator[Metric]:
        counter = CounterMetricFamily("c", "help", labels=["l"])
        histogram = HistogramMetricFamily("h", "help", labels=["l"])
        for label, amount, stamp, other in self.rows:
            exemplar = Exemplar({"trace": '5} 7 # {a="'}, other, stamp)
            counter.add_metric([label], amount, timestamp=stamp, exemplar=exemplar)
            buckets = [("1.0", other, exemplar), ("+Inf", other, None)]
            histogram.add_metric([label], buckets, amount, timestamp=stamp)  # type: ignore[arg-type]
        yield counter
        yield histogram


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(VALUE, AMOUNT, st.floats(1e9, 2e9), AMOUNT), unique_by=lambda row: row[0])
)
def test_timestamps_and_exemplars_are_no_values(
    rows: list[tuple[str, float, float, float]],
) -> None:
    registry = CollectorRegistry()
    registry.register(Stamped(rows))
    expected = {}
    for label, amount, _, other in rows:
        expected[("c_total", (("l", label),))] = amount
        expected[("h_sum", (("l", label),))] = amount
        expected[("h_count", (("l", label),))] = other
    for body in (generate_latest(registry), generate_openmetrics(registry)):
        page = reader_of({"c_total", "h_sum", "h_count"}).read(framed([body]))
        assert page.bad == []
        assert values(page) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REGISTRY, st.data())
def test_a_second_page_shows_exactly_what_changed(
    spec: dict[str, Any], data: st.DataObject
) -> None:
    registry = build(spec, exemplars=False)
    before = truth(registry)
    reader = reader_of({n for x in spec for n in (f"c_{x}_total", f"h_{x}_sum", f"h_{x}_count")})
    body = framed([generate_latest(registry)])
    reader.commit(reader.read(body))
    assert reader.read(body).unchanged
    extra = data.draw(st.sampled_from(sorted(spec)))
    labels, _, histogram = spec[extra]
    collector = registry._names_to_collectors[f"h_{extra}" if histogram else f"c_{extra}"]
    child: Any = collector.labels(*["new"] * len(labels)) if labels else collector  # type: ignore[attr-defined]
    (child.observe if histogram else child.inc)(3.5)
    after = truth(registry)
    page = reader.read(framed([generate_openmetrics(registry)]))
    assert values(page) == {k: v for k, v in after.items() if before.get(k) != v}
    # Not committed: the same page again says the same again.
    again = reader.read(framed([generate_openmetrics(registry)]))
    assert values(again) == values(page)


BODY = (
    b'# TYPE a_total counter\na_total{m="x}\\"y",n=""} 3 # {t="1"} 1 2\n'
    b'a_total{m="z"} 4.5e1 1700000000\nb_total 7\n{"d.ot_total","k.y"="v"} 1\na_total{m="q"} NaN\n'
    b"# EOF\n"
)


def read_quietly(body: bytes) -> Page[Identity]:
    """Reads `body` as the source does; only the two typed errors may come out."""
    reader = reader_of({"a_total", "b_total", "d_ot_total"})
    with suppress(SourceFormatError):  # the source would stop here; the reader must hold too
        check_kind(framed([body]), "text/plain")
        check_complete(framed([body]), "application/openmetrics-text", False)
    page = reader.read(framed([body]))
    for entry in page.changed:
        with suppress(ValueError):
            number_text(entry.now)
    return page


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(BODY) - 1), st.integers(0, 255))
def test_a_flipped_byte_costs_at_most_the_lines_it_touches(place: int, byte: int) -> None:
    damaged = BODY[:place] + bytes([byte]) + BODY[place + 1 :]
    page = read_quietly(damaged)
    whole = {e.identity: e.now for e in read_quietly(BODY).changed}
    same = [e for e in page.changed if whole.get(e.identity) == e.now]
    assert len(same) >= len(whole) - (2 if byte == 10 or BODY[place] == 10 else 1)


@given(st.integers(0, len(BODY)))
def test_any_prefix_is_read_without_an_error(end: int) -> None:
    read_quietly(BODY[:end])


SPACES = [b" ", b"\n"]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            b'a_total b_total { } " \\ = , 1 # \xff \0 1e999999 -1 1_0 \r'.split(b" ") + SPACES
        ),
        max_size=40,
    )
)
def test_soup_is_read_without_an_error(pieces: list[bytes]) -> None:
    read_quietly(b"".join(pieces))
