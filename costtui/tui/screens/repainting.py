"""A screen that paints what changed on it, also while another one shows through it."""

from __future__ import annotations

from typing import Any, Self

from textual._compositor import Compositor, CompositorMap
from textual.geometry import Region
from textual.screen import Screen

from costtui.tui.resizing import Fitting


class Remembering(Compositor):
    """Textual's map of the screen may be made anew between two layouts, when somebody asks where a
    widget is. The next layout then finds nothing changed and paints nothing: a message that was
    laid on a screen just opened stayed unseen until something else was painted. So what is
    different in a new map is marked as in a layout."""

    @property
    def full_map(self) -> CompositorMap:
        before, stale = self._full_map, self._full_map_invalidated
        now = super().full_map
        if stale:
            changes = (geometry for _, geometry in now.items() ^ before.items())
            regions = (geometry.clip.intersection(geometry.region) for geometry in changes)
            self._dirty_regions.update(region for region in regions if region)
        return now


class Repainting(Screen[None]):
    """What all screens here are.

    A screen that can be seen through another one hands its changes to the upper one as regions
    (`upper.refresh(*regions)`). Textual takes that for a repaint of the whole upper screen,
    forgets which of its widgets have changed, and then paints the regions only. A widget of ours
    compares with what it drew last, so what was lost stayed lost until the text changed again.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._compositor = Remembering()

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
