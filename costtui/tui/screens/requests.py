"""The list of requests behind what the overview shows."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from costtui.model.snapshot import RequestRow
from costtui.model.timewindow import DAY
from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, Push
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet, requests
from costtui.tui.shown import Shown
from costtui.tui.widgets.request_table import ORDERS, RequestTable
from costtui.tui.widgets.table import Table

PAGE = 300
"""Requests of one question: five screens of a big terminal, a few milliseconds."""
MOST = 20_000
"""Rows kept in memory; whoever scrolls further wants a filter."""


class RequestsScreen(SideScreen):
    """Newest first; older ones are read as the cursor gets there. By cost or tokens, the first
    `PAGE` of the window."""

    where = "requests"
    title_text = "requests"
    BINDINGS = textual_bindings("requests")

    def body(self) -> ComposeResult:
        yield RequestTable(self.look, id="requests")

    def on_mount(self) -> None:
        self.table.focus()
        self._asked = (self.shown.state.place, self.shown.state.filters)
        self._ask(None)

    @property
    def table(self) -> RequestTable:
        return self.query_one(RequestTable)

    def _ask(self, before: int | None) -> None:
        order, reverse = self.table.order, self.table.reverse
        self.post_message(
            Ask(
                "requests",
                lambda data, view, _: data.requests(view, PAGE, before, order, reverse),
                (before, order, reverse),
            )
        )

    def store_changed(self, *, asked: bool = True) -> None:
        """New data: read the head again, unless the user is reading further down.

        The dearest of a long window are read again when `asked` only: 0.7 µs a request, of which
        30 days may hold millions.
        """
        window = self.shown.overview.view.window if self.shown.overview is not None else None
        long = self.table.order != "time" and window is not None and window.seconds > DAY
        if asked or (self.table.cursor == 0 and not long):
            self._ask(None)

    def show(self, shown: Shown) -> None:
        super().show(shown)
        now = (shown.state.place, shown.state.filters)
        if now != self._asked:
            self._asked = now
            self._ask(None)

    def answered(self, answer: Answer) -> None:
        """A page arrived: the head, or what follows the last row."""
        if answer.kind != "requests" or not isinstance(answer.value, list | tuple):
            return
        rows: list[RequestRow] = list(answer.value)
        table = self.table
        before, *order = answer.tag if isinstance(answer.tag, tuple) else (None,)
        if order != [table.order, table.reverse]:
            return
        overview = self.shown.overview
        table.day = overview is not None and overview.view.window.seconds > DAY
        if before is None:
            table.complete = len(rows) < PAGE
            table.set_items(rows)
        elif table.items and table.items[-1].id == before:
            table.complete = len(rows) < PAGE or len(table.items) >= MOST
            table.set_items([*table.items, *rows])

    def on_table_moved(self, message: Table.Moved) -> None:
        table = self.table
        paged = (table.order, table.reverse) == ("time", False)
        if message.table is not table or table.complete or not table.items or not paged:
            return
        if table.cursor >= len(table.items) - PAGE // 3:
            self._ask(table.items[-1].id)

    def _sort(self, order: str, *, reverse: bool) -> None:
        """Another order: from its first row."""
        table = self.table
        table.order, table.reverse, table.complete = order, reverse, False
        table.cursor, table.cursor_key, table.scrolled = 0, "", 0
        table.set_items(())
        self._ask(None)

    def action_sort(self, step: int) -> None:
        at = ORDERS.index(self.table.order) + step
        self._sort(ORDERS[at % len(ORDERS)], reverse=False)

    def action_reverse(self) -> None:
        self._sort(self.table.order, reverse=not self.table.reverse)

    def sheet(self) -> Sheet | None:
        """What `e` writes: the rows that have been read."""
        if self.shown.overview is None:
            return None
        return requests(self.shown.overview.view, self.table.items, self.look.consumer)

    def value(self) -> str:
        """What `y` copies."""
        row = self.table.current
        return (row.request_id or str(row.id)) if row else ""

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    def action_open(self) -> None:
        row = self.table.current
        if row is not None:
            identity = row.id
            self.post_message(Push(lambda look, shown: _request_screen(look, shown, identity)))


def _request_screen(look: Look, shown: Shown, identity: int) -> Screen[None]:
    from costtui.tui.screens.request import RequestScreen

    return RequestScreen(look, shown, identity)
