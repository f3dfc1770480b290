"""Which terminal this is, and what its clipboard takes."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.tui import terminal
from costtui.tui.cells import cell_len, outside
from costtui.tui.glyphs import ASCII, UNICODE
from costtui.tui.look import Line, Look


@pytest.mark.parametrize(
    ("env", "system"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, "truecolor"),
        ({"TERM": "screen-256color", "COLORTERM": "truecolor"}, "256"),
        ({"TERM": "screen-256color", "COLORTERM": "truecolor", "TMUX": "x"}, "truecolor"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "STY": "x"}, "256"),
        ({"TERM": "screen", "COLORTERM": "truecolor", "STY": "x"}, "standard"),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, "standard"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "alacritty-direct"}, "truecolor"),
        ({"TERM": "vt220"}, "none"),
        ({"TERM": "xterm-mono"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "none"),
        ({"TERM": ""}, "standard"),
        ({}, "standard"),
    ],
)
def test_colours_by_environment(env: dict[str, str], system: str) -> None:
    assert terminal.colors(env) == system


def test_what_the_user_told_textual_stands() -> None:
    env = {"TERM": "linux", "TEXTUAL_COLOR_SYSTEM": "truecolor"}
    terminal.prepare(env)
    assert env["TEXTUAL_COLOR_SYSTEM"] == "truecolor"
    env = {"TERM": "vt100"}
    terminal.prepare(env)
    assert env["NO_COLOR"] == "1"


def test_a_terminal_without_a_size_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda *_: os.terminal_size((0, 0)))
    assert terminal.size() == (80, 24)
    monkeypatch.setenv("COLUMNS", "33")
    monkeypatch.setattr("os.get_terminal_size", lambda *_: os.terminal_size((120, 40)))
    assert terminal.size() == (120, 40)


@given(st.text(max_size=4000))
def test_nothing_in_a_text_ends_the_sequence_that_copies_it(text: str) -> None:
    plain = terminal.clipboard(text, {"TERM": "tmux-256color"})
    found = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", plain)
    assert found is not None
    assert b64decode(found[1]).decode() == text.encode("utf-8", "replace").decode()
    wrapped = terminal.clipboard(text, {"TERM": "screen.xterm-256color"})
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", wrapped, re.DOTALL)
    assert "".join(pieces) == plain
    assert max(map(len, pieces)) <= 700
    assert wrapped == "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


@given(st.text(max_size=300))
def test_text_from_outside_has_a_known_width(text: str) -> None:
    shown = outside(text)
    assert shown.isprintable()
    assert len(shown) <= 200
    assert cell_len(shown) == sum(map(cell_len, shown))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👍🏽", "👍"),
        ("हि", "ह\\u093f"),
        ("a\u3164b", "a\\u3164b"),
        ("\u202eabc", "\\u202eabc"),
        ("שלום", "שלום"),
        ("👩\u200d💻", "👩\\u200d💻"),
        ("é" * 300, "é" * 199 + "…"),
    ],
)
def test_what_terminals_do_not_agree_on_is_spelled_out(text: str, shown: str) -> None:
    assert outside(text) == shown


def test_every_glyph_of_the_plain_set_is_ascii() -> None:
    assert all(value.isascii() for value in ASCII if isinstance(value, str))
    assert not UNICODE.ascii


def test_a_line_cut_to_nothing_is_nothing() -> None:
    """A negative room made the line longer than the terminal."""
    from datetime import UTC

    from textual.theme import BUILTIN_THEMES

    from costtui.tui.palette import Palette

    colors = BUILTIN_THEMES["textual-dark"].to_color_system().generate()
    line = Line(Look(Palette(colors), ASCII, UTC)).put("some text")
    assert line.cut(-5).width == 0
    assert sum(len(segment.text) for segment in line.segments) == 0


@pytest.mark.parametrize(
    ("env", "before", "found"),
    [
        ({"LC_ALL": "C"}, b"", "ascii"),
        ({"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, b"", "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, b"LANG=C\0", "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, b"LANG=C\0LC_CTYPE=C.UTF-8\0", "UTF-8"),
        ({"LC_CTYPE": "C.UTF-8"}, b"", "utf-8"),
        ({"LANG": "de_DE"}, b"", "utf-8"),
        ({"LANG": "de_DE.ISO-8859-15@euro"}, b"", "ISO-8859-15"),
        ({"LANG": "xx_XX.utf8"}, b"", "utf8"),
        ({"LANG": "C.UTF-8"}, b"", "UTF-8"),
        ({}, b"", "utf-8"),
    ],
)
def test_what_the_locale_says_of_the_terminal(
    env: dict[str, str], before: bytes, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda _: "utf-8")
    (tmp_path / "environ").write_bytes(before)
    assert terminal.encoding(env, tmp_path / "environ") == found
