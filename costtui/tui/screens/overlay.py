"""A small list over the screen."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.screen import ModalScreen

from costtui.tui.look import Look
from costtui.tui.screens.repainting import Repainting
from costtui.tui.shown import Shown
from costtui.tui.widgets.table import Table


class Overlay(Repainting, ModalScreen[None]):
    """One list in a box; what is under it stays visible. It takes every key but ctrl+c
    and ctrl+l."""

    where = ""
    CSS = """
    Overlay { align: center top; background: $background 40%; }
    Overlay:ansi { background: transparent; }
    """
    SCOPED_CSS = False  # Textual would look for an Overlay inside of the class that inherits it.

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__()
        self.look = look
        self.shown = shown

    def make(self) -> Table[Any]:
        """The list."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield self.make()

    def on_mount(self) -> None:
        table = self.query_one(Table)
        table.styles.margin = (2, 0, 0, 0)
        self.fit()
        table.focus()

    def fit(self) -> None:
        """As tall as its rows, where there is room for them."""
        table = self.query_one(Table)
        width, height = self.app.size
        table.styles.width = min(76, width - 2)
        table.styles.height = max(4, min(height - 4, max(1, len(table.items)) + 3))

    def action_close(self) -> None:
        self.dismiss()
