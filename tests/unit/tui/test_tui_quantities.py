from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.alert import UNITS, AlertStatus
from costtui.model.charge import Exactness
from costtui.tui.cells import cell_len
from costtui.tui.quantities import limit_of, quantity, value_title


def status(unit: str, limit: int, window: str = "24h") -> AlertStatus:
    return AlertStatus("r", (), "firing", "info", 1, limit, 1.0, window, unit=unit)


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("cost", 12_340_000_000, "$12.34"), ("tokens", 1_234_567, "1.23M"), ("requests", 12, "12"),
        ("share", 52_000, "5.2%"), ("share", 1_500_000, "150%"), ("factor", 2_500, "2.5×"),
        ("factor", 123_456, "123×"), ("seconds", 12_000, "3h 20m"),
    ],
)  # fmt: skip
def test_a_value(unit: str, value: int, text: str) -> None:
    assert quantity(unit, value, 9) == text
    assert quantity(unit, value, 9, Exactness.LOWER_BOUND) == f"≥{text}"


@given(st.sampled_from(UNITS), st.integers(0, 2**62), st.sampled_from(Exactness))
def test_a_value_fits_its_column(unit: str, value: int, right: Exactness) -> None:
    assert cell_len(quantity(unit, value, 9, right)) <= 9
    assert cell_len(limit_of(status(unit, value), 8)) <= 10


@pytest.mark.parametrize(
    ("one", "wide", "narrow"),
    [
        (status("cost", 800 * 10**9), "of $800 24h", "of $800"),
        (status("tokens", 2_000_000, "1h"), "of 2M tok 1h", "of 2M"),
        (status("requests", 20, "15m"), "of 20 req 15m", "of 20"),
        (status("requests", 1200, "15m"), "of 1,200 15m", "of 1,200"),
        (status("share", 50_000, "15m"), "of 5% 15m", "of 5%"),
        (status("factor", 2_500, "1h"), "of 2.5× 1h", "of 2.5×"),
        (status("seconds", 7200), "of 2h", "of 2h"),
    ],
)
def test_a_limit(one: AlertStatus, wide: str, narrow: str) -> None:
    assert limit_of(one, 14) == wide
    assert limit_of(one, 8) == narrow


def test_only_money_is_spent() -> None:
    assert value_title([status("cost", 1)]) == "spent"
    assert value_title([status("cost", 1), status("share", 1)]) == "value"
