"""Themes measured: contrast by WCAG, chart colours by CIEDE2000, also with colour-blind eyes.

WCAG 2.2, relative luminance and contrast ratio. CIEDE2000: Sharma, Wu, Dalal 2005, whose own pairs
check the formula here. Colour blindness: Machado, Oliveira, Fernandes 2009, severity 1.0.
"""

from __future__ import annotations

from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt
from pathlib import Path

import pytest
from textual.color import Color

from costtui.tui import themes

Triple = tuple[float, float, float]
ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "themes").glob("*.yml"))
# The sixteen colours of a terminal are its owner's; nothing can be said about them here.
MEASURED = [f for f in FILES if not themes.read(f).ansi]
TEXT = ("text-main", "text-strong", "text-title", "text-key", "cost-ok", "cost-warn", "cost-over")
CHART = tuple(f"chart-{n}" for n in range(1, 7))
BLIND = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
}  # fmt: skip
APART = 10.0
"""ΔE00 that two neighbouring areas of a chart are told apart by at a glance; 2 is what a trained
eye sees side by side."""


def linear(text: str) -> Triple:
    def one(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    r, g, b = Color.parse(text).rgb
    return one(r), one(g), one(b)


def contrast(one: str, two: str) -> float:
    def luminance(text: str) -> float:
        r, g, b = linear(text)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: Triple) -> Triple:
    """CIE L*a*b* of linear sRGB, D65."""
    r, g, b = (min(1.0, max(0.0, c)) for c in rgb)

    def f(t: float) -> float:
        return float(t ** (1 / 3)) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29

    x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
    y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b)
    z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def delta_e(one: Triple, two: Triple) -> float:
    """CIEDE2000 of two L*a*b* colours."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (hypot(a1, b1) + hypot(a2, b2)) / 2
    g = 0.5 * (1 - sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    apart = 0.0 if not c1 * c2 else (h2 - h1 + 180) % 360 - 180
    dh = 2 * sqrt(c1 * c2) * sin(radians(apart) / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    hue = h1 + h2 if not c1 * c2 else (h1 + apart / 2) % 360
    t = (1 - 0.17 * cos(radians(hue - 30)) + 0.24 * cos(radians(2 * hue))
         + 0.32 * cos(radians(3 * hue + 6)) - 0.20 * cos(radians(4 * hue - 63)))  # fmt: skip
    sl = 1 + 0.015 * (light - 50) ** 2 / sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    turn = 60 * exp(-(((hue - 275) / 25) ** 2))
    rt = -2 * sqrt(chroma**7 / (chroma**7 + 25**7)) * sin(radians(turn))
    dl, dc = (l2 - l1) / sl, (c2 - c1) / sc
    return sqrt(max(0.0, dl**2 + dc**2 + (dh / sh) ** 2 + rt * dc * (dh / sh)))


def seen(text: str, eyes: str = "") -> Triple:
    rgb = linear(text)
    if eyes:
        rows = BLIND[eyes]
        r, g, b = (sum(m * c for m, c in zip(row, rgb, strict=True)) for row in rows)
        rgb = r, g, b
    return lab(rgb)


def apart(theme: themes.ThemeData, names: tuple[str, ...], eyes: str = "") -> dict[str, float]:
    colors = {name: seen(theme.variables[name], eyes) for name in names}
    return {f"{a} {b}": delta_e(colors[a], colors[b]) for a, b in combinations(names, 2)}


@pytest.mark.parametrize(
    ("one", "two", "difference"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (61, -5, 29), 22.8977),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_formula(one: Triple, two: Triple, difference: float) -> None:
    assert delta_e(one, two) == pytest.approx(difference, abs=1e-4)
    assert delta_e(two, one) == pytest.approx(difference, abs=1e-4)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("path", MEASURED, ids=lambda p: p.stem)
def test_text_can_be_read(path: Path) -> None:
    """4.5:1 for text and 3:1 for what only helps (WCAG AA), also on the row under the cursor."""
    theme = themes.read(path)
    v, back = theme.variables, theme.colors["background"]
    text, quiet = (7.0, 7.0) if theme.name == "high-contrast" else (4.5, 4.5)
    for name in TEXT:
        assert contrast(v[name], back) >= text, (name, contrast(v[name], back))
    assert contrast(v["text-quiet"], back) >= quiet, contrast(v["text-quiet"], back)
    assert contrast(v["text-faint"], back) >= 2.3, contrast(v["text-faint"], back)
    for one in ("alarm", "chip"):
        found = contrast(v[f"{one}-text"], v[f"{one}-back"])
        assert found >= text, (one, found)
    assert contrast(v["bar-full"], back) >= 3
    if v["cursor-text"] != "none":
        assert contrast(v["cursor-text"], v["cursor-back"]) >= text
        return
    for name in TEXT:
        found = contrast(v[name], v["cursor-back"])
        assert found >= (3.0 if name.startswith("cost") else 4.5), (name, found)
    assert contrast(v["text-quiet"], v["cursor-back"]) >= 3.0
    assert delta_e(seen(v["cursor-back"]), seen(back)) >= 5, "the cursor is not seen"


@pytest.mark.parametrize("path", MEASURED, ids=lambda p: p.stem)
def test_chart_colours_are_told_apart(path: Path) -> None:
    theme = themes.read(path)
    near = {pair: round(d, 1) for pair, d in apart(theme, CHART).items() if d < APART}
    assert near == {}
    for name in CHART:
        found = contrast(theme.variables[name], theme.colors["background"])
        assert found >= 2.8, (name, found)
    states = apart(theme, ("cost-ok", "cost-warn", "cost-over"))
    assert min(states.values()) >= APART, states
    low, high = theme.variables["spark-low"], theme.variables["spark-high"]
    assert delta_e(seen(low), seen(high)) >= APART


@pytest.mark.parametrize("eyes", sorted(BLIND))
def test_the_colour_blind_theme_is_for_those_eyes(eyes: str) -> None:
    theme = themes.read(ROOT / "themes" / "colour-blind.yml")
    for names in (CHART, ("cost-ok", "cost-warn", "cost-over")):
        near = {pair: round(d, 1) for pair, d in apart(theme, names, eyes).items() if d < APART}
        assert near == {}
    # The default theme is not, which is why there is another one: the test can fail.
    usual = themes.read(ROOT / "themes" / "costtui-dark.yml")
    assert min(apart(usual, CHART, eyes).values()) < APART
