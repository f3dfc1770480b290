"""The colours of the present theme, by role.

Widgets name roles, themes name colours. Roles are resolved once per theme here and not by CSS
component classes: thirty roles on twelve widgets would be 360 rule matches before first paint.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color

_BOLD = {"title", "value", "key", "over", "accent", "focus-title"}
_PLAIN_DIM = {"quiet", "faint", "line"}

ROLES: dict[str, str] = {
    "text": "text-main",
    "value": "text-strong",
    "quiet": "text-quiet",
    "faint": "text-faint",
    "line": "frame",
    "focus": "frame-focus",
    "focus-title": "frame-focus",
    "title": "text-title",
    "accent": "accent",
    "key": "text-key",
    "ok": "cost-ok",
    "warn": "cost-warn",
    "over": "cost-over",
    "bar": "bar-full",
    "rest": "bar-rest",
    **{f"chart-{n}": f"chart-{n}" for n in range(1, 7)},
}
"""role → theme variable."""


READABLE = 4.5
"""The least contrast of text."""
HEAT_MOST = 0.62
"""How much of the gradient's colour the darkest shade has."""


def contrast(one: Color, two: Color) -> float:
    """1…21, as WCAG 2.1 defines it."""
    low, high = sorted((_luminance(one), _luminance(two)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


class Palette:
    """Rich styles by role. Immutable once made; a new theme makes a new one."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """`variables` are the theme's resolved variables, colour texts of Textual."""
        self._variables = variables
        self._attributes = variables.get("emphasis") == "attributes"
        self._pairs: dict[tuple[str, str], Style] = {}
        back = self.color("background")
        self.base = Style(color=self.color("text-main").rich_color, bgcolor=back.rich_color)
        """Plain text on the background of the screen. Every style is laid on it once, here, and
        not again for each piece of text."""
        self.plain: set[Style] = {self.base}
        """Styles in which a blank looks like any other blank."""
        self._cursor: Style | None = None
        self._heat: tuple[Style, ...] | None = None
        self._styles: dict[str, Style] = {}
        self._gradients: dict[int, tuple[Style, ...]] = {}

    def color(self, variable: str) -> Color:
        """The colour of a theme variable; the foreground where the theme has none."""
        text = self._variables.get(variable) or self._variables["foreground"]
        return Color.parse(text)

    def style(self, role: str) -> Style:
        """The style of a role, on the background of the screen."""
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self.base + self._make(role)
            if style.bgcolor == self.base.bgcolor and not (style.underline or style.reverse):
                self.plain.add(style)
        return style

    def _make(self, role: str) -> Style:
        if role == "alarm":
            return self._background("alarm-text", "alarm-back")
        if role == "chip":
            return self._background("chip-text", "chip-back")
        attributes = self._attributes
        return Style(
            color=self.color(ROLES[role]).rich_color,
            bold=role in _BOLD or None,
            dim=(attributes and role in _PLAIN_DIM) or None,
            underline=(attributes and role == "warn") or None,
            reverse=(attributes and role == "over") or None,
        )

    def _background(self, text: str, back: str) -> Style:
        if self._attributes:
            bold = back == "alarm-back" or None
            return Style(reverse=True, bold=bold, dim=False, underline=False)
        front = self._variables.get(text, "")
        return Style(
            color=None if front in ("", "none") else Color.parse(front).rich_color,
            bgcolor=self.color(back).rich_color,
            bold=back != "cursor-back" or None,
        )

    @property
    def colorless(self) -> bool:
        """Does this theme mark with attributes instead of colours? Then what only colours would
        tell apart needs characters of its own."""
        return self._attributes

    def pair(self, low: str, high: str) -> Style:
        """The colour of one role on that of another: two series that share a cell."""
        style = self._pairs.get((low, high))
        if style is None:
            front, back = self.color(ROLES[low]).rich_color, self.color(ROLES[high]).rich_color
            style = self._pairs[low, high] = self.base + Style(color=front, bgcolor=back)
        return style

    @property
    def cursor(self) -> Style:
        """What a row under the cursor is laid on; the colours of its text shine through."""
        if self._cursor is None:
            self._cursor = self._background("cursor-text", "cursor-back")
        return self._cursor

    def heat(self, steps: int) -> tuple[Style, ...] | None:
        """`steps` styles of text on a shade, palest first; None where colours cannot be mixed and a
        character has to do it.

        From the screen's background towards `spark-high`, as far as either the theme's text or
        its background as text keeps a contrast of 4.5 (WCAG 2.1, 1.4.3): a number nobody can
        read is not shaded, it is hidden.
        """
        if self._heat is None or len(self._heat) != steps:
            back, high, text = map(self.color, ("background", "spark-high", "text-strong"))
            if self._attributes or any(c.ansi is not None for c in (back, high, text)):
                return None
            most = HEAT_MOST
            while True:
                shades = [back.blend(high, most * n / steps) for n in range(1, steps + 1)]
                fronts = [text if contrast(text, s) >= contrast(back, s) else back for s in shades]
                pairs = list(zip(fronts, shades, strict=True))
                if most < 0.05 or all(contrast(*pair) >= READABLE for pair in pairs):
                    break
                most *= 0.95
            made = [Style(color=f.rich_color, bgcolor=b.rich_color) for f, b in pairs]
            self._heat = tuple(made)
        return self._heat

    def gradient(self, steps: int) -> tuple[Style, ...]:
        """`steps` styles from `spark-low` to `spark-high`, lowest first.

        ANSI colours cannot be mixed: there the upper half is `spark-high`.
        """
        found = self._gradients.get(steps)
        if found is None:
            low, high = self.color("spark-low"), self.color("spark-high")
            if low.ansi is not None or high.ansi is not None:
                colors = [low if 2 * n < steps else high for n in range(steps)]
            else:
                colors = [low.blend(high, n / max(1, steps - 1)) for n in range(steps)]
            found = tuple(self.base + Style(color=c.rich_color) for c in colors)
            self.plain.update(found)
            self._gradients[steps] = found
        return found
