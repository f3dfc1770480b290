"""Names of keys: as people write them, and as the screen calls them.

`?`, `Esc`, `PgUp`, `ctrl-x` and `^X` are read as well as `question_mark`, `escape`, `pageup` and
`ctrl+x`. Two spellings of what a terminal sends as one and the same byte are one key.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from costtui.config.kinds import Kind, Written, plain_text
from costtui.config.words import did_you_mean

_NAMED: Final = (
    "escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup",
    "pagedown", "up", "down", "left", "right", *(f"f{n}" for n in range(1, 25)),
)  # fmt: skip
_SHIFTED: Final = ("tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown",
                   "insert", "delete", "escape", "enter")  # fmt: skip
_ALIASES: Final = {
    "esc": "escape", "return": "enter", "ret": "enter", "del": "delete", "ins": "insert",
    "pgup": "pageup", "pgdn": "pagedown", "pgdown": "pagedown", "page_up": "pageup",
    "page_down": "pagedown", "page-up": "pageup", "page-down": "pagedown", "spacebar": "space",
    "bksp": "backspace", "backtab": "shift+tab", "colon": "colon", "question": "question_mark",
}  # fmt: skip
_SAME: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape"}
"""What a terminal sends as one byte."""
_RENAMED: Final = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at",
    "hyphen_minus": "minus", "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip
_PUNCTUATION: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

_SWALLOWED: Final = {
    "ctrl+s": "stops the output of many terminals",
    "ctrl+q": "starts the output of many terminals again",
    "ctrl+b": "is tmux's own key",
    "ctrl+a": "is screen's own key",
    "ctrl+z": "suspends a program in most terminals",
    "ctrl+enter": "is Enter in most terminals",
    "shift+enter": "is Enter in most terminals",
    "shift+escape": "is Esc in most terminals",
    "ctrl+h": "is Backspace in many terminals",
    "ctrl+j": "is Enter in many terminals",
    "ctrl+v": "pastes in many terminals",
    "f1": "opens the help of some terminals",
    "f10": "opens the menu of some terminals",
    "f11": "makes the window of many terminals big",
    "ctrl+space": "switches the input method on many desktops",
    "shift+insert": "pastes in most terminals",
    "shift+pageup": "scrolls most terminals",
    "shift+pagedown": "scrolls most terminals",
}


def name_of(character: str) -> str:
    """The screen's name of the key that types `character`."""
    if character == " ":
        return "space"
    if character.isalnum():
        return character
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return _RENAMED.get(name, name)


_CHARACTERS: Final = {name_of(c): c for c in _PUNCTUATION}
_SPELLED: Final = {
    "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "enter": "Enter", "tab": "Tab",
    "space": "Space", "backspace": "Backspace", "delete": "Del", "insert": "Ins", "home": "Home",
    "end": "End", "up": "↑", "down": "↓", "left": "←", "right": "→", "shift+tab": "Shift+Tab",
}  # fmt: skip


def spelled(key: str) -> str:
    """A key of the screen as people write it: `[`, `PgUp`, `F5`, `ctrl+x`."""
    if key in _SPELLED:
        return _SPELLED[key]
    if re.fullmatch(r"f\d+", key):
        return key.upper()
    modifier, plus, rest = key.rpartition("+")
    return f"{modifier}{plus}{_CHARACTERS.get(rest, rest)}"


def parse_key(text: str) -> str:
    """The screen's name of what was written. Raises ValueError with what is wrong."""
    if len(text) == 1 and text.isprintable():
        return name_of(text)
    word = re.sub(r"^(?:\^|[cC][-+])(?=.$)", "ctrl+", text)
    word = re.sub(r"^(ctrl|control|shift|alt|meta|super|cmd)[-+](?=.)", r"\1+", word, flags=re.I)
    modifier, plus, rest = word.partition("+")
    if not plus:
        found = _plain(word)
        if found:
            return found
    elif modifier.lower() in ("alt", "meta", "super", "cmd"):
        raise ValueError("cannot be used: terminals send alt as Esc and the key, and keep super")
    elif modifier.lower() in ("ctrl", "control"):
        found = f"ctrl+{_plain(rest.lower()) or name_of(rest.lower()) if rest else ''}"
        if found in _known():
            return _SAME.get(found, found)
    elif modifier.lower() == "shift":
        if len(rest) == 1 and rest.isalpha():
            return rest.upper()
        found = f"shift+{_plain(rest)}"
        if found in _known():
            return found
    near = did_you_mean(text, [*_known(), *_ALIASES])
    raise ValueError(f"is not a key{near}; write one such as x, G, ?, f5, tab or ctrl+x")


def _plain(word: str) -> str:
    """A key without a modifier, or ""."""
    if len(word) == 1 and word.isalnum():
        return word
    lower = word.lower()
    lower = _ALIASES.get(lower, lower)
    return lower if lower in _NAMED or lower in _CHARACTERS or lower == "shift+tab" else ""


def _known() -> list[str]:
    """Every name with a meaning, single letters aside."""
    moves = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "delete")
    return [
        *_NAMED,
        *_CHARACTERS,
        *(f"shift+{name}" for name in _SHIFTED),
        *(f"ctrl+{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
        *(f"ctrl+{name}" for name in (*moves, "enter", "space", "backslash", "underscore")),
        *(f"ctrl+{name}" for name in ("left_square_bracket", "right_square_bracket")),
        *(f"ctrl+f{n}" for n in range(1, 25)),
    ]


def swallowed(key: str) -> str:
    """Why a key may never arrive, or ""."""
    return _SWALLOWED.get(key, "")


class KeyName(Kind):
    """The name of a key, as the screen calls it."""

    label = "key"

    def parse(self, written: Written) -> str:
        return parse_key(plain_text(written.text, limit=40))

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number"], "minLength": 1}
