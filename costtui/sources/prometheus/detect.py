"""Is a URL a Prometheus, and which presets fit what it has?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from costtui.config.schema import SourceConfig
from costtui.errors import SourceError, SourceFormatError
from costtui.model.safetext import visible
from costtui.sources import presets
from costtui.sources.metrics.detect import Finding, fitting
from costtui.sources.metrics.http import Fetcher
from costtui.sources.prometheus.api import Api, api_base, quote

if TYPE_CHECKING:
    import httpx

LATELY_S: Final = 86_400
"""Metrics of the last day; a server that was asked for nothing else would tell of years."""


class Fit(NamedTuple):
    """A preset that fits, and how much of it there is."""

    finding: Finding
    series: int
    instances: int
    jobs: tuple[str, ...]
    names: frozenset[str]
    """The metrics that the preset counts here."""


class Found(NamedTuple):
    """What a server is and has."""

    version: str
    """For people: `Prometheus 2.42.0`."""
    url: str
    """What to write into the configuration."""
    fits: list[Fit]


class _Answer(msgspec.Struct):
    status: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


async def probe(
    config: SourceConfig, transport: httpx.AsyncBaseTransport | None = None
) -> Found | None:
    """What is at `config.url`; None for what does not speak Prometheus's API. Raises SourceError
    for a server that does and then fails. `transport` replaces the network in tests."""
    server = _Server(config, transport)
    try:
        version = await server.version()
        if not version:
            return None
        shown = await server.names()
        fits = [await server.fit(f, shown) for f in fitting(shown)]
        return Found(version, server.url, fits)
    finally:
        await server.close()


class _Server:
    def __init__(self, config: SourceConfig, transport: httpx.AsyncBaseTransport | None) -> None:
        self._fetcher = Fetcher(config, transport)
        self._api = Api(config, transport)
        self._base = api_base(config.url)
        parts = urlsplit(self._base.removesuffix("/api/v1"))
        self.url = urlunsplit(parts)

    async def close(self) -> None:
        await self._fetcher.close()
        await self._api.close()

    async def _get(self, path: str, **query: str) -> msgspec.Raw | None:
        """The `data` of an answer, or None where there is none."""
        import httpx

        try:
            url = str(httpx.URL(f"{self._base}/{path}", params=query))
            body = (await self._fetcher.fetch(url)).body()
            answer = msgspec.json.decode(body, type=_Answer)
        except (SourceError, msgspec.DecodeError):
            return None
        return answer.data if answer.status == "success" else None

    async def version(self) -> str:
        """What the server calls itself, or "" where nothing speaks the API."""
        data = await self._get("status/buildinfo")
        said: dict[str, object] = {}
        if data is not None:
            try:
                said = msgspec.json.decode(data, type=dict[str, object])
            except msgspec.DecodeError:
                said = {}
        if isinstance(said.get("version"), str):
            name = visible(str(said.get("application") or "Prometheus"), 40)
            return f"{name} {visible(str(said['version']), 40)}"
        try:
            # Not every look-alike has that page.
            await self._api.instant("vector(1)", round(time.time() * 1000))
        except SourceError:
            return ""
        return "Prometheus's API, of no known version"

    async def names(self) -> set[str]:
        """Metrics of the last day, as presets write them."""
        now = time.time()
        span = {"start": f"{now - LATELY_S:.0f}", "end": f"{now:.0f}"}
        data = await self._get("label/__name__/values", **span)
        found: Iterable[str]
        try:
            if data is not None:
                found = msgspec.json.decode(data, type=list[str])
            else:
                wanted = "|".join(sorted(_of_presets()))
                match = f"{{__name__=~{quote(wanted)}}}"
                data = await self._get("series", **{"match[]": match}, **span)
                series = msgspec.json.decode(data or b"", type=list[dict[str, str]])
                found = {metric.get("__name__", "") for metric in series}
        except msgspec.DecodeError:
            raise SourceFormatError(
                f"{self._api.shown}: it tells neither the names of its metrics nor its series"
            ) from None
        shown = await asyncio.to_thread(_as_presets_write, found)
        return shown

    async def fit(self, finding: Finding, shown: set[str]) -> Fit:
        """How many series and instances a preset would count."""
        shape = presets.load(finding.preset)
        names = {name for rule in shape.metrics for name in rule.names} & shown
        if not finding.score or not names:
            return Fit(finding, 0, 0, (), frozenset(names))
        pattern = "|".join(sorted(name.replace("_", "[._]") for name in names | _natives(names)))
        query = f"count by (job, instance) ({{__name__=~{quote(pattern)}}})"
        result = await self._api.instant(query, round(time.time() * 1000))
        series = 0
        instances: set[str] = set()
        jobs: set[str] = set()
        for row in result.rows:
            series += _whole(row.value)
            jobs.add(row.metric.get("job", ""))
            instances.add(row.metric.get("instance", ""))
        return Fit(finding, series, len(instances), tuple(sorted(jobs)), frozenset(names))


def _whole(value: tuple[float, str] | None) -> int:
    try:
        return int(float(value[1])) if value else 0
    except (ValueError, OverflowError):
        return 0


def _of_presets() -> set[str]:
    found: set[str] = set()
    for name in presets.names():
        shape = presets.load(name)
        found.update(metric for rule in shape.metrics for metric in rule.names)
        found.add(shape.version[0])
    return {name for name in found if name}


def _natives(names: Iterable[str]) -> set[str]:
    return {name.removesuffix("_sum").removesuffix("_count") for name in names}


def _as_presets_write(found: Iterable[str]) -> set[str]:
    """Dots as underscores, and a native histogram under the names that a classic one has."""
    shown = {name.replace(".", "_") for name in found}
    for name in _of_presets() - shown:
        for suffix in ("_sum", "_count"):
            if name.endswith(suffix) and name.removesuffix(suffix) in shown:
                shown.add(name)
    return shown


def snippet(found: Found, more: Mapping[str, str]) -> list[str]:
    """What to write into the configuration: a source for each preset that would count money or
    tokens, unless one before counts the same metrics. `more`: keys that each of them has too."""
    lines: list[str] = []
    taken: set[str] = set()
    for fit in found.fits:
        if fit.finding.score < 50 or not fit.series or fit.names & taken:
            continue
        taken |= fit.names
        lines += [
            f"  - name: {fit.finding.preset}",
            "    type: prometheus",
            f"    preset: {fit.finding.preset}",
            f"    url: {_quoted(found.url)}",
        ]
        if len(fit.jobs) == 1 and fit.jobs[0]:
            lines.append(f"    match: {_quoted(f'job={quote(fit.jobs[0])}')}")
        lines += [f"    {key}: {value}" for key, value in more.items()]
    return ["To collect it, in the configuration:", "", "sources:", *lines] if lines else []


def _quoted(text: str) -> str:
    """A YAML scalar."""
    return "'" + visible(text, 300).replace("'", "''") + "'"
