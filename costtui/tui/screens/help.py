"""All keys, from the one table of bindings, and what the words on screen mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult

from costtui.tui.bindings import Key, by_group, textual_bindings
from costtui.tui.look import Line, Look
from costtui.tui.screens.side import SideScreen, Title
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.widgets.grid import Entry, Grid
from costtui.tui.widgets.notice import wrapped

MARKS = (
    ("≥", "a lower bound: something in it is unpriced, or a counter was lost in a reset"),
    ("~", "an estimate: priced per request, or projected"),
    ("unpriced", "no rate is known; it is counted in tokens and requests, never as $0"),
    ("·", "a gap: nothing arrived because a source was down; zero is blank"),
)
WORDS = (
    ("spend", "what the window cost, by each source's own policy: reported or computed"),
    ("burn", "dollars an hour, of the last hour"),
    ("month end, →", "what this month will have cost: the forecast (F6), with its band"),
    ("pace", "that at the mean of the last seven days; stands there until the forecast is made"),
    ("cached", "tokens read from a cache; what was written to one is input (F8 has every kind)"),
    ("cache hit", "the part of the input that was read from a cache"),
    ("vs, +12%", "against the same length of time before"),
    ("list cost", "tokens × published rates, kept beside what a gateway reports"),
    ("late, down", "a source that is overdue, and one whose reads fail"),
    ("reset", "a counter fell, as in a restart: what it had counted unread is lost, so ≥"),
    ("overrun", "a read left out because the one before still ran: slow, or too short an interval"),
    ("STALE", "no collector runs, so nothing new can arrive"),
    ("reconcile", "a second source for the same traffic: compared, never added"),
    ("consumer", "who spent it: a person, a key or a service; team and org by your mapping"),
)


def entries(where: str, keys: Iterable[Key]) -> list[Entry]:
    """What has focus first: the keys of the screen `where`, of its lists, then those that are
    everywhere, then the rest; at the end marks and words."""
    keys = list(keys)
    own = [k for k in keys if where in k.where.split(",")]
    rows = [*_section(f"On {_called(where)}", own)] if own else []
    rows += _section("In a list", [k for k in keys if "table" in k.where.split(",")])
    for group, some in by_group("app", keys=keys):
        rows += _section(group, [k for k in some if "app" in k.where.split(",") and k not in own])
    others = [k for k in keys if k not in own and not {"app", "table"} & set(k.where.split(","))]
    rows += _section("On other screens", others, told=True)
    rows += _words("Marks", MARKS, "warn")
    rows += _words("Words", WORDS, "value")
    return rows


def _called(where: str) -> str:
    return f"the {where}" if where == "overview" else f"{where}"


def _section(title: str, keys: Iterable[Key], *, told: bool = False) -> list[Entry]:
    """A heading and its keys; `told` adds the screens that they are on."""
    rows = []
    for k in keys:
        where = f" ({k.where.replace(',', ', ')})" if told else ""
        cells = (f"  {k.written or 'no key'}", k.label, f"{k.tooltip}{where}")
        role = "key" if k.written else "faint"
        rows.append(Entry(k.id, cells, (role, "text", "quiet"), k.id))
    return [Entry(f"= {title}", (title, "", ""), ("title", "text", "text")), *rows] if rows else []


def _words(title: str, rows: Iterable[tuple[str, str]], role: str) -> list[Entry]:
    head = Entry(f"= {title}", (title, "", ""), ("title", "text", "text"))
    return [head, *(Entry(f"{title} {word}", (f"  {word}", "", what), (role, "text", "quiet"), word)
                    for word, what in rows)]  # fmt: skip


def narrowed(rows: list[Entry], text: str) -> list[Entry]:
    """The rows that have every word of `text`, under their headings."""
    words = text.lower().split()
    if not words:
        return rows
    kept: list[Entry] = []
    heading: Entry | None = None
    for row in rows:
        if row.key.startswith("= "):
            heading = row
        elif all(w in f"{' '.join(row.cells)} {row.key}".lower() for w in words):
            kept += [heading] if heading is not None else []
            kept.append(row)
            heading = None
    return kept


class HelpGrid(Grid):
    """Rows under headings, narrowed to some, each with all of its text."""

    narrow = ""
    rows: Sequence[Entry] = ()
    _filled_for = -1

    def fill(self, rows: Sequence[Entry]) -> None:
        """Show these; what is too long goes on in the next line."""
        self.rows, self._filled_for = rows, self.size.width
        super().set_items(rows)
        inner = self.size.width - 3
        used = sum(column.width + 1 for column in self.columns(inner)[:-1])
        super().set_items([part for row in rows for part in _in_full(row, inner - used - 1)])

    def on_resize(self) -> None:
        if self.size.width != self._filled_for:
            self.fill(self.rows)

    def title_line(self) -> Line:
        line = super().title_line()
        return line.put(f"  with “{self.narrow}”", "accent") if self.narrow else line


def _in_full(row: Entry, room: int) -> Iterable[Entry]:
    *first, last = row.cells
    parts = wrapped(last, max(16, room)) or [""]
    yield row._replace(cells=(*first, parts[0]))
    for number, part in enumerate(parts[1:], 1):
        yield row._replace(key=f"{row.key} {number}", cells=(*("" for _ in first), part))


class HelpScreen(SideScreen):
    """`?`, for what was on screen."""

    where = "help"
    title_text = "help"
    BINDINGS = textual_bindings("help")

    def __init__(self, look: Look, of: str) -> None:
        super().__init__(look, Shown(State()))
        self.of = of
        self._rows = entries(of, look.keys)

    def body(self) -> ComposeResult:
        yield HelpGrid(self.look, ("key", "does", ""), title=f"keys: {self.of}", counted=False,
                       empty="no key and no word has this", id="help")  # fmt: skip

    def on_mount(self) -> None:
        self.query_one(Title).shown = None
        grid = self.query_one(HelpGrid)
        grid.rows = self._rows
        grid.focus()

    def narrow(self, text: str) -> None:
        """Keep what has these words."""
        grid = self.query_one(HelpGrid)
        grid.narrow = " ".join(text.split())
        grid.cursor, grid.cursor_key, grid.scrolled = 0, "", 0
        grid.fill(narrowed(self._rows, text))

    def show(self, shown: Shown) -> None:
        """Help shows no data."""
