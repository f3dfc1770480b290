"""The line that `/` opens. Imported when it is first needed."""

from __future__ import annotations

from textual.binding import Binding
from textual.widgets import Input

from costtui.model.snapshot import Filter
from costtui.tui.messages import Filtered
from costtui.tui.state import parse_filter


class FilterBar(Input):
    """Enter narrows, Esc leaves everything as it was."""

    BINDINGS = [Binding("escape", "leave", "leave", show=False)]  # noqa: RUF012
    DEFAULT_CSS = """
    FilterBar { dock: bottom; height: 1; background: $panel; padding: 0 1; }
    FilterBar.-invalid { color: $cost-over; }
    """

    def __init__(self) -> None:
        super().__init__(
            placeholder="text  !text  ~regex  provider=openai  model!=gpt-5      Esc: leave",
            compact=True,
            id="filter",
            select_on_focus=False,
            max_length=300,
        )
        self.cursor_blink = False

    def on_mount(self) -> None:
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.set_class(bool(self.value) and self._filter() is None, "-invalid")

    def _filter(self) -> Filter | None:
        try:
            return parse_filter(self.value)
        except ValueError:
            return None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.value.strip():
            self.action_leave()
            return
        try:
            found = parse_filter(self.value)
        except ValueError as error:
            self.notify(str(error), title="Filter", severity="error", markup=False)
            return
        self.post_message(Filtered(found))
        self.action_leave()

    def on_blur(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        if self.is_attached:
            self.remove()
