"""A budget as a bar: what is spent of it, what is expected, and where its steps are."""

from __future__ import annotations

from collections.abc import Sequence

from costtui.model.alert import SHARE
from costtui.tui.look import Line, Look

SCALE = SHARE * 5 // 4
"""The right end of a bar, millionths of the limit: what is passed must be seen to be."""


def share_bar(
    look: Look, width: int, spent: int, ahead: int, steps: Sequence[int], role: str
) -> Line:
    """`width` cells. `spent`, `ahead` (expected at the end) and `steps` are millionths of the
    limit. The cell of a step is full exactly when the step is reached."""
    g = look.glyphs
    marks = {step: _at(step, width) for step in steps if step <= SCALE}
    full, end = (_cells(share, width, marks) for share in (spent, ahead))
    limit = marks.get(SHARE, _at(SHARE, width))
    places = set(marks.values())
    line = Line(look)
    for cell in range(width):
        mark = cell in places
        if cell < full:
            glyph = g.marks[0] if mark else g.fills[-1]
            line.put(glyph, "over" if cell > limit else role)
        elif cell < end:
            line.put(g.marks[1] if mark else g.horizontal, "warn" if cell > limit else "quiet")
        else:
            line.put(g.marks[2] if mark else g.rest, "quiet" if mark else "rest")
    return line


def _at(share: int, width: int) -> int:
    """The cell that ends where `share` is."""
    return max(0, min(width - 1, (2 * share * width + SCALE) // (2 * SCALE) - 1))


def _cells(share: int, width: int, marks: dict[int, int]) -> int:
    """How many cells are full: at least one of anything, and the cell of each step exactly from
    the step on."""
    if share <= 0:
        return 0
    full = min(width, max(1, share * width // SCALE))
    for step, cell in sorted(marks.items()):
        full = max(full, cell + 1) if share >= step else min(full, cell)
    return full
