"""The figures of the forecast, and in words how right it has been."""

from __future__ import annotations

from datetime import datetime, tzinfo

from textual.geometry import Size

from costtui.analysis.forecast import Check, Forecast
from costtui.model.budget import Estimate
from costtui.model.charge import Exactness
from costtui.model.snapshot import Totals
from costtui.tui import format as fmt
from costtui.tui.look import Line, Look
from costtui.tui.told import Told
from costtui.tui.widgets.kpi import Card, band_text, strip, told_from_text
from costtui.tui.widgets.lines import Lines


def estimated(totals: Totals) -> Exactness:
    """A forecast from these sums: always an estimate, and at least that where they are."""
    return Exactness(totals.exactness | Exactness.ESTIMATE)


def band(estimate: Estimate, forecast: Forecast, look: Look, width: int) -> str:
    """The band of an estimate, or since when there will be one."""
    if not forecast.banded:
        return told_from_text(forecast.told_from, look)[:width]
    return band_text(estimate, width)


def cards(told: Told, look: Look, width: int) -> list[Card]:
    """What a card has room for, the most wanted first."""
    g, outlook, made = look.glyphs, told.outlook, told.forecast
    spent = outlook.to_date
    sign = estimated(spent)
    end, week = told.end, told.week
    before = outlook.last_month
    role = "warn" if made.wide else "quiet"
    until = datetime.fromtimestamp(outlook.until - 1, look.zone)

    def ahead(nano: int) -> str:
        return fmt.money(nano, width, sign, g) if told.known else "-"

    out = [
        Card("month end", ahead(end.nano), band(end, made, look, width), role, 0),
        Card("so far", fmt.money(spent.effective_nano, width, spent.exactness, g),
             f"{fmt.share(spent.effective_nano, end.nano)} of it" if told.known else "",
             "quiet", 1),
        Card("left", fmt.duration(told.left), f"to {until.day} {until.strftime('%b')}", "quiet", 2),
        Card("last month", fmt.money(before.effective_nano, width, before.exactness, g)
             if before.requests or before.effective_nano else "-",
             _against(told, look, width), "quiet", 5),
        Card("next 7d", ahead(week.nano), band(week, made, look, width), role,
             4),
        Card("per day", ahead(told.expected_per_day), "from now", "quiet", 6),
    ]  # fmt: skip
    return [*out, *_limit(told, width)]


def _against(told: Told, look: Look, width: int) -> str:
    """How this month compares; with a month of which a part is missing it does not."""
    if not told.known:
        return ""
    since = told.outlook.last_month_from
    if since:
        moment = datetime.fromtimestamp(since, look.zone)
        return f"from {moment.day} {moment.strftime('%b')}"[:width]
    before = told.outlook.last_month.effective_nano
    return fmt.change(told.end.nano, before, look.glyphs, min(width, 8))


def _limit(told: Told, width: int) -> list[Card]:
    """What the month should stay below, and what that leaves a day."""
    limit, spent = told.limit, told.outlook.to_date.effective_nano
    if not limit:
        return [Card("limit", "none", "no alert", "quiet", 3, "quiet")]
    text = fmt.round_money(limit, width)
    if spent >= limit:
        return [Card("limit", text, "passed", "over", 3, "over")]
    allowed = fmt.money(told.allowed_per_day, width - 3)
    role = "quiet" if not told.known else "ok" if told.end.nano < limit else "over"
    return [Card("limit", text, f"{allowed}/d", role, 3)]


def words(told: Told, zone: tzinfo) -> list[tuple[str, str]]:
    """(text, role): how right this has been, or why that cannot be said."""
    made = told.forecast
    known = fmt.duration(made.known_hours * 3600)
    if not made.banded:
        when = fmt.day_and_minute(made.told_from, zone)
        less = f"Only {known}" if made.known_hours else "No whole hour"
        return [(f"{less} of history: a forecast takes a day of it, so from {when}.", "warn")]
    out: list[tuple[str, str]] = []
    if made.wide:
        out.append((f"{known} of history: the band is wide on purpose and still a guess.", "warn"))
    off = made.error_permille
    if off is None:
        out.append(("Nothing could be checked yet: that takes eight days.", "quiet"))
        return out
    days = len(made.checks)
    off_text = f"{off / 10:.1f}%" if off < 100 else f"{off // 10}%"
    out.append((f"Told a week ahead, the last {days} {'day was' if days == 1 else 'days were'} "
                f"off by {off_text} (median).", "text"))  # fmt: skip
    newest: Check = made.checks[0]
    out.append((f"A week ago: {fmt.money(newest.said, 9)} for the last 24h, "
                f"it was {fmt.money(newest.was, 9)}.", "quiet"))  # fmt: skip
    return out


class ForecastCards(Lines):
    """Three lines of figures and one or two of words."""

    DEFAULT_CSS = "ForecastCards { height: 5; }"

    told: Told | None = None

    def lines(self, size: Size) -> list[Line]:
        told, look = self.told, self.look
        if told is None:
            return []
        if not told.end.nano:
            return [Line(look).put(f" {text}", role) for text, role in words(told, look.zone)[:1]]
        figures = strip(look, lambda width: cards(told, look, width), 7, size.width)
        said = words(told, look.zone)
        line = Line(look).put(" ")
        more = Line(look).put(" ")
        for text, role in said:
            target = line if line.width + len(text) + 1 <= size.width and more.width == 1 else more
            target.put(text + " ", role)
        return [*figures, line, more]
