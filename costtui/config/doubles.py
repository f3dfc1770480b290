"""Which sources would count the same traffic, as far as the configuration tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from costtui.config.schema import Elsewhere, SourceConfig

_PAGES = re.compile(r"(/api/v1)?(/query(_range)?)?/*$|/(graph|vmui)/*$")
"""What people copy behind a server's URL."""


def server_of(source: SourceConfig) -> tuple[object, ...] | None:
    """What a source counts of which server; None where that is not for the preset to say."""
    if source.type != "prometheus" or source.role != "count" or not source.preset:
        return None
    try:
        path = _PAGES.sub("", urlsplit(source.url).path)
    except ValueError:
        return None
    # The same address may hold another tenant's series for each header or login.
    headers = tuple((name.lower(), value.reveal()) for name, value in source.headers)
    login = (source.username, source.bearer_token and source.bearer_token.reveal())
    return (host_of(source.url), path, source.preset, headers, login)


def host_of(url: str) -> str:
    """`host:port` of a URL as Prometheus's `instance` label has it, or ""."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = "127.0.0.1" if parts.hostname in ("localhost", "::1") else parts.hostname
    return f"{host}:{port}" if host else ""


def elsewhere(sources: Iterable[SourceConfig]) -> tuple[SourceConfig, ...]:
    """`sources`, those that ask a Prometheus told what the others count."""
    known = list(sources)
    counting = [
        Elsewhere(
            source.name,
            "" if source.gateway_labels else source.gateway,
            host_of(source.url) if source.type == "metrics" else "",
        )
        for source in known
        if source.role == "count"
        and (source.type == "metrics" or not source.gateway_labels)
        and any(other.type == "prometheus" for other in known)
    ]
    return tuple(
        replace(source, elsewhere=tuple(e for e in counting if e.source != source.name))
        if source.type == "prometheus"
        else source
        for source in known
    )
