"""A value of an alert in words: `$12.30`, `1,204 tokens`, `5.2%`, `2.5x`, `3h 20m`."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from costtui.model.alert import FACTOR, SHARE
from costtui.model.charge import Exactness
from costtui.model.money import NANO, decimal_text

_PARTS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def quantity_text(unit: str, value: int, right: Exactness = Exactness.EXACT) -> str:
    """`value` in `unit` (one of `UNITS`), with the mark of its exactness before it. A limit is
    told in full; of a value that falls between two digits the nearer is taken."""
    return right.mark + _text(unit, value)


def _text(unit: str, value: int) -> str:
    match unit:
        case "cost":
            return _usd(value)
        case "share":
            return f"{_rounded(value, SHARE // 100, 2)}%"
        case "factor":
            return f"{_rounded(value, FACTOR, 2)}x"
        case "seconds":
            return length_text(value)
        case _:
            word = unit.removesuffix("s") if value == 1 else unit
            return f"{value:,} {word}"


def _usd(nano: int) -> str:
    """Cents, and more where cents would say nothing."""
    places = 2 if abs(nano) >= NANO // 100 or not nano else 9
    if places > 2:
        return f"${decimal_text(nano)}"
    amount = Decimal(nano).scaleb(-9).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{'-' if amount < 0 else ''}${abs(amount):,f}"


def _rounded(value: int, one: int, places: int) -> str:
    """value ÷ one with at most `places` decimals, without zeros at the end."""
    text = f"{(Decimal(value) / one).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}"
    return text.rstrip("0").rstrip(".")


def length_text(seconds: int) -> str:
    """Two units at most: `45s`, `12m`, `3h 20m`, `12d 3h`."""
    found = []
    rest = max(0, seconds)
    for size, name in _PARTS:
        count, rest = divmod(rest, size)
        if count:
            found.append(f"{count}{name}")
        elif found:
            break
        if len(found) == 2:
            break
    return " ".join(found) or "0s"
