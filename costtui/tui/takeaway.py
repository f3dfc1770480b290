"""What leaves the screen: a file, the clipboard, text. Imported when it is first needed."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from costtui.tui.cells import outside
from costtui.tui.export import ExportError, folders, save

if TYPE_CHECKING:
    from textual.pilot import Pilot

COPY_LIMIT = 4000
"""Characters that go to the clipboard at most: terminals drop long OSC 52 sequences."""


def export(app: App[int], kind: str, places: list[Path], now: float, zone: tzinfo) -> None:
    """Write what is shown as `csv` or `json` and say where it is, or why there is no file."""
    sheet = getattr(app.screen, "sheet", lambda: None)()
    if sheet is None:
        app.notify("There is nothing to write here.", severity="warning")
        return
    try:
        path = save(sheet, kind, places, now, zone)
    except ExportError as error:
        app.notify(str(error), title="Export", severity="error", timeout=10, markup=False)
        return
    rows = f"{len(sheet.rows):,} row{'' if len(sheet.rows) == 1 else 's'}"
    app.notify(f"{rows} in {path}", title="Export", timeout=8, markup=False)


def copy(app: App[int]) -> None:
    """Put the value under the cursor on the clipboard of the user's own terminal (OSC 52)."""
    value = outside(getattr(app.screen, "value", lambda: "")(), COPY_LIMIT)
    if value:
        app.copy_to_clipboard(value)
        app.notify(f"Copied: {outside(value, 80)}", timeout=2, markup=False)


def screen_text(app: App[int], width: int, height: int, *, color: bool) -> str:
    """Run `app` without a terminal for one screenful of `width` × `height` cells; the text of it,
    with terminal colours where `color`."""
    lines: list[str] = []

    async def capture(pilot: Pilot[object]) -> None:
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        lines.extend((s.render(app.console) if color else s.text).rstrip() for s in strips)
        app.exit(0)

    app.run(headless=True, size=(max(40, width), max(10, height)), auto_pilot=capture)
    return "\n".join(lines)


__all__ = ["copy", "export", "folders", "screen_text"]
