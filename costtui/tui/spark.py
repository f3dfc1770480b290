"""Sparklines from zero: pure functions from numbers to levels.

Textual's Sparkline scales from the minimum to the maximum: four equal days look like nothing at
all and a change of 0.1 % looks like a spike. Money is drawn from zero here, and a gap is a gap.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

GAP = -1


def resample(values: Sequence[int], gaps: Collection[int], width: int) -> list[tuple[int, int]]:
    """`values` laid over `width` cells, area preserved: (weighted sum, weight) of each cell.

    A flat line stays flat whatever the two lengths are; adding neighbours up would give cells of
    two and of three buckets in turn. Weight 0 is a cell that lies in gaps alone. With fewer
    values than cells each value gets the cells it covers.
    """
    number = len(values)
    cells: list[tuple[int, int]] = []
    for cell in range(width):
        start, end = cell * number, (cell + 1) * number
        total = weight = 0
        for index in range(start // width, -(-end // width)):
            if index in gaps and not values[index]:
                continue
            overlap = min(end, (index + 1) * width) - max(start, index * width)
            total += values[index] * overlap
            weight += overlap
        cells.append((total, weight))
    return cells


def levels(values: Sequence[int], gaps: Collection[int], width: int, height: int = 8) -> list[int]:
    """One level a cell: `GAP`, 0 (nothing was spent) or 1…`height`.

    The scale starts at zero and ends at the greatest cell. Anything spent is at least level 1.
    A single value has nothing to be compared with and is drawn at half height.
    """
    if not values or width <= 0:
        return []
    width = min(width, len(values))
    cells = resample(values, gaps, width)
    # cross-multiplied comparison of averages, no division: total / weight
    best_total, best_weight = 0, 1
    for total, weight in cells:
        if weight and total * best_weight > best_total * weight:
            best_total, best_weight = total, weight
    out: list[int] = []
    for total, weight in cells:
        if not weight:
            out.append(GAP)
        elif total <= 0 or best_total <= 0:
            out.append(0)
        elif len(values) == 1:
            out.append(max(1, height // 2))
        else:
            top = best_total * weight
            out.append(max(1, (total * best_weight * height * 2 + top) // (2 * top)))
    return out


def bar(part: int, whole: int, width: int, fills: str) -> str:
    """A horizontal bar of `part` in `whole`, at most `width` cells, without padding.

    Anything above nothing draws at least the thinnest piece.
    """
    if part <= 0 or whole <= 0 or width <= 0:
        return ""
    steps = len(fills)
    eighths = min(width * steps, max(1, part * width * steps // whole))
    full, rest = divmod(eighths, steps)
    return fills[-1] * full + (fills[rest - 1] if rest else "")
