"""One request: everything that is known about it, and where it was read."""

from __future__ import annotations

import json

from textual.app import ComposeResult

from costtui.model.charge import CostBasis
from costtui.model.money import decimal_text
from costtui.model.snapshot import RequestRow
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet, requests
from costtui.tui.shown import Shown
from costtui.tui.widgets.grid import Entry, Grid
from costtui.tui.widgets.request_table import NANOSECONDS

BASIS = {
    CostBasis.UNPRICED: "unpriced: no rate is known for this model (the sources screen lists them)",
    CostBasis.REPORTED: "reported by the source",
    CostBasis.COMPUTED: "computed: tokens × rate",
    CostBasis.ESTIMATED: "estimated: priced per request, or the source's own guess",
}


def entries(row: RequestRow, look: Look) -> list[Entry]:
    """The record as name and value, in the order one asks for it."""
    moment = fmt.date_and_time(row.time_ns / NANOSECONDS, look.zone)
    facts: list[tuple[str, str, str]] = [
        ("time", f"{moment}.{row.time_ns % NANOSECONDS:09d}", "text"),
        ("cost", _usd(row.effective_nano) if row.basis else "unpriced",
         "value" if row.basis else "warn"),
        ("how", BASIS[CostBasis(row.basis)], "quiet"),
        ("list cost", "-" if row.list_nano is None else _usd(row.list_nano), "text"),
        ("reported cost", "-" if row.reported_nano is None else _usd(row.reported_nano), "text"),
    ]  # fmt: skip
    if row.tier:
        tier = "base tier assumed" if row.tier < 0 else f"above {row.tier:,} input tokens"
        facts.append(("tier", tier, "text"))
    dims = row.dims
    name = look.consumer(dims.consumer)
    if name:
        dims = dims._replace(consumer=f"{name} ({dims.consumer})")
    facts += [(name, value or "(none)", "text" if value else "quiet")
              for name, value in zip(dims._fields, dims, strict=True)]  # fmt: skip
    status = "429 throttled" if row.throttled else str(row.status or "-")
    facts.append(("status", status, "over" if row.errors else "warn" if row.throttled else "text"))
    facts.append(("took", fmt.milliseconds(row.latency_ms), "text"))
    for kind in ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning"):
        number = getattr(row, kind)
        facts.append((kind.replace("_", " "), f"{number:,}", "text" if number else "quiet"))
    facts.append(("tokens", f"{row.tokens:,}", "value"))
    facts.append(("request id", row.request_id or "-", "text"))
    facts.append(("source", row.source, "text"))
    if row.part:
        at = f"{row.part} at byte {row.offset:,}" if row.offset >= 0 else row.part
        facts.append(("read from", at, "text"))
    facts += [(name, value, "text") for name, value in _attributes(row.attrs)]
    return [
        Entry(f"{number} {name}", (outside(name, 60), outside(value, 400)), ("quiet", role), value)
        for number, (name, value, role) in enumerate(facts)
    ]


def _usd(nano: int) -> str:
    return f"${decimal_text(nano)}"


def _attributes(text: str) -> list[tuple[str, str]]:
    """What else the source said; as it is where it is not a JSON object."""
    if not text:
        return []
    try:
        data = json.loads(text)
    except ValueError:
        return [("attributes", text)]
    if not isinstance(data, dict):
        return [("attributes", text)]
    return [(str(k), v if isinstance(v, str) else json.dumps(v)) for k, v in data.items()]


class RequestScreen(SideScreen):
    """The record of one request."""

    where = "request"
    title_text = "request"

    def __init__(self, look: Look, shown: Shown, request: int) -> None:
        super().__init__(look, shown)
        self.request = request
        self.row: RequestRow | None = None

    def body(self) -> ComposeResult:
        yield Grid(self.look, ("", ""), title="request", empty="reading …", counted=False,
                   id="record")  # fmt: skip

    def on_mount(self) -> None:
        self.query_one(Grid).focus()
        identity = self.request
        # False and not None: no answer is no news
        self.post_message(
            Ask("request", lambda data, _, __: data.request(identity) or False, identity)
        )

    def value(self) -> str:
        """What `y` copies."""
        entry = self.query_one(Grid).current
        return entry.value if entry else ""

    def sheet(self) -> Sheet | None:
        """What `e` writes: the request in one row, in the columns of the list."""
        overview = self.shown.overview
        if self.row is None or overview is None:
            return None
        return requests(overview.view, [self.row], self.look.consumer, "request")

    def answered(self, answer: Answer) -> None:
        """The record arrived; None says that it has been forgotten meanwhile."""
        grid = self.query_one(Grid)
        if answer.kind == "request" and answer.tag == self.request:
            if isinstance(answer.value, RequestRow):
                self.row = answer.value
                grid.set_items(entries(answer.value, self.look))
            else:
                grid.empty = "this request has been forgotten meanwhile"
                grid.redraw()
