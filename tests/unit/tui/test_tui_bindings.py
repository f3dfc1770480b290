"""One table of keys: unique, typeable everywhere, documented."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from costtui.tui.bindings import KEYS, by_group, footer_keys, textual_bindings
from costtui.tui.manual import rewritten
from costtui.tui.navigation import SCREENS as SCREENS_ABOVE

ROOT = Path(__file__).resolve().parents[3]
PLACES = {place for key in KEYS for place in key.where.split(",")}
SCREENS = sorted({*SCREENS_ABOVE, *PLACES, "request", "help"} - {"app", "table"})
BOXES = {"chooser", "filters", "silencing", "themes"}
"""Lists that lie over a screen: their own Esc comes before the app's."""


def test_ids_are_unique() -> None:
    assert max(Counter(k.id for k in KEYS).values()) == 1


@pytest.mark.parametrize("where", SCREENS)
def test_no_key_means_two_things_on_one_screen(where: str) -> None:
    keys = [key for k in KEYS if k.on(where) or k.on("table") for key in k.keys.split(",")]
    twice = {key for key, n in Counter(keys).items() if n > 1}
    own = {k for one in KEYS if where in one.where.split(",") for k in one.keys.split(",")}
    assert not (twice - own if where in BOXES else twice)


@pytest.mark.parametrize("where", SCREENS)
def test_the_footer_has_at_most_eight_and_help_among_them(where: str) -> None:
    keys = footer_keys(where)
    assert len(keys) <= 8
    assert keys[-1].id == "help"


def test_every_action_has_a_tooltip_and_a_way_that_no_terminal_swallows() -> None:
    swallowed = {"ctrl+s", "ctrl+q", "ctrl+b", "ctrl+a", "ctrl+enter"}
    for key in KEYS:
        assert key.tooltip
        assert key.label
        keys = set(key.keys.split(","))
        assert not keys & swallowed
        assert not any(k.startswith("alt+") for k in keys)


def test_textual_gets_them_all() -> None:
    assert sum(len(textual_bindings(p)) for p in PLACES) >= len(KEYS)
    assert {k.group for k in KEYS} == {g for g, _ in by_group(*PLACES)}


def test_the_manual_is_made_from_the_bindings() -> None:
    text = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert rewritten(text) == text, "run: python -m costtui.tui.manual docs/keys.md"
