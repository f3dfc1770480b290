"""The budgets as a tree: what is spent of each, what is left, and when it ends."""

from __future__ import annotations

from datetime import datetime

from costtui.model.alert import FACTOR, SHARE
from costtui.model.budget import BudgetLine
from costtui.model.charge import Exactness
from costtui.tui import format as fmt
from costtui.tui.budget_rows import CLOSED, Row, Standing, Wanted, labels_text
from costtui.tui.cells import cell_len, outside
from costtui.tui.glyphs import Glyphs
from costtui.tui.look import Line, Look
from costtui.tui.muting import put_firing
from costtui.tui.quantities import quantity
from costtui.tui.widgets.budget_bar import share_bar
from costtui.tui.widgets.table import Column, Table

ROLES = {"firing": "alarm", "acked": "warn", "silenced": "warn", "inhibited": "warn",
         "pending": "warn", "resolved": "ok", "ok": "ok"}  # fmt: skip
"""Word of an alert → role. The word says it, too."""
NEAR = SHARE * 8 // 10
"""From here on what is spent is shown as a warning."""
_COLUMNS = (
    # id, title, width, align, from which width of the table on
    ("period", "period", 11, "left", 104),
    ("limit", "limit", 6, "right", 62),
    ("spent", "spent", 9, "right", 0),
    ("bar", "", 10, "left", 68),
    ("used", "used", 5, "right", 0),
    ("left", "left", 9, "right", 96),
    ("burn", "burn", 5, "right", 112),
    ("forecast", "at end", 8, "right", 88),
    ("band", "8 of 10", 13, "left", 144),
    ("ends", "ends", 12, "left", 44),
    ("days", "time left", 9, "right", 132),
    ("alert", "alert", 9, "left", 0),
)
_NAME_MOST = 30


class BudgetTable(Table[Row]):
    """One row a budget and label set. It draws rows that were made elsewhere."""

    header_from = 5
    wanted = Wanted()
    past = 0.0
    """The moment that is shown where that is in the past, epoch seconds."""
    counts: tuple[int, int, int] = (0, 0, 0)
    """(budgets that are passed, firing alerts, of these muted)."""
    total = 0
    """Budgets, and label sets of them."""
    reading = True
    now = 0.0
    """The moment that is shown, epoch seconds."""

    def key(self, item: Row) -> str:
        return item.key

    # Columns --------------------------------------------------------------------------------

    def columns(self, width: int) -> list[Column]:
        found = [Column(c, t, w, a) for c, t, w, a, least in _COLUMNS if width >= least]
        if self.look.glyphs.ascii:  # an arrow of two cells
            found = [c._replace(width=12) if c.id == "period" else c for c in found]
        name = width - sum(c.width + 1 for c in found) - 1
        if name > _NAME_MOST:  # what is left is for the bar
            more = min(14, name - _NAME_MOST)
            found = [c._replace(width=c.width + more) if c.id == "bar" else c for c in found]
        return [Column("name", "budget", 0), *found]

    def header_role(self, column: Column) -> str:
        sort = "used" if column.id == "bar" else column.id
        return "accent" if sort == self.wanted.sort else "quiet"

    def title_line(self) -> Line:
        line = Line(self.look).put("budgets", "focus-title" if self.has_focus else "title")
        passed, firing, muted = self.counts
        if self.total:
            line.put(f" {self.total:,}", "quiet")
        if passed:
            line.put(f"  {passed:,} passed", "over")
        if firing:
            put_firing(line.put(" "), firing, muted, self.look)
            line.put(" of budgets", "quiet")
        if self.past:
            when = datetime.fromtimestamp(self.past, self.look.zone).strftime("%a %d %b %Y %H:%M")
            line.put(f"  as they stood {when}", "accent")
        return line

    def note_line(self) -> Line:
        line = super().note_line()
        wanted, g = self.wanted, self.look.glyphs
        facts = []
        if wanted.words:
            facts.append((f"/{outside(wanted.words, 40)}", "accent"))
        if wanted.sort != "order" or wanted.reverse:
            arrow = g.sort_up if wanted.reverse else g.sort_down
            facts.append((f"sorted by {wanted.sort} {arrow}", "quiet"))
        for text, role in facts:
            line.put("  " if line.width else "").put(text, role)
        return line

    def empty_text(self) -> str:
        if self.wanted.words:
            return f"no budget has {outside(self.wanted.words, 40)}: Esc shows all"
        return "reading …" if self.reading else "no budget"

    # Cells ----------------------------------------------------------------------------------

    def draw(self, item: Row, column: Column, line: Line) -> None:
        width = column.width
        if column.id == "name":
            self._called(item, width, line)
        elif item.more:
            line.put(" " * width)
        elif column.id == "alert":
            put_standing(line, item.standing, width)
        elif item.line is None:
            self._whole(item, column, line)
        else:
            self._cell(item, item.line, column, line)

    def _called(self, item: Row, width: int, line: Line) -> None:
        g, budget = self.look.glyphs, item.whole.budget
        indent = "  " * min(item.depth, 6)
        if item.more:
            text = f"{indent}  and {item.more:,} more"
            line.cell(text, width, "quiet")
            return
        if not item.head and item.line is not None:
            text = labels_text(item.line.labels, self.look.named)
            line.cell(f"{indent}  {text}", width, "text")
            return
        mark = "" if not item.fold else g.fold[1 if item.fold == CLOSED else 0]
        head = Line(self.look).put(indent).put(f"{mark or ' '} ", "quiet")
        head.put(outside(budget.name, 80), "value")
        if budget.by:
            head.put(f" by {', '.join(outside(d, 30) for d in budget.by)}", "quiet")
        if head.width > width:
            head = head.cut(max(0, width - 1)).put(g.cut, "quiet")
        line.extend(head.cut(width))

    def _whole(self, item: Row, column: Column, line: Line) -> None:
        """The row of all label sets of a budget."""
        whole, width, g = item.whole, column.width, self.look.glyphs
        number = len(whole.lines)
        match column.id:
            case "period" if whole.lines:
                line.cell(period_text(whole.lines[0], self.look), width, "quiet")
            case "limit":
                line.cell(fmt.round_money(whole.budget.limit_nano, width), width, "quiet", "right")
            case "spent" if number:
                text = fmt.money(whole.spent, width, whole.exactness, g)
                line.cell(text, width, "quiet", "right")
            case "bar":
                text = f"{whole.passed:,} passed"
                if not whole.passed:
                    text = {0: "none yet", 1: "1 set"}.get(number, f"{fmt.compact(number)} sets")
                if len(text) > width:
                    text = f"{fmt.compact(whole.passed)} over"
                line.cell(text, width, "over" if whole.passed else "quiet")
            case "ends" if whole.next_end:
                line.cell(fmt.day_and_minute(whole.next_end, self.look.zone), width, "warn")
            case "days" if number:
                line.cell(self._time_left(whole.lines[0]), width, "quiet", "right")
            case _:
                line.put(" " * width)

    def _cell(self, item: Row, one: BudgetLine, column: Column, line: Line) -> None:
        width, g = column.width, self.look.glyphs
        match column.id:
            case "period":
                line.cell(period_text(one, self.look) if item.head else "", width, "quiet")
            case "limit":
                line.cell(fmt.round_money(one.limit, width), width, "quiet", "right")
            case "spent":
                text = fmt.money(one.spent, width, one.exactness, g)
                line.cell(text, width, role_of(one), "right")
            case "bar":
                ahead = one.ahead.nano * SHARE // one.limit if one.ahead is not None else 0
                role = role_of(one)
                line.extend(
                    share_bar(self.look, width, one.share, ahead, item.whole.budget.steps,
                              "bar" if role == "value" else role)
                )  # fmt: skip
            case "used":
                mark = fmt.mark(Exactness(one.exactness & Exactness.LOWER_BOUND), g)
                text = fmt.share(one.spent, one.limit, width - cell_len(mark))
                line.cell(f"{mark}{text}" if mark else text, width, role_of(one), "right")
            case "left":
                text = left_text(one, width, g)
                line.cell(text, width, "over" if one.left < 0 else "text", "right")
            case "burn":
                fast = item.whole.budget.burn_over
                over = fast is not None and one.burn > fast
                line.cell(burn_text(one, width, g), width, "over" if over else "text", "right")
            case "forecast":
                over = one.ahead is not None and one.ahead.nano > one.limit
                line.cell(ahead_text(one, width, g), width, "warn" if over else "text", "right")
            case "band":
                line.cell(band_text(one), width, "quiet")
            case "ends":
                text, role = ends_text(one, self.look)
                line.cell(text, width, role)
            case "days":
                line.cell(self._time_left(one), width, "quiet", "right")

    def _time_left(self, one: BudgetLine) -> str:
        return time_left(one, self.now)


def role_of(one: BudgetLine) -> str:
    """The role of what is spent: all of it, most of it, or less."""
    return "over" if one.share >= SHARE else "warn" if one.share >= NEAR else "value"


def period_text(one: BudgetLine, look: Look) -> str:
    """`month→1 Dec`: the period and when it ends; of a rolling one its length."""
    if rolling(one):
        return f"last {outside(one.period, 8)}"
    end = datetime.fromtimestamp(one.end, look.zone)
    return f"{one.period}{look.glyphs.arrow}{end.day} {end.strftime('%b')}"


def rolling(one: BudgetLine) -> bool:
    return one.period not in ("day", "week", "month")


def left_text(one: BudgetLine, width: int, glyphs: Glyphs) -> str:
    """What is left, negative once it is passed. Where what is spent is a lower bound it is at
    most that."""
    mark = glyphs.at_most if one.exactness & Exactness.LOWER_BOUND else ""
    about = one.exactness & Exactness.ESTIMATE
    text = fmt.money(one.left, width - cell_len(mark), Exactness(about), glyphs)
    return mark + text


def burn_text(one: BudgetLine, width: int, glyphs: Glyphs) -> str:
    """How many times faster than evenly."""
    if not one.burn:
        return f"0{glyphs.times}"
    if one.burn < FACTOR // 10:
        return f"<0.1{glyphs.times}"
    return quantity("factor", one.burn, width, Exactness.EXACT, glyphs)


def ahead_text(one: BudgetLine, width: int, glyphs: Glyphs) -> str:
    if one.ahead is None:
        return "-"
    sign = Exactness(one.exactness | Exactness.ESTIMATE)
    return fmt.money(one.ahead.nano, width, sign, glyphs)


def band_text(one: BudgetLine, width: int = 6) -> str:
    if one.ahead is None or not one.banded:
        return "-"
    return f"{fmt.money(one.ahead.low, width)}-{fmt.money(one.ahead.high, width)}"


def ends_text(one: BudgetLine, look: Look) -> tuple[str, str]:
    """(when the limit is reached, role): `passed`, exactly `reached`, a date and time, or `lasts`
    to the end of the period; `-` where nothing is known of what comes."""
    if one.left < 0:
        return "passed", "over"
    if one.left == 0:
        return "reached", "over"
    if one.reaches:
        return fmt.day_and_minute(one.reaches, look.zone), "warn"
    return ("-", "quiet") if one.ahead is None else ("lasts", "ok")


def time_left(one: BudgetLine, now: float) -> str:
    """Until the end of the period."""
    return "-" if rolling(one) or not now else fmt.duration(one.end - now)


def put_standing(line: Line, standing: Standing, width: int) -> None:
    """The alert's word, with the step where there is room: colour never says it alone."""
    word = " FIRING " if standing.word == "firing" else standing.word or "-"
    line.cell(word, width, ROLES.get(standing.word, "quiet"))
