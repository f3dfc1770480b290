"""The base of every widget here: lines that repaint only the cells that changed.

Textual repaints a whole widget on `refresh()`. Over a slow line that is the difference between
3,000 and 300 bytes a second, so `redraw` builds the new lines, compares them with those on screen
and asks for the changed stretches only; nothing changed means not one byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from costtui.tui.look import Line, Look

_JOIN = 10
"""Changed stretches nearer than this are painted as one: moving the cursor and setting a style
again costs about ten bytes."""


class Sized(Widget):
    """A widget that takes the size it is given. Textual asks for a second layout whenever a size
    has changed, for the scroll bars of what does not fit: with every widget repainted, 17-21 KB
    and 30 ms after the key. Here nothing scrolls but by its own lines."""

    def _size_updated(
        self,
        size: Size,
        virtual_size: Size,
        container_size: Size,
        layout: bool = True,  # noqa: ARG002
    ) -> bool:
        return super()._size_updated(size, virtual_size, container_size, layout=False)


class Lines(Sized):
    """A widget made of lines. Subclasses say what they are in `lines`."""

    DEFAULT_CSS = "Lines { height: auto; }"

    painted = 0
    """Cells asked to be repainted since the start, for the tests of idle silence."""

    def __init__(self, look: Look, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.look = look
        self._strips: list[Strip] = []
        self._built_for: tuple[int, int] | None = None

    def lines(self, size: Size) -> list[Line]:
        """What to show in `size` cells. May be shorter or wider; it is padded and cut."""
        raise NotImplementedError

    def _build(self, width: int, height: int) -> list[Strip]:
        built = self.lines(Size(width, height)) if width > 0 and height > 0 else []
        return strips_of(built, self.look, width, height)

    def redraw(self) -> None:
        """Draw again after the data, the focus or the state changed."""
        width, height = self.content_size
        if not self.is_attached or not width or not height or not self.display:
            self._built_for = None
            return
        new, old = self._build(width, height), self._strips
        if self._built_for != (width, height) or len(old) != len(new):
            self._strips, self._built_for = new, (width, height)
            self.painted += width * height
            self.refresh()
            return
        regions = [
            Region(start, y, end - start, 1)
            for y, (before, after) in enumerate(zip(old, new, strict=True))
            if before is not after
            for start, end in changed(before, after)
        ]
        self._strips = new
        if regions:
            self.painted += sum(r.width for r in regions)
            self.refresh(*regions)

    def forget(self) -> None:
        """The palette changed: every cell must be drawn again."""
        self._built_for = None
        self.redraw()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips as they are: there are no borders, paddings or opacities here that Textual's
        style cache would have to add to each line (10 ms of the first paint)."""
        width, height = self.content_size
        if self._built_for != (width, height):
            self._strips, self._built_for = self._build(width, height), (width, height)
        strips = self._strips[crop.y : crop.bottom]
        blank = Strip.blank(width, self.look.palette.base)
        strips += [blank] * (crop.height - len(strips))
        if crop.x or crop.width != width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        back = self.visual_style.background or self.background_colors[1]
        for line_filter in self.get_line_filters():
            # ours are already true colours, or the theme is ansi and this filter is off
            if not isinstance(line_filter, ANSIToTruecolor):
                strips = [strip.apply_filter(line_filter, back) for strip in strips]
        return strips

    def watch_has_focus(self, has_focus: bool) -> None:
        """Draw with or without the cursor. Not in `on_focus`: Textual calls that before its own
        handler, which is what sets `has_focus`, so one would draw what was."""
        super().watch_has_focus(has_focus)
        self.redraw()


def strips_of(lines: list[Line], look: Look, width: int, height: int) -> list[Strip]:
    """Lines as Textual wants them: exactly `height` of exactly `width` cells."""
    strips = [Strip(line.cut(width).segments, width) for line in lines[:height]]
    return strips + [Strip.blank(width, look.palette.base)] * (height - len(strips))


def changed(before: Strip, after: Strip) -> list[tuple[int, int]]:
    """The stretches `[start, end)` of cells in which two lines of one width differ."""
    old, new = list(before), list(after)
    if old == new:
        return []
    one, two = _cells(old), _cells(new)
    if one is None or two is None or len(one) != len(two):
        return [(0, after.cell_length)]
    spans: list[tuple[int, int]] = []
    for x, (a, b) in enumerate(zip(one, two, strict=True)):
        if a == b:
            continue
        if spans and x - spans[-1][1] < _JOIN:
            spans[-1] = (spans[-1][0], x + 1)
        else:
            spans.append((x, x + 1))
    return spans


def _cells(
    segments: Sequence[Segment],
    width_of: Callable[[str], int] = get_character_cell_size,
) -> list[tuple[str, Style | None]] | None:
    """One entry a cell; None where a character is not exactly one cell wide."""
    cells: list[tuple[str, Style | None]] = []
    for text, style, _ in segments:
        if not text.isascii() and any(width_of(c) != 1 for c in text):
            return None
        cells += [(char, style) for char in text]
    return cells
