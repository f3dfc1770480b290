"""Textual's driver of a page, ended with its server: `costtui web` names it, Textual loads it."""

from __future__ import annotations

import asyncio

from textual import events, messages
from textual.drivers import web_driver
from textual.drivers.web_driver import WebDriver

from costtui.tui.pasting import PasteParser


class ViewerDriver(WebDriver):
    """As Textual's, but it leaves when its input ends, and has the focus from the start.

    A server that was killed closes the pipe. Textual's reader then stops reading and the app would
    go on for ever with nobody at the other end. Textual's driver begins blurred, in which state no
    screen gives the focus to its list, and a later focus finds none to give it back to.
    """

    def start_application_mode(self) -> None:
        self._own_loop = asyncio.get_running_loop()
        super().start_application_mode()
        self._app.call_later(self._app.post_message, events.AppFocus())

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        # A page without the focus sends no keys; the cursor may stay where it is.
        if packet_type not in ("focus", "blur"):
            super().on_meta(packet_type, payload)

    def run_input_thread(self) -> None:
        web_driver.XTermParser = PasteParser  # type: ignore[attr-defined]
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._own_loop.call_soon_threadsafe(self._app.post_message, messages.ExitApp())
