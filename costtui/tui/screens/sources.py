"""The sources in full, the lines they could not read, the models without a price."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from costtui.model.comparison import Compared
from costtui.model.snapshot import SkippedLine, SourceStatus, UnpricedModel
from costtui.tui import format as fmt
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import cell_len, outside
from costtui.tui.data import Answer
from costtui.tui.differences import in_full, worst_first
from costtui.tui.look import Line, Look
from costtui.tui.messages import Ask
from costtui.tui.screens.help import WORDS
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet, compared, sources
from costtui.tui.shown import Shown
from costtui.tui.widgets.compared_table import ComparedTable
from costtui.tui.widgets.grid import Entry, Grid
from costtui.tui.widgets.health import Sources, differences, troubles
from costtui.tui.widgets.table import Column

LISTS = ("all-sources", "compared", "skipped", "unpriced")
COMPARED_MOST = 6
"""Rows of comparisons that are visible at once; the other lists share what is left."""


class SourcesInFull(Sources):
    """As on the overview, with everything there is room for."""

    header_from = 5

    def columns(self, width: int) -> list[Column]:
        longest = max((cell_len(outside(s.name)) for s in self.items), default=0)
        columns = [
            Column("name", "source", min(max(longest, 8), 30 if width >= 100 else width * 2 // 5)),
            *self.state_columns(),
        ]
        if width >= 100:
            # what was counted is known of now only
            columns += [] if self.past else [Column("ok", "last read", 9, "right")]
            columns.append(Column("kind", "kind", 20))
            columns += [] if self.past else [Column("records", "records", 9, "right")]
        return [*columns, Column("facts", "", 0)]

    def note_line(self) -> Line:
        """What is the matter with the source under the cursor, in full."""
        row = self.current if self.has_focus else None
        overview = self.shown.overview if self.shown else None
        facts = [*differences(row, overview)[0], *troubles(row)] if row is not None else []
        if not facts:
            return super(Sources, self).note_line()
        return Line(self.look).put(f" {self.look.glyphs.middle} ".join(facts), "warn")

    def draw(self, item: SourceStatus, column: Column, line: Line) -> None:
        match column.id:
            case "ok":
                text = fmt.time_of_day(item.last_ok, self.look.zone)
                line.cell(text, column.width, "text", "right")
            case "kind":
                role = "" if item.role == "count" else f" ({outside(item.role, 12)})"
                line.cell(outside(item.kind, 40) + role, column.width, "quiet")
            case "records":
                line.cell(fmt.count(item.records, column.width), column.width, "text", "right")
            case _:
                super().draw(item, column, line)


def skipped_entry(number: int, line: SkippedLine, look: Look) -> Entry:
    """One line that could not be read: where, why, and what it said."""
    place = outside(line.part, 200)
    place += f":{line.line}" if line.line else f" byte {line.offset:,}" if line.offset >= 0 else ""
    when = fmt.date_and_time(line.at, look.zone)[5:]
    return Entry(
        f"{number}",
        (when, outside(line.source, 40), _tail(place, 26), outside(line.reason, 120),
         outside(line.text, 200)),
        ("quiet", "text", "text", "warn", "quiet"),
        line.text,
    )  # fmt: skip


def _tail(text: str, width: int) -> str:
    """A path is told apart by its end."""
    return text if len(text) <= width else "…" + text[-(width - 1) :]


def unpriced_entry(model: UnpricedModel) -> Entry:
    """One model without a rate, and how much went through it."""
    name = f"{model.provider}/{model.model}" if model.provider else model.model
    return Entry(
        name,
        (outside(model.provider, 60) or "(none)", outside(model.model, 120) or "(none)",
         fmt.count(model.requests), fmt.compact(model.tokens),
         "add it to `pricing:` and all of its history is priced"),
        ("text", "text", "text", "text", "quiet"),
        name,
    )  # fmt: skip


class SourcesScreen(SideScreen):
    """F9."""

    where = "sources"
    title_text = "sources"
    BINDINGS = textual_bindings("sources")
    DEFAULT_CSS = "SourcesScreen.-compared #all-sources { height: 2fr; }"

    def body(self) -> ComposeResult:
        yield SourcesInFull(self.look, id="all-sources")
        yield ComparedTable(self.look, id="compared")
        yield Grid(
            self.look,
            ("when", "source", "where", "why", "text"),
            most=34,
            title="skipped lines",
            empty="none: everything could be read",
            id="skipped",
        )
        yield Grid(
            self.look,
            ("provider", "model", "requests", "tokens", ""),
            title="unpriced models",
            empty="none: every model in this window has a price",
            id="unpriced",
        )

    def on_mount(self) -> None:
        for grid in self.query(Grid):
            grid.header_from = SourcesInFull.header_from
        self.pane = LISTS[0]
        self.query_one(SourcesInFull).focus()
        self.show(self.shown)
        self.store_changed()

    def store_changed(self, *, asked: bool = True) -> None:  # noqa: ARG002 - cheap enough
        """Read the skipped lines again."""
        self.post_message(Ask("skipped", lambda data, _, __: data.skipped()))

    def show(self, shown: Shown) -> None:
        super().show(shown)
        self.query_one(SourcesInFull).show(shown)
        self._compare(shown.overview.compared if shown.overview is not None else ())
        unpriced = shown.overview.unpriced if shown.overview is not None else ()
        self.query_one("#unpriced", Grid).set_items([unpriced_entry(m) for m in unpriced])

    def _compare(self, rows: Sequence[Compared]) -> None:
        """The comparisons have a list as long as there is a source that reconciles."""
        table = self.query_one(ComparedTable)
        table.display = bool(rows)
        self.set_class(bool(rows), "-compared")
        if not rows and self.pane == table.id:
            self.action_panel(-1)
        height = min(len(rows), COMPARED_MOST if self.size.height >= 34 else 2) + 3
        if table.styles.height is None or table.styles.height.value != height:
            table.styles.height = height
        table.set_items(worst_first(rows))

    @property
    def lists(self) -> list[str]:
        """What Tab goes through."""
        return [name for name in LISTS if self.query_one(f"#{name}").display]

    def answered(self, answer: Answer) -> None:
        """The skipped lines arrived."""
        if answer.kind == "skipped" and isinstance(answer.value, list | tuple):
            lines = [skipped_entry(n, line, self.look) for n, line in enumerate(answer.value)]
            self.query_one("#skipped", Grid).set_items(lines)

    def action_panel(self, step: int) -> None:
        names = self.lists
        at = names.index(self.pane) if self.pane in names else 0
        self.pane = names[(at + step) % len(names)]
        self.query_one(f"#{self.pane}").focus(scroll_visible=False)

    def action_detail(self) -> None:
        """The whole of a row that has no room for it."""
        pane = self.query_one(f"#{self.pane}")
        if isinstance(pane, Grid):
            entry = pane.current
            facts = [c for c in entry.cells if c] if entry else []
            title = facts.pop(0) if facts else ""
        elif isinstance(pane, ComparedTable):
            title = outside(pane.current.gateway) if pane.current else ""
            facts = in_full(pane.current, self.look) if pane.current else []
        else:
            row = self.query_one(SourcesInFull).current
            row_past = self.query_one(SourcesInFull).past
            title = outside(row.name) if row else ""
            facts = [f"{outside(row.kind, 40)} at {outside(row.gateway, 80)}"] if row else []
            fine = "nothing is known of then but this" if row_past else "nothing is the matter"
            facts += (troubles(row) or [fine]) if row else []
            words = dict(WORDS)
            said = (("reset", row.resets), ("overrun", row.overruns)) if row else ()
            facts += [f"{word}: {words[word]}" for word, number in said if number]
        if facts:
            self.app.clear_notifications()
            self.app.notify("\n".join(facts), title=title, timeout=20, markup=False)

    def value(self) -> str:
        """What `y` copies."""
        pane = self.query_one(f"#{self.pane}")
        if isinstance(pane, Grid):
            return pane.current.value if pane.current else ""
        if isinstance(pane, ComparedTable):
            return pane.current.gateway if pane.current else ""
        row = self.query_one(SourcesInFull).current
        return (row.error or row.name) if row else ""

    def sheet(self) -> Sheet | None:
        """What `e` writes."""
        if self.shown.overview is None:
            return None
        view = self.shown.overview.view
        pane = self.query_one(f"#{self.pane}")
        if isinstance(pane, ComparedTable):
            return compared(view, pane.items)
        if not isinstance(pane, Grid):
            return sources(view, self.query_one(SourcesInFull).items)
        columns = tuple(t or "note" for t in pane.titles)
        return Sheet(self.pane, columns, tuple(e.cells for e in pane.items), view)
