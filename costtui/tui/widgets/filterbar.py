"""The line that `/` opens. Imported when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label

from costtui.model.snapshot import Filter
from costtui.tui.messages import Filtered
from costtui.tui.state import parse_filter

HINT = "text   !text   ~regex   provider=openai   model!=gpt-5      Esc leaves"


class FilterBar(Horizontal):
    """Enter narrows, Esc leaves everything as it was; both give the focus back to `back_to`.

    Left to itself Textual would focus what stands before a removed widget: another panel.
    """

    BINDINGS = [Binding("escape", "leave", "leave", show=False)]  # noqa: RUF012
    DEFAULT_CSS = """
    FilterBar { dock: bottom; height: 1; background: $panel; }
    FilterBar Label { color: $text-key; text-style: bold; padding: 0 1; }
    FilterBar Input { background: $panel; width: 1fr; }
    FilterBar.-invalid Input { color: $cost-over; }
    """

    def __init__(self, back_to: Widget | None, tags: Sequence[str] = ()) -> None:
        """`tags` are the names of the tags that there are."""
        super().__init__()
        self.back_to = back_to
        self.tags = tags

    def compose(self) -> ComposeResult:
        yield Label("filter:")
        field = Input(placeholder=HINT, compact=True, select_on_focus=False, max_length=300)
        field.cursor_blink = False
        yield field

    def on_mount(self) -> None:
        self.field.focus()
        release = getattr(self.app, "release", None)
        if release is not None:
            # keys that are waiting; behind the focus, which Textual gives later
            self.app.call_later(release)

    @property
    def field(self) -> Input:
        return self.query_one(Input)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.set_class(bool(event.value) and self._filter(event.value) is None, "-invalid")

    def _filter(self, text: str) -> Filter | None:
        try:
            return parse_filter(text, self.tags)
        except ValueError:
            return None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self.action_leave()
            return
        try:
            found = parse_filter(event.value, self.tags)
        except ValueError as error:
            self.notify(str(error), title="Filter", severity="error", markup=False)
            return
        self.post_message(Filtered(found))
        self.action_leave()

    def on_descendant_blur(self) -> None:
        # A terminal window or tmux pane that loses the focus takes it from the field, too.
        if self.app.app_focus:
            self.action_leave()

    def action_leave(self) -> None:
        if not self.is_attached:
            return
        back, focused = self.back_to, self.screen.focused
        # Whoever has gone elsewhere (Tab) stays there.
        if back is not None and back.is_attached and focused in (None, self.field):
            self.screen.set_focus(back, scroll_visible=False)
        self.remove()
