"""A screen that paints what changed on it, also while another one shows through it."""

from __future__ import annotations

from typing import Any, Self

from textual.geometry import Region
from textual.screen import Screen

from costtui.tui.resizing import Fitting


class Repainting(Screen[None]):
    """What all screens here are.

    A screen that can be seen through another one hands its changes to the upper one as regions
    (`upper.refresh(*regions)`). Textual takes that for a repaint of the whole upper screen,
    forgets which of its widgets have changed, and then paints the regions only. A widget of ours
    compares with what it drew last, so what was lost stayed lost until the text changed again.
    """

    def on_screen_resume(self) -> None:
        """A terminal that is too small is too small for a screen that is opened in it."""
        if isinstance(self.app, Fitting):
            self.app.fit()

    def refresh(self, *regions: Region, **options: Any) -> Self:
        if not regions or options or not self.is_mounted:
            return super().refresh(*regions, **options)
        self._set_dirty(*regions)
        self._dirty_widgets.add(self)
        self.check_idle()
        return self
