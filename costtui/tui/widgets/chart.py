"""Cost over time: bars from zero, gaps as gaps.

Block characters and not plotext on the overview: a chart of eight lines there has five lines of
bars in plotext and seven here, an eighth of a line of precision instead of a half, and costs 1 ms
instead of an import of 190 ms before first paint (docs/decisions/041-charts.md). Maximised, the
chart is plotext's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from textual.geometry import Size

from costtui.model.snapshot import Overview
from costtui.model.timewindow import DAY, HOUR, MINUTE, Window
from costtui.tui import format as fmt
from costtui.tui.look import Line, frame
from costtui.tui.shown import Shown, nothing_matches
from costtui.tui.spark import GAP, levels
from costtui.tui.widgets.lines import Lines

_PERIODS = (
    5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR,
    12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
PER = {MINUTE: "per minute", 600: "per 10 minutes", HOUR: "per hour", 21600: "per 6 hours",
       DAY: "per day"}  # fmt: skip
_AXIS = 9
"""Cells of the labels left of the bars, the axis itself included."""


def nice_ceiling(value: int) -> int:
    """The least round number ≥ `value` whose quarters are fairly round, too; at least 10."""
    if value <= 10:
        return 10
    power = int(10 ** (len(str(value - 1)) - 2))
    steps = (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)
    return next(m * power for m in steps if m * power >= value)


def time_labels(
    window: Window, positions: Sequence[int], width: int, zone: tzinfo
) -> list[tuple[int, str]]:
    """(column, text) under a chart whose buckets start at `positions`: round local times only."""
    buckets = window.buckets()
    if len(buckets) < 1 or width < 8:
        return []
    cells_per_second = width / (len(buckets) * window.step)
    day_scale = window.seconds > 2 * DAY
    length = 6 if day_scale else 5
    for period in _PERIODS:
        if period >= window.step and period * cells_per_second >= length + 3:
            break
    out: list[tuple[int, str]] = []
    free = 0
    for column, bucket in zip(positions, buckets, strict=True):
        local = datetime.fromtimestamp(bucket, zone)
        offset = local.utcoffset()
        shifted = bucket + (int(offset.total_seconds()) if offset else 0)
        to_next = -shifted % period
        if to_next >= window.step:
            continue
        moment = datetime.fromtimestamp(bucket + to_next, zone)
        if day_scale or period >= DAY:
            text = f"{moment.day} {moment.strftime('%b')}"
        else:
            text = moment.strftime("%H:%M")
        if column >= free and column + len(text) <= width:
            out.append((column, text))
            free = column + len(text) + 2
    return out


class Chart(Lines, can_focus=True):
    """Bars of the window's buckets; focusable, so that it can be maximised."""

    DEFAULT_CSS = "Chart { height: 1fr; }"

    shown: Shown | None = None
    framed = True
    maximised = False

    def lines(self, size: Size) -> list[Line]:
        shown = self.shown
        if shown is None or shown.overview is None:
            return []
        width, height = size
        overview = shown.overview
        requests = shown.state.unit == "requests"
        values = overview.chart_requests if requests else overview.chart
        framed = height >= 7
        inner_width, inner_height = (width - 2, height - 2) if framed else (width, height)
        if not any(values):
            body = self._nothing(overview, inner_width, inner_height)
        elif self.maximised:
            from costtui.tui.plot import plotted

            body = plotted(self.look, overview, values, (inner_width, inner_height), requests)
        else:
            body = self._bars(overview, values, inner_width, inner_height, requests)
        if not framed:
            return body
        step = overview.view.window.step
        what = "requests over time" if requests else "cost over time"
        title = Line(self.look).put(what, "focus-title" if self.has_focus else "title")
        title.put(f" {PER.get(step, '')}", "quiet")
        return frame(
            self.look, body, width, height,
            title=title, note=self._note(overview, values, requests), focus=self.has_focus,
        )  # fmt: skip

    def _note(self, overview: Overview, values: Sequence[int], requests: bool) -> Line:
        line = Line(self.look)
        if any(values):
            peak = max(range(len(values)), key=values.__getitem__)
            window = overview.view.window
            moment = datetime.fromtimestamp(window.buckets()[peak], self.look.zone)
            when = moment.strftime("%d %b" if window.step >= DAY else "%a %H:%M")
            top = fmt.count(values[peak]) if requests else fmt.money(values[peak], 9)
            line.put(f"peak {top} {self.look.glyphs.middle} {when}", "quiet")
        gaps = len(overview.gap_buckets)
        if gaps:
            line.put(f" {self.look.glyphs.middle} {gaps} {'gap' if gaps == 1 else 'gaps'}", "warn")
        return line

    def _nothing(self, overview: Overview, width: int, height: int) -> list[Line]:
        out = [Line(self.look) for _ in range(max(0, (height - 2) // 2))]
        text, total = "Nothing was spent in this window.", overview.total
        if total.unpriced_requests or total.unpriced_tokens:
            text = "No price is known for what was used in this window: F9 tells of what."
        elif not (total.requests or total.tokens):
            why = nothing_matches(self.shown.state, self.look.named) if self.shown else ""
            text = f"{why[0].upper()}{why[1:]}." if why else "No usage in this window."
        out.append(Line(self.look).to(max(0, (width - len(text)) // 2)).put(text, "text"))
        key = self.look.key
        hints = [
            f"Press {key('window-30d')} for 30 days, {key('earlier')} for the period before, "
            f"{key('live')} for now."
        ]
        if overview.earliest:
            oldest = datetime.fromtimestamp(overview.earliest, self.look.zone)
            hints.append(f"Usage goes back to {oldest.day} {oldest.strftime('%b %Y')}.")
        if overview.view.filters:
            hints = [f"{self.look.key('climb')} takes the last filter away."]
        if sum(map(len, hints)) < width - 2:
            hints = [" ".join(hints)]
        out += [Line(self.look).to(max(0, (width - len(h)) // 2)).put(h, "quiet") for h in hints]
        return out

    def _bars(
        self, overview: Overview, values: Sequence[int], width: int, height: int, requests: bool
    ) -> list[Line]:
        look, g = self.look, self.look.glyphs
        rows = max(1, height - 2 if height >= 6 else height - 1)
        odd = rows >= 5 and rows % 2 == 1
        rows -= odd  # an even number of rows puts half of a round number on a row's edge
        room = width - _AXIS - 1
        number = min(len(values), room)
        top = nice_ceiling(max(values))
        # The scale ends at a round number, not at the highest bar: one more value makes it so.
        heights = levels([*values, top], overview.gap_buckets, len(values) + 1, rows * 8)[:-1]
        if number < len(values):
            heights = levels(values, overview.gap_buckets, number, rows * 8)
            top = max(values)
        starts = [i * room // number for i in range(number + 1)]
        spaced = room // number >= 3
        colors = look.palette.gradient(rows)
        out: list[Line] = [Line(look)] if odd else []
        for row in range(rows):
            floor = (rows - 1 - row) * 8
            label = self._label(top, row, rows, requests)
            line = Line(look).cell(label, _AXIS - 2, "quiet", "right").put(" ")
            line.put(g.axis[0] if label else g.axis[1], "line")
            for index, level in enumerate(heights):
                cells = starts[index + 1] - starts[index]
                # one width for all bars: what is left over goes into the gaps
                bar = room // number - 1 if spaced else cells
                if level == GAP:
                    role = "warn" if floor == 0 else "faint"
                    line.put(g.gap * bar, role)
                elif level > floor:
                    char = g.levels[min(8, level - floor) - 1]
                    line.styled(char * bar, colors[rows - 1 - row])
                else:
                    line.put(" " * bar)
                line.put(" " * (cells - bar))
            out.append(line)
        labels = time_labels(overview.view.window, _bucket_columns(starts, len(values), room),
                             room, look.zone)  # fmt: skip
        if height >= 6:
            out.append(self._baseline(labels, room))
        under = Line(look).to(_AXIS)
        for column, text in labels:
            under.to(_AXIS + column).put(text, "quiet")
        return [*out, under]

    def _label(self, top: int, row: int, rows: int, requests: bool) -> str:
        """The tick beside a row: the value at its upper edge, at quarters or halves only."""
        part = 4 if rows % 4 == 0 and rows >= 8 else 2 if rows % 2 == 0 else 1
        if row * part % rows:
            return ""
        value = top * (rows - row) // rows
        return fmt.compact(value, _AXIS - 2) if requests else fmt.round_money(value, _AXIS - 2)

    def _baseline(self, labels: list[tuple[int, str]], room: int) -> Line:
        g = self.look.glyphs
        zero = "0" if self.shown and self.shown.state.unit == "requests" else "$0"
        cells = [g.axis[3]] * room
        for column, _ in labels:
            cells[column] = g.axis[4]
        line = Line(self.look).cell(zero, _AXIS - 2, "quiet", "right").put(" ")
        return line.put(g.axis[2] + "".join(cells), "line")


def _bucket_columns(starts: list[int], buckets: int, room: int) -> list[int]:
    """The column of each bucket, also where several share one."""
    if len(starts) == buckets + 1:
        return starts[:-1]
    return [i * room // buckets for i in range(buckets)]
