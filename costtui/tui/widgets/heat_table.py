"""Two dimensions at once: amounts in cells, shaded, with sums that add up.

What is not on screen is never lost: the columns and rows that do not fit are summed up in `other`,
whose figures are the total less what is visible, so that every line and every column adds up to
the nano-dollar. Moving asks nothing: the whole table is here, and only what is visible is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textual.geometry import Size

from costtui.model.cross import Cross
from costtui.model.snapshot import Totals
from costtui.tui import format as fmt
from costtui.tui.cells import fit, outside
from costtui.tui.heat import STEPS, amount_text, less, shade, two_lines
from costtui.tui.look import Line, frame
from costtui.tui.shown import UNIT_NAMES, Shown, amount, change_role, nothing_matches
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.table import Table

CELL, CELL_MOST = 9, 15
"""Cells of an amount, the blank behind it not counted."""
NAME_LEAST, NAME_MOST = 12, 30
NOTHING = Totals()


class Visible(NamedTuple):
    """What fits: widths, and the columns on screen."""

    name: int
    cell: int
    first: int
    """Index of the first column."""
    number: int
    other: bool
    """Is there a column for those that do not fit?"""


class HeatTable(Table[str]):
    """Rows are values of one dimension, columns of another; the cursor stands on a cell."""

    header_from = 0
    shown: Shown | None = None
    cross: Cross | None = None
    changes = False
    """Show the change against the period before in place of the amount."""
    sort: str | None = None
    """The column that rows are sorted by; None is the total."""
    reverse = False

    column_keys: list[str]
    at = 0
    """Index of the column under the cursor; behind the last one it is the total."""
    _kept: tuple[str | None] | None = None
    """The column that the cursor was put on; None before anybody has."""
    _order: object = None
    _darkest = 0
    _from = 0
    """Index of the first visible column."""

    def show(self, shown: Shown, cross: Cross | None) -> None:
        """Draw this. Sorts only when it is another table, unit or order."""
        unit = shown.state.unit
        if cross is None or self.cross is None or _axes(cross) != _axes(self.cross):
            self.cursor, self.cursor_key, self.scrolled = 0, "", 0
            self.at, self._kept, self._from, self.sort, self.reverse = 0, None, 0, None, False
        self.shown, self.cross = shown, cross
        order = (id(cross), unit, self.sort, self.reverse)
        if order == self._order:
            self.redraw()
            return
        self._order = order
        if cross is None:
            self.column_keys = []
            self.set_items(())
            return
        self.column_keys = self._sorted(cross.column_totals, unit)
        self._darkest = max((amount(t, unit) for t in cross.cells.values()), default=0)
        if self._kept is not None:
            self.at = self._place(self._kept[0])
        rows: Mapping[str, Totals] = cross.row_totals
        if self.sort is not None:
            cells, column = cross.cells, self.sort
            rows = {key: cells.get((key, column), NOTHING) for key in cross.row_totals}
        found = self._sorted(rows, unit)
        self.set_items(found[::-1] if self.reverse else found)

    def _sorted(self, totals: Mapping[str, Totals], unit: str) -> list[str]:
        """Most first; equals stay in the order they come in, dearest first."""
        cross = self.cross
        if (
            unit == "cost"
            and cross
            and any(totals is t for t in (cross.row_totals, cross.column_totals))
        ):
            return list(totals)
        return sorted(totals, key=lambda key: -amount(totals[key], unit))

    def _place(self, column: str | None) -> int:
        """Where a column is now; where it was, when it has gone."""
        if column is None or column not in self.column_keys:
            return len(self.column_keys) if column is None else min(self.at, len(self.column_keys))
        return self.column_keys.index(column)

    # Cursor ---------------------------------------------------------------------------------

    def move_column(self, step: int) -> None:
        self.at = max(0, min(len(self.column_keys), self.at + step))
        self._kept = (self.column,)
        self.redraw()

    @property
    def column(self) -> str | None:
        """The column under the cursor; None for the total."""
        keys = self.column_keys if self.cross is not None else []
        return keys[self.at] if self.at < len(keys) else None

    @property
    def totals(self) -> Totals:
        """The sums under the cursor."""
        return self._pair(self.current, self.column)[0] if self.current is not None else NOTHING

    def sort_here(self) -> None:
        """By the column under the cursor; by the total where that is so already."""
        self.sort = None if self.sort == self.column else self.column
        self.reverse = False
        self._again()

    def turn(self) -> None:
        self.reverse = not self.reverse
        self._again()

    def _again(self) -> None:
        if self.shown is not None:
            self.show(self.shown, self.cross)

    # Sums -----------------------------------------------------------------------------------

    def _pair(self, row: str | None, column: str | None) -> tuple[Totals, Totals]:
        """(now, before) of a cell; None stands for all rows or columns."""
        cross = self.cross
        if cross is None:
            return NOTHING, NOTHING
        if row is None and column is None:
            return cross.total, cross.total_previous
        if column is None:
            assert row is not None
            return cross.row_totals.get(row, NOTHING), cross.row_previous.get(row, NOTHING)
        if row is None:
            return (
                cross.column_totals.get(column, NOTHING),
                cross.column_previous.get(column, NOTHING),
            )
        key = (row, column)
        return cross.cells.get(key, NOTHING), cross.previous.get(key, NOTHING)

    # Table ----------------------------------------------------------------------------------

    def key(self, item: str) -> str:
        return item

    def _visible_rows(self) -> int:
        """Rows between the two lines of the header and the sums."""
        room = max(0, self._tall - 5)
        return room if len(self.items) <= room else max(0, room - 1)

    def fitted(self, width: int) -> Visible:
        """How many columns fit `width` cells, and which ones: the one under the cursor is among
        them."""
        number = len(self.column_keys)
        name = max(NAME_LEAST, min(NAME_MOST, width // 5))
        room = width - 1 - name - 1 - (CELL + 1)  # cursor, name, total
        fits = max(0, room // (CELL + 1))
        other = number > fits
        if other:
            fits = max(1, fits - 1)
        fits = min(fits, number)
        columns = fits + 1 + other
        spare = max(0, width - 2 - name - columns * (CELL + 1))
        cell = CELL + min(CELL_MOST - CELL, spare // max(1, columns))
        spare = max(0, width - 2 - name - columns * (cell + 1))
        first = min(self._from, max(0, number - fits))
        at = min(self.at, number - 1)
        first = max(at - fits + 1, min(first, at)) if at >= 0 else 0
        self._from = max(0, first)
        return Visible(name + min(spare, NAME_MOST - name), cell, self._from, fits, other)

    def lines(self, size: Size) -> list[Line]:
        width, height = size
        self._tall = height
        if self.items:
            self._settle()
        return frame(
            self.look, self._body(width - 2) if self.items else self._nothing(), width, height,
            title=self.title_line(), note=self.note_line(), focus=self.has_focus,
        )  # fmt: skip

    def _nothing(self) -> list[Line]:
        return [Line(self.look).put("  " + self.empty_text(), "quiet")]

    def _body(self, inner: int) -> list[Line]:
        fits = self.fitted(inner)
        columns = self.column_keys[fits.first : fits.first + fits.number]
        rows = self.items[self.scrolled : self.scrolled + self._visible_rows()]
        hidden = len(self.items) - len(rows)
        body = self._header(columns, fits)
        seen: list[list[tuple[Totals, Totals]]] = []
        for index, row in enumerate(rows, self.scrolled):
            values = self._across(
                [self._pair(row, c) for c in columns], self._pair(row, None), fits
            )
            seen.append(values)
            body.append(self._line(self.title_of(0, row), values, fits, index == self.cursor, row))
        whole = self._across([self._pair(None, c) for c in columns], self._pair(None, None), fits)
        if hidden:
            down = zip(*seen, strict=True) if seen else [()] * len(whole)
            rest = [less(total, column) for total, column in zip(whole, down, strict=True)]
            body.append(self._line(f"{hidden:,} other", rest, fits, False, None))
        body.append(self._line("total", whole, fits, False, None))
        return body

    def _across(
        self, cells: list[tuple[Totals, Totals]], total: tuple[Totals, Totals], fits: Visible
    ) -> list[tuple[Totals, Totals]]:
        """One line: the visible cells, what is in the columns beside them, and the total."""
        return [*cells, *([less(total, cells)] if fits.other else []), total]

    def _header(self, columns: list[str], fits: Visible) -> list[Line]:
        upper, lower = Line(self.look), Line(self.look)
        upper.cell("", fits.name + 2)
        assert self.cross is not None
        lower.put(" ").cell(self.cross.rows, fits.name, "quiet").put(" ")
        hidden = len(self.column_keys) - fits.number
        titles = [(self.title_of(1, key), fits.first + n) for n, key in enumerate(columns)]
        if fits.other:
            titles.append((f"{hidden:,} other", -1))
        titles.append(("total", len(self.column_keys)))
        for title, at in titles:
            key = self.column_keys[at] if 0 <= at < len(self.column_keys) else None
            sorted_by = at >= 0 and key == self.sort
            if sorted_by:
                g = self.look.glyphs
                title += g.sort_up if self.reverse else g.sort_down
            role = "accent" if sorted_by else "quiet"
            if at == self.at and self.has_focus:
                role = "focus-title"
            for line, text in zip((upper, lower), two_lines(title, fits.cell), strict=True):
                line.cell(text, fits.cell, role, "right").put(" ")
        return [upper, lower]

    def _line(
        self,
        name: str,
        values: list[tuple[Totals, Totals]],
        fits: Visible,
        selected: bool,
        row: str | None,
    ) -> Line:
        selected = selected and self.has_focus
        line = Line(self.look).put(self.look.glyphs.cursor if selected else " ", "accent")
        role = "title" if row is None else "text" if row else "quiet"
        line.cell(name, fits.name, "focus-title" if selected else role).put(" ")
        under = self.at - fits.first if self.at < len(self.column_keys) else len(values) - 1
        for index, (now, before) in enumerate(values):
            if selected and index == under:
                text = self._text(now, before, fits.cell)[0]
                text = fit(text, fits.cell, self.look.glyphs.cut, "right")
                line.styled(text + " ", self.look.palette.style("chip"))
            else:
                inside = row is not None and index < fits.number
                self._cell(line, now, before, fits.cell, shaded=inside)
        return line

    def _text(self, now: Totals, before: Totals, width: int) -> tuple[str, str]:
        """(text, role) of a cell: the amount, or the change."""
        unit = self.shown.state.unit if self.shown else "cost"
        if not self.changes:
            return amount_text(now, unit, width, self.look.glyphs)
        used, was = amount(now, unit), amount(before, unit)
        text = fmt.change(used, was, self.look.glyphs, width) if used or was > 0 else ""
        return text, change_role(used, was, cost=unit == "cost")

    def _cell(self, line: Line, now: Totals, before: Totals, width: int, *, shaded: bool) -> None:
        """`width` cells and a blank: the amount on its shade, or the change."""
        look, unit = self.look, self.shown.state.unit if self.shown else "cost"
        used = amount(now, unit)
        shaded = shaded and not self.changes
        text, role = self._text(now, before, width)
        styles = None if look.glyphs.ascii else look.palette.heat(STEPS)
        if shaded and used > 0 and styles is not None:
            style = styles[shade(used, self._darkest, STEPS) - 1]
            line.styled(fit(text, width, look.glyphs.cut, "right") + " ", style)
            return
        mark = ""
        if shaded and used > 0:
            shades = look.glyphs.shades
            mark = shades[shade(used, self._darkest, len(shades)) - 1]
        line.put(mark, "bar").cell(text, width - len(mark), role, "right").put(" ")

    # Words ----------------------------------------------------------------------------------

    def title_of(self, axis: int, key: str) -> str:
        """What is shown for a value of the rows (0) or columns (1)."""
        dimension = _axes(self.cross)[axis] if self.cross is not None else ""
        return outside(self.look.named(dimension, key)) or NO_VALUE

    def title_line(self) -> Line:
        role = "focus-title" if self.has_focus else "title"
        g = self.look.glyphs
        if self.cross is None:
            return Line(self.look).put("heat table", role)
        rows, columns = _axes(self.cross)
        line = Line(self.look).put(f"{rows} {g.times} {columns}", role)
        if self.items:
            line.put(f" {len(self.items):,} {g.times} {len(self.column_keys):,}", "quiet")
        if self.shown is not None and self.shown.state.unit == "rate":
            line.put(f"  {UNIT_NAMES['rate']}", "quiet")  # dollars, but not those of the overview
        if self.changes:
            line.put("  change against the period before", "quiet")
        if self.current is not None and self.size.width >= 100:
            # Titles of columns are cut; here is room for the whole of both.
            column = self.column
            line.put("  ").put(self.title_of(0, self.current), "text").put(f" {g.times} ", "quiet")
            line.put("total" if column is None else self.title_of(1, column), "text")
        return line

    def note_line(self) -> Line:
        """Where this is in the table, and what the shades mean."""
        line, g = Line(self.look), self.look.glyphs
        if not self.items:
            return line
        fits = self.fitted(max(0, self.size.width - 2))
        facts = []
        visible = self._visible_rows()
        if len(self.items) > visible > 0:
            last = min(len(self.items), self.scrolled + visible)
            facts.append(f"rows {self.scrolled + 1:,}-{last:,} of {len(self.items):,}")
        if fits.other:
            last = fits.first + fits.number
            facts.append(f"columns {fits.first + 1:,}-{last:,} of {len(self.column_keys):,}")
        if not self.changes and self.size.width >= 100:
            facts.append("each shade is half of the next")
        return line.put(f" {g.middle} ".join(facts), "quiet")

    def empty_text(self) -> str:
        shown = self.shown
        if self.cross is None or shown is None:
            return "reading …" if shown is None or not shown.error else outside(shown.error)
        if shown.condition == "welcome":
            return "no source is configured yet; costtui demo shows this screen at work"
        if shown.condition == "waiting":
            return "no usage has been read yet; F9 shows what the sources are doing"
        return nothing_matches(shown.state, self.look.named) or "no usage in this window"


def _axes(cross: Cross) -> tuple[str, str]:
    return cross.rows, cross.columns
