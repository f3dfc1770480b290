"""What a report asks the store: its options as a question, and the answer as plain values.

All figures of a table come from one read, and a total is the sum of its rows: a collector that
commits between two queries must not make a mail that does not add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import reduce
from typing import TYPE_CHECKING, Final, Protocol

from costtui.config.durations import parse_duration
from costtui.config.schema import Consumer
from costtui.config.words import did_you_mean, nearest, quoted
from costtui.errors import UsageError
from costtui.model.alert import Ack, Labels, Silence
from costtui.model.comparison import Compared
from costtui.model.dimension import known_dimensions, tag_of
from costtui.model.notifier import NotifierHealth
from costtui.model.snapshot import AlertStatus, Filter, SourceStatus, Totals, UnpricedModel, View
from costtui.model.timewindow import (
    HOUR,
    MINUTE,
    WINDOW_BY_NAME,
    Window,
    ceil_minute,
    floor_to,
    window_at,
)

if TYPE_CHECKING:
    from costtui.engine.muting import Mute

COMPARABLE: Final = ("provider", "model")
"""What a comparison can be broken down by besides the gateway: both sides know these."""
GROUPABLE: Final = known_dimensions()
Key = tuple[str, ...]
Row = tuple[Key, Totals]

_OPERATORS: Final = re.compile(r"(tag:[^!=~]*?|[a-z_]+)\s*(!=|!~|=|~)(.*)", re.DOTALL)
_LONGEST: Final = 36500 * 86400
_LATEST: Final = 253_402_300_800


class Reads(Protocol):
    """The part of `store.reader.Reader` that a report uses."""

    def effective_view(self, view: View) -> View: ...

    def breakdown(self, view: View, by: tuple[str, ...], now: float) -> list[Row]: ...

    def timeline(self, view: View, step: int, now: float) -> list[tuple[int, Totals]]: ...

    def unpriced(self, view: View, now: float) -> Sequence[UnpricedModel]: ...

    def alerts(self) -> Sequence[AlertStatus]: ...

    def silences(self) -> Sequence[Silence]: ...

    def acks(self) -> Sequence[Ack]: ...

    def notifiers(self) -> Sequence[NotifierHealth]: ...

    def statuses(self) -> Sequence[SourceStatus]: ...

    def compared(self, view: View, now: float, by: tuple[str, ...]) -> Sequence[Compared]: ...

    def consumer(self, identity: str) -> Consumer: ...


class NoStore:
    """A store that was never written: every figure is zero."""

    def effective_view(self, view: View) -> View:
        return view

    def breakdown(self, view: View, by: tuple[str, ...], now: float) -> list[Row]:  # noqa: ARG002
        return []

    def timeline(self, view: View, step: int, now: float) -> list[tuple[int, Totals]]:  # noqa: ARG002
        return []

    def unpriced(self, view: View, now: float) -> Sequence[UnpricedModel]:  # noqa: ARG002
        return ()

    def alerts(self) -> Sequence[AlertStatus]:
        return ()

    def silences(self) -> Sequence[Silence]:
        return ()

    def acks(self) -> Sequence[Ack]:
        return ()

    def notifiers(self) -> tuple[NotifierHealth, ...]:
        return ()

    def statuses(self) -> Sequence[SourceStatus]:
        return ()

    def compared(self, view: View, now: float, by: tuple[str, ...]) -> Sequence[Compared]:  # noqa: ARG002
        return ()

    def consumer(self, identity: str) -> Consumer:  # noqa: ARG002
        return Consumer()


@dataclass(frozen=True, slots=True)
class Table:
    """Usage by some dimensions, dearest first."""

    by: tuple[str, ...]
    rows: tuple[Row, ...]
    other: Totals | None
    """The sum of what `--top` left out."""
    left_out: int

    @property
    def total(self) -> Totals:
        return total_of(self.rows, self.other)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report shows."""

    view: View
    """What was really read: wider than asked for where retention keeps no minutes."""
    now: float
    zone: tzinfo
    tables: tuple[Table, ...]
    """The first gives the total; none for `hourly` without `--by`."""
    hours: tuple[tuple[int, Totals], ...]
    """(epoch second, usage) of every hour of the window, only for `hourly`; days where retention
    keeps no hours."""
    unpriced: tuple[UnpricedModel, ...]
    alerts: tuple[AlertStatus, ...]
    statuses: tuple[SourceStatus, ...]
    names: Mapping[str, str]
    """Consumer id → what the configuration calls it, for those in the tables that have a name."""
    compared: tuple[Compared, ...] = ()
    """What counts beside what reconciling sources saw, each on the stretch that both cover."""
    compared_by: tuple[str, ...] = ()
    """The dimensions of `compared` besides the gateway."""
    mutes: Mapping[tuple[str, Labels], tuple[Mute, ...]] = field(default_factory=dict)
    """Why nobody is told of some of the alerts."""
    only_compared: bool = False
    """Nothing but the comparison was asked for."""

    @property
    def total(self) -> Totals:
        if self.tables:
            return self.tables[0].total
        return total_of([((), totals) for _, totals in self.hours], None)


def total_of(rows: Iterable[Row], other: Totals | None) -> Totals:
    return reduce(Totals.plus, (totals for _, totals in rows), other or Totals())


def table(by: tuple[str, ...], rows: Iterable[Row], top: int | None) -> Table:
    """Sorted by cost, then tokens, then name; all but the first `top` become one sum."""
    ordered = sorted(
        rows, key=lambda row: (-row[1].effective_nano, -row[1].tokens, -row[1].requests, row[0])
    )
    shown = ordered if top is None else ordered[:top]
    rest = ordered[len(shown) :]
    other = total_of(rest, None) if rest else None
    return Table(by, tuple(shown), other, len(rest))


def names_of(reader: Reads, tables: Iterable[Table]) -> dict[str, str]:
    """The names of the consumers in `tables`."""
    ids = {
        key[each.by.index("consumer")]
        for each in tables
        if "consumer" in each.by
        for key, _ in each.rows
    }
    found = {identity: reader.consumer(identity).name for identity in ids}
    return {identity: name for identity, name in found.items() if name}


def fold(rows: Iterable[Row], position: int) -> list[Row]:
    """Rows by several dimensions → rows by the one at `position`."""
    sums: dict[Key, Totals] = {}
    for key, totals in rows:
        one = (key[position],)
        sums[one] = sums[one].plus(totals) if one in sums else totals
    return list(sums.items())


# The words of the command line. Each raises UsageError with a sentence for the user.


def parse_by(text: str) -> tuple[str, ...]:
    """`provider,model` → names of dimensions, each once."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        _known_dimension("--by", name)
    if not names:
        raise UsageError(f"--by: name at least one of {', '.join(GROUPABLE)}")
    return tuple(dict.fromkeys(names))


def parse_where(text: str) -> Filter:
    """`provider=openai`, `model!=gpt-4o`, `consumer~^team-`, `consumer!~…`; an empty value or
    `(none)` is usage without one."""
    found = _OPERATORS.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"--where {quoted(text)}: write a dimension, one of = != ~ !~, and a value"
        )
    name, operator, value = found.groups()
    _known_dimension("--where", name)
    value = value.strip()
    if operator in ("~", "!~"):
        try:
            re.compile(value)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"--where {quoted(text)}: not a regular expression: {error}") from None
    elif value == "(none)":
        value = ""
    return Filter(name, value, operator)


def _known_dimension(option: str, name: str) -> None:
    """A tag passes here; whether it exists is known when the configuration has been read."""
    if name not in GROUPABLE and not tag_of(name):
        near = did_you_mean(name, GROUPABLE)
        known = f"{', '.join(GROUPABLE)}, tag:NAME"
        raise UsageError(f"{option}: {quoted(name)} is not one of {known}{near}")


def check_tags(option: str, names: Iterable[str], tags: Sequence[str]) -> None:
    """Raises UsageError for a dimension `tag:NAME` that no consumer of the configuration has."""
    for name in filter(tag_of, names):
        if tag_of(name) in tags:
            continue
        if not tags:
            raise UsageError(
                f"{option}: no consumer has a tag; `consumers:` in the configuration gives them"
            )
        # The name alone is compared: `tag:` in front of both would make anything look near.
        near = nearest(tag_of(name), tags)
        meant = f' (did you mean "tag:{near}"?)' if near else ""
        known = ", ".join(tags[:20]) + (", …" if len(tags) > 20 else "")
        raise UsageError(f"{option}: no consumer has {quoted(name)}; there are {known}{meant}")


def parse_window(since: str, until: str | None, now: float, zone: tzinfo) -> Window:
    """The window `[since, until)` on whole minutes. A length of time counts back from `until`."""
    if until is None:
        end = ceil_minute(now)
    else:
        end = _moment("--until", until, ceil_minute(now), now, zone)
        end += -end % MINUTE
    start = _moment("--since", since, end, now, zone)
    start = floor_to(start, MINUTE)
    if start >= end:
        raise UsageError(f"--since {since} is not before --until {until or 'now'}")
    return Window(start, end, HOUR, live=until is None)


def _moment(option: str, text: str, end: int, now: float, zone: tzinfo) -> int:
    """Epoch seconds of `24h` or `168` (hours) before `end`, `today`, `month`, a date or a time."""
    word = text.strip()
    if word in ("today", "month"):
        return window_at(WINDOW_BY_NAME[word], now, zone).start
    if word == "now":
        return ceil_minute(now)
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", word, re.ASCII):
        return end - _length(option, f"{word}h")
    if re.fullmatch(r"[\d.]+\s?[smhdw]", word, re.ASCII):
        return end - _length(option, word)
    try:
        moment = datetime.fromisoformat(word)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        seconds = int(moment.timestamp())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {quoted(text)}: write a length of time (24h, 7d, or 168 for hours), "
            "a date (2026-11-01), a time (2026-11-01T10:00), today or month"
        ) from None
    if not 0 <= seconds < _LATEST:
        raise UsageError(f"{option} {quoted(text)}: is not between 1970 and 9999")
    return seconds


def _length(option: str, text: str) -> int:
    try:
        seconds = int(parse_duration(text))
    except ValueError as error:
        raise UsageError(f"{option} {quoted(text)} {error}") from None
    if not MINUTE <= seconds <= _LONGEST:
        raise UsageError(f"{option} {quoted(text)}: the least is one minute")
    return seconds


def iso(seconds: float) -> str:
    """UTC, to the second: `2026-11-01T10:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
