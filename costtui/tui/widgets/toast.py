"""What happened, in a line or three above the keys. Imported when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size
from textual.notifications import Notification

from costtui.tui.cells import cell_len, fit, outside
from costtui.tui.look import Line, Look
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.notice import wrapped

MOST = 3
"""Lines of what happened."""
READING = 20
"""Seconds from which on a notification is text that was asked for (`Enter` on a source): it gets up
to half of the screen."""
ROLES = {"information": "ok", "warning": "warn", "error": "over"}


class Toast(Lines):
    """The newest notifications. It takes no focus and no key."""

    DEFAULT_CSS = """
    Toast { layer: over; dock: bottom; width: 100%; height: 1; margin-bottom: 1; display: none; }
    """

    def __init__(self, look: Look) -> None:
        super().__init__(look, id="toast")
        self.news: Sequence[Notification] = ()

    def show(self, news: Sequence[Notification]) -> None:
        """Say these; nothing hides it."""
        self.news = news
        tall = len(self._texts(self.screen.size.width)) or 1
        self.styles.height = tall
        self._built_for = None
        self.display = bool(news)
        self.redraw()

    def _texts(self, width: int) -> list[tuple[str, str, str]]:
        """(mark, text, role) of each line: the newest notification gets what the others leave."""
        g = self.look.glyphs
        marks = {"information": g.dot, "warning": g.warn, "error": g.cross}
        room = max(10, width - 5)
        out: list[tuple[str, str, str]] = []
        most = MOST
        if any(n.timeout >= READING for n in self.news):
            most = max(MOST, self.screen.size.height // 2)
        for one in reversed(self.news[-most:]):
            left = most - len(out)
            if left <= 0:
                break
            title = f"{one.title}: " if one.title else ""
            said = [outside(line, 1000) for line in f"{title}{one.message}".splitlines()]
            parts = [part for line in said for part in _filled(line, room)]
            if len(parts) > left:
                rest = " ".join(parts[left - 1 :])
                parts = [*parts[: left - 1], fit(rest, room, g.cut)]
            role = ROLES[one.severity]
            out = [
                (marks[one.severity] if n == 0 else " ", part, role) for n, part in enumerate(parts)
            ] + out
        return out

    def lines(self, size: Size) -> list[Line]:
        look = self.look
        return [
            Line(look).put(f" {mark} ", role).put(text, "value" if role == "ok" else role)
            .to(size.width).on(look.palette.cursor)
            for mark, text, role in self._texts(size.width)
        ]  # fmt: skip


def _filled(text: str, width: int) -> list[str]:
    """`text` in lines. A path that is longer than a line begins where it stands: every cell that a
    break would leave empty is missing at its end."""
    if all(cell_len(word) <= width for word in text.split(" ")):
        return wrapped(text, width)
    parts, part = [], ""
    for char in text:
        if cell_len(part) + cell_len(char) > width:
            parts.append(part)
            part = ""
        part += char
    return [*parts, part]
