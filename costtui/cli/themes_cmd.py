"""`costtui themes`: which there are, and what is wrong with one of yours."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from costtui.cli.common import say
from costtui.errors import ConfigError, Problem

if TYPE_CHECKING:
    from costtui.tui.themes import ThemeData


class ThemesCommand:
    """List the themes, or check one of your own.

    `costtui themes` lists them: name, kind, where from. `themes check FILE` tells every problem of
    a theme file with line and key, or what of it can hardly be read.
    """

    name = "themes"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="list|check")
        actions.add_parser("list", help="every theme (also without a word)")
        check = actions.add_parser("check", help="what is wrong with a theme file")
        check.add_argument("file", type=Path, metavar="FILE")

    def run(self, args: argparse.Namespace) -> int:
        return _check(args.file) if args.action == "check" else _list()


def _list() -> int:
    from costtui.config.locate import themes_dir
    from costtui.tui import themes

    loaded = themes.load_all(themes_dir(os.environ))
    width = max(map(len, loaded.themes))
    for name, theme in loaded.themes.items():
        print(f"{name:<{width}}  {themes.kind_of(theme):<8}  {_origin(theme)}")
    for failure in loaded.failures:
        say(failure)
    return 0


def _origin(theme: ThemeData) -> str:
    from costtui.tui.themes import builtin_dir

    ours = theme.path is None or theme.path.parent == builtin_dir()
    return "built in" if ours else str(theme.path)


def _check(file: Path) -> int:
    from costtui.tui import themes
    from costtui.tui.theme_check import remarks

    try:
        theme = themes.read(file)
    except themes.ThemeError as error:
        raise ConfigError([Problem(str(file), *problem) for problem in error.problems]) from None
    print(f"{theme.name}: a {themes.kind_of(theme)} theme")
    for remark in remarks(theme):
        print(f"- {remark}")
    return 0
