"""What of a theme can hardly be read: contrast by WCAG 2.2, for whoever writes one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.color import Color

if TYPE_CHECKING:
    from costtui.tui.themes import ThemeData

TEXT, HELP = 4.5, 3.0
"""Least contrast of text, and of what only helps (WCAG AA, and AA for large text)."""
_WORDS = ("text-main", "text-strong", "text-title", "text-key", "cost-ok", "cost-warn", "cost-over")
_SHAPES = ("text-quiet", "bar-full", *(f"chart-{n}" for n in range(1, 7)))
WANTED = {**dict.fromkeys(_WORDS, TEXT), **dict.fromkeys(_SHAPES, HELP)}
"""Variable → the contrast it should have on the background."""


def luminance(color: Color) -> float:
    """Relative luminance, 0 to 1."""

    def linear(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    r, g, b = map(linear, color.rgb)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, two: str) -> float:
    """From 1 (the same) to 21; 0 where one is a terminal's own colour, which nobody knows."""
    first, second = Color.parse(one), Color.parse(two)
    if first.ansi is not None or second.ansi is not None:
        return 0.0
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def remarks(theme: ThemeData) -> Iterator[str]:
    """What is hard to read, a line each."""
    back = theme.colors["background"]
    for name, wanted in WANTED.items():
        found = contrast(theme.variables[name], back)
        if 0 < found < wanted:
            yield f"{name}: {found:.1f}:1 on the background; {wanted:g}:1 can be read"
    for what in ("alarm", "chip"):
        found = contrast(theme.variables[f"{what}-text"], theme.variables[f"{what}-back"])
        if 0 < found < TEXT:
            yield f"{what}-text: {found:.1f}:1 on {what}-back; {TEXT:g}:1 can be read"
    front = theme.variables["cursor-text"]
    front = theme.variables["text-main"] if front == "none" else front
    found = contrast(front, theme.variables["cursor-back"])
    if 0 < found < TEXT:
        yield f"cursor-back: text on it has {found:.1f}:1; {TEXT:g}:1 can be read"
