"""A Prometheus in memory, and the store's part played by a dictionary.

It answers the few queries of costtui as the real one does; `tests/property` holds the source to
the truth with it and `tests/e2e` holds it to the real one. What a test wants to be different, it
says in `hook`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from costtui.config.schema import SourceConfig
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch, Source
from costtui.sources.factory import build

ANSWERS = Path(__file__).parents[3] / "fixtures" / "prometheus"
START = 1_795_600_000 // 3600 * 3600
"""Epoch seconds, a full hour."""
Labels = tuple[tuple[str, str], ...]
Hook = Callable[[dict[str, str], httpx.Request], httpx.Response | None]

FIELDS: dict[str, Any] = {
    "resets": "together",
    "dimensions": {"model": "model", "consumer": "team"},
    "metrics": [
        {"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"},
        {"name": "gw_requests_total", "quantity": "requests"},
    ],
}


def labels(name: str, **more: str) -> Labels:
    """A series of the instance `a:1`, unless it says otherwise."""
    found = {"__name__": name, "job": "gw", "instance": "a:1", **more}
    return tuple(sorted((k, v) for k, v in found.items() if v))


class Server:
    """What it scraped. Times are epoch seconds."""

    def __init__(self) -> None:
        self.series: dict[Labels, list[tuple[float, str]]] = {}
        self.warnings: list[str] = []
        self.asked: list[dict[str, str]] = []
        self.requests: list[httpx.Request] = []
        self.hook: Hook | None = None

    def put(self, series: Labels, at: float, value: object) -> None:
        self.series.setdefault(series, []).append((at, str(value)))

    def scrape(self, at: float, *samples: tuple[Labels, object], up: str = "1") -> None:
        """One scrape of every instance that `samples` are of (`a:1` where there are none)."""
        seen = {dict(series).get("instance", "") for series, _ in samples} or {"a:1"}
        for instance in sorted(seen):
            self.put(labels("up", instance=instance), at, up)
        for series, value in samples:
            self.put(series, at, value)

    def answer(self, request: httpx.Request) -> httpx.Response:
        text = request.content.decode() or request.url.query.decode()
        form = {k: v[0] for k, v in parse_qs(text).items()}
        self.requests.append(request)
        names = self.names(request)
        if names is not None:
            return names
        self.asked.append(form)
        if self.hook is not None:
            said = self.hook(form, request)
            if said is not None:
                return said
        return self.matrix(list(self.rows(form)))

    def matrix(self, rows: list[dict[str, Any]]) -> httpx.Response:
        data = {"resultType": "matrix", "result": rows}
        return httpx.Response(
            200, json={"status": "success", "data": data, "warnings": self.warnings}
        )

    def _matching(self, query: str) -> Iterator[tuple[Labels, list[tuple[float, str]]]]:
        selectors = re.findall(r"\{((?:[^}\"]|\"(?:[^\"\\]|\\.)*\")*)\}", query)
        assert selectors, query
        # The restarts of each metric are asked for by itself, all in one query.
        for selector in selectors if "resets(" in query else selectors[:1]:
            matchers = [
                (label, operator, re.sub(r"\\(.)", _unescaped, value))
                for label, operator, value in MATCHER.findall(selector)
            ]
            for series, values in self.series.items():
                have = dict(series)
                if all(_holds(have.get(label, ""), *rest) for label, *rest in matchers):
                    yield series, values

    def _hidden(self, query: str, grid: list[float]) -> list[_Hidden]:
        found = []
        for labels, selector in re.findall(
            r" unless on \(([^)]*)\) count by \([^)]*\) \((.*?\})\)", query
        ):
            names = [name for name in labels.split(", ") if name]
            seen = {
                (at, _only(dict(series), names))
                for series, values in self._matching(selector)
                for at in grid
                if any(at - 300 < t <= at for t, _ in values)
            }
            found.append(_Hidden(names, seen))
        return found

    def names(self, request: httpx.Request) -> httpx.Response | None:
        """The values of a label, of series that had samples in the time asked for."""
        found = re.fullmatch(r".*/label/(\w+)/values", request.url.path)
        if found is None:
            return None
        text = request.content.decode() or request.url.query.decode()
        form = parse_qs(text)
        low, high = (float(form.get(key, ["nan"])[0]) for key in ("start", "end"))
        values = {
            dict(series).get(found[1], "")
            for match in form.get("match[]", ['{__name__=~".+"}'])
            for series, samples in self._matching(match)
            if any(not (at < low or at > high) for at, _ in samples)
        }
        return httpx.Response(200, json={"status": "success", "data": sorted(values - {""})})

    def rows(self, form: dict[str, str]) -> Iterator[dict[str, Any]]:
        query = form["query"]
        window = re.search(r"\[(\d+)(ms|d)\]", query)
        assert window is not None, query
        length = int(window[1]) / 1000 if window[2] == "ms" else int(window[1]) * 86_400
        if "step" not in form:
            end = float(form["time"])
            for series, values in self._matching(query):
                inside = [v for v in values if end - length <= v[0] <= end]
                if inside:
                    yield {"metric": dict(series), "values": inside}
            return
        start, end, step = (float(form[k]) for k in ("start", "end", "step"))
        grid = [start + step * i for i in range(int((end - start) / step + 0.5) + 1)]
        assert len(grid) <= 11_001
        by = re.match(r"sum by \(([^)]*)\)", query)
        sums: dict[Labels, dict[float, float]] = {}
        for series, values in self._matching(query):
            out: dict[float, str] = {}
            for at in grid:
                inside = [v for v in values if at - length <= v[0] <= at]
                if inside:
                    out[at] = _over(query, inside)
            have = dict(series)
            if by or query.startswith(("sum", "count")):
                names = by[1].split(", ") if by else []
                key = tuple((n, have[n]) for n in names if have.get(n))
                total = sums.setdefault(key, {})
                for at, value in out.items():
                    total[at] = total.get(at, 0.0) + (1 if query[0] == "c" else float(value))
            elif out:
                if not query.startswith("last_over_time"):
                    del have["__name__"]
                yield {"metric": have, "values": list(out.items())}
        share = re.search(r"\) \* ([\d.e-]+)", query)
        factor = float(share[1]) if share else 1.0
        hidden = self._hidden(query, grid)
        positive = query.endswith("> 0")
        for key, points in sums.items():
            shown = [
                (at, repr(v * factor))
                for at, v in sorted(points.items())
                if (v > 0 or not positive) and not any((at, key) in one for one in hidden)
            ]
            if shown:
                yield {"metric": dict(key), "values": shown}


class _Hidden:
    """What an `unless on (…) count by (…) (…)` takes away."""

    def __init__(self, labels: list[str], seen: set[tuple[float, Labels]]) -> None:
        self._labels = labels
        self._seen = seen

    def __contains__(self, point: tuple[float, Labels]) -> bool:
        at, key = point
        return (at, _only(dict(key), self._labels)) in self._seen


def _only(have: dict[str, str], names: list[str]) -> Labels:
    return tuple((name, have.get(name, "")) for name in names)


MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n"}.get(found[1], found[1])


def _holds(have: str, operator: str, value: str) -> bool:
    same = bool(re.fullmatch(value, have, re.DOTALL)) if "~" in operator else have == value
    return same != operator.startswith("!")


def _over(query: str, inside: list[tuple[float, str]]) -> str:
    if "last_over_time" in query:
        return inside[-1][1]
    numbers = [float(value) for _, value in inside]
    if "resets(" in query:
        return str(sum(b < a for a, b in pairwise(numbers)))
    if "increase(" in query:  # without extrapolation: what a test expects is then plain
        return repr(sum(max(b - a, 0.0) if b >= a else b for a, b in pairwise(numbers)))
    return f"{max(numbers):g}"


class Prom:
    """A source on a `Server`; `stored` is the checkpoint and `records` what was stored."""

    def __init__(self, server: Server | None = None, **more: Any) -> None:
        self.server = server or Server()
        self.now = float(START)
        self.stored: dict[str, str] = {}
        self.records: list[UsageRecord] = []
        self.batches: list[Batch] = []
        more.setdefault("gateway_labels", ("instance",))
        if not more.get("preset") and not more.get("queries"):
            more.setdefault("fields", FIELDS)
        more.setdefault("since", 7200)
        more.setdefault("url", "http://prom.test:9090")
        self.config = SourceConfig("prom", "prometheus", "prom", **more)
        self.source: Source
        self.reopen()

    def reopen(self, **more: Any) -> None:
        """A new process; `more` changes the configuration."""
        import dataclasses

        self.config = dataclasses.replace(self.config, **more)
        self.source = build(self.config, transport=httpx.MockTransport(self.server.answer))
        self.source.restore(self.stored)

    def store(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.records += batch.records
        for part, text in batch.checkpoint.items():
            if text is None:
                self.stored.pop(part, None)
            else:
                self.stored[part] = text

    async def poll(self) -> list[Batch]:
        """One poll, everything stored."""
        found = []
        async for batch in self.source.poll(self.now):
            self.store(batch)
            found.append(batch)
        return found

    async def drain(self) -> None:
        """Until there is no more history."""
        for _ in range(500):
            await self.poll()
            if not getattr(self.source, "has_more", False):
                return
        raise AssertionError("history does not end")

    def total(self, name: str = "input", **dims: str) -> int:
        """What was counted of one quantity."""
        found = 0
        for record in self.records:
            if all(getattr(record.dims, key) == value for key, value in dims.items()):
                found += getattr(record, name) or 0
        return found


@pytest.fixture
def prom_of() -> Callable[..., Prom]:
    return Prom


@pytest.fixture
def series_of() -> Callable[..., Labels]:
    return labels


@pytest.fixture
def captured() -> Callable[[str], bytes]:
    """The body of an answer of a real server, in tests/fixtures/prometheus."""

    def read(name: str) -> bytes:
        text = (ANSWERS / name).read_text(encoding="utf-8")
        if text.startswith("HTTP/"):
            return text.partition("\n\n")[2].encode()
        return text.partition("\nHTTP ")[0].encode()

    return read
