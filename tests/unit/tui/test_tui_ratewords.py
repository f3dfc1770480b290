"""Rates in words: never wider than asked, never another number."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.pricing.rates import RateCard, Tier
from costtui.tui.ratewords import (
    over_role,
    over_text,
    rate_text,
    rates_text,
    signed,
    taken_from,
    tier_texts,
)

D = Decimal


@pytest.mark.parametrize(
    ("rate", "width", "text"),
    [
        ("3", 6, "3.00"),
        ("0.3", 6, "0.30"),
        ("0.0375", 6, "0.0375"),
        ("0.01875", 6, "0.0188"),
        ("1.25", 6, "1.25"),
        ("15.00", 6, "15.00"),
        ("1E+3", 8, "1,000.00"),
        ("1234.5", 6, "1,234"),
        ("0.0000004", 12, "0.0000004"),
        ("0.0000004", 6, "<0.001"),
        ("123456789", 6, "123M"),
        ("0", 6, "0.00"),
    ],
)
def test_a_rate_has_two_decimals_and_what_it_needs(rate: str, width: int, text: str) -> None:
    assert rate_text(D(rate), width) == text


@given(st.decimals(0, 10**9, places=7), st.integers(5, 14))
def test_a_rate_fits_and_is_never_nothing(rate: Decimal, width: int) -> None:
    text = rate_text(rate, width)
    assert len(text) <= width
    if rate:
        assert text.strip("0.,<") != ""


def test_what_is_over_list() -> None:
    assert [over_text(*pair) for pair in (
        (12, 100), (-34, 1000), (0, 5), (1, 10**6), (-1, 10**6), (1300, 100), (995, 100_000),
    )] == ["+12%", "-3.4%", "0%", "<0.1%", "<0.1%", "+×14", "+1.0%"]  # fmt: skip
    assert [over_role(*pair) for pair in ((10, 100), (2, 100), (1, 100), (-2, 100), (-1, 100))] == [
        "over", "warn", "quiet", "ok", "quiet",
    ]  # fmt: skip


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_over_list_fits(off: int, listed: int) -> None:
    assert 0 < len(over_text(off, listed)) <= 7


def test_rates_and_tiers_in_words() -> None:
    card = RateCard("", (("input", D(3)), ("output", D(15))),
                    (Tier(200_000, (("input", D(6)), ("output", D(15)))),))  # fmt: skip
    assert rates_text(card.rates) == "input $3.00, output $15.00"
    assert list(tier_texts(card)) == ["above 200k input tokens: input $6.00"]
    assert (taken_from(card, "cache_read"), taken_from(card, "reasoning")) == ("input", "output")
    assert taken_from(RateCard("", (("input", D(1)),)), "output") == ""


def test_a_difference_has_its_sign() -> None:
    assert signed(-(10**9), 9, "~") == "~-$1.00"
    assert [signed(n * 10**9, 9) for n in (2, -2, 0)] == ["+$2.00", "-$2.00", "$0.00"]
