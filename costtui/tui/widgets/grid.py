"""A plain list of text rows, for details, help, skipped lines and unpriced models."""

from __future__ import annotations

from typing import NamedTuple

from costtui.tui.cells import cell_len
from costtui.tui.look import Line, Look
from costtui.tui.widgets.table import Column, Table


class Entry(NamedTuple):
    """One row: the text of each column, its role, and what `y` copies."""

    key: str
    cells: tuple[str, ...]
    roles: tuple[str, ...]
    value: str = ""


class Grid(Table[Entry]):
    """Rows of prepared text. The last column takes what is left."""

    explains = False

    def __init__(
        self,
        look: Look,
        titles: tuple[str, ...],
        *,
        title: str,
        empty: str = "nothing here",
        most: int = 40,
        counted: bool = True,
        id: str | None = None,
    ) -> None:
        """`most` is the widest that a column other than the last one gets. `counted` puts the
        number of rows beside the title; of facts about one thing it would read like a name."""
        super().__init__(look, id=id)
        self.titles = titles
        self.title = title
        self.empty = empty
        self.most = most
        self.counted = counted

    def key(self, item: Entry) -> str:
        return item.key

    def columns(self, width: int) -> list[Column]:
        most = min(self.most, max(8, width * 2 // (len(self.titles) * 2 - 1)))
        columns = []
        for index, title in enumerate(self.titles[:-1]):
            longest = max((cell_len(i.cells[index]) for i in self.items), default=0)
            columns.append(Column(str(index), title, min(most, max(longest, len(title)))))
        return [*columns, Column(str(len(columns)), self.titles[-1], 0)]

    def draw(self, item: Entry, column: Column, line: Line) -> None:
        index = int(column.id)
        line.cell(item.cells[index], column.width, item.roles[index])

    def title_line(self) -> Line:
        line = Line(self.look).put(self.title, "focus-title" if self.has_focus else "title")
        if self.items and self.counted:
            line.put(f" {len(self.items)}", "quiet")
        return line

    def empty_text(self) -> str:
        return self.empty
