"""One writer, also across processes, and nobody is in the way by looking."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from costtui.errors import StoreReadOnlyError
from costtui.store.lock import WriterLock

CHILD = """
import sys
from pathlib import Path
from costtui.store.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
print("got" if lock.acquire() else "no", flush=True)
sys.stdin.read()
"""


def child(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_and_a_killed_one(store_path: Path) -> None:
    lock = WriterLock(store_path)
    assert lock.holder() is None
    with child(store_path) as first:
        assert said(first) == "got"
        assert not lock.acquire()
        holder = lock.holder()
        assert holder is not None
        assert holder.pid == first.pid
        assert str(first.pid) in str(holder)
        first.kill()
        first.wait()
    assert lock.holder() is None
    assert lock.acquire()
    with child(store_path) as second:
        assert said(second) == "no"
        second.communicate()
    lock.release()


def test_it_can_be_taken_again_and_released_twice(store_path: Path) -> None:
    lock, other = WriterLock(store_path), WriterLock(store_path)
    assert lock.acquire()
    assert lock.acquire()
    assert lock.held
    assert not other.acquire()
    mine, theirs = lock.holder(), other.holder()
    assert mine == theirs
    assert mine is not None
    assert mine.pid == os.getpid()
    lock.release()
    lock.release()
    assert lock.holder() is None
    assert other.acquire()
    other.release()


def test_looking_does_not_take(store_path: Path) -> None:
    lock, other = WriterLock(store_path), WriterLock(store_path)
    assert lock.acquire()
    lock.release()
    assert other.holder() is None
    assert lock.acquire()
    lock.release()


def test_a_damaged_lock_file_still_locks(store_path: Path) -> None:
    lock, other = WriterLock(store_path), WriterLock(store_path)
    assert lock.acquire()
    lock.path.write_bytes(b"\xff\x00 not json")
    holder = other.holder()
    assert holder is not None
    assert str(holder) == "an unknown process"
    lock.release()


def test_the_file_is_private(store_path: Path) -> None:
    lock = WriterLock(store_path)
    assert lock.acquire()
    assert lock.path.stat().st_mode & 0o777 == 0o600
    assert lock.path.parent.stat().st_mode & 0o777 == 0o700
    lock.release()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreReadOnlyError, match="--db"):
        WriterLock(tmp_path / "file" / "store.db").acquire()
