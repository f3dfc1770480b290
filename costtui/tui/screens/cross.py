"""The heat table: two dimensions at once, by default model × consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen

from costtui.model.cross import Cross
from costtui.model.money import decimal_text
from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, Push, change
from costtui.tui.screens.side import SideScreen
from costtui.tui.shown import Shown, amount, has_amount, is_money
from costtui.tui.state import PANELS, State, following
from costtui.tui.widgets.heat_table import HeatTable

if TYPE_CHECKING:
    from costtui.tui.sheet import Sheet


def axes_of(shown: Shown) -> tuple[str, str]:
    """The first rows and columns: the overview's group, and the dimension after it that has more
    than one value here."""
    state = shown.state
    done = {*state.fixed(), *shown.single}
    at = PANELS.index(state.group) + 1 if state.group in PANELS else 0
    ring = [d for d in (*PANELS[at:], *PANELS[:at]) if d != state.group]
    return state.group, next((d for d in ring if d not in done), ring[0])


class CrossScreen(SideScreen):
    """`x`. It asks when it is opened, when view or axes change and when the store has changed;
    moving, sorting, another unit and the change against before are answered from what it has."""

    where = "cross"
    title_text = "heat table"
    BINDINGS = textual_bindings("cross")
    DEFAULT_CSS = "CrossScreen { layout: vertical; }"

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.axes = axes_of(shown)
        self.cross: Cross | None = None

    def body(self) -> ComposeResult:
        yield HeatTable(self.look, id="heat")

    def on_mount(self) -> None:
        self.table.focus()
        self.show(self.shown)

    @property
    def table(self) -> HeatTable:
        return self.query_one(HeatTable)

    # Data -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._waiting = True
        rows, columns = self.axes
        self.post_message(
            Ask("cross", lambda data, view, now: data.cross(view, rows, columns, now), self.axes)
        )

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - what is closed is cached
        self._ask()

    def show(self, shown: Shown) -> None:
        super().show(shown)
        key = (shown.state.place, shown.state.filters, self.axes)
        if self.due(shown, key, self.cross.view if self.cross else None):
            self._ask()
        self.table.show(shown, self.cross)

    def answered(self, answer: Answer) -> None:
        cross, state = answer.value, self.shown.state
        if answer.kind != "cross" or not isinstance(cross, Cross) or answer.tag != self.axes:
            return
        self._waiting = False
        window = cross.view.window
        if (window.name, cross.view.filters, window.live) == (
            state.window_name, state.filters, not state.past,
        ):  # fmt: skip
            self.cross = cross
            self.table.show(self.shown, cross)

    # Axes -----------------------------------------------------------------------------------

    def _turn_to(self, rows: str, columns: str) -> None:
        self.axes = rows, columns
        self.show(self.shown)

    def action_rows(self) -> None:
        """The rows' next dimension; the columns stay."""
        rows, columns = self.axes
        free = [d for d in self.shown.groups if d != columns]
        self._turn_to(following(rows, free), columns)

    def action_swap(self) -> None:
        self._turn_to(*reversed(self.axes))

    def action_group_by(self) -> None:
        """The chooser, for rows or (Tab) columns."""
        axes = dict(zip(("rows", "columns"), self.axes, strict=True))
        self.post_message(Push(lambda look, shown: _chooser(look, shown, axes, self)))

    def chosen(self, axes: dict[str, str]) -> None:
        """What the chooser says; one dimension for both turns the table round."""
        rows, columns = axes["rows"], axes["columns"]
        if not self.is_attached:  # closed by a key that came before the chooser
            return
        self._turn_to(*(reversed(self.axes) if rows == columns else (rows, columns)))

    # Keys -----------------------------------------------------------------------------------

    def _change(self, state: State) -> None:
        change(self, state)

    def action_column(self, step: int) -> None:
        self.table.move_column(step)

    def action_sort_here(self) -> None:
        self.table.sort_here()

    def action_reverse(self) -> None:
        self.table.turn()

    def action_unit(self) -> None:
        self._change(self.shown.state.with_next_unit())

    def action_compare(self) -> None:
        """Its own switch: the overview has changes beside the amounts, a cell has room for one."""
        self.table.changes = not self.table.changes
        self.table.redraw()

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    def action_drill(self) -> None:
        """Both filters of a cell, or the row's alone in the column of totals."""
        row, column, single = self.table.current, self.table.column, self.shown.single
        if row is None or self.cross is None:
            return
        state = self.shown.state.drill(self.cross.rows, row, single)
        if column is not None:
            state = state.drill(self.cross.columns, column, single)
        self._change(state)
        self.post_message(Open("overview"))

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """What `e` writes: every cell there is, not only those on screen."""
        from costtui.tui.sheet import cross

        if self.cross is None:
            return None
        table = self.table
        return cross(self.cross, table.items, table.column_keys, self.look.named)

    def value(self) -> str:
        """What `y` copies: the number under the cursor in full."""
        totals, unit = self.table.totals, self.shown.state.unit
        if not has_amount(totals, unit):
            return ""
        value = amount(totals, unit)
        return decimal_text(value) if is_money(unit) else str(value)


def _chooser(look: Look, shown: Shown, axes: dict[str, str], of: CrossScreen) -> Screen[None]:
    from costtui.tui.screens.chooser import Chooser

    return Chooser(look, shown, axes, of.chosen)
