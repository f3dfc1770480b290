"""What is on screen as a table of values: the same rows, in the same order, in full precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from costtui.analysis.blame import Contribution
from costtui.analysis.reconcile import difference, verdict
from costtui.model.charge import CostBasis
from costtui.model.comparison import Compared
from costtui.model.cross import Cross
from costtui.model.fleet import GatewayUsage
from costtui.model.money import decimal_text
from costtui.model.movement import BY
from costtui.model.quantity import quantity_text
from costtui.model.snapshot import (
    AlertChange,
    AlertStatus,
    Group,
    RequestRow,
    SourceStatus,
    Totals,
    View,
)
from costtui.model.timewindow import Window
from costtui.model.usage import TOKEN_TYPES
from costtui.tui.curves import Curves
from costtui.tui.told import Told
from costtui.tui.widgets.request_table import NANOSECONDS

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of named values. Money is nano-USD as an integer and USD as decimal text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    view: View

    @property
    def window(self) -> tuple[str, str]:
        """Start and end of the window, ISO 8601 in UTC."""
        return iso(self.view.window.start), iso(self.view.window.end)


def iso(seconds: float) -> str:
    """Epoch seconds → `2026-11-22T10:57:03Z`; empty for 0."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


_TOTALS: tuple[tuple[str, Callable[[Totals], Value]], ...] = (
    ("cost", lambda t: decimal_text(t.effective_nano)),
    ("cost_nano", lambda t: t.effective_nano),
    ("exactness", lambda t: t.exactness.word),
    ("list_cost_nano", lambda t: t.list_nano),
    ("requests", lambda t: t.requests),
    ("errors", lambda t: t.errors),
    ("throttled", lambda t: t.throttled),
    ("tokens", lambda t: t.tokens),
    *((f"tokens_{kind}", lambda t, kind=kind: int(getattr(t, kind))) for kind in TOKEN_TYPES),
    ("unpriced_requests", lambda t: t.unpriced_requests),
    ("unpriced_tokens", lambda t: t.unpriced_tokens),
)


def groups(
    view: View, dimension: str, rows: Sequence[Group], consumer: Callable[[str], str]
) -> Sheet:
    """A panel. `consumer` gives the name of a consumer id, here and below."""
    named = dimension == "consumer"
    return Sheet(
        dimension,
        (dimension, *(("consumer_name",) if named else ()), *(n for n, _ in _TOTALS),
         "previous_cost_nano", "previous_requests"),
        tuple(
            (g.key, *((consumer(g.key),) if named else ()), *(f(g.totals) for _, f in _TOTALS),
             g.previous.effective_nano, g.previous.requests)
            for g in rows
        ),
        view,
    )  # fmt: skip


def cross(
    found: Cross, rows: Sequence[str], columns: Sequence[str], named: Callable[[str, str], str]
) -> Sheet:
    """The whole heat table in long form, one line a cell with usage now or before, in the order of
    the screen. `named` gives what a value is called."""
    axes = (found.rows, found.columns)
    people = [axis == "consumer" for axis in axes]

    def names(pair: tuple[str, str]) -> tuple[Value, ...]:
        name = [
            named("consumer", v) if v else "" for v, who in zip(pair, people, strict=True) if who
        ]
        return (*pair, *(n if n not in pair else "" for n in name))

    none = Totals()
    at = {key: number for number, key in enumerate(rows)}
    across = {key: number for number, key in enumerate(columns)}
    pairs = sorted(
        {**found.cells, **found.previous}, key=lambda pair: (at[pair[0]], across[pair[1]])
    )
    return Sheet(
        f"{found.rows}-by-{found.columns}".replace(":", "-").replace("/", "-"),
        (*axes, *(("consumer_name",) if any(people) else ()), *(n for n, _ in _TOTALS),
         "previous_cost_nano", "previous_requests", "previous_tokens"),
        tuple(
            (*names(pair), *(f(found.cells.get(pair, none)) for _, f in _TOTALS),
             *_before(found.previous.get(pair, none)))
            for pair in pairs
        ),
        found.view,
    )  # fmt: skip


def _before(totals: Totals) -> tuple[Value, ...]:
    return totals.effective_nano, totals.requests, totals.tokens


def fleet(view: View, rows: Sequence[GatewayUsage]) -> Sheet:
    """Gateways over the usual periods; the last row is their sum and has no name."""
    periods: tuple[tuple[str, Callable[[GatewayUsage], Totals]], ...] = (
        ("hour", lambda g: g.hour), ("24h", lambda g: g.day), ("7d", lambda g: g.week),
        ("30d", lambda g: g.month),
    )  # fmt: skip
    last = len(rows) - 1
    return Sheet(
        "gateways",
        ("row", "gateway", *(n for n, _ in _TOTALS), "previous_cost_nano", "previous_requests",
         *(f"cost_nano_{name}" for name, _ in periods),
         *(f"tokens_{name}" for name, _ in periods), "sources"),
        tuple(
            ("total" if at == last else "gateway", g.key, *(f(g.window) for _, f in _TOTALS),
             g.previous.effective_nano, g.previous.requests,
             *(of(g).effective_nano for _, of in periods), *(of(g).tokens for _, of in periods),
             " ".join(g.sources))
            for at, g in enumerate(rows)
        ),
        view,
    )  # fmt: skip


def compared(view: View, rows: Sequence[Compared]) -> Sheet:
    """What counts beside what reconciling sources saw. Without a common stretch `start` and `end`
    are empty, the sums are of the window, and there is no difference."""
    return Sheet(
        "reconciled",
        ("gateway", "seen_by", "counted_by", "start", "end", "verdict", "counted_cost_nano",
         "counted_exactness", "seen_cost_nano", "seen_exactness", "difference_cost_nano",
         "counted_tokens", "seen_tokens", "difference_tokens", "counted_requests",
         "seen_requests", "difference_requests"),
        tuple(
            (r.gateway, r.source, " ".join(r.counting), iso(r.start), iso(r.end),
             verdict(r).value, r.counted.effective_nano, r.counted.exactness.word,
             r.seen.effective_nano, r.seen.exactness.word, off.cost_nano if r.covered else None,
             r.counted.tokens, r.seen.tokens, off.tokens if r.covered else None,
             r.counted.requests, r.seen.requests, off.requests if r.covered else None)
            for r in rows
            for off in (difference(r),)
        ),
        view,
    )  # fmt: skip


def chart(
    view: View,
    spent: Sequence[int],
    requests: Sequence[int],
    gaps: frozenset[int],
    tokens: Sequence[int] = (),
    unpriced: Sequence[int] = (),
) -> Sheet:
    """The chart: one row a bucket, clipped to the window; a gap has no value."""
    rows = []
    for index, (start, end) in enumerate(_buckets(view)):
        gap = index in gaps
        empty = gap and not spent[index]
        used = None if empty or not tokens else tokens[index]
        rows.append((
            start, end,
            None if empty else decimal_text(spent[index]), None if empty else spent[index],
            None if empty else requests[index], int(gap), used,
            None if empty or not unpriced else unpriced[index],
        ))  # fmt: skip
    return Sheet(
        "chart",
        ("start", "end", "cost", "cost_nano", "requests", "gap", "tokens", "unpriced_tokens"),
        tuple(rows), view,
    )  # fmt: skip


def curves(view: View, made: Curves) -> Sheet:
    """A chart of several series: one row a bucket and series. `amount` is nano-USD where `unit` is
    `cost`, nano-USD per 1M tokens where it is `rate`. The period before is a series, too."""
    series = [(layer.name or made.kind, layer.values) for layer in made.layers]
    if made.before:
        series.append(("the period before", made.before))
    rows = tuple(
        (start, end, name, made.unit,
         None if index in made.gaps and not made.totals[index] else values[index])
        for index, (start, end) in enumerate(_buckets(view))
        for name, values in series
    )  # fmt: skip
    return Sheet(f"chart-{made.kind}", ("start", "end", "series", "unit", "amount"), rows, view)


def forecast(told: Told, consumer: Callable[[str], str]) -> Sheet:
    """The month by group, and all of it with its band. A group has none: its share is a share."""
    outlook, end = told.outlook, told.end
    named = outlook.dimension == "consumer"
    rows = [
        (
            "total" if row.total else "group", row.key, consumer(row.key) if named else "",
            decimal_text(row.end_nano) if told.known else None,
            row.end_nano if told.known else None,
            end.low if row.total and told.known else None,
            end.high if row.total and told.known else None,
            row.group.to_date.effective_nano, row.group.to_date.exactness.word,
            row.group.week.effective_nano, iso(outlook.until),
        )
        for row in (*told.rows, told.all_rows)
    ]  # fmt: skip
    return Sheet(
        "forecast",
        ("row", outlook.dimension, "consumer_name", "month_end", "month_end_nano",
         "month_end_low_nano", "month_end_high_nano", "to_date_nano", "to_date_exactness",
         "last_7d_nano", "until"),
        tuple(rows), outlook.view,
    )  # fmt: skip


def forecast_line(told: Told) -> Sheet:
    """What will have been spent this month at each hour from now on."""
    spent = told.outlook.to_date.effective_nano
    rows = tuple(
        (iso(end), *estimate.plus(spent))
        for end, estimate in zip(told.forecast.ends, told.forecast.path, strict=True)
        if end <= told.outlook.until and told.known
    )
    columns = ("until", "cost_nano", "low_nano", "high_nano")
    return Sheet("forecast-line", columns, rows, told.outlook.view)


def _buckets(view: View) -> list[tuple[str, str]]:
    """(start, end) of each bucket of the window, clipped to it."""
    window = view.window
    return [
        (iso(max(b, window.start)), iso(min(b + window.step, window.end))) for b in window.buckets()
    ]


def alerts(view: View, rows: Sequence[AlertStatus], consumer: Callable[[str], str]) -> Sheet:
    """The alerts. What was spent is empty where it is not known: a rule that has not been looked
    at, and of the past what was below its limit."""

    def known(alert: AlertStatus, value: Value) -> Value:
        past = alert.state == "inactive" and not view.window.live
        return value if alert.since and not past else None

    return Sheet(
        "alerts",
        ("state", "alert", "labels", "consumer_name", "severity", "unit", "value", "limit",
         "value_text", "limit_text", "exactness", "window", "id", "cause", "since"),
        tuple(
            (a.state, a.rule, " ".join(f"{k}={v}" for k, v in a.labels),
             consumer(dict(a.labels).get("consumer", "")), a.severity,
             a.unit, known(a, a.value), a.limit, known(a, quantity_text(a.unit, a.value)),
             quantity_text(a.unit, a.limit), a.exactness.word, a.window, a.id, a.cause,
             iso(a.since))
            for a in rows
        ),
        view,
    )  # fmt: skip


def alert_history(view: View, rows: Sequence[AlertChange], consumer: Callable[[str], str]) -> Sheet:
    """What alerts changed to, newest first."""
    plain = alerts(view, [c.status for c in rows], consumer)
    return Sheet(
        "alert_history",
        ("at", *plain.columns[:-1]),
        tuple((iso(c.at), *row[:-1]) for c, row in zip(rows, plain.rows, strict=True)),
        view,
    )


def contributions(
    view: View,
    rows: Sequence[Contribution],
    spans: tuple[Window, Window],
    consumer: Callable[[str], str],
) -> Sheet:
    """Who moved between the two `spans` (before, now), with the causes."""
    before, now = spans
    return Sheet(
        "why",
        ("before_start", "before_end", "now_start", "now_end", *BY, "consumer_name",
         "before_cost_nano", "now_cost_nano", "difference_nano", "volume_nano", "price_nano",
         "mix_nano", "before_requests", "now_requests", "before_tokens", "now_tokens"),
        tuple(
            (iso(before.start), iso(before.end), iso(now.start), iso(now.end),
             *(values.get(d) for d in BY), consumer(values.get("consumer", "")),
             c.before.effective_nano, c.now.effective_nano, c.difference, *c.parts,
             c.before.requests, c.now.requests, c.before.tokens, c.now.tokens)
            for c in rows
            for values in (dict(c.values),)
        ),
        view,
    )  # fmt: skip


def sources(view: View, rows: Sequence[SourceStatus]) -> Sheet:
    """The health of the sources."""
    return Sheet(
        "sources",
        ("source", "kind", "gateway", "role", "last_ok", "last_data", "failures", "error", "lag_s",
         "records", "skipped", "gaps", "resets", "overruns", "backfill_done", "backfill_total",
         "note"),
        tuple(
            (s.name, s.kind, s.gateway, s.role, iso(s.last_ok), iso(s.last_data), s.failures,
             s.error, s.lag_s, s.records, s.skipped, s.gaps, s.resets, s.overruns,
             s.backfill_done, s.backfill_total, s.note)
            for s in rows
        ),
        view,
    )  # fmt: skip


def requests(
    view: View,
    rows: Sequence[RequestRow],
    consumer: Callable[[str], str],
    name: str = "requests",
) -> Sheet:
    """The requests that have been read into the list, or the one that is open."""
    return Sheet(
        name,
        ("time", "provider", "model", "consumer", "gateway", "endpoint", "service", "source",
         "status", "latency_ms", "cost", "cost_nano", "basis", "list_cost_nano",
         "reported_cost_nano", *(f"tokens_{k}" for k in TOKEN_TYPES), "request_id", "read_from",
         "offset", "attributes", "consumer_name"),
        tuple(
            (_exact_time(r.time_ns), *r.dims, r.source, r.status or None,
             r.latency_ms if r.latency_ms >= 0 else None,
             decimal_text(r.effective_nano) if r.basis else None,
             r.effective_nano if r.basis else None, CostBasis(r.basis).name.lower(), r.list_nano,
             r.reported_nano, *(getattr(r, k) for k in TOKEN_TYPES), r.request_id, r.part,
             r.offset if r.offset >= 0 else None, r.attrs, consumer(r.dims.consumer))
            for r in rows
        ),
        view,
    )  # fmt: skip


def _exact_time(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, NANOSECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC).strftime('%Y-%m-%dT%H:%M:%S')}.{rest:09d}Z"
