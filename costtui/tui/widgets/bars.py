"""The one-line bars: status (where panels have no room) and the keys at the bottom."""

from __future__ import annotations

from collections.abc import Iterator

from textual.geometry import Size

from costtui.model.snapshot import Overview
from costtui.tui.bindings import footer_keys
from costtui.tui.cells import outside
from costtui.tui.look import Line
from costtui.tui.muting import counted, mutes, put_firing
from costtui.tui.shown import Shown
from costtui.tui.widgets.alerts import alert_text, by_urgency
from costtui.tui.widgets.health import backfill, exactness_hint, health, reconcile_hint
from costtui.tui.widgets.lines import Lines

_BACKFILL, _BACKFILL_LEAST = 24, 14
"""Cells of the progress of one source, which takes what the news leave."""


class Status(Lines):
    """Alerts and sources in one line, the bad news first."""

    DEFAULT_CSS = "Status { height: 1; }"

    shown: Shown | None = None

    def lines(self, size: Size) -> list[Line]:
        shown = self.shown
        if shown is None or shown.overview is None:
            return []
        line = Line(self.look).put(" ")
        for piece in self._pieces(shown, shown.overview, short=size.width < 100):
            if line.width + piece.width <= size.width:
                line.extend(piece).put("  ")
        for source in shown.overview.sources:
            room = size.width - line.width
            progress = backfill(source, self.look, min(_BACKFILL, room))
            if 0 < progress.width <= room and room >= _BACKFILL_LEAST:
                return [line.extend(progress)]
        return [line]

    def _pieces(self, shown: Shown, overview: Overview, *, short: bool) -> Iterator[Line]:
        """What there is to say, the most urgent first."""
        g, look = self.look.glyphs, self.look
        found = mutes(shown)
        every = by_urgency((a for a in overview.alerts if a.state == "firing"), found)
        firing, muted = counted(every, found)
        if firing:
            # the number, then where they are, and the worst by name as far as there is room
            line = Line(look)
            put_firing(line, firing, muted, look)
            key = look.key("alerts")
            line.put(": ", "quiet").put(key, "key") if key else line
            if firing > muted and not shown.error:
                line.put(f" {alert_text(every[0], look, 26)}", "over")
            yield line
        if shown.error:
            yield Line(look).put(f"{g.cross} {outside(shown.error, 36 if firing else 60)}", "over")
        elif overview.alerts and not firing:
            yield Line(look).put(f"{g.dot} ", "ok").put("no alert", "quiet")
        states: dict[str, list[str]] = {}
        for source in overview.sources:
            state, _ = health(source, overview.taken_at)
            states.setdefault(state, []).append(source.name)
        for state, light, role in (
            ("down", g.cross, "over"),
            ("late", g.warn, "warn"),
            ("new", g.dot, "quiet"),
            ("ok", g.dot, "ok"),
        ):
            names = states.get(state, [])
            if names and state in ("down", "late"):
                more = f" +{len(names) - 1}" if len(names) > 1 else ""
                yield Line(look).put(f"{light} {outside(names[0], 24)} {state}{more}", role)
            elif names:
                word = state if overview.view.window.live or state != "new" else "unknown"
                yield Line(look).put(light, role).put(f" {len(names)} {word}", "quiet")
        for hint in (reconcile_hint(overview, look), exactness_hint(overview, look, short=short)):
            if hint.width:
                yield hint


class Keys(Lines):
    """At most eight keys that matter here."""

    DEFAULT_CSS = "Keys { height: 1; dock: bottom; }"

    where = "overview"
    bare = False
    """There are no numbers that keys could do anything with."""

    def lines(self, size: Size) -> list[Line]:
        line = Line(self.look).put(" ")
        keys = footer_keys(self.where, self.look.keys)
        if self.bare:
            keys = [k for k in keys if k.id == "help"]
            line.put(self.look.key("sources"), "key").put(" sources   ", "quiet")
            line.put(self.look.key("quit"), "key").put(" quit   ", "quiet")
        gap = 3 if size.width >= 100 else 2
        pieces = [Line(self.look).put(k.first, "key").put(f" {k.label}", "quiet") for k in keys]
        help_at = size.width - pieces[-1].width - 1
        for piece in pieces[:-1]:
            if line.width + piece.width + gap <= help_at:
                line.extend(piece).put(" " * gap)
        return [line.extend(pieces[-1])]
