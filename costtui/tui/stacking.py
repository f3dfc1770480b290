"""How a stack is rounded to eighths of lines: pure functions.

Rounding each series by itself makes a stack higher or lower than its total. Here the total is
rounded first, as a plain bar of it is, and then shared out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

EIGHTHS = 8


def split(parts: Sequence[int], steps: int) -> list[int]:
    """`steps` shared out in proportion to `parts`; the sum is exactly `steps` where there is
    anything. Whole steps first; then parts that would vanish though they are worth half a step or
    more, then the largest remainders."""
    whole = sum(parts)
    if whole <= 0 or steps <= 0:
        return [0] * len(parts)
    out = [part * steps // whole for part in parts]
    rest = [part * steps % whole for part in parts]
    vanishing = [not given and 2 * left >= whole for given, left in zip(out, rest, strict=True)]
    order = sorted(range(len(parts)), key=lambda i: (not vanishing[i], -rest[i], i))
    for index in order[: steps - sum(out)]:
        out[index] += 1
    return out


class Cell(NamedTuple):
    """One cell of a stack: `low` fills `eighths` of it from below, `high` the rest. A series is
    its index; `high` -1 is the background, `low` -1 an empty cell."""

    low: int
    eighths: int
    high: int = -1


EMPTY = Cell(-1, 0)


def column(heights: Sequence[int], rows: int, *, whole: bool = False) -> list[Cell]:
    """The cells of one stack, from the bottom. `heights` are eighths of a line.

    A cell has two colours. Where three series meet in one, that which shows nowhere else stays,
    else the largest; where two meet under the background, one of them, because the height of the
    stack must stay right. `whole` is for characters without eighths: a cell has one series, and
    half a cell is a cell.
    """
    cells: list[Cell] = []
    seen: set[int] = set()
    edges: list[tuple[int, int, int]] = []
    at = 0
    for index, height in enumerate(heights):
        if height > 0:
            edges.append((index, at, at + height))
            at += height
    for index, start, end in edges:
        if -(-start // EIGHTHS) < end // EIGHTHS:  # it has a cell of its own
            seen.add(index)
    for row in range(rows):
        floor = row * EIGHTHS
        inside = [
            (index, min(end, floor + EIGHTHS) - max(start, floor))
            for index, start, end in edges
            if start < floor + EIGHTHS and end > floor
        ]
        filled = sum(part for _, part in inside)
        if not inside or (whole and filled < EIGHTHS // 2 and row > 0):
            cells.append(EMPTY)
            continue
        two = filled == EIGHTHS and not whole
        chosen = _wanted(inside, seen, 2 if two else 1)
        seen.update(chosen)
        if len(chosen) == 1:
            cells.append(Cell(chosen[0], EIGHTHS if whole else filled))
            continue
        low, high = chosen
        below = sum(part for index, part in inside if index <= low)
        above = sum(part for index, part in inside if index >= high)
        between = EIGHTHS - below - above
        cells.append(Cell(low, below + between // 2, high))
    return cells


def _wanted(inside: list[tuple[int, int]], seen: Collection[int], most: int) -> list[int]:
    """At most `most` of the series of a cell, in their order: unseen ones first, then large."""
    order = sorted(inside, key=lambda pair: (pair[0] in seen, -pair[1]))
    return sorted(index for index, _ in order[:most])
