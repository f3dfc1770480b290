"""Every character that is not a letter or a digit, in one place.

`--ascii` (and a locale that is not UTF-8) swaps the whole set, so no widget asks which terminal
it runs in.
"""

from __future__ import annotations

from typing import NamedTuple


class Glyphs(NamedTuple):
    """One set of drawing characters. Every text is one cell wide unless it says otherwise."""

    ascii: bool
    levels: str
    """Vertical fill, lowest first; the last one fills the cell."""
    shades: str
    """How much of the most a cell is, least first. None of them could be part of a number."""
    fills: str
    """Horizontal bar, narrowest first; the last one fills the cell."""
    rest: str
    """What is left of a horizontal bar. Another character than the bar's: not all have colours."""
    gap: str
    """Where no data arrived. Never the same as zero, which is blank."""
    up: str
    down: str
    same: str
    dot: str
    """A healthy light."""
    cross: str
    """Something that is down."""
    warn: str
    pause: str
    back: str
    """Time travel."""
    at_least: str
    """May be two cells wide."""
    about: str
    arrow: str
    """Between two moments, and towards a projection. May be two cells wide."""
    step: str
    """Between two steps of the breadcrumb."""
    sort_down: str
    sort_up: str
    times: str
    middle: str
    """Between two facts on one line."""
    cut: str
    """Ends a text that did not fit."""
    corner: str
    """Top left, top right, bottom left, bottom right."""
    horizontal: str
    vertical: str
    axis: str
    """Left axis line with a tick, left axis line, corner, baseline, baseline tick."""
    cursor: str
    digits: str
    """Small digits 0–9 for window keys, or `""` to use plain ones."""
    enter: str
    """May be several cells wide."""
    legend: str
    stack: str = ""
    """Fills of the series of a stack where colours do not tell them apart."""
    over: str = ""
    """A second line over bars: low, in the middle and high in its cell."""
    limit: str = ""
    """A limit across a chart."""
    here: str = ""
    """Under the bucket that the crosshair is on."""
    marked: str = ""
    """Under the buckets of a marked range."""
    at_most: str = ""
    """May be two cells wide."""
    fold: str = ""
    """Before what is open, and what is folded."""
    marks: str = ""
    """A mark in a horizontal bar: in what is full, in what is expected, in the rest."""


UNICODE = Glyphs(
    ascii=False,
    levels="▁▂▃▄▅▆▇█",
    shades="░▒▓█",
    fills="╸━",
    rest="┄",
    gap="·",
    up="▲",
    down="▼",
    same="=",
    dot="●",
    cross="✖",
    warn="▲",
    pause="‖",
    back="◀",
    at_least="≥",
    about="~",
    arrow="→",
    step="›",
    sort_down="↓",
    sort_up="↑",
    times="×",
    middle="·",
    cut="…",
    corner="╭╮╰╯",
    horizontal="─",
    vertical="│",
    axis="┤│└─┬",
    cursor="▌",
    digits="⁰¹²³⁴⁵⁶⁷⁸⁹",
    enter="⏎",
    legend="■",
    stack="█░▓▒╱╳",
    over="▁─▔",
    limit="╌",
    here="▲",
    marked="━",
    at_most="≤",
    fold="▾▸",
    marks="┿┼│",
)

ASCII = Glyphs(
    ascii=True,
    levels="_.,:-=+#",
    shades=":*%#",
    fills="=",
    rest=".",
    gap="?",
    up="+",
    down="-",
    same="=",
    dot="*",
    cross="x",
    warn="!",
    pause="=",
    back="<",
    at_least=">=",
    about="~",
    arrow="->",
    step=">",
    sort_down="v",
    sort_up="^",
    times="x",
    middle="|",
    cut="~",
    corner="++++",
    horizontal="-",
    vertical="|",
    axis="||+-+",
    cursor=">",
    digits="",
    enter="enter",
    legend="#",
    stack="#=+-:%",
    over="ooo",
    limit="~",
    here="^",
    marked="=",
    at_most="<=",
    fold="-+",
    marks="#+|",
)


def glyphs_for(*, ascii_only: bool, encoding: str) -> Glyphs:
    """The set for a terminal; `encoding` is the locale's, for example `UTF-8`."""
    wide = encoding.lower().replace("-", "").replace("_", "") in ("utf8", "utf16", "utf32")
    return ASCII if ascii_only or not wide else UNICODE
