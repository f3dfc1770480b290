"""`costtui report`: what was spent, without a screen.

It reads the store and nothing else, so it never starts a collector and answers while one writes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from costtui.cli import report_query
from costtui.cli.common import load_config, say
from costtui.cli.report_query import NoStore, Reads, Report
from costtui.config.schema import Config, tag_names
from costtui.errors import UsageError
from costtui.model.safetext import visible
from costtui.model.snapshot import View
from costtui.model.timewindow import HOUR

FORMATS: Final = ("summary", "detailed", "hourly", "csv", "json")
ALERT_FIRING: Final = 3
"""Exit code of `--fail-on-alert`."""

DEFAULT_BY: Final = ("provider", "model")
TOP_MODELS: Final = 10
DETAILED: Final = ("consumer", "gateway", "endpoint", "team")

OpenReader = Callable[[Config, tzinfo], AbstractContextManager[Reads]]


def open_reader(config: Config, zone: tzinfo) -> AbstractContextManager[Reads]:
    """The store's reader, or a store with nothing in it where no file was ever written.

    Raises StoreError for a file that is there and cannot be read.
    """
    path = config.store.path
    if not path.exists():
        say(f"{path}: nothing has been collected yet; `costtui collect` fills it.")
        return nullcontext(NoStore())
    from costtui.store.reader import Reader

    return Reader(path, zone=zone, consumers=config.consumers)


class ReportCommand:
    """Print what was spent, as text for a mail, CSV or JSON.

    Text, CSV and JSON go to stdout, remarks to stderr. Exit code 3 with --fail-on-alert when
    an alert fires. docs/report.md describes the formats.
    """

    name = "report"

    def __init__(
        self, open_store: OpenReader = open_reader, clock: Callable[[], float] = time.time
    ) -> None:
        self._open = open_store
        self._clock = clock

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", choices=FORMATS, default="summary", help="default: summary")
        parser.add_argument(
            "--since",
            metavar="WHEN",
            default="24h",
            help="24h, 7d, 168 (hours), 2026-11-01, 2026-11-01T10:00, today or month"
            " (default: 24h)",
        )
        parser.add_argument("--until", metavar="WHEN", help="where it ends, exclusive; default now")
        parser.add_argument(
            "--by",
            metavar="NAMES",
            help="group by some of: " + ",".join(report_query.GROUPABLE) + ",tag:NAME",
        )
        parser.add_argument(
            "--where",
            metavar="FILTER",
            action="append",
            default=[],
            help="provider=openai, model!=gpt-4o, consumer~^team-; may be repeated",
        )
        parser.add_argument("--top", metavar="N", help="show the N dearest groups, sum up the rest")
        parser.add_argument(
            "--reconcile",
            action="store_true",
            help="only what reconciling sources saw beside what counts, by gateway and by those of"
            " provider and model that --by names",
        )
        parser.add_argument(
            "--fail-on-alert", action="store_true", help="exit with 3 when an alert is firing"
        )

    def run(self, args: argparse.Namespace) -> int:
        # What is wrong with the command line is said before any file is opened.
        by = report_query.parse_by(args.by) if args.by is not None else None
        filters = tuple(report_query.parse_where(text) for text in args.where)
        top = _top(args.top)
        config = load_config(args)
        tags = tag_names(config.consumers)
        report_query.check_tags("--by", by or (), tags)
        report_query.check_tags("--where", (f.dimension for f in filters), tags)
        from costtui.engine.zone import zone_of

        zone = zone_of(config.timezone)
        now = self._clock()
        window = report_query.parse_window(args.since, args.until, now, zone)
        with self._open(config, zone) as reader:
            report = gather(reader, View(window, filters), args.format, by, top, now, zone)
            report = replace(report, only_compared=args.reconcile)
            if any(alert.state in ("firing", "pending") for alert in report.alerts):
                from costtui.engine.muting import muted

                mutes = muted(
                    config.alerts, config.budgets, report.alerts, reader.silences(), reader.acks(),
                    now,
                )  # fmt: skip
                report = replace(report, mutes=mutes)
        if report.view.window != window:
            say("Of this time only hours or days are kept: the window is widened to whole ones.")
        if not report.total.requests and not report.total.tokens:
            say("No usage in this window.")
        if args.reconcile and not report.compared:
            say("No source has role: reconcile, so there is nothing to compare.")
        sys.stdout.write(render(report, args.format, sys.stdout.encoding or "ascii"))
        firing = any(alert.state == "firing" for alert in report.alerts)
        return ALERT_FIRING if firing and args.fail_on_alert else 0


def gather(
    reader: Reads,
    view: View,
    format_name: str,
    by: tuple[str, ...] | None,
    top: int | None,
    now: float,
    zone: tzinfo,
) -> Report:
    """Ask the store for what `format_name` shows."""
    tables: list[report_query.Table] = []
    if format_name in ("csv", "json") or by is not None:
        wanted = by or DEFAULT_BY
        tables.append(report_query.table(wanted, reader.breakdown(view, wanted, now), top))
    elif format_name != "hourly":
        rows = reader.breakdown(view, DEFAULT_BY, now)
        tables.append(report_query.table(("provider",), report_query.fold(rows, 0), top))
        models = report_query.fold(rows, 1)
        limit = top if top is not None or format_name == "detailed" else TOP_MODELS
        tables.append(report_query.table(("model",), models, limit))
        if format_name == "detailed":
            for name in DETAILED:
                found = reader.breakdown(view, (name,), now)
                if any(key != ("",) for key, _ in found):
                    tables.append(report_query.table((name,), found, top))
    parts = tuple(name for name in by or () if name in report_query.COMPARABLE)
    hours = reader.timeline(view, HOUR, now) if format_name == "hourly" else ()
    return Report(
        view=reader.effective_view(view),
        now=now,
        zone=zone,
        tables=tuple(tables),
        hours=tuple(hours),
        unpriced=tuple(reader.unpriced(view, now)),
        alerts=tuple(reader.alerts()),
        statuses=tuple(reader.statuses()),
        names=report_query.names_of(reader, tables),
        compared=tuple(reader.compared(view, now, parts)),
        compared_by=parts,
    )


def render(report: Report, format_name: str, encoding: str) -> str:
    """The report in one of `FORMATS`, as text that `encoding` can say."""
    if format_name == "json":
        from costtui.cli.report_data import to_json

        return to_json(report)
    if format_name == "csv":
        if report.only_compared:
            from costtui.cli import report_compared

            text = report_compared.to_csv(report)
            return text.encode(encoding, "backslashreplace").decode(encoding)
        from costtui.cli.report_data import to_csv

        return to_csv(report).encode(encoding, "backslashreplace").decode(encoding)
    from costtui.cli.report_text import to_text

    return to_text(report, format_name, encoding)


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 10):
        raise UsageError(f"--top {visible(text, 40)}: write a whole number from 1 up")
    return int(text)
