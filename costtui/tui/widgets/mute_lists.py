"""The silences, and how those are doing who are to be told."""

from __future__ import annotations

from costtui.model.alert import Silence
from costtui.model.notifier import NotifierHealth
from costtui.model.timewindow import DAY
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line, Look
from costtui.tui.muting import matchers_text, moment_of, own_health, silence_state
from costtui.tui.shown import Shown
from costtui.tui.widgets.table import Column, Table

_STATES = {"active": "warn", "coming": "accent", "ended": "quiet"}
_ORDER = ("active", "coming", "ended")


class Silences(Table[Silence]):
    """Active ones first, then those to come, then what has ended in the last month."""

    header_from = 5
    shown: Shown | None = None
    now = 0.0

    def show(self, shown: Shown) -> None:
        self.shown, self.now = shown, moment_of(shown)
        found = shown.overview.silences if shown.overview is not None else ()
        self.set_items(
            sorted(found, key=lambda s: (_ORDER.index(silence_state(s, self.now)), -s.ends, -s.id))
        )

    def key(self, item: Silence) -> str:
        return str(item.id)

    def columns(self, width: int) -> list[Column]:
        columns = [Column("state", "state", 6), Column("until", "until", 12),
                   Column("what", "what", 0)]  # fmt: skip
        if width >= 50:
            columns.append(Column("by", "by", 10))
        if width >= 90:
            columns += [Column("reason", "why", width // 3)]
        return columns

    def title_line(self) -> Line:
        line = Line(self.look).put("silences", "focus-title" if self.has_focus else "title")
        active = sum(silence_state(s, self.now) == "active" for s in self.items)
        if active:
            line.put(f" {active} active", "warn")
        return line

    def note_line(self) -> Line:
        """Why, and who: what has no column here."""
        item, line = self.current if self.has_focus else None, Line(self.look)
        if item is None:
            return super().note_line()
        line.put("Enter", "key").put(" in full  ", "quiet")
        if silence_state(item, self.now) != "ended":
            key = self.look.key("end-silence")
            line.put(key, "key").put(" ends it  ", "quiet")
        line.put(f"{item.id} by {outside(item.author, 40) or 'nobody'}", "quiet")
        reason = outside(" ".join(item.reason.split()), 120)
        return line.put(f": {reason}", "text") if reason else line

    def empty_text(self) -> str:
        return f"none: {self.look.key('silence')} silences the alert under the cursor"

    def draw(self, item: Silence, column: Column, line: Line) -> None:
        width, state = column.width, silence_state(item, self.now)
        match column.id:
            case "state":
                line.cell(state, width, _STATES[state])
            case "until":
                at = item.starts if state == "coming" else item.ends
                line.cell(fmt.day_and_minute(at, self.look.zone), width, "quiet")
            case "what":
                text = matchers_text(item, self.look)
                line.cell(text, width, "quiet" if state == "ended" else "text")
            case "by":
                line.cell(outside(item.author, 40), width, "quiet")
            case "reason":
                line.cell(outside(" ".join(item.reason.split()), 200), width, "quiet")


def in_full(silence: Silence, look: Look, now: float) -> str:
    """All that is known of one, a line each, its reason last: it may be long."""
    facts = [silence_state(silence, now)]
    for word, at in (("from", silence.starts), ("until", silence.ends)):
        facts.append(f"{word} {fmt.date_and_time(at, look.zone)[:16]}")
    facts += [f"of {matchers_text(silence, look)}", f"by {silence.author or 'nobody'}"]
    reason = silence.reason.strip()
    return "\n".join([*facts, "", reason or "no reason was given"])


def health_state(health: NotifierHealth) -> tuple[str, str]:
    """(word, role): `failing`, `refused`, `ok`, or `new` where it was never told anything."""
    if health.error:
        return "failing", "over"
    if health.refused:
        return "refuses", "warn"
    return ("ok", "ok") if health.last_ok else ("new", "quiet")


class Notifiers(Table[NotifierHealth]):
    """One row a notifier of the configuration, so that a dead one is seen."""

    header_from = 5
    shown: Shown | None = None

    def show(self, shown: Shown) -> None:
        self.shown = shown
        self.set_items(own_health(shown))

    @property
    def past(self) -> bool:
        overview = self.shown.overview if self.shown else None
        return overview is not None and not overview.view.window.live

    def key(self, item: NotifierHealth) -> str:
        return item.name

    def columns(self, width: int) -> list[Column]:
        name = max((cell_len(outside(h.name, 60)) for h in self.items), default=8)
        columns = [Column("name", "notifier", max(8, min(16, name, width // 4))),
                   Column("state", "state", 7), Column("ok", "told at", 7, "right"),
                   Column("waiting", "queued", 6, "right")]  # fmt: skip
        if width >= 44:
            columns.append(Column("retry", "retry", 5, "right"))
        return [*columns, Column("error", "why" if any(h.error for h in self.items) else "", 0)]

    def title_line(self) -> Line:
        line = Line(self.look).put("notifiers", "focus-title" if self.has_focus else "title")
        bad = sum(bool(one.error) for one in self.items)
        if bad:
            line.put(f" {bad} failing", "over")
        if self.past and self.items:
            line.put("  of now", "quiet")
        return line

    def note_line(self) -> Line:
        """Why the one under the cursor, or the first one, fails."""
        bad = [one for one in self.items if one.error]
        item = self.current if self.has_focus else bad[0] if bad else None
        if item is None or not item.error:
            return super().note_line()
        line = Line(self.look)
        times = f" {item.failures} times" if item.failures > 1 else ""
        when = fmt.day_and_minute(item.last_failed, self.look.zone)
        return line.put(f"failed{times}, last {when}: {outside(item.error, 200)}", "over")

    def empty_text(self) -> str:
        return "none configured: alerts are told to nobody"

    def _at(self, moment: float) -> str:
        """`10:52` of the last day, else `22 Nov`."""
        if not moment:
            return "never"
        taken = self.shown.overview.taken_at if self.shown and self.shown.overview else moment
        text = fmt.day_and_minute(moment, self.look.zone)
        day, _, clock = text.rpartition(" ")
        return clock if taken - moment < DAY else day

    def draw(self, item: NotifierHealth, column: Column, line: Line) -> None:
        width = column.width
        state, role = health_state(item)
        match column.id:
            case "name":
                line.cell(outside(item.name, 60), width, "text")
            case "state":
                line.cell(state, width, role)
            case "ok":
                line.cell(self._at(item.last_ok), width, "quiet", "right")
            case "waiting":
                line.cell(fmt.count(item.waiting, width) if item.waiting else "-", width,
                          "warn" if item.waiting else "quiet", "right")  # fmt: skip
            case "retry":
                text = fmt.time_of_day(item.retry_at, self.look.zone)[:5] if item.retry_at else "-"
                line.cell(text, width, "quiet", "right")
            case "error":
                text = outside(item.error, 200) or outside(item.type, 20)
                line.cell(text, width, "over" if item.error else "quiet")
