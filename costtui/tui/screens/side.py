"""What the screens beside the overview share: a title, one list, the keys."""

from __future__ import annotations

from datetime import datetime

from textual.app import ComposeResult
from textual.geometry import Size

from costtui.model.snapshot import View
from costtui.tui import format as fmt
from costtui.tui.look import Line, Look
from costtui.tui.muting import notifier_warning
from costtui.tui.screens.repainting import Repainting
from costtui.tui.shown import Shown
from costtui.tui.unusual import unit_fact
from costtui.tui.widgets.bars import Keys
from costtui.tui.widgets.header import crumbs, view_title
from costtui.tui.widgets.lines import Lines


class Title(Lines):
    """One line: where we are, and of what."""

    DEFAULT_CSS = "Title { height: 1; }"

    text = ""
    shown: Shown | None = None
    units = False
    """Is this screen in the unit that `u` chooses? Then it says so where that is not the usual."""
    own: tuple[str, int, int] | None = None
    """(name, start, end) of a screen that shows another stretch of time than the window."""
    moment = 0.0
    """Of a screen that shows how it stands at one, epoch seconds; filters do not narrow it."""

    def lines(self, size: Size) -> list[Line]:
        g, shown = self.look.glyphs, self.shown
        line = view_title(self.look, shown.view_name if shown else "")
        right = Line(self.look)
        if shown is None:
            return [line.put(f" {self.text}", "accent")]
        words, other = unit_fact(shown.state, shown.usual)
        if self.units and other:
            right.put(f"{words}  ", "accent")
        if shown.state.paused:
            right.styled(f" {g.pause} PAUSED ", self.look.palette.style("chip")).put("  ")
        if shown.state.past and self.own is not None:  # a screen that is always of now
            right.put("of now, not of the moment  ", "warn")
        if shown.state.past and self.own is None:
            right.styled(f" {g.back} PAST ", self.look.palette.style("chip")).put("  ")
        right.extend(notifier_warning(shown, self.look, size.width))
        if self.moment:
            when = datetime.fromtimestamp(self.moment, self.look.zone)
            right.put(when.strftime("as of %a %d %b %Y %H:%M "), "quiet")
        elif self.own is not None:
            name, start, end = self.own
            arguments = (start, end, self.look.zone, g)
            whole = fmt.span(*arguments) if size.width >= 100 else fmt.short_span(*arguments)
            right.put(f"{name}  ", "accent").put(whole + " ", "quiet")
        elif shown.overview is not None:
            window = shown.overview.view.window
            arguments = (window.start, window.end, self.look.zone, g)
            whole = fmt.span(*arguments) if size.width >= 100 else fmt.short_span(*arguments)
            name = fmt.window_name(
                shown.state.window_name, shown.state.back, window.start, self.look.zone
            )
            right.put(f"{name}  ", "accent").put(whole + " ", "quiet")
        room = size.width - line.width - right.width - 2
        filters = () if self.moment else shown.state.filters
        line.extend(crumbs(self.look, filters, room, f" {self.text}").cut(room))
        return [line.to(size.width - right.width).extend(right)]


class SideScreen(Repainting):
    """A screen above the overview. Subclasses compose their lists in `body`."""

    where = ""
    """Its name in the bindings table."""
    title_text = ""

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__()
        self.look = look
        self.shown = shown

    _asked: object = None
    """What the last question was about."""
    _waiting = False
    """A question is open."""

    def due(self, shown: Shown, key: object, read: View | None) -> bool:
        """Is it time to ask: about something else than last time, or because the live window that
        `read` is of has slid on with the minute? Remembers `key`."""
        if shown.error:
            self._waiting = False
        if key != self._asked:
            self._asked = key
            return True
        overview = shown.overview
        return (
            not self._waiting
            and read is not None
            and overview is not None
            and overview.view.window.end > read.window.end
        )

    def body(self) -> ComposeResult:
        """The lists of this screen."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        title = Title(self.look, id="title")
        title.text, title.shown = self.title_text, self.shown
        title.units = any(k.action == "unit" and k.on(self.where) for k in self.look.keys)
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
