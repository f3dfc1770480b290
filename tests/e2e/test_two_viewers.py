"""Two people open costtui on one machine: one collector, one truth, whoever leaves or dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Log, Terminal

pytestmark = [
    pytest.mark.flaky(reruns=1),  # a real terminal on a busy machine
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("tmux-demo"),
]


class Two:
    """Two viewers on one store and a log that grows."""

    def __init__(
        self,
        make: Callable[[], Terminal],
        log: Log,
        until: Callable[..., object],
        processes: Callable[[str], dict[int, str]],
        holder: Callable[[Path], int],
    ) -> None:
        self.log, self.until, self._processes, self._holder = log, until, processes, holder
        self.viewers = [make(), make()]
        home = self.viewers[0].home
        self.store = home / "costtui.db"
        self.config = home / "my.yml"
        self.config.write_text(
            f"store: {{path: {self.store}}}\n"
            "display: {refresh: 0.2}\n"
            "sources:\n"
            f"  - {{name: proxy, type: jsonl, preset: llm-proxy, paths: ['{log.path}'],"
            " interval: 0.2s}\n"
        )
        log.grow(50)
        for viewer in self.viewers:
            viewer.start("--config", str(self.config))
        for viewer in self.viewers:
            viewer.shows("spend", "gpt-4o", timeout=60)

    @property
    def holder(self) -> int:
        return self._holder(self.store)

    def collectors(self) -> set[int]:
        """Process ids of all collectors of this store, with or without the lock."""
        rows = self._processes(str(self.config))
        return {pid for pid, args in rows.items() if " collect " in args}

    def one_collector(self, *, but: int = 0) -> int:
        """Wait until exactly one runs, it has the lock, and it is not `but`."""

        def look() -> int:
            pid = self.holder
            return pid if pid and pid != but and self.collectors() == {pid} else 0

        return int(str(self.until(look, f"one collector, not {but}")))

    def on_every_screen(self, *viewers: Terminal) -> None:
        """Wait until the screens say what the log amounts to."""
        spend = f"${self.log.cost_nano / 1e9:,.2f}"
        for viewer in viewers or self.viewers:
            viewer.shows(spend, f"{self.log.requests:,}")


@pytest.fixture
def two(
    terminals: Callable[[], Terminal],
    log: Log,
    until: Callable[..., object],
    processes: Callable[[str], dict[int, str]],
    holder: Callable[[Path], int],
) -> Two:
    return Two(terminals, log, until, processes, holder)


def test_one_collector_whoever_leaves(
    two: Two, totals: Callable[..., tuple[int, int, int]]
) -> None:
    first = two.one_collector()
    for _ in range(5):
        two.log.grow(300)
        two.on_every_screen()
        assert two.collectors() == {first}

    os.kill(first, signal.SIGKILL)
    two.log.grow(300)
    second = two.one_collector(but=first)
    two.on_every_screen()

    # The one whose child collects leaves; which of the two that is, is chance.
    parents = [_parent(second), *(viewer.program for viewer in two.viewers)]
    owner = two.viewers[parents[1:].index(parents[0])]
    (other,) = [viewer for viewer in two.viewers if viewer is not owner]
    owner.keys("q")
    assert owner.ended() == 0
    two.log.grow(300)
    third = two.one_collector(but=second)
    assert _parent(third) == other.program
    two.on_every_screen(other)

    # And one that does not collect leaves quietly.
    owner.keys("C-l")
    owner.start("--config", str(two.config))
    owner.shows(f"${two.log.cost_nano / 1e9:,.2f}", timeout=60)
    owner.keys("q")
    two.until(lambda: owner.state("alternate_on") == ["0"], "the shell of the one that left")
    assert two.one_collector() == third
    two.log.grow(10)
    two.on_every_screen(other)

    other.keys("q")
    assert other.ended() == 0
    two.until(lambda: not two.collectors(), "no collector")
    assert not two.holder
    assert totals("--config", two.config) == two.log.truth


def test_a_viewer_attaches_to_a_collector_that_runs(
    terminals: Callable[[], Terminal],
    log: Log,
    until: Callable[..., object],
    holder: Callable[[Path], int],
    processes: Callable[[str], dict[int, str]],
) -> None:
    """`costtui collect` under a service manager outlives every viewer."""
    log.grow(20)
    service, viewer = terminals(), terminals()
    store = service.home / "costtui.db"
    for terminal in (service, viewer):
        terminal.type(f"export COST_TRACKING_FILE={log.path}")
        terminal.keys("Enter")
    service.start("collect", "--db", str(store))
    pid = int(str(until(lambda: holder(store), "a collector")))
    viewer.start("--db", str(store))
    viewer.shows("spend", "gpt-4o", timeout=60)
    assert len(processes(str(store))) == 2, "the collector and the viewer"
    viewer.keys("q")
    assert viewer.ended() == 0
    assert holder(store) == pid
    service.keys("C-c")
    assert service.ended() == 0
    assert not holder(store)


def _parent(pid: int) -> int:
    import subprocess

    listed = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
    return int(listed.stdout or "0")
