"""Text measured in terminal cells: a wide character is two, a combining one none.

Every text from outside passes `outside` before it is drawn; it is then plain text, never markup.
"""

from __future__ import annotations

from unicodedata import category

from rich.cells import cell_len, set_cell_size

from costtui.model.safetext import visible

OUTSIDE_LIMIT = 200
"""Characters of one outside text that are ever drawn."""

_DROPPED = dict.fromkeys((0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)))
"""Variation selectors and skin tones change how wide a terminal draws the symbol before them, each
in its own way."""
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Hangul letters that show nothing."""


def outside(text: str, limit: int = OUTSIDE_LIMIT) -> str:
    """Text from outside, harmless and of a known width.

    Measured in tmux 3.3a against our table: of all that is printable, vowel signs of Indic scripts
    (category Mc) are a cell there, in xterm and in glibc, and none in the table, and fillers are
    two. They are spelled out like control characters: a readable name that moves the numbers
    behind it would be the worse of the two. Right-to-left text is left in the order of its
    characters; the driver tells the terminal not to reorder it, and bidi controls are spelled out.
    """
    if not text.isascii():
        text = "".join(map(_known, text[: limit + 1].translate(_DROPPED)))
    return visible(text, limit)


def _known(char: str) -> str:
    if char.isascii() or (char not in _FILLERS and category(char) != "Mc"):
        return char
    return f"\\u{ord(char):04x}"


def fit(text: str, width: int, cut: str = "…", align: str = "left") -> str:
    """Exactly `width` cells: padded, or cut with `cut` at its end."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + cut if width > 1 else cut
    space = " " * (width - length)
    return space + text if align == "right" else text + space


def squeezed(text: str, width: int, cut: str = "…") -> str:
    """At most `width` cells: what is too long loses its middle, as of a path both ends matter; the
    end matters more."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(cut)
    if room < 2:
        return fit(text, width, cut)
    head = room // 3
    tail = text[-(room - head) :]
    while cell_len(tail) > room - head:
        tail = tail[1:]
    return set_cell_size(text, head) + cut + tail


__all__ = ["cell_len", "fit", "outside", "squeezed"]
