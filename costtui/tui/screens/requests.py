"""The list of requests behind what the overview shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path

from textual.app import ComposeResult
from textual.screen import Screen

from costtui.model.listing import (
    END,
    ORDERS,
    START,
    STATUSES,
    Counters,
    Listing,
    Spot,
    Stretch,
    spot_of,
)
from costtui.model.snapshot import RequestRow
from costtui.model.timewindow import DAY
from costtui.tui.bindings import textual_bindings
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask, Open, Push
from costtui.tui.screens.side import SideScreen
from costtui.tui.shown import Shown
from costtui.tui.widgets.counter_note import CounterNote
from costtui.tui.widgets.request_table import RequestTable
from costtui.tui.widgets.table import Table

PAGE = 400
"""Requests in memory: several screens of a big terminal, read in 3 ms."""
AGAIN_S = 0.5
"""Seconds until what is being read again behind the list is asked for once more."""


class RequestsScreen(SideScreen):
    """A stretch of the list around the cursor; what is beyond is read as the cursor gets there.

    Every question carries the list it is about (`_about`), so an answer that has become old is
    known. While the cursor stands where new requests come in the list is followed.
    """

    where = "requests"
    title_text = "requests"
    BINDINGS = textual_bindings("requests")

    def body(self) -> ComposeResult:
        yield RequestTable(self.look, id="requests")
        yield CounterNote(self.look, id="counters")

    def on_mount(self) -> None:
        self._newest = 0
        """The newest request when following ended, to count what came since."""
        self._goto: Spot | None = None
        """The request that the cursor goes to when it has been read."""
        self._minute = self._window_start()
        self._key = _key_of(self.shown)
        self.table.focus()
        self._go(Listing(), START)
        self._ask_counters()

    def on_unmount(self) -> None:
        self.app.post_message(Ask("forget", lambda data, _, __: data.forget_lists()))

    @property
    def table(self) -> RequestTable:
        return self.query_one(RequestTable)

    # Questions ------------------------------------------------------------------------------

    @property
    def _about(self) -> tuple[object, Listing]:
        return self._key, self.table.wanted

    def _ask(self, at: Spot | str) -> None:
        listing, since = self.table.wanted, self._newest
        self.post_message(
            Ask(
                "requests",
                lambda data, view, _: data.request_list(view, listing, at, PAGE, since),
                (self._about, at),
            )
        )

    def _go(self, listing: Listing, to: str, owed: int = 0) -> None:
        """To an end of a list, perhaps another one, and `owed` rows from there."""
        table = self.table
        table.wanted, table.jumping, table.owed = listing, to, owed
        table.following = listing.order == "time" and (to == START) is not listing.reverse
        table.following = table.following and not self.shown.state.past
        self._newest, self._goto = 0, None
        self._ask(to)
        table.redraw()

    def _ask_counters(self) -> None:
        """How much of the window is in no request; with the window, once a minute."""
        key = self._key
        self.post_message(
            Ask("counters", lambda data, view, now: data.from_counters(view, now), key)
        )

    def _refresh_rows(self) -> None:
        """Ask again for what is shown."""
        table, spot = self.table, self.table.spot
        if table.jumping:
            self._ask(table.jumping)
        elif self._goto is not None:
            self._ask(self._goto)
        elif table.following:
            self._ask(END if table.wanted.reverse else START)
        elif spot is None or (table.cursor == 0 and table.stretch.at_start and not table.owed
                              and table.wanted.order != "time"):  # fmt: skip
            self._ask(START)
        else:
            self._ask(spot)

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - it costs the same
        """New data: new rows are shown where they belong, the cursor stays on its request."""
        self._refresh_rows()

    def show(self, shown: Shown) -> None:
        super().show(shown)
        key, start = _key_of(shown), self._window_start()
        if key != self._key:
            self._key, self._minute = key, start
            self._go(self.table.wanted, self._head())
            self.query_one(CounterNote).show(None)
            self._ask_counters()
        elif start != self._minute:
            self._minute = start
            if not shown.state.paused:
                self._refresh_rows()
                self._ask_counters()

    def _window_start(self) -> int:
        overview = self.shown.overview
        return overview.view.window.start if overview is not None else 0

    def _head(self) -> str:
        """The end of the list that one wants to see first: of the oldest requests the newest are
        not it, but of a list that is followed they are."""
        table = self.table
        return END if table.following and table.wanted.reverse else START

    # Answers --------------------------------------------------------------------------------

    def answered(self, answer: Answer) -> None:
        """A stretch of the list arrived."""
        stretch = answer.value
        if isinstance(stretch, Counters) and answer.tag == self._key:
            self.query_one(CounterNote).show(stretch)
        if answer.kind == "requests" and isinstance(stretch, Stretch):
            about, at = answer.tag if isinstance(answer.tag, tuple) else (None, "")
            if about == self._about:
                self._take(stretch, at)

    def _take(self, stretch: Stretch, at: Spot | str) -> None:
        table = self.table
        overview = self.shown.overview
        table.day = overview is not None and overview.view.window.seconds > DAY
        end = at if isinstance(at, str) else ""
        if table.jumping:
            if end != table.jumping:
                return
            table.jumping = ""
        elif end and not table.following and (table.cursor or not table.stretch.at_start):
            # The cursor has left this end meanwhile.
            self._refresh_rows()
            return
        goto = self._goto if at == self._goto else None
        if goto is not None:
            self._goto = None
        table.take(stretch, table.wanted, end, goto)
        self._moved()
        if stretch.done < 1:
            self._refresh_rows()
        elif stretch.stale:
            self.set_timer(AGAIN_S, self._refresh_rows)

    def _moved(self) -> None:
        """The cursor stands elsewhere: is the list followed, and is there enough around it?"""
        table = self.table
        following = table.at_head and not self.shown.state.past
        if table.following and not following and table.items:
            newest = table.items[-1 if table.wanted.reverse else 0]
            self._newest = newest.id if table.wanted.order == "time" else 0
        elif following:
            self._newest = 0
        if table.following is not following:
            table.following = following
            table.stretch = table.stretch._replace(newer=0)
            table.redraw()
        spot = table.spot
        if spot is not None and (table.owed or table.near_edge):
            self._ask(spot)

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.table and not self.table.jumping:
            self._moved()

    def on_request_table_jumped(self, message: RequestTable.Jumped) -> None:
        self._go(self.table.wanted, message.to, self.table.owed)

    # Keys -----------------------------------------------------------------------------------

    def action_sort(self, step: int) -> None:
        """By the next column to the right (1) or left (-1) of those on screen."""
        orders, now = self.table.orders(), self.table.wanted.order
        # after a window became narrower it may be none of them: on from where it was
        at = orders.index(now) if now in orders else sum(
            ORDERS.index(order) < ORDERS.index(now) for order in orders
        ) - (step > 0)  # fmt: skip
        order = orders[(at + step) % len(orders)]
        self._go(self.table.wanted._replace(order=order, reverse=False), START)

    def action_reverse(self) -> None:
        listing = self.table.wanted
        self._go(listing._replace(reverse=not listing.reverse), START)

    def action_status(self) -> None:
        """All, failed, throttled, unpriced."""
        listing = self.table.wanted
        at = STATUSES.index(listing.status) + 1
        self._go(listing._replace(status=STATUSES[at % len(STATUSES)]), START)

    def action_follow(self) -> None:
        """To where new requests come in; by time, whatever the order was."""
        listing = self.table.wanted
        if listing.order != "time":
            listing = listing._replace(order="time", reverse=False)
        self._go(listing, END if listing.reverse else START)

    def action_filter(self) -> None:
        self.post_message(Open("filter"))

    def action_open(self) -> None:
        row, listing = self.table.current, self.table.listing
        if row is not None:
            visited = self.visited
            self.post_message(
                Push(lambda look, shown: _request_screen(look, shown, row, listing, visited))
            )

    def visited(self, row: RequestRow) -> None:
        """The request that was looked at last: the cursor goes there."""
        self._goto = spot_of(row, self.table.wanted.order)
        self._refresh_rows()

    def action_source_line(self) -> None:
        row = self.table.current
        if row is not None:
            self.post_message(Push(lambda look, shown: _source_line(look, shown, row)))

    def sorts(self) -> tuple[str, ...]:
        return ORDERS

    def sort_to(self, column: str, *, reverse: bool) -> None:
        self._go(self.table.wanted._replace(order=column, reverse=reverse), START)

    def as_at_start(self) -> bool:
        """The newest of all of them first; False where that is so."""
        moved = self.table.wanted != Listing()
        if moved:
            self._go(Listing(), START)
        return moved

    def sorting(self) -> dict[str, object]:
        return {"sort": self.table.wanted.order, "reverse": self.table.wanted.reverse}

    # Take away ------------------------------------------------------------------------------

    def export_rows(self, kind: str, places: list[Path], now: float, zone: tzinfo) -> None:
        """What `e` writes: the list in its order, read in the reader's thread."""
        from costtui.tui import streamed

        table = self.table
        total = table.stretch.total
        if self.shown.overview is None or not table.read:
            self.notify("Nothing has been read yet that could be written.", severity="warning")
            return
        streamed.start(self, table.listing, total, kind, self.look.consumer, places, now, zone)

    def value(self) -> str:
        """What `y` copies."""
        row = self.table.current
        return (row.request_id or str(row.id)) if row else ""


def _key_of(shown: Shown) -> object:
    state = shown.state
    return state.place, state.filters


def _request_screen(
    look: Look,
    shown: Shown,
    row: RequestRow,
    listing: Listing,
    visited: Callable[[RequestRow], None],
) -> Screen[None]:
    from costtui.tui.screens.request import RequestScreen

    return RequestScreen(look, shown, row, listing, visited)


def _source_line(look: Look, shown: Shown, row: RequestRow) -> Screen[None]:
    from costtui.tui.screens.request import source_line

    return source_line(look, shown, row)
