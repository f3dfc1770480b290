"""A limit of less than a cent is shown as a limit."""

from __future__ import annotations

import pytest

from costtui.model.alert import AlertStatus
from costtui.tui.quantities import limit_of


@pytest.mark.parametrize(
    ("nano", "width", "text"),
    [
        (10_000, 8, "of $1e-5"),
        (10_000, 14, "of $1e-5 24h"),
        (10_000_000, 8, "of $0.01"),
        (1, 8, "of $1e-9"),
        (96_000, 8, "of $1e-4"),
        (12_345, 8, "of $2e-5"),
    ],
)
def test_a_tiny_limit(nano: int, width: int, text: str) -> None:
    status = AlertStatus("r", (), "firing", "warning", 0, nano, 0.0, "24h")
    assert limit_of(status, width) == text
