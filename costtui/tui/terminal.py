"""What kind of terminal this is, from its environment and the kernel; it is never asked itself.

An answer to a question comes late over a slow line, perhaps after the end, and would then be typed
into the user's shell. Standard library only: the first frame is painted with what is here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FALLBACK = (80, 24)
"""For a terminal that does not know its own size: a serial line says 0 x 0."""

_TRUE = ("xterm-kitty", "xterm-ghostty", "ghostty", "alacritty", "foot", "wezterm", "contour")
"""Terminals that say by their name alone that they know 16 million colours: `COLORTERM` seldom
comes along over ssh."""
_MONOCHROME = re.compile(r"(vt[1-5]\d\d|.*-(m|mono))([-+].*)?")
_NOT_ONE = ("dumb", "unknown", "emacs")
"""Names of what cannot move its cursor."""


class Multiplexer(NamedTuple):
    """What stands between us and the terminal."""

    tmux: bool
    screen: bool


def multiplexer(env: Mapping[str, str]) -> Multiplexer:
    """tmux sets TMUX, GNU screen STY; over ssh only TERM is left, and `screen…` may be either."""
    name = env.get("TERM", "").lower()
    tmux = bool(env.get("TMUX")) or name.startswith("tmux")
    screen = not tmux and (bool(env.get("STY")) or name.startswith("screen"))
    return Multiplexer(tmux, screen)


def can_draw(env: Mapping[str, str]) -> bool:
    """Does the terminal claim to be able to move its cursor?"""
    return env.get("TERM", "").lower() not in _NOT_ONE


def colors(env: Mapping[str, str]) -> str:
    """`truecolor`, `256`, `standard` (sixteen), or `none`.

    As Rich has it, but: COLORTERM is inherited into GNU screen, which reads a 24-bit sequence as
    blinking and dim text; the Linux console rounds each 24-bit colour to one of its sixteen, which
    makes greys of our text and its background alike; a vt220 has no colours at all.
    """
    name = env.get("TERM", "").strip().lower()
    if "NO_COLOR" in env or _MONOCHROME.fullmatch(name):
        return "none"
    if name == "linux" or name.startswith("linux-"):
        return "standard"
    known = env.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    if known and not multiplexer(env).screen:
        return "truecolor"
    if name.startswith(_TRUE) or name.endswith("-direct"):
        return "truecolor"
    return "256" if "256color" in name or name in ("xterm-kitty", "iterm2") else "standard"


def encoding(env: Mapping[str, str], started: Path = Path("/proc/self/environ")) -> str:
    """What the terminal takes, as the locale says.

    Python reads `LANG=C` as UTF-8 (PEP 538 and 540), because in containers nobody sets anything.
    So do we where nobody did; who says C or POSIX has a terminal for which that is true. Where only
    LANG says it, Python has set LC_CTYPE before we look; what it was, `started` has.
    """
    ctype = env.get("LC_CTYPE", "")
    if ctype in ("C.UTF-8", "C.utf8", "UTF-8"):
        with suppress(OSError):
            ctype = "" if b"LC_CTYPE=" not in started.read_bytes() else ctype
    said = env.get("LC_ALL") or ctype or env.get("LANG", "")
    if said in ("C", "POSIX"):
        return "ascii"
    # By its name: over ssh comes a locale of the other machine, which need not be on this one.
    named = said.partition(".")[2].partition("@")[0]
    if named:
        return named
    import locale

    return locale.getpreferredencoding(False)


def prepare(env: dict[str, str] | os._Environ[str]) -> None:
    """Tell Textual, which reads the environment once, when it is imported. What the user said to
    Textual himself (TEXTUAL_COLOR_SYSTEM, TEXTUAL_FPS) stands."""
    # What a key changes waits for the next frame: 8 ms at most in place of 17. Without a change
    # there is no frame.
    env.setdefault("TEXTUAL_FPS", "120")
    system = colors(env)
    if system == "none":
        env.setdefault("NO_COLOR", "1")
    else:
        env.setdefault("TEXTUAL_COLOR_SYSTEM", system)


def size(descriptor: int = 2) -> tuple[int, int] | None:
    """(columns, lines) as the kernel knows them now; None when the terminal is gone.

    Not `shutil.get_terminal_size`: that believes an exported COLUMNS for ever.
    """
    try:
        columns, lines = os.get_terminal_size(descriptor)
    except OSError:
        return None
    return columns or FALLBACK[0], lines or FALLBACK[1]


_CHUNK = 512
"""Characters of one piece for GNU screen, which drops a device control string beyond 768."""


def clipboard(text: str, env: Mapping[str, str]) -> str:
    """OSC 52: put `text` on the clipboard of the terminal that the user sits at.

    Base64, so nothing in `text` can end the sequence. tmux takes it as it is (and has to be told
    `set -g set-clipboard on`); GNU screen has to be asked to hand it through.
    """
    from base64 import b64encode

    sequence = f"\x1b]52;c;{b64encode(text.encode('utf-8', 'replace')).decode()}\x07"
    if not multiplexer(env).screen:
        return sequence
    pieces = (sequence[at : at + _CHUNK] for at in range(0, len(sequence), _CHUNK))
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
