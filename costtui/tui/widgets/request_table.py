"""The requests behind the numbers: a list as long as the data, of which a few hundred rows around
the cursor are in memory."""

from __future__ import annotations

from textual.message import Message

from costtui.model.charge import CostBasis
from costtui.model.listing import END, NAMES, ORDERS, START, Listing, Spot, Stretch, spot_of
from costtui.model.snapshot import RequestRow
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.look import Line, Look
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.table import Column, Table

NANOSECONDS = 1_000_000_000
_FIRST = {"time": ("newest", "oldest"), "tokens": ("biggest", "smallest"),
          "cost": ("dearest", "cheapest"), "latency": ("slowest", "fastest"),
          "status": ("highest status", "lowest status"), "input": ("most input", "least input"),
          "cached": ("most cached", "least cached"), "output": ("most output", "least output"),
          "speed": ("most tok/s", "least tok/s")}  # fmt: skip
STATUS_WORDS = {"errors": "errors only", "throttled": "throttled only", "unpriced": "unpriced only"}
_NUMBERS = frozenset({"tokens", "input", "cached", "output", "latency", "speed", "cost"})


def speed(row: RequestRow) -> float | None:
    """Tokens a second that came out; None where it cannot be known."""
    out = row.output + row.reasoning
    return out * 1000 / row.latency_ms if row.latency_ms > 0 and out else None


class RequestTable(Table[RequestRow]):
    """One row a request. `stretch` is what is in memory; keys that lead out of it are remembered
    as steps that are `owed`, and the screen asks for what is there."""

    day = False
    """Show the date, too: the window is longer than a day."""

    class Jumped(Message):
        """The cursor should go to an end of the list that is not in memory."""

        def __init__(self, to: str) -> None:
            super().__init__()
            self.to = to

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(look, id=id)
        self.stretch = Stretch()
        self.listing = Listing()
        """What is shown."""
        self.wanted = Listing()
        """What has been asked for; another one than `listing` until the answer comes."""
        self.owed = 0
        """Rows that the cursor has still to go, outside of what is in memory."""
        self.jumping = ""
        """The end of the list that was asked for and has not come yet."""
        self.following = False
        self.read = False
        """Has there been an answer?"""

    def key(self, item: RequestRow) -> str:
        return str(item.id)

    # The list -------------------------------------------------------------------------------

    @property
    def spot(self) -> Spot | None:
        """Where the cursor is."""
        row = self.current
        return spot_of(row, self.listing.order) if row is not None else None

    @property
    def at_head(self) -> bool:
        """Does the cursor stand where new requests come in?"""
        if self.listing.order != "time" or self.owed:
            return False
        if self.listing.reverse:
            return self.stretch.at_end and self.cursor >= len(self.items) - 1
        return self.stretch.at_start and self.cursor == 0

    @property
    def near_edge(self) -> bool:
        """Is it time to read on?"""
        margin = len(self.items) // 4
        above = self.cursor < margin and not self.stretch.at_start
        return above or (self.cursor >= len(self.items) - margin and not self.stretch.at_end)

    def take(
        self, stretch: Stretch, listing: Listing, at: str = "", goto: Spot | None = None
    ) -> None:
        """Other rows. The cursor goes to the end `at` or to `goto`, or else stays on its request
        and on its line of the screen, or where that has gone, at its place."""
        spot, line = self.spot, self.cursor - self.scrolled
        if listing != self.listing:
            spot = None
        spot = goto or spot
        self.stretch, self.listing, self.read = stretch, listing, True
        self.items = stretch.rows
        last = max(0, len(self.items) - 1)
        if at or spot is None:
            self.cursor = last if at == END else 0
            line = 0 if self.cursor == 0 else line
        else:
            self.cursor = min(last, self._index_of(spot))
        self.scrolled = max(0, self.cursor - line)
        owed, self.owed = self.owed, 0
        self._step(owed)
        if not self.items:
            self.cursor_key = ""
        self._settle()
        self.redraw()

    def _index_of(self, spot: Spot) -> int:
        """The row of `spot`, or the one that has taken its place."""
        for index, row in enumerate(self.items):
            if row.id == spot.id:
                return index
        order, reverse = self.listing.order, self.listing.reverse
        places = (spot_of(row, order) for row in self.items)
        return sum((place < spot) if reverse else (place > spot) for place in places)

    def select(self, key: str) -> None:
        """Put the cursor on a row that is in memory."""
        for index, row in enumerate(self.items):
            if self.key(row) == key:
                self._move(index)

    # Keys -----------------------------------------------------------------------------------

    def _step(self, rows: int) -> None:
        """Move the cursor as far as there are rows; the rest is owed where there are more."""
        to = self.cursor + rows
        self.cursor = max(0, min(to, len(self.items) - 1))
        beyond = to - self.cursor
        ended = self.stretch.at_start if beyond < 0 else self.stretch.at_end
        self.owed = 0 if ended else beyond

    def _move(self, to: int) -> None:
        rows = to - self.cursor
        if self.jumping or not self.items:
            self.owed += rows
            return
        before = self.cursor
        self._step(rows + self.owed)
        if self.items:
            self.cursor_key = self.key(self.items[self.cursor])
        if self.cursor != before:
            self._settle()
            self.redraw()
        self.post_message(self.Moved(self))

    def _jump(self, to: str, *, here: bool) -> None:
        self.owed = 0
        if here and self.listing == self.wanted and not self.jumping:
            self._move(0 if to == START else len(self.items) - 1)
        else:
            # At once, so that a key right after it counts from there.
            self.jumping = to
            self.post_message(self.Jumped(to))

    def action_top(self) -> None:
        self._jump(START, here=self.stretch.at_start)

    def action_bottom(self) -> None:
        self._jump(END, here=self.stretch.at_end)

    # Drawing --------------------------------------------------------------------------------

    def columns(self, width: int) -> list[Column]:
        wide = width >= 100
        columns = [
            Column("time", "time", 14 if self.day else 8),
            Column("status", "code", 4, "right"),
            Column("model", "model", 0),
        ]
        if width >= 68:
            columns.append(
                Column("consumer", "consumer", _by(width, (200, 26), (150, 20), (100, 16), (0, 14)))
            )
        if wide:
            columns.append(Column("provider", "provider", _by(width, (150, 12), (0, 10))))
        if width >= 112:
            columns.append(Column("gateway", "gateway", _by(width, (150, 16), (0, 12))))
        if width >= 170:
            columns.append(Column("endpoint", "endpoint", _by(width, (200, 24), (0, 20))))
        if width >= 240:
            columns.append(Column("request_id", "request id", 32))
        if not wide or width >= 140 or self.listing.order == "tokens":
            columns.append(Column("tokens", "tokens", 7, "right"))
        if wide:
            columns += [
                Column("input", "input", 6, "right"),
                Column("cached", "cached", 6, "right"),
                Column("output", "output", 6, "right"),
            ]
        columns.append(Column("latency", "took", 6, "right"))
        if width >= 130:
            columns.append(Column("speed", "tok/s", 5, "right"))
        columns.append(Column("cost", "cost", 10, "right"))
        g, by = self.look.glyphs, self.listing.order
        arrow = g.sort_up if self.listing.reverse is not (by in NAMES) else g.sort_down
        return [c._replace(title=c.title + arrow) if c.id == by else c for c in columns]

    def header_role(self, column: Column) -> str:
        return "accent" if column.id == self.listing.order else "quiet"

    def title_line(self) -> Line:
        g, stretch, listing = self.look.glyphs, self.stretch, self.listing
        line = Line(self.look).put("requests", "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {self._number(stretch.total)}, {self._order_text(listing)}", "quiet")
        between = f" {g.middle} "
        if listing.status in STATUS_WORDS:
            line.put(between, "quiet").put(STATUS_WORDS[listing.status], "warn")
        if self.read and self.wanted != listing:
            line.put(between, "quiet").put("reading", "accent")
        elif stretch.done < 1:
            line.put(between, "quiet").put(f"sorting {int(stretch.done * 100)}%", "accent")
        elif stretch.stale:
            line.put(between, "quiet").put("reading again", "accent")
        elif self.following:
            line.put(between, "quiet").put("following", "ok")
        elif stretch.newer:
            line.put(between, "quiet").put(f"{stretch.newer:,} new (F)", "accent")
        return line

    @staticmethod
    def _order_text(listing: Listing) -> str:
        if listing.order in NAMES:
            return f"by {listing.order} {'Z to A' if listing.reverse else 'A to Z'}"
        return f"{_FIRST[listing.order][listing.reverse]} first"

    def orders(self) -> list[str]:
        """What the columns on screen can be sorted by, from left to right. Tokens together always
        can, and then have a column."""
        shown = {column.id for column in self.columns(self.size.width - 3)}
        return [order for order in ORDERS if order in shown or order == "tokens"]

    def note_line(self) -> Line:
        """Where in the whole list this is."""
        line = Line(self.look)
        if self.stretch.total > self._visible_rows() > 0 and self.items:
            first = self.stretch.first + self.scrolled + 1
            last = min(self.stretch.total, first + min(self._visible_rows(), len(self.items)) - 1)
            at = self.stretch.first + self.cursor + 1
            line.put(f"{self._number(at)} of {self._number(self.stretch.total)}", "text")
            line.put(f"  {first:,}-{max(first, last):,}", "quiet")
        return line

    def _number(self, number: int) -> str:
        return f"{'' if self.stretch.exact else self.look.glyphs.about}{number:,}"

    def empty_text(self) -> str:
        if not self.read:
            return "reading …"
        if self.listing.status in STATUS_WORDS:
            what = {"errors": "failed", "throttled": "was throttled", "unpriced": "is unpriced"}
            what_none = what[self.listing.status]
            return f"of the single requests that are kept, none {what_none} (s: others)"
        return "no single requests here: counters keep none, and old ones are forgotten"

    def draw(self, item: RequestRow, column: Column, line: Line) -> None:
        width = column.width
        bad = "over" if item.errors else "warn" if item.throttled else ""
        if column.id in _NUMBERS:
            self._draw_number(item, column, line)
        elif column.id == "time":
            moment = item.time_ns / NANOSECONDS
            text = fmt.time_of_day(moment, self.look.zone)
            if self.day:
                text = fmt.date_and_time(moment, self.look.zone)[5:]
            line.cell(text, width, "quiet")
        elif column.id == "status":
            text = str(item.status) if item.status else "-"
            line.cell(text, width, bad or "quiet", "right")
        elif column.id == "request_id":
            line.cell(outside(item.request_id) or NO_VALUE, width, "quiet")
        else:
            value = str(getattr(item.dims, column.id))
            text = outside(self.look.named(column.id, value)) or NO_VALUE
            role = (bad if column.id == "model" else "") or ("text" if value else "quiet")
            line.cell(text, width, role)

    def _draw_number(self, item: RequestRow, column: Column, line: Line) -> None:
        width = column.width
        match column.id:
            case "cost" if item.basis is CostBasis.UNPRICED:
                line.cell("unpriced", width, "warn", "right")
            case "cost":
                text = fmt.money(item.effective_nano, width, item.exactness, self.look.glyphs)
                line.cell(text, width, "value", "right")
            case "latency":
                line.cell(fmt.milliseconds(item.latency_ms), width, "quiet", "right")
            case "speed":
                rate = speed(item)
                text = "-" if rate is None else fmt.compact(round(rate), width)
                line.cell(text, width, "quiet", "right")
            case name:
                # disjoint: what was read from a cache, what was not, what came out
                number = {
                    "tokens": item.tokens,
                    "input": item.input + item.cache_write + item.cache_write_1h,
                    "cached": item.cache_read,
                    "output": item.output + item.reasoning,
                }[name]
                role = "text" if number else "quiet"
                line.cell(fmt.compact(number, width), width, role, "right")


def _by(width: int, *steps: tuple[int, int]) -> int:
    """The first width of a column whose threshold `width` reaches."""
    return next(cells for threshold, cells in steps if width >= threshold)
