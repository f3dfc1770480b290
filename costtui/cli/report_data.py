"""Reports for programs: one JSON object (docs/report.schema.json) and CSV with FOCUS names.

Both are promises: fields are added, never renamed; a change that breaks a reader raises `SCHEMA`.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Final

from costtui.cli import report_compared
from costtui.cli.alerts_mute import mute_data
from costtui.cli.report_query import Key, Report, Table, iso
from costtui.cli.report_words import plain
from costtui.model.dimension import tag_of
from costtui.model.money import decimal_text, divide_half_even
from costtui.model.quantity import quantity_text
from costtui.model.safetext import csv_cell, safe_name
from costtui.model.snapshot import AlertStatus, Totals
from costtui.model.usage import TOKEN_TYPES

SCHEMA: Final = 2
OTHER: Final = "(other)"
"""The name of what `--top` left out, in CSV."""

_COLUMNS: Final = {
    "provider": "ProviderName",
    "model": "x_Model",
    "consumer": "x_Consumer",
    "gateway": "x_Gateway",
    "endpoint": "x_Endpoint",
    "service": "x_Service",
    "team": "SubAccountName",
    "org": "x_Organization",
}


def to_json(report: Report) -> str:
    """The report as one JSON object, ASCII only, ending in a newline."""
    table = report.tables[0]
    window = report.view.window
    document = {
        "schema": SCHEMA,
        "generated_at": iso(report.now),
        "currency": "USD",
        "window": {
            "start": iso(window.start),
            "end": iso(window.end),
            "seconds": window.seconds,
        },
        "by": list(table.by),
        "where": [
            {"dimension": f.dimension, "op": f.op, "value": plain(f.dimension, f.value)}
            for f in report.view.filters
        ],
        "total": _totals(report.total),
        "groups": [
            {
                "key": {
                    name: plain(name, value) for name, value in zip(table.by, key, strict=True)
                },
                **_named(report, table, key),
                **_totals(totals),
            }
            for key, totals in table.rows
        ],
        "other": None
        if table.other is None
        else {"groups": table.left_out, **_totals(table.other)},
        "unpriced_models": [
            {
                "provider": plain("provider", u.provider),
                "model": plain("model", u.model),
                "requests": u.requests,
                "tokens": u.tokens,
            }
            for u in report.unpriced
        ],
        "alerts": [
            {**alert_data(alert), "muted": mute_data(report.mutes, alert)}
            for alert in report.alerts
        ],
        "reconciled": report_compared.to_data(report),
    }
    return json.dumps(document, indent=2) + "\n"


def alert_data(alert: AlertStatus) -> dict[str, Any]:
    """One alert's state."""
    return {
        "rule": plain("rule", alert.rule),
        "labels": {name: plain(name, value) for name, value in alert.labels},
        "state": alert.state,
        "severity": alert.severity,
        "window": alert.window,
        "unit": alert.unit,
        "value": alert.value,
        "value_text": quantity_text(alert.unit, alert.value),
        "limit": alert.limit,
        "limit_text": quantity_text(alert.unit, alert.limit),
        "exactness": alert.exactness.word,
        "since": iso(int(alert.since)) if alert.since else None,
        "id": alert.id,
        "cause": plain("cause", alert.cause),
    }


def _named(report: Report, table: Table, key: Key) -> dict[str, str]:
    """`consumer_name`, where the table is by consumer and the configuration names this one."""
    if "consumer" not in table.by:
        return {}
    name = report.names.get(key[table.by.index("consumer")], "")
    return {"consumer_name": plain("consumer", name)} if name else {}


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "cost_nano": totals.effective_nano,
        "cost": decimal_text(totals.effective_nano),
        "exactness": totals.exactness.word,
        "requests": totals.requests,
        "errors": totals.errors,
        "throttled": totals.throttled,
        "tokens": {**{kind: getattr(totals, kind) for kind in TOKEN_TYPES}, "total": totals.tokens},
        "unpriced": {"requests": totals.unpriced_requests, "tokens": totals.unpriced_tokens},
        "estimated": {
            "requests": totals.estimated_requests,
            "cost_nano": totals.estimated_nano,
            "cost": decimal_text(totals.estimated_nano),
        },
        "lower_bounds": totals.lower_bounds,
        "list_cost_nano": totals.list_nano,
        "list_cost": decimal_text(totals.list_nano),
        "reported_cost_nano": totals.reported_nano,
        "reported_cost": decimal_text(totals.reported_nano),
        "cost_per_request": _average(totals.effective_nano, totals.requests),
        "cost_per_1k_tokens": _average(totals.effective_nano * 1000, totals.tokens),
    }


def _average(nano: int, count: int) -> str | None:
    return decimal_text(divide_half_even(nano, count)) if count > 0 else None


def to_csv(report: Report) -> str:
    """One line a group with FOCUS 1.2 column names, `x_` before what FOCUS does not have."""
    table = report.tables[0]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_header(table)])
    window = report.view.window
    period = [iso(window.start), iso(window.end)]
    for key, totals in table.rows:
        names = []
        for name, value in zip(table.by, key, strict=True):
            names.append(_cell(name, value))
            if name == "consumer":
                names.append(_cell(name, report.names.get(value, "")))
        writer.writerow([*period, *names, *_figures(totals)])
    if table.other is not None:
        writer.writerow([*period, *[OTHER] * len(_names(table)), *_figures(table.other)])
    return out.getvalue()


def _header(table: Table) -> list[str]:
    return [
        "ChargePeriodStart",
        "ChargePeriodEnd",
        *_names(table),
        "BillingCurrency",
        "EffectiveCost",
        "ListCost",
        "x_ReportedCost",
        "x_EffectiveCostNano",
        "x_Exactness",
        "ConsumedQuantity",
        "ConsumedUnit",
        "x_Requests",
        "x_Errors",
        "x_Throttled",
        *("x_Tokens" + "".join(word.title() for word in kind.split("_")) for kind in TOKEN_TYPES),
        "x_UnpricedRequests",
        "x_UnpricedTokens",
        "x_EstimatedCost",
        "x_LowerBounds",
    ]


def _names(table: Table) -> list[str]:
    """The columns of the dimensions; a consumer has its id and its name."""
    columns: list[str] = []
    for name in table.by:
        columns.append(_COLUMNS.get(name) or "x_Tag_" + tag_of(name))
        if name == "consumer":
            columns.append("x_ConsumerName")
    return columns


def _figures(totals: Totals) -> list[str | int]:
    return [
        "USD",
        decimal_text(totals.effective_nano),
        decimal_text(totals.list_nano),
        decimal_text(totals.reported_nano),
        totals.effective_nano,
        totals.exactness.word,
        totals.tokens,
        "Tokens",
        totals.requests,
        totals.errors,
        totals.throttled,
        *(getattr(totals, kind) for kind in TOKEN_TYPES),
        totals.unpriced_requests,
        totals.unpriced_tokens,
        decimal_text(totals.estimated_nano),
        totals.lower_bounds,
    ]


def _cell(dimension: str, value: str) -> str:
    return csv_cell(safe_name(value) if dimension == "consumer" else value)
