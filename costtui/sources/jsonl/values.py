"""Values from a log line, made fit for the store: bounded, exact, without secrets."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec

from costtui.model.dimension import MAX_NAME, storable, stored_name
from costtui.model.money import NANO, nano_from_decimal, nano_from_float
from costtui.model.requests import Requests
from costtui.model.safetext import redact, visible
from costtui.model.usage import UsageRecord

NAME_LIMIT = MAX_NAME
"""Characters of one name."""
EXCERPT = 200
"""Characters of a skipped line that are shown."""
EXAMPLES = 5
"""Skipped lines of one batch that are described; all are counted."""
MAX_COUNT = 10**10
"""The largest number of tokens of one request that is believed, a thousand times what any model
takes. Above it a sum of a few lines would not fit 64 bits as nano-USD, and a batch that cannot be
stored would stop its source for good."""
MAX_NANO = 10**13
"""The largest cost of one request that is believed: ten thousand USD."""
MAX_LINE = 4 * 1024 * 1024
"""Bytes of the longest line that is read; a longer one is skipped."""

_ADDRESS = "0123456789abcdef.:"
_encoder = msgspec.json.Encoder()


class Skip(NamedTuple):
    """A line that could not be read."""

    offset: int
    line: int
    """0-based within the bytes that were decoded; -1 when not known."""
    reason: str
    text: str


class Decoded:
    """What some complete lines held."""

    __slots__ = ("lines", "newest_ns", "records", "skipped", "skipped_count")

    def __init__(self) -> None:
        self.records: list[UsageRecord] | Requests = []
        self.skipped: list[Skip] = []
        """The first `EXAMPLES` of them."""
        self.skipped_count = 0
        self.newest_ns = 0
        self.lines = 0

    def skip(self, offset: int, line: int, reason: str, text: bytes) -> None:
        """Count a line that cannot be read, and describe the first few."""
        self.skipped_count += 1
        if len(self.skipped) < EXAMPLES:
            self.skipped.append(Skip(offset, line, reason, excerpt(text)))


class LineError(Exception):
    """Why one line cannot be counted. Never leaves the package."""


def clean(text: str, limit: int = NAME_LIMIT) -> str:
    """`text`, bounded, with what SQLite and UTF-8 cannot hold replaced by U+FFFD."""
    return storable(text, limit)


def name(text: str) -> str:
    """A name that may be a secret: cleaned, or its fingerprint."""
    if len(text) <= 45 and not text.strip(_ADDRESS):
        return text  # an IP address; asking whether it is a secret would take 3 µs
    return stored_name(text)


def endpoint(text: str) -> str:
    """An endpoint without its query: `?key=…` is how some providers are paid."""
    return name(text.partition("?")[0])


def count(value: object, what: str) -> int:
    """A token count. Text of digits and whole floats are numbers, booleans are not."""
    if type(value) is int:
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    elif isinstance(value, str) and len(value) <= 32:
        try:
            parsed = Decimal(value)
        except InvalidOperation:
            raise LineError(f"{what} is not a number") from None
        if not parsed.is_finite() or parsed.adjusted() > 30 or parsed != parsed.to_integral_value():
            raise LineError(f"{what} is not a whole number")
        number = int(parsed)
    else:
        raise LineError(f"{what} is not a whole number")
    if number < 0:
        raise LineError(f"{what} is negative")
    if number > MAX_COUNT:
        raise LineError(f"{what} is absurdly large")
    return number


def decimal(value: object, what: str) -> Decimal:
    """A finite number ≥ 0, exactly as its shortest decimal text says."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise LineError(f"{what} is not a number")
    if isinstance(value, str) and len(value) > 64:
        raise LineError(f"{what} is not a number")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise LineError(f"{what} is not a number") from None
    if not number.is_finite():
        raise LineError(f"{what} is not a finite number")
    if number < 0:
        raise LineError(f"{what} is negative")
    return number


def nano(value: object, what: str, scale: Decimal | None = None) -> int:
    """USD → nano-USD, exactly."""
    amount = decimal(value, what)
    try:
        found = nano_from_decimal(amount if scale is None else amount * scale)
    except ValueError:
        raise LineError(f"{what} is absurdly large") from None
    if found > MAX_NANO:
        raise LineError(f"{what} is absurdly large")
    return found


def fast_nano(usd: float) -> int:
    """`nano_from_float`, three times faster for what logs hold.

    A decimal of at most fifteen digits is the shortest form of the double nearest to it, so when
    dividing the rounded number of nano-USD gives the same double, it is the number that was
    written.
    """
    if usd < 1e5:
        rounded = round(usd * NANO)
        if rounded / NANO == usd:
            return rounded
    return nano_from_float(usd)


def attributes(pairs: dict[str, object]) -> str:
    """What else was said, as compact JSON; empty values are left out."""
    kept = {k: v for k, v in pairs.items() if v is not None and v != ""}
    return _encoder.encode(kept).decode() if kept else ""


def excerpt(line: bytes) -> str:
    """The start of a line, safe to show, to store and to log."""
    # Redacted before it is cut, so that half a secret is never what is left.
    text = line[: 4 * EXCERPT].decode("utf-8", "replace")
    return visible(redact(text).replace("\0", "\ufffd"), EXCERPT)
