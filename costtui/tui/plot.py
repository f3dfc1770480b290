"""The maximised chart, drawn by plotext.

The only file that knows plotext. It is imported on the first maximised chart (190 ms) and never
before; a chart of 118x32 costs 12 ms and is kept as long as its numbers and its size last.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from costtui.model.snapshot import Overview
from costtui.tui import format as fmt
from costtui.tui.look import Line, Look

_FRAME = frozenset("│┤├┌┐└┘─┬┴┼|+-")


@lru_cache(maxsize=4)
def draw(
    runs: tuple[tuple[tuple[int, int], ...], ...],
    buckets: int,
    top: int,
    ticks: tuple[tuple[float, str], ...],
    labels: tuple[tuple[float, str], ...],
    size: tuple[int, int],
    ascii_only: bool,
) -> tuple[str, ...]:
    """The chart as lines of text without colour, `size` cells at most.

    Each run of (bucket, value) is an area of its own: a line across a gap would be invented data.
    """
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(*size)
    marker = "#" if ascii_only else "braille"
    for run in runs:
        xs, ys = [float(x) for x, _ in run], [float(y) for _, y in run]
        figure.draw(figure.signal(xs, ys, marker=marker).lines().fillx())
    vertical, horizontal = figure.ruler("y", "left"), figure.ruler("x", "lower")
    vertical.lim(0, float(top))
    vertical.ticks([p for p, _ in ticks], [t for _, t in ticks])
    horizontal.lim(0, max(1, buckets - 1))
    horizontal.ticks([p for p, _ in labels], [t for _, t in labels])
    text = str(figure.build().string(colorless=True))
    lines = text.rstrip("\n").split("\n")
    if ascii_only:
        table = str.maketrans("│┤├┌┐└┘─┬┴┼", "|||++++-+++")
        lines = [line.translate(table) for line in lines]
    return tuple(lines)


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


def plotted(
    look: Look, overview: Overview, values: Sequence[int], size: tuple[int, int], requests: bool
) -> list[Line]:
    """The chart of an overview in the colours of the theme."""
    from costtui.tui.widgets.chart import nice_ceiling, time_labels

    width, height = size
    top = nice_ceiling(max(values))
    ticks = tuple(
        (top * n / 4, fmt.compact(top * n // 4) if requests else fmt.round_money(top * n // 4, 9))
        for n in range(5)
    )
    buckets = len(values)
    columns = range(buckets)
    scaled = [round(i * (width - 12) / buckets) for i in columns]
    by_column = dict(zip(scaled, columns, strict=True))
    labels = tuple(
        (float(by_column[column]), text)
        for column, text in time_labels(overview.view.window, scaled, width - 12, look.zone)
    )
    lines = draw(
        runs_of(values, overview.gap_buckets), buckets, top, ticks, labels, (width, height),
        look.glyphs.ascii,
    )  # fmt: skip
    colors = look.palette.gradient(max(1, len(lines) - 3))
    out = []
    for row, text in enumerate(lines):
        shade = colors[max(0, min(len(colors) - 1, len(lines) - 3 - row))]
        line = Line(look)
        left = next((i for i, c in enumerate(text) if c in _FRAME), len(text))
        line.put(text[:left], "quiet")
        inside = text[left + 1 : -1]
        if row >= len(lines) - 2 or row == 0:
            line.put(text[left:], "line" if row != len(lines) - 1 else "quiet")
        else:
            line.put(text[left : left + 1], "line").styled(inside, shade).put(text[-1:], "line")
        out.append(line)
    return out
