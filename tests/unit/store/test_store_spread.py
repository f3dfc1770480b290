"""A long interval divided over its minutes: nothing is lost, and every piece makes sense alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costtui.store.levels import WIDTH
from costtui.store.spread import spread

small = st.integers(0, 10_000)


@given(
    start=st.integers(1_700_000_000, 1_800_000_000),
    seconds=st.integers(121, 400_000),
    fine=small, errors=small, throttled=small, tokens=small, cost=st.integers(0, 10**15),
)  # fmt: skip
def test_pieces_add_up_and_failures_stay_part_of_the_requests(
    start: int, seconds: int, fine: int, errors: int, throttled: int, tokens: int, cost: int
) -> None:
    values = [0] * WIDTH
    values[0], values[1], values[2] = fine + errors + throttled, errors, throttled
    values[3], values[9] = tokens, cost
    values[-1] = 1
    pieces = list(spread(start * 10**9, (start + seconds) * 10**9, values))
    sums = [sum(column) for column in zip(*(share for _, share in pieces), strict=True)]
    assert sums[:-1] == values[:-1]
    for t, share in pieces:
        assert start - 86_400 <= t < start + seconds
        assert min(share) >= 0
        assert share[0] >= share[1] + share[2]
        assert share[-1] == 1
