"""An error of ours ends the screen: what Textual would print is kept for one line and a file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from rich.console import RenderableType

_LOG = logging.getLogger(__name__)


class Crashing(App[int]):
    """The app's part that ends it badly."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.last_words: list[RenderableType] = []

    def _handle_exception(self, error: Exception) -> None:
        """Textual tells it on the terminal; the log keeps it."""
        _LOG.error("the screen ended with an error", exc_info=error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Textual's renders the traceback with every local variable, which takes seconds (a whole
        `Overview` is among them) and fills the shell with what may be private."""
        self.last_words.append("")
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """Keep what Textual would print; `cli.run` says it in one line."""
        self.last_words += self._exit_renderables
        self._exit_renderables.clear()
