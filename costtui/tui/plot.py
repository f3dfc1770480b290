"""The maximised chart, drawn by plotext.

The only file that knows plotext. It is imported on the first maximised chart (190 ms) and never
before; a chart of 118x32 costs 12 ms and is kept as long as its numbers and its size last.

plotext has no idea of our roles: each series is drawn in a colour that is its number, and the
escape sequences of the answer are read back into (text, number). So a theme that changes needs no
new drawing, and no colour is named here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from costtui.model.timewindow import Window
from costtui.tui.curves import Curves
from costtui.tui.look import Line, Look
from costtui.tui.widgets.chart_bars import Crosshair, limit_in_sight, top_of
from costtui.tui.widgets.chart_labels import scale_text, time_labels

if TYPE_CHECKING:
    from costtui.tui.told import Told

_FRAME = frozenset("│┤├┌┐└┘─┬┴┼|+-")
_ESCAPE = re.compile(r"\x1b\[([\d;]*)m")
_SERIES = re.compile(r"38;2;(\d+);0;0")
_BEFORE, _LIMIT, _BAND = 7, 8, 9
"""Numbers of what is no series; series are 1…6."""

Run = tuple[tuple[int, int], ...]
"""Neighbouring (bucket, value)."""
Row = tuple[tuple[str, int], ...]
"""(text, number of its series or 0)."""


class Trace(NamedTuple):
    """One thing to draw: an area down to zero, or a line."""

    runs: tuple[Run, ...]
    number: int
    marker: str
    area: bool


@lru_cache(maxsize=6)
def draw(
    traces: tuple[Trace, ...],
    buckets: int,
    top: int,
    ticks: tuple[tuple[float, str], ...],
    labels: tuple[tuple[float, str], ...],
    size: tuple[int, int],
    ascii_only: bool,
) -> tuple[Row, ...]:
    """The chart as rows of text, `size` cells at most, later traces over earlier ones.

    Each run of a trace is an area or a line of its own: across a gap it would be invented data.
    """
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(*size)
    # The panel has a frame already; plotext's axes stay on the left and below.
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    for trace in traces:
        marker = plotext.marker(trace.marker, (trace.number, 0, 0))
        for run in trace.runs:
            xs, ys = [float(x) for x, _ in run], [float(y) for _, y in run]
            signal = figure.signal(xs, ys, marker=marker).lines()
            figure.draw(signal.fillx() if trace.area else signal)
    vertical, horizontal = figure.ruler("y", "left"), figure.ruler("x", "lower")
    vertical.lim(0, float(top))
    vertical.ticks([p for p, _ in ticks], [t for _, t in ticks])
    horizontal.lim(0, max(1, buckets - 1))
    horizontal.ticks([p for p, _ in labels], [t for _, t in labels])
    text = str(figure.build().string(colorless=False))
    if ascii_only:
        text = text.translate(str.maketrans("│┤├┌┐└┘─┬┴┼", "|||++++-+++"))
    return tuple(_row(line) for line in text.rstrip("\n").split("\n"))


def _row(line: str) -> Row:
    """A line with escape sequences as stretches of one series each."""
    pieces: list[tuple[str, int]] = []
    number = at = 0
    for found in _ESCAPE.finditer(line):
        text = line[at : found.start()]
        if text:
            pieces.append((text, number))
        at = found.end()
        series = _SERIES.search(found[1])
        if series:
            number = int(series[1])
        elif found[1].startswith(("0", "38")) or not found[1]:
            number = 0
    if line[at:]:
        pieces.append((line[at:], number))
    return tuple(pieces)


def runs_of(
    values: Sequence[int], gaps: Collection[int]
) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The stretches of buckets between gaps."""
    runs: list[tuple[tuple[int, int], ...]] = []
    run: list[tuple[int, int]] = []
    for index, value in enumerate(values):
        if index in gaps and not value:
            if run:
                runs.append(tuple(run))
            run = []
        else:
            run.append((index, value))
    if run:
        runs.append(tuple(run))
    return tuple(runs)


def _traces(look: Look, curves: Curves) -> tuple[Trace, ...]:
    """What to draw, from the back: the highest sum of a stack first."""
    marks = look.glyphs.ascii or look.palette.colorless
    gaps = frozenset(at for at in curves.gaps if not curves.totals[at])
    out: list[Trace] = []
    if curves.stacked:
        sums = [0] * len(curves.totals)
        for layer in curves.layers:
            sums = [a + b for a, b in zip(sums, layer.values, strict=True)]
            marker = look.glyphs.stack[layer.number - 1] if marks else "hd"
            runs = _cut(sums, gaps)
            out.insert(0, Trace(runs, layer.number, marker, True))
    else:
        marker = "#" if look.glyphs.ascii else "braille"
        out.append(Trace(runs_of(curves.totals, gaps), 1, marker, True))
    if curves.before:
        marker = look.glyphs.over[1] if marks else "braille"
        out.append(Trace(runs_of(curves.before, ()), _BEFORE, marker, False))
    if limit_in_sight(curves):
        ends = (0, curves.limit), (max(1, len(curves.totals) - 1), curves.limit)
        out.append(Trace((ends,), _LIMIT, look.glyphs.limit, False))
    return tuple(out)


def _cut(sums: Sequence[int], gaps: Collection[int]) -> tuple[Run, ...]:
    """The runs of one sum of a stack: a bucket is a gap where the whole stack is."""
    runs: list[Run] = []
    run: list[tuple[int, int]] = []
    for index, value in enumerate(sums):
        if index in gaps:
            if run:
                runs.append(tuple(run))
            run = []
        else:
            run.append((index, value))
    return (*runs, tuple(run)) if run else tuple(runs)


def plotted(
    look: Look, window: Window, curves: Curves, size: tuple[int, int], crosshair: Crosshair | None
) -> list[Line]:
    """A chart in the colours of the theme, in at most `size` cells."""
    width, height = size
    top = top_of(curves)
    ticks = tuple((top * n / 4, scale_text(top * n // 4, curves.unit, 9)) for n in range(5))
    buckets = len(curves.totals)
    columns = range(buckets)
    scaled = [round(i * (width - 12) / buckets) for i in columns]
    by_column = dict(zip(scaled, columns, strict=True))
    labels = tuple(
        (float(by_column[column]), text)
        for column, text in time_labels(window, scaled, width - 12, look.zone)
    )
    rows = draw(
        _traces(look, curves), buckets, top, ticks, labels, (width, height), look.glyphs.ascii
    )
    out = _colored(look, rows, stacked=curves.stacked)
    if crosshair is not None and rows:
        _point(look, out, rows, buckets, crosshair)
    return out


def _colored(look: Look, rows: tuple[Row, ...], *, stacked: bool) -> list[Line]:
    """The rows in the colours of the theme."""
    out = []
    bottom = len(rows) - 2
    for at, row in enumerate(rows):
        line = Line(look)
        colors = look.palette.gradient(max(1, bottom - 1))
        shade = colors[max(0, min(len(colors) - 1, bottom - 1 - at))]
        for text, number in row:
            if number == _BEFORE:
                line.put(text, "text")
            elif number == _BAND:
                line.put(text, "accent")
            elif number == _LIMIT:
                line.put(text, "warn")
            elif number and stacked:
                line.put(text, "text" if look.palette.colorless else f"chart-{number}")
            elif number:
                line.styled(text, shade)
            else:
                framed = any(c in _FRAME for c in text)
                line.put(text, "line" if framed and at <= bottom else "quiet")
        out.append(line)
    return out


def planned(look: Look, told: Told, size: tuple[int, int]) -> list[Line]:
    """The month of a forecast: an area of what was spent, lines of what will have been and of the
    band around it."""
    from costtui.tui.told import month_line
    from costtui.tui.widgets.forecast_chart import month_window, top_of

    width, _ = size
    top, window = top_of(told), month_window(told)
    columns = max(2, width - 12)
    points = list(enumerate(month_line(told, columns)))
    past = [(at, p.value) for at, p in points if not p.ahead]
    gaps = {at for at, p in points if p.gap}
    ahead = [(at, p) for at, p in points if p.ahead]
    ascii_only = look.glyphs.ascii
    line = look.glyphs.over[1] if ascii_only else "braille"
    traces = [Trace(_cut([v for _, v in past], gaps), 1, "#" if ascii_only else "braille", True)]
    if ahead and told.forecast.banded:
        for part in (1, 2):
            run = tuple((at, p[part]) for at, p in ahead)
            traces.append(Trace((run,), _BAND, "." if ascii_only else "braille", False))
    if ahead:
        traces.append(Trace((tuple((at, p.value) for at, p in ahead),), _BEFORE, line, False))
    if 0 < told.limit <= top:
        ends = (0, told.limit), (columns - 1, told.limit)
        traces.append(Trace((ends,), _LIMIT, look.glyphs.limit, False))
    ticks = tuple((top * n / 4, scale_text(top * n // 4, "cost", 9)) for n in range(5))
    places = [max(0, (d - window.start) * columns // window.seconds) for d in window.buckets()]
    labels = tuple((float(x), text) for x, text in time_labels(window, places, columns, look.zone))
    rows = draw(tuple(traces), columns, top, ticks, labels, size, ascii_only)
    return _colored(look, rows, stacked=False)


def _point(
    look: Look, lines: list[Line], rows: tuple[Row, ...], buckets: int, crosshair: Crosshair
) -> None:
    """Lay the crosshair over the chart: a line up through what is empty, and a mark under it."""
    texts = ["".join(text for text, _ in row) for row in rows]
    edges = [i for i, c in enumerate(texts[-2]) if c in _FRAME] if len(texts) > 1 else []
    if len(edges) < 3:
        return
    left, right = edges[0] + 1, edges[-1]

    def column(bucket: int) -> int:
        return left + round(bucket * (right - left) / max(1, buckets - 1))

    here = column(crosshair.at)
    low, high = (column(end) for end in crosshair.ends)
    for at, text in enumerate(texts[:-1]):
        if at == len(texts) - 2:
            if crosshair.mark is not None:
                _replace(look, lines, at, low, look.glyphs.marked * (high - low + 1))
            _replace(look, lines, at, here, look.glyphs.here)
        elif here < len(text) and text[here] == " ":
            _replace(look, lines, at, here, look.glyphs.vertical)


def _replace(look: Look, lines: list[Line], at: int, column: int, text: str) -> None:
    """Put `text` over the cells of one line from `column` on."""
    from rich.segment import Segment

    before, _, after = Segment.divide(
        lines[at].segments, [column, column + len(text), max(lines[at].width, column + len(text))]
    )
    line = Line(look)
    line.segments = [*before, Segment(text, look.palette.style("focus")), *after]
    line.width = lines[at].width
    lines[at] = line
