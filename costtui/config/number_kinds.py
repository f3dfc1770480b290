"""Counts, shares, factors and amounts of money, in the integers of alerts and budgets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from costtui.config.alert_schema import FACTOR, SHARE
from costtui.config.kinds import ENV_SCHEMA, Kind, Money, Written
from costtui.config.words import did_you_mean
from costtui.model.money import nano_from_decimal

_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{0,9})?|\.\d{1,9}", re.ASCII)
"""24 digits, so that no product is rounded to Decimal's 28."""
_LONG: Final = re.compile(r"0*[1-9]\d{15,}(\.\d*)?", re.ASCII)
_GROUPED: Final = re.compile(r"\d{1,3}(_\d{3})+", re.ASCII)
_SUFFIXES: Final = {"k": 10**3, "M": 10**6, "G": 10**9}

MOST: Final = 10**15
"""The largest count: far above any month's tokens, and sums with it stay below 2**63."""


def _integer(value: Decimal, finest: str) -> int:
    """Raises ValueError where rounding would change what was written."""
    if value != int(value):
        raise ValueError(f"is finer than {finest}")
    return int(value)


class Count(Kind):
    """A whole number: 2000, 200k, 1.5M."""

    label = "number"

    def parse(self, written: Written) -> int:
        text = written.text
        if _GROUPED.fullmatch(text):
            text = text.replace("_", "")
        unit = _SUFFIXES.get(text[-1:], 1)
        number = text if unit == 1 else text[:-1]
        if number.startswith("-") and _NUMBER.fullmatch(number[1:]):
            raise ValueError("must not be negative")
        if _LONG.fullmatch(number):
            if unit == 1 and Decimal(number) == MOST:
                return MOST
            raise ValueError("is too large: the most is 1000000G")
        if not _NUMBER.fullmatch(number):
            raise ValueError("is not a number: write 2000, 200k or 1.5M")
        value = Decimal(number) * unit
        if value > MOST:
            raise ValueError("is too large: the most is 1000000G")
        if value != int(value):
            raise ValueError("must be a whole number")
        return int(value)

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "pattern": r"^(\d+(_\d{3})*|\d+\.\d*|\.\d+)[kMG]?$"}
        return {"anyOf": [{"type": "number", "minimum": 0}, text, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        for suffix, unit in reversed(_SUFFIXES.items()):
            if value >= unit and not value * 10 % unit:
                return f"{Decimal(value) / unit:f}{suffix}"
        return str(value)


class Share(Kind):
    """A part of a whole, in millionths: 10% or 0.1. A percentage may be above 100."""

    label = "share"

    def parse(self, written: Written) -> int:
        text = written.text.strip()
        percent = text.endswith("%")
        number = text.removesuffix("%").rstrip()
        if number.startswith("-") and _NUMBER.fullmatch(number[1:]):
            raise ValueError("must not be negative")
        if not _NUMBER.fullmatch(number):
            raise ValueError("is not a share: write 10% or 0.1")
        value = Decimal(number) * SHARE / (100 if percent else 1)
        if not percent and value > SHARE:
            raise ValueError(f"is more than the whole: write {number}%, or at most 1")
        if value > 100 * SHARE:
            raise ValueError("is more than a hundred times the whole")
        return _integer(value, "0.0001%")

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "pattern": r"^((\d+\.?\d*|\.\d+) ?%|[01](\.\d*)?|\.\d+)$"}
        return {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, text, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        percent = Decimal(value) * 100 / SHARE
        return f"{percent.normalize():f}%"


@dataclass(eq=False, repr=False)
class Factor(Kind):
    """How many times, in thousandths: 3 or 2.5."""

    never: str = ""
    """The word that stands for None."""

    def parse(self, written: Written) -> int | None:
        text = written.text.strip()
        if self.never and text == self.never:
            return None
        number = text.removesuffix("x").rstrip()
        if not _NUMBER.fullmatch(number):
            near = did_you_mean(text, [self.never]) if self.never else ""
            raise ValueError(f"is not a factor: write 3 or 2.5{near}")
        value = Decimal(number) * FACTOR
        if not FACTOR // 100 <= value <= FACTOR * 10**6:
            raise ValueError("is not between 0.01 and 1000000")
        return _integer(value, "0.001")

    def schema(self) -> dict[str, Any]:
        number = {"type": "number", "minimum": 0.01, "maximum": 10**6}
        text = {"type": "string", "pattern": r"^(\d+\.?\d*|\.\d+) ?x?$"}
        never = [{"const": self.never}] if self.never else []
        return {"anyOf": [number, text, *never, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        return self.never if value is None else f"{(Decimal(value) / FACTOR).normalize():f}"

    def describe(self) -> str:
        return f"times or `{self.never}`" if self.never else "times"


class Nano(Kind):
    """USD, in nano-USD."""

    label = Money.label

    def parse(self, written: Written) -> int:
        usd = Money().parse(written)
        nano = nano_from_decimal(usd)
        # Compared, not multiplied: a product would be rounded to 28 digits.
        if Decimal(nano).scaleb(-9) != usd:
            raise ValueError("is finer than 0.000000001 USD")
        return nano

    def schema(self) -> dict[str, Any]:
        return Money().schema()

    def render(self, value: Any) -> str:
        return Money().render(Decimal(value).scaleb(-9))
