"""The axis of a budget's chart: a number at its top, in its middle and below."""

from __future__ import annotations

from datetime import UTC

import pytest

from costtui.model.budget import Course
from costtui.tui import themes
from costtui.tui.glyphs import UNICODE
from costtui.tui.look import Look
from costtui.tui.palette import Palette
from costtui.tui.widgets.budget_detail import Rise
from costtui.tui.widgets.chart_bars import AXIS


@pytest.mark.parametrize("height", range(8, 25))
def test_the_middle_of_the_scale_has_its_number(height: int) -> None:
    theme = themes.read(themes.builtin_dir() / "costtui-dark.yml")
    look = Look(Palette({**theme.colors, **theme.variables}), UNICODE, UTC)
    start, dollar = 1_795_651_200, 10**9
    course = Course(start, start + 86_400, start + 40_000, 8 * dollar,
                    ((start, 0), (start + 40_000, 5 * dollar)))  # fmt: skip
    drawn = Rise(look, course, 100, height).lines()
    assert len(drawn) <= height
    labels = ["".join(s.text for s in line.segments)[: AXIS - 1].strip(" ┤│└") for line in drawn]
    found = [label for label in labels if label]
    assert labels[0] == "$8"
    assert labels[-2] == "$0"
    assert "$4" in found
