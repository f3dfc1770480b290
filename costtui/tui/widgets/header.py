"""The first two lines: which window, exactly from when to when, how fresh, which filters."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from textual.geometry import Size

from costtui.model.snapshot import Filter
from costtui.model.timewindow import WINDOWS
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line, Look
from costtui.tui.muting import notifier_warning
from costtui.tui.shown import Shown
from costtui.tui.unusual import said
from costtui.tui.widgets.lines import Lines


class Header(Lines):
    """Window keys, exact local start and end, state of the display and of the collector."""

    DEFAULT_CSS = "Header { height: 2; }"

    shown: Shown | None = None

    def lines(self, size: Size) -> list[Line]:
        shown, width = self.shown, size.width
        if shown is None:
            return []
        first = view_title(self.look, shown.view_name).put(" ")
        right = self._state(shown, width)
        room = width - right.width - 1
        if width >= 116:
            self._windows(first, shown)
            first.put("  ")
        else:
            first.put("zoom" if shown.state.zoom else shown.state.window, "accent").put("  ")
        span = self._span(shown, room - first.width)
        first.put(span, "accent" if shown.state.past else "text")
        return [first.cut(room).to(width - right.width).extend(right), self._path(shown, width)]

    def _windows(self, line: Line, shown: Shown) -> None:
        digits = self.look.glyphs.digits
        for spec in WINDOWS:
            own = self.look.key(f"window-{spec.name}")
            small = digits and own.isdecimal() and own.isascii() and len(own) == 1
            key = digits[int(own)] if small else "" if own.startswith(":") else f"{own}:"
            if spec.name == shown.state.window_name:
                line.styled(f"{key}{spec.name}", self.look.palette.style("chip"))
            else:
                line.put(key, "key").put(spec.name, "quiet")
            line.put(" ")

    def _span(self, shown: Shown, room: int) -> str:
        if shown.overview is None:
            return ""
        window = shown.overview.view.window
        arguments = (window.start, window.end, self.look.zone, self.look.glyphs)
        full = fmt.span(*arguments)
        return full if len(full) <= room else fmt.short_span(*arguments)

    def _state(self, shown: Shown, width: int) -> Line:
        """The right end: live, paused, past or broken; and the collector."""
        g, line, state = self.look.glyphs, Line(self.look), shown.state
        overview = shown.overview
        if shown.as_of:
            line.styled(f" as of {shown.as_of} ", self.look.palette.style("chip"))
            return line.put(" ")
        if shown.error:
            line.styled(f" {g.cross} NOT READ ", self.look.palette.style("alarm"))
        elif state.paused:
            line.styled(f" {g.pause} PAUSED ", self.look.palette.style("chip"))
        elif state.past:
            chip = self.look.palette.style("chip")
            line.styled(f" {g.back} PAST ", chip)
            if state.zoom:
                length = fmt.duration(state.zoom[1] - state.zoom[0])
                line.put(" ").styled(f" zoom {length} " if width >= 100 else f" {length} ", chip)
        elif overview is None:
            line.put(f"{g.middle} starting", "quiet")
        elif not overview.collector_alive and not shown.starting:
            line.styled(f" {g.warn} STALE ", self.look.palette.style("alarm"))
        else:
            line.put(g.dot, "ok").put(" live", "text")
        if shown.pending:
            line.put(f" {g.middle} reading", "quiet")
        line.put("  ").extend(notifier_warning(shown, self.look, width))
        if overview is not None:
            if width >= 76:
                line.put("collector ", "quiet")
            if overview.collector_alive:
                line.put(g.dot, "ok")
            elif shown.starting and not shown.collector:
                line.put("starting", "quiet")
            else:
                line.put(f"{g.cross} down", "over")
        return line.put(" ")

    def _path(self, shown: Shown, width: int) -> Line:
        """The breadcrumb, and how the rows are shown."""
        g, state = self.look.glyphs, shown.state
        right = Line(self.look)
        if shown.condition != "ready":
            return Line(self.look)
        notes = shown.overview.notes if shown.overview is not None else ()
        for note in notes[:1]:
            right.put(f"{g.warn} {outside(note, 70)}  ", "warn")
        if state.past and shown.overview is not None and not shown.overview.view.window.live:
            last = datetime.fromtimestamp(shown.overview.view.window.end, self.look.zone)
            when = last.strftime("%a %d %b %Y %H:%M" if width >= 100 else "%a %d %b %H:%M")
            right.put(f"as it was on {when} ", "accent").put(f"{g.middle} ", "quiet")
        if not notes:
            right.extend(said(self.look, shown, every=width >= 100)).put(" ")
        room = width - right.width - 2
        line = crumbs(self.look, state.filters, room)
        return line.cut(room).to(width - right.width).extend(right)


def view_title(look: Look, view: str) -> Line:
    """The name of the program, and of the view while one is in it."""
    line = Line(look).put(" costtui ", "title")
    return line.styled(f" {outside(view, 20)} ", look.palette.style("chip")) if view else line


def crumbs(look: Look, filters: tuple[Filter, ...], room: int, root: str = " all") -> Line:
    """The breadcrumb in `room` cells: the first steps give way to `…`, the last one stays."""
    g = look.glyphs
    line = Line(look).put(root, "text" if not filters else "quiet")
    named = [f if "~" in f.op or "*" in f.op else replace(f, value=look.named(f.dimension, f.value))
             for f in filters]  # fmt: skip
    steps = [outside(str(f), 60) for f in named]
    dropped = False
    while len(steps) > 1 and line.width + sum(cell_len(s) + 3 for s in steps) + 4 > room:
        del steps[0]
        dropped = True
    if dropped:
        steps.insert(0, g.cut)
    for index, text in enumerate(steps):
        line.put(f" {g.step} ", "faint")
        line.put(text, "accent" if index == len(steps) - 1 else "text")
    return line
