"""Which dimension: a list over the screen, narrowed by typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.events import Key

from costtui.model.cross import DimensionUse
from costtui.tui import format as fmt
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside
from costtui.tui.data import Answer
from costtui.tui.look import Line, Look
from costtui.tui.messages import Ask
from costtui.tui.screens.overlay import Overlay
from costtui.tui.shown import Shown
from costtui.tui.spark import bar
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.table import Column, Table

UNKNOWN = -1
"""Nobody has counted yet."""


class Choices(Table[DimensionUse]):
    """Dimensions whose names contain what was typed."""

    header_from = 4
    every: Sequence[DimensionUse] = ()
    typed = ""
    axis = ""
    axes = 1
    """How many things there are to choose for."""
    taken = ""
    """The dimension that is chosen now."""

    def show(self, every: Sequence[DimensionUse]) -> None:
        self.every = every
        wanted = self.typed.casefold()
        found = [use for use in every if wanted in use.dimension.casefold()]
        # What begins with it first, so that Enter after three letters takes what was meant.
        found.sort(key=lambda use: not use.dimension.casefold().startswith(wanted))
        self.set_items(found if wanted else every)

    def type(self, text: str) -> None:
        self.typed, self.cursor, self.cursor_key, self.scrolled = text, 0, "", 0
        self.show(self.every)

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """Letters are text here, and not keys of the app."""
        return character is not None and character.isprintable()

    def on_key(self, event: Key) -> None:
        """Letters narrow, before the keys of lists have them."""
        if event.key in ("backspace", "ctrl+h"):
            self.type(self.typed[:-1])
        elif event.key == "ctrl+u":
            self.type("")
        elif event.is_printable and event.character and len(self.typed) < 40:
            self.type(self.typed + event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def key(self, item: DimensionUse) -> str:
        return item.dimension

    def columns(self, width: int) -> list[Column]:
        return [
            Column("dimension", "dimension", min(24, width // 3)),
            Column("values", "values", 7, "right"),
            Column("share", "top %", 5, "right"),
            *([Column("bar", "", 8)] if width >= 60 else []),
            Column("top", "the dearest", 0),
        ]

    def draw(self, item: DimensionUse, column: Column, line: Line) -> None:
        width, g = column.width, self.look.glyphs
        known = item.values != UNKNOWN
        match column.id:
            case "dimension":
                role = "accent" if item.dimension == self.taken else "text"
                line.cell(outside(item.dimension), width, role)
            case "values":
                text = fmt.count(item.values, width) if known else g.cut
                line.cell(text, width, "text" if item.values > 1 else "quiet", "right")
            case "share":
                text = fmt.share(item.top_nano, item.total_nano, width)
                line.cell(text, width, "quiet", "right")
            case "bar":
                filled = bar(item.top_nano, item.total_nano, width, g.fills)
                line.put(filled, "bar").put(g.rest * (width - len(filled)), "rest")
            case "top":
                name = outside(self.look.named(item.dimension, item.top)) or NO_VALUE
                line.cell(name if known and item.total_nano else "", width, "quiet")

    def title_line(self) -> Line:
        line = Line(self.look).put(f"{self.axis} by", "focus-title")
        if self.axes > 1:
            line.put("  Tab: the other axis", "quiet")
        return line

    def note_line(self) -> Line:
        line, g = Line(self.look), self.look.glyphs
        if self.typed:
            return line.put(outside(self.typed), "accent").put(g.cursor, "accent")
        return line.put(f"type to narrow {g.middle} Enter takes {g.middle} Esc leaves", "quiet")

    def empty_text(self) -> str:
        return "no dimension is called that; Backspace takes a letter back"


class Chooser(Overlay):
    """`b`. What the overview knows is there at once, the rest when the reader has answered."""

    where = "chooser"
    BINDINGS = textual_bindings("chooser")

    def __init__(
        self,
        look: Look,
        shown: Shown,
        axes: dict[str, str],
        done: Callable[[dict[str, str]], object],
    ) -> None:
        """`axes` are what is chosen for → the present dimension; `done` gets them with the new
        one in its place."""
        super().__init__(look, shown)
        self.axes = axes
        self.axis = next(iter(axes))
        self.done = done

    def make(self) -> Choices:
        choices = Choices(self.look, id="choices")
        choices.axes = len(self.axes)
        return choices

    @property
    def choices(self) -> Choices:
        return self.query_one(Choices)

    def on_mount(self) -> None:
        overview = self.shown.overview
        sizes = dict(overview.sizes) if overview is not None else {}
        names = sizes or self.shown.groups
        self._take_axis(self.axis)
        self.choices.show([DimensionUse(n, sizes.get(n, UNKNOWN), "", 0, 0) for n in names])
        self.choices.select(self.axes[self.axis])
        super().on_mount()
        self.post_message(Ask("dimensions", lambda data, view, now: data.dimensions(view, now)))

    def answered(self, answer: Answer) -> None:
        if answer.kind == "dimensions" and isinstance(answer.value, tuple):
            self.choices.show(answer.value)
            self.fit()

    def _take_axis(self, axis: str) -> None:
        self.axis = axis
        choices = self.choices
        choices.axis, choices.taken = axis, self.axes[axis]

    def action_axis(self) -> None:
        """The next thing to choose for."""
        names = list(self.axes)
        self._take_axis(names[(names.index(self.axis) + 1) % len(names)])
        self.choices.select(self.axes[self.axis])

    def action_take(self) -> None:
        use = self.choices.current
        if use is not None:
            self.dismiss()
            self.done({**self.axes, self.axis: use.dimension})
