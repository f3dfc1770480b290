"""Text measured in terminal cells: a wide character is two, a combining one none.

Every text from outside passes `outside` before it is drawn; it is then plain text, never markup.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from costtui.model.safetext import visible

OUTSIDE_LIMIT = 200
"""Characters of one outside text that are ever drawn."""

_VARIATION = dict.fromkeys((0xFE0E, 0xFE0F))
"""Variation selectors change how wide a terminal draws a symbol, each in its own way."""


def outside(text: str, limit: int = OUTSIDE_LIMIT) -> str:
    """Text from outside, harmless and of a known width."""
    return visible(text.translate(_VARIATION), limit)


def fit(text: str, width: int, cut: str = "…", align: str = "left") -> str:
    """Exactly `width` cells: padded, or cut with `cut` at its end."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + cut if width > 1 else cut
    space = " " * (width - length)
    return space + text if align == "right" else text + space


__all__ = ["cell_len", "fit", "outside"]
