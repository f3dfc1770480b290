"""What the screens beside the overview share: a title, one list, the keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import Screen

from costtui.tui.cells import outside
from costtui.tui.look import Line, Look
from costtui.tui.shown import Shown
from costtui.tui.widgets.bars import Keys
from costtui.tui.widgets.lines import Lines


class Title(Lines):
    """One line: where we are, and of what."""

    DEFAULT_CSS = "Title { height: 1; }"

    text = ""
    shown: Shown | None = None

    def lines(self, size: Size) -> list[Line]:
        g = self.look.glyphs
        line = Line(self.look).put(" costtui ", "title").put(f" {self.text}", "accent")
        right = Line(self.look)
        if self.shown is not None:
            from costtui.tui import format as fmt

            for step in self.shown.state.filters:
                line.put(f" {g.step} ", "faint").put(outside(str(step), 60), "text")
            if self.shown.overview is not None:
                window = self.shown.overview.view.window
                arguments = (window.start, window.end, self.look.zone, g)
                whole = fmt.span(*arguments) if size.width >= 100 else fmt.short_span(*arguments)
                right.put(f"{self.shown.state.window}  ", "accent").put(whole + " ", "quiet")
            if self.shown.state.paused:
                right.styled(f" {g.pause} PAUSED ", self.look.palette.style("chip"))
        return [line.cut(size.width - right.width).extend(right)]


class SideScreen(Screen[None]):
    """A screen above the overview. Subclasses compose their lists in `body`."""

    where = ""
    """Its name in the bindings table."""
    title_text = ""

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__()
        self.look = look
        self.shown = shown

    def body(self) -> ComposeResult:
        """The lists of this screen."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        title = Title(self.look, id="title")
        title.text, title.shown = self.title_text, self.shown
        yield title
        yield from self.body()
        keys = Keys(self.look, id="keys")
        keys.where = self.where
        yield keys

    def show(self, shown: Shown) -> None:
        """The overview's data or the state changed."""
        self.shown = shown
        title = self.query_one(Title)
        title.shown = shown
        title.redraw()
