"""`T`: all themes, each worn while the cursor stands on it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color

from costtui.tui import themes
from costtui.tui.bindings import textual_bindings
from costtui.tui.look import Line, Look
from costtui.tui.screens.repainting import Repainting
from costtui.tui.shown import Shown
from costtui.tui.theme_watch import wear
from costtui.tui.themes import ThemeData
from costtui.tui.widgets.table import Column, Table

SWATCH = tuple(f"chart-{n}" for n in range(1, 7))


class ThemeTable(Table[ThemeData]):
    """A theme a row, with its own colours on its own background."""

    header_from = 1000

    def __init__(self, look: Look, user_dir: Path | None) -> None:
        super().__init__(look, id="themes")
        self._user_dir = user_dir

    def key(self, item: ThemeData) -> str:
        return item.name

    def columns(self, width: int) -> list[Column]:  # noqa: ARG002 - it fits any
        return [
            Column("name", "", 0),
            Column("kind", "", 14),
            Column("colours", "", 2 * len(SWATCH)),
        ]

    def draw(self, item: ThemeData, column: Column, line: Line) -> None:
        if column.id == "name":
            line.cell(item.name, column.width, "text")
        elif column.id == "kind":
            mine = item.path is not None and item.path.parent == self._user_dir
            kind = themes.kind_of(item) + (", yours" if mine else "")
            line.cell(kind, column.width, "quiet")
        else:
            self._swatch(item, line)

    def _swatch(self, item: ThemeData, line: Line) -> None:
        if item.variables["emphasis"] == "attributes":
            line.put("-" * 2 * len(SWATCH), "quiet")
            return
        back = Color.parse(item.colors["background"]).rich_color
        for name in SWATCH:
            front = Color.parse(item.variables[name]).rich_color
            line.styled(f"{self.look.glyphs.legend} ", Style(color=front, bgcolor=back))

    def title_line(self) -> Line:
        return Line(self.look).put("themes", "focus-title").put(f" {len(self.items)}", "quiet")

    def note_line(self) -> Line:
        line = Line(self.look)
        for key, what in (("Enter", "keep"), ("Esc", "back")):
            line.put(f" {key}", "key").put(f" {what} ", "quiet")
        return line


class ThemesScreen(Repainting):
    """A box over what was there, which shows the theme."""

    where = "themes"
    BINDINGS = textual_bindings("themes")
    # Not DEFAULT_CSS, which app.tcss has priority over.
    CSS = """
    ThemesScreen { background: transparent; align: right top; }
    ThemesScreen #themes { width: 52; max-width: 100%; max-height: 85%; margin: 2 1 1 1; }
    """

    def __init__(self, look: Look, shown: Shown, user_dir: Path | None) -> None:  # noqa: ARG002
        super().__init__()
        self.look = look
        self._user_dir = user_dir
        self._found = themes.load_all(user_dir)
        self._before = ""
        self._kept = False

    def compose(self) -> ComposeResult:
        yield ThemeTable(self.look, self._user_dir)

    def on_mount(self) -> None:
        self._before = self.app.theme
        for failure in self._found.failures:
            self.app.notify(failure, title="Theme", severity="warning", markup=False)
        table = self.query_one(ThemeTable)
        table.styles.height = len(self._found.themes) + 2
        table.select(self.app.theme)
        table.set_items(list(self._found.themes.values()))
        table.focus()

    def on_table_moved(self) -> None:
        data = self.query_one(ThemeTable).current
        if data is not None and data.name != self.app.theme:
            wear(cast("App[int]", self.app), data)

    def action_keep(self) -> None:
        self._kept = True
        self.dismiss()
        self.app.notify(
            f"Theme {self.app.theme}. For good: theme: {self.app.theme} under display: in the "
            "configuration.",
            timeout=6,
            markup=False,
        )  # fmt: skip

    def action_restore(self) -> None:
        self.dismiss()

    def on_unmount(self) -> None:
        """Whichever way it goes, without Enter nothing has changed."""
        if not self._kept and self.app.theme != self._before:
            self.app.theme = self._before

    def value(self) -> str:
        """What `y` copies."""
        return self.app.theme
