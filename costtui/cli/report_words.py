"""Numbers and names as a report writes them: plain text, measured in columns, nothing hostile."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from costtui.model.charge import Exactness
from costtui.model.money import NANO, decimal_text, divide_half_even
from costtui.model.safetext import safe_name, visible

WIDTH: Final = 78
"""Columns of a report: what a mail shows without breaking lines."""
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def plain(dimension: str, value: str) -> str:
    """A name for JSON. Consumers are stored as fingerprints; this is the second lock."""
    kept = safe_name(value) if dimension == "consumer" else value
    return _SURROGATES.sub("\ufffd", kept)


def moment(seconds: int, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(seconds, zone)
    return f"{local:%Y-%m-%d %H:%M} {visible(local.tzname() or '', 10)}".rstrip()


def usd(nano: int, right: Exactness = Exactness.EXACT, places: int = 4) -> str:
    """`≥$1,234.5678`, rounded half-even; what would round to nothing is shown in full."""
    if nano and abs(nano) * 2 <= NANO // 10**places:
        return f"{right.mark}${decimal_text(nano)}"
    amount = Decimal(nano).scaleb(-9).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return f"{right.mark}{'-' if amount < 0 else ''}${abs(amount):,f}"


def share(part: int, whole: int) -> str:
    if whole <= 0:
        return "-"
    tenths = divide_half_even(part * 1000, whole)
    return f"{tenths // 10}.{tenths % 10}%"


def safe(dimension: str, value: str) -> str:
    return visible(safe_name(value) if dimension == "consumer" else value, 60)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns."""
    if sum(map(_columns, text)) <= width:
        return text
    room, kept = width - 1, ""
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept += char
    return kept + "…"


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` columns."""
    kept = cut(text, max(width, 1))
    return kept + " " * (width - sum(map(_columns, kept)))
