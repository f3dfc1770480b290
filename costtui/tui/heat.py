"""The cells of the heat table: how dark, what they say, what is left over."""

from __future__ import annotations

from collections.abc import Iterable
from operator import sub

from costtui.model.money import NANO
from costtui.model.snapshot import Totals
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len
from costtui.tui.glyphs import Glyphs
from costtui.tui.shown import amount, exactness_in, has_amount, number

STEPS = 6
"""Shades of a colour; each stands for half of what the next stronger one does."""


def less(
    total: tuple[Totals, Totals], parts: Iterable[tuple[Totals, Totals]]
) -> tuple[Totals, Totals]:
    """What is left of a total, now and before."""
    now, before = total
    for one, other in parts:
        now, before = Totals._make(map(sub, now, one)), Totals._make(map(sub, before, other))
    return now, before


def shade(value: int, darkest: int, steps: int) -> int:
    """1…`steps` for a positive value: the upper half of the scale is the darkest step, the quarter
    below it the next. Spend is so uneven that on a straight scale all but a few cells were pale."""
    if value <= 0 or darkest <= 0:
        return 1
    return max(1, steps - (darkest // value).bit_length() + 1)


def amount_text(totals: Totals, unit: str, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """(text, role) of a cell. No usage is blank, unpriced usage says so."""
    if not (totals.requests or totals.tokens or totals.effective_nano):
        return "", "text"
    if unit == "tokens":
        return fmt.compact(totals.tokens, width), "value"
    if unit == "requests":
        return fmt.count(totals.requests, width), "value"
    if not totals.effective_nano and totals.unpriced_tokens:
        return "unpriced", "warn"
    if unit == "rate":
        if not has_amount(totals, unit):
            return "-", "quiet"
        exactness = exactness_in(totals, unit)
        return number(amount(totals, unit), unit, width, exactness, glyphs), "value"
    nano = totals.effective_nano
    if nano < NANO:  # $0.000061 among dollars is noise
        width = min(width, 7 + len(fmt.mark(totals.exactness, glyphs)))
    text = fmt.money(nano, width, totals.exactness, glyphs)
    return text, "value" if nano else "quiet"


def two_lines(text: str, width: int) -> tuple[str, str]:
    """A column's title on two lines, broken behind a separator where there is one."""
    if cell_len(text) <= width:
        return "", text
    head = text[:width]
    while cell_len(head) > width:
        head = head[:-1]
    cut = max((head.rfind(c) for c in "-_/.: @"), default=-1) + 1
    if cut < 3 or cell_len(text[cut:]) > width >= cell_len(text[len(head) :]):
        cut = len(head)
    return text[:cut], text[cut:]
