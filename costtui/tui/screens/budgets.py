"""F5: how every budget stands, what is left of it and when it ends; or how to set one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.timer import Timer

from costtui.model.alert import AlertStatus, Matcher
from costtui.model.budget import Course
from costtui.model.snapshot import Filter
from costtui.model.spending import Days
from costtui.model.timewindow import MINUTE
from costtui.tui import budget_rows as made
from costtui.tui.bindings import textual_bindings
from costtui.tui.budget_rows import Row, Stood, Wanted
from costtui.tui.budget_visit import visited
from costtui.tui.cells import outside
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, change
from costtui.tui.muting import counted, mutes
from costtui.tui.screens.mutable import MutableScreen
from costtui.tui.screens.side import Title
from costtui.tui.shown import Shown
from costtui.tui.widgets.budget_detail import BudgetDetail
from costtui.tui.widgets.budget_notice import BudgetNotice
from costtui.tui.widgets.budget_table import BudgetTable
from costtui.tui.widgets.table import Table

if TYPE_CHECKING:
    from costtui.tui.app import CosttuiApp
    from costtui.tui.sheet import Sheet

EVERY = 5.0
"""Seconds between two reads at least, while usage comes in."""
TIMES = 20
"""A read is asked again after so many times as long as it took at least: one of ten thousand label
sets takes 0.2 s, and may not keep the reader's thread from what is pressed."""


class BudgetsScreen(MutableScreen):
    """Of now, or as it stood at the end of a window of the past. Filters of usage do not narrow it:
    a budget is the same whatever one looks at; `/` finds words among budgets."""

    where = "budgets"
    title_text = "budgets"
    BINDINGS = textual_bindings("budgets")
    DEFAULT_CSS = """
    BudgetsScreen BudgetNotice { display: none; }
    BudgetsScreen.-numbers BudgetNotice { display: block; }
    BudgetsScreen.-numbers BudgetTable, BudgetsScreen.-numbers BudgetDetail { display: none; }
    BudgetsScreen.-low BudgetDetail { display: none; }
    BudgetsScreen.-max BudgetTable { display: none; }
    BudgetsScreen.-max BudgetDetail { height: 1fr; }
    """

    def __init__(self, look: Look, shown: Shown) -> None:
        super().__init__(look, shown)
        self.days: Days | None = None
        self.stood: Stood | None = None
        self.wanted = Wanted()
        self._days_of: object = None
        self._minute = 0
        self._read_at = 0.0
        self._took = 0.0
        self._again: Timer | None = None
        self._drawn: object = None
        self._course_of: object = None

    def body(self) -> ComposeResult:
        yield BudgetTable(self.look, id="budgets")
        yield BudgetDetail(self.look, id="budget")
        yield BudgetNotice(self.look, id="numbers")

    def on_mount(self) -> None:
        self.set_class(not self.shown.budgets, "-numbers")
        if self.shown.budgets:
            self.table.focus()
        self.show(self.shown)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    @property
    def owner(self) -> CosttuiApp:
        return cast("CosttuiApp", self.app)

    @property
    def table(self) -> BudgetTable:
        return self.query_one(BudgetTable)

    @property
    def detail(self) -> BudgetDetail:
        return self.query_one(BudgetDetail)

    # Data -----------------------------------------------------------------------------------

    def _ask_days(self) -> None:
        self.post_message(Ask("days", lambda data, view, now: data.days(view, now), self._days_of))

    def _ask(self) -> None:
        """How they stand, at the moment that is shown."""
        budgets, clock = self.shown.budgets, self.owner.clock
        if not budgets:
            return
        names = frozenset(source.name for source in self.owner.config.sources)
        self._waiting, self._read_at = True, clock.monotonic()
        self._minute = int(clock.now()) // MINUTE
        if self._again is not None:
            self._again.stop()
            self._again = None
        self.post_message(
            Ask(
                "budgets",
                lambda data, view, now: made.stand(
                    data, budgets, now if view.window.live else view.window.end - 1.0, names,
                    live=view.window.live,
                ),
                self._asked,
            )
        )  # fmt: skip

    def store_changed(self, *, asked: bool = True) -> None:
        """New usage: at once where the last read is long enough ago, else when it is."""
        if not self.shown.budgets or self.has_class("-numbers"):
            self._ask_days()
        if not self.shown.budgets:
            return
        wait = max(EVERY, TIMES * self._took) - (self.owner.clock.monotonic() - self._read_at)
        if asked or (wait <= 0 and not self._waiting):
            self._ask()
        elif self._again is None:
            self._again = self.set_timer(max(0.1, wait), self._ask_late)

    def _ask_late(self) -> None:
        self._again = None
        if not self.shown.state.paused and not self._waiting:
            self._ask()

    def show(self, shown: Shown) -> None:
        super().show(shown)
        if shown.error:
            self._waiting = False
        if shown.state.filters != self._days_of:
            self._days_of = shown.state.filters
            self._ask_days()
        state = shown.state
        minute = int(self.owner.clock.now()) // MINUTE
        live = not state.past and not state.paused and not self._waiting
        if state.place != self._asked or (live and minute != self._minute):
            self._asked = state.place
            self._ask()
        self._draw()

    def answered(self, answer: Answer) -> None:
        if (answer.kind, answer.tag) == ("days", self._days_of) and isinstance(answer.value, Days):
            self.days = answer.value
            self._draw()
        elif answer.kind == "budgets" and isinstance(answer.value, Stood):
            self._waiting = False
            self._took = self.owner.clock.monotonic() - self._read_at
            if answer.tag == self._asked:
                self.stood = answer.value
                self._draw()
        elif (answer.kind, answer.tag) == ("course", self._course_of):
            self.detail.course = answer.value if isinstance(answer.value, Course) else None
            self.detail.redraw()

    # What is shown --------------------------------------------------------------------------

    def _draw(self) -> None:
        notice = self.query_one(BudgetNotice)
        notice.shown, notice.days = self.shown, self.days
        notice.redraw()
        if not self.shown.budgets:
            return
        overview, table, stood = self.shown.overview, self.table, self.stood
        alerts = overview.alerts if overview is not None else ()
        found = mutes(self.shown)
        drawn = (stood, alerts, found, self.wanted)
        if self._drawn is not None and all(
            a is b
            for a, b in zip(drawn, self._drawn, strict=True)  # type: ignore[call-overload]
        ):
            return
        self._drawn = drawn
        if stood is None:
            table.redraw()
            return
        self._alerts = made.Alerts(alerts, found)
        table.wanted, table.now, table.reading = self.wanted, stood.at, False
        table.past = 0.0 if stood.live else stood.at + 1
        names = {budget.alert for budget in self.shown.budgets}
        firing, muted = counted([a for a in alerts if a.rule in names], found)
        passed = sum(whole.passed for whole in stood.wholes)
        table.counts = passed, firing, muted
        table.total = sum(max(1, len(whole.lines)) for whole in stood.wholes)
        table.set_items(made.rows(stood, self._alerts, self.wanted, self.look.named))
        title = self.query_one(Title)
        title.moment, title.text = stood.at + (not stood.live), self.title_text
        title.redraw()
        self._fit()
        self._detail()

    def _fit(self) -> None:
        """The table has the room that it needs, up to a half where a chart can have the rest."""
        if not self.shown.budgets:
            return
        table, detail, height = self.table, self.detail, self.size.height - 2
        if height >= 30:
            wanted = max(6, min(len(table.items) + 3, height - 18))
        else:
            wanted = height - (7 if height >= 20 else 5 if height >= 16 else 0)
        if table.styles.height is None or table.styles.height.value != wanted:
            table.styles.height = wanted
            detail.styles.height = "1fr"
            self.set_class(height < 16, "-low")

    def _detail(self) -> None:
        """What is known of the row under the cursor; its course is asked for where it is drawn."""
        detail, row, stood = self.detail, self.table.current, self.stood
        if stood is None or not self.shown.budgets:
            return
        detail.row, detail.now = row, stood.at
        detail.steps = self._steps(row)
        wanted = (row.key, stood.at) if row is not None and row.line is not None else None
        if wanted is None or not (detail.charted or self.has_class("-max")):
            self._course_of = detail.course = None
        elif wanted != self._course_of:
            before = self._course_of
            if not isinstance(before, tuple) or before[0] != wanted[0]:
                detail.course = None  # of another row
            self._course_of = wanted
            assert row is not None
            budget, line, at = row.whole.budget, row.line, stood.at
            assert line is not None
            self.post_message(
                Ask("course", lambda data, _, __: data.course(budget, line, at), wanted)
            )
        detail.redraw()

    def _steps(self, row: Row | None) -> Sequence[made.Step]:
        if row is None or row.more:
            return ()
        if row.line is None:
            return sorted(self._alerts.active(row.whole.budget), key=_urgent)[:8]
        return self._alerts.steps(row.whole.budget, row.line.labels)

    def on_budget_detail_fitted(self) -> None:
        self._detail()

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.table:
            self._detail()

    def _want(self, **changes: Any) -> None:
        self.wanted = self.wanted._replace(**changes)
        self._draw()

    # Keys -----------------------------------------------------------------------------------

    def action_numbers(self) -> None:
        """To the numbers, and back."""
        if not self.shown.budgets:
            return
        self.set_class(not self.has_class("-numbers"), "-numbers")
        if self.has_class("-numbers"):
            self._ask_days()
        else:
            self.table.focus()

    def action_filter(self) -> None:
        """Words among the budgets; where there are none, a filter of what was spent."""
        if not self.shown.budgets or self.has_class("-numbers"):
            self.post_message(Open("filter"))
        else:
            self.owner.action_find()

    def narrow(self, words: str) -> None:
        """What the line of `/` has in it so far."""
        self._want(words=words)

    def let_go(self) -> bool:
        """Esc takes back what narrows first."""
        if self.shown.budgets and self.has_class("-numbers"):
            self.action_numbers()
        elif self.has_class("-max"):
            self.action_maximise()
        elif self.wanted.words:
            self.narrow("")
        else:
            return False
        return True

    def action_fold(self) -> None:
        """All label sets of the budget under the cursor, the first of them, or none."""
        row = self.table.current
        if row is None:
            return
        name = row.whole.budget.name
        head = next((r for r in self.table.items if r.head and r.whole is row.whole), row)
        if not head.fold:
            return
        fold = made.ALL if row.more else made.next_fold(head)
        folds = {**dict(self.wanted.folds), name: fold}
        if not row.more:
            self.table.cursor_key = head.key
            self.table.cursor = self.table.items.index(head)
        self._want(folds=tuple(folds.items()))

    def action_maximise(self) -> None:
        self.toggle_class("-max")

    def action_sort(self, step: int) -> None:
        at = made.SORTS.index(self.wanted.sort) + step
        self._want(sort=made.SORTS[at % len(made.SORTS)], reverse=False)

    def action_reverse(self) -> None:
        self._want(reverse=not self.wanted.reverse)

    def sorts(self) -> tuple[str, ...]:
        return made.SORTS

    def sort_to(self, column: str, *, reverse: bool) -> None:
        self._want(sort=column, reverse=reverse)

    def sorting(self) -> dict[str, object]:
        return {"sort": self.wanted.sort, "reverse": self.wanted.reverse}

    def action_drill(self) -> None:
        """The overview of what the budget is of, over its period."""
        row = self.table.current
        if row is None or self.stood is None or self.has_class("-numbers"):
            return
        if row.more:
            self.action_fold()
            return
        line = row.line or (row.whole.lines[0] if row.whole.lines else None)
        if line is None:
            return
        labels = row.line.labels if row.line is not None else ()
        filters = tuple(Filter(d, v) for d, v in (*row.whole.budget.where, *labels))
        change(self, visited(self.shown.state, filters, line, self.stood))
        self.post_message(Open("overview"))

    # Alerts ---------------------------------------------------------------------------------

    def alerts_here(self) -> Sequence[AlertStatus]:
        """The one that fires and says most: the others of the row are inhibited by it, or of
        another kind."""
        if self.stood is None or self.has_class("-numbers"):
            return ()
        firing = [s for s in self._steps(self.table.current) if s.status.state == "firing"]
        loud = [s for s in firing if made.word_of(s) != "inhibited"] or firing
        return [step.status for step in loud]

    def matchers_here(self) -> tuple[Matcher, ...]:
        row = self.table.current
        if row is None or self.has_class("-numbers"):
            return ()
        labels = row.line.labels if row.line is not None else ()
        return (
            Matcher("alert", "=", row.whole.budget.alert),
            *(Matcher(name, "=", value) for name, value in labels),
        )

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """What `e` writes: every budget that words leave, folded or not; beside the numbers, the
        days."""
        if not self.shown.budgets or self.has_class("-numbers"):
            from costtui.tui.price_sheet import days

            return None if self.days is None else days(self.days, self.look.zone)
        if self.stood is None or self.shown.overview is None:
            return None
        from costtui.tui.budget_sheet import budgets

        names = [(whole.budget.name, made.ALL) for whole in self.stood.wholes]
        wanted = self.wanted._replace(folds=tuple(names))
        rows = made.rows(self.stood, self._alerts, wanted, self.look.named)
        return budgets(self.shown.overview.view, rows, self._alerts, self.look.consumer)

    def value(self) -> str:
        """What `y` copies: the name under the cursor; beside the numbers, the limit's key."""
        if not self.shown.budgets or self.has_class("-numbers"):
            return self.query_one(BudgetNotice).example()[2].strip().partition("  ")[0]
        row = self.table.current
        labels = row.line.labels if row is not None and row.line is not None else ()
        if row is None:
            return ""
        return outside(" ".join([row.whole.budget.name, *(f"{k}={v}" for k, v in labels)]))


def _urgent(step: made.Step) -> tuple[int, float]:
    return (0 if made.word_of(step) == "firing" else 1), -step.status.since
