"""The alerts in full: every instance, and what each changed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.geometry import Size

from costtui.config.alert_schema import ROLLING, AlertRule, BudgetConfig
from costtui.config.durations import duration_text
from costtui.model.quantity import quantity_text
from costtui.model.snapshot import AlertChange, AlertStatus
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line, frame
from costtui.tui.muting import in_words, kind_of, mutes
from costtui.tui.quantities import limit_of, quantity, value_title
from costtui.tui.shown import Shown
from costtui.tui.spark import bar
from costtui.tui.widgets.alerts import ROLES, Alerts, alert_text, by_urgency
from costtui.tui.widgets.table import Column, Table

_SEVERITIES = {"critical": "over", "warning": "warn"}
_HOW_TO = (
    ("No alert is set.", "title"),
    ("", "text"),
    ("An alert fires when the cost of a rolling window reaches a limit. To have", "text"),
    ("one, add for example this to the configuration:", "text"),
    ("", "text"),
    ("alerts:", "accent"),
    ("  - name: daily budget", "accent"),
    ("    cost_over: 50          # USD", "accent"),
    ("    window: 24h", "accent"),
    ("    by: [team]             # one alert for each; left out: one for all", "accent"),
    ("    for: 5m                # how long it must hold", "accent"),
    ("    severity: critical     # info, warning or critical", "accent"),
    ("", "text"),
    ("The collector reads it when it starts again; `costtui config check` tells", "quiet"),
    ("what is wrong with it.", "quiet"),
)  # fmt: skip


def waiting(rule: AlertRule | BudgetConfig) -> AlertStatus:
    """The row of what has not been evaluated yet: `since` 0, and no value."""
    if isinstance(rule, BudgetConfig):
        period = rule.period if rule.period != ROLLING else duration_text(rule.seconds)
        return AlertStatus(
            rule.alert, (), "inactive", rule.severity, 0, rule.limit_nano, 0.0, period
        )
    return AlertStatus(
        rule.name, (), "inactive", rule.severity, 0, rule.limit, 0.0, rule.window_name,
        unit=rule.unit,
    )  # fmt: skip


def _condition(rule: AlertRule) -> str:
    """`$800 in 24h`, `error share over 5% in 15m`, `silent for 2h`."""
    window = f" in {outside(rule.window_name, 12)}"
    if rule.measure == "cost_over":
        return fmt.round_money(rule.limit) + window
    words = rule.measure.replace("_", " ")
    limit = quantity_text(rule.unit, rule.limit)
    return f"{words} {limit}" + ("" if rule.unit == "seconds" else window)


class AlertsInFull(Alerts):
    """As on the overview, with everything there is room for. A rule without an active instance has
    a row of its own, with the label set that is nearest to the limit."""

    header_from = 5

    def show(self, shown: Shown) -> None:
        self.shown, self.mutes = shown, mutes(shown)
        overview = shown.overview
        rows = by_urgency(overview.alerts if overview is not None else (), self.mutes)
        if overview is not None and overview.view.window.live:
            told = {a.rule for a in rows}
            rows += [waiting(r) for r in shown.alert_rules if r.name not in told]
            rows += [waiting(b) for b in shown.budgets if b.alert not in told]
        self.set_items(rows)

    def lines(self, size: Size) -> list[Line]:
        shown = self.shown
        if self.items or (shown is not None and (shown.rules or shown.budgets)):
            return super().lines(size)
        body = [Line(self.look)]
        body += [Line(self.look).put("  ").put(text, role) for text, role in _HOW_TO]
        return frame(
            self.look, body, *size, title=self.title_line(), note=Line(self.look),
            focus=self.has_focus,
        )  # fmt: skip

    def columns(self, width: int) -> list[Column]:
        columns = [Column("state", "state", self.state_width()), Column("rule", "alert", 0)]
        # 83 cells are of the others; the bar and the severity make way for names, in this order
        names = width - 83
        barred = width >= 100 and self.room_for(names)
        if width >= 100 and self.room_for(names + 11):
            columns.append(Column("severity", "severity", 8))
        spent = Column("value", value_title(self.items), 9, "right")
        columns += [spent, Column("limit", "limit", 8)]
        if width >= 100:
            columns[-1] = Column("limit", "limit", 14)
            columns += [Column("bar", "", 10)] if barred else []
        columns += [Column("share", "used", 5, "right"), Column("since", "since", 12, "right")]
        if width >= 90:
            columns.append(Column("for", "for", 7, "right"))
        return columns

    def title_line(self) -> Line:
        line = super().title_line()
        pending = sum(a.state == "pending" for a in self.items)
        if pending:
            line.put(f" {pending} pending", "warn")
        return line

    def draw(self, item: AlertStatus, column: Column, line: Line) -> None:
        g, width = self.look.glyphs, column.width
        muted, told, known = kind_of(item, self.mutes), item.since > 0, not self.unknown(item)
        firing = item.state == "firing" and not muted
        match column.id:
            case "limit" if width < 14:
                line.cell(limit_of(item, width, g), width, "quiet")
            case "severity":
                role = _SEVERITIES.get(item.severity, "quiet")
                line.cell(outside(item.severity, 12), width, role if firing else "quiet")
            case "bar":
                part = min(item.value, item.limit) if known else 0
                filled = bar(part, item.limit, width, g.fills)
                roles = {"firing": "warn" if muted else "over", "pending": "warn"}
                line.put(filled, roles.get(item.state, "bar"))
                line.put(g.rest * (width - len(filled)), "rest")
            case "share":
                text = fmt.share(item.value, item.limit, width) if known else ""
                line.cell(text, width, "over" if firing else "text", "right")
            case "since":
                text = fmt.day_and_minute(item.since, self.look.zone) if told else "-"
                line.cell(text, width, "quiet", "right")
            case "for":
                taken = self.shown.overview.taken_at if self.shown and self.shown.overview else 0.0
                text = fmt.duration(taken - item.since) if told else ""
                line.cell(text, width, "text" if firing else "quiet", "right")
            case _:
                super().draw(item, column, line)

    def note_line(self) -> Line:
        """What mutes the alert under the cursor, or the rule as it is configured."""
        rules = self.shown.alert_rules if self.shown else ()
        item = self.current if self.has_focus else None
        reasons = self.mutes.get((item.rule, item.labels), ()) if item is not None else ()
        if reasons:
            text = "; ".join(in_words(reason, self.look) for reason in reasons)
            return Line(self.look).put(text, "warn")
        rule = next((r for r in rules if item is not None and r.name == item.rule), None)
        if rule is None:
            return super().note_line()
        facts = [_condition(rule)]
        facts += [f"{outside(d, 20)}={outside(v, 30) or '(none)'}" for d, v in rule.where]
        if rule.by:
            facts.append(f"by {', '.join(outside(d, 20) for d in rule.by)}")
        facts.append(f"for {fmt.duration(rule.hold)}" if rule.hold else "at once")
        return Line(self.look).put(f" {self.look.glyphs.middle} ".join(facts), "quiet")


class Changed(NamedTuple):
    """A change of state, and how long what came of it lasted."""

    change: AlertChange
    until: float
    """Epoch seconds; 0 where it lasted to the end of the window."""


def lasting(changes: Sequence[AlertChange]) -> list[Changed]:
    """`changes`, newest first, each with the time of the same instance's next one."""
    after: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    out = []
    for change in changes:
        key = (change.status.rule, change.status.labels)
        out.append(Changed(change, after.get(key, 0.0)))
        after[key] = change.at
    return out


class AlertHistory(Table[Changed]):
    """What alerts changed to within the window, newest first."""

    header_from = 5
    shown: Shown | None = None
    rule = ""
    """Only of this rule; `""` is all."""

    def key(self, item: Changed) -> str:
        return str(item.change.id)

    def columns(self, width: int) -> list[Column]:
        columns = [Column("when", "when", 15), Column("state", "became", 8)]
        title = value_title(changed.change.status for changed in self.items)
        columns += [Column("rule", "alert", 0), Column("value", title, 9, "right")]
        if width >= 90:
            columns.append(Column("limit", "limit", 14))
        return [*columns, Column("lasted", "for", 7, "right")]

    def title_line(self) -> Line:
        line = Line(self.look).put("history", "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {len(self.items)}", "quiet")
        if self.rule:
            line.put(f" of {outside(self.rule, 40)}", "accent")
        return line

    def note_line(self) -> Line:
        line = super().note_line()
        if line.width:
            return line
        line.put("h", "key").put(" all rules" if self.rule else " this rule only", "quiet")
        return line.put("   w", "key").put(" why it moved", "quiet")

    def empty_text(self) -> str:
        text = "nothing changed in this window: 6 is 30 days, [ goes back"
        return text if self.size.width > cell_len(text) + 6 else "nothing changed in this window"

    def draw(self, item: Changed, column: Column, line: Line) -> None:
        status, g = item.change.status, self.look.glyphs
        firing = status.state == "firing"
        match column.id:
            case "when":
                text = fmt.day_and_minute(item.change.at, self.look.zone, seconds=True)
                line.cell(text, column.width, "quiet")
            case "state":
                text = " FIRING " if firing else outside(status.state, 12)
                line.cell(text, column.width, ROLES.get(status.state, "quiet"))
            case "rule":
                line.cell(alert_text(status, self.look, column.width), column.width, "text")
            case "value":
                text = quantity(status.unit, status.value, column.width, status.exactness, g)
                line.cell(text, column.width, "over" if firing else "value", "right")
            case "limit":
                line.cell(limit_of(status, column.width, g), column.width, "quiet")
            case "lasted":
                text = fmt.duration(item.until - item.change.at) if item.until else "still"
                line.cell(text, column.width, "quiet" if item.until else "text", "right")
