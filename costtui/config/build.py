"""Values of the file → the dataclasses of `schema`, and what keys mean beside each other."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from costtui.config import matchers
from costtui.config.checks import Checks, direct
from costtui.config.doubles import as_counted, elsewhere, exclude, place_of
from costtui.config.durations import duration_text
from costtui.config.keys import CONSUMER, PRICE, RETENTION
from costtui.config.presets import preset_types
from costtui.config.reader import Value, Values
from costtui.config.schema import (
    RATE_KEYS,
    Consumer,
    PriceOverride,
    QueryConfig,
    Retention,
    ServiceMapping,
    SourceConfig,
)
from costtui.config.sections import Section
from costtui.config.source_keys import QUERY, SERVERS, SERVICE, SOURCE
from costtui.config.words import quoted

JSONL_INTERVAL = 1.0
"""Seconds; a log is looked at with one stat() a file, a page costs the gateway a rendering."""

PROMETHEUS_SINCE = 30 * 86_400
"""Seconds of a server's history that are read where nothing else is said; its own default is to
keep 15 days."""

PAGE_EXAMPLE = "http://host:port/metrics"
SERVICES = ("llm", "infrastructure")


class Builder(Checks):
    """Builds what is read, priced and kept."""

    def retention(self, values: Values) -> Retention:
        kept = Retention(**_direct(values, RETENTION))
        for finer, coarser in (("minute", "hour"), ("hour", "day")):
            long: int | None = getattr(kept, coarser)
            short: int | None = getattr(kept, finer)
            if long is not None and (short is None or short > long):
                named = finer if finer in values else coarser
                spelled = "forever" if short is None else duration_text(short)
                message = f"{finer} ({spelled}) must not be kept longer than {coarser}"
                self._wrong(values, named, f"{message} ({duration_text(long)})")
        return kept

    def sources(self, entries: list[Value]) -> tuple[SourceConfig, ...]:
        built = [(entry.data, self._source(entry.data)) for entry in entries]
        self._once(entries, "name", "source")
        made = [source for _, source in built]
        built = [
            (v, s if "gateway" in v or "gateway_labels" in v else as_counted(s, made))
            for v, s in built
        ]
        counting: dict[str, Values] = {}
        for values, source in built:
            if source.role != "count" or not source.gateway or "role" in values.broken:
                continue
            first = counting.setdefault(source.gateway, values)
            if first is not values:
                named = "gateway" if "gateway" in values else "name"
                place = first.line_of("gateway" if "gateway" in first else "name")
                self._wrong(
                    values,
                    named,
                    f"the gateway {quoted(source.gateway)} is already counted by {first.key} on"
                    f" line {place}: give one of them another gateway, or role: reconcile",
                )
        places: dict[tuple[object, ...], list[tuple[str, Values]]] = {}
        for values, source in built:
            place_key = place_of(source)
            if place_key is None or values.broken:
                continue
            others = places.setdefault(place_key, [])
            same = [v for match, v in others if not exclude(match, source.match)]
            if same:
                twin = f"{same[0].key} on line {same[0].line_of('name')}"
                message = f"{twin} counts the same page: give one of them role: reconcile"
                if source.type == "prometheus":
                    message = (
                        f"{twin} may count the same series of this server: give each a match: that"
                        ' excludes the other (job="a", job="b"), or one of them role: reconcile'
                    )
                self._wrong(values, "url", message)
            others.append((source.match, values))
        return elsewhere(source for _, source in built)

    def _source(self, values: Values) -> SourceConfig:
        kind = values.get("type", "")
        fields = _direct(values, SOURCE)
        fields.setdefault("name", "")
        fields.setdefault("type", kind)
        fields.setdefault("gateway", fields["name"])
        if kind == "jsonl":
            fields.setdefault("interval", JSONL_INTERVAL)
            paths = tuple(value.data for value in values.get("paths", []))
            fields["paths"] = paths or ((values.get("path"),) if values.get("path") else ())
        fields["gateway_labels"] = tuple(v.data for v in values.get("gateway_labels", []))
        fields["gateways"] = tuple((k, v.data) for k, v in values.get("gateways", {}).items())
        fields["queries"] = tuple(_query(value) for value in values.get("queries", []))
        fields["headers"] = tuple((name, v.data) for name, v in values.get("headers", {}).items())
        fields["services"] = tuple(
            (name, _service(value)) for name, value in values.get("services", {}).items()
        )
        fields["bearer_token"] = values.get("bearer_token") or values.get("bearer_token_file")
        fields["password"] = values.get("password") or values.get("password_file")
        fields["key_password"] = values.get("key_password") or values.get("key_password_file")
        if kind:
            self._source_keys(values, kind)
        if kind in SERVERS:
            self._login(values)
        if kind == "prometheus":
            self._prometheus(values, fields)
        if kind in SERVERS and values.get("gateways") and not fields["gateway_labels"]:
            self._wrong(values, "gateways", "needs gateway_labels: which label has such values?")
        return SourceConfig(**fields)

    def _prometheus(self, values: Values, fields: dict[str, Any]) -> None:
        """What a source that asks a server has of its own."""
        if "since" not in values:
            fields["since"] = PROMETHEUS_SINCE
        queries = values.get("queries")
        if not (queries or "gateway" in values or "gateway_labels" in values):
            fields["gateway_labels"] = ("instance",)
        match = str(fields.get("match", "")).strip()
        if match.startswith("{") and match.endswith("}"):
            match = match[1:-1].strip()
        fields["match"] = match.rstrip(",")
        if reason := matchers.wrong(match):
            self._wrong(values, "match", reason)
        other = "preset" if values.get("preset") else "fields" if values.get("fields") else ""
        if queries and other:
            self._wrong(values, "queries", f"stands alone: give {other} another source")
        if queries and fields.get("mode") == "aggregate":
            self._wrong(
                values, "mode", "means nothing for queries, which the server adds up anyway"
            )
        if queries and match:
            self._wrong(values, "match", "means nothing for queries: write it into the PromQL")
        for value in queries or []:
            twice = {*value.data.get("dimensions", {})} & {*value.data.get("values", {})}
            fixed = value.data.get("values", {})
            for name in sorted(twice):
                message = "is both a label and a fixed value"
                self._problems.add(fixed[name].line, f"{value.key}.values.{name}", message)
            service = fixed.get("service")
            if service is not None and service.data not in SERVICES:
                message = f"{quoted(service.data)} is not one of {', '.join(SERVICES)}"
                self._problems.add(service.line, f"{value.key}.values.service", message)

    def _source_keys(self, values: Values, kind: str) -> None:
        for name in [*values.given, *values.broken]:
            only = SOURCE.by_name[name].only
            if only and kind not in only:
                meant = " or ".join(only)
                self._wrong(values, name, f"is for type: {meant}, and this is type: {kind}")
        preset = values.get("preset", "")
        wants = "metrics" if kind == "prometheus" else kind
        if preset and preset_types().get(preset) != wants:
            message = f"{quoted(preset)} is for type: {preset_types().get(preset)}"
            self._wrong(values, "preset", f"{message}, and this is type: {kind}")
        described = values.get("fields") or "fields" in values.broken or values.get("queries")
        if "preset" not in values and not described:
            ways = "name a preset, or describe the fields:"
            if kind == "prometheus":
                ways = "name a preset, describe the fields:, or write queries:"
            self._wrong(values, "preset", f"is missing: {ways}")
        if kind == "jsonl":
            if "path" in values and "paths" in values:
                self._wrong(values, "path", "give path or paths, not both")
            if "path" not in values and not values.get("paths") and "paths" not in values.broken:
                self._wrong(values, "paths", "is missing: which files are to be read?")
        elif "url" not in values:
            what = "page is to be scraped" if kind == "metrics" else "server is to be asked"
            self._wrong(values, "url", f"is missing: which {what}?")

    def _login(self, values: Values) -> None:
        url: str = values.get("url", "")
        example = "http://host:9090" if values.get("type") == "prometheus" else PAGE_EXAMPLE
        if url and (reason := _bad_url(url, example)):
            # The filled-in text may hold a secret, so the message never repeats it.
            self._wrong(values, "url", reason)
        for name in ("bearer_token", "password", "key_password"):
            self._not_both(values, name)
        token = "bearer_token" if "bearer_token" in values else "bearer_token_file"
        if token in values and "username" in values:
            self._wrong(values, token, "give a bearer token or a user name, not both")
        password = "password" if "password" in values else "password_file"
        if password in values and "username" not in values:
            self._wrong(values, password, "needs a username")
        if "username" in values and password not in values:
            self._wrong(values, "username", "needs password or password_file")
        if values.get("insecure") and "ca_file" in values:
            self._wrong(values, "ca_file", "means nothing beside insecure: true")
        self._client_certificate(values)
        self._headers(values)

    def _client_certificate(self, values: Values) -> None:
        for name in ("key_file", "key_password", "key_password_file"):
            if name in values and "cert_file" not in values:
                self._wrong(values, name, "needs cert_file")
        if "cert_file" in values and values.get("url", "").startswith("http:"):
            self._wrong(values, "cert_file", "means nothing for an http:// url")

    def prices(self, entries: list[Value]) -> tuple[PriceOverride, ...]:
        return tuple(self._price(entry.data) for entry in entries)

    def _price(self, values: Values) -> PriceOverride:
        scale = 1000 if values.get("unit") == "1K" else 1
        rates = tuple((r, values.get(r) * scale) for r in RATE_KEYS if r in values.given)
        written = [r for r in RATE_KEYS if r in values]
        ways = [
            *(["rates"] if written else []),
            *(["per_request"] if "per_request" in values else []),
            *(["free"] if values.get("free") or "free" in values.broken else []),
        ]
        if not ways:
            named = "model" if "model" in values else "provider"
            message = "has no price: give rates (input, output, …), per_request or free: true"
            self._problems.add(values.line_of(named), values.key, message)
        if len(ways) > 1:
            message = f"is priced in {len(ways)} ways ({', '.join(ways)}): one is enough"
            self._problems.add(values.line, values.key, message)
        if "unit" in values and not written:
            self._wrong(values, "unit", "means nothing without rates")
        start, until = values.get("from"), values.get("until")
        if start and until and until <= start:
            self._wrong(values, "until", f"must be after from ({start})")
        return PriceOverride(**_direct(values, PRICE), rates=rates, line=values.line)

    def consumers(self, entries: dict[str, Value]) -> tuple[tuple[str, Consumer], ...]:
        return tuple(
            (
                name,
                Consumer(
                    **_direct(entry.data, CONSUMER),
                    tags=tuple((k, v.data) for k, v in entry.data.get("tags", {}).items()),
                ),
            )
            for name, entry in entries.items()
        )


def _direct(values: Values, section: Section) -> dict[str, Any]:
    return direct(values, section, _COMPOSED.get(id(section), ()))


_COMPOSED = {
    id(SOURCE): {
        *("paths", "path", "headers", "services"),
        *("bearer_token", "bearer_token_file", "password", "password_file"),
        *("gateway_labels", "gateways", "queries"),
        *("key_password", "key_password_file"),
    },
    id(QUERY): {"dimensions", "values"},
    id(PRICE): {"unit", *RATE_KEYS},
    id(CONSUMER): {"tags"},
}
"""Keys that the builder puts together itself."""


def _query(value: Value) -> QueryConfig:
    fields = _direct(value.data, QUERY)
    fields.setdefault("query", "")
    fields.setdefault("quantity", "cost")
    for name in ("dimensions", "values"):
        fields[name] = tuple((k, v.data) for k, v in value.data.get(name, {}).items())
    return QueryConfig(**fields)


def _service(value: Value) -> ServiceMapping:
    fields = _direct(value.data, SERVICE)
    fields.setdefault("provider", "")
    return ServiceMapping(**fields)


def _bad_url(url: str, example: str) -> str:
    """Why `url` cannot be scraped, or ""."""
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, "@" in parts.netloc
        _ = parts.port
    except ValueError:
        return f"is not a URL: write {example}"
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in url):
        return f"is not a URL: write {example}"
    if user:
        return "must not hold a user or password: use username and password"
    return "must not have a #fragment" if parts.fragment else ""
