"""The entry point: find the command, import only that, run it, turn its end into an exit code.

Commands are named here as text, with their line of help, so that `--help`, `--version` and a
misspelt word import none of them; a module with a command may import Textual or httpx.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from argparse import Namespace

    from costtui.cli.common import Command

OK, FAILURE, USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
"""Exit codes; 3 is an alert that fires (`report --fail-on-alert`). `check` has its own."""


class Entry(NamedTuple):
    where: str
    """`module:Class`."""
    help: str


COMMANDS = {
    "run": Entry("costtui.cli.run:RunCommand", "watch costs live (this is the default)"),
    "collect": Entry("costtui.cli.collect:CollectCommand", "collect without a screen"),
    "report": Entry("costtui.cli.report:ReportCommand", "print costs as text, CSV or JSON"),
    "demo": Entry("costtui.cli.demo:DemoCommand", "watch a simulated fleet"),
    "check": Entry(
        "costtui.cli.check:CheckCommand", "one line and an exit code for Nagios or cron"
    ),
    "alerts": Entry("costtui.cli.alerts_cmd:AlertsCommand", "list alerts, test who is told"),
    "rules": Entry("costtui.cli.rules_cmd:RulesCommand", "rules for Prometheus, rules on the past"),
    "web": Entry("costtui.cli.web:WebCommand", "watch costs in a browser"),
    "db": Entry("costtui.cli.db:DbCommand", "look after the local store"),
    "config": Entry("costtui.cli.config_cmd:ConfigCommand", "check and show the configuration"),
    "presets": Entry("costtui.cli.presets:PresetsCommand", "list the gateways costtui knows"),
    "themes": Entry("costtui.cli.themes_cmd:ThemesCommand", "list the themes, check one of yours"),
}
DEFAULT = "run"

VALUE_OPTIONS = ("--config", "--db", "--log-file")
SWITCHES = ("--debug",)
"""The global options, with and without a value, as `common.add_globals` declares them."""


def entry() -> None:
    """What the `costtui` script calls."""
    # `≥` on a Latin-1 terminal is worth an escape, not a crash.
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return _flushed(_run(*split(argv)))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _quiet_pipe()
    except SystemExit as end:  # --help and --version inside argparse
        return _flushed(end.code if isinstance(end.code, int) else FAILURE)
    except Exception as error:  # noqa: BLE001  the last border: one line instead of a traceback
        return _explain(error, debug="--debug" in argv)


def split(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """(command, everything else) of a command line; the command is None when none is named.

    Global options may stand before the command. Any other option there belongs to the default
    command, whose options may take values, so nothing behind it is looked at.
    """
    index = 0
    while index < len(argv):
        word = argv[index]
        if word in VALUE_OPTIONS:
            index += 2
        elif word in SWITCHES or word.startswith(tuple(f"{o}=" for o in VALUE_OPTIONS)):
            index += 1
        elif word.startswith("-"):
            return None, list(argv)
        else:
            return word, [*argv[:index], *argv[index + 1 :]]
    return None, list(argv)


def _run(name: str | None, rest: list[str]) -> int:
    if name is None and rest[:1] == ["--version"]:
        # Before argparse: 30 ms instead of 50, of which the interpreter itself takes 15.
        from costtui import __version__

        print(f"costtui {__version__}")
        return OK
    from costtui.cli.common import build_parser, set_up_logging
    from costtui.errors import UsageError

    if name is None and ("--help" in rest or "-h" in rest):
        print(_help(), end="")
        return OK
    command = _command(name or DEFAULT)
    parser = build_parser(command, f"costtui {name}" if name else "costtui", COMMANDS)
    try:
        args: Namespace = parser.parse(rest)
    except UsageError as error:
        error.exit_code = getattr(command, "usage_exit", error.exit_code)
        raise
    set_up_logging(args.log_file)
    return command.run(args)


def _command(name: str) -> Command:
    """The command called `name`. Raises `UsageError`."""
    from importlib import import_module

    from costtui.errors import UsageError

    if name not in COMMANDS:
        from costtui.config.words import did_you_mean, quoted

        near = did_you_mean(name, COMMANDS)
        known = ", ".join(COMMANDS)
        raise UsageError(f"{quoted(name)} is not a command{near}\nThere are: {known}.")
    module, _, cls = COMMANDS[name].where.partition(":")
    command: Command = getattr(import_module(module), cls)()
    return command


def _help() -> str:
    from costtui.cli.common import Parser, add_globals

    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:{width}}{entry.help}" for name, entry in COMMANDS.items()]
    parser = Parser(
        prog="costtui",
        usage="costtui [options] [command] [options of the command]",
        description="A live, exact LLM cost monitor for the terminal.\n\ncommands:\n"
        + "\n".join(lines),
        epilog="`costtui COMMAND --help` tells more; without a command it is `costtui run`.",
    )
    add_globals(parser)
    return parser.format_help()


def _explain(error: Exception, *, debug: bool) -> int:
    """Tell `error` on stderr and return the exit code for it."""
    from costtui.cli.common import say
    from costtui.errors import CosttuiError
    from costtui.model.safetext import visible

    expected = isinstance(error, CosttuiError)
    if debug and not expected:
        import traceback

        say("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, CosttuiError):
        for line in str(error).split("\n"):
            say(visible(line, 2000))
        return error.exit_code
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    hint = "" if debug or isinstance(error, OSError) else " (--debug shows where)"
    say(f"costtui: {kind}{visible(' '.join(str(error).split()), 500)}{hint}")
    return FAILURE


def _flushed(code: int) -> int:
    """`code`, once stdout has taken everything; a full disk or a closed pipe shows only here."""
    if sys.stdout is None:
        return code
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet_pipe()
    except OSError as error:
        _drop_stdout()
        return _explain(error, debug=True)
    return code


def _quiet_pipe() -> int:
    _drop_stdout()
    return BROKEN_PIPE


def _drop_stdout() -> None:
    """The interpreter flushes stdout once more at its end, and would complain a second time."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
