"""What differs from the configured start in how things are shown, in words.

Unit, order and comparison stay as they are when one goes elsewhere, so a screen may show something
else than its reader expects. What is usual is written quietly, what is not in another colour.
"""

from __future__ import annotations

from collections.abc import Iterator

from costtui.tui.look import Line, Look
from costtui.tui.shown import UNIT_NAMES, Shown
from costtui.tui.state import State

Fact = tuple[str, bool]
"""Words, and whether that is not the usual."""


def unit_fact(state: State, usual: State) -> Fact:
    return f"by {UNIT_NAMES[state.unit]}", state.unit != usual.unit


def facts(state: State, usual: State) -> Iterator[Fact]:
    """How the numbers of the overview are shown."""
    yield unit_fact(state, usual)
    order = f"sorted by {state.sort}{', reversed' if state.reverse else ''}"
    yield order, (state.sort, state.reverse) != (usual.sort, usual.reverse)
    compared = "vs the period before" if state.compare else "not compared"
    yield compared, state.compare != usual.compare


def said(look: Look, shown: Shown, *, every: bool) -> Line:
    """The facts: all of them or only those that are not usual, at least the unit."""
    line, found = Line(look), list(facts(shown.state, shown.usual))
    for number, (text, other) in enumerate(found):
        if every or other or number == 0:
            line.put(f" {look.glyphs.middle} " if line.width else "", "quiet")
            line.put(text, "accent" if other else "quiet")
    if every and any(other for _, other in found):
        line.put(f" {look.glyphs.middle} ", "quiet")
        line.put(look.key("reset"), "key").put(" resets", "quiet")
    return line
