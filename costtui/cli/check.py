"""`costtui check`: one line and an exit code, for Nagios and its kin, cron and CI."""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from costtui.cli.common import load_config
from costtui.errors import ConfigError, CosttuiError, StoreError, UsageError

if TYPE_CHECKING:
    from costtui.alerts.watches import Watch
    from costtui.config.alert_schema import BudgetConfig
    from costtui.config.schema import Config
    from costtui.engine.checking import Limits
    from costtui.engine.standing import Standings
    from costtui.model.alert import AlertStatus
    from costtui.model.budget import BudgetLine
    from costtui.store.counted import CountedReader

USAGE: Final = 64
"""EX_USAGE of sysexits.h: 2 would say that something is critical."""
DIMENSIONS: Final = ("consumer", "provider", "model", "gateway", "team", "org")
TOLD: Final = 3
"""Things that are wrong of which the line tells; the others are a number."""
PERFDATA: Final = 20
"""Budgets in the performance data, fullest first: agents cut lines off at one or eight KB."""
FORECAST_MOST: Final = 500
"""Label sets of a budget up to which its end is worked out, which takes 0.1 ms for each."""

_HASHED: Final = re.compile(r" #[0-9a-f]{8}$")


class Judged(NamedTuple):
    """All that is told."""

    level: int
    message: str
    lines: Sequence[BudgetLine] = ()
    alerts: Sequence[tuple[AlertStatus, Watch | None]] = ()
    stale: str = ""
    limits: Limits | None = None
    muted: int = 0
    """Alerts that fire and are told to nobody."""
    budgets: Sequence[BudgetConfig] = ()
    """All of the configuration's."""


class CheckCommand:
    """Say in one line, and by the exit code, how budgets stand and which alerts fire.

    0 ok, 1 warning, 2 critical, 3 unknown or too old, 64 a wrong option. Without options all
    budgets and all alerts are looked at. --consumer and its kin look at the budgets that apply to
    that usage. The store is only read; whether a collector runs does not matter, only how old
    its data is.
    """

    name = "check"
    usage_exit = USAGE

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--budget", action="append", metavar="NAME", help="only this budget; may be repeated"
        )
        for dimension in DIMENSIONS:
            parser.add_argument(f"--{dimension}", help=f"budgets that apply to this {dimension}")
        parser.add_argument(
            "--warn", type=_share, default=800_000, metavar="SHARE",
            help="of a budget from which it is a warning (default: 80%%)",
        )  # fmt: skip
        parser.add_argument(
            "--crit", type=_share, default=1_000_000, metavar="SHARE",
            help="from which it is critical (default: 100%%)",
        )  # fmt: skip
        parser.add_argument(
            "--stale", type=_seconds, default=300, metavar="TIME",
            help="age of the data from which nothing is known (default: 5m)",
        )  # fmt: skip
        parser.add_argument(
            "--alerts", action="store_true", help="only alerts, or those too beside --budget"
        )
        parser.add_argument("--json", action="store_true", help="all of it as JSON")

    def run(self, args: argparse.Namespace) -> int:
        """Prints one line. Raises `UsageError` with exit code 64."""
        from costtui.config.alert_schema import SHARE
        from costtui.engine.checking import UNKNOWN

        if args.warn > args.crit:
            shares = " and ".join(f"{s * 100 / SHARE:g}%" for s in (args.warn, args.crit))
            raise _usage(f"--warn must not be above --crit ({shares})")
        try:
            judged = _judged(load_config(args), args, time.time())
        except (ConfigError, StoreError) as error:
            judged = Judged(UNKNOWN, str(error).split("\n")[0])
        except CosttuiError as error:
            error.exit_code = USAGE
            raise
        print(_document(judged) if args.json else _line(judged))
        return judged.level


def _usage(message: str) -> UsageError:
    error = UsageError(message)
    error.exit_code = USAGE
    return error


def _share(text: str) -> int:
    """Millionths."""
    from costtui.config.number_kinds import Share

    return int(_read(Share(), text))


def _seconds(text: str) -> int:
    from costtui.config.kinds import Duration

    return int(_read(Duration(plain=True), text))


def _read(kind: Any, text: str) -> Any:
    from pathlib import Path

    from costtui.config.kinds import Place, Written

    try:
        return kind.parse(Written(text, text, True, Place({}, Path())))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:100]!r} {error}") from None


def _judged(config: Config, args: argparse.Namespace, now: float) -> Judged:
    from costtui.alerts.watches import watches
    from costtui.engine.checking import (
        OK,
        UNKNOWN,
        Limits,
        firing,
        level_of,
        level_of_alert,
        staleness,
        worst,
    )
    from costtui.engine.standing import read_standings
    from costtui.engine.zone import zone_of
    from costtui.store.counted import CountedReader

    given = {d: value for d in DIMENSIONS if (value := getattr(args, d)) is not None}
    budgets = _wanted(config, args.budget)
    narrowed = bool(args.budget or given)
    if args.alerts and not narrowed:
        budgets = ()
    with_alerts = args.alerts or not narrowed
    if not (config.budgets or (config.alerts and with_alerts)):
        return Judged(UNKNOWN, "no budgets are configured" + (" and no alerts" * with_alerts))
    path = config.store.path
    if not path.exists():
        return Judged(UNKNOWN, f"{path}: there is no store yet; `costtui collect` makes it")
    zone, names = zone_of(config.timezone), frozenset(s.name for s in config.sources)
    limits = Limits(args.warn, args.crit, args.stale)
    with CountedReader(path, zone=zone, consumers=config.consumers) as reader:
        heard = reader.heard()
        standings = read_standings(reader, budgets, now, zone, names)
        lines = list(_applying(config, standings, given) if given else standings.lines())
        lines.sort(key=lambda line: -line.share)
        if given and not lines:
            return Judged(UNKNOWN, "no budget applies to that")
        known = watches(config.alerts, config.budgets)
        found, muted = firing(heard, known, now, steps=not budgets)
        alerts, muted = (found, muted) if with_alerts else ([], 0)
        stale = staleness(heard, names, now, limits)
        levels = [level_of(line, limits) for line in lines]
        level = worst([*levels, *(level_of_alert(a) for a, _ in alerts), UNKNOWN if stale else OK])
        bad = [line for line, own in zip(lines, levels, strict=True) if own != OK]
        texts = []
        for line in bad[:TOLD] or lines[:1]:
            ends = _ends(reader, line, standings, now, zone, names)
            head = "" if bad else _fullest(lines)
            texts.append(head + _told(line, ends, zone))
        if len(bad) > TOLD:
            more = len(bad) - TOLD
            texts.append(f"{more} more budget{'s' if more > 1 else ''}")
    texts += _alert_texts(alerts, muted, told=with_alerts)
    if stale:
        texts.insert(0 if level == UNKNOWN else len(texts), stale)
    return Judged(level, "; ".join(texts), lines, alerts, stale, limits, muted, config.budgets)


def _wanted(config: Config, names: Sequence[str] | None) -> tuple[Any, ...]:
    """The budgets that are asked for. Raises `UsageError`."""
    from costtui.config.words import did_you_mean, quoted

    known = {budget.name: budget for budget in config.budgets}
    for name in names or ():
        if name not in known:
            raise _usage(f"there is no budget {quoted(name[:100])}{did_you_mean(name, known)}")
    return tuple(b for b in config.budgets if not names or b.name in names)


def _applying(config: Config, standings: Standings, given: dict[str, str]) -> Iterator[BudgetLine]:
    from costtui.config.people import People
    from costtui.engine.listen.budget import given_as_stored, why_not, with_people

    people = People(config.consumers)
    known = with_people(given_as_stored(given), standings.budgets, people)
    for standing in standings.budgets:
        if not why_not(standing, known, people):
            yield standing.line(tuple(known[d] for d in standing.budget.by))


def _fullest(lines: Sequence[BudgetLine]) -> str:
    return f"{len(lines)} budgets, the fullest: " if len(lines) > 1 else ""


def _ends(
    reader: CountedReader,
    line: BudgetLine,
    standings: Standings,
    now: float,
    zone: tzinfo,
    names: frozenset[str],
) -> int:
    """When the limit is forecast to be reached, as the budgets screen says it; 0 is not known."""
    standing = next(s for s in standings.budgets if s.budget.name == line.name)
    if len(standing.sums) > FORECAST_MOST or line.left <= 0 or not line.spent:
        return 0
    from costtui.engine.budgeting import read_budgets

    found = read_budgets(reader, (standing.budget,), now, zone, names)
    return next((one.reaches for one in found if one.labels == line.labels), 0)


def _told(line: BudgetLine, ends: int, zone: tzinfo) -> str:
    """`team search 83 % of $500.00 (month), ends 29 Nov`."""
    from costtui.model.quantity import quantity_text

    share = f"{line.exactness.mark}{line.share // 10_000} %"
    text = f"{_name(line)} {share} of {quantity_text('cost', line.limit)} ({line.period})"
    return text + (f", ends {_day(ends, zone)}" if ends else "")


def _day(seconds: int, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(seconds, zone)
    return f"{moment.day} {moment:%b}"


def _name(line: BudgetLine) -> str:
    if not line.labels:
        return _safe(line.name)
    return ", ".join(f"{_safe(name)} {_safe(value) or '(none)'}" for name, value in line.labels)


def _safe(text: str) -> str:
    """Without what ends a line, or the text before the performance data."""
    from costtui.model.safetext import safe_name, visible

    return visible(safe_name(text), 80).replace("|", "¦")


def _alert_texts(
    alerts: Sequence[tuple[AlertStatus, Watch | None]], muted: int, *, told: bool
) -> Iterator[str]:
    from costtui.alerts.words import summary

    for status, watch in alerts[:TOLD]:
        yield summary(status, watch).replace("|", "¦")
    if len(alerts) > TOLD:
        more = len(alerts) - TOLD
        yield f"{more} more alert{'s fire' if more > 1 else ' fires'}"
    if told and not alerts:
        yield "no alert fires" + (f" ({muted} muted)" if muted else "")
    elif muted:
        yield f"{muted} muted"


def _line(judged: Judged) -> str:
    from costtui.engine.checking import WORDS
    from costtui.model.safetext import visible

    message = visible(judged.message, 2000).replace("|", "¦")
    data = " ".join(_perfdata(judged))
    return f"COSTTUI {WORDS[judged.level]} - {message}" + (f" | {data}" if data else "")


def _perfdata(judged: Judged) -> Iterator[str]:
    """`'search'=415.20USD;400;500;0;500`: value; from where a warning; critical; least; most."""
    if judged.limits is None:
        return
    for line in judged.lines[:PERFDATA]:
        label = label_of(line, judged.budgets).replace("'", "''")
        marks = [
            _plain(line.limit * s // 1_000_000) for s in (judged.limits.warn, judged.limits.crit)
        ]
        yield f"'{label}'={_usd(line.spent)}USD;{';'.join(marks)};0;{_plain(line.limit)}"


def label_of(line: BudgetLine, budgets: Sequence[BudgetConfig]) -> str:
    """`user bob`, what a graph is kept by: of the budget and its label set, whatever else is told.
    Where others of `budgets` or another label set could be called the same, a hash is added.
    """
    values = [value for _, value in line.labels]
    text = " ".join(_safe(part) or "(none)" for part in (line.name, *values)).replace("=", "_")
    others = [b for b in budgets if b.name != line.name]
    if (
        text != " ".join(part or "(none)" for part in (line.name, *values))
        or "(none)" in values
        or (len(values) > 1 and any(" " in value for value in values))
        or any(text == b.name or (b.by and text.startswith(f"{b.name} ")) for b in others)
        or _HASHED.search(text)
    ):
        whole = json.dumps([line.name, *values]).encode()
        text += f" #{sha256(whole).hexdigest()[:8]}"
    return text


def _usd(nano: int) -> str:
    from costtui.model.money import decimal_text

    return decimal_text(nano)


def _plain(nano: int) -> str:
    return _usd(nano).removesuffix(".00")


def _document(judged: Judged) -> str:
    from costtui.alerts.words import summary
    from costtui.engine.checking import WORDS, level_of, level_of_alert
    from costtui.engine.listen.budget import told
    from costtui.model.safetext import visible

    limits = judged.limits
    document: dict[str, Any] = {
        "status": WORDS[judged.level].lower(),
        "code": judged.level,
        "message": visible(judged.message, 2000),
        "stale_because": judged.stale or None,
        "budgets": [
            {**told(line), "status": WORDS[level_of(line, limits)].lower()}
            for line in judged.lines
            if limits is not None
        ],
        "alerts": [
            {
                "rule": status.rule, "labels": dict(status.labels), "severity": status.severity,
                "since": status.fired_at, "summary": summary(status, watch),
                "status": WORDS[level_of_alert(status)].lower(),
            }
            for status, watch in judged.alerts
        ],
        "alerts_muted": judged.muted,
    }  # fmt: skip
    return json.dumps(document, indent=2)
