"""Findings, the most money first: what, about whom, and what is at stake."""

from __future__ import annotations

from collections.abc import Iterator

from textual.geometry import Size

from costtui.analysis.advice import Advice, Finding, Kind
from costtui.model.charge import Exactness
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line, frame
from costtui.tui.shown import Shown, nothing_matches
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.notice import wrapped
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.table import Column, Table

ROLES = {Kind.UNPRICED: "warn", Kind.OVER_LIST: "over", Kind.UNDER_LIST: "ok",
         Kind.FAILURES: "warn", Kind.CACHE_SHARE: "text", Kind.CACHE_WRITES: "text"}  # fmt: skip


class FindingTable(Table[Finding]):
    """One line a finding; the cursor's one is told in full below."""

    header_from = 5
    shown: Shown | None = None
    advice: Advice | None = None

    def show(self, shown: Shown, advice: Advice | None) -> None:
        self.shown, self.advice = shown, advice
        self.set_items(advice.findings if advice is not None else ())

    def key(self, item: Finding) -> str:
        return f"{item.kind.value} {item.subject}"

    def subject(self, item: Finding) -> str:
        """Whom it is about: the names as people know them."""
        names = [
            outside(self.look.named(d, v), 60) or f"{d} {NO_VALUE}"
            for d, v in item.subject
            if v or d != "provider"
        ]
        return f" {self.look.glyphs.middle} ".join(names)

    def stake(self, item: Finding, width: int) -> str:
        if item.stake_nano is None:
            return "unknown"
        return fmt.money(item.stake_nano, width, item.exactness, self.look.glyphs)

    def columns(self, width: int) -> list[Column]:
        wide = width >= 150
        longest = max((cell_len(self.subject(f)) for f in self.items), default=0)
        about = min(max(longest, 5), width * 2 // 5) if wide else 0
        columns = [Column("stake", "at stake", 10, "right"), Column("kind", "what", 15),
                   Column("subject", "about", about)]  # fmt: skip
        if wide:
            columns.append(Column("seen", "", 0))
        if width >= 70:
            columns.append(Column("tokens", "tokens", 7, "right"))
        if width >= 90:
            columns.append(Column("sure", "how sure", 8))
        return columns

    def draw(self, item: Finding, column: Column, line: Line) -> None:
        width = column.width
        match column.id:
            case "stake":
                role = "value" if item.stake_nano else "quiet"
                line.cell(self.stake(item, width), width, role, "right")
            case "kind":
                line.cell(item.kind.value, width, ROLES[item.kind])
            case "subject":
                line.cell(self.subject(item), width)
            case "seen":
                line.cell(item.what, width, "quiet")
            case "tokens":
                line.cell(fmt.compact(item.tokens, width), width, "text", "right")
            case "sure":
                line.cell(item.sure, width, "quiet")

    def title_line(self) -> Line:
        line = Line(self.look).put("advice", "focus-title" if self.has_focus else "title")
        if self.items:
            line.put(f" {len(self.items)}", "quiet")
            sure = sum(f.stake_nano or 0 for f in self.items)
            if sure:
                g = self.look.glyphs
                stake = fmt.money(sure, 12, Exactness.ESTIMATE, g)
                line.put(f" {g.middle} {stake} at stake in this window", "quiet")
        return line

    def empty_text(self) -> str:
        if self.advice is None:
            return "looking …"
        if not self.advice.models:
            why = nothing_matches(self.shown.state, self.look.named) if self.shown else ""
            return why or "nothing was used in this window: there is nothing to judge"
        return "nothing is worth a look in this window"


class FindingNote(Lines):
    """The finding under the cursor in full; without one, what was looked at."""

    DEFAULT_CSS = "FindingNote { height: 8; }"

    finding: Finding | None = None
    table: FindingTable | None = None

    def lines(self, size: Size) -> list[Line]:
        title = Line(self.look)
        body: list[Line] = []
        note = Line(self.look)
        finding, table = self.finding, self.table
        if finding is not None and table is not None:
            title.put(finding.kind.value, "title")
            body = list(self._finding(finding, table, size.width - 14))
            if finding.line:
                note.put("y", "key").put(" copies the line for pricing:", "quiet")
        elif table is not None and table.advice is not None:
            title.put("what was looked at", "title")
            body = [Line(self.look).put(f" {text}", role)
                    for whole, role in looked_at(table.advice)
                    for text in wrapped(whole, size.width - 4)]  # fmt: skip
        return frame(self.look, body, *size, title=title, note=note, focus=False)

    def _finding(self, finding: Finding, table: FindingTable, width: int) -> Iterator[Line]:
        facts = [("about", table.subject(finding), "value"), ("seen", finding.what, "text")]
        if finding.stake_nano is None:
            stake, role = "unknown: nobody has a price for it", "quiet"
            if finding.kind is Kind.FAILURES:
                stake = "unknown: what failed was not charged here, or cannot be told apart"
        else:
            stake, role = table.stake(finding, 16) + f" in this window ({finding.sure})", "value"
            if not finding.stake_nano:
                stake, role = "nothing: less was paid than list price", "quiet"
        facts.append(("stake", stake, role))
        facts.append(("do", finding.todo, "text"))
        if finding.line:
            facts.append(("pricing:", outside(finding.line, 400), "key"))
        for label, text, role in facts:
            for at, piece in enumerate(wrapped(text, width)):
                line = Line(self.look).put(" ").cell("" if at else label, 9, "quiet")
                yield line.put(piece, role)


def looked_at(advice: Advice) -> Iterator[tuple[str, str]]:
    """What the engine has gone through, in words."""
    counts = (
        (advice.models, "model"),
        (advice.consumers, "consumer"),
        (advice.gateways, "gateway"),
    )
    words = [f"{n:,} {name}{'' if n == 1 else 's'}" for n, name in counts]
    yield f"{words[0]}, {words[1]} and {words[2]} with usage in this window.", "text"
    yield ("Usage without a price; gateways whose own money is 2% or more off list price; "
           "consumers of whose requests 5% fail; a share of cache reads far below others with the "
           "same model; cache writes that cost more than they saved. Less than a cent is left "
           "out.", "quiet")  # fmt: skip
    if not advice.failures_priced:
        yield "What failed requests cost is only looked up in windows of a day or less.", "quiet"
    yield "What another model would have cost: F8 and =. Nothing is said about quality.", "quiet"
