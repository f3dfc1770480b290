"""Counts, shares and factors, as people write them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from costtui.config.alert_schema import FACTOR, SHARE
from costtui.config.kinds import ENV_SCHEMA, Kind, Written

_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_SUFFIXES: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


class Count(Kind):
    """A whole number: 2000, 200k, 1.5M."""

    label = "number"

    def parse(self, written: Written) -> int:
        text = written.text.replace("_", "")
        suffix = text[-1:] if text[-1:] in ("k", "M", "G") else ""
        number = text.removesuffix(suffix)
        if not _NUMBER.fullmatch(number):
            raise ValueError("is not a number: write 2000, 200k or 1.5M")
        value = Decimal(number) * _SUFFIXES[suffix]
        if value != int(value):
            raise ValueError("must be a whole number")
        return int(value)

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "pattern": r"^[\d_]+(\.\d+)?[kMG]?$"}
        return {"anyOf": [{"type": "number", "minimum": 0}, text, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        return str(value)


class Share(Kind):
    """A part of a whole, in millionths: 10% or 0.1."""

    label = "share"

    def parse(self, written: Written) -> int:
        text = written.text.strip()
        percent = text.endswith("%")
        number = text.removesuffix("%").strip()
        if not _NUMBER.fullmatch(number):
            raise ValueError("is not a share: write 10% or 0.1")
        value = Decimal(number) * SHARE / (100 if percent else 1)
        if not percent and value > SHARE:
            raise ValueError(f"is more than the whole: write {number}% (or at most 1)")
        if value > 100 * SHARE:
            raise ValueError("is more than a hundred times the whole")
        return round(value)

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "pattern": r"^\d+(\.\d+)? ?%?$"}
        return {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, text, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        percent = Decimal(value) * 100 / SHARE
        return f"{percent.normalize():f}%"


class Factor(Kind):
    """How many times, in thousandths: 3 or 2.5."""

    label = "number"

    def parse(self, written: Written) -> int:
        text = written.text.strip().removesuffix("x").strip()
        if not _NUMBER.fullmatch(text):
            raise ValueError("is not a factor: write 3 or 2.5")
        value = round(Decimal(text) * FACTOR)
        if not FACTOR // 100 <= value <= 10**9:
            raise ValueError("is not between 0.01 and 1000000")
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        return f"{(Decimal(value) / FACTOR).normalize():f}"
