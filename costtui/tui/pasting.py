"""What the terminal sends, read so that a paste is text and never keys.

Textual's parser leaves a bracketed paste open and takes what follows an ESC inside of it for key
presses: of a line copied out of a coloured log, the rest would be pressed, Enter and `q` included.
Here only the closing `ESC [201~` ends a paste. Its whole text becomes one `Paste`, which only a
line one types into takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Final

from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.events import Paste
from textual.message import Message

KEPT: Final = 1_000_000
"""Characters of one paste; what is beyond is dropped, not pressed."""
PATIENCE: Final = 10.0
"""Seconds after which a paste may have lost its end."""
ONE_KEY: Final = 16
"""No key sends as many characters. Such a read is more of the paste, however late it comes."""
_SLOW: Final = 1.0
"""Seconds that a begun `ESC [2` waits for its rest, where a slow line tears it apart."""
_SEAM: Final = len(BRACKETED_PASTE_END) - 1


class PasteParser(XTermParser):
    """Textual's, with pastes of our own."""

    def __init__(self, debug: bool = False) -> None:
        self._seam = ""
        """The last characters read, where a mark may have begun."""
        self._torn = 0.0
        """When the mark that `_seam` may begin is given up."""
        self._text: list[str] | None = None
        """The pieces of the paste that is being read."""
        self._size = 0
        self._lost = 0.0
        """When the paste is given up, should a key come then."""
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        if not data:
            yield from super().feed(data)
        while data:
            if self._text is None:
                seam = len(self._seam)
                both = self._seam + data
                at = both.find(BRACKETED_PASTE_START)
                end = len(data) if at < 0 else at + len(BRACKETED_PASTE_START) - seam
                self._seam = both[-_SEAM:]
                self._torn = (
                    monotonic() + _SLOW if _torn(self._seam, BRACKETED_PASTE_START) else 0.0
                )
                # Textual sees an empty paste in its place: it may know the half of the mark.
                seen = data[:end] + (BRACKETED_PASTE_END if at >= 0 else "")
                for event in super().feed(seen):
                    if not isinstance(event, Paste):
                        yield event
                data = data[end:]
                if at >= 0:
                    self._text, self._size, self._seam = [], 0, ""
                    self._lost = monotonic() + PATIENCE
                continue
            both = self._seam + data
            at = both.find(BRACKETED_PASTE_END)
            if at >= 0:
                self._keep(both[:at])
                text, self._text, self._seam = "".join(self._text), None, ""
                data = both[at + len(BRACKETED_PASTE_END) :]
                yield Paste(text.replace("\0", ""))
            elif (
                len(data) >= ONE_KEY or monotonic() < self._lost or _torn(both, BRACKETED_PASTE_END)
            ):
                self._keep(both[:-_SEAM])
                self._seam = both[-_SEAM:]
                if len(data) >= ONE_KEY:
                    self._lost = monotonic() + PATIENCE
                return
            else:
                # Nobody knows how much of it came: none of it is taken, and the key is one again.
                self._text, self._seam = None, ""

    def tick(self) -> Iterable[Message]:
        if self._torn:
            if monotonic() < self._torn:
                return
            self._torn, self._seam = 0.0, ""
        waited = self._timeout_time
        yield from super().tick()
        if waited is not None and self._timeout_time is None:
            self._seam = ""

    def _keep(self, piece: str) -> None:
        assert self._text is not None
        piece = piece[: KEPT - self._size]
        if piece:
            self._text.append(piece)
            self._size += len(piece)


def _torn(text: str, mark: str) -> bool:
    """Does `text` end in the beginning of `mark`? A lone ESC is a key."""
    last = text.rfind("\x1b")
    return 0 <= last < len(text) - 1 and mark.startswith(text[last:])
