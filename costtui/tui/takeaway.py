"""What leaves the screen: a file, the clipboard, text. Imported when it is first needed."""

from __future__ import annotations

import os
from datetime import tzinfo
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from costtui.tui.cells import outside
from costtui.tui.export import ExportError, content, folders, save
from costtui.tui.terminal import clipboard

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from costtui.tui.app import CosttuiApp

COPY_LIMIT = 4000
"""Characters that go to the clipboard at most: terminals drop long OSC 52 sequences."""


def export(app: App[int], kind: str, places: list[Path], now: float, zone: tzinfo) -> None:
    """Write what is shown as `csv` or `json` and say where it is, or why there is no file."""
    web = app._driver is not None and app._driver.is_web
    streamed = getattr(app.screen, "export_rows", None)
    if streamed is not None and not web:
        streamed(kind, places, now, zone)
        return
    sheet = getattr(app.screen, "sheet", lambda: None)()
    if sheet is None:
        app.notify("Nothing has been read yet that could be written.", severity="warning")
        return
    rows = rows_in_words(len(sheet.rows))
    if web:
        # The disk is the server's; the browser has its own place for files.
        name, text = content(sheet, kind, now, zone)
        app.deliver_text(StringIO(text), save_filename=name)
        app.notify(f"{rows}: {name}", title="Export", timeout=8, markup=False)
        return
    try:
        path = save(sheet, kind, places, now, zone)
    except ExportError as error:
        app.notify(str(error), title="Export", severity="error", timeout=10, markup=False)
        return
    app.notify(f"{rows} in {path}", title="Export", timeout=8, markup=False)


def rows_in_words(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def copy(app: App[int]) -> None:
    """Put the value under the cursor on the clipboard of the user's own terminal (OSC 52)."""
    value = outside(getattr(app.screen, "value", lambda: "")(), COPY_LIMIT)
    if value:
        app._clipboard = value
        if app._driver is not None:
            app._driver.write(clipboard(value, os.environ))
        app.notify(f"Copied: {outside(value, 80)}", timeout=2, markup=False)


def screen_text(app: CosttuiApp, width: int, height: int, *, color: bool) -> str:
    """Run `app` without a terminal for one screenful of `width` × `height` cells; the text of it,
    with terminal colours where `color`."""
    lines: list[str] = []

    async def capture(pilot: Pilot[object]) -> None:
        for _ in range(3):  # a screen above the overview asks when it is there
            await pilot.pause()
            await app.settled()
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        lines.extend((s.render(app.console) if color else s.text).rstrip() for s in strips)
        app.exit(0)

    app.run(headless=True, size=(max(40, width), max(10, height)), auto_pilot=capture)
    return "\n".join(lines)


def last_frame(app: CosttuiApp) -> str:
    """The overview as it is on screen, marked with its time, in the terminal's own language;
    empty where it would be misleading next time: filtered, in the past, or without numbers."""
    from datetime import datetime

    from textual.geometry import Size

    from costtui.tui.widgets.header import Header
    from costtui.tui.widgets.lines import strips_of

    shown, screen = app.shown, app.screen
    plain = not (shown.state.filters or shown.state.past) and app.starts_like_this()
    if screen is not app.screen_stack[0] or shown.condition != "ready" or not plain:
        return ""
    assert shown.overview is not None
    moment = datetime.fromtimestamp(shown.overview.taken_at, app.look.zone)
    header = Header(app.look)
    header.shown = shown._replace(as_of=moment.strftime("%a %d %b %H:%M"))
    top = strips_of(header.lines(Size(app.size.width, 2)), app.look, app.size.width, 2)
    rest = screen._compositor.render_strips()[2:]
    return "\r\n".join(strip.render(app.console) for strip in (*top, *rest))


__all__ = ["copy", "export", "folders", "last_frame", "screen_text"]
