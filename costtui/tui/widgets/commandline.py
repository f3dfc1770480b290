"""The line that `:` opens, with what is found above it. Imported when it is first needed."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size

from costtui.tui.cells import cell_len, fit, outside
from costtui.tui.commands import Hit
from costtui.tui.look import Line, Look, frame
from costtui.tui.prompt import Prompt
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.notice import wrapped

MOST = 12
"""Rows of hits; more would hide what one works on."""
NAME = 24
"""Cells of the names of commands."""


class CommandLine(Lines):
    """Draws a `Prompt`. The app owns it and gives it the keys, so this takes no focus."""

    DEFAULT_CSS = "CommandLine { layer: over; dock: bottom; width: 100%; height: 4; }"

    def __init__(self, look: Look, prompt: Prompt) -> None:
        # No id: of a command that opens the next line the old one has not gone yet.
        super().__init__(look)
        self.prompt = prompt
        search = prompt.searches
        self.mark = "/" if search else ":"
        self.hint = (
            " words; Enter keeps what has them"
            if search
            else " a command, or a word of what it does"
        )
        self.scrolled = 0

    def on_mount(self) -> None:
        self.update()

    def update(self) -> None:
        """The prompt has changed."""
        if not self.is_attached:
            return
        width, height = self.screen.size
        rows = self._rows(height) + len(self._said(width - 4))
        tall = rows + 3 if rows else 1
        wanted = self.styles.height
        if wanted is None or int(wanted.value) != tall:
            self.styles.height = tall
            self._built_for = None
        self.redraw()

    def _rows(self, height: int) -> int:
        return min(len(self.prompt.found.hits), MOST, max(1, height - 8))

    def _said(self, width: int) -> list[str]:
        """What is wrong with the line, or why there is nothing."""
        prompt = self.prompt
        text = prompt.error or ("" if prompt.found.hits else prompt.found.why)
        return wrapped(outside(text, 400), max(10, width))[:3]

    def lines(self, size: Size) -> list[Line]:
        width, height = size
        if height < 2:
            return [self._typed(width)]
        prompt, look = self.prompt, self.look
        said = self._said(width - 4)
        rows = max(0, height - 3 - len(said))
        marked = prompt.marked
        at = max(0, marked)
        self.scrolled = max(0, min(self.scrolled, at, len(prompt.found.hits) - rows))
        if at >= self.scrolled + rows:
            self.scrolled = at - rows + 1
        shown = prompt.found.hits[self.scrolled : self.scrolled + rows]
        name = min(NAME, max((cell_len(self._called(h)) for h in shown), default=0))
        body = []
        for index, hit in enumerate(shown, self.scrolled):
            line = self._hit(hit, name, width - 2, selected=index == marked)
            body.append(line.on(look.palette.cursor) if index == marked else line)
        body += [
            Line(look).put(f" {look.glyphs.cross if n == 0 else ' '} ", "over").put(part, "over")
            for n, part in enumerate(said)
        ]
        box = frame(look, body, width, height - 1, title=self._title(), note=self._note(width),
                    focus=True)  # fmt: skip
        return [*box, self._typed(width)]

    def _title(self) -> Line:
        hits = self.prompt.found.hits
        line = Line(self.look).put("commands", "focus-title")
        if hits:
            line.put(f" {len(hits)}", "quiet")
        return line

    def _note(self, width: int) -> Line:
        line = Line(self.look)
        up, down = ("up", "down") if self.look.glyphs.ascii else ("↑", "↓")
        facts = [("Enter", "does it"), ("Tab", "completes"), (down, "chooses"),
                 (up, "earlier ones"), ("Esc", "leaves")]  # fmt: skip
        for key, what in facts if width >= 76 else facts[1:3] + facts[4:]:
            line.put("  " if line.width else "").put(key, "key").put(f" {what}", "quiet")
        return line

    def _called(self, hit: Hit) -> str:
        if hit.argument:
            return outside(hit.argument, 60)
        command = hit.command
        return f"{command.name} {command.argument}" if command.argument else command.name

    def _hit(self, hit: Hit, name: int, width: int, *, selected: bool) -> Line:
        look = self.look
        line = Line(look).put(look.glyphs.cursor if selected else " ", "accent")
        text = self._called(hit)
        head, _, argument = text.partition(" ") if not hit.argument else (text, "", "")
        if cell_len(text) > name:
            line.put(fit(text, name, look.glyphs.cut), "value")
        else:
            line.put(head, "value").put(f" {argument}" if argument else "", "quiet")
        line.to(name + 3)
        keys = outside(hit.keys, 20)
        room = width - line.width - (cell_len(keys) + 3 if keys else 1)
        line.put(fit(outside(hit.what), room, look.glyphs.cut), "quiet")
        return line.put("  ").put(keys, "key").to(width) if keys else line

    def _typed(self, width: int) -> Line:
        prompt, look = self.prompt, self.look
        line = Line(look).put(f" {self.mark}", "key")
        room = width - line.width - 2
        text, ghost, at = _tame(prompt.text), _tame(prompt.ghost), prompt.at
        before = text[:at]
        while before and cell_len(before) > room:
            before = before[1:]
        under, after = (text[at : at + 1] or ghost[:1] or " "), text[at + 1 :]
        line.put(before, "over" if prompt.error else "value")
        # Not by `styled`, to which a blank is a blank: this one is the cursor.
        line.segments.append(Segment(under, look.palette.base + Style(reverse=True)))
        line.width += cell_len(under)
        line.put(after, "value")
        line.put(ghost[1:] if at >= len(text) else "", "faint")
        if not text and not ghost:
            line.put(self.hint, "faint")
        return line.cut(width)


def _tame(text: str) -> str:
    """One cell for each character that cannot be shown, so that the cursor stays where it is."""
    return "".join(c if c.isprintable() else "?" for c in text)
