"""What `kill -9` leaves beside a file that was being written is gone at the next start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from costtui.tui import private


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "_swept", set())


def gone() -> int:
    """The id of a process that ran and is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def left(folder: Path, name: str, pid: int, *, age: float = 7200) -> Path:
    path = folder / f".{name}.{pid}"
    path.write_text("half")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_only_old_ones_of_ours_go(tmp_path: Path) -> None:
    pid = gone()
    old = left(tmp_path, "remembered.json", pid)
    other_name = left(tmp_path, "other.json", pid)
    young = left(tmp_path, "remembered.json", pid + 100_000, age=10)
    written = left(tmp_path, "remembered.json", os.getppid())
    link = tmp_path / f".remembered.json.{pid + 1}"
    link.symlink_to(other_name)
    private.write(tmp_path / "remembered.json", "{}")
    assert not old.exists()
    for kept in (other_name, young, written):
        assert kept.exists(), kept
    assert link.is_symlink()
    assert (tmp_path / "remembered.json").read_text() == "{}"


def test_an_export_that_was_killed_leaves_no_empty_file(tmp_path: Path) -> None:
    pid = gone()
    (tmp_path / "costtui-overview-1.csv").touch()
    (tmp_path / "costtui-overview-2.csv").write_text("whole")
    (tmp_path / "costtui-overview-3.csv").touch()
    files = [left(tmp_path, f"costtui-overview-{n}.csv", pid) for n in (1, 2)]
    foreign = left(tmp_path, "thesis.csv", pid)
    private.sweep(tmp_path, r"costtui-[^/]+\.(?:csv|json)")
    assert not any(file.exists() for file in files)
    assert not (tmp_path / "costtui-overview-1.csv").exists()
    assert (tmp_path / "costtui-overview-2.csv").read_text() == "whole"
    assert (tmp_path / "costtui-overview-3.csv").exists(), "nobody says that it is ours"
    assert foreign.exists()


def test_what_cannot_be_looked_at_is_left(tmp_path: Path) -> None:
    private.sweep(tmp_path / "none", "x")
    (tmp_path / ".x.99999999999").touch()
    private.sweep(tmp_path, "x")
    assert (tmp_path / ".x.99999999999").exists()
