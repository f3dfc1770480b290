"""`costtui rules`: the alerts and budgets as rules of Prometheus, and over what has been."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from costtui.cli.common import load_config, say
from costtui.errors import UsageError
from costtui.model.safetext import visible

if TYPE_CHECKING:
    from costtui.config.schema import Config


class RulesCommand:
    """Take the rules and budgets elsewhere, and try them on what has been.

    export    write `alerts:` and `budgets:` as recording and alerting rules for Prometheus; what
              it cannot say is told on stderr and in the file
    backtest  when each would have fired over the stored history, with other limits, too
    """

    name = "rules"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="export|backtest", required=True)
        export = actions.add_parser("export", help="write them as rules of Prometheus")
        export.add_argument(
            "--preset",
            metavar="NAME",
            default="",
            help="for the metrics of this preset, not those of the sources",
        )
        export.add_argument(
            "--source", metavar="NAME", default="", help="for the metrics of this source only"
        )
        export.add_argument(
            "--output", metavar="FILE", help="write them here (default: standard output)"
        )
        export.add_argument(
            "--tests", metavar="FILE", help="also write a test of them for `promtool test rules`"
        )
        export.add_argument(
            "--strict", action="store_true", help="exit with 1 when something was left out"
        )
        from costtui.cli import rules_backtest

        rules_backtest.add_arguments(actions.add_parser("backtest", help="try them on the past"))

    def run(self, args: argparse.Namespace) -> int:
        """Raises `UsageError`, `ConfigError` and `StoreError`."""
        config = load_config(args)
        if args.action == "backtest":
            from costtui.cli import rules_backtest

            return rules_backtest.run(config, args, self._clock())
        return _export(config, args, self._clock())


def _export(config: Config, args: argparse.Namespace, now: float) -> int:
    from costtui.alerts.promrules.export import exported, told
    from costtui.engine.zone import zone_of

    if args.tests and not args.output:
        raise UsageError("--tests names the rule file in its test, so it needs --output")
    zone = zone_of(config.timezone)
    made = exported(config, zone, now, preset=args.preset, source=args.source)
    if args.output:
        _write(args.output, made.text)
    else:
        sys.stdout.write(made.text)
    if args.tests:
        import os

        from costtui.alerts.promrules.units import unit_tests

        folder = Path(args.tests).absolute().parent
        text, untested = unit_tests(made, config, os.path.relpath(args.output, folder))
        _write(args.tests, text)
        for name in untested:
            say(f"without a test: {visible(name, 120)}")
    for remark in made.remarks:
        kind = "left out" if remark.left_out else "not quite the same"
        say(f"{kind}: {visible(told(remark), 400)}")
    return 1 if args.strict and any(remark.left_out for remark in made.remarks) else 0


def _write(name: str, text: str) -> None:
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name}: cannot be written: {error.strerror or error}") from None
