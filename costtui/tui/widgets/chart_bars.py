"""The small chart: bars and stacks of block characters from zero, gaps as gaps."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

from costtui.model.timewindow import Window
from costtui.tui.curves import Curves
from costtui.tui.look import Line, Look
from costtui.tui.shown import is_money
from costtui.tui.spark import GAP, resample
from costtui.tui.stacking import EIGHTHS, Cell, column, split
from costtui.tui.widgets.chart_labels import nice_ceiling, scale_text, time_labels

AXIS = 9
"""Cells of the labels left of the bars, the axis itself included."""
LIMIT_IN_SIGHT = 3
"""A limit is drawn when the scale need not grow by more than this factor for it."""


class Crosshair(NamedTuple):
    """Where the user points: indices of buckets."""

    at: int
    mark: int | None = None
    """Where a range was begun."""

    @property
    def ends(self) -> tuple[int, int]:
        """First and last bucket of the range; both `at` without a mark."""
        other = self.at if self.mark is None else self.mark
        return min(self.at, other), max(self.at, other)


def top_of(curves: Curves) -> int:
    """The end of the scale: round, above everything that is drawn."""
    most = max((0, *curves.totals, *curves.before))
    return nice_ceiling(max(most, curves.limit) if limit_in_sight(curves) else most)


def limit_in_sight(curves: Curves) -> bool:
    most = max((0, *curves.totals, *curves.before))
    return 0 < curves.limit <= most * LIMIT_IN_SIGHT


class Bars:
    """One drawing of `width` × `height` cells."""

    def __init__(
        self, look: Look, curves: Curves, window: Window, size: tuple[int, int],
        crosshair: Crosshair | None,
    ) -> None:  # fmt: skip
        self.look, self.curves, self.window = look, curves, window
        width, height = size
        self.height = height
        rows = max(1, height - 2 if height >= 6 else height - 1)
        self.odd = rows >= 5 and rows % 2 == 1
        self.rows = rows = rows - self.odd  # even: half of a round number is on a row's edge
        self.room = max(1, width - AXIS - 1)
        values = curves.totals
        self.buckets = len(values)
        self.number = min(self.buckets, self.room)
        cells = resample(values, curves.gaps, self.number)
        # The scale ends at a round number, not at the highest bar.
        most = max((-(-total // weight) for total, weight in cells if weight), default=0)
        line = max((0, *curves.before, curves.limit if limit_in_sight(curves) else 0))
        self.top = nice_ceiling(max(most, line))
        self.heights = [self._level(total, weight) if weight else GAP for total, weight in cells]
        self.starts = [i * self.room // self.number for i in range(self.number + 1)]
        self.spaced = self.room // self.number >= 3
        self.colors = look.palette.gradient(rows)
        self.stacks = self._stacks() if curves.stacked else []
        self.line = [self._level(curves.before[self._bucket(i)]) for i in range(self.number)] \
            if curves.before else []  # fmt: skip
        self.limit = self._level(curves.limit) if limit_in_sight(curves) else 0
        self.crosshair = crosshair
        self.at = self._column(crosshair.at) if crosshair else -1

    def _level(self, value: int, weight: int = 1) -> int:
        """Eighths of a line for value / weight; anything at all is at least one."""
        steps, top = self.rows * EIGHTHS, self.top * weight
        return min(steps, max(1, (2 * value * steps + top) // (2 * top))) if value > 0 else 0

    def _bucket(self, index: int) -> int:
        """The last bucket of a bar that stands for several."""
        return max(0, (index + 1) * self.buckets // self.number - 1)

    def _column(self, bucket: int) -> int:
        """The bar that a bucket is in."""
        return min(self.number - 1, max(0, bucket) * self.number // max(1, self.buckets))

    def _stacks(self) -> list[list[Cell]]:
        marks = self.look.glyphs.ascii or self.look.palette.colorless
        parts = [resample(layer.values, (), self.number) for layer in self.curves.layers]
        out = []
        for index, height in enumerate(self.heights):
            shares = split([part[index][0] for part in parts], max(0, height))
            out.append(column(shares, self.rows, whole=marks))
        return out

    # Cells ----------------------------------------------------------------------------------

    def _bar(self, index: int, row: int) -> tuple[str, Style]:
        """Character and style of bar `index` in `row` from below, without what lies over it."""
        look, level, floor = self.look, self.heights[index], row * EIGHTHS
        if level == GAP:
            return look.glyphs.gap, look.palette.style("warn" if row == 0 else "faint")
        if self.stacks:
            return self._stack(self.stacks[index][row])
        if level <= floor:
            return " ", look.palette.style("text")
        chars = look.glyphs.levels
        if self.line and look.glyphs.ascii:
            chars = "#" * EIGHTHS  # or its characters for parts would pass for the line's
        return chars[min(EIGHTHS, level - floor) - 1], self.colors[row]

    def _stack(self, cell: Cell) -> tuple[str, Style]:
        look, layers = self.look, self.curves.layers
        if cell.low < 0:
            return " ", look.palette.style("text")
        number = layers[cell.low].number
        if look.glyphs.ascii or look.palette.colorless:
            return look.glyphs.stack[number - 1], look.palette.style("text")
        char = look.glyphs.levels[cell.eighths - 1]
        low = f"chart-{number}"
        if cell.high < 0:
            return char, look.palette.style(low)
        return char, look.palette.pair(low, f"chart-{layers[cell.high].number}")

    def _over(self, index: int, row: int) -> tuple[str, Style] | None:
        """What lies over a cell: the second line, the limit, the crosshair."""
        look, floor = self.look, row * EIGHTHS
        if self.line and 0 < self.line[index] - floor <= EIGHTHS:
            part = self.line[index] - floor
            char = look.glyphs.over[0 if part <= 2 else 1 if part <= 6 else 2]
            return char, self._laid("text", index, row)
        if self.limit and 0 < self.limit - floor <= EIGHTHS:
            return look.glyphs.limit, self._laid("warn", index, row)
        return None

    def _laid(self, role: str, index: int, row: int) -> Style:
        """The style of a character over a bar, which shows behind it where it fills the cell."""
        look = self.look
        style = look.palette.style(role)
        whole = self.heights[index] >= (row + 1) * EIGHTHS
        if whole and not look.palette.colorless and not look.glyphs.ascii:
            return style + Style(bgcolor=self.colors[row].color)
        return style

    # Lines ----------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        look = self.look
        out: list[Line] = [Line(look)] if self.odd else []
        for row in reversed(range(self.rows)):
            label = self._label(self.rows - 1 - row)
            line = Line(look).cell(label, AXIS - 2, "quiet", "right").put(" ")
            line.put(look.glyphs.axis[0] if label else look.glyphs.axis[1], "line")
            for index in range(self.number):
                self._put(line, index, row)
            out.append(line)
        positions = self._positions()
        labels = time_labels(self.window, positions, self.room, look.zone)
        if self.height >= 6:
            out.append(self._baseline(labels))
        under = Line(look).to(AXIS)
        for at, text in labels:
            under.to(AXIS + at).put(text, "quiet")
        return [*out, under]

    def _put(self, line: Line, index: int, row: int) -> None:
        """All cells of one bar in one row."""
        cells = self.starts[index + 1] - self.starts[index]
        # one width for all bars: what is left over goes into the gaps between them
        wide = self.room // self.number - 1 if self.spaced else cells
        char, style = self._bar(index, row)
        over = self._over(index, row)
        if over is not None:
            line.styled(over[0] * wide, over[1])
            if over[0] == self.look.glyphs.limit:
                line.put(over[0] * (cells - wide), "warn")
            else:
                line.put(" " * (cells - wide))
            return
        if index == self.at and char == " ":
            middle = (wide - 1) // 2
            line.put(" " * middle).put(self.look.glyphs.vertical, "focus")
            line.put(" " * (wide - middle - 1))
        elif index == self.at and not self.stacks and char != self.look.glyphs.gap:
            line.put(char * wide, "accent")
        else:
            line.styled(char * wide, style)
        line.put(" " * (cells - wide))

    def _label(self, row: int) -> str:
        """The tick beside a row from above: the value at its upper edge, at quarters or halves."""
        rows = self.rows
        part = 4 if rows % 4 == 0 and rows >= 8 else 2 if rows % 2 == 0 else 1
        if row * part % rows:
            return ""
        return scale_text(self.top * (rows - row) // rows, self.curves.unit, AXIS - 2)

    def _positions(self) -> list[int]:
        """The column of each bucket, also where several share one."""
        if self.number == self.buckets:
            return self.starts[:-1]
        return [i * self.room // self.buckets for i in range(self.buckets)]

    def _baseline(self, labels: list[tuple[int, str]]) -> Line:
        g = self.look.glyphs
        zero = "$0" if is_money(self.curves.unit) else "0"
        cells = [g.axis[3]] * self.room
        for at, _ in labels:
            cells[at] = g.axis[4]
        line = Line(self.look).cell(zero, AXIS - 2, "quiet", "right").put(" ")
        line.put(g.axis[2], "line")
        if self.crosshair is None:
            return line.put("".join(cells), "line")
        first, last = (self._column(end) for end in self.crosshair.ends)
        low, high = self.starts[first], self.starts[last + 1]
        wide = self.room // self.number - 1 if self.spaced else 1
        here = self.starts[self.at] + (wide - 1) // 2
        for at, char in enumerate(cells):
            if at == here:
                line.put(g.here, "focus")
            elif self.crosshair.mark is not None and low <= at < high:
                line.put(g.marked, "focus")
            else:
                line.put(char, "line")
        return line
