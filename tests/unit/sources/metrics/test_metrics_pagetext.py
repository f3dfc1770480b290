"""A page read in windows is the page read whole."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.errors import SourceFormatError
from costtui.sources.metrics import http, pagetext
from costtui.sources.metrics.pagetext import PageText

WANTED = re.compile(rb"\na[^\n]*")


def text_of(pieces: list[bytes]) -> PageText:
    return PageText(lambda: pieces)


def cut(page: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    pieces = []
    while page:
        size = rng.choice((1, 3, 40, 400))
        pieces.append(page[:size])
        page = page[size:]
    return pieces


@given(
    st.lists(st.sampled_from([b"a 1", b"b 2", b"", b"a" * 90, b"b" * 200]), max_size=60),
    st.booleans(),
    st.integers(),
)
def test_windows_are_the_page_however_it_came(lines: list[bytes], ended: bool, seed: int) -> None:
    page = b"\n".join(lines) + (b"\n" if ended else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pagetext, "WINDOW", 64)
        text = text_of(cut(page, seed))
        windows = [buffer[start:end] for buffer, start, end in text.windows()]
        whole = list(PageText.whole(b"\n" + page).windows())
        assert windows == [buffer[start:end] for buffer, start, end in whole]
        assert b"".join(windows) == b"\n" + page
        assert all(window.startswith(b"\n") for window in windows)
        assert text.head[:64] == page[:64]
        assert text.tail == (b"\n" + page)[-64:]
        assert text.find(WANTED, 1 << 20) == WANTED.findall(b"\n" + page)
        for number, line in enumerate(lines, 1):
            if line not in lines[: number - 1] and line and not _prefixes(line, lines[:number]):
                offset = sum(len(other) + 1 for other in lines[: number - 1])
                assert text.place(line) == (offset, number)


def _prefixes(line: bytes, others: list[bytes]) -> bool:
    return any(other != line and other.startswith(line) for other in others)


def test_names_are_looked_for_at_once_and_at_line_starts() -> None:
    asked = 0

    def pieces() -> list[bytes]:
        nonlocal asked
        asked += 1
        return [b"a 1\nbb{x=", b'"c d"} 1\n']

    text = PageText(pieces)
    names = ["a", "b", "bb", "c", "d"]
    assert [name for name in names if text.shows(name, names)] == ["a", "bb"]
    assert asked == 1


def test_a_line_without_an_end_is_joined_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joined anew with each piece, 64 MB would be copied a thousand times."""
    monkeypatch.setattr(pagetext, "WINDOW", 1000)
    searched = 0

    class Counted(bytes):
        def rfind(self, *args: object) -> int:
            nonlocal searched
            searched += 1
            return -1

    monkeypatch.setattr(pagetext, "_join", lambda parts: Counted(b"".join(parts)))
    (window,) = text_of([b"x" * 1000] * 1000).windows()
    assert window[1:] == (0, 1_000_001)
    assert 5 < searched < 20


def test_a_page_of_one_line_does_not_become_memory() -> None:
    asked = 0

    def pieces() -> Iterator[bytes]:
        nonlocal asked
        for _ in range(100):
            asked += 1
            yield b"x" * (1 << 20)

    with pytest.raises(SourceFormatError, match="a line of more than 8 MB"):
        list(PageText(pieces).windows())
    assert asked < 20


def test_wanted_lines_have_a_limit() -> None:
    with pytest.raises(SourceFormatError, match="more than 1 MB of wanted lines"):
        text_of([b"a\n" * (1 << 20)]).find(WANTED, 1 << 20)


def test_a_gzip_bomb_stops_at_the_limit_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_UNPACKED", 8 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b"\n" * (9 << 20)) + packer.flush()
    text = http.Fetched([bomb], gzipped=True).text()
    with pytest.raises(SourceFormatError, match="larger than 8 MB"):
        text.find(WANTED, 1 << 20)
