"""Round numbers on the left of a chart and round times under it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from costtui.model.timewindow import DAY, HOUR, MINUTE, Window
from costtui.tui import format as fmt
from costtui.tui.shown import is_money

_PERIODS = (
    5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR,
    12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
PER = {MINUTE: "per minute", 600: "per 10 minutes", HOUR: "per hour", 21600: "per 6 hours",
       DAY: "per day"}  # fmt: skip


def nice_ceiling(value: int) -> int:
    """The least round number ≥ `value` whose quarters are fairly round, too; at least 10."""
    if value <= 10:
        return 10
    power = int(10 ** (len(str(value - 1)) - 2))
    steps = (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)
    return next(m * power for m in steps if m * power >= value)


def scale_text(value: int, unit: str, width: int) -> str:
    """A number beside the scale."""
    return fmt.round_money(value, width) if is_money(unit) else fmt.compact(value, width)


def bucket_time(start: int, window: Window, zone: tzinfo) -> str:
    """What a bucket is called: its local start, as exactly as its step."""
    moment = datetime.fromtimestamp(max(start, window.start), zone)
    if window.step >= DAY:
        return moment.strftime("%a %d %b")
    if window.seconds > 6 * DAY:
        return moment.strftime("%d %b %H:%M")
    return moment.strftime("%a %H:%M")


def time_labels(
    window: Window, positions: Sequence[int], width: int, zone: tzinfo
) -> list[tuple[int, str]]:
    """(column, text) under a chart whose buckets start at `positions`: round local times only."""
    buckets = window.buckets()
    if len(buckets) < 1 or width < 8:
        return []
    cells_per_second = width / (len(buckets) * window.step)
    day_scale = window.seconds > 2 * DAY
    length = 6 if day_scale else 5
    for period in _PERIODS:
        if period >= window.step and period * cells_per_second >= length + 3:
            break
    out: list[tuple[int, str]] = []
    free = 0
    for column, bucket in zip(positions, buckets, strict=True):
        local = datetime.fromtimestamp(bucket, zone)
        offset = local.utcoffset()
        shifted = bucket + (int(offset.total_seconds()) if offset else 0)
        to_next = -shifted % period
        if to_next >= window.step:
            continue
        moment = datetime.fromtimestamp(bucket + to_next, zone)
        if day_scale or period >= DAY:
            text = f"{moment.day} {moment.strftime('%b')}"
        else:
            text = moment.strftime("%H:%M")
        if column >= free and column + len(text) <= width:
            out.append((column, text))
            free = column + len(text) + 2
    return out
