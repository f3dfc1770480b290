"""The strip of figures under the header: the window at a glance, each with its change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from textual.geometry import Size

from costtui.model.charge import Exactness
from costtui.model.snapshot import Overview, Totals
from costtui.model.timewindow import DAY, HOUR, Window
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import format as fmt
from costtui.tui.look import Line, Look
from costtui.tui.marks import ABOUT, of_exactness
from costtui.tui.shown import (
    Shown,
    amount,
    change_role,
    exactness_in,
    has_amount,
    is_money,
    number,
)
from costtui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from costtui.tui.month_end import MonthEnd

KINDS = {
    "input": "input",
    "cache_read": "cache read",
    "cache_write": "write",
    "cache_write_1h": "write 1h",
    "output": "output",
    "reasoning": "reasoning",
}
SHORT_KINDS = {
    "input": "in",
    "cache_read": "read",
    "cache_write": "write",
    "cache_write_1h": "w1h",
    "output": "out",
    "reasoning": "reas",
}
WIDE, NARROW, LEAST = 15, 13, 9
"""Cells of one card, gap included."""
LOADING = "loading"
"""In place of a comparison while history is being read: the bar of the source says how far."""
MOST = 9
"""Cards of the overview; the last one, where the month ends, needs more than the least width."""


class Card(NamedTuple):
    """One figure. Cards that do not fit are left out from the last rank on."""

    label: str
    value: str
    change: str
    role: str
    """Of the change."""
    rank: int
    value_role: str = "value"


class Figures:
    """Makes the cards of a strip that has room for `width` cells of text in each."""

    def __init__(self, look: Look, width: int, *, compare: bool) -> None:
        self.look, self.width, self.compare = look, width, compare

    def delta(self, now: int, then: int) -> str:
        return fmt.change(now, then, self.look.glyphs, min(self.width, 8)) if self.compare else ""

    def cost(self, nano: int, exactness: Exactness) -> str:
        cents = nano < 10**14 and not exactness & Exactness.ESTIMATE
        return fmt.money(nano, self.width, exactness, self.look.glyphs, cents=cents)

    def spent(self, label: str, now: Totals, then: Totals, rank: int, unit: str = "cost") -> Card:
        """A period in `unit`."""
        value, before = amount(now, unit), amount(then, unit)
        if is_money(unit) and has_amount(now, unit):
            return self.money(label, value, before, exactness_in(now, unit), rank)
        text = number(value, unit, min(self.width, 9), Exactness.EXACT, self.look.glyphs)
        text = text if has_amount(now, unit) else "-"
        return Card(label, text, self.delta(value, before), "quiet", rank)

    def money(self, label: str, now: int, then: int, exactness: Exactness, rank: int) -> Card:
        return Card(
            label, self.cost(now, exactness), self.delta(now, then), change_role(now, then), rank
        )

    def _part(self, label: str, now: int, then: int, of: Totals, before: Totals, rank: int) -> Card:
        # Shares of unequal numbers of requests are compared crosswise: no division, no rounding.
        scaled = (now * before.requests, then * of.requests)
        return Card(
            label,
            fmt.share(now, of.requests, 5) or "-",
            self.delta(*scaled),
            change_role(*scaled),
            rank,
            "value" if not now else "warn",
        )

    def usage(
        self, total: Totals, before: Totals, ranks: tuple[int, int, int, int], unit: str = "cost"
    ) -> list[Card]:
        """Requests, tokens, and the shares of errors and of 429. The one of the first two that is
        the `unit` is on the first card already and gives its place to the spend."""
        counted = [
            self.spent("spend" if kind == unit else kind, total, before, rank,
                       "cost" if kind == unit else kind)
            for kind, rank in zip(("requests", "tokens"), ranks, strict=False)
        ]  # fmt: skip
        return [
            *counted,
            self._part("errors", total.errors, before.errors, total, before, ranks[2]),
            self._part("429", total.throttled, before.throttled, total, before, ranks[3]),
        ]


def then_names(window: Window, look: Look) -> tuple[str, str] | None:
    """What the day and the month are called that a past window ends in; None where it is live."""
    if window.live:
        return None
    last = datetime.fromtimestamp(window.end - 1, look.zone)
    return f"{last.day} {last.strftime('%b')}", last.strftime("%b %Y")


_FIRST = {"cost": "spend", "tokens": "tokens", "requests": "requests", "rate": "$/1M"}
"""The label of the first card."""


_HOURLY = {"cost": "burn /h", "tokens": "tok /h", "requests": "req /h", "rate": "$/1M 1h"}
"""That of the last hour."""


def cards(
    overview: Overview,
    look: Look,
    width: int,
    *,
    compare: bool,
    unit: str = "cost",
    ahead: MonthEnd | None = None,
) -> list[Card]:
    """The figures of the overview's strip: the window, an hour, today and the month in `unit`.
    Where the month ends is always money, and has its $."""
    make = Figures(look, width, compare=compare)
    total, before = overview.total, overview.previous
    day_name, month_name = then_names(overview.view.window, look) or ("today", "month")
    month = make.spent(month_name, overview.month, overview.month_previous, 4, unit)
    narrow = width < NARROW - 1
    loading = reading_history(overview)
    if loading:
        month = month._replace(change=LOADING, role="quiet")
    elif narrow and unit == "cost" and ahead is not None and not ahead.told_from:
        # no room for a card of its own: where the month is going matters more than last month
        arrow = look.glyphs.arrow
        text = fmt.money(ahead.nano, width - len(arrow), ahead.exactness, look.glyphs)
        month = month._replace(change=f"{arrow}{text}", role="quiet")
    name = overview.view.window.name
    plain = narrow or name in ("today", "month", "custom")
    first = _FIRST[unit]
    return [
        make.spent(first if plain else f"{first} {name}", total, before, 0, unit),
        make.spent(_HOURLY[unit], overview.hour, overview.hour_previous, 2, unit),
        make.spent(day_name, overview.today, overview.today_previous, 3, unit),
        month,
        *([] if narrow else [_ahead(overview, make, ahead, loading=loading)]),
        *make.usage(total, before, (1, 5, 6, 7), unit),
    ]


def reading_history(overview: Overview) -> bool:
    """Is history still being read, so that the month grows by what is long past?"""
    return any(s.backfill_done < s.backfill_total for s in overview.sources)


def _ahead(
    overview: Overview, make: Figures, ahead: MonthEnd | None, *, loading: bool = False
) -> Card:
    """Where the month ends: as the forecast says, and until there is one, at the week's pace."""
    look, width = make.look, make.width
    told_from = ahead.told_from if ahead is not None else _young(overview)
    if told_from:
        return Card("month end", "-", told_from_text(told_from, look)[:width], "quiet", 8, "quiet")
    if ahead is None:
        estimate = Exactness(overview.month.exactness | Exactness.ESTIMATE)
        projected = make.cost(overview.month_projection_nano, estimate)
        return Card("pace", projected, LOADING if loading else "7d rate", "quiet", 8)
    text = fmt.money(ahead.nano, width, ahead.exactness, look.glyphs)
    return Card("month end", text, LOADING if loading else band_text(ahead, width), "quiet", 8)


def _young(overview: Overview) -> int:
    """When there will be a day of history, as the forecast counts it (`Forecast.told_from`), of a
    store that has less than that; else 0."""
    first = -(-int(overview.earliest) // HOUR) * HOUR
    return first + DAY if first and overview.taken_at < first + DAY else 0


def told_from_text(moment: int, look: Look) -> str:
    """`from 27 Nov`: when a forecast begins. The minute is on the forecast screen."""
    day = datetime.fromtimestamp(moment, look.zone)
    return f"from {day.day} {day.strftime('%b')}"


class Banded(Protocol):
    """An estimate with what it may become; nano-USD."""

    @property
    def nano(self) -> int: ...
    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int: ...


def band_text(estimate: Banded, width: int) -> str:
    """`$12.1k-$12.9k`, `-2% +4%` where that does not fit, or that there is no band. Both sides are
    as they are: a band is no `±`."""
    if not estimate.high:
        return "no band"
    for each in (8, 6):
        text = "-".join(fmt.money(nano, each) for nano in (estimate.low, estimate.high))
        if len(text) <= width:
            return text
    sides = estimate.nano - estimate.low, estimate.high - estimate.nano
    for each in (5, 3):
        below, above = (fmt.share(off, estimate.nano, each) for off in sides)
        for text in (f"-{below} +{above}", f"-{below.rstrip('%')}+{above}"):
            if len(text) <= width and "<" not in text:
                return text
    return "<1% off" if max(sides) * 100 < estimate.nano else "wide"


def marks_on(shown: Shown, width: int) -> set[str]:
    """Of `marks.MARKS`, those in a strip of `width` cells."""
    overview, unit = shown.overview, shown.state.unit
    if overview is None:
        return set()
    sums = (overview.total, overview.hour, overview.today, overview.month)
    found = of_exactness(*(exactness_in(t, unit) for t in sums))
    ahead = width > MOST * NARROW or (shown.forecast is not None and unit == "cost")
    return found | ({ABOUT} if ahead else set())


def strip(look: Look, make: Callable[[int], list[Card]], most: int, width: int) -> list[Line]:
    """Three lines of the cards that `make` gives for a width of text; `most` is how many there can
    be. Those that do not fit are left out from the last rank on."""
    step = WIDE if width > most * WIDE else NARROW if width > most * NARROW else LEAST
    fitting = max(1, (width - 1) // step)
    kept = [card for card in make(step - 1) if card.rank < fitting]
    step = min(WIDE + 3, (width - 1) // len(kept))
    out = [Line(look).put(" ") for _ in range(3)]
    for index, card in enumerate(kept):
        column = 1 + index * step
        for line, text, role in zip(
            out,
            (card.label, card.value, card.change),
            ("quiet", card.value_role, card.role),
            strict=True,
        ):
            line.to(column).cell(text, step - 1, role)
    return out


def token_line(totals: Totals, look: Look, width: int) -> Line:
    """Tokens by kind: a stacked bar where there is room, and each kind's number."""
    line = Line(look).put(" ")
    parts = [(kind, getattr(totals, kind), n) for n, kind in enumerate(TOKEN_TYPES, 1)]
    parts = [p for p in parts if p[1]]
    names = KINDS if width >= 100 else SHORT_KINDS
    legend = Line(look)
    for kind, used, n in parts:
        piece = Line(look).put(f" {look.glyphs.legend} ", f"chart-{n}")
        piece.put(f"{names[kind]} ", "quiet").put(fmt.compact(used, 6), "text")
        if line.width + legend.width + piece.width <= width:
            legend.extend(piece)
    room = width - legend.width - 3
    if parts and room >= 8:
        for (_, _, n), cells in zip(parts, _shares([p[1] for p in parts], room), strict=True):
            line.put(look.glyphs.fills[-1] * cells, f"chart-{n}")
        line.put(" ")
    return line.extend(legend)


def _shares(numbers: list[int], cells: int) -> list[int]:
    """`cells` split in proportion, largest remainders first; the sum is exactly `cells`."""
    whole = sum(numbers)
    out = [n * cells // whole for n in numbers]
    order = sorted(range(len(numbers)), key=lambda i: -(numbers[i] * cells % whole))
    for index in order[: cells - sum(out)]:
        out[index] += 1
    return out


class Kpi(Lines):
    """Label, value and change of each figure, then tokens by kind."""

    DEFAULT_CSS = "Kpi { height: 4; }"

    shown: Shown | None = None

    def lines(self, size: Size) -> list[Line]:
        shown = self.shown
        if shown is None or shown.overview is None:
            return []
        overview, state = shown.overview, shown.state
        return [
            *strip(
                self.look,
                lambda width: cards(
                    overview,
                    self.look,
                    width,
                    compare=state.compare,
                    unit=state.unit,
                    ahead=shown.forecast,
                ),
                9,
                size.width,
            ),
            token_line(overview.total, self.look, size.width),
        ]
