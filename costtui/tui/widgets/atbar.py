"""The line that `@` opens: which moment to go to. Imported when it is first needed."""

from __future__ import annotations

from datetime import datetime, tzinfo

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Input, Label

from costtui.engine.clock import Clock
from costtui.tui.messages import Travelled
from costtui.tui.moments import EXAMPLES, parse_moment
from costtui.tui.widgets.filterbar import FilterBar


class AtBar(FilterBar):
    """Enter goes there, Esc leaves everything as it was. Beside the field stands where the text
    would go, or what is wrong with it."""

    DEFAULT_CSS = """
    AtBar #meant { color: $text-quiet; text-style: none; width: auto; max-width: 75%; }
    AtBar.-invalid #meant { color: $cost-over; }
    """

    def __init__(self, back_to: Widget | None, clock: Clock, zone: tzinfo) -> None:
        super().__init__(back_to)
        self.clock = clock
        self.zone = zone

    def compose(self) -> ComposeResult:
        yield Label("at:")
        field = Input(placeholder=EXAMPLES, compact=True, select_on_focus=False, max_length=60)
        field.cursor_blink = False
        yield field
        yield Label("", id="meant", markup=False)

    def _moment(self, text: str) -> tuple[float, str]:
        """(epoch seconds, `""`), or (0, what is wrong)."""
        try:
            return parse_moment(text, self.clock.now(), self.zone), ""
        except ValueError as error:
            return 0.0, str(error)

    def _say(self, text: str, *, wrong: bool) -> None:
        self.set_class(wrong, "-invalid")
        self.query_one("#meant", Label).update(text)

    # Textual calls the handlers of base classes, too, unless the event says otherwise.

    def on_input_changed(self, event: Input.Changed) -> None:
        """What the text means so far; half a text is not called wrong before Enter."""
        event.prevent_default().stop()
        moment, _ = self._moment(event.value)
        when = datetime.fromtimestamp(moment, self.zone).strftime("%a %d %b %Y %H:%M:%S %Z")
        self._say(when if moment else "", wrong=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.prevent_default().stop()
        if not event.value.strip():
            self.action_leave()
            return
        moment, wrong = self._moment(event.value)
        if wrong:
            self._say(wrong, wrong=True)
            return
        self.post_message(Travelled(moment))
        self.action_leave()
