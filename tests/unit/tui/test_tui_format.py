"""Numbers as text: never too wide, never cut in the middle, true to the value."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.charge import Exactness
from costtui.tui import format as fmt
from costtui.tui.glyphs import ASCII, UNICODE

DOLLAR = 1_000_000_000
amounts = st.one_of(
    st.integers(-(2**70), 2**70), st.integers(0, 2 * DOLLAR), st.integers(0, 10**14)
)
widths = st.integers(0, 16)
SCALE = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}


@pytest.mark.parametrize(
    ("nano", "width", "text"),
    [
        (0, 9, "$0.00"),
        (12_300, 9, "$0.000012"),
        (1, 12, "$0.000000001"),
        (1_234_567, 9, "$0.0012"),
        (423_000_000, 9, "$0.423"),
        (500_000_000, 9, "$0.500"),
        (12_340_000_000, 9, "$12.34"),
        (999_994_000_000, 9, "$999.99"),
        (999_996_000_000, 9, "$1,000"),
        (1_234_000_000_000, 9, "$1,234"),
        (12_345_000_000_000, 9, "$12,345"),
        (12_345_000_000_000, 6, "$12.3k"),
        (12_345_000_000_000, 5, "$12k"),
        (999_999_000_000_000, 6, "$1.00M"),
        (-5_000_000_000, 9, "-$5.00"),
    ],
)
def test_money(nano: int, width: int, text: str) -> None:
    assert fmt.money(nano, width) == text


def value_of(text: str) -> tuple[Decimal, Decimal]:
    """(value, one unit of the last digit shown) of a formatted amount, in dollars."""
    found = re.fullmatch(r"(-?)\$?([\d,]+)(\.\d+)?([kMBTPE]?)", text)
    assert found is not None, text
    sign, whole, rest, letter = found.groups()
    scale = SCALE[letter]
    value = Decimal(whole.replace(",", "") + (rest or "")) * scale
    step = Decimal(scale) / 10 ** (len(rest) - 1 if rest else 0)
    return (-value if sign else value), step


@given(amounts, widths)
def test_money_fits_and_is_true(nano: int, width: int) -> None:
    text = fmt.money(nano, width)
    assert len(text) <= width
    if text in ("", "…"):
        return
    exact = Decimal(nano) / DOLLAR
    if "<" in text:
        bound, _ = value_of(text.replace("<", ""))
        assert abs(exact) < abs(bound)
        return
    value, step = value_of(text)
    assert abs(value - exact) <= step / 2


@given(amounts, widths, st.sampled_from(list(Exactness)), st.sampled_from([UNICODE, ASCII]))
def test_the_mark_is_never_dropped(nano: int, width: int, how: Exactness, glyphs: object) -> None:
    text = fmt.money(nano, width, how, ASCII if glyphs is ASCII else UNICODE)
    assert len(text) <= width
    if text not in ("", "…"):
        assert text.startswith(fmt.mark(how, ASCII if glyphs is ASCII else UNICODE))


@given(st.integers(-(2**64), 2**64), widths)
def test_counts_fit_and_are_true(number: int, width: int) -> None:
    for text in (fmt.count(number, width), fmt.compact(number, width)):
        assert len(text) <= width
        if text not in ("", "…"):
            value, step = value_of(text)
            assert abs(value - number) <= step / 2


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9,999"), (10_000, "10.0k"), (1_234_567, "1.23M"), (999_500, "1.00M")],
)
def test_compact(number: int, text: str) -> None:
    assert fmt.compact(number) == text


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(2, 8))
def test_share_is_honest_at_both_ends(part: int, whole: int, width: int) -> None:
    text = fmt.share(part, whole, width)
    assert len(text) <= width
    if text == "100%":
        assert part >= whole
    if text == "0%":
        assert part == 0


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(1, 9))
def test_change_points_the_right_way(now: int, before: int, width: int) -> None:
    text = fmt.change(now, before, UNICODE, width)
    assert len(text) <= width
    if "▲" in text:
        assert now > before
    if "▼" in text:
        assert now < before


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (112, 100, "▲ 12%"),
        (97, 100, "▼ 3.0%"),
        (100, 100, "= 0%"),
        (5, 0, "new"),
        (0, 0, "-"),
        (1, 1000, "▼ >99%"),
        (0, 1000, "▼ 100%"),
        (1400, 100, "▲ ×14"),
        (100_001, 100_000, "▲ <0.1%"),
    ],
)
def test_change(now: int, before: int, text: str) -> None:
    assert fmt.change(now, before) == text


@given(st.floats(-10, 1e12, allow_nan=False))
def test_duration_is_short(seconds: float) -> None:
    assert 2 <= len(fmt.duration(seconds)) <= 7


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45s"), (720, "12m"), (12_000, "3h 20m"), (1_047_600, "12d 3h")]
)
def test_duration(seconds: int, text: str) -> None:
    assert fmt.duration(seconds) == text


def test_round_money_shows_no_cents_of_whole_dollars() -> None:
    assert fmt.round_money(20 * DOLLAR) == "$20"
    assert fmt.round_money(2_500_000_000) == "$2.50"
    assert fmt.round_money(500_000_000) == "$0.50"
    assert fmt.round_money(800 * DOLLAR, 3) == "…"
