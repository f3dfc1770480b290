"""The sources: are they answering, how old is their data, what was lost or skipped.

Times are absolute. An age would change every second and write to the terminal for nothing.
"""

from __future__ import annotations

from costtui.model.charge import Exactness
from costtui.model.snapshot import Overview, SourceStatus
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.look import Line, Look
from costtui.tui.shown import Shown
from costtui.tui.spark import bar
from costtui.tui.widgets.table import Column, Table

LATE_AFTER = 3.0
"""A source is late when nothing arrived for this many of its intervals, or it lags a minute."""
TIME_SERIES = "prometheus"
"""The kind of source whose history is counted in seconds and not in bytes."""
_HISTORY = "history "
_BAR_LEAST, _BAR_MOST = 4, 20
_WITH_FACTS = 26
"""Cells that the progress gets at least where facts want room, too."""


def health(source: SourceStatus, now: float) -> tuple[str, str]:
    """(`ok`, `late`, `down` or `new`, role) of a source at `now`, the time of the snapshot."""
    if source.error or source.failures:
        return "down", "over"
    if not source.last_ok:
        return "new", "quiet"
    late = now - source.last_ok > LATE_AFTER * max(source.interval, 5.0) + 5.0
    return ("late", "warn") if late or source.lag_s > 60 else ("ok", "ok")


def states_moved(overview: Overview, now: float) -> bool:
    """Has a source become late since the snapshot? A collector that hangs writes nothing."""
    then = overview.taken_at
    return any(health(s, now)[0] != health(s, then)[0] for s in overview.sources)


def troubles(source: SourceStatus) -> list[str]:
    """What a user should know beyond up or down, worst first."""
    out = []
    if source.error:
        out.append(outside(source.error, 120))
    if source.lag_s > 60:
        out.append(f"{fmt.duration(source.lag_s)} behind")
    for number, one, many in (
        (source.skipped, "skipped", "skipped"),
        (source.gaps, "gap", "gaps"),
        (source.resets, "reset", "resets"),
        (source.overruns, "overrun", "overruns"),
    ):
        if number:
            out.append(f"{fmt.compact(number)} {one if number == 1 else many}")
    if source.note:
        out.append(outside(source.note, 120))
    return out


def backfill(source: SourceStatus, look: Look, width: int) -> Line:
    """How much of the history has been read, in at most `width` cells: a bar and how far it is;
    without room for a bar the latter alone; empty when all has been read.

    Of a log that is a share. Of a time series, which is read by stretches of time, it is the time.
    """
    line = Line(look)
    if source.backfill_total <= source.backfill_done:
        return line
    text = fmt.share(source.backfill_done, source.backfill_total, 5)
    if source.kind.partition("/")[0] == TIME_SERIES:
        done, total = (fmt.duration(s) for s in (source.backfill_done, source.backfill_total))
        text = f"{done} of {total}"
    text = f" {text:>5}"
    cells = min(width - len(_HISTORY) - len(text), _BAR_MOST)
    if cells >= _BAR_LEAST:
        filled = bar(source.backfill_done, source.backfill_total, cells, look.glyphs.fills)
        line.put(_HISTORY, "quiet").put(filled, "bar")
        return line.put(look.glyphs.rest * (cells - len(filled)), "rest").put(text, "text")
    if width >= len(_HISTORY) + len(text) - 1:
        line.put(_HISTORY.rstrip(), "quiet")
    return line.put(text if line.width else text.strip(), "text")


def differences(source: SourceStatus, overview: Overview | None) -> tuple[list[str], bool]:
    """What the comparisons of a reconciling source say, and whether that is worth a look."""
    if overview is None or not overview.compared or source.role == "count":
        return [], False
    from costtui.tui.differences import facts_of, worth_a_look  # most stores never need them

    return facts_of(source.name, overview.compared), worth_a_look(source.name, overview.compared)


def reconcile_hint(overview: Overview | None, look: Look) -> Line:
    """The largest difference between what counts and what a reconciling source saw; empty where
    none is worth a look."""
    if overview is None or not overview.compared:
        return Line(look)
    from costtui.tui.differences import difference_hint

    return difference_hint(overview.compared, look)


class Sources(Table[SourceStatus]):
    """One row a source. In a view of the past: what is known of then."""

    shown: Shown | None = None

    @property
    def past(self) -> bool:
        overview = self.shown.overview if self.shown else None
        return overview is not None and not overview.view.window.live

    def show(self, shown: Shown) -> None:
        self.shown = shown
        self.set_items(shown.overview.sources if shown.overview is not None else ())

    def key(self, item: SourceStatus) -> str:
        return item.name

    def columns(self, width: int) -> list[Column]:
        return [
            Column("name", "source", min(max(len(s.name) for s in self.items), 22, width // 3))
            if self.items
            else Column("name", "source", 10),
            *self.state_columns(),
            Column("facts", "", 0),
        ]

    def state_columns(self) -> list[Column]:
        """How it is, and since when."""
        if self.past:
            return [Column("then", "then", 14)]
        return [Column("state", "state", 6), Column("data", "last data", 9, "right")]

    def title_line(self) -> Line:
        line = Line(self.look).put("sources", "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {len(self.items)}{' then' if self.past else ''}", "quiet")
        return line

    def note_line(self) -> Line:
        overview = self.shown.overview if self.shown else None
        hint, other = reconcile_hint(overview, self.look), exactness_hint(overview, self.look)
        room = self.size.width - 6
        if not hint.width:
            return other if other.width else super().note_line()
        if hint.width + other.width + 3 > room:
            other = exactness_hint(overview, self.look, short=True)
        if other.width and hint.width + other.width + 3 <= room:
            hint.put(f" {self.look.glyphs.middle} ", "faint").extend(other)
        return hint

    def empty_text(self) -> str:
        return "none configured"

    def draw(self, item: SourceStatus, column: Column, line: Line) -> None:
        g = self.look.glyphs
        taken = self.shown.overview.taken_at if self.shown and self.shown.overview else 0.0
        state, role = health(item, taken)
        match column.id:
            case "name":
                line.cell(outside(item.name), column.width, "text")
            case "state":
                light = {"down": g.cross, "late": g.warn}.get(state, g.dot)
                line.put(light, role).cell(f" {state}", column.width - 1, role)
            case "then":
                word = {"new": "unknown"}.get(state, state)
                light = {"down": g.cross, "new": g.middle}.get(state, g.dot)
                line.put(light, role).cell(f" {word} then", column.width - 1, role)
            case "data":
                text = fmt.time_of_day(item.last_data, self.look.zone)
                line.cell(text, column.width, "text", "right")
            case "facts":
                self._facts(item, column.width, line)

    def _facts(self, item: SourceStatus, width: int, line: Line) -> None:
        """What is still to be read, then what the user should know; both get a part of the room."""
        compared, differs = differences(item, self.shown.overview if self.shown else None)
        facts = [*compared, *troubles(item)]
        if self.past and item.failures:
            facts.append(f"no data from {fmt.day_and_minute(item.last_ok, self.look.zone)}")
        text = f" {self.look.glyphs.middle} ".join(facts)
        progress = backfill(
            item, self.look, width if not text else max(width // 2, min(width, _WITH_FACTS))
        )
        fine = not differs and len(facts) == len(compared)
        role = "over" if item.error or item.failures else "quiet" if fine else "warn"
        if progress.width and progress.width <= width:
            rest = width - progress.width
            line.extend(progress).cell(f"  {text}" if text and rest > 4 else "", rest, role)
        else:
            line.cell(text, width, role)


def exactness_hint(overview: Overview | None, look: Look, *, short: bool = False) -> Line:
    """What the `≥` or `~` on the totals of the view is about, and where to see more."""
    line = Line(look)
    if overview is None:
        return line
    total, reasons = overview.total, []
    models = len(overview.unpriced)
    if models:
        word = "" if short else " model" if models == 1 else " models"
        reasons.append(f"{models}{word} unpriced: {look.key('prices')}")
    if total.lower_bounds:
        # Without a number: one reset of a source there is one of many counters here.
        word = "resets" if short else "counters lost or reset"
        reasons.append(f"{word}: {look.key('sources')}")
    if reasons:
        return line.put(f"{look.glyphs.at_least} {', '.join(reasons)}", "warn")
    if total.exactness & Exactness.ESTIMATE:
        number = fmt.compact(total.estimated_requests)
        what = "request" if total.estimated_requests == 1 else "requests"
        text = f"{number} {what} estimated" if total.estimated_requests else "partly estimated"
        line.put(f"{look.glyphs.about} {text}", "warn")
    return line
