"""A number that is too large is a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from costtui.config.kinds import Place, Written
from costtui.config.number_kinds import MOST, Count


def written(text: str) -> Written:
    return Written(text, text, True, Place({}, Path("/")))


@pytest.mark.parametrize("text", ["1000000000000000000", "1000000000000001", "9" * 40 + "k"])
def test_too_large(text: str) -> None:
    with pytest.raises(ValueError, match="too large"):
        Count().parse(written(text))


def test_the_most() -> None:
    assert Count().parse(written(f"{MOST}")) == MOST
