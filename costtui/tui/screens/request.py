"""One request: everything that is known about it, and where it was read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from textual.app import ComposeResult

from costtui.model.charge import CostBasis
from costtui.model.listing import Listing, Stretch, spot_of
from costtui.model.money import NANO, decimal_text, divide_half_even
from costtui.model.snapshot import RequestRow
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import format as fmt
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside, squeezed
from costtui.tui.data import Answer
from costtui.tui.look import Line, Look
from costtui.tui.messages import Ask, Push
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet, requests
from costtui.tui.shown import Shown
from costtui.tui.widgets.grid import Entry, Grid
from costtui.tui.widgets.request_table import NANOSECONDS, speed
from costtui.tui.widgets.table import Column

BASIS = {
    CostBasis.UNPRICED: "unpriced: no rate is known for this model (the sources screen lists them)",
    CostBasis.REPORTED: "reported by the source",
    CostBasis.COMPUTED: "computed: tokens × rate",
    CostBasis.ESTIMATED: "estimated: priced per request, or the source's own guess",
}
READ_FROM = "read from"
MOST_ATTRIBUTES = 300
"""Attributes of one request that are listed."""
MOST_NESTED = 8
"""Levels of nesting that are taken apart; what is deeper stays JSON."""
MOST_AT_ONCE = 200
"""Rows further in the list that one question goes."""
_MILLION = 1_000_000
Fact = tuple[str, str, str]
"""Name, value, role."""


def entries(row: RequestRow, look: Look, path: str = "") -> list[Entry]:
    """The record as name and value, in the order one asks for it. `path` is where its log is."""
    dims = row.dims
    name = look.consumer(dims.consumer)
    if name:
        dims = dims._replace(consumer=f"{name} ({dims.consumer})")
    moment = fmt.date_and_time(row.time_ns / NANOSECONDS, look.zone)
    facts: list[Fact] = [("time", f"{moment}.{row.time_ns % NANOSECONDS:09d}", "text")]
    facts += _money(row)
    facts += [(name, value or "(none)", "text" if value else "quiet")
              for name, value in zip(dims._fields, dims, strict=True)]  # fmt: skip
    facts += _work(row)
    facts.append(("request id", row.request_id or "-", "text"))
    facts.append(("source", row.source, "text"))
    if row.part:
        log = path or row.part
        at = f"{log} at byte {row.offset:,}" if row.offset >= 0 else log
        facts.append((READ_FROM, at, "text"))
    facts += [(name, value, "text") for name, value in attributes(row.attrs)]
    return [
        Entry(f"{number} {name}", (outside(name, 60), outside(value, _most(name))),
              ("quiet", role), value)
        for number, (name, value, role) in enumerate(facts)
    ]  # fmt: skip


def _most(name: str) -> int:
    """Characters of a value that are drawn at most; of a path the end matters."""
    return 4096 if name == READ_FROM else 400


def _money(row: RequestRow) -> Iterator[Fact]:
    """The cost, how it came about, and what that is per million tokens."""
    yield (
        "cost",
        _usd(row.effective_nano) if row.basis else "unpriced",
        ("value" if row.basis else "warn"),
    )
    yield "how", BASIS[CostBasis(row.basis)], "quiet"
    listed, reported = row.list_nano, row.reported_nano
    yield "list cost", "-" if listed is None else _usd(listed), "text"
    yield "reported cost", "-" if reported is None else _usd(reported), "text"
    if row.tokens and row.basis:
        yield "per 1M tokens", _rate(row.effective_nano, row.tokens), "text"
    if row.tokens and listed is not None and row.basis and listed != row.effective_nano:
        yield "list per 1M", _rate(listed, row.tokens), "text"
    if listed and row.basis:
        off = fmt.change(row.effective_nano, listed)
        same = row.effective_nano == listed
        yield "against list", "the list price" if same else off, "quiet" if same else "warn"
    if row.tier:
        tier = "base tier assumed" if row.tier < 0 else f"above {row.tier:,} input tokens"
        yield "tier", tier, "text"


def _work(row: RequestRow) -> Iterator[Fact]:
    """How it went, how long it took, and its tokens: each kind with its share, together the sum."""
    status = "429 throttled" if row.throttled else str(row.status or "-")
    yield "status", status, "over" if row.errors else "warn" if row.throttled else "text"
    yield "took", fmt.milliseconds(row.latency_ms), "text"
    rate = speed(row)
    if rate is not None:
        yield "output speed", f"{rate:,.1f} tokens/s, of all the time it took", "text"
    for kind in TOKEN_TYPES:
        number = int(getattr(row, kind))
        part = f"  {fmt.share(number, row.tokens)}" if number and row.tokens else ""
        yield kind.replace("_", " "), f"{number:,}{part}", "text" if number else "quiet"
    yield "tokens", f"{row.tokens:,}", "value"


def _usd(nano: int) -> str:
    return f"${decimal_text(nano)}"


def _rate(nano: int, tokens: int) -> str:
    """The price that all kinds of tokens of a request have come to."""
    parts = divide_half_even(nano * _MILLION, tokens * NANO // 10_000)
    return (
        f"${parts // 10_000:,}.{parts % 10_000:04} = {_usd(nano)} / {tokens:,} tokens, "
        "all kinds together"
    )


def attributes(text: str) -> list[tuple[str, str]]:
    """What else the source said, nested keys one a line; as it is where it is not a JSON object."""
    if not text:
        return []
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return [("attributes", text)]
    if not isinstance(data, dict):
        return [("attributes", text)]
    found: list[tuple[str, str]] = []
    for name, value in _leaves("", data, MOST_NESTED):
        if len(found) == MOST_ATTRIBUTES:
            return [*found, ("…", f"more than {MOST_ATTRIBUTES} attributes")]
        found.append((name, value))
    return found


def _leaves(name: str, value: object, levels: int) -> Iterator[tuple[str, str]]:
    inside: list[tuple[str, object]] = []
    if levels and isinstance(value, dict):
        inside = [(f"{name}.{key}" if name else str(key), each) for key, each in value.items()]
    elif levels and isinstance(value, list) and any(isinstance(v, dict | list) for v in value):
        inside = [(f"{name}[{at}]", each) for at, each in enumerate(value)]
    if not inside:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for key, each in inside:
        yield from _leaves(key, each, levels - 1)


class Record(Grid):
    """The record, with its place in the list."""

    header_from = 1_000_000
    """Its columns have no titles."""
    place = ""

    def title_line(self) -> Line:
        return super().title_line().put(f" {self.place}" if self.place else "", "quiet")

    def draw(self, item: Entry, column: Column, line: Line) -> None:
        if item.cells[0] == READ_FROM and column.id == "1":
            text = squeezed(item.cells[1], column.width, self.look.glyphs.cut)
            item = item._replace(cells=(READ_FROM, text))
        super().draw(item, column, line)


class RequestScreen(SideScreen):
    """The record of one request, and from there that of the next one of its list."""

    where = "request"
    title_text = "request"
    BINDINGS = textual_bindings("request")

    def __init__(
        self,
        look: Look,
        shown: Shown,
        row: RequestRow,
        listing: Listing,
        visited: Callable[[RequestRow], None],
    ) -> None:
        """`listing` is the list it is from; `visited` is told each request that is shown."""
        super().__init__(look, shown)
        self.row = row
        self.forgotten = False
        self._listing = listing
        self._visited = visited
        self._owed = 0
        self._asking = False
        self._paths: dict[tuple[str, str], str] = {}
        """(source, part) → the path of the log; `""` while it is asked for, and where it is not
        known."""

    def body(self) -> ComposeResult:
        yield Record(self.look, ("", ""), title="request", most=32, counted=False, id="record")

    @property
    def record(self) -> Record:
        return self.query_one(Record)

    def on_mount(self) -> None:
        self.record.focus()
        self._fill()
        # The list may have been read a while ago: is it still there, at this price?
        self._ask(0)

    def _fill(self) -> None:
        grid, line, row = self.record, self.record.cursor, self.row
        log = row.source, row.part
        if row.part and log not in self._paths:
            self._paths[log] = ""
            source = row.source
            self.post_message(Ask("log", lambda data, _, __: data.checkpoint(source), row))
        grid.set_items(entries(row, self.look, self._paths.get(log, "")))
        grid.select(grid.key(grid.items[min(line, len(grid.items) - 1)]))

    # The list -------------------------------------------------------------------------------

    def _ask(self, step: int) -> None:
        """Read what stands around this request, to go `step` rows further in the list."""
        self._asking = True
        at, listing = spot_of(self.row, self._listing.order), self._listing
        limit = 2 * abs(step) + 2
        identity = self.row.id
        self.post_message(
            Ask(
                "neighbours",
                lambda data, view, _: (
                    data.request(identity), data.request_list(view, listing, at, limit)
                ),
                (at, step),
            )
        )  # fmt: skip

    def action_neighbour(self, step: int) -> None:
        self._owed += step
        if not self._asking:
            self._go_on()

    def _go_on(self) -> None:
        step = max(-MOST_AT_ONCE, min(MOST_AT_ONCE, self._owed))
        self._owed -= step
        if step:
            self._ask(step)

    def answered(self, answer: Answer) -> None:
        """The record as it is now and its neighbours, or where its log is."""
        if answer.kind == "log" and isinstance(answer.tag, RequestRow):
            self._found_log(answer.tag, answer.value)
            return
        if answer.kind != "neighbours" or not isinstance(answer.value, tuple):
            return
        now, stretch = answer.value
        at, step = answer.tag if isinstance(answer.tag, tuple) else (None, 0)
        if at != spot_of(self.row, self._listing.order) or not isinstance(stretch, Stretch):
            return
        if stretch.done < 1:
            self._ask(step)
            return
        self._asking = False
        if step:
            self._show(stretch, step)
        else:
            self._renew(now, stretch)
        self._go_on()

    def _found_log(self, row: RequestRow, checkpoint: object) -> None:
        from costtui.sources.jsonl.logline import seen_at

        if isinstance(checkpoint, list | tuple) and row.offset >= 0:
            self._paths[row.source, row.part] = seen_at(checkpoint, row.part, row.offset)
            self._fill()

    def _renew(self, now: object, stretch: Stretch) -> None:
        grid = self.record
        if isinstance(now, RequestRow):
            changed, self.row = now != self.row, now
            if changed:
                self._fill()
        else:
            self.forgotten = True
        self._place(stretch)
        grid.redraw()

    def _show(self, stretch: Stretch, step: int) -> None:
        rows = stretch.rows
        here = next((n for n, row in enumerate(rows) if row.id == self.row.id), None)
        to = -1 if here is None else max(0, min(here + step, len(rows) - 1))
        if to < 0 or rows[to].id == self.row.id:
            end = "last" if step > 0 else "first"
            self._owed = 0
            self.notify(f"This is the {end} request of the list.", timeout=2, markup=False)
            return
        self.row, self.forgotten = rows[to], False
        self._visited(self.row)
        self._place(stretch)
        self._fill()

    def _place(self, stretch: Stretch) -> None:
        at = next((n for n, r in enumerate(stretch.rows) if r.id == self.row.id), None)
        about = "" if stretch.exact else self.look.glyphs.about
        if self.forgotten:
            self.record.place = "has been forgotten meanwhile"
        elif at is None:
            self.record.place = "no longer in the list"
        else:
            self.record.place = f"{about}{stretch.first + at + 1:,} of {about}{stretch.total:,}"

    # Keys -----------------------------------------------------------------------------------

    def action_detail(self) -> None:
        """The whole of a value that has no room in its line."""
        entry = self.record.current
        if entry is not None:
            name, value = entry.cells[0], entry.value
            self.post_message(Push(lambda look, shown: _full_text(look, shown, name, value)))

    def action_source_line(self) -> None:
        row = self.row
        self.post_message(Push(lambda look, shown: source_line(look, shown, row)))

    def value(self) -> str:
        """What `y` copies."""
        entry = self.record.current
        return entry.value if entry else ""

    def sheet(self) -> Sheet | None:
        """What `e` writes: the request in one row, in the columns of the list."""
        overview = self.shown.overview
        if overview is None:
            return None
        return requests(overview.view, [self.row], self.look.consumer, "request")


def _full_text(look: Look, shown: Shown, name: str, value: str) -> SideScreen:
    from costtui.tui.screens.full_text import FullTextScreen

    return FullTextScreen(look, shown, name, value)


def source_line(look: Look, shown: Shown, row: RequestRow) -> SideScreen:
    """The screen of the line that `row` was read from."""
    from costtui.tui.screens.source_line import SourceLineScreen

    return SourceLineScreen(look, shown, row)
