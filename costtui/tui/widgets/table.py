"""A list with a cursor: draws only the visible rows, keeps its place when the rows change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from textual.geometry import Size
from textual.message import Message

from costtui.tui.bindings import textual_bindings
from costtui.tui.look import Line, Look, frame
from costtui.tui.marks import found_in, legend
from costtui.tui.widgets.lines import Lines

T = TypeVar("T")
HEADER_FROM = 8
"""Lines of a table from which column titles are worth one of them."""


class Column(NamedTuple):
    """One column; `width` 0 takes what is left."""

    id: str
    title: str
    width: int
    align: str = "left"


class Table(Lines, Generic[T], can_focus=True):
    """Rows of `T` in a frame. The cursor follows its row's key, not its position."""

    BINDINGS = textual_bindings("table")
    DEFAULT_CSS = "Table { height: 1fr; }"

    header_from = HEADER_FROM
    explains = True
    """Do its rows hold numbers, whose marks are explained in the edge?"""
    foot: T | None = None
    """A row under the others that is always visible and that the cursor never stands on."""

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, table: Table[T]) -> None:
            super().__init__()
            self.table = table

    def __init__(self, look: Look, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(look, id=id, classes=classes)
        self.items: Sequence[T] = ()
        self.cursor = 0
        self.cursor_key = ""
        self.scrolled = 0
        """Index of the first visible row."""
        self._tall = 0
        """Lines of the last drawing."""

    # What a subclass says -------------------------------------------------------------------

    def columns(self, width: int) -> list[Column]:
        """The columns that fit `width` cells."""
        raise NotImplementedError

    def key(self, item: T) -> str:
        """What makes a row the same row after a refresh."""
        raise NotImplementedError

    def draw(self, item: T, column: Column, line: Line) -> None:
        """Write exactly `column.width` cells of one row."""
        raise NotImplementedError

    def title_line(self) -> Line:
        raise NotImplementedError

    def header_role(self, column: Column) -> str:  # noqa: ARG002 - for subclasses
        return "quiet"

    def marks_beside(self) -> set[str]:
        """Of `marks.MARKS`: what stands elsewhere on the screen that this list is the main one
        of."""
        return set()

    def empty_text(self) -> str:
        return "nothing here"

    def note_line(self) -> Line:
        """In the bottom edge: where in the list this is, when not all of it is visible."""
        visible, total = self._visible_rows(), len(self.items)
        line = Line(self.look)
        if total > visible > 0:
            last = min(total, self.scrolled + visible)
            line.put(f"{self.scrolled + 1}-{last} of {total:,}", "quiet")
        return line

    # Data -----------------------------------------------------------------------------------

    def set_items(self, items: Sequence[T]) -> None:
        """New rows. The cursor stays on its row, or at its place where the row has gone."""
        self.items = items
        if self.cursor_key or self.cursor:
            at = self.cursor
            moved = not (at < len(items) and self.key(items[at]) == self.cursor_key)
            for index, item in enumerate(items if moved else ()):
                if self.key(item) == self.cursor_key:
                    self.cursor = index
                    break
            else:
                self.cursor = min(at, max(0, len(items) - 1))
        self._settle()
        self.redraw()

    def select(self, key: str) -> None:
        """Put the cursor on the row `key`, now or when it arrives."""
        self.cursor_key = key
        self.cursor = 0
        self.set_items(self.items)
        self.cursor_key = key

    @property
    def current(self) -> T | None:
        """The row under the cursor."""
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    # Drawing --------------------------------------------------------------------------------

    def _visible_rows(self) -> int:
        height = self._tall
        return max(0, height - 2 - (height >= self.header_from) - (self.foot is not None))

    def _settle(self) -> None:
        """Keep the cursor inside the list and the list around the cursor."""
        total, visible = len(self.items), max(1, self._visible_rows())
        self.cursor = max(0, min(self.cursor, total - 1))
        self.scrolled = max(0, min(self.scrolled, total - visible))
        if self.cursor < self.scrolled:
            self.scrolled = self.cursor
        elif self.cursor >= self.scrolled + visible:
            self.scrolled = self.cursor - visible + 1
        if total:
            self.cursor_key = self.key(self.items[self.cursor])

    def lines(self, size: Size) -> list[Line]:
        width, height = size
        self._tall = height
        if self.items:
            self._settle()
        inner = width - 2
        columns = self._fitted(inner)
        header = Line(self.look).put(" ")
        for column in columns:
            header.cell(column.title, column.width, self.header_role(column), column.align)
            header.put(" ")
        body = [header] if height >= self.header_from else []
        cursor = self.look.palette.cursor
        for index in range(
            self.scrolled, min(len(self.items), self.scrolled + self._visible_rows())
        ):
            item = self.items[index]
            selected = index == self.cursor and self.has_focus
            line = self._row(item, columns, inner, self.look.glyphs.cursor if selected else " ")
            body.append(line.on(cursor) if selected else line)
        if not self.items:
            body.append(Line(self.look).put("  " + self.empty_text(), "quiet"))
        elif self.foot is not None:
            body.append(self._row(self.foot, columns, inner, " "))
        title, note = self.title_line(), self.note_line()
        if self.explains and self.has_focus and self.items:
            title, note = self._explained(body, title, note, width - 8)
        return frame(self.look, body, width, height, title=title, note=note, focus=self.has_focus)

    def _explained(
        self, body: list[Line], title: Line, note: Line, width: int
    ) -> tuple[Line, Line]:
        """Title and note with what the marks on screen mean: before the note, or where it has no
        room beside it, behind the title."""
        look = self.look
        marks = found_in(body, look.glyphs) | self.marks_beside()
        said = legend(look, marks, width - note.width - 3 * bool(note.width))
        if said.width:
            return title, said.put("   " if note.width else "", "quiet").extend(note)
        said = legend(look, marks, width - title.width - 3)
        return (title.put("   ", "quiet").extend(said) if said.width else title), note

    def _row(self, item: T, columns: list[Column], inner: int, first: str) -> Line:
        line = Line(self.look).put(first, "accent")
        for column in columns:
            self.draw(item, column, line)
            line.put(" ")
        return line.cut(inner)

    def _fitted(self, width: int) -> list[Column]:
        columns = self.columns(width - 1)
        left = width - 1 - sum(c.width + 1 for c in columns)
        return [c._replace(width=max(1, left)) if c.width == 0 else c for c in columns]

    # Keys -----------------------------------------------------------------------------------

    def _move(self, to: int) -> None:
        before = self.cursor
        self.cursor = max(0, min(to, len(self.items) - 1))
        if self.items:
            self.cursor_key = self.key(self.items[self.cursor])
        if self.cursor != before:
            self._settle()
            self.redraw()
        self.post_message(self.Moved(self))

    def go(self, to: int) -> None:
        """Put the cursor on the row at an index."""
        self._move(to)

    def action_up(self) -> None:
        self._move(self.cursor - 1)

    def action_down(self) -> None:
        self._move(self.cursor + 1)

    def action_page(self, pages: int) -> None:
        self._move(self.cursor + pages * max(1, self._visible_rows() - 1))

    def action_top(self) -> None:
        self._move(0)

    def action_bottom(self) -> None:
        self._move(len(self.items) - 1)
