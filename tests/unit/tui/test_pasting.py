"""A paste is text, whatever is in it, and however the line tears it apart."""

from __future__ import annotations

import asyncio
import itertools
import os
import pty
import tty

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.events import Key, Paste
from textual.message import Message

from costtui.tui import pasting
from costtui.tui.driver import TerminalDriver
from costtui.tui.pasting import PasteParser

START, END = "\x1b[200~", "\x1b[201~"
LOG_LINE = "x\x1b[31my\rqz\r\r"


def said(events: list[Message]) -> list[str]:
    return [
        f"paste {event.text!r}" if isinstance(event, Paste) else event.key
        for event in events
        if isinstance(event, Paste | Key)
    ]


def fed(*packets: str) -> list[str]:
    parser = PasteParser()
    out: list[Message] = []
    for packet in packets:
        out += parser.feed(packet)
        out += parser.tick()
    return said(out)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(pasting, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("text", [LOG_LINE, "", "\x1b", "\x1b\x1b[20", "a\x1b[200~q", "\x1b[Aq"])
def test_what_is_pasted_is_text(text: str) -> None:
    assert fed("j" + START + text + END + "k") == ["j", f"paste {text!r}", "k"]


@given(
    text=st.text(st.sampled_from("aq\r\x1b[20~1"), max_size=12).filter(
        lambda t: END not in t + END[:5]
    ),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
def test_wherever_it_is_torn(text: str, cuts: list[int]) -> None:
    whole = "j" + START + text + END + "k"
    edges = [0, *sorted({min(c, len(whole)) for c in cuts} - {0, len(whole)}), len(whole)]
    packets = [whole[a:b] for a, b in itertools.pairwise(edges)]
    assert fed(*packets) == ["j", f"paste {text!r}", "k"]


def test_without_an_end_keys_work_again(clock: list[float]) -> None:
    parser = PasteParser()
    assert said([*parser.feed(START + "q" * 20), *parser.feed("q")]) == []
    clock[0] += pasting.PATIENCE
    assert said([*parser.feed("j"), *parser.feed("q")]) == ["j", "q"]


def test_a_line_that_stood_still_goes_on_with_the_paste(clock: list[float]) -> None:
    parser = PasteParser()
    assert said([*parser.feed(START + "rm")]) == []
    clock[0] += 60
    assert said([*parser.feed("q" * 20)]) == []
    clock[0] += 60
    assert said([*parser.feed(END[:3]), *parser.feed(END[3:])]) == [f"paste {'rm' + 'q' * 20!r}"]


def test_of_an_endless_paste_a_bounded_part_is_kept() -> None:
    parser = PasteParser()
    assert said([*parser.feed(START)]) == []
    for _ in range(12):
        assert said([*parser.feed("q" * 100_000)]) == []
    (event,) = parser.feed(END)
    assert isinstance(event, Paste)
    assert len(event.text) == pasting.KEPT


def test_keys_and_a_mark_a_slow_line_tore(clock: list[float]) -> None:
    parser = PasteParser()
    out = said([*parser.feed("\x1b[A"), *parser.feed("\x1b[20"), *parser.tick()])
    clock[0] += 0.5
    out += said([*parser.tick(), *parser.feed("0~q"), *parser.feed(END + "k")])
    assert out == ["up", "paste 'q'", "k"]


async def test_the_driver_reads_so() -> None:
    """A paste on a real terminal device is one event."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    seen: list[Message] = []
    driver = TerminalDriver(App[None]())
    driver.fileno = theirs

    def take(message: Message) -> None:
        if isinstance(message, Paste | Key):
            seen.append(message)
            if isinstance(message, Key) and message.key == "k":
                driver.exit_event.set()

    driver.process_message = take  # type: ignore[method-assign]
    os.write(ours, (START + LOG_LINE + END + "k").encode())
    await asyncio.wait_for(asyncio.to_thread(driver.run_input_thread), 10)
    os.close(ours)
    os.close(theirs)
    assert said(seen) == [f"paste {LOG_LINE!r}", "k"]
