"""The alerts: what is over its limit, by how much, since when."""

from __future__ import annotations

from collections.abc import Iterable

from costtui.model.snapshot import AlertStatus
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, fit, outside, squeezed
from costtui.tui.look import Line, Look
from costtui.tui.muting import Mutes, counted, kind_of, mutes, put_firing
from costtui.tui.quantities import limit_of, quantity, value_title
from costtui.tui.shown import Shown
from costtui.tui.widgets.table import Column, Table

_ORDER = {"firing": 0, "pending": 1, "resolved": 2, "inactive": 3}
_SEVERITY = {"critical": 0, "warning": 1, "info": 2}
MEASURED = 200
"""Rows whose names decide what has room beside them."""
ROLES = {"firing": "alarm", "pending": "warn", "resolved": "ok", "inactive": "quiet"}


def by_urgency(alerts: Iterable[AlertStatus], found: Mutes | None = None) -> list[AlertStatus]:
    """Firing first, of these what is not muted, then by severity, then the newest."""
    muted = found or {}
    return sorted(
        alerts,
        key=lambda a: (
            _ORDER.get(a.state, 9), bool(kind_of(a, muted)), _SEVERITY.get(a.severity, 9), -a.since,
        ),
    )  # fmt: skip


def labels_text(alert: AlertStatus, look: Look, *, bare: bool = False) -> str:
    """The label set as one would read it: what it is of, then the step of a budget. A value alone
    says enough where there is one, and anywhere where it is `bare`: `alice 80%`."""
    step = [outside(v, 80) for k, v in alert.labels if k == "step"]
    mine = [(k, outside(look.named(k, v), 80) or "(none)") for k, v in alert.labels if k != "step"]
    alone = bare or len(mine) == 1
    return " ".join([v if alone else f"{outside(k, 40)}={v}" for k, v in mine] + step)


def alert_text(alert: AlertStatus, look: Look, width: int) -> str:
    """Name and label set in `width` cells: what tells alerts of one rule apart is cut last."""
    rule, labels = outside(alert.rule, 80), labels_text(alert, look)
    short = labels_text(alert, look, bare=True)
    own = rule.removeprefix("budget ") if alert.labels and alert.labels[-1][0] == "step" else rule
    for name, rest in ((rule, labels), (rule, short), (own, short)):
        text = f"{name} {rest}".rstrip()
        if cell_len(text) <= width:
            return text
    cut = look.glyphs.cut
    name = fit(own, min(cell_len(own), max(6, width - cell_len(short) - 1)), cut)
    return f"{name} {squeezed(short, max(1, width - cell_len(name) - 1), cut)}".rstrip()


class Alerts(Table[AlertStatus]):
    """One row an alert instance, firing ones first and red."""

    shown: Shown | None = None
    mutes: Mutes = {}  # noqa: RUF012 - never changed in place

    @property
    def past(self) -> bool:
        """Are these the states of a moment of the past?"""
        overview = self.shown.overview if self.shown else None
        return overview is not None and not overview.view.window.live

    def unknown(self, item: AlertStatus) -> bool:
        """Is it not known what was spent? What had not changed for a while is only known to have
        been below its limit."""
        return not item.since or (self.past and item.state == "inactive")

    def show(self, shown: Shown) -> None:
        self.shown, self.mutes = shown, mutes(shown)
        alerts = shown.overview.alerts if shown.overview is not None else ()
        self.set_items(by_urgency(alerts, self.mutes))

    def key(self, item: AlertStatus) -> str:
        return f"{item.rule}\0{item.labels}"

    def columns(self, width: int) -> list[Column]:
        columns = [Column("state", "state", self.state_width()), Column("rule", "alert", 0)]
        columns.append(Column("value", value_title(self.items), 8, "right"))
        # Without its window the limit leaves names five cells: where these are what is wanting.
        names = width - self.state_width() - 26
        narrow = width < 64 and not self.room_for(names, bare=True)
        narrow = narrow and self.room_for(names + 5, bare=True)
        columns.append(Column("limit", "limit", 9 if narrow else 14))
        if width >= 64:
            columns.append(Column("since", "since", 8, "right"))
        return columns

    def room_for(self, width: int, *, bare: bool = False) -> bool:
        """Do all names and label sets fit? `bare`: without what says little."""
        return all(
            cell_len(outside(a.rule, 80).removeprefix("budget " if bare else ""))
            + 1 + cell_len(labels_text(a, self.look, bare=bare)) <= width
            for a in self.items[:MEASURED]
        )  # fmt: skip

    def title_line(self) -> Line:
        firing, muted = counted(self.items, self.mutes)
        line = Line(self.look).put("alerts", "focus-title" if self.has_focus else "title")
        if firing:
            put_firing(line, firing, muted, self.look)
        elif self.items:
            line.put(f" {len(self.items)}", "quiet")
        if self.past:
            line.put(" then", "quiet")
        return line

    def empty_text(self) -> str:
        if self.past:
            return "no state is known of then: the history begins later"
        rules = self.shown.rules if self.shown is not None else 0
        budgets = len(self.shown.budgets) if self.shown is not None else 0
        numbers = [f"{n} {what}{'' if n == 1 else 's'}"
                   for n, what in ((rules, "rule"), (budgets, "budget")) if n]  # fmt: skip
        if numbers:
            return f"{' and '.join(numbers)}, not evaluated yet"
        return "none set: add `alerts:` to the configuration"

    def state_width(self) -> int:
        """A cell more where something is inhibited."""
        return 9 if any(kind_of(a, self.mutes) == "inhibited" for a in self.items) else 8

    def draw(self, item: AlertStatus, column: Column, line: Line) -> None:
        g, muted = self.look.glyphs, kind_of(item, self.mutes)
        firing = item.state == "firing" and not muted
        match column.id:
            case "state":
                text = " FIRING " if firing else muted or item.state
                line.cell(text, column.width, "warn" if muted else ROLES.get(item.state, "text"))
            case "rule":
                text = alert_text(item, self.look, column.width)
                line.cell(text, column.width, "over" if firing else "text")
            case "value" if self.unknown(item):
                line.cell("-", column.width, "quiet", "right")
            case "value":
                text = quantity(item.unit, item.value, column.width, item.exactness, g)
                line.cell(text, column.width, "over" if firing else "value", "right")
            case "limit":
                line.cell(limit_of(item, column.width, g), column.width, "quiet")
            case "since":
                text = fmt.time_of_day(item.since, self.look.zone)
                line.cell(text, column.width, "quiet", "right")
