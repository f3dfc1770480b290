"""Why did cost move: what is asked of the store, and what is said about the answer.

Pure but for the two reads of `look_into`. The arithmetic is `analysis.blame`'s.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import NamedTuple

from costtui.analysis.blame import Contribution, Step, main_cause, steps, weight
from costtui.model.money import divide_half_even
from costtui.model.movement import Movement
from costtui.model.snapshot import Filter, Overview, View
from costtui.model.timewindow import DAY, WINDOWS, Window, previous
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside, squeezed
from costtui.tui.data import Data
from costtui.tui.glyphs import UNICODE, Glyphs
from costtui.tui.state import CUSTOM

NO_VALUE = "(none)"


class Row(NamedTuple):
    """One thing to explain: the whole window against the one before, or a step in it."""

    key: str
    movement: Movement
    cost_before: int
    cost: int
    whole: bool
    after_gap: bool = False
    """A source was silent in what this is compared with."""

    @property
    def rise(self) -> int:
        return self.cost - self.cost_before


class Why(NamedTuple):
    """The rows to explain, the whole window first, then the greatest steps."""

    view: View
    overview: Overview
    rows: tuple[Row, ...]

    def row_at(self, moment: int) -> Row | None:
        """The step into the bucket that holds `moment`; without a moment, or without one there,
        the greatest of all; None where nothing rose."""
        found = self.rows[1:]
        return next(
            (r for r in found if r.movement.now.start <= moment < r.movement.now.end),
            found[0] if found else None,
        )


def look_into(data: Data, view: View, now: float, zone: tzinfo, at: int = 0) -> Why:
    """Read the chart of `view`, find its steps, and read what moved in each; `now` is epoch
    seconds. `at` is a moment whose bucket is explained whether or not it is a step."""
    overview = data.overview(view, now, ())
    window = overview.view.window
    starts = window.buckets()
    clipped = bool(starts) and starts[0] < window.start
    found = steps(overview.chart, overview.gap_buckets, first_clipped=clipped)
    index = bisect_right(starts, at) - 1
    if index > clipped and all(s.at != index for s in found):
        cost = overview.chart
        found = (*found, Step(index, index - 1, cost[index], cost[index - 1]))

    def bucket(index: int) -> Window:
        start = max(starts[index], window.start)
        end = min(starts[index] + window.step, window.end)
        return replace(window, start=start, end=end, name="")

    pairs = [(previous(window, zone), window), *((bucket(s.before), bucket(s.at))
                                                 for s in found)]  # fmt: skip
    moved = data.movement(overview.view, pairs)
    rows = [_row("whole", moved[0], None, overview)]
    rows += [_row(str(m.now.start), m, s, overview) for s, m in zip(found, moved[1:], strict=True)]
    return Why(overview.view, overview, tuple(rows))


def _row(key: str, movement: Movement, step: Step | None, overview: Overview) -> Row:
    before = sum(r.before.effective_nano for r in movement.rows)
    now = sum(r.now.effective_nano for r in movement.rows)
    old = movement.before
    silent = any(g.start < old.end and g.end > old.start for g in overview.gaps)
    return Row(key, movement, before, now, step is None, silent)


# What is said ------------------------------------------------------------------------------------


def span_text(window: Window, zone: tzinfo, *, dated: bool) -> str:
    """`Thu 14:10-14:20`, `26 Nov 14:10-14:20`, `Thu 26 Nov`: a bucket in local time."""
    first, last = (datetime.fromtimestamp(t, zone) for t in (window.start, window.end))
    day = f"{first.day} {first.strftime('%b')}"
    if window.step >= DAY and window.seconds > DAY // 2:
        return f"{first.strftime('%a')} {day}"
    start = f"{day if dated else first.strftime('%a')} {first.strftime('%H:%M')}"
    return f"{start}-{last.strftime('%H:%M')}"


def row_text(row: Row, why: Why, zone: tzinfo) -> str:
    """What a row is called."""
    if row.whole:
        name = why.view.window.name
        return f"all of {'the zoom' if name == CUSTOM else name or 'the window'}"
    return span_text(row.movement.now, zone, dated=why.view.window.seconds > 6 * DAY)


def signed(nano: int, width: int, glyphs: Glyphs = UNICODE) -> str:
    """A difference of money with its sign: `+$12.40`, `-$3.10`; `-` for none."""
    if not nano:
        return "-"
    if nano < 0:
        return fmt.money(nano, width, glyphs=glyphs)
    text = fmt.money(nano, width - 1, glyphs=glyphs)
    return text if text == fmt.TOO_WIDE else f"+{text}"


def times(now: int, before: int, glyphs: Glyphs = UNICODE) -> str:
    """`3.1 ×`, or `12% more`, `40% less` where that reads better. `before` > 0."""
    if now >= 2 * before:
        tenths = divide_half_even(now * 10, before)
        text = f"{tenths // 10}.{tenths % 10}" if tenths < 1000 else f"{tenths // 10:,}"
        return f"{text} {glyphs.times}"
    off = divide_half_even(abs(now - before) * 1000, before)
    amount = f"{off // 10}.{off % 10}%" if off < 100 else f"{divide_half_even(off, 10)}%"
    return f"{amount} {'more' if now >= before else 'less'}"


def cause(c: Contribution, glyphs: Glyphs = UNICODE) -> str:
    """What mostly made a contribution, in a few words."""
    before, now = c.before, c.now
    used = [bool(t.requests or t.tokens or t.effective_nano) for t in (before, now)]
    if not used[0]:
        return f"new, {fmt.count(now.requests)} requests" if now.requests else "new"
    if not used[1]:
        return f"gone, it had {fmt.count(before.requests)} requests" if before.requests else "gone"
    counted = before.requests > 0 and now.requests > 0
    match main_cause(c.parts):
        case "volume" if counted:
            return _than("requests", now.requests, before.requests, glyphs)
        case "volume" if weight(before) and weight(now):
            return _than("tokens", now.tokens, before.tokens, glyphs)
        case "mix":
            text = times(weight(now) * before.requests, weight(before) * now.requests, glyphs)
            text = text.replace("more", "bigger").replace("less", "smaller")
            return f"requests {text}{' as big' if text.endswith(glyphs.times) else ''}"
        case "price":
            c0, c1 = before.effective_nano, now.effective_nano
            what = "tokens"
            if weight(before) and weight(now):
                c0, c1 = c0 * weight(now), c1 * weight(before)
            else:
                what, c0, c1 = "requests", c0 * now.requests, c1 * before.requests
            return f"{times(c1, c0, glyphs)} for the same {what}" if c0 > 0 else "it had no price"
    return "more money" if c.difference > 0 else "less money"


def _than(what: str, now: int, before: int, glyphs: Glyphs) -> str:
    text = times(now, before, glyphs)
    if not text.endswith(glyphs.times):
        return f"{text.replace('less', 'fewer') if what == 'requests' else text} {what}"
    return f"{text} the {what}"


def who(
    c: Contribution,
    named: Callable[[str, str], str],
    filters: Sequence[Filter] = (),
    glyphs: Glyphs = UNICODE,
    width: int = 0,
) -> str:
    """`gpt-5 × search × kong-eu`, without what the filters have fixed anyway. In less than `width`
    cells each part loses of its middle, the longest first: rows differ at the ends of names."""
    fixed = {f.dimension for f in filters if f.op == "="}
    shown = [(d, v) for d, v in c.values if d not in fixed] or list(c.values[:1])
    parts, between = [outside(named(d, v), 60) or NO_VALUE for d, v in shown], f" {glyphs.times} "
    room = width - cell_len(between) * (len(parts) - 1)
    if width and sum(map(cell_len, parts)) > room >= 3 * len(parts):
        most = max(map(cell_len, parts))
        while sum(min(cell_len(p), most) for p in parts) > room:
            most -= 1
        parts = [squeezed(p, most, glyphs.cut) if cell_len(p) > most else p for p in parts]
    return between.join(parts)


def headline(row: Row, why: Why, zone: tzinfo) -> str:
    """What happened: how much, against what."""
    cost, off = fmt.money(row.cost, 12), fmt.money(abs(row.rise), 12)
    than = "more than" if row.rise > 0 else "less than"
    name = row_text(row, why, zone)
    if row.whole:
        other = "the period before"
    else:
        other = span_text(row.movement.before, zone, dated=why.view.window.seconds > 6 * DAY)
    if not row.rise:
        return f"{name}: {cost}, as much as {other}"
    return f"{name}: {cost}, that is {off} {than} {other} ({fmt.money(row.cost_before, 12)})"


def covering(step: int) -> str:
    """The shortest window that shows a bucket of `step` seconds whole."""
    return next(w.name for w in WINDOWS if w.seconds >= step or w.name == "30d")
