"""A text that may be longer than the screen: wrapped, scrolled, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.geometry import Size

from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line, Look, frame
from costtui.tui.widgets.lines import Lines

LIMIT = 65_536
"""Characters of one paragraph that are drawn."""


class Paragraph(NamedTuple):
    """One line of a text, before it is wrapped."""

    text: str
    role: str = "text"
    marked: bool = False
    """On the background of a cursor."""
    cut: bool = False
    """One line of the screen at most."""


class TextView(Lines, can_focus=True):
    """Paragraphs in a frame. Any text may come in: what is not printable is spelled out."""

    BINDINGS = textual_bindings("table")
    DEFAULT_CSS = "TextView { height: 1fr; }"

    def __init__(self, look: Look, title: str, *, id: str | None = None) -> None:
        super().__init__(look, id=id)
        self.title = title
        self.note = ""
        self.scrolled = 0
        self._paragraphs: Sequence[Paragraph] = ()
        self._wrapped: list[tuple[str, Paragraph]] = []
        self._wrapped_for = -1
        self._tall = 0
        self._wanted: int | None = None

    def set_text(self, paragraphs: Sequence[Paragraph], at: int = 0) -> None:
        """Another text; paragraph `at` is put a third down the screen, or higher."""
        self._paragraphs = paragraphs
        self._wrapped_for = -1
        self.scrolled, self._wanted = 0, at
        self.redraw()

    def lines(self, size: Size) -> list[Line]:
        width, height = size
        inner, self._tall = width - 2, max(0, height - 2)
        if self._wrapped_for != inner:
            self._wrap(max(1, inner - 1))
            self._wrapped_for = inner
        if self._wanted is not None:
            self._show(self._wanted)
            self._wanted = None
        self.scrolled = max(0, min(self.scrolled, len(self._wrapped) - self._tall))
        body = []
        for text, paragraph in self._wrapped[self.scrolled : self.scrolled + self._tall]:
            mark = self.look.glyphs.cursor if paragraph.marked else " "
            line = Line(self.look).put(mark, "accent").put(text, paragraph.role).cut(inner)
            body.append(line.on(self.look.palette.cursor) if paragraph.marked else line)
        return frame(
            self.look, body, width, height, title=self._title(), note=self._note(),
            focus=self.has_focus,
        )  # fmt: skip

    def _title(self) -> Line:
        return Line(self.look).put(self.title, "focus-title" if self.has_focus else "title")

    def _note(self) -> Line:
        line = Line(self.look).put(self.note, "quiet")
        total = len(self._wrapped)
        if total > self._tall > 0:
            between = f" {self.look.glyphs.middle} " if self.note else ""
            last = min(total, self.scrolled + self._tall)
            line.put(f"{between}lines {self.scrolled + 1}-{last} of {total:,}", "quiet")
        return line

    def _wrap(self, width: int) -> None:
        self._wrapped = []
        for paragraph in self._paragraphs:
            text = outside(paragraph.text, width if paragraph.cut else LIMIT)
            self._wrapped += [(piece, paragraph) for piece in wrapped(text, width)]

    def _show(self, at: int) -> None:
        before = 0
        first = self._paragraphs[at] if at < len(self._paragraphs) else None
        for index, (_, paragraph) in enumerate(self._wrapped):
            if paragraph is first:
                before = index
                break
        self.scrolled = max(0, before - self._tall // 3)

    # Keys -----------------------------------------------------------------------------------

    def _scroll_by(self, lines: int) -> None:
        before = self.scrolled
        self.scrolled = max(0, min(self.scrolled + lines, len(self._wrapped) - self._tall))
        if self.scrolled != before:
            self.redraw()

    def action_up(self) -> None:
        self._scroll_by(-1)

    def action_down(self) -> None:
        self._scroll_by(1)

    def action_page(self, pages: int) -> None:
        self._scroll_by(pages * max(1, self._tall - 1))

    def action_top(self) -> None:
        self._scroll_by(-len(self._wrapped))

    def action_bottom(self) -> None:
        self._scroll_by(len(self._wrapped))


def wrapped(text: str, width: int) -> list[str]:
    """`text` in pieces of at most `width` cells, broken after a blank where one is near."""
    pieces = []
    while len(text) > width or cell_len(text) > width:
        end = min(len(text), width)
        while end > 1 and cell_len(text[:end]) > width:
            end -= max(1, (cell_len(text[:end]) - width) // 2)
        end = max(1, end)
        blank = text.rfind(" ", end * 3 // 4, end) + 1
        end = blank or end
        pieces.append(text[:end])
        text = text[end:]
    return [*pieces, text]
