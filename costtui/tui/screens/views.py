"""Saved views: places to go to by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult

from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside
from costtui.tui.habits import told
from costtui.tui.screens.side import SideScreen
from costtui.tui.widgets.grid import Entry, Grid

if TYPE_CHECKING:
    from costtui.tui.app import CosttuiApp
    from costtui.tui.sheet import Sheet


class ViewsScreen(SideScreen):
    """`V`. The configuration's views come first; they cannot be forgotten here."""

    where = "views"
    title_text = "views"
    BINDINGS = textual_bindings("views")

    @property
    def owner(self) -> CosttuiApp:
        return cast("CosttuiApp", self.app)

    def body(self) -> ComposeResult:
        yield Grid(self.look, ("name", "kept in", "what it shows"), title="saved views",
                   empty=self._nothing(), id="saved-views")  # fmt: skip

    def _nothing(self) -> str:
        key = self.look.key("palette")
        return f"none yet: {key}save NAME keeps what is shown"

    def on_mount(self) -> None:
        self.refill()
        self.grid.focus()

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    def refill(self) -> None:
        """Read them again: another viewer may have saved one."""
        habits = self.owner.habits
        own = habits.configured
        rows = [(name, "configuration", view) for name, view in own.items()]
        rows += [(n, "state folder", v) for n, v in sorted(habits.saved().items()) if n not in own]
        self.grid.set_items(
            [
                Entry(name, (outside(name, 40), kept, outside(told(view) or "everything", 200)),
                      ("value", "quiet", "text"), name)
                for name, kept, view in rows
            ]
        )  # fmt: skip

    def action_open(self) -> None:
        row = self.grid.current
        if row is not None:
            self.owner.open_view(row.key)

    def action_forget(self) -> None:
        row = self.grid.current
        if row is None:
            return
        try:
            self.owner.forget_view(row.key)
        except ValueError as error:
            self.notify(str(error), title="View", severity="warning", markup=False)
        self.refill()

    def sheet(self) -> Sheet | None:
        """What `e` writes."""
        from costtui.tui.place import FIELDS
        from costtui.tui.sheet import Sheet

        if self.shown.overview is None:
            return None
        columns = ("screen", *FIELDS)
        found = self.owner.habits.views()
        rows = tuple(
            (name, *(_cell(found[name].get(c)) for c in columns),
             " ".join(map(str, found[name].get("filters") or ())))
            for name in (row.key for row in self.grid.items) if name in found
        )  # fmt: skip
        return Sheet("views", ("name", *columns, "filters"), rows, self.shown.overview.view)

    def value(self) -> str:
        """What `y` copies."""
        return self.grid.current.key if self.grid.current else ""


def _cell(value: object) -> str | int:
    return int(value) if isinstance(value, bool) else str(value if value is not None else "")
