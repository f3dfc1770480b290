"""The alerts: what is over its limit, by how much, since when."""

from __future__ import annotations

from collections.abc import Iterable

from costtui.model.snapshot import AlertStatus
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.look import Line, Look
from costtui.tui.muting import Mutes, counted, kind_of, mutes, put_firing
from costtui.tui.quantities import limit_of, quantity, value_title
from costtui.tui.shown import Shown
from costtui.tui.widgets.table import Column, Table

_ORDER = {"firing": 0, "pending": 1, "resolved": 2, "inactive": 3}
_SEVERITY = {"critical": 0, "warning": 1, "info": 2}
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


def labels_text(alert: AlertStatus, look: Look) -> str:
    """The label set as one would read it: `provider=openai team=search`; the step of a budget
    first, for it tells its alerts apart where there is little room."""
    labels = sorted(alert.labels, key=lambda pair: pair[0] != "step")
    return " ".join(
        f"{outside(k, 40)}={outside(look.named(k, v), 80) or '(none)'}" for k, v in labels
    )


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
        columns.append(Column("limit", "limit", 14))
        if width >= 64:
            columns.append(Column("since", "since", 8, "right"))
        return columns

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
                text = outside(item.rule)
                labels = labels_text(item, self.look)
                text = f"{text} {labels}" if labels else text
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
