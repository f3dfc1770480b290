"""How to set a budget, and numbers to choose its limit by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from statistics import median_low

from textual.geometry import Size

from costtui.model.charge import Exactness
from costtui.model.snapshot import Totals
from costtui.model.spending import Days
from costtui.tui import format as fmt
from costtui.tui.cells import fit, outside
from costtui.tui.look import Line, frame
from costtui.tui.shown import Shown
from costtui.tui.spark import bar
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.panel import put_amount

EXAMPLE = (
    ("budgets:", ""),
    ("  - name: everything", ""),
    ("    limit: {cost}", "# USD"),
    ("    period: day", "# week, month; or rolling: 30d"),
    ("    # by: [team]", "# one for each of them"),
)


def summary(days: Days) -> tuple[int, int, Exactness] | None:
    """(median, most, exactness) of the whole days, nano-USD; None without any. The median is one of
    the days: the lower of the middle two."""
    costs = [totals.effective_nano for _, totals in days.days]
    if not costs:
        return None
    exactness = Exactness.EXACT
    for _, totals in days.days:
        exactness = Exactness(exactness | totals.exactness)
    return median_low(costs), max(costs), exactness


class BudgetNotice(Lines):
    """An example of a budget, and what was spent."""

    DEFAULT_CSS = "BudgetNotice { height: 1fr; }"

    shown: Shown | None = None
    days: Days | None = None

    def lines(self, size: Size) -> list[Line]:
        width, height = size
        title = Line(self.look).put("budgets", "title")
        body = list(self._text(width - 2, height - 2))
        if self.days is not None and self.days.days:
            tall = height >= 32
            rows = height - 2 - len(body) - 1 - tall
            if rows > 1:
                body += [Line(self.look), *self._bars(self.days, width - 2, rows)]
        return frame(self.look, body, width, height, title=title, note=Line(self.look), focus=False)

    def _line(self, text: str = "", role: str = "text") -> Line:
        return Line(self.look).put(f"  {text}" if text else "", role)

    def _text(self, width: int, height: int) -> Iterator[Line]:
        tall = height >= 30
        if tall:
            yield self._line()
        number = len(self.shown.budgets) if self.shown else 0
        if number:
            yield self._line(f"{number} budget{'' if number == 1 else 's'} configured: "
                             f"{self.look.key('numbers')} goes back to them.", "title")  # fmt: skip
            yield self._line("To set another one:", "quiet")
        else:
            yield self._line("No budget is configured.", "title")
            yield self._line("It alerts at 50, 80, 100 % and when it is forecast to be passed:",
                             "quiet")  # fmt: skip
        if tall:
            yield self._line()
        for text in self.example():
            yield self._line(f"  {text}", "key")
        yield self._line()
        yield self._line("To choose a limit by, from what was spent"
                         + self._of(width - 46) + ":", "quiet")  # fmt: skip
        if tall:
            yield self._line()
        if self.days is None:
            yield self._line("reading …", "quiet")
            return
        yield from self._numbers(self.days)

    def _of(self, room: int) -> str:
        filters = self.days.view.filters if self.days is not None else ()
        if not filters:
            return ""
        text = " by " + ", ".join(
            f"{f.dimension} {outside(self.look.named(f.dimension, f.value), 40)}" if f.op == "="
            else outside(str(f), 40)
            for f in filters
        )  # fmt: skip
        return fit(text, min(len(text), max(10, room)), self.look.glyphs.cut)

    def example(self) -> list[str]:
        """The alert's YAML, with a limit that the dearest day did not reach."""
        found = summary(self.days) if self.days is not None else None
        cost = 100
        if found is not None and found[1]:
            cost = max(1, -(-found[1] * 12 // 10 // 10**9))
        return [f"{key.format(cost=cost):<24}{comment}".rstrip() for key, comment in EXAMPLE]

    def _numbers(self, days: Days) -> Iterator[Line]:
        zone = self.look.zone
        now = self.shown.overview.taken_at if self.shown and self.shown.overview else 0.0
        this = datetime.fromtimestamp(now, zone).strftime("%B") if now else ""
        last = datetime.fromtimestamp(days.last_month_start, zone).strftime("%B")
        yield self._number("this month so far", days.month, this)
        partly = days.earliest > days.last_month_start
        since = ""
        if partly and days.last_month.requests:
            first = datetime.fromtimestamp(days.earliest, zone)
            since = f", from {first.day} {first.strftime('%b')} on: the oldest"
        elif partly:
            since = ": there is no usage here that old"
        yield self._number("last month", days.last_month, last + since)
        found = summary(days)
        if found is None:
            yield self._line("No whole day has been seen yet.", "quiet")
            return
        middle, most, exactness = found
        number = len(days.days)
        whole = f"of {number} whole day{'' if number == 1 else 's'}"
        day = next(s for s, t in days.days if t.effective_nano == most)
        when = datetime.fromtimestamp(day, zone).strftime("%a %d %b")
        for name, nano, note in (("a day, median", middle, whole), ("a day, most", most, when)):
            text = fmt.money(nano, 14, exactness, self.look.glyphs, cents=True)
            line = Line(self.look).put("  ").cell(name, 20, "text")
            yield line.cell(text, 14, "value", "right").put(f"  {note}", "quiet")

    def _number(self, name: str, totals: Totals, note: str) -> Line:
        line = Line(self.look).put("  ").cell(name, 20, "text")
        if totals.effective_nano:
            text = fmt.money(totals.effective_nano, 14, totals.exactness, self.look.glyphs,
                             cents=True)  # fmt: skip
            line.cell(text, 14, "value", "right")
        elif totals.requests or totals.tokens:
            put_amount(line, self.look, totals, "cost", 14)
        else:
            line.cell("-", 14, "quiet", "right")
        return line.put(f"  {note}", "quiet")

    def _bars(self, days: Days, width: int, rows: int) -> Iterator[Line]:
        """The last `rows` days, a line each, oldest first."""
        most = max((t.effective_nano for _, t in days.days), default=0)
        room = max(8, min(60, width - 40))
        for start, totals in days.days[-rows:]:
            when = datetime.fromtimestamp(start, self.look.zone).strftime("%a %d %b")
            line = Line(self.look).put("  ").cell(when, 20, "quiet")
            if totals.requests or totals.tokens or totals.effective_nano:
                put_amount(line, self.look, totals, "cost", 14)
                line.put("  ").put(
                    bar(totals.effective_nano, most, room, self.look.glyphs.fills), "bar"
                )
            else:
                line.cell("-", 14, "quiet", "right")
            yield line
