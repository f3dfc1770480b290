"""Which theme an app wears: the first one, and the next one."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from costtui.tui import themes


def first(
    app: App[int],
    asked: str | None,
    configured: str,
    user_dir: Path | None,
    remembered: str = "",
) -> str:
    """Put the first theme on. Returns what there is to say about it, or `""`.

    `asked` is the command line's, `configured` the configuration's, `remembered` what was on last
    time and is worn if it still can be. Only that one file is read; the others wait until `t` is
    pressed. NO_COLOR wins over everything; a terminal of sixteen colours gets its own theme unless
    somebody chose another one than the default.
    """
    name = asked or configured
    if remembered and not asked and not themes.load_one(remembered, user_dir)[1]:
        name = remembered
    if app.no_color:
        name = "monochrome"
    elif not asked and name == themes.DEFAULT and app.console.color_system == "standard":
        name = "ansi-16"
    data, reason = themes.load_one(name, user_dir)
    app.register_theme(data.textual())
    app.set_reactive(App.theme, data.name)
    # Textual made its filters for the theme that it starts with itself.
    app._refresh_truecolor_filter(app.ansi_theme)
    app.stylesheet.set_variables(app.get_css_variables())
    return reason


def following(app: App[int], user_dir: Path | None) -> None:
    """Put the next theme on, in the order of their names; say which themes cannot be used."""
    if app.no_color:
        why = "Without colours (NO_COLOR, or the terminal has none) there are no themes to choose."
        app.notify(why, severity="warning")
        return
    loaded = themes.load_all(user_dir)
    for failure in loaded.failures:
        app.notify(failure, title="Theme", severity="warning", markup=False)
    names = list(loaded.themes)
    at = names.index(app.theme) + 1 if app.theme in names else 0
    _put_on(app, loaded.themes[names[at % len(names)]])
    app.notify(f"Theme {app.theme}", timeout=2, markup=False)


def wear(app: App[int], name: str, user_dir: Path | None) -> None:
    """Put the theme `name` on, or the default one when there is none."""
    if name != app.theme:
        _put_on(app, themes.load_one(name, user_dir)[0])


def values(app: App[int], user_dir: Path | None) -> list[tuple[str, str]]:
    """(name, what it is) of every theme that can be used."""
    loaded = themes.load_all(user_dir)
    return [
        (name, f"{'dark' if data.dark else 'light'}{', on now' if name == app.theme else ''}")
        for name, data in loaded.themes.items()
    ]


def _put_on(app: App[int], data: themes.ThemeData) -> None:
    app.register_theme(data.textual())
    app.theme = data.name
