"""All keys, from the one table of bindings."""

from __future__ import annotations

from textual.app import ComposeResult

from costtui.tui.bindings import KEYS, by_group
from costtui.tui.look import Look
from costtui.tui.screens.side import SideScreen, Title
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.widgets.grid import Entry, Grid

MARKS = (
    ("≥", "a lower bound: something in it is unpriced, or a counter was lost in a reset"),
    ("~", "an estimate: priced per request, or projected"),
    ("unpriced", "no rate is known; it is counted in tokens and requests, never as $0"),
    ("·", "a gap: nothing arrived because a source was down; zero is blank"),
)


def entries(where: str) -> list[Entry]:
    """Keys that work on the screen `where` first, then the rest, then what the marks mean."""
    rows: list[Entry] = []
    for group, keys in by_group(where, "table"):
        rows.append(Entry(f"= {group}", (group, "", ""), ("title", "text", "text")))
        rows += [
            Entry(k.id, (f"  {k.shown or k.keys}", k.label, k.tooltip), ("key", "text", "quiet"))
            for k in keys
        ]
    others = [k for k in KEYS if not k.on(where) and not k.on("table")]
    if others:
        rows.append(Entry("= other", ("On other screens", "", ""), ("title", "text", "text")))
        rows += [
            Entry(k.id, (f"  {k.shown}", k.label, f"{k.tooltip} ({k.where.replace(',', ', ')})"),
                  ("key", "text", "quiet"))
            for k in others
        ]  # fmt: skip
    rows.append(Entry("= marks", ("Marks", "", ""), ("title", "text", "text")))
    rows += [Entry(m, (f"  {m}", "", text), ("warn", "text", "quiet")) for m, text in MARKS]
    return rows


class HelpScreen(SideScreen):
    """`?`, for what was on screen."""

    where = "help"
    title_text = "help"

    def __init__(self, look: Look, of: str) -> None:
        super().__init__(look, Shown(State()))
        self.of = of

    def body(self) -> ComposeResult:
        yield Grid(self.look, ("key", "does", ""), title=f"keys: {self.of}", counted=False,
                   id="help")  # fmt: skip

    def on_mount(self) -> None:
        self.query_one(Title).shown = None
        grid = self.query_one(Grid)
        grid.set_items(entries(self.of))
        grid.focus()

    def show(self, shown: Shown) -> None:
        """Help shows no data."""
