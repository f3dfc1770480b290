"""What a chart says in its edges: the series in the upper one, the peak or the crosshair in the
lower one."""

from __future__ import annotations

from datetime import datetime

from costtui.model.charge import Exactness
from costtui.model.snapshot import Overview
from costtui.model.timewindow import DAY
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, fit, outside
from costtui.tui.curves import Curves, leaders
from costtui.tui.look import Line, Look
from costtui.tui.shown import MILLION, Shown, change_role, is_money, number, over_time
from costtui.tui.widgets.chart_bars import Crosshair, limit_in_sight
from costtui.tui.widgets.chart_labels import bucket_time
from costtui.tui.widgets.kpi import KINDS, SHORT_KINDS

_NAME_LEAST, _NAME_MOST = 5, 24


def legend(look: Look, curves: Curves, room: int) -> Line:
    """Each series with its colour, or its character where there are none, in `room` cells."""
    line = Line(look)
    if curves.kind == "sum":
        pieces = []
        if curves.before:
            pieces.append(Line(look).put(f"  {look.glyphs.over[1]} ", "text")
                          .put("the period before", "quiet"))  # fmt: skip
        if limit_in_sight(curves):
            pieces.append(Line(look).put(f"  {look.glyphs.limit} ", "warn").put("limit", "quiet"))
        for piece in pieces:
            if line.width + piece.width <= room:
                line.extend(piece)
        return line
    named = [layer for layer in curves.layers if layer.name]
    if not named or room < len(named) * (_NAME_LEAST + 3):
        return line
    marks = look.glyphs.ascii or look.palette.colorless
    names = [outside(layer.name, 60) for layer in named]
    most = _NAME_MOST
    while most > _NAME_LEAST and sum(min(cell_len(n), most) + 3 for n in names) > room:
        most -= 1
    for layer, name in zip(named, names, strict=True):
        mark = look.glyphs.stack[layer.number - 1] if marks else look.glyphs.legend
        line.put(f" {mark} ", "text" if marks else f"chart-{layer.number}")
        line.put(fit(name, min(cell_len(name), most), look.glyphs.cut), "quiet")
    return line


def note(
    look: Look, shown: Shown, curves: Curves, crosshair: Crosshair | None, room: int, *,
    focus: bool,
) -> Line:  # fmt: skip
    """The lower edge in `room` cells."""
    overview = shown.overview
    assert overview is not None
    if crosshair is not None and curves.layers:
        return _pointed(look, shown, overview, curves, crosshair, room)
    line = Line(look)
    middle = look.glyphs.middle
    gaps = len(curves.gaps)
    pieces = [(_peak(look, overview, curves), "quiet"), (curves.note, "warn")]
    if gaps:
        pieces.append((f"{gaps} {'gap' if gaps == 1 else 'gaps'}: no data", "warn"))
    if focus:
        arrows = "h l" if look.glyphs.ascii else "← →"
        pieces.append((f"{arrows} point, Enter zooms in", "quiet"))
    for text, role in pieces:
        if text and line.width + cell_len(text) + 3 <= room:
            line.put(f" {middle} {text}" if line.width else text, role)
    return line


def _peak(look: Look, overview: Overview, curves: Curves) -> str:
    values = curves.totals if curves.layers else ()
    if not any(values):
        return ""
    exact = Exactness.EXACT
    if curves.kind == "sum":
        text = f"so far {number(values[-1], curves.unit, 9, exact, look.glyphs)}"
        if curves.before:
            then = number(curves.before[-1], curves.unit, 9, exact, look.glyphs)
            text += f", before {then}"
        return text + (f", limit {fmt.round_money(curves.limit, 9)}" if curves.limit else "")
    peak = max(range(len(values)), key=values.__getitem__)
    window = overview.view.window
    moment = datetime.fromtimestamp(window.buckets()[peak], look.zone)
    when = moment.strftime("%d %b" if window.step >= DAY else "%a %H:%M")
    top = number(values[peak], curves.unit, 9, exact, look.glyphs)
    return f"peak {top} {look.glyphs.middle} {when}"


def _pointed(
    look: Look, shown: Shown, overview: Overview, curves: Curves, crosshair: Crosshair, room: int
) -> Line:
    """When, how much, how much more than in the bucket before, and of what."""
    window, at = overview.view.window, crosshair.at
    buckets = window.buckets()
    first, last = crosshair.ends
    when = bucket_time(buckets[first], window, look.zone)
    end = min(buckets[last] + window.step, window.end)
    if crosshair.mark is not None:
        when += f" {look.glyphs.arrow} {bucket_time(end, window, look.zone)}"
    line, g = Line(look).put(when, "focus-title").put(" "), look.glyphs
    if first == last and at in curves.gaps and not curves.totals[at]:
        return line.put("a gap: nothing arrived, a source was down", "warn")
    value = _amount(overview, curves, first, last)
    sign = _exactness(overview, curves.unit, first, last)
    text = number(value, curves.unit, 12, sign, look.glyphs)
    line.put(text, "value")
    if curves.unit == "rate" and not value:
        line.put(" no token with a price", "quiet")
    if crosshair.mark is not None:
        return line.put(f"  in {fmt.duration(end - max(buckets[first], window.start))}"
                        "  Enter zooms in", "quiet")  # fmt: skip
    if curves.kind == "mix":
        return _kinds(line, curves, at, room)
    if at and curves.kind != "sum":
        before = curves.totals[at - 1]
        role = change_role(value, before, cost=is_money(curves.unit))
        line.put(f" {fmt.change(value, before, g, 8)}", role)
    if curves.kind == "sum" and curves.before:
        then = number(curves.before[at], curves.unit, 12, Exactness.EXACT, look.glyphs)
        line.put(f" before {then}", "quiet")
    for name, part in _parts(look, shown, overview, curves, at):
        text = number(part, curves.unit, 9, Exactness.EXACT, look.glyphs)
        piece = Line(look).put(f" {g.middle} ", "faint")
        piece.put(f"{outside(name, 28)} ", "quiet").put(text, "text")
        if line.width + piece.width <= room:
            line.extend(piece)
    return line


def _kinds(line: Line, curves: Curves, at: int, room: int) -> Line:
    """Every kind of token that a bucket has, the most first, beside its sum that `line` says: in
    long or short words, as there is room. None is left out: what is missing would look like 0."""
    look = line.look
    rows = sorted(
        ((layer.number, layer.values[at]) for layer in curves.layers if layer.values[at]),
        key=lambda row: -row[1],
    )
    kinds = [(TOKEN_TYPES[number - 1], value) for number, value in rows]
    said = line
    forms = ((KINDS, f" {look.glyphs.middle} ", 7), (SHORT_KINDS, f" {look.glyphs.middle} ", 5),
             (SHORT_KINDS, "  ", 5), (SHORT_KINDS, " ", 4), (SHORT_KINDS, " ", 3))  # fmt: skip
    for names, between, width in forms:
        said = Line(look).extend(line)
        for kind, value in kinds:
            said.put(between, "faint").put(f"{names[kind]} ", "quiet")
            said.put(fmt.compact(value, width), "text")
        if said.width <= room:
            break
    return said


def _amount(overview: Overview, curves: Curves, first: int, last: int) -> int:
    """The amount of some buckets together. Means of several are weighed by their tokens."""
    if curves.kind == "sum":
        return curves.totals[last]
    if curves.unit != "rate" or first == last:
        return sum(curves.totals[first : last + 1])
    priced = sum(overview.chart_tokens[first : last + 1]) - sum(
        overview.chart_unpriced[first : last + 1]
    )
    return sum(overview.chart[first : last + 1]) * MILLION // priced if priced > 0 else 0


def _exactness(overview: Overview, unit: str, first: int, last: int) -> Exactness:
    """How right some buckets are. Of estimates and lost counters only the window knows, so each
    bucket may be one; tokens without a price are known by bucket."""
    if not is_money(unit):
        return Exactness.EXACT
    total = overview.total
    unpriced = any(overview.chart_unpriced[first : last + 1])
    estimate = bool(total.estimated_nano or total.estimated_requests)
    if unit == "rate":
        return Exactness(2 * (unpriced or estimate or bool(total.lower_bounds)))
    return Exactness(int(unpriced or bool(total.lower_bounds)) + 2 * estimate)


def _parts(
    look: Look, shown: Shown, overview: Overview, curves: Curves, at: int
) -> list[tuple[str, int]]:
    """The three largest groups of a bucket."""
    dimension = shown.state.group
    if curves.unit == "rate" or not over_time(overview, curves.unit):
        return []
    found = leaders(overview, dimension, curves.unit, at)
    return [(look.named(dimension, key) or "(none)", part) for key, part in found]
