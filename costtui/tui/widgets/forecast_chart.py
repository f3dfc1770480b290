"""The month added up: what was spent, what will have been, and the band around it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.geometry import Size

from costtui.model.timewindow import DAY, Window
from costtui.tui import format as fmt
from costtui.tui.look import Line, Look, frame
from costtui.tui.stacking import EIGHTHS
from costtui.tui.told import Point, Told, month_line
from costtui.tui.widgets.chart_bars import AXIS
from costtui.tui.widgets.chart_labels import nice_ceiling, scale_text, time_labels
from costtui.tui.widgets.forecast_cards import estimated
from costtui.tui.widgets.lines import Lines

MIDDLE_FROM = 6
"""Rows from which the axis has a number in the middle."""
_SIGHT = 2
"""A limit is drawn when it is at most so many times what the month may cost."""


def top_of(told: Told) -> int:
    """The end of the scale: above the band, and the limit where it is near."""
    most = told.outlook.to_date.effective_nano
    if told.known:
        most = max(told.end.high, told.end.nano, most)
    limit = told.limit
    return nice_ceiling(max(most, limit) if 0 < limit <= most * _SIGHT else max(most, 1))


def month_window(told: Told) -> Window:
    """The whole calendar month."""
    return Window(told.outlook.view.window.start, told.outlook.until, DAY, "month")


class ForecastChart(Lines, can_focus=True):
    """Blocks while there are other things on the screen, plotext when it is alone."""

    DEFAULT_CSS = "ForecastChart { height: 1fr; }"

    told: Told | None = None
    maximised = False
    empty = "reading …"

    def lines(self, size: Size) -> list[Line]:
        told, look = self.told, self.look
        width, height = size
        title = Line(look).put("this month", "focus-title" if self.has_focus else "title")
        note = Line(look)
        if told is None:
            body = [Line(look).put(f"  {self.empty}", "quiet")]
        elif not told.end.nano:
            body = nothing(look, width - 2, height - 2)
        else:
            inside = width - 2, height - 2
            if self.maximised:
                from costtui.tui.plot import planned

                body = planned(look, told, inside)
            else:
                body = Month(look, told, *inside).lines()
            if told.end.nano:
                title.extend(legend(told, look))
                note = self._note(told)
        return frame(look, body, width, height, title=title, note=note, focus=self.has_focus)

    def _note(self, told: Told) -> Line:
        look, end = self.look, told.end
        sign = estimated(told.outlook.to_date)
        if not told.known:
            when = fmt.day_and_minute(told.forecast.told_from, look.zone)
            return Line(look).put(f"no forecast before {when}", "quiet")
        line = Line(look).put(f"month end {fmt.money(end.nano, 12, sign, look.glyphs)}", "value")
        return line.put(f"  80%: {fmt.money(end.low, 9)} to {fmt.money(end.high, 9)}",
                        "warn" if told.forecast.wide else "quiet")  # fmt: skip


def nothing(look: Look, width: int, height: int) -> list[Line]:
    """Nothing was spent and nothing will be, as far as anybody knows."""
    out = [Line(look) for _ in range(max(0, (height - 2) // 2))]
    for text, role in (
        ("Nothing has been spent this month, and no whole hour of history is there yet.", "text"),
        (
            "A forecast comes after a day of history, F9 shows the sources.",
            "quiet",
        ),
    ):
        text = text if len(text) <= width else text.partition(",")[0] + "."
        out.append(Line(look).to(max(0, (width - len(text)) // 2)).put(text, role))
    return out


def legend(told: Told, look: Look) -> Line:
    """What the characters mean."""
    spent, _, inside = shades(look)
    line = Line(look).put(f"  {spent} ", "bar").put("spent", "quiet")
    if told.known:
        line.put(f"  {look.glyphs.over[1]} ", "value").put("expected", "quiet")
        line.put(f"  {inside} ", "accent").put("8 of 10", "quiet")
    if told.limit:
        line.put(f"  {look.glyphs.limit} ", "warn").put("limit", "quiet")
    return line


def shades(look: Look) -> tuple[str, str, str]:
    """(spent, below the band, inside of it): characters, because not all terminals have colours."""
    return ("#", ":", "%") if look.glyphs.ascii else (look.glyphs.legend, "░", "▒")


class Month:
    """One drawing of `width` × `height` cells: a sum that rises, and where it goes."""

    points: Sequence[Point]
    top: int
    limit: int
    window: Window
    now: int
    banded = True

    def __init__(self, look: Look, told: Told, width: int, height: int) -> None:
        self._fit(look, width, height)
        self.top, self.limit = top_of(told), told.limit
        self.window, self.now = month_window(told), told.forecast.start
        self.points = month_line(told, self.room)

    def _fit(self, look: Look, width: int, height: int) -> None:
        self.look = look
        self.rows = max(1, height - 2)
        if self.rows >= MIDDLE_FROM:
            self.rows -= self.rows % 2  # so that half of the scale is at the edge of a row
        self.room = max(1, width - AXIS - 1)
        self.colors = look.palette.gradient(self.rows)

    def _level(self, value: int) -> int:
        steps = self.rows * EIGHTHS
        return min(steps, (2 * value * steps + self.top) // (2 * self.top)) if value > 0 else 0

    def lines(self) -> list[Line]:
        look, g, window = self.look, self.look.glyphs, self.window
        limit = self._level(self.limit) if 0 < self.limit <= self.top else 0
        out = []
        for row in reversed(range(self.rows)):
            label = self._label(self.rows - 1 - row)
            line = Line(look).cell(label, AXIS - 2, "quiet", "right").put(" ")
            line.put(g.axis[0] if label else g.axis[1], "line")
            for point in self.points:
                self._cell(line, point, row, limit)
            out.append(line)
        days = window.buckets()
        columns = [max(0, (d - window.start) * self.room // window.seconds) for d in days]
        labels = time_labels(window, columns, self.room, look.zone)
        cells = [g.axis[3]] * self.room
        for at, _ in labels:
            cells[at] = g.axis[4]
        now = min(self.room - 1, (self.now - window.start) * self.room // window.seconds)
        line = Line(look).cell("$0", AXIS - 2, "quiet", "right").put(" ").put(g.axis[2], "line")
        line.put("".join(cells[:now]), "line").put(g.here, "focus")
        out.append(line.put("".join(cells[now + 1 :]), "line"))
        under = Line(look).to(AXIS)
        for at, text in labels:
            under.to(AXIS + at).put(text, "quiet")
        return [*out, under]

    def _label(self, row: int) -> str:
        rows = self.rows
        part = 4 if rows % 4 == 0 and rows >= 8 else 2 if rows % 2 == 0 else 1
        if row * part % rows:
            return ""
        text = scale_text(self.top * (rows - row) // rows, "cost", AXIS - 2)
        return "" if row and text.startswith("<") else text

    def _cell(self, line: Line, point: Point, row: int, limit: int) -> None:
        g, floor = self.look.glyphs, row * EIGHTHS
        value = self._level(point.value)
        _, below, inside = shades(self.look)
        if point.ahead:
            low, high = self._level(point.low), self._level(point.high)
            if floor < max(1, value) <= floor + EIGHTHS:
                part = max(1, value) - floor
                line.put(g.over[0 if part <= 2 else 1 if part <= 6 else 2], "value")
            elif floor + EIGHTHS // 2 <= high and floor + EIGHTHS > low:
                line.put(inside, "accent")
            elif self.banded and floor + EIGHTHS <= low:
                line.put(below, "quiet")
            else:
                self._free(line, floor, limit)
        elif point.gap:
            line.put(g.gap if value > floor or row == 0 else " ", "warn" if row == 0 else "faint")
        elif value > floor:
            line.styled(g.levels[min(EIGHTHS, value - floor) - 1], self.colors[row])
        else:
            self._free(line, floor, limit)

    def _free(self, line: Line, floor: int, limit: int) -> None:
        if limit and 0 < limit - floor <= EIGHTHS:
            line.put(self.look.glyphs.limit, "warn")
        else:
            line.put(" ")


def month_name(told: Told, look: Look) -> str:
    """`Nov 2026`."""
    start = datetime.fromtimestamp(told.outlook.view.window.start, look.zone)
    return start.strftime("%b %Y")
