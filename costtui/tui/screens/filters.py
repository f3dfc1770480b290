"""The filters in a list, to take one out of the middle or turn it round."""

from __future__ import annotations

from dataclasses import replace

from costtui.model.snapshot import Filter
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import outside
from costtui.tui.look import Line, Look
from costtui.tui.messages import change
from costtui.tui.screens.overlay import Overlay
from costtui.tui.shown import Shown
from costtui.tui.state import State
from costtui.tui.widgets.grid import Entry, Grid

WORDS = {"=": "is", "!=": "is not", "~": "matches", "!~": "does not match", "*": "contains",
         "!*": "does not contain"}  # fmt: skip


def entry(number: int, step: Filter, look: Look) -> Entry:
    """One filter: what it is on, and what it lets pass."""
    exact = step.op in ("=", "!=")
    value = look.named(step.dimension, step.value) if exact else step.value
    text = str(replace(step, value=value))
    return Entry(
        f"{number} {step}",
        (f"{number}", outside(step.dimension, 70), WORDS.get(step.op, step.op),
         outside(value, 120) or "(none)"),
        ("quiet", "text", "warn" if step.op.startswith("!") else "quiet", "accent"),
        text,
    )  # fmt: skip


class Stack(Grid):
    """Filters, the first one at the top."""

    header_from = 4

    def note_line(self) -> Line:
        g = self.look.glyphs
        keys = ("Enter or Del takes it out", "! turns it round", "Esc closes")
        return Line(self.look).put(f" {g.middle} ".join(keys if self.items else keys[2:]), "quiet")


class FilterList(Overlay):
    """The stack of drills and filters. What is changed here is shown at once behind it."""

    where = "filters"
    BINDINGS = textual_bindings("filters")

    def make(self) -> Stack:
        return Stack(
            self.look,
            ("", "dimension", "", "value"),
            title="filters",
            empty="no filter: everything is shown",
            id="stack",
        )

    @property
    def stack(self) -> Stack:
        return self.query_one(Stack)

    def on_mount(self) -> None:
        super().on_mount()
        self.show(self.shown)
        self.stack.action_bottom()

    def show(self, shown: Shown) -> None:
        self.shown = shown
        rows = [entry(n, f, self.look) for n, f in enumerate(shown.state.filters, 1)]
        at = self.stack.cursor
        self.stack.cursor_key = ""
        self.stack.cursor = at
        self.stack.set_items(rows)
        self.fit()

    def _change(self, state: State) -> None:
        if state is not self.shown.state:
            change(self, state)

    def action_remove(self) -> None:
        if self.stack.current is not None:
            self._change(self.shown.state.without(self.stack.cursor))

    def action_invert(self) -> None:
        if self.stack.current is not None:
            self._change(self.shown.state.with_inverted(self.stack.cursor))

    def value(self) -> str:
        return self.stack.current.value if self.stack.current else ""
