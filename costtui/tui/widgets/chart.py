"""Usage over time, in one of several kinds, with a crosshair that zooms.

Block characters and not plotext on the overview: a chart of eight lines there has five lines of
bars in plotext and seven here, an eighth of a line of precision instead of a half, and costs 1 ms
instead of an import of 190 ms before first paint (docs/decisions/041-charts.md). Maximised, the
chart is plotext's. What the numbers are is said in `tui/curves.py`, how a stack is rounded in
`tui/stacking.py`, and what the edges say in `chart_note.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.geometry import Size

from costtui.model.money import decimal_text
from costtui.model.snapshot import Overview, View
from costtui.model.timewindow import MINUTE
from costtui.tui.curves import Curves, More, curves, needs_more, question
from costtui.tui.data import Answer, Data
from costtui.tui.look import Line, frame
from costtui.tui.messages import Ask, Open, change
from costtui.tui.shown import Shown, is_money, nothing_matches
from costtui.tui.widgets.chart_bars import Bars, Crosshair
from costtui.tui.widgets.chart_labels import PER, nice_ceiling, time_labels
from costtui.tui.widgets.chart_note import legend, note
from costtui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from datetime import tzinfo

    from costtui.tui.sheet import Sheet

FRAMED_FROM = 7
"""Lines from which a frame is worth two of them."""
LEGEND_FROM = 14
"""Lines from which a legend with longer names is worth one of them."""
TIGHT = 8
"""A legend that leaves fewer cells than this in the title has been shortened."""


class Chart(Lines, can_focus=True):
    """Bars of the window's buckets; focusable, so that it can be maximised and walked along."""

    DEFAULT_CSS = "Chart { height: 1fr; }"

    shown: Shown | None = None
    maximised = False
    kind = "time"
    """Of `curves.KINDS`; the screen says which."""
    more: More | None = None
    _asked: object = None
    _held: Overview | None = None
    """The newest overview that `more` belongs to."""
    _cross: int | None = None
    """The start of the bucket under the crosshair: it stays there while a live window slides."""
    _mark: int | None = None
    """The start of the bucket at the other end of a marked range."""

    # Data -----------------------------------------------------------------------------------

    def redraw(self) -> None:
        overview = self.shown.overview if self.shown else None
        if overview is not None and needs_more(self.kind) and self.is_attached and self.display:
            key = overview.view, overview.revision
            if key != self._asked:
                self._asked = key
                view, zone = overview.view, self.look.zone
                self.post_message(Ask("chart", lambda data, _, now: more_of(data, view, zone, now)))
        super().redraw()

    def answered(self, answer: Answer) -> None:
        """The totals by bucket of what was on screen when they were asked for."""
        if answer.kind == "chart" and isinstance(answer.value, More):
            self.more = answer.value
            self.redraw()

    def _fits(self, overview: Overview) -> bool:
        more = self.more
        return (
            more is not None and more.view == overview.view and len(more.now) == len(overview.chart)
        )

    def _overview(self) -> Overview | None:
        """What to draw. A live window slides once a minute: until the answer for the new one is
        here, the one before is drawn, and not a moment of nothing."""
        overview = self.shown.overview if self.shown else None
        if overview is None or not needs_more(self.kind):
            return overview
        if self._fits(overview):
            self._held = overview
        held = self._held
        same = (
            held is not None
            and held.view.filters == overview.view.filters
            and held.view.window.name == overview.view.window.name
            and held.view.window.live
            and overview.view.window.live
            and self._fits(held)
        )
        return held if same else overview

    def _curves(self, overview: Overview) -> Curves:
        assert self.shown is not None
        more = self.more if self._fits(overview) else None
        return curves(self.shown._replace(overview=overview), self.kind, more, self.look.named)

    # Crosshair ------------------------------------------------------------------------------

    def crosshair(self, overview: Overview) -> Crosshair | None:
        """The buckets that the user points at, as indices; None away from the chart."""
        if self._cross is None or not self.has_focus:
            return None
        window = overview.view.window
        first, most = window.start - window.start % window.step, len(window.buckets()) - 1

        def index(start: int) -> int:
            return max(0, min(most, (start - first) // window.step))

        return Crosshair(index(self._cross), None if self._mark is None else index(self._mark))

    def point_at(self, start: int | None) -> None:
        """Put the crosshair on the bucket that holds `start`, epoch seconds; None takes it away."""
        self._cross, self._mark = start, None
        self.redraw()

    def move(self, step: int) -> None:
        """To the next bucket on the right (1) or left (-1); the first step stands on the newest."""
        overview = self.shown.overview if self.shown else None
        if overview is None or not overview.chart:
            return
        buckets = overview.view.window.buckets()
        now = self.crosshair(overview)
        at = len(buckets) - 1 if now is None else max(0, min(len(buckets) - 1, now.at + step))
        self._cross = buckets[at]
        self.redraw()

    def mark(self) -> None:
        """Begin a range here, or forget the one that was begun."""
        if self._cross is None:
            self.move(0)
        self._mark = self._cross if self._mark is None else None
        self.redraw()

    def let_go(self, *, wholly: bool) -> bool:
        """Forget a marked range, or `wholly` the crosshair. Was there anything to forget?"""
        held = self._mark is not None or (wholly and self._cross is not None)
        if held:
            self.point_at(None if self._mark is None else self._cross)
        return held

    def zoom(self) -> None:
        """Make the bucket under the crosshair, or the marked range, the window."""
        overview = self.shown.overview if self.shown else None
        pointed = self.crosshair(overview) if overview is not None else None
        if self.shown is None or overview is None or pointed is None:
            self.move(0)
            return
        window = overview.view.window
        buckets = window.buckets()
        first, last = pointed.ends
        start = max(buckets[first], window.start)
        end = min(buckets[last] + window.step, window.end)
        requests = window.step == MINUTE and first == last  # nothing is finer but requests
        if (start, end) != (window.start, window.end):
            self.point_at(None)
            change(self.screen, self.shown.state.zoomed(start, end))
        elif not requests:
            self.point_at(self._cross)
            self.app.notify("This is the whole window, and nothing finer is kept.", timeout=3)
        if requests:
            self.post_message(Open("requests"))

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """The chart as rows."""
        from costtui.tui import sheet

        overview = self.shown.overview if self.shown else None
        if overview is None:
            return None
        if self.kind == "time":
            return sheet.chart(
                overview.view, overview.chart, overview.chart_requests, overview.gap_buckets,
                overview.chart_tokens, overview.chart_unpriced,
            )  # fmt: skip
        return sheet.curves(overview.view, self._curves(overview))

    def value(self) -> str:
        """The number under the crosshair."""
        overview = self.shown.overview if self.shown else None
        pointed = self.crosshair(overview) if overview is not None else None
        if overview is None or pointed is None:
            return ""
        made = self._curves(overview)
        if not made.layers:
            return ""
        value = made.totals[pointed.at]
        return decimal_text(value) if is_money(made.unit) else str(value)

    # Drawing --------------------------------------------------------------------------------

    def lines(self, size: Size) -> list[Line]:
        shown, overview = self.shown, self._overview()
        if shown is None or overview is None:
            return []
        shown = shown._replace(overview=overview)
        width, height = size
        made = self._curves(overview)
        pointed = self.crosshair(overview)
        framed = height >= FRAMED_FROM
        title = Line(self.look).put(made.title, "focus-title" if self.has_focus else "title")
        title.put(f" {PER.get(overview.view.window.step, '')}", "quiet")
        names = legend(self.look, made, width - 8 - title.width)
        below = framed and height >= LEGEND_FROM and names.width > width - 8 - title.width - TIGHT
        if below and made.stacked and any(made.totals):
            names = legend(self.look, made, width - 4)
        else:
            below = False
            title.extend(names)
        inside = (width - 2, height - 2 - below) if framed else (width, height)
        if not made.layers:
            body = [Line(self.look).put("  reading …", "quiet")]
        elif not any(made.totals):
            body = self._nothing(overview, *inside)
        elif self.maximised:
            from costtui.tui.plot import plotted

            body = plotted(self.look, overview.view.window, made, inside, pointed)
        else:
            body = Bars(self.look, made, overview.view.window, inside, pointed).lines()
        said = note(self.look, shown, made, pointed, width - 8, focus=self.has_focus)
        if not framed:
            if pointed is not None and len(body) > 1:  # the only line that can be spared
                body[-1] = said
            return body
        if below:
            body = [names, *body]
        return frame(
            self.look, body, width, height, title=title, note=said, focus=self.has_focus,
        )  # fmt: skip

    def _nothing(self, overview: Overview, width: int, height: int) -> list[Line]:
        out = [Line(self.look) for _ in range(max(0, (height - 2) // 2))]
        text, total = "Nothing was spent in this window.", overview.total
        if total.unpriced_requests or total.unpriced_tokens:
            text = "No price is known for what was used in this window: F9 tells of what."
        elif not (total.requests or total.tokens):
            why = nothing_matches(self.shown.state, self.look.named) if self.shown else ""
            text = f"{why[0].upper()}{why[1:]}." if why else "No usage in this window."
        elif self.shown is not None and self.shown.state.unit != "cost":
            text = "Nothing to show of this in this window."
        out.append(Line(self.look).to(max(0, (width - len(text)) // 2)).put(text, "text"))
        key = self.look.key
        hints = [
            f"Press {key('window-30d')} for 30 days, {key('earlier')} for the period before, "
            f"{key('live')} for now."
        ]
        if overview.earliest:
            oldest = datetime.fromtimestamp(overview.earliest, self.look.zone)
            hints.append(f"Usage goes back to {oldest.day} {oldest.strftime('%b %Y')}.")
        if overview.view.filters:
            hints = [f"{self.look.key('climb')} takes the last filter away."]
        if sum(map(len, hints)) < width - 2:
            hints = [" ".join(hints)]
        out += [Line(self.look).to(max(0, (width - len(h)) // 2)).put(h, "quiet") for h in hints]
        return out


def more_of(data: Data, view: View, zone: tzinfo, now: float) -> More:
    """Totals by bucket of a view and of the period before it. Called in the reader's thread."""
    own, past = question(view, zone)
    rows = data.timeline(own, own.window.step, now)
    before = data.timeline(past, own.window.step, now)
    return More(own, tuple(t for _, t in rows), tuple(before), past.window.start, past.window.end)


__all__ = ["Chart", "nice_ceiling", "time_labels"]
