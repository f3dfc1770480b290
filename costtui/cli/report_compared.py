"""The part of a report that is about reconciling sources: what counts beside what they saw."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from costtui.analysis.reconcile import Verdict, deciding, difference, gap_of, uncertain, verdict
from costtui.cli.report_query import Report, iso
from costtui.cli.report_words import WIDTH, cut, fit, moment, plain, safe, usd
from costtui.model.comparison import Compared
from costtui.model.money import decimal_text, divide_half_even
from costtui.model.safetext import csv_cell
from costtui.model.snapshot import Totals

_SAID: Final = {
    Verdict.AGREES: "agrees",
    Verdict.DIFFERS: "differs",
    Verdict.OPEN: "nothing can be said yet",
    Verdict.UNCOUNTED: "counted by nobody",
    Verdict.UNSEEN: "nothing seen yet",
}


def to_text(report: Report) -> Iterator[str]:
    """A table of gateways; nothing where no source reconciles. Two lines a row: 78 columns are too
    few for the figures and for what they are about."""
    if not report.compared:
        return
    yield ""
    yield _row("Counted, and seen again", "counted", "seen", "difference", "%")
    yield "-" * WIDTH
    for each in report.compared:
        name = " / ".join(safe("", value) or "(none)" for value in (each.gateway, *each.key))
        counted = _side(each.counted, known=bool(each.counting))
        gap = usd(difference(each).cost_nano, uncertain(each)) if each.covered else "-"
        yield _row(name, counted, _side(each.seen, known=each.known), gap, percent(each))
        yield cut(f"  {safe('', each.source)}: {_about(each, report)}", WIDTH)


def _row(name: str, counted: str, seen: str, gap: str, percent: str) -> str:
    numbers = f" {counted:>14} {seen:>14} {gap:>14} {percent:>7}"
    return fit(name, WIDTH - len(numbers)) + numbers


def _side(totals: Totals, *, known: bool) -> str:
    return usd(totals.effective_nano, totals.exactness) if known else "-"


def _about(each: Compared, report: Report) -> str:
    found = verdict(each)
    said = "history is being read" if found is Verdict.OPEN and each.reading else _SAID[found]
    if deciding(each) == "tokens":
        said += " in tokens" if found in (Verdict.AGREES, Verdict.DIFFERS) else ""
    if not each.covered:
        return f"{said}; sums of the whole window, no common time"
    return f"{said}, {moment(each.start, report.zone)} to {moment(each.end, report.zone)}"


def percent(each: Compared) -> str:
    """What was seen more or less than counted, of what was counted."""
    seen, counted = gap_of(each)
    if not each.covered or counted <= 0:
        return "-" if seen or not each.covered else "0.0%"
    tenths = divide_half_even((seen - counted) * 1000, counted)
    sign = "-" if tenths < 0 else "+" if tenths else ""
    return f"{sign}{abs(tenths) // 10}.{abs(tenths) % 10}%"


def to_data(report: Report) -> list[dict[str, Any]]:
    """The same for JSON."""
    return [
        {
            "gateway": plain("gateway", each.gateway),
            "key": {
                name: plain(name, value)
                for name, value in zip(report.compared_by, each.key, strict=True)
            },
            "source": plain("source", each.source),
            "counted_by": [plain("source", name) for name in each.counting],
            "verdict": verdict(each).value,
            "stretch": {"start": iso(each.start), "end": iso(each.end)} if each.covered else None,
            "counted": _totals(each.counted),
            "seen": _totals(each.seen),
            "difference": None if not each.covered else _difference(each),
        }
        for each in report.compared
    ]


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "cost_nano": totals.effective_nano,
        "cost": decimal_text(totals.effective_nano),
        "exactness": totals.exactness.word,
        "requests": totals.requests,
        "tokens": totals.tokens,
    }


def _difference(each: Compared) -> dict[str, Any]:
    off = difference(each)
    return {
        "cost_nano": off.cost_nano,
        "cost": decimal_text(off.cost_nano),
        "requests": off.requests,
        "tokens": off.tokens,
    }


_COLUMNS: Final = {"provider": "ProviderName", "model": "x_Model"}


def to_csv(report: Report) -> str:
    """One line a comparison. The period is the stretch that both sides cover, or the window where
    there is none; the difference is empty then."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    sides = ("Cost", "CostNano", "Exactness", "Tokens", "Requests")
    writer.writerow([
        "ChargePeriodStart", "ChargePeriodEnd", "x_Gateway",
        *(_COLUMNS[name] for name in report.compared_by),
        "x_SeenBy", "x_CountedBy", "x_Verdict", "BillingCurrency",
        *(f"x_Counted{name}" for name in sides), *(f"x_Seen{name}" for name in sides),
        "x_DifferenceCost", "x_DifferenceCostNano", "x_DifferenceTokens", "x_DifferenceRequests",
    ])  # fmt: skip
    window = report.view.window
    for each in report.compared:
        off = difference(each)
        period = (each.start, each.end) if each.covered else (window.start, window.end)
        writer.writerow([
            *map(iso, period), *_cells((each.gateway, *each.key, each.source)),
            csv_cell(" ".join(each.counting)), verdict(each).value, "USD",
            *_figures(each.counted), *_figures(each.seen),
            *((decimal_text(off.cost_nano), off.cost_nano, off.tokens, off.requests)
              if each.covered else ("",) * 4),
        ])  # fmt: skip
    return out.getvalue()


def _cells(values: Sequence[str]) -> list[str]:
    return [csv_cell(value) for value in values]


def _figures(totals: Totals) -> tuple[str | int, ...]:
    return (
        decimal_text(totals.effective_nano),
        totals.effective_nano,
        totals.exactness.word,
        totals.tokens,
        totals.requests,
    )
