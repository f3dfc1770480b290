"""Money is an integer number of nano-USD (1 USD = 1_000_000_000 nano-USD).

A float cannot hold the price of one token times a month of traffic exactly, and SQLite's
REAL is a float. Decimal is used where rates are multiplied, and the product is rounded
half-even once per charge.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

NANO = 1_000_000_000
"""nano-USD in one USD."""

MAX_NANO = 2**63 - 1
"""What SQLite's INTEGER holds; about 9.2 billion USD."""


def nano_from_decimal(usd: Decimal) -> int:
    """USD → nano-USD, rounded half-even. Raises ValueError when not finite or out of range."""
    if not usd.is_finite():
        raise ValueError(f"{usd} is not an amount of money")
    if usd.adjusted() > 9:
        raise ValueError(f"{usd} USD does not fit a 64-bit nano-USD")
    return int((usd * NANO).to_integral_value(rounding=ROUND_HALF_EVEN))


def nano_from_text(text: str) -> int:
    """Decimal text (`"0.00037"`, `"3.7e-4"`) → nano-USD. Raises ValueError on anything else."""
    try:
        return nano_from_decimal(Decimal(text))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of money") from None


def nano_from_float(usd: float) -> int:
    """A JSON or exposition float → nano-USD by its shortest decimal form.

    `0.1` on the wire means one tenth; the binary double nearest to it does not.
    """
    return nano_from_text(repr(usd))


def decimal_text(nano: int) -> str:
    """nano-USD → exact decimal USD text, at least two and at most nine decimals."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO)
    digits = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{digits}"


def divide_half_even(numerator: int, denominator: int) -> int:
    """Exact integer division rounded half-even; `denominator` > 0."""
    quotient, rest = divmod(numerator, denominator)
    double = rest * 2
    if double > denominator or (double == denominator and quotient & 1):
        quotient += 1
    return quotient
