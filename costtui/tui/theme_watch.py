"""A theme that is being written is seen while it is written: its file is read again when it
changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from costtui.tui import themes

if TYPE_CHECKING:
    from costtui.tui.themes import ThemeData

EVERY = 1.0
"""Seconds between two looks at the file."""


def wear(app: App[int], data: ThemeData) -> None:
    """Put a theme on, also one of the name that is worn already."""
    again = app.theme == data.name
    app.register_theme(data.textual())
    if again:
        app.mutate_reactive(App.theme)
    else:
        app.theme = data.name


class ThemeWatch:
    """Looks at the file of the present theme, where it is one of the user's."""

    def __init__(self) -> None:
        self._looked = float("-inf")
        self._name = ""
        self._path: Path | None = None
        self._stamp: tuple[int, int] = (0, 0)

    def look(self, app: App[int], user_dir: Path | None, now: float) -> None:
        """`now` is monotonic seconds. With a theme of ours this costs a comparison."""
        if user_dir is None or now - self._looked < EVERY:
            return
        self._looked = now
        if app.theme != self._name:
            self._name = app.theme
            self._path = _file_of(app.theme, user_dir)
            self._stamp = _stamp(self._path)
            return
        if self._path is None or _stamp(self._path) == self._stamp:
            return
        self._stamp = _stamp(self._path)
        try:
            data = themes.read(self._path)
        except themes.ThemeError as error:
            app.notify(f"{self._path.name}: {error}", title="Theme", severity="warning",
                       timeout=10, markup=False)  # fmt: skip
            return
        if data.name == app.theme:
            wear(app, data)


def _file_of(name: str, user_dir: Path) -> Path | None:
    """The user's file of the theme `name`, whatever the file is called."""
    usual = user_dir / f"{name}.yml"
    for path in (usual, *themes.files(user_dir)):
        try:
            if themes.read(path).name == name:
                return path
        except themes.ThemeError:
            continue
    return None


def _stamp(path: Path | None) -> tuple[int, int]:
    """Changes with the file; while an editor replaces it there is none for a moment."""
    try:
        found = path.stat() if path else None
    except OSError:
        found = None
    return (found.st_mtime_ns, found.st_size) if found else (0, 0)
