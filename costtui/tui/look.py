"""How everything is drawn: colours, characters and the time zone, in one shared object.

Widgets hold it and never ask the app; a new theme changes the palette in place and asks the
widgets to draw again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style

from costtui.tui.bindings import KEYS, Key
from costtui.tui.cells import cell_len, fit
from costtui.tui.glyphs import Glyphs
from costtui.tui.palette import Palette


class Look:
    """What every widget needs to know to draw."""

    __slots__ = ("consumer", "glyphs", "keys", "palette", "tags", "zone")

    def __init__(
        self,
        palette: Palette,
        glyphs: Glyphs,
        zone: tzinfo,
        consumer: Callable[[str], str] = lambda _: "",
        tags: tuple[str, ...] = (),
        keys: Sequence[Key] = KEYS,
    ) -> None:
        """`consumer` gives the name of a consumer id, `""` where the configuration has none. `tags`
        are the names of the tags that consumers have, `keys` the bindings with the user's own
        keys."""
        self.palette = palette
        self.glyphs = glyphs
        self.zone = zone
        self.consumer = consumer
        self.tags = tags
        self.keys = keys

    def key(self, action: str) -> str:
        """The key of an action by its id, as people write it; its command where it has none."""
        found = next((k.first for k in self.keys if k.id == action), "")
        return found or f":{action}"

    def named(self, dimension: str, value: str) -> str:
        """A dimension's value as people know it: a consumer by its name."""
        return (self.consumer(value) if dimension == "consumer" and value else "") or value


def plain_ascii(text: str, cut: str) -> str:
    """`text` in the same number of cells for a terminal that knows ASCII alone."""
    return "".join(
        c if c.isascii() else cut if c == "…" else "?" * get_character_cell_size(c) for c in text
    )


class Line:
    """One line of the screen, written from left to right."""

    __slots__ = ("look", "segments", "width")

    def __init__(self, look: Look) -> None:
        self.look = look
        self.segments: list[Segment] = []
        self.width = 0
        """Cells written so far."""

    def put(self, text: str, role: str = "text") -> Line:
        """Add text in a role of the palette."""
        return self.styled(text, self.look.palette.style(role))

    def styled(self, text: str, style: Style) -> Line:
        if not text:
            return self
        if self.look.glyphs.ascii and not text.isascii():
            text = plain_ascii(text, self.look.glyphs.cut)
        self.width += len(text) if text.isascii() else cell_len(text)
        segments = self.segments
        if segments:
            # A blank looks the same in any colour, and each change of style costs 40 bytes.
            before, last, _ = segments[-1]
            if last is style or (last in self.look.palette.plain and text.isspace()):
                segments[-1] = Segment(before + text, last)
                return self
        segments.append(Segment(text, style))
        return self

    def cell(self, text: str, width: int, role: str = "text", align: str = "left") -> Line:
        """Add text in exactly `width` cells. The padding is plain: it is not underlined."""
        fitted = fit(text, width, self.look.glyphs.cut, align)
        bare = fitted.lstrip(" ") if align == "right" else fitted.rstrip(" ")
        padding = " " * (len(fitted) - len(bare))
        base = self.look.palette.base
        if align == "right":
            return self.styled(padding, base).put(bare, role)
        return self.put(bare, role).styled(padding, base)

    def extend(self, other: Line) -> Line:
        self.segments.extend(other.segments)
        self.width += other.width
        return self

    def to(self, column: int) -> Line:
        """Pad with blanks up to `column`; nothing if already there."""
        if column > self.width:
            self.styled(" " * (column - self.width), self.look.palette.base)
        return self

    def cut(self, width: int) -> Line:
        """Exactly `width` cells; none where there is no room."""
        width = max(0, width)
        if self.width > width:
            base = self.look.palette.base
            self.segments = Segment.adjust_line_length(self.segments, width, base)
            self.width = width
        return self.to(width)

    def on(self, style: Style) -> Line:
        """Lay the whole line on a background (a cursor). What has a background of its own keeps
        it: its text may be unreadable on another one."""
        plain = self.look.palette.base.bgcolor
        self.segments = [
            Segment(text, style if not own else own + style if own.bgcolor == plain else own)
            for text, own, _ in self.segments
        ]
        return self


def frame(
    look: Look, body: list[Line], width: int, height: int, *, title: Line, note: Line, focus: bool
) -> list[Line]:
    """`body` in a box with a title in the top edge and a note in the bottom edge.

    Drawn here and not by CSS borders, because a changed border title repaints the whole widget
    and a changed line only its changed cells.
    """
    g = look.glyphs
    role = "focus" if focus else "line"
    inner = width - 2
    lines = [_edge(look, g.corner[0], g.corner[1], title, width, role, 1)]
    for index in range(height - 2):
        line = Line(look).put(g.vertical, role)
        line.extend(body[index].cut(inner) if index < len(body) else Line(look).to(inner))
        lines.append(line.put(g.vertical, role))
    lines.append(_edge(look, g.corner[2], g.corner[3], note, width, role, None))
    return lines[:height]


def _edge(
    look: Look, left: str, right: str, label: Line, width: int, role: str, at: int | None
) -> Line:
    """A horizontal edge with a label near its left (`at` given) or its right end."""
    g = look.glyphs
    if label.width > width - 6:  # a number that is cut in silence is another number
        label = label.cut(max(0, width - 7)).put(g.cut, role)
    used = label.width + 2 if label.width else 0
    before = at if at is not None else max(1, width - 3 - used)
    line = Line(look).put(left + g.horizontal * before, role)
    if label.width:
        line.put(" ").extend(label).put(" ")
    return line.put(g.horizontal * (width - 1 - line.width) + right, role)
