"""Reports for people: plain text of at most 78 columns, as one pastes it into a mail.

No colours, no box drawing. The marks `≥` and `~` become `>=` and `~` where the output cannot
encode them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from costtui.cli import report_compared
from costtui.cli.alerts_mute import in_words
from costtui.cli.report_query import Report, Table
from costtui.cli.report_words import WIDTH, cut, fit, moment, safe, share, usd
from costtui.model.charge import Exactness
from costtui.model.money import divide_half_even
from costtui.model.quantity import quantity_text
from costtui.model.safetext import redact, visible
from costtui.model.snapshot import SourceStatus, Totals, UnpricedModel
from costtui.model.usage import TOKEN_TYPES

_NAME: Final = 30
_LABEL: Final = 26
Names = Mapping[str, str]
_KINDS: Final = {
    "input": "input",
    "cache_read": "cache read",
    "cache_write": "cache write",
    "cache_write_1h": "cache write, 1 hour",
    "output": "output",
    "reasoning": "reasoning",
}
_SHOWN_MODELS: Final = 20
"""Unpriced models that are listed; the rest is counted."""


def to_text(report: Report, format_name: str, encoding: str) -> str:
    """The report as `summary`, `detailed` or `hourly`, with only what `encoding` can say."""
    lines = list(_lines(report, format_name))
    text = "\n".join(lines) + "\n"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        # A mark in a table has a space before it, which pays for the second character.
        plain = text.replace(" ≥", ">=").replace("≥", ">=").replace("…", ".")
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _lines(report: Report, format_name: str) -> Iterator[str]:
    window = report.view.window
    yield f"LLM costs, {moment(window.start, report.zone)} to {moment(window.end, report.zone)}"
    for step in report.view.filters:
        yield cut(f"Only: {visible(redact(str(step)), WIDTH)}", WIDTH)
    yield "=" * WIDTH
    if report.only_compared:
        yield from report_compared.to_text(report)
        return
    total = report.total
    yield from _totals(total)
    if format_name == "hourly":
        yield from _hours(report)
    for table in report.tables:
        yield from _table(table, total, report.names)
    if format_name == "detailed":
        for table in report.tables:
            if "model" in table.by:
                yield from _kinds(table, report.names)
    yield from _unpriced(report.unpriced)
    yield from _inexact(total)
    yield from report_compared.to_text(report)
    yield from _alerts(report)
    yield from _sources(report.statuses, report.now)


def _totals(total: Totals) -> Iterator[str]:
    mark = total.exactness
    yield _line("Total cost", usd(total.effective_nano, mark))
    if total.list_nano != total.effective_nano:
        unknown = bool(total.unpriced_requests or total.unpriced_tokens)
        lower = Exactness.LOWER_BOUND if unknown else Exactness.EXACT
        yield _line("  at list price", usd(total.list_nano, lower))
    if total.reported_nano and total.reported_nano != total.effective_nano:
        yield _line("  reported by the sources", usd(total.reported_nano))
    yield _line("Requests", f"{total.requests:,}")
    if total.requests:
        failed = share(total.errors, total.requests)
        limited = share(total.throttled, total.requests)
        yield _line("  errors", f"{total.errors:,} ({failed})")
        yield _line("  rate limited (429)", f"{total.throttled:,} ({limited})")
    yield _line("Tokens", f"{total.tokens:,}")
    for kind in TOKEN_TYPES:
        count = getattr(total, kind)
        if count:
            yield _line(f"  {_KINDS[kind]}", f"{count:,}")
    if total.requests:
        each = divide_half_even(total.effective_nano, total.requests)
        yield _line("Average cost per request", usd(each, mark, 6))
    if total.tokens:
        each = divide_half_even(total.effective_nano * 1000, total.tokens)
        yield _line("Average cost per 1K tokens", usd(each, mark, 6))


def _table(table: Table, total: Totals, names: Names) -> Iterator[str]:
    yield ""
    yield _row("Cost by " + ", ".join(table.by), "cost", "share", "requests", "tokens")
    yield "-" * WIDTH
    for key, totals in table.rows:
        yield _usage(_name(table.by, key, names), totals, total)
    if table.other is not None:
        yield _usage(f"({table.left_out} more)", table.other, total)
    if not table.rows:
        yield "(no usage)"


def _usage(name: str, totals: Totals, total: Totals) -> str:
    return _row(
        name,
        _cost(totals),
        share(totals.effective_nano, total.effective_nano),
        f"{totals.requests:,}",
        f"{totals.tokens:,}",
    )


def _kinds(table: Table, names: Names) -> Iterator[str]:
    yield ""
    yield f"{fit('Tokens by ' + ', '.join(table.by), _NAME)}{'input':>12}{'cached':>12}" + (
        f"{'output':>12}{'reasoning':>12}"
    )
    yield "-" * WIDTH
    for key, totals in table.rows:
        cached = totals.cache_read + totals.cache_write + totals.cache_write_1h
        yield fit(_name(table.by, key, names), _NAME) + "".join(
            f"{count:>12,}" for count in (totals.input, cached, totals.output, totals.reasoning)
        )


def _hours(report: Report) -> Iterator[str]:
    yield ""
    yield _row("Hour", "cost", "share", "requests", "tokens")
    yield "-" * WIDTH
    total = report.total
    for start, totals in report.hours:
        yield _usage(moment(start, report.zone), totals, total)


def _unpriced(models: tuple[UnpricedModel, ...]) -> Iterator[str]:
    if not models:
        return
    yield ""
    yield f"{fit('Without a price, in no total', 48)}{'requests':>14}{'tokens':>16}"
    yield "-" * WIDTH
    for each in models[:_SHOWN_MODELS]:
        name = _name(("provider", "model"), (each.provider, each.model), {})
        yield f"{fit(name, 48)}{each.requests:>14,}{each.tokens:>16,}"
    if len(models) > _SHOWN_MODELS:
        yield f"({len(models) - _SHOWN_MODELS} more)"


def _inexact(total: Totals) -> Iterator[str]:
    reasons: list[str] = []
    if total.unpriced_requests or total.unpriced_tokens:
        reasons.append(
            f"≥ {total.unpriced_requests:,} requests and {total.unpriced_tokens:,} tokens have no"
            " known price"
        )
    if total.lower_bounds:
        reasons.append(f"≥ {total.lower_bounds:,} times a counter was lost or reset")
    if total.estimated_requests or total.estimated_nano:
        reasons.append(
            f"~ {usd(total.estimated_nano)} of {total.estimated_requests:,} requests is estimated:"
            " a price per request,"
        )
        reasons.append(
            "  a guess of the source, a sum of its server, or a counter of a tiered model"
        )
    if reasons:
        yield ""
        yield "What is not exact"
        yield "-" * WIDTH
        yield from reasons


def _alerts(report: Report) -> Iterator[str]:
    told = [a for a in report.alerts if a.state in ("pending", "firing")]
    if not told:
        return
    yield ""
    yield "Alerts"
    yield "-" * WIDTH
    for alert in sorted(told, key=lambda a: (a.state != "firing", a.rule, a.labels)):
        value = quantity_text(alert.unit, alert.value, alert.exactness)
        limit = quantity_text(alert.unit, alert.limit)
        said, rule = (
            f"{alert.state:8} {value} of {limit} in {alert.window}: ",
            visible(alert.rule, 40),
        )
        # What it is of, then a budget's step; where that is too long, the values alone, and less
        # of the rule's name: the labels tell lines of one rule apart.
        labels = sorted(alert.labels, key=lambda pair: pair[0] == "step")
        shown = [(name, safe(name, text)) for name, text in labels]
        where = ", ".join(f"{name}={text}" for name, text in shown)
        if len(said) + len(rule) + len(where) + 3 > WIDTH:
            where = ", ".join(text or "(none)" for _, text in shown)
            rule = cut(rule, max(8, WIDTH - len(said) - len(where) - 3))
        yield cut(f"{said}{rule} ({where})" if where else said + rule, WIDTH)
        for mute in report.mutes.get((alert.rule, alert.labels), ()):
            yield cut(f"{'':9}{in_words(mute, report.zone)}", WIDTH)


def _sources(statuses: tuple[SourceStatus, ...], now: float) -> Iterator[str]:
    told = [s for s in statuses if s.error or not s.last_ok or s.skipped]
    if not told:
        return
    yield ""
    yield "Sources that may miss something"
    yield "-" * WIDTH
    for status in told:
        name = visible(status.name, 30)
        if status.error:
            yield cut(f"{name}: {visible(redact(status.error), 200)}", WIDTH)
        if not status.last_ok:
            yield f"{name}: never read yet"
        elif status.error:
            yield f"{name}: last read {_ago(now - status.last_ok)} ago"
        if status.skipped:
            yield f"{name}: {status.skipped:,} lines or samples could not be read"


def _ago(seconds: float) -> str:
    whole = max(int(seconds), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= 2 * size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def _cost(totals: Totals) -> str:
    """The cost of a row; usage that has no price at all does not look like $0."""
    if not totals.effective_nano and (totals.unpriced_requests or totals.unpriced_tokens):
        return "unpriced"
    return usd(totals.effective_nano, totals.exactness)


def _line(label: str, value: str) -> str:
    return f"{label:{_LABEL}}{value:>24}"


def _row(name: str, cost: str, share: str, requests: str, tokens: str) -> str:
    """One line of a table; a long name is cut, never a number."""
    numbers = f" {cost:>14} {share:>7} {requests:>10} {tokens:>13}"
    return fit(name, WIDTH - len(numbers)) + numbers


def _name(by: Iterable[str], key: Iterable[str], names: Names) -> str:
    parts = []
    for dimension, value in zip(by, key, strict=True):
        if dimension == "consumer":
            value = names.get(value, value)
        parts.append(safe(dimension, value) or "(none)")
    return " / ".join(parts)
