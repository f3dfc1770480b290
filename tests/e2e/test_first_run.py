"""A first start in a real terminal: one key makes a configuration, and collecting begins."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Log, Terminal

pytestmark = [
    pytest.mark.flaky(reruns=1),
    pytest.mark.e2e,
    pytest.mark.timeout(150),
    pytest.mark.xdist_group("tmux-demo"),
]


def test_i_writes_a_configuration_and_starts_again_with_it(
    terminals: Callable[[], Terminal], log: Log, processes: Callable[[str], dict[int, str]]
) -> None:
    terminal = terminals()
    place = terminal.home / "config" / "costtui" / "config.yml"
    terminal.type(f"export COST_TRACKING_FILE={log.path}")
    terminal.keys("Enter")
    terminal.start()
    terminal.shows("Waiting for the first usage", "On this machine", "not there yet", timeout=60)
    assert not place.exists()
    terminal.type("i")
    terminal.shows("Configured in", "llm-proxy", "Wrote", timeout=60)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert str(log.path) in place.read_text()
    log.grow(30)
    terminal.shows("spend 24h", "gpt-4o", timeout=30)
    terminal.type("q")
    assert terminal.ended() == 0
    # From now on the file alone is enough.
    terminal.type("unset COST_TRACKING_FILE; clear")
    terminal.keys("Enter")
    terminal.start()
    terminal.shows("spend 24h", "gpt-4o", timeout=30)
    log.grow(12)
    terminal.shows(f"{log.requests}", timeout=30)
    terminal.type("q")
    terminal.shows("code=0")


def test_an_empty_configuration_is_read_again_with_i(
    terminals: Callable[[], Terminal], log: Log
) -> None:
    terminal = terminals()
    log.grow(20)
    place = terminal.home / "config" / "costtui" / "config.yml"
    place.parent.mkdir(parents=True)
    place.write_text("timezone: UTC\n")
    terminal.start()
    terminal.shows("has no source yet", "read it again", timeout=60)
    with place.open("a") as file:
        file.write(f"sources: [{{name: p, type: jsonl, preset: llm-proxy, path: {log.path}}}]\n")
    terminal.type("i")
    terminal.shows("spend 24h", "gpt-4o", timeout=60)
    terminal.type("q")
    assert terminal.ended() == 0
