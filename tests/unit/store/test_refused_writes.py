"""What a store that may not grow says: where, and whether anybody tries again."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from costtui.errors import StoreError
from costtui.store.connection import store_errors
from costtui.store.lock import WriterLock


def test_the_lock_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(StoreError, match=r"c\.db\.lock: cannot be written \(File too large\)"):
        WriterLock(tmp_path / "c.db").acquire()


@pytest.mark.parametrize("again", [True, False])
def test_only_a_collector_tries_again(again: bool) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    with pytest.raises(StoreError) as caught, store_errors(Path("/x/c.db"), again=again):
        raise error
    assert ("tried again" in str(caught.value)) is again
