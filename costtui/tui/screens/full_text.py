"""One value in full, for what has no room in a row."""

from __future__ import annotations

from textual.app import ComposeResult

from costtui.tui.look import Look
from costtui.tui.screens.side import SideScreen
from costtui.tui.shown import Shown
from costtui.tui.widgets.text import Paragraph, TextView


class FullTextScreen(SideScreen):
    """A named text, wrapped and scrollable."""

    where = "text"
    title_text = "full text"

    def __init__(self, look: Look, shown: Shown, name: str, text: str) -> None:
        super().__init__(look, shown)
        self.named = name
        self.text = text

    def body(self) -> ComposeResult:
        yield TextView(self.look, self.named, id="text")

    def on_mount(self) -> None:
        view = self.query_one(TextView)
        view.set_text([Paragraph(line) for line in pretty(self.text).split("\n")])
        view.focus()

    def value(self) -> str:
        """What `y` copies."""
        return self.text


def pretty(text: str) -> str:
    """JSON objects and lists with one key a line; anything else as it is."""
    import json

    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
