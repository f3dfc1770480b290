"""Commands in a real terminal: whole lines in one packet, as slow ssh and `send-keys` do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Log, Terminal

    Until = Callable[..., object]

pytestmark = [
    pytest.mark.flaky(reruns=1),
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
]


def burst(terminal: Terminal, text: str) -> None:
    """All bytes at once: one write to the terminal."""
    terminal.keys("-H", *(f"{byte:02x}" for byte in text.encode()))


def test_a_line_in_one_packet_and_what_is_remembered(
    terminals: Callable[[], Terminal], log: Log, until: Until
) -> None:
    log.grow(200)
    terminal = terminals()
    terminal.type(f"export COST_TRACKING_FILE={log.path}")
    terminal.keys("Enter")
    terminal.start()
    terminal.shows("spend 24h", "openai", timeout=60)

    burst(terminal, ":window 7d\r:group team\r:save eu\r")
    until(lambda: " eu " in terminal.line[0], lambda: f"the view, on\n{terminal.screen}")
    terminal.shows("Saved: eu", "team", "spend 7d")
    burst(terminal, "4")
    terminal.shows("spend 24h")
    until(lambda: " eu " not in terminal.line[0], "that it is left")
    burst(terminal, ":view eu\r")
    terminal.shows("spend 7d")
    until(lambda: " eu " in terminal.line[0], "the view again")
    burst(terminal, ":vew eu\r")
    terminal.shows('no command "vew" (did you mean "view"?)')
    assert terminal.line[-1].strip() == ":vew eu"
    terminal.keys("Escape")
    until(lambda: "vew" not in terminal.screen, "the end of the line")
    burst(terminal, "/openai\r")
    until(lambda: "› openai" in terminal.line[1], lambda: f"the filter, on\n{terminal.screen}")
    burst(terminal, ":theme nord\r")
    burst(terminal, ":q\r")
    assert terminal.ended() == 0
    assert not [f for f in terminal.home.rglob("costtui-*") if f.is_file()], "e was no key"

    terminal.start()
    terminal.shows("spend 24h", "team", timeout=60)
    assert "› openai" not in terminal.line[1], "filters are not remembered"
    terminal.keys("q")
    assert terminal.ended() == 0
    terminal.start("--view", "eu")
    terminal.shows("spend 7d", timeout=60)
    assert " eu " in terminal.line[0]
    terminal.keys("q")
    assert terminal.ended() == 0
