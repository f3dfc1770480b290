"""Money against Python's own Decimal and Fraction arithmetic."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.money import (
    decimal_text,
    divide_half_even,
    nano_from_decimal,
    nano_from_float,
    nano_from_text,
)


@given(st.integers(-(2**63), 2**63 - 1))
def test_text_and_back(nano: int) -> None:
    assert Decimal(decimal_text(nano)) * 10**9 == nano
    if abs(nano) < 9 * 10**18:
        assert nano_from_text(decimal_text(nano)) == nano


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_division_rounds_half_even(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0.00037", 370_000),
        ("1.2345678901235e+3", 1_234_567_890_124),
        ("0", 0),
        ("-0.5", -500_000_000),
        ("0.0000000005", 0),
        ("0.0000000015", 2),
    ],
)
def test_from_text(text: str, nano: int) -> None:
    assert nano_from_text(text) == nano


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "ten", "1e40", "--1"])
def test_what_is_no_money_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"mon|fit"):
        nano_from_text(text)


def test_a_float_means_its_shortest_decimal() -> None:
    assert nano_from_float(0.1) == 100_000_000
    assert nano_from_float(0.0004521) == 452_100


@given(st.decimals(min_value=0, max_value=10**6, places=12))
def test_decimal_rounds_once(usd: Decimal) -> None:
    expected = (usd * 10**9).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert nano_from_decimal(usd) == int(expected)


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0.00"), (1, "0.000000001"), (1_500_000_000, "1.50"), (-20_000_000, "-0.02")],
)
def test_decimal_text(nano: int, text: str) -> None:
    assert decimal_text(nano) == text
