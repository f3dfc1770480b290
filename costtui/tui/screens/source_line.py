"""The line of a log that a request was read from, where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from costtui.model.safetext import redact
from costtui.model.snapshot import RequestRow
from costtui.tui import format as fmt
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import cell_len, outside, squeezed
from costtui.tui.data import Answer
from costtui.tui.look import Look
from costtui.tui.messages import Ask
from costtui.tui.screens.full_text import pretty
from costtui.tui.screens.side import SideScreen
from costtui.tui.sheet import Sheet
from costtui.tui.shown import Shown
from costtui.tui.widgets.text import Paragraph, TextView

if TYPE_CHECKING:
    from costtui.sources.jsonl.logline import LogLine

NO_LINE = "This request was not read from a log: counters and series keep no lines."


class SourceLineScreen(SideScreen):
    """Looks for the line in a thread of its own: a log may be on a slow disk, or compressed."""

    where = "line"
    title_text = "source line"
    BINDINGS = textual_bindings("line")

    def __init__(self, look: Look, shown: Shown, row: RequestRow) -> None:
        super().__init__(look, shown)
        self.row = row
        self.found: LogLine | str | None = None
        self.pretty = False

    def body(self) -> ComposeResult:
        yield TextView(self.look, "source line", id="line")

    @property
    def view(self) -> TextView:
        return self.query_one(TextView)

    def on_mount(self) -> None:
        self.view.focus()
        row = self.row
        if not row.part or row.offset < 0:
            self._say(NO_LINE)
            return
        self._say(f"looking for byte {row.offset:,} of {row.part} …")
        source = row.source
        self.post_message(Ask("checkpoint", lambda data, _, __: data.checkpoint(source), row.id))

    def answered(self, answer: Answer) -> None:
        """What the source remembers: where to look."""
        if answer.kind == "checkpoint" and answer.tag == self.row.id:
            known = answer.value
            if isinstance(known, list | tuple):
                self.run_worker(lambda: self._look(known), thread=True, exclusive=True)

    def _look(self, known: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> None:
        from costtui.sources.jsonl.logline import Wanted, find

        row = self.row
        wanted = Wanted(row.part, row.offset, row.time_ns, row.request_id)
        found = find(known, wanted)
        if self.is_attached:
            self.app.call_from_thread(self._take, found)

    def _take(self, found: LogLine | str) -> None:
        self.found = found
        if isinstance(found, str):
            self._say(f"The line cannot be shown: {found}.", "warn")
        else:
            self._draw(found)

    def _say(self, text: str, role: str = "quiet") -> None:
        self.view.set_text([Paragraph(text, role)])

    def _draw(self, found: LogLine) -> None:
        g = self.look.glyphs
        between = f" {g.middle} "
        facts = [
            f"byte {found.offset:,}" + (" of its text" if found.packed else ""),
            fmt.size(found.length) + (" or more" if found.more else ""),
        ]
        view = self.view
        path = outside(found.path, 4096)
        # in the frame as far as it fits, and whole above the lines where it does not
        room = self.view.size.width - 7 - sum(cell_len(between + fact) for fact in facts)
        short = squeezed(path, max(16, room), g.cut)
        view.title = between.join((short, *facts))
        whole = [] if short == path else [Paragraph(found.path, "accent")]
        view.note = f"the same {found.proof}" if found.proof else ""
        text = self._line(found)
        doubt = [] if found.proof else [Paragraph(self._doubt(found), "over")]
        if self.pretty:
            at = 0
            rows = whole + doubt + [Paragraph(line, "value") for line in pretty(text).split("\n")]
        else:
            rows = [Paragraph(_text(line), "quiet", cut=True) for line in found.before]
            rows += whole
            at = len(rows)
            rows += doubt  # beside the line, where it cannot be scrolled out of sight
            rows.append(Paragraph(text, "value" if found.proof else "warn", marked=True))
            if found.length > len(found.line):
                left = fmt.size(found.length - len(found.line))
                rows.append(Paragraph(f"  ({left} more of this line)", "warn"))
            rows += [Paragraph(_text(line), "quiet", cut=True) for line in found.after]
        view.set_text(rows, at)

    def _doubt(self, found: LogLine) -> str:
        row = self.row
        what = f"request {row.request_id}" if row.request_id else "this request"
        if found.more:
            return f"The line is too long to see whether it is {outside(what, 100)}."
        return (
            f"These bytes are not {outside(what, 100)}: neither its id nor its timestamp is in "
            "them. The file was written anew, and no other holds the line."
        )

    @staticmethod
    def _line(found: LogLine) -> str:
        return _text(found.line)

    def action_pretty(self) -> None:
        """The line as it is, or one key a line."""
        if self.found is not None and not isinstance(self.found, str):
            self.pretty = not self.pretty
            self._draw(self.found)

    def value(self) -> str:
        """What `y` copies: the line."""
        if self.found is None or isinstance(self.found, str):
            return ""
        return self._line(self.found)

    def sheet(self) -> Sheet | None:
        """What `e` writes: the line and where it is."""
        found, overview = self.found, self.shown.overview
        if overview is None or found is None or isinstance(found, str):
            return None
        columns = ("path", "offset", "bytes", "same", "request_id", "line")
        row = (found.path, found.offset, found.length, found.proof or None,
               self.row.request_id, self._line(found))  # fmt: skip
        return Sheet("source-line", columns, (row,), overview.view)


def _text(line: bytes) -> str:
    """A line that may be shown and copied: without what may open a door."""
    return redact(line.decode("utf-8", "replace").rstrip("\r"))
