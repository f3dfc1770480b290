"""The line at the bottom that one types into, as values: text, cursor, hits and history.

It is no widget: the app gives it the keys one after the other, without a message queue between
two of them, so `:view eu⏎` in one packet of a slow ssh means what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costtui.tui.commands import Command, Found, Hit, common, find

LIMIT = 300
"""Characters of a line."""
HISTORY = 100
"""Lines that are kept, in memory only: they may hold names of people."""


class Prompt:
    """One line being typed. `press` says what a key came to."""

    searches = False
    """It looks for words in a list, and knows no commands."""

    def __init__(self, commands: Sequence[Command], history: Sequence[str] = ()) -> None:
        self.commands = commands
        self.history = history
        self.text = ""
        self.at = 0
        """Where the next character goes."""
        self.chosen = -1
        """The hit that one moved to; -1 while one only types."""
        self.error = ""
        """Why Enter did nothing, until the next change."""
        self._walk = 0
        """Lines back in the history; 0 is what was typed."""
        self._typed = ""
        self.found: Found = find("", commands)

    @property
    def marked(self) -> int:
        """The hit that Enter does; -1 for none."""
        return self.chosen if self.chosen >= 0 else self.found.sure

    @property
    def hit(self) -> Hit | None:
        return self.found.hits[self.marked] if 0 <= self.marked < len(self.found.hits) else None

    @property
    def ghost(self) -> str:
        """What Tab would add."""
        text = self._completed()
        begins = text.lower().startswith(self.text.lower())
        return text[len(self.text) :] if begins and self.at == len(self.text) else ""

    def put(self, text: str, at: int | None = None) -> None:
        """Another text."""
        self.text = text[:LIMIT]
        self.at = len(self.text) if at is None else max(0, min(at, len(self.text)))
        self.chosen, self.error = -1, ""
        self.found = find(self.text, self.commands)

    def insert(self, text: str) -> None:
        """Printable characters at the cursor; of a pasted text the first line."""
        lines = text.splitlines()
        clean = "".join(c for c in lines[0] if c.isprintable()) if lines else ""
        if clean:
            self._typed_text(self.text[: self.at] + clean + self.text[self.at :],
                             self.at + len(clean))  # fmt: skip

    def _typed_text(self, text: str, at: int) -> None:
        self._walk = 0
        self.put(text, at)

    def press(self, key: str, character: str | None) -> str:
        """`enter`, `leave` or nothing."""
        if key == "escape" or (key in ("backspace", "ctrl+h") and not self.text):
            return "leave"
        if key in ("enter", "ctrl+j"):
            return "enter"
        if key in ("right", "end") and self.at == len(self.text) and self.ghost:
            self._complete()
        elif key in _EDITS:
            text, at = _EDITS[key](self.text, self.at)
            if text == self.text:
                self.at = at
            else:
                self._typed_text(text, at)
        elif key in _MOVES:
            self._move(_MOVES[key])
        elif key == "tab":
            self._complete()
        elif character is not None and character.isprintable():
            self.insert(character)
        return ""

    # Hits and history -----------------------------------------------------------------------

    def _move(self, step: int) -> None:
        if step < 0 and self.chosen <= 0:
            self.chosen = -1
            if step == -1:
                self._recall(1)
        elif step > 0 and self._walk:
            self._recall(-1)
        elif self.found.hits:
            first = self.marked if self.chosen < 0 else self.chosen
            # the row that Enter means is passed over: ↓ goes to the one after it
            self.chosen = max(0, min(first + step, len(self.found.hits) - 1))
            self.error = ""

    def _recall(self, step: int) -> None:
        """An older (1) or newer (-1) line of the history that begins as the typed one."""
        if not self._walk:
            self._typed = self.text
        lines = [line for line in reversed(self.history) if line.startswith(self._typed)]
        walk = max(0, min(self._walk + step, len(lines)))
        if walk != self._walk:
            self.put(lines[walk - 1] if walk else self._typed)
            self._walk = walk

    def _completed(self) -> str:
        hit = self.hit
        if hit is not None and (self.chosen >= 0 or hit.text.lower().startswith(self.text.lower())):
            return hit.text
        return self.found.near or common(self.found.hits, self.text)

    def _complete(self) -> None:
        text = self._completed()
        if text != self.text:
            self._typed_text(text, len(text))
        else:
            self._move(1)


class Search(Prompt):
    """A line of words to look for, without commands."""

    searches = True

    def __init__(self) -> None:
        super().__init__(())

    def put(self, text: str, at: int | None = None) -> None:
        super().put(text, at)
        self.found = Found(())


def remembered(history: list[str], line: str) -> None:
    """Add a line that was entered; the same one twice is once."""
    line = line.strip()
    if line in history:
        history.remove(line)
    if line:
        history.append(line)
    del history[:-HISTORY]


def _word_left(text: str, at: int) -> int:
    head = text[:at].rstrip()
    return head.rfind(" ") + 1


_MOVES = {"up": -1, "ctrl+p": -1, "shift+tab": -1, "down": 1, "ctrl+n": 1,
          "pageup": -8, "pagedown": 8}  # fmt: skip
_EDITS: dict[str, Callable[[str, int], tuple[str, int]]] = {
    "backspace": lambda t, a: (t[: max(0, a - 1)] + t[a:], max(0, a - 1)),
    "ctrl+h": lambda t, a: (t[: max(0, a - 1)] + t[a:], max(0, a - 1)),
    "delete": lambda t, a: (t[:a] + t[a + 1 :], a),
    "ctrl+d": lambda t, a: (t[:a] + t[a + 1 :], a),
    "left": lambda t, a: (t, max(0, a - 1)),
    "right": lambda t, a: (t, min(len(t), a + 1)),
    "home": lambda t, _: (t, 0),
    "ctrl+a": lambda t, _: (t, 0),
    "end": lambda t, _: (t, len(t)),
    "ctrl+e": lambda t, _: (t, len(t)),
    "ctrl+u": lambda t, a: (t[a:], 0),
    "ctrl+k": lambda t, a: (t[:a], a),
    "ctrl+w": lambda t, a: (t[: _word_left(t, a)] + t[a:], _word_left(t, a)),
}
"""Keys of a line editor: (text, cursor) → (text, cursor)."""
