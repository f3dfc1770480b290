"""The quick way to read money is the exact way."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from costtui.model.dimension import Dimensions
from costtui.sources.metrics.mapping import COST, Placement, Series, amount, quick_nano

DOLLARS = Series(
    "s:1",
    "counter",
    (Placement(Dimensions(), (COST,), 0, "spend"),),
    factor=Decimal(1),
    dollars=True,
)

digits = st.text("0123456789", max_size=20)


@given(digits, digits)
@example("0", "0000000005")
@example("0", "0000000015")
@example("3", "00000000050000000001")
@example("0", "58385524000000003")
@example("999999999", "999999999999999999")
def test_plain_decimals(whole: str, part: str) -> None:
    quick = quick_nano(f" {whole}.{part}".encode())
    if quick is not None:
        assert quick == amount(DOLLARS, f"{whole}.{part}")
    else:
        assert not whole or not part or len(whole) > 9 or len(part) > 18

    assert quick_nano(f"{whole}.{part}".encode()) is None, "no blank in front"


@given(st.floats(min_value=0, max_value=1e9))
def test_floats_as_programs_write_them(value: float) -> None:
    quick = quick_nano(f" {value!r}".encode())
    assert quick in (None, amount(DOLLARS, repr(value)))


@given(
    st.sampled_from(["1", "-1.5", "1.5e-7", "NaN", "+Inf", "1.5 1700000000", "1_0.5", " 1.5", ""])
)
def test_every_other_form_is_left_to_the_exact_way(text: str) -> None:
    assert quick_nano(f" {text}".encode()) is None
