"""Whole numbers for fractions."""

from __future__ import annotations


def ceil_div(numerator: int, denominator: int) -> int:
    """Rounded up: above an integer limit exactly when the fraction is. `denominator` > 0."""
    return -(-numerator // denominator)
