"""Comparisons in words: what a reconciling source saw beside what counts."""

from __future__ import annotations

from collections.abc import Iterable

from costtui.analysis.reconcile import (
    Verdict,
    deciding,
    difference,
    gap_of,
    telling,
    uncertain,
    verdict,
)
from costtui.model.comparison import Compared
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.look import Line, Look

ROLES = {
    Verdict.AGREES: "ok",
    Verdict.DIFFERS: "warn",
    Verdict.OPEN: "quiet",
    Verdict.UNCOUNTED: "warn",
    Verdict.UNSEEN: "warn",
}


def percent(row: Compared, width: int = 6) -> str:
    """How much more or less was seen than counted: `+1.2%`, `-12%`, `=`; `-` where nothing can be
    compared."""
    if not row.covered:
        return "-"
    seen, counted = gap_of(row)
    if seen == counted:
        return "="
    if counted <= 0:
        return "new"
    sign = "+" if seen > counted else "-"
    return sign + fmt.share(abs(seen - counted), counted, width - 1)


def reason(row: Compared) -> str:
    """Why nothing can be said yet."""
    if row.reading:
        return "history is being read"
    return "too short to say" if row.covered else "no common time yet"


def said(row: Compared) -> str:
    """The verdict in a few words."""
    match verdict(row):
        case Verdict.AGREES:
            return "agrees"
        case Verdict.UNCOUNTED:
            return "counted by nobody"
        case Verdict.UNSEEN:
            return "nothing seen yet"
        case Verdict.OPEN:
            return reason(row)
    seen, counted = gap_of(row)
    if deciding(row) == "tokens":
        return "more tokens seen" if seen > counted else "fewer tokens seen"
    return "more seen" if seen > counted else "less seen"


def short_fact(row: Compared) -> str:
    """One row of a hint, with the gateway's name: `kong-eu: 1.2% less seen`."""
    name = outside(row.gateway, 30) or "(no gateway)"
    if verdict(row) is not Verdict.DIFFERS:
        return f"{name}: {said(row)}"
    return f"{name}: {percent(row).lstrip('+-')} {said(row)}"


def worst_first(rows: Iterable[Compared]) -> list[Compared]:
    """What is worth a look, then the rest as it was."""
    rows = list(rows)
    first = telling(rows)
    return [*first, *(row for row in rows if row not in first)]


def facts_of(source: str, rows: Iterable[Compared]) -> list[str]:
    """What the comparisons of one reconciling source say, differences first."""
    mine = [row for row in rows if row.source == source]
    found = [short_fact(row) for row in telling(mine)]
    if found or not mine:
        return found
    words = {said(row) for row in mine if verdict(row) is not Verdict.AGREES}
    return sorted(words) or ["agrees with what counts"]


def worth_a_look(source: str, rows: Iterable[Compared]) -> bool:
    return any(row.source == source for row in telling(rows))


def difference_hint(compared: Iterable[Compared], look: Look) -> Line:
    """For the overview: the largest difference that is one; empty where all agree."""
    line, rows = Line(look), telling(compared)
    if rows:
        more = f" +{len(rows) - 1}" if len(rows) > 1 else ""
        line.put(f"{look.glyphs.warn} {short_fact(rows[0])}{more}: {look.key('sources')}", "warn")
    return line


def stretch(row: Compared, look: Look) -> str:
    """Of which time the sums are."""
    if not row.covered:
        return reason(row)
    return fmt.short_span(row.start, row.end, look.zone, look.glyphs)


def in_full(row: Compared, look: Look) -> list[str]:
    """Everything about one comparison, a fact a line."""
    one, other, off = row.counted, row.seen, difference(row)
    g, place = look.glyphs, fmt.span(row.start, row.end, look.zone, look.glyphs)
    counting = ", ".join(outside(name, 40) for name in row.counting) or "nobody"
    lines = [
        f"counted by {counting}, seen by {outside(row.source, 40)}",
        place if row.covered else f"{reason(row)}: sums of the whole window, not to be compared",
    ]
    for label, values, shown in (
        ("cost", (one.effective_nano, other.effective_nano, off.cost_nano), None),
        ("tokens", (one.tokens, other.tokens, off.tokens), fmt.count),
        ("requests", (one.requests, other.requests, off.requests), fmt.count),
    ):
        if shown is None:
            marks = (one.exactness, other.exactness, uncertain(row))
            texts = [fmt.money(v, 20, m, g, cents=True) for v, m in zip(values, marks, strict=True)]
        else:
            texts = [shown(v, 20) for v in values]
        gap = f", difference {texts[2]}" if row.covered else ""
        lines.append(f"{label}: counted {texts[0]}, seen {texts[1]}{gap}")
    lines.append(f"verdict: {said(row)}")
    return lines
