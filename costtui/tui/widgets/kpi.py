"""The strip of figures under the header: the window at a glance, each with its change."""

from __future__ import annotations

from typing import NamedTuple

from textual.geometry import Size

from costtui.model.charge import Exactness
from costtui.model.snapshot import Overview, Totals
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import format as fmt
from costtui.tui.look import Line, Look
from costtui.tui.shown import Shown, change_role
from costtui.tui.widgets.lines import Lines

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


class Card(NamedTuple):
    """One figure. Cards that do not fit are left out from the last rank on."""

    label: str
    value: str
    change: str
    role: str
    """Of the change."""
    rank: int
    value_role: str = "value"


def cards(overview: Overview, look: Look, width: int, *, compare: bool) -> list[Card]:
    """The figures of a strip whose cards have room for `width` cells of text."""
    g = look.glyphs
    total, before = overview.total, overview.previous

    def delta(now: int, then: int) -> str:
        return fmt.change(now, then, g, min(width, 8)) if compare else ""

    def cost(nano: int, exactness: Exactness) -> str:
        estimate = exactness & Exactness.ESTIMATE
        return fmt.money(nano, width, exactness, g, cents=nano < 10**14 and not estimate)

    def spent(label: str, now: Totals, then: Totals, rank: int) -> Card:
        return Card(
            label,
            cost(now.effective_nano, now.exactness),
            delta(now.effective_nano, then.effective_nano),
            change_role(now.effective_nano, then.effective_nano),
            rank,
        )

    def part(label: str, now: int, then: int, rank: int) -> Card:
        # Shares of unequal numbers of requests are compared crosswise: no division, no rounding.
        scaled = (now * before.requests, then * total.requests)
        return Card(
            label,
            fmt.share(now, total.requests, 5) or "-",
            delta(*scaled),
            change_role(*scaled),
            rank,
            "value" if not now else "warn",
        )

    burn, burn_before = overview.burn_nano_per_hour, overview.burn_previous_nano_per_hour
    estimate = Exactness(overview.month.exactness | Exactness.ESTIMATE)
    projected = cost(overview.month_projection_nano, estimate)
    month = spent("month", overview.month, overview.month_previous, 4)
    narrow = width < NARROW - 1
    if narrow:
        # no room for a card of its own: where the month is going matters more than last month
        room = width - len(g.arrow)
        ahead = fmt.money(overview.month_projection_nano, room, estimate, g)
        month = month._replace(change=f"{g.arrow}{ahead}", role="quiet")
    name = overview.view.window.name
    plain = narrow or name in ("today", "month")
    return [
        spent("spend" if plain else f"spend {name}", total, before, 0),
        Card(
            "burn /h",
            cost(burn, total.exactness),
            delta(burn, burn_before),
            change_role(burn, burn_before),
            2,
        ),
        spent("today", overview.today, overview.today_previous, 3),
        month,
        *([] if narrow else [Card("forecast", projected, "month end", "quiet", 8)]),
        Card(
            "requests",
            fmt.count(total.requests, min(width, 9)),
            delta(total.requests, before.requests),
            "quiet",
            1,
        ),
        Card("tokens", fmt.compact(total.tokens), delta(total.tokens, before.tokens), "quiet", 5),
        part("errors", total.errors, before.errors, 6),
        part("429", total.throttled, before.throttled, 7),
    ]


def token_line(totals: Totals, look: Look, width: int) -> Line:
    """Tokens by kind: a stacked bar where there is room, and each kind's number."""
    line = Line(look).put(" ")
    parts = [(kind, getattr(totals, kind), n) for n, kind in enumerate(TOKEN_TYPES, 1)]
    parts = [p for p in parts if p[1]]
    names = KINDS if width >= 100 else SHORT_KINDS
    legend = Line(look)
    for kind, number, n in parts:
        piece = Line(look).put(f" {look.glyphs.legend} ", f"chart-{n}")
        piece.put(f"{names[kind]} ", "quiet").put(fmt.compact(number, 6), "text")
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
        width = size.width
        step = WIDE if width > 9 * WIDE else NARROW if width > 9 * NARROW else LEAST
        fitting = max(1, (width - 1) // step)
        made = cards(shown.overview, self.look, step - 1, compare=shown.state.compare)
        kept = [card for card in made if card.rank < fitting]
        step = min(WIDE + 3, (width - 1) // len(kept))
        out = [Line(self.look).put(" ") for _ in range(3)]
        for index, card in enumerate(kept):
            column = 1 + index * step
            for line, text, role in zip(
                out,
                (card.label, card.value, card.change),
                ("quiet", card.value_role, card.role),
                strict=True,
            ):
                line.to(column).cell(text, step - 1, role)
        out.append(token_line(shown.overview.total, self.look, width))
        return out
