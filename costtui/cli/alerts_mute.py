"""`costtui alerts silence|silences|unsilence|ack`: muting alerts from a shell."""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

from costtui.cli.common import say
from costtui.errors import UsageError
from costtui.model.safetext import visible

if TYPE_CHECKING:
    from costtui.config.schema import Config
    from costtui.engine.muting import Mute
    from costtui.model.alert import AlertStatus, Labels, Matcher, Silence
    from costtui.store.reader import Reader

    Mutes = Mapping[tuple[str, Labels], tuple[Mute, ...]]

_MATCHER: Final = re.compile(r"([^=!~\s]+)\s*(=~|!~|!=|=)\s*(.*)", re.DOTALL)
LEAST: Final = 60
"""Seconds of a silence."""


def add_arguments(actions: argparse._SubParsersAction[Any]) -> None:
    """The four words, beside `list` and `test`."""
    one = actions.add_parser("silence", help="tell nobody of some alerts for a time")
    one.add_argument("alert", nargs="?", help='the name of an alert, for example "budget team"')
    one.add_argument("--for", dest="length", metavar="2h", required=True, help="how long")
    one.add_argument(
        "--match", metavar="LABEL=VALUE", action="append", default=[],
        help="only where this fits, too; =, !=, =~ and !~; alert and severity are labels here",
    )  # fmt: skip
    one.add_argument("--reason", metavar="TEXT", default="", help="why, for others to read")
    one.add_argument("--anyway", action="store_true",
                     help="also if no alert of the configuration is called so")  # fmt: skip
    listed = actions.add_parser("silences", help="the silences that there are")
    listed.add_argument("--all", action="store_true", help="ended ones too")
    listed.add_argument("--format", choices=("text", "json"), default=argparse.SUPPRESS)
    end = actions.add_parser("unsilence", help="end a silence")
    end.add_argument("id", type=int, help="as `costtui alerts silences` lists it")
    ack = actions.add_parser("ack", help="acknowledge what fires of an alert")
    ack.add_argument("alert", help='its name, for example "budget team"')
    ack.add_argument("--match", metavar="LABEL=VALUE", action="append", default=[],
                     help="only where this fits, too")  # fmt: skip
    ack.add_argument("--reason", metavar="TEXT", default="", help="why, for others to read")
    ack.add_argument("--undo", action="store_true", help="take it back")


def run(config: Config, args: argparse.Namespace) -> int:
    """Raises `UsageError` and `StoreError`."""
    does: dict[str, Callable[[Config, argparse.Namespace], int]] = {
        "silence": _silence, "silences": _silences, "unsilence": _unsilence, "ack": _ack,
    }  # fmt: skip
    return does[args.action](config, args)


def _silence(config: Config, args: argparse.Namespace) -> int:
    from costtui.config.durations import parse_duration
    from costtui.engine import muting
    from costtui.engine.zone import zone_of

    matchers = _matchers(args)
    if not matchers:
        raise UsageError("a silence needs an alert's name or a --match: it would mute everything")
    try:
        seconds = int(parse_duration(args.length))
    except ValueError as error:
        raise UsageError(f"--for {args.length} {error}") from None
    if seconds < LEAST:
        raise UsageError("a silence lasts a minute or more")
    now = time.time()
    present = _present(config)
    if not args.anyway:
        _known(config, present, matchers, "; --anyway stores it")
    fit = muting.fitting(config.alerts, config.budgets, present, matchers)
    identity = muting.silence(config.store.path, matchers, now, seconds, args.reason)
    firing = sum(alert.state == "firing" for alert in fit)
    until = _moment(now + seconds, zone_of(config.timezone))
    print(f"silence {identity} until {until}: {len(fit)} present alerts fit, {firing} fire")
    return 0


def _present(config: Config) -> list[AlertStatus]:
    with _reader(config) as reader:
        return [a for a in reader.alerts() if a.state in ("firing", "pending")]


def _known(
    config: Config, present: Sequence[AlertStatus], matchers: Sequence[Matcher], more: str = ""
) -> None:
    """Raises `UsageError` where an alert is named that is neither configured nor there: a slip of
    the hand would mute nothing, and look like a silence."""
    from costtui.engine.muting import unknown_name

    names = [*(r.name for r in config.alerts), *(b.alert for b in config.budgets)]
    names = list(dict.fromkeys([*names, *(a.rule for a in present)]))
    for matcher in matchers:
        if matcher.name == "alert" and matcher.op == "=" and matcher.value not in names:
            raise UsageError(unknown_name(matcher.value, names) + more)


def _reader(config: Config) -> Reader:
    """A store that is not there reads as an empty one."""
    from costtui.engine.zone import zone_of
    from costtui.store.reader import Reader

    return Reader(config.store.path, zone=zone_of(config.timezone))


def _matchers(args: argparse.Namespace) -> list[Matcher]:
    """The alert's name and what `--match` says. Raises `UsageError`."""
    from costtui.model.alert import Matcher

    found = [Matcher("alert", "=", args.alert)] if args.alert else []
    for text in args.match:
        read = _MATCHER.fullmatch(text.strip())
        if read is None:
            raise UsageError(f"--match {visible(text, 60)} is not LABEL=VALUE (or !=, =~, !~)")
        matcher = Matcher(*read.groups())
        if "~" in matcher.op:
            try:
                re.compile(matcher.value)
            except (re.error, RecursionError, OverflowError) as error:
                raise UsageError(f"--match {visible(text, 60)}: {error}") from None
        found.append(matcher)
    return found


def _silences(config: Config, args: argparse.Namespace) -> int:
    from costtui.engine.zone import zone_of

    now = time.time()
    with _reader(config) as reader:
        found = [s for s in reader.silences() if args.all or s.ends > now]
    if args.format == "json":
        print(json.dumps({"schema": 2, "silences": [_data(s, now) for s in found]}, indent=2))
        return 0
    if not found:
        say("no silence" + ("" if args.all else " is active or to come (--all has ended ones)"))
    for line in _silence_lines(found, now, zone_of(config.timezone)):
        print(line)
    return 0


def _state(silence: Silence, now: float) -> str:
    if now < silence.starts:
        return "coming"
    return "active" if now < silence.ends else "ended"


def _silence_lines(found: Sequence[Silence], now: float, zone: tzinfo) -> Iterator[str]:
    for one in found:
        state = _state(one, now)
        when = f"from {_moment(one.starts, zone)}" if state == "coming" else ""
        when = when or f"until {_moment(one.ends, zone)}"
        what = " ".join(f"{visible(n, 60)}{op}{visible(v, 80)}" for n, op, v in one.matchers)
        reason = f": {visible(one.reason, 200)}" if one.reason else ""
        yield f"{one.id:>4}  {state:6}  {when}  {what}  by {visible(one.author, 40)}{reason}"


def _data(silence: Silence, now: float) -> dict[str, object]:
    starts, ends = (datetime.fromtimestamp(t, UTC).isoformat() for t in silence[2:4])
    matchers = [{"name": n, "op": op, "value": v} for n, op, v in silence.matchers]
    return {
        "id": silence.id, "state": _state(silence, now), "matchers": matchers, "starts": starts,
        "ends": ends, "author": silence.author, "reason": silence.reason,
    }  # fmt: skip


def _unsilence(config: Config, args: argparse.Namespace) -> int:
    from costtui.engine import muting

    if not muting.end_silence(config.store.path, args.id, time.time()):
        raise UsageError(f"there is no silence {args.id} that has not ended")
    print(f"silence {args.id} is over")
    return 0


def _ack(config: Config, args: argparse.Namespace) -> int:
    from costtui.engine import muting

    present = [a for a in _present(config) if a.state == "firing"]
    matchers = _matchers(args)
    _known(config, present, matchers)
    found = muting.fitting(config.alerts, config.budgets, present, matchers)
    if not found:
        raise UsageError(f"nothing that fires fits {visible(args.alert, 60)}")
    path = config.store.path
    if args.undo:
        number = muting.unacknowledge(path, found)
    else:
        number = muting.acknowledge(path, found, time.time(), args.reason)
    print(f"{number} {'no longer acknowledged' if args.undo else 'acknowledged'}")
    return 0


# For `list` -----------------------------------------------------------------------------------


def mutes(config: Config, found: Sequence[AlertStatus]) -> Mutes:
    """What mutes each of them now."""
    if not any(alert.state in ("firing", "pending") for alert in found):
        return {}
    from costtui.engine.muting import muted

    with _reader(config) as reader:
        silences, acks = reader.silences(), reader.acks()
    return muted(config.alerts, config.budgets, found, silences, acks, time.time())


def in_words(mute: Mute, zone: tzinfo) -> str:
    by = f" by {visible(mute.by, 40)}" if mute.by else ""
    until = f" until {_moment(mute.until, zone)}" if mute.until else ""
    reason = f": {visible(mute.reason, 200)}" if mute.reason else ""
    return f"{mute.kind}{by}{until}{reason}"


def mute_data(found: Mutes, alert: AlertStatus) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for mute in found.get((alert.rule, alert.labels), ()):
        until = datetime.fromtimestamp(mute.until, UTC).isoformat() if mute.until else None
        out.append({"by": mute.kind, "author": mute.by, "until": until, "reason": mute.reason})
    return out


def _moment(at: float, zone: tzinfo) -> str:
    from costtui.cli.report_words import moment

    return moment(int(at), zone)
