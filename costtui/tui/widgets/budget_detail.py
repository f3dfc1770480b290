"""The budget under the cursor in full: its facts, its alerts, and how it came there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime

from textual.geometry import Size
from textual.message import Message

from costtui.model.alert import SHARE
from costtui.model.budget import BudgetLine, Course
from costtui.model.charge import Exactness
from costtui.model.timewindow import DAY, HOUR, Window, step_for
from costtui.tui import format as fmt
from costtui.tui.budget_rows import Row, Step, labels_text, word_of
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line, Look, frame
from costtui.tui.muting import in_words
from costtui.tui.quantities import quantity
from costtui.tui.spark import bar
from costtui.tui.told import Point, between
from costtui.tui.widgets.budget_table import (
    ROLES,
    ahead_text,
    band_text,
    burn_text,
    ends_text,
    left_text,
    role_of,
    rolling,
    time_left,
)
from costtui.tui.widgets.chart_labels import nice_ceiling
from costtui.tui.widgets.forecast_chart import Month, shades
from costtui.tui.widgets.lines import Lines

CHART_FROM = 9
"""Lines below the facts from which a chart is worth drawing."""
_BANDS = tuple(SHARE * percent // 100 for percent in (0, 20, 40, 60, 80, 100, 150))
_SIGHT = 2
"""A limit is drawn when it is at most so many times what the period may cost."""


class BudgetDetail(Lines):
    """A panel under the table. The chart is drawn where there is room for it."""

    DEFAULT_CSS = "BudgetDetail { height: 7; }"

    row: Row | None = None
    steps: Sequence[Step] = ()
    """The alerts of the row."""
    now = 0.0
    course: Course | None = None
    """Of the row, once it has been read."""

    class Fitted(Message):
        """It has another size: there may be room for a chart now."""

    def on_resize(self) -> None:
        self.post_message(self.Fitted())

    def lines(self, size: Size) -> list[Line]:
        row, look = self.row, self.look
        width, height = size
        title, note = Line(look), Line(look)
        if row is None:
            return frame(look, [], width, height, title=title, note=note, focus=False)
        title.put(_called(row, look), "title")
        body = wrap(self._facts(row), width - 2, height - 2, look)
        room = height - 2 - len(body)
        if self.course is not None and row.line is not None and room >= CHART_FROM:
            title.extend(legend(self.course, look))
            drawn = Rise(look, self.course, width - 2, min(room - 1, 24)).lines()
            body += [Line(look), *drawn]
        elif row.line is None and not row.more and room >= CHART_FROM and row.whole.lines:
            body += [Line(look), *spread(look, row.whole.lines, width - 2)]
        return frame(look, body, width, height, title=title, note=note, focus=False)

    @property
    def charted(self) -> bool:
        """Is there room for a chart?"""
        return self.size.height - 2 - 4 >= CHART_FROM

    # Facts ----------------------------------------------------------------------------------

    def _facts(self, row: Row) -> Iterator[Line]:
        yield from self._about(row)
        if row.line is not None:
            yield from self._money(row.line)
        else:
            yield from self._all(row)
        for step in self.steps:
            yield self._step(step)

    def _fact(self, name: str, text: str, role: str = "text") -> Line:
        return Line(self.look).put(f"{name} " if name else "", "quiet").put(text, role)

    def _about(self, row: Row) -> Iterator[Line]:
        budget, look = row.whole.budget, self.look
        line = row.line or (row.whole.lines[0] if row.whole.lines else None)
        if line is not None and not rolling(line):
            first, last = (datetime.fromtimestamp(t, look.zone) for t in (line.start, line.end))
            text = f"{first.strftime('%a %d %b %H:%M')} {look.glyphs.arrow} "
            text += last.strftime("%a %d %b %H:%M")
            yield self._fact(line.period, text)
            yield self._fact("time left", time_left(line, self.now))
        elif line is not None:
            yield self._fact("the last", outside(line.period, 12))
        for name, value in budget.where:
            shown = outside(look.named(name, value), 60) or "(none)"
            yield self._fact("where", f"{outside(name, 30)}={shown}")
        if budget.parent:
            yield self._fact("part of", outside(budget.parent, 60))

    def _money(self, one: BudgetLine) -> Iterator[Line]:
        g = self.look.glyphs
        spent = fmt.money(one.spent, 16, one.exactness, g, cents=True)
        mark = fmt.mark(Exactness(one.exactness & Exactness.LOWER_BOUND), g)
        share = mark + fmt.share(one.spent, one.limit, 6)
        limit = fmt.round_money(one.limit, 12)
        yield self._fact("spent", f"{spent} of {limit}, {share}", role_of(one))
        yield self._fact("left", left_text(one, 16, g), "over" if one.left < 0 else "text")
        window = fmt.duration(one.burn_window)
        yield self._fact("burn", f"{burn_text(one, 8, g)} even pace in {window}")
        if one.ahead is not None:
            text = ahead_text(one, 16, g)
            if one.banded:
                text += f", 8 of 10: {band_text(one, 10).replace('-$', ' to $')}"
            if one.labels:  # the overview of it alone has a forecast of its own, a little another
                text += ", as its part of all"
            over = one.ahead.nano > one.limit
            yield self._fact("at end", text, "warn" if over else "text")
        text, role = ends_text(one, self.look)
        words = {"lasts": "lasts to the end", "-": ""}
        if one.reaches and text not in ("passed", "reached"):
            text = f"reached {text}"
        text = words.get(text, text)
        if text:
            yield self._fact("", text, role)
        if one.exactness & Exactness.LOWER_BOUND:
            yield self._fact(
                g.at_least, "something is unpriced, or newest data is missing", "quiet"
            )

    def _all(self, row: Row) -> Iterator[Line]:
        whole, g = row.whole, self.look.glyphs
        limit = fmt.round_money(whole.budget.limit_nano, 12)
        if row.more:
            yield self._fact("", f"{row.more:,} more of {limit} each; space shows them")
            return
        number = len(whole.lines)
        yield self._fact("each", limit, "value")
        yield self._fact("label sets", f"{number:,}")
        yield self._fact("spent", fmt.money(whole.spent, 16, whole.exactness, g, cents=True))
        for text, count in (("passed", whole.passed), ("reached", whole.reached)):
            if count:
                yield self._fact(text, f"{count:,}", "over")
        if whole.next_end:
            when = fmt.day_and_minute(whole.next_end, self.look.zone)
            yield self._fact("next reached", when, "warn")

    def _step(self, step: Step) -> Line:
        """`80% FIRING since 26 Nov 13:05 (acked by ann 26 Nov 13:06: on it)`."""
        status, g = step.status, self.look.glyphs
        word = word_of(step)
        line, row = Line(self.look), self.row
        mine = tuple(pair for pair in status.labels if pair[0] != "step")
        if row is not None and row.line is None and mine:  # of one of the label sets: whose?
            line.put(f"{labels_text(mine, self.look.named)} ", "value")
        line.put(f"{outside(step.name, 20)} ", "quiet")
        shown = "FIRING" if status.state == "firing" else outside(status.state, 12)
        line.put(shown, "over" if word == "firing" else ROLES.get(word, "quiet"))
        if status.unit == "factor":
            line.put(f" {quantity('factor', status.value, 8, status.exactness, g)}", "text")
        if status.since:
            line.put(f" since {fmt.day_and_minute(status.since, self.look.zone)}", "quiet")
        for mute in step.mutes:
            line.put(f", {in_words(mute, self.look)}", "warn")
        return line


def _called(row: Row, look: Look) -> str:
    name = outside(row.whole.budget.name, 60)
    if row.head or row.line is None:
        return name
    return f"{name} {look.glyphs.step} {labels_text(row.line.labels, look.named)}"


def wrap(pieces: Iterator[Line], width: int, height: int, look: Look) -> list[Line]:
    """Facts one after the other, on as many lines as they take; what has no room is left out."""
    out: list[Line] = []
    gap = f" {look.glyphs.middle} "
    for piece in pieces:
        if out and out[-1].width + cell_len(gap) + piece.width <= width:
            out[-1].put(gap, "faint").extend(piece)
        elif len(out) < height:
            out.append(Line(look).put(" ").extend(piece))
        else:
            break
    return out


def spread(look: Look, found: Sequence[BudgetLine], width: int) -> list[Line]:
    """How many label sets have used how much."""
    numbers = [0] * len(_BANDS)
    for one in found:
        numbers[bisect_right(_BANDS, one.share) - 1] += 1
    most, room = max(numbers), max(10, min(70, width - 40))
    out = []
    for at, number in enumerate(numbers):
        low = _BANDS[at] * 100 // SHARE
        high = f"to {_BANDS[at + 1] * 100 // SHARE}%" if at + 1 < len(_BANDS) else "and more"
        role = "over" if low >= 100 else "warn" if low >= 80 else "bar"
        line = Line(look).put(" ").cell(f"{low}% {high} used", 18, "quiet")
        line.cell(f"{number:,}" if number else "-", 8, "text" if number else "quiet", "right")
        out.append(line.put("  ").put(bar(number, most, room, look.glyphs.fills), role))
    return out


def legend(course: Course, look: Look) -> Line:
    """What the characters of the chart mean."""
    spent, _, inside = shades(look)
    line = Line(look).put(f"  {spent} ", "bar").put("spent", "quiet")
    if course.ahead:
        line.put(f"  {look.glyphs.over[1]} ", "value").put("expected", "quiet")
    if course.banded:
        line.put(f"  {inside} ", "accent").put("8 of 10", "quiet")
    return line.put(f"  {look.glyphs.limit} ", "warn").put("limit", "quiet")


class Rise(Month):
    """What was spent of a budget over its period, as the month of the forecast is drawn."""

    def __init__(self, look: Look, course: Course, width: int, height: int) -> None:
        self._fit(look, width, height)
        self.limit, self.now, self.banded = course.limit, course.now, course.banded
        seconds = course.end - course.start
        step = DAY if seconds >= 5 * DAY else HOUR if seconds >= 5 * HOUR else step_for(seconds)
        self.window = Window(course.start, course.end, step, "budget")
        self.top = _top(course)
        self.points = points(course, self.room)


def _top(course: Course) -> int:
    """The end of the scale: above all of it, and the limit where it is near."""
    most = max(course.past[-1][1], 1)
    if course.ahead:
        last = course.ahead[-1][1]
        most = max(most, last.nano, last.high)
    limit = course.limit
    return nice_ceiling(max(most, limit) if limit <= most * _SIGHT else most)


def points(course: Course, columns: int) -> list[Point]:
    """The period in `columns` equal parts: what was spent, then what will have been."""
    past = list(course.past)
    lines = [[(at, estimate[part]) for at, estimate in course.ahead] for part in range(3)]
    out: list[Point] = []
    for column in range(columns):
        start, end = (
            course.start + (course.end - course.start) * (column + n) // columns for n in (0, 1)
        )
        if start >= course.now and not course.ahead:
            break
        if start >= course.now:
            value, low, high = (between(line, end) for line in lines)
            out.append(Point(value, low, high, ahead=True))
        else:
            value = between(past, min(end, course.now))
            lost = any(low <= start and end <= high for low, high in course.gaps)
            out.append(Point(value, value, value, gap=lost))
    return out
