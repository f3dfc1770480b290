"""The line that `=` opens. Imported when it is first needed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label

from costtui.analysis.whatif import HELP, Typed, parse
from costtui.tui.cells import outside
from costtui.tui.widgets.filterbar import FilterBar


class RateBar(FilterBar):
    """As the filter's line: Enter takes it, Esc leaves everything as it was."""

    class Typed(Message):
        """Something that makes sense was typed."""

        def __init__(self, typed: Typed, key: str) -> None:
            super().__init__()
            self.typed = typed
            self.key = key

    def __init__(self, back_to: Widget | None, name: str, key: str, text: str = "") -> None:
        """`name` is what the row is called, `key` which row it is; `text` is there already."""
        super().__init__(back_to)
        self.row_name, self.key, self.text = name, key, text

    def compose(self) -> ComposeResult:
        yield Label(f"what if {outside(self.row_name, 40)} cost:", markup=False)
        field = Input(
            self.text, placeholder=HELP, compact=True, select_on_focus=False, max_length=200
        )
        field.cursor_blink = False
        yield field

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        event.prevent_default()
        try:
            parse(event.value)
        except ValueError:
            self.add_class("-invalid")
        else:
            self.remove_class("-invalid")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()
        try:
            typed = parse(event.value)
        except ValueError as error:
            self.notify(str(error), title="What if", severity="error", markup=False)
            return
        self.post_message(self.Typed(typed, self.key))
        self.action_leave()
