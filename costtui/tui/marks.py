"""What the marks beside numbers mean, said where they are: in the lower edge of the list that has
the focus, and only of those that are on screen. The help screen says it at length."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from costtui.model.charge import Exactness
from costtui.tui.glyphs import Glyphs
from costtui.tui.look import Line, Look

AT_LEAST: Final = "at least"
ABOUT: Final = "about"
GAP: Final = "gap"
UNPRICED: Final = "unpriced"
MARKS: Final = (AT_LEAST, ABOUT, GAP, UNPRICED)
_LONG = {AT_LEAST: "at least this", ABOUT: "estimate", GAP: "no data", UNPRICED: "no rate, not $0"}
_SHORT = {AT_LEAST: "at least", ABOUT: "about", GAP: "gap", UNPRICED: "not $0"}


@lru_cache(maxsize=4)
def _patterns(glyphs: Glyphs) -> dict[str, re.Pattern[str]]:
    gap = re.escape(glyphs.gap)
    return {
        AT_LEAST: re.compile(f"{re.escape(glyphs.at_least)}[~$\\d]"),
        ABOUT: re.compile(r"~-?\$?\d"),
        # between words the same dot is no gap
        GAP: re.compile(f"(?<! ){gap}|{gap}(?! )"),
        UNPRICED: re.compile(r"\bunpriced\b"),
    }


def found_in(lines: Iterable[Line], glyphs: Glyphs) -> set[str]:
    """The marks that stand in some lines."""
    text = "\n".join("".join(s.text for s in line.segments).rstrip() for line in lines)
    return {mark for mark, pattern in _patterns(glyphs).items() if pattern.search(text)}


def of_exactness(*found: Exactness) -> set[str]:
    """The marks that some sums are shown with."""
    every = 0
    for exactness in found:
        every |= exactness
    marks = {AT_LEAST} if every & Exactness.LOWER_BOUND else set()
    return marks | ({ABOUT} if every & Exactness.ESTIMATE else set())


def legend(look: Look, marks: Collection[str], room: int) -> Line:
    """What they mean in at most `room` cells; empty where there are none, or no room."""
    g = look.glyphs
    signs = {AT_LEAST: g.at_least, ABOUT: g.about, GAP: g.gap, UNPRICED: "unpriced"}
    for words, between in ((_LONG, "  "), (_SHORT, "  "), (_SHORT, " ")):
        line = Line(look)
        for mark in MARKS:
            if mark in marks:
                line.put(between if line.width else "", "quiet")
                line.put(signs[mark], "warn" if mark != GAP else "text")
                line.put(f": {words[mark]}" if mark == UNPRICED else f" {words[mark]}", "quiet")
        if line.width <= room:
            return line
    return Line(look)
