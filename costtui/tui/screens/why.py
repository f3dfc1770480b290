"""Why cost moved: the steps in a window, and who made them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.geometry import Size

from costtui.analysis.blame import Contribution, contributions
from costtui.model.snapshot import Filter, View
from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Line, Look
from costtui.tui.messages import Ask, Open, change
from costtui.tui.screens.side import SideScreen, Title
from costtui.tui.sheet import Sheet
from costtui.tui.sheet import contributions as contributions_sheet
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.why import Row, Why, cause, headline, look_into, signed, who
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.table import Table
from costtui.tui.widgets.why_lists import Movers, StepTable

LISTS = ("steps", "movers")


class Said(Lines):
    """The answer in two lines: what happened, and who mostly did it."""

    DEFAULT_CSS = "Said { height: 2; }"

    text: tuple[str, str] = ("", "")

    def lines(self, size: Size) -> list[Line]:  # noqa: ARG002 - two lines, cut to fit
        first, second = self.text
        return [
            Line(self.look).put(" ").put(first, "value"),
            Line(self.look).put(" ").put(second, "accent"),
        ]


class WhyScreen(SideScreen):
    """`w`. Of the view that is shown, or of `about`, until the user goes to another window. The
    cursor begins on the greatest step, or on the one `at` a moment that was pointed at, so that the
    answer is there at once."""

    where = "why"
    title_text = "why"
    BINDINGS = textual_bindings("why")

    def __init__(self, look: Look, shown: Shown, about: State | None = None, at: int = 0) -> None:
        """`at` is epoch seconds, 0 for none."""
        super().__init__(look, shown)
        self.about = about
        self.at = at
        self._placed: object = None
        """What the cursor has been put on the greatest step of."""
        self.found: Why | None = None
        self.pane = LISTS[0]
        self._asked: object = None
        self._waiting = False
        self._known: dict[str, tuple[Contribution, ...]] = {}

    def body(self) -> ComposeResult:
        yield Said(self.look, id="answer")
        yield StepTable(self.look, id="steps")
        yield Movers(self.look, id="movers")

    def on_mount(self) -> None:
        self.steps.focus()
        self.show(self.shown)

    @property
    def steps(self) -> StepTable:
        return self.query_one(StepTable)

    @property
    def movers(self) -> Movers:
        return self.query_one(Movers)

    # Data -----------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What is explained: `about` as long as it has an opinion."""
        return self.about or self.shown.state

    def _ask(self) -> None:
        state, zone, at = self.state, self.look.zone, self.at
        self._waiting = True

        def job(data: object, _: View, now: float) -> Why:
            return look_into(data, state.view(now, zone), now, zone, at)  # type: ignore[arg-type]

        self.post_message(Ask("why", job, self._asked))

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - cheap enough
        if not self.shown.state.past or self.found is None:
            self._ask()

    def show(self, shown: Shown) -> None:
        old, new = self.shown.state, shown.state
        if self.about is not None and old.place != new.place:
            self.about = self.about._replace(
                window=new.window, back=new.back, anchor=new.anchor, zoom=new.zoom
            )
        super().show(shown)
        state = self.state
        title = self.query_one(Title)
        title.shown = shown if self.found is None else self._titled(shown, self.found)
        title.redraw()
        key = (state.place, state.filters)
        if key != self._asked:
            self._asked = key
            self._ask()
        self._draw()

    def _titled(self, shown: Shown, found: Why) -> Shown:
        return shown._replace(state=self.state, overview=found.overview)

    def answered(self, answer: Answer) -> None:
        """What moved arrived."""
        if answer.kind != "why" or answer.tag != self._asked or not isinstance(answer.value, Why):
            return
        self._waiting = False
        self.found = answer.value
        self._known.clear()
        placed = self._placed != self._asked
        if placed:
            self._placed = self._asked
            first = self.found.row_at(self.at)
            self.steps.cursor_key = first.key if first is not None else ""
            self.steps.cursor = 0
        title = self.query_one(Title)
        title.shown = self._titled(self.shown, self.found)
        title.redraw()
        self._draw()
        if placed:  # the list has its height from now on
            self.steps.scrolled = 0

    def _draw(self) -> None:
        found = self.found
        rows = found.rows if found is not None else ()
        table = self.steps
        table.found = found
        height = max(4, min(len(rows) + 3, (self.size.height - 4) * 2 // 5))
        if table.styles.height is None or table.styles.height.value != height:
            table.styles.height = height
        table.set_items(rows)
        self._select()

    def _contributions(self, row: Row) -> tuple[Contribution, ...]:
        if row.key not in self._known:
            self._known[row.key] = contributions(row.movement.rows)
        return self._known[row.key]

    def _select(self) -> None:
        """The contributors of the row under the cursor."""
        row, found = self.steps.current, self.found
        movers = self.movers
        movers.filters = self.state.filters
        movers.loading_text = "reading …" if found is None else "nothing moved"
        movers.whole = row.rise if row else 0
        movers.set_items(self._contributions(row) if row else ())
        answer = self.query_one(Said)
        answer.text = self._answer(row, found)
        answer.redraw()

    def _answer(self, row: Row | None, found: Why | None) -> tuple[str, str]:
        if row is None or found is None:
            return "reading …", ""
        parts = self._contributions(row)
        first = headline(row, found, self.look.zone)
        if not parts:
            return first, "Nothing moved."
        # the first that went the way of the whole, so that the sentence explains it
        sign = -1 if row.rise < 0 else 1
        lead = next((c for c in parts if c.difference * sign > 0), parts[0])
        if self.movers.has_focus and self.movers.current is not None:
            lead = self.movers.current
        g = self.look.glyphs
        name = who(lead, self.look.named, self.state.filters, g)
        return first, f"{name}: {signed(lead.difference, 12, g)}, {cause(lead, g)}"

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.steps:
            self.movers.cursor, self.movers.cursor_key, self.movers.scrolled = 0, "", 0
        self._select()

    def on_descendant_focus(self) -> None:
        if self.found is not None:
            self._select()

    # Keys -----------------------------------------------------------------------------------

    def action_panel(self, step: int) -> None:
        self.pane = LISTS[(LISTS.index(self.pane) + step) % len(LISTS)]
        self.query_one(f"#{self.pane}").focus(scroll_visible=False)

    def action_drill(self) -> None:
        """From a step to its contributors; from one of those to the overview of it, zoomed into
        exactly the time of the step."""
        if self.pane == LISTS[0]:
            self.action_panel(1)
            return
        row, mover, found = self.steps.current, self.movers.current, self.found
        if row is None or mover is None or found is None:
            return
        window = row.movement.now
        moment = float(window.end - 1)
        zoom = self.state.zoom if row.whole else (window.start, window.end)
        if moment >= found.overview.taken_at and found.view.window.live:
            moment = 0.0
        filters = (*self.state.filters, *(Filter(d, v) for d, v in mover.values))
        screen = "why" if self.about is None else "alerts"
        state = self.shown.state.visit(
            tuple(dict.fromkeys(filters)), self.state.window, moment, screen, zoom
        )
        change(self, state)
        self.post_message(Open("overview"))

    # Take away ------------------------------------------------------------------------------

    def sheet(self) -> Sheet | None:
        """What `e` writes: the contributors of the chosen row."""
        row = self.steps.current
        if self.found is None or row is None:
            return None
        spans = (row.movement.before, row.movement.now)
        return contributions_sheet(self.found.view, self.movers.items, spans, self.look.consumer)

    def value(self) -> str:
        """What `y` copies: the answer, or the contributor under the cursor."""
        mover = self.movers.current
        if self.pane == LISTS[1] and mover is not None:
            return who(mover, lambda _, value: value)
        text = self.query_one(Said).text
        return ". ".join(t for t in text if t)
