"""Which sources would count the same traffic, as far as the configuration tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from costtui.config.matchers import MATCHER
from costtui.config.schema import Elsewhere, SourceConfig

_PAGES = re.compile(r"(/api/v1)?(/query(_range)?)?/*$|/(graph|vmui)/*$")
"""What people copy behind a server's URL."""


def address_of(source: SourceConfig) -> tuple[object, ...] | None:
    """Which page or server a source counts from; None where that cannot be told twice."""
    if source.type == "jsonl" or source.role != "count" or source.queries:
        return None
    try:
        parts = urlsplit(source.url)
    except ValueError:
        return None
    path = _PAGES.sub("", parts.path) if source.type == "prometheus" else parts.path
    # The same address may hold another tenant's series for each header or login.
    headers = tuple((name.lower(), value.reveal()) for name, value in source.headers)
    login = (source.username, source.bearer_token and source.bearer_token.reveal())
    where = (source.type, host_of(source.url), path, parts.query, source.unix_socket)
    return (*where, headers, login)


def place_of(source: SourceConfig) -> tuple[object, ...] | None:
    """What a source counts of which page or server; None where that cannot be told twice."""
    address = address_of(source)
    return address and (*address, source.preset, repr(source.fields))


def exclude(first: str, second: str) -> bool:
    """Can no series meet both lists of label matchers? Where that cannot be told, False."""
    return any(
        _contradict(op, value, other_op, other)
        for label, op, value in _parsed(first)
        for other_label, other_op, other in _parsed(second)
        if label == other_label
    )


def _parsed(match: str) -> list[tuple[str, str, str]]:
    """(label, operator, value) of each matcher."""
    return [(m[1], m[2], m[3][1:-1].replace("\\", "")) for m in MATCHER.finditer(match)]


def _contradict(op: str, value: str, other_op: str, other: str) -> bool:
    pair = {op: value, other_op: other}
    if op == other_op:
        words = [_words(op, text) for text in (value, other)]
        return op in ("=", "=~") and all(words) and words[0].isdisjoint(words[1])
    if "=" not in pair:
        return "=~" in pair and pair["=~"] == pair.get("!~")
    if "!=" in pair:
        return value == other
    try:
        fits = re.fullmatch(pair.get("=~", pair.get("!~", "")), pair["="]) is not None
    except re.error:  # RE2 has syntax of its own
        return False
    return fits == ("!~" in pair)


def _words(op: str, text: str) -> set[str]:
    """The values that a matcher allows, where they are plain words; else none."""
    words = {text} if op == "=" else set(text.split("|"))
    return words if op == "=" or all(re.fullmatch(r"[\w:/-]+", word) for word in words) else set()


def host_of(url: str) -> str:
    """`host:port` of a URL as Prometheus's `instance` label has it, or ""."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = "127.0.0.1" if parts.hostname in ("localhost", "::1") else parts.hostname
    return f"{host}:{port}" if host else ""


def as_counted(source: SourceConfig, sources: Iterable[SourceConfig]) -> SourceConfig:
    """A page that is only compared, under the name by which a Prometheus that counts it has it."""
    host = host_of(source.url)
    if source.type != "metrics" or source.role == "count" or not host:
        return source
    for other in sources:
        if other.type == "prometheus" and other.role == "count":
            if other.gateway_labels[:1] != ("instance",):
                continue
            names = (name for glob, name in other.gateways if fnmatchcase(host, glob))
            return replace(source, gateway=next(names, host))
    return source


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
