"""The supervisor's log: what a child said, and a bound on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from costtui.engine import supervisor as module
from costtui.engine.supervisor import Supervisor
from costtui.store.lock import WriterLock

pytestmark = pytest.mark.e2e


def look(supervisor: Supervisor) -> Iterator[str]:
    """Looks until a child has ended for a reason."""
    child = supervisor._child
    assert child is not None
    child.wait(30)
    reason = supervisor.ensure()
    if reason:
        yield reason


def test_why_a_child_ended_is_told(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("sauces: []\n")
    log = tmp_path / "state" / "collector.log"
    supervisor = Supervisor(tmp_path / "a.db", ["--config", str(wrong)], log)
    try:
        assert supervisor.ensure() is None
        (reason,) = look(supervisor)
        assert "sauces" in reason
        assert "sources" in reason, "the nearest spelling"
    finally:
        supervisor.stop()
        supervisor.stop()
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_started_while_another_collects(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "a.db")
    assert lock.acquire()
    supervisor = Supervisor(tmp_path / "a.db", [], tmp_path / "collector.log")
    try:
        assert supervisor.ensure() is None
        assert supervisor._child is None
    finally:
        lock.release()
        supervisor.stop()


def test_the_log_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_LIMIT", 100)
    log = tmp_path / "collector.log"
    log.write_text("x" * 101)
    supervisor = Supervisor(tmp_path / "a.db", ["--config", str(tmp_path / "no.yml")], log)
    supervisor.ensure()
    (reason,) = look(supervisor)
    supervisor.stop()
    assert "no.yml" in reason
    assert log.with_suffix(".log.1").read_text() == "x" * 101
    assert "x" not in log.read_text().partition("\n")[0][:1]
