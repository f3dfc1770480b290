"""What every command shares: the options before it, how it is parsed, how it gets its `Config`.

A command is a class with a name, `add_arguments` and `run`; its docstring is its help. This
module imports no more than argparse, so that `costtui --help` is not slower than argparse is.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from costtui import __version__
from costtui.errors import UsageError

if TYPE_CHECKING:
    from costtui.config.load import Loaded, Overrides
    from costtui.config.schema import Config
    from costtui.config.screen import ScreenWords


class Command(Protocol):
    """One subcommand."""

    name: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options; the global ones are added by `build_parser`."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit code. Raises `CosttuiError` for what the user should know."""


class Parser(argparse.ArgumentParser):
    """argparse, but it raises `UsageError` instead of exiting, and suggests spellings."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Abbreviations would make each new option a breaking change.
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)
        self.commands: Collection[str] = ()
        """Words that are commands, for the hint when one stands too late."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nTry `{self.prog} --help`.")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        from costtui.config.words import did_you_mean, quoted

        known = [str(choice) for choice in action.choices]
        near = did_you_mean(str(value), known)
        message = f"{quoted(str(value))} is not one of {', '.join(known)}{near}"
        raise argparse.ArgumentError(action, message)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parse all of `argv`. Raises `UsageError`, with the nearest spelling of a wrong flag."""
        flags = set(self._flags())
        for word in argv:
            if word == "--":
                break
            # Looked for first: argparse would take the value behind a misspelt flag for an
            # argument and complain about that.
            if word.startswith("--") and word.partition("=")[0] not in flags:
                self._unknown(word, flags)
        args, unknown = self.parse_known_args(argv)
        if unknown:
            self._unknown(unknown[0], flags)
        return args

    def _unknown(self, word: str, flags: Collection[str]) -> NoReturn:
        from costtui.config.words import did_you_mean, quoted

        if word in self.commands:
            hint = f": a command goes before its options, `costtui {word} …`"
            self.error(f"unknown argument {quoted(word)}{hint}")
        if not word.startswith("-"):
            self.error(f"unknown argument {quoted(word)}")
        flag = word.partition("=")[0]
        self.error(f"unknown option {quoted(flag)}{did_you_mean(flag, flags)}")

    def _flags(self) -> Iterator[str]:
        for parser in (self, *_nested(self)):
            for action in parser._actions:
                yield from (flag for flag in action.option_strings if flag.startswith("--"))


def _nested(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield child
                yield from _nested(child)


def build_parser(command: Command, prog: str, commands: Collection[str] = ()) -> Parser:
    """The parser of one command, with the global options at each level."""
    parser = Parser(prog=prog, description=help_of(command))
    parser.commands = commands
    command.add_arguments(parser)
    add_globals(parser)
    for child in _nested(parser):
        # A default here would overwrite what was given before the nested command.
        add_globals(child, default=argparse.SUPPRESS)
    return parser


def add_globals(parser: argparse.ArgumentParser, default: Any = None) -> None:
    """The options that mean the same before and after every command."""
    group = parser.add_argument_group("global options")
    for flag, what in (
        ("--config", "configuration (default: COSTTUI_CONFIG, else ~/.config/costtui/config.yml)"),
        ("--db", "the store (default: COSTTUI_DB, else store.path of the configuration)"),
        ("--log-file", "write a log here"),
    ):
        group.add_argument(flag, metavar="FILE", default=default, help=what)
    switch: dict[str, Any] = {"action": "store_true", "default": default or False}
    group.add_argument("--debug", **switch, help="on an internal error, show where it came from")
    group.add_argument("--version", action="version", version=f"costtui {__version__}")


def help_of(command: object) -> str:
    """The docstring of a command's class as a paragraph."""
    import inspect

    return inspect.getdoc(type(command)) or ""


def overrides_of(args: argparse.Namespace) -> Overrides:
    """The flags of whichever command it was; one that it does not have says nothing."""
    from costtui.config.load import Overrides

    db: str | None = getattr(args, "db", None)
    return Overrides(
        store_path=Path(db) if db else None,
        window=getattr(args, "window", None),
        theme=getattr(args, "theme", None),
        refresh=getattr(args, "refresh", None),
        ascii=getattr(args, "ascii", None) or None,
    )


def load_config(args: argparse.Namespace, env: Mapping[str, str] | None = None) -> Config:
    """The configuration that `args` and the environment ask for. Raises `ConfigError`."""
    return load_traced(args, env).config


def load_traced(
    args: argparse.Namespace, env: Mapping[str, str] | None = None, *, screen: bool = False
) -> Loaded:
    """As `load_config`, with the origin of each value. `screen`: `keymap:` and `views:` are held
    against what the screen knows, too."""
    from costtui.config import load

    named: str | None = getattr(args, "config", None)
    return load.load_traced(
        Path(named) if named else None,
        env=os.environ if env is None else env,
        overrides=overrides_of(args),
        words=_screen_words if screen else None,
    )


def _screen_words() -> ScreenWords:
    from costtui.tui.keymap import screen_words

    return screen_words()


def set_up_logging(log_file: str | None) -> None:
    """Log to `log_file`, or nowhere: a stray line on the terminal would tear the screen.

    A command that has no screen may add a handler of its own. Raises `UsageError`.
    """
    import logging

    root = logging.getLogger()
    if log_file is None:
        logging.getLogger("costtui").addHandler(logging.NullHandler())
        return
    try:
        # 0600, as the store: a log names consumers.
        os.close(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = logging.FileHandler(log_file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"--log-file {log_file}: {error.strerror or error}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def say(text: str) -> None:
    """A line of narration, on stderr: stdout is data."""
    if sys.stderr is not None:
        print(text, file=sys.stderr)
