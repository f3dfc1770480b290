"""`costtui rules backtest`: when each rule would have fired, with other limits, too."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from costtui.cli.common import say
from costtui.errors import UsageError
from costtui.model.safetext import visible

if TYPE_CHECKING:
    from costtui.alerts.watches import Watch
    from costtui.config.schema import Config
    from costtui.engine.backtest import Episode, Stretch, Trial

TIMES: Final = {"for": "hold", "keep_firing_for": "keep"}
"""Keys beside the limits that can be set, and their fields."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `rules backtest`."""
    parser.add_argument(
        "--since", metavar="WHEN", default="30d", help="as of `costtui report` (default: 30d)"
    )
    parser.add_argument("--until", metavar="WHEN", help="where it ends, exclusive; default now")
    parser.add_argument(
        "--rule", metavar="NAME", action="append", help="only this rule or budget; may be repeated"
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="with another limit: cost_over=80, for=10m, limit=500 (of budgets); may be repeated",
    )
    parser.add_argument(
        "--sweep",
        metavar="KEY=A,B,C",
        help="with each of these limits in turn: cost_over=50,80,100",
    )
    parser.add_argument("--json", action="store_true", help="every firing, as JSON")


def run(config: Config, args: argparse.Namespace, now: float) -> int:
    """Raises `UsageError` and `StoreError`."""
    from costtui.cli.report_query import parse_window
    from costtui.engine.backtest import Trial, backtest
    from costtui.engine.zone import zone_of
    from costtui.store.replay import ReplayReader

    zone = zone_of(config.timezone)
    window = parse_window(args.since, args.until, now, zone)
    # The minute that is running is not over.
    until = min(window.end, int(now) - int(now) % 60)
    if until <= window.start:
        raise UsageError(f"--since {args.since}: no whole minute has passed since")
    trials: list[Trial] = []
    for setting, text in _settings(args):
        trials += [Trial(watch, text) for watch in _wanted(config, args.rule, setting)]
    if not config.store.path.exists():
        raise UsageError(f"{config.store.path}: nothing has been collected yet")
    names = frozenset(source.name for source in config.sources) or None
    with ReplayReader(config.store.path, zone=zone, consumers=config.consumers) as reader:
        stretch = backtest(reader, trials, window.start, until, zone, names)
    if args.json:
        print(json.dumps(_data(trials, stretch), indent=2))
    else:
        print("\n".join(_table(trials, stretch, zone)))
        if args.rule and not args.sweep:
            for line in _list(trials, stretch, zone):
                print(line)
        sys.stdout.flush()
        for line in _notes(trials, stretch, zone):
            say(line)
    return 0


# What to try --------------------------------------------------------------------------------


def _settings(args: argparse.Namespace) -> list[tuple[dict[str, str], str]]:
    """(key → value, as written) for each set of limits."""
    fixed = dict(_pair(text, "--set") for text in args.set)
    if not args.sweep:
        return [(fixed, ", ".join(args.set))]
    key, values = _pair(args.sweep, "--sweep")
    found = [value.strip() for value in values.split(",") if value.strip()]
    if not found:
        raise UsageError(f"--sweep {args.sweep}: names no value")
    return [({**fixed, key: value}, f"{key}={value}") for value in found]


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not value:
        raise UsageError(f"{option} {text}: write KEY=VALUE, for example cost_over=80")
    return key.strip(), value.strip()


def _wanted(config: Config, names: Sequence[str] | None, setting: dict[str, str]) -> list[Watch]:
    """What is tried. A key that is set leaves only those that have it."""
    from costtui.alerts.watches import watches
    from costtui.config.alert_keys import ALERT, BUDGET
    from costtui.config.alert_schema import MEASURES
    from costtui.config.words import did_you_mean, quoted

    rules, budgets = list(config.alerts), list(config.budgets)
    if not rules and not budgets:
        raise UsageError("no alerts: and no budgets: are configured, so there is nothing to try")
    known = [rule.name for rule in rules] + [b.name for b in budgets] + [b.alert for b in budgets]
    for name in names or ():
        if name not in known:
            raise UsageError(f"{quoted(name)} is no rule and no budget{did_you_mean(name, known)}")
    if names:
        rules = [rule for rule in rules if rule.name in names]
        budgets = [b for b in budgets if b.name in names or b.alert in names]
    for key, text in setting.items():
        if key == "limit":
            value = _value(BUDGET.by_name["limit"].kind, key, text)
            rules, budgets = [], [replace(b, limit_nano=value) for b in budgets]
        elif key in TIMES:
            value = _value(ALERT.by_name[key].kind, key, text)
            rules, budgets = [replace(r, **{TIMES[key]: value}) for r in rules], []
        elif key in MEASURES:
            value = _value(ALERT.by_name[key].kind, key, text)
            rules = [replace(r, limit=value) for r in rules if r.measure == key]
            budgets = []
        else:
            near = did_you_mean(key, [*MEASURES, *TIMES, "limit"])
            raise UsageError(f"{quoted(key)} cannot be set{near}")
        if not rules and not budgets:
            raise UsageError(f"nothing that is tried has {quoted(key)}")
    return list(watches(rules, budgets))


def _value(kind: Any, key: str, text: str) -> Any:
    from costtui.config.kinds import Place, Written

    try:
        return kind.parse(Written(text, text, True, Place(os.environ, Path.cwd())))
    except ValueError as error:
        raise UsageError(f"{key}={text}: {error}") from None


# What came of it ----------------------------------------------------------------------------


def _table(trials: Sequence[Trial], stretch: Stretch, zone: tzinfo) -> Iterator[str]:
    from costtui.cli.report_words import moment
    from costtui.model.quantity import length_text, quantity_text

    rows = [("rule", "limit", "fired", "firing for", "longest", "peak", "last")]
    for trial in trials:
        watch = trial.watch
        limit = quantity_text(watch.unit, watch.limit)
        if watch.budget is not None and trial.setting:
            limit += f" of {quantity_text('cost', watch.budget.limit_nano)}"
        name = visible(watch.name, 40)
        if watch.step and not watch.step.endswith("%"):
            name += f", {watch.step}"
        found = trial.episodes
        if not found:
            none = "–" if trial.why_not or not trial.judged_from else "0"
            rows.append((name, limit, none, "", "", "", ""))
            continue
        longest = max(e.seconds(stretch.until) for e in found)
        last = max(found, key=lambda e: e.fired_at)
        rows.append((
            name, limit, str(len(found)), length_text(trial.seconds(stretch.until)),
            length_text(longest), quantity_text(watch.unit, max(e.peak for e in found)),
            moment(last.fired_at, zone) + ("" if last.ended_at else ", fires still"),
        ))  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if 0 < at < 6 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _list(trials: Sequence[Trial], stretch: Stretch, zone: tzinfo) -> Iterator[str]:
    """Every firing, the newest last."""
    from costtui.cli.report_words import moment, safe
    from costtui.model.quantity import length_text, quantity_text

    every = [(e, t) for t in trials for e in t.episodes]
    if every:
        yield ""
    for episode, trial in sorted(every, key=lambda pair: pair[0].fired_at):
        where = ", ".join(f"{name}={safe(name, value)}" for name, value in episode.labels)
        head = visible(trial.watch.name, 40) + (f" ({where})" if where else "")
        length = length_text(episode.seconds(stretch.until))
        peak = quantity_text(trial.watch.unit, episode.peak)
        still = "" if episode.ended_at else ", fires still"
        setting = f" with {trial.setting}" if trial.setting else ""
        yield f"{moment(episode.fired_at, zone)}  {head}{setting}: for {length}, peak {peak}{still}"


def _notes(trials: Sequence[Trial], stretch: Stretch, zone: tzinfo) -> Iterator[str]:
    """What the numbers do not say by themselves."""
    from costtui.cli.report_words import moment

    since, minutes, hours = stretch.since, stretch.minutes_from, stretch.hours_from
    if hours > since:
        yield f"there is nothing to look at before {moment(hours, zone)}"
    if minutes > hours:
        text = f"before {moment(minutes, zone)} only hours are kept: looked at once an hour"
        short = sorted({t.watch.name for t in trials if t.judged_from >= minutes > hours})
        if short:
            names = ", ".join(visible(name, 40) for name in short)
            text += f"; windows that are no whole hours were not ({names})"
        yield text
    for why, name in sorted({(t.why_not, t.watch.name) for t in trials if t.why_not}):
        yield f"{visible(name, 40)} was not looked at: {visible(why, 200)}"


def _data(trials: Sequence[Trial], stretch: Stretch) -> dict[str, Any]:
    from costtui.cli.report_query import iso

    return {
        "schema": 1,
        "since": iso(stretch.since),
        "until": iso(stretch.until),
        "minutes_from": iso(stretch.minutes_from),
        "hours_from": iso(stretch.hours_from),
        "trials": [_trial(trial, stretch.until) for trial in trials],
    }


def _trial(trial: Trial, until: int) -> dict[str, Any]:
    watch = trial.watch
    return {
        "rule": watch.name,
        "step": watch.step,
        "measure": watch.measure,
        "setting": trial.setting,
        "unit": watch.unit,
        "limit": watch.limit,
        "judged": bool(trial.judged_from),
        "why_not": trial.why_not,
        "fired": len(trial.episodes),
        "seconds": trial.seconds(until),
        "episodes": [_episode(episode) for episode in trial.episodes],
    }


def _episode(episode: Episode) -> dict[str, Any]:
    from costtui.cli.report_query import iso
    from costtui.model.safetext import safe_name

    return {
        "labels": {k: safe_name(v) if k == "consumer" else v for k, v in episode.labels},
        "fired_at": iso(episode.fired_at),
        "ended_at": iso(episode.ended_at) if episode.ended_at else None,
        "peak": episode.peak,
    }
