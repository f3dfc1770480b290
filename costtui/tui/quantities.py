"""Values and limits of alerts in cells, whatever their unit is."""

from __future__ import annotations

from collections.abc import Iterable

from costtui.model.alert import FACTOR, SHARE, AlertStatus
from costtui.model.charge import Exactness
from costtui.model.money import divide_half_even
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.glyphs import UNICODE, Glyphs

_COUNTED = {"tokens": "tok", "requests": "req"}


def quantity(
    unit: str, value: int, width: int, right: Exactness = Exactness.EXACT, glyphs: Glyphs = UNICODE
) -> str:
    """`value` in `unit` (one of `UNITS`) in at most `width` cells, marked with its exactness."""
    if unit == "cost":
        return fmt.money(value, width, right, glyphs)
    mark = fmt.mark(right, glyphs)
    return mark + _plain(unit, value, width - cell_len(mark), glyphs)


def _plain(unit: str, value: int, width: int, glyphs: Glyphs) -> str:
    match unit:
        case "share":
            return f"{_tenths(value, SHARE // 100, width - 1)}%"
        case "factor":
            return f"{_tenths(value, FACTOR, width - 1)}{glyphs.times}"
        case "seconds":
            return fmt.duration(value)
        case _:
            return fmt.compact(value, width)


def _tenths(value: int, one: int, width: int) -> str:
    """value ÷ one: tenths below a hundred, where there are any."""
    tenths = divide_half_even(value * 10, one)
    if tenths < 1000 and tenths % 10:
        return f"{tenths // 10}.{tenths % 10}"
    return fmt.compact(divide_half_even(value, one), width)


def limit_of(status: AlertStatus, width: int, glyphs: Glyphs = UNICODE) -> str:
    """`of $800 24h`, `of 2M tok 1h`, `of 5% 15m`, `of 2h`."""
    if status.unit == "cost":
        cells = 6 if width >= 14 else 5
        # A limit is what somebody wrote: `<$1` of one would be no limit at all.
        text = fmt.round_money(status.limit, cells)
        if text.startswith("<"):
            text = fmt.tiny_money(status.limit, cells)
    else:
        text = _round(status.unit, status.limit) or _plain(status.unit, status.limit, 6, glyphs)
    if width < 14:
        return f"of {text}"
    # How long somebody has been silent is not a matter of the window.
    window = [outside(status.window, 5)] if status.unit != "seconds" else []
    full = " ".join(["of", text, *[_COUNTED[u] for u in (status.unit,) if u in _COUNTED], *window])
    return full if cell_len(full) <= width else " ".join(["of", text, *window])


def _round(unit: str, value: int) -> str:
    """`2M`, `50k`: a count as people write one, where it is such."""
    if unit in _COUNTED and value:
        for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
            if value % size == 0 and value < 1000 * size:
                return f"{value // size}{letter}"
    return ""


def value_title(statuses: Iterable[AlertStatus]) -> str:
    """What the column of values is called: money is spent."""
    return "spent" if all(s.unit == "cost" for s in statuses) else "value"
