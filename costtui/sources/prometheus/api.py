"""The HTTP API of Prometheus 2.4x and 3.x, which Thanos, Mimir and VictoriaMetrics speak too.

Only two calls are needed: a range selector as an instant query gives raw samples with their own
times, and a range query gives one value a step. Facts: prometheus.io/docs, "HTTP API", and answers
captured from a real 2.42 (tests/fixtures/prometheus).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from costtui.config.schema import SourceConfig
from costtui.errors import (
    SourceError,
    SourceFormatError,
    SourceOverloadedError,
    SourceTooLargeError,
    SourceUnreachableError,
)
from costtui.model.safetext import redact, visible
from costtui.sources.metrics.http import MAX_WHOLE, Fetched, Fetcher

if TYPE_CHECKING:
    import httpx

MAX_POINTS: Final = 11_000
"""Steps of one range query: Prometheus answers 400 above that."""

_ANSWERED: Final = (200, 400, 404, 405, 422, 429, 500, 501, 503, 504)
"""Statuses that come with a reason in JSON (of a proxy, perhaps without)."""

_MOST: Final = {b"{": 500_000, b"[": 3_000_000, b'"': 12_000_000}
"""How often each may be in an answer: of 250,000 series, of 3 million samples. 64 MB of empty
series would be 20 million objects and 10 GB of memory."""

_NOT_JSON: Final = (msgspec.DecodeError, RecursionError)
"""What decoding raises; the latter for an answer that is nothing but brackets."""

_OVERLOADED: Final = ("execution", "timeout", "too_many_requests")


class Histogram(msgspec.Struct, gc=False):
    """A native histogram; its buckets are not read."""

    count: str = "NaN"
    sum: str = "NaN"


class Row(msgspec.Struct, gc=False):
    """One series of a matrix or of a vector."""

    metric: dict[str, str] = {}
    values: list[tuple[float, str]] = []
    """(epoch seconds, number as text), in time order."""
    value: tuple[float, str] | None = None
    histograms: list[tuple[float, Histogram]] = []

    def classic(self) -> list[Row]:
        """A native histogram as the two counters that a classic one has."""
        name = self.metric.get("__name__", "")
        return [
            Row(
                {**self.metric, "__name__": f"{name}_sum"}, [(t, h.sum) for t, h in self.histograms]
            ),
            Row(
                {**self.metric, "__name__": f"{name}_count"},
                [(t, h.count) for t, h in self.histograms],
            ),
        ]


class _Data(msgspec.Struct, gc=False):
    resultType: str = ""
    result: msgspec.Raw = msgspec.Raw(b"[]")


class _Answer(msgspec.Struct, gc=False):
    status: str = ""
    data: _Data | None = None
    errorType: str = ""
    error: str = ""
    warnings: list[str] | None = None
    isPartial: bool = False
    """VictoriaMetrics: a part of the cluster did not answer."""


class _Values(msgspec.Struct, gc=False):
    status: str = ""
    data: list[str] = []
    errorType: str = ""
    error: str = ""


class Result(msgspec.Struct, gc=False):
    """What a query gave."""

    rows: list[Row]
    warnings: list[str] = []
    """The server's own words that data may be missing (Thanos with a store down, for example)."""


class Api:
    """One server's query API."""

    def __init__(
        self, config: SourceConfig, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """`transport` replaces the network in tests."""
        self._fetcher = Fetcher(config, transport)
        self._base = api_base(config.url)
        self._timeout = config.timeout
        # VictoriaMetrics keeps the answers of range queries, also where history came in later.
        self._extra = {"nocache": "1"}
        self._get = False
        self.shown = self._fetcher.shown
        self.queries = 0
        """How many were asked."""
        self.skew_ms = 0
        """The server's clock minus ours, by its last answer; 0 where they agree within 2 s."""

    async def raw(self, selector: str, start_ms: int, end_ms: int) -> Result:
        """Raw samples of `(start_ms, end_ms]` (Prometheus 2 includes the start)."""
        length = max(1, end_ms - start_ms)
        form = {"query": f"{selector}[{length}ms]", "time": _seconds(end_ms)}
        return await self._ask("query", form)

    async def steps(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> Result:
        """`query` at every step from `start_ms` to `end_ms`, both included. At most `MAX_POINTS`
        steps, which is the caller's business."""
        form = {
            "query": query,
            "start": _seconds(start_ms),
            "end": _seconds(end_ms),
            "step": f"{step_ms / 1000:g}",
        }
        return await self._ask("query_range", form)

    async def instant(self, query: str, at_ms: int) -> Result:
        """`query` at one moment."""
        return await self._ask("query", {"query": query, "time": _seconds(at_ms)})

    async def label_values(
        self, label: str, selector: str, start_ms: int, end_ms: int
    ) -> list[str]:
        """The values of a label on series of a time, from the index: cheap. Raises SourceError."""
        import httpx

        self.queries += 1
        params = {"match[]": selector, "start": _seconds(start_ms), "end": _seconds(end_ms)}
        url = httpx.URL(f"{self._base}/label/{label}/values", params=params)
        fetched = await self._fetcher.fetch(str(url), None, _ANSWERED)
        self.skew_ms = round(fetched.skew * 1000)
        try:
            answer = _VALUES.decode(fetched.body())
        except _NOT_JSON:
            raise SourceFormatError(f"{self.shown}: no list of label values") from None
        if answer.status != "success":
            raise self._refused(fetched.status, answer.errorType, answer.error)
        return answer.data

    async def _ask(self, path: str, form: Mapping[str, str]) -> Result:
        self.queries += 1
        # The server gives up before we do, and says so.
        form = {**form, "timeout": f"{self._timeout * 0.8:g}s", **self._extra}
        url = f"{self._base}/{path}"
        fetched = await self._send(url, form)
        if fetched.status == 405 and not self._get:
            # Some proxies in front of it pass GET alone.
            self._get = True
            fetched = await self._send(url, form)
        self.skew_ms = round(fetched.skew * 1000)
        return await asyncio.to_thread(self._read, fetched)

    async def _send(self, url: str, form: Mapping[str, str]) -> Fetched:
        if not self._get:
            return await self._fetcher.fetch(url, form, _ANSWERED)
        import httpx

        return await self._fetcher.fetch(str(httpx.URL(url, params=form)), None, _ANSWERED)

    def _read(self, fetched: Fetched) -> Result:
        body = fetched.body()
        if len(body) > MAX_WHOLE or any(body.count(mark) > most for mark, most in _MOST.items()):
            raise SourceTooLargeError(f"{self.shown}: the answer has too many series or samples")
        try:
            answer = _DECODER.decode(body)
        except _NOT_JSON as error:
            if fetched.status != 200:
                raise self._refused(fetched.status, "", "") from None
            start = body[:200].lstrip().lower()
            if start.startswith((b"<!doctype", b"<html")):
                reason = "an HTML page, not Prometheus's API: is there a path prefix in the URL?"
            elif start.startswith((b"#", b"404")):
                reason = "not Prometheus's API: url is the server, for example http://host:9090"
            else:
                reason = f"an answer that is not Prometheus's API ({visible(str(error), 100)})"
            raise SourceFormatError(f"{self.shown}: {reason}") from None
        if answer.status != "success" or answer.data is None:
            raise self._refused(fetched.status, answer.errorType, answer.error)
        data = answer.data
        try:
            if data.resultType in ("matrix", "vector"):
                rows = _ROWS.decode(data.result) or []
                if any(row.histograms for row in rows):
                    rows = [
                        flat
                        for row in rows
                        for flat in (row.classic() if row.histograms else (row,))
                    ]
                if b'"NaN"' in body:
                    _without_nan(rows)
            else:
                rows = [Row(value=_SCALAR.decode(data.result))]
        except _NOT_JSON as error:
            reason = visible(str(error), 100)
            raise SourceFormatError(f"{self.shown}: an answer without numbers ({reason})") from None
        warnings = [visible(redact(text), 200) for text in answer.warnings or ()]
        if answer.isPartial:
            warnings.append("the answer is partial")
        return Result(rows, warnings)

    def _refused(self, status: int, kind: str, reason: str) -> SourceError:
        said = visible(redact(reason), 300) or f"HTTP {status}"
        if status == 200 and not reason:
            return SourceFormatError(f"{self.shown}: an answer that is not Prometheus's API")
        if status in (429, 503, 504) or kind in _OVERLOADED:
            return SourceOverloadedError(f"{self.shown}: {said}")
        if status == 422:  # Mimir: a limit on the length of a query
            return SourceOverloadedError(f"{self.shown}: {said}")
        if kind:
            return SourceFormatError(f"{self.shown}: {visible(kind, 40)}: {said}")
        if status in (404, 405, 501):
            said += ": no Prometheus API here (a gateway's own page is type: metrics)"
        return SourceUnreachableError(f"{self.shown}: {said}")

    async def close(self) -> None:
        """Close the connection. May be called twice."""
        await self._fetcher.close()


_DECODER = msgspec.json.Decoder(_Answer)
_VALUES = msgspec.json.Decoder(_Values)
_ROWS = msgspec.json.Decoder(list[Row] | None)
_SCALAR = msgspec.json.Decoder(tuple[float, str])


def _without_nan(rows: list[Row]) -> None:
    """Leave out what is no number. VictoriaMetrics shows a stale marker (a series ended here) as
    one; it is no scrape that had the series."""
    for row in rows:
        row.values = [pair for pair in row.values if pair[1] != "NaN"]


def api_base(url: str) -> str:
    """`http://host:9090/prefix` → `http://host:9090/prefix/api/v1`. A URL that a user copied with
    the API's own path (`…/api/v1/query`) or of the page of graphs is understood."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    for tail in ("/query_range", "/query"):
        path = path.removesuffix(tail)
    for page in ("/graph", "/vmui"):
        path = path.removesuffix(page)
    path = path.removesuffix("/api/v1").rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/api/v1", "", ""))


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03d}"


def quote(text: str) -> str:
    """`text` as a PromQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
