"""Notifications of our own: a line or three above the keys, gone at the next key press.

Textual's toasts are boxes of half the width that cut paths, lie over lists, stay when the screen
changes and cannot be closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.css.query import NoMatches
from textual.notifications import Notification
from textual.timer import Timer

if TYPE_CHECKING:
    from costtui.tui.look import Look


class Toasting(App[int]):
    """The app's part that says what happened. `notify` is Textual's."""

    look: Look
    _toast_timer: Timer | None = None
    _toast_hidden = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Textual's own rack is then not made for each screen.
        self._disable_notifications = True

    def _refresh_notifications(self) -> None:
        """Textual's hook: a notification came or went, or another screen is on top."""
        if not self._toast_hidden:
            self.show_toast()

    def show_toast(self) -> None:
        """Draw what there is to say on the screen that is on top."""
        self._toast_hidden = False
        news = list(self._notifications)
        if not self._screen_stack:
            return
        from costtui.tui.widgets.toast import Toast

        try:
            toast = self.screen.query_one(Toast)
        except NoMatches:
            if not news:
                return
            toast = Toast(self.look)
            self.screen.mount(toast)
        if self._toast_timer is not None:
            self._toast_timer.stop()
            self._toast_timer = None
        if news:
            left = max(0.05, min(n.time_left for n in news) + 0.05)
            self._toast_timer = self.set_timer(left, self.show_toast)
        toast.show(news)

    def hide_toast(self) -> None:
        """Something else needs the place for a while."""
        from costtui.tui.widgets.toast import Toast

        self._toast_hidden = True
        for toast in self.screen.query(Toast):
            toast.show([])

    def toast_closed(self, key: str) -> bool:
        """A key was pressed: what was said has been seen. True when Esc closed it and nothing
        else is to happen."""
        news: list[Notification] = list(self._notifications)
        if not news:
            return False
        self._notifications.clear()
        self.show_toast()
        return key == "escape"
