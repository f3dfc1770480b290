"""Values of alerts in words."""

from __future__ import annotations

import pytest

from costtui.model.charge import Exactness
from costtui.model.quantity import quantity_text


@pytest.mark.parametrize(
    ("unit", "number", "right", "text"),
    [
        ("cost", 0, Exactness.EXACT, "$0.00"),
        ("cost", 61_200_000_000, Exactness.LOWER_BOUND, "≥$61.20"),
        ("cost", 1_234_567_895_000_000, Exactness.ESTIMATE, "~$1,234,567.90"),
        ("cost", 12_340_000, Exactness.EXACT, "$0.01"),
        ("cost", 999_999_999, Exactness.EXACT, "$1.00"),
        ("cost", 17, Exactness.ESTIMATED_LOWER_BOUND, "≥~$0.000000017"),
        ("cost", -1_500_000_000, Exactness.EXACT, "-$1.50"),
        ("tokens", 1_500_000, Exactness.EXACT, "1,500,000 tokens"),
        ("requests", 3, Exactness.LOWER_BOUND, "≥3 requests"),
        ("share", 52_500, Exactness.EXACT, "5.25%"),
        ("share", 1_000_000, Exactness.EXACT, "100%"),
        ("factor", 2_500, Exactness.EXACT, "2.5x"),
        ("factor", 3_000, Exactness.EXACT, "3x"),
        ("seconds", 0, Exactness.EXACT, "0s"),
        ("seconds", 5_430, Exactness.EXACT, "1h 30m"),
        ("seconds", 90_000, Exactness.EXACT, "1d 1h"),
    ],
)
def test_numbers_with_their_units(unit: str, number: int, right: Exactness, text: str) -> None:
    assert quantity_text(unit, number, right) == text
