"""The user's own keys, laid over the table of bindings."""

from __future__ import annotations

from collections.abc import Mapping

from costtui.config.keynames import spelled
from costtui.config.screen import ActionWords, ScreenWords
from costtui.tui.bindings import KEYS, Key
from costtui.tui.state import CHARTS, GROUPS, UNITS, parse_filter

NO_KEY = "<no-key>"
"""No terminal sends it. Textual takes an empty text in a keymap for none at all."""


def applied(keymap: Mapping[str, tuple[str, ...]]) -> tuple[Key, ...]:
    """The table with these keys, by action id; an empty tuple takes all keys from an action."""
    return tuple(
        key._replace(keys=",".join(own), shown=" ".join(map(spelled, own)))
        if (own := keymap.get(key.id)) is not None
        else key
        for key in KEYS
    )


def for_textual(keymap: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """What `App.set_keymap` takes."""
    return {action: ",".join(keys) or NO_KEY for action, keys in keymap.items()}


def screen_words() -> ScreenWords:
    """What `keymap:` and `views:` are held against."""
    from costtui.model.listing import ORDERS
    from costtui.tui.navigation import SCREENS
    from costtui.tui.shown import SORTS

    return ScreenWords(
        [ActionWords(k.id, tuple(k.keys.split(",")), frozenset(k.where.split(","))) for k in KEYS],
        ("overview", *SCREENS),
        GROUPS,
        tuple(dict.fromkeys((*SORTS, *ORDERS))),
        UNITS,
        tuple(CHARTS),
        parse_filter,
    )
