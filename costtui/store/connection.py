"""Opening SQLite and telling its errors apart.

Everything a user can meet (damaged, newer, foreign, read-only, full, busy) becomes one typed error
that names the file and what to do; nothing above this floor sees a `sqlite3.Error`.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from costtui.errors import (
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreNewerError,
    StoreReadOnlyError,
)

APPLICATION_ID: Final = 0x63747569
"""`ctui`: tells a store from another program's SQLite file."""

BUSY_MS: Final = 5000
"""How long a statement waits for a viewer's or `costtui db`'s short write."""

_IO_FULL: Final = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
    }
)
_LEAST_FREE: Final = 1 << 20


@contextmanager
def store_errors(path: Path, *, again: bool = False) -> Iterator[None]:
    """Turn SQLite's errors into ours. `again`: will it be tried again?"""
    try:
        yield
    except sqlite3.Error as error:
        raise typed_error(path, error, again=again) from error
    except OverflowError as error:
        raise StoreError(f"{path}: a quantity does not fit 64 bits; nothing was stored") from error


def typed_error(path: Path, error: sqlite3.Error, *, again: bool = False) -> StoreError:
    """The typed error for what SQLite said about `path`."""
    extended = getattr(error, "sqlite_errorcode", 0) or 0
    code = extended & 0xFF
    going_on = " and it is tried again" if again else ""
    if code == sqlite3.SQLITE_FULL or (extended in _IO_FULL and _is_full(path)):
        return StoreFullError(
            f"{path}: the disk is full; nothing was lost{going_on}. "
            "Free some space or shorten store.retention"
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreCorruptError(
            f"{path}: the file is damaged ({error}). It was left as it is: move it away and "
            "costtui reads its sources again, or try `sqlite3 FILE .recover`"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreReadOnlyError(
            f"{path}: cannot be opened for writing ({error}); check the permissions of the file "
            "and its folder, or choose another store with --db"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusyError(f"{path}: another process is writing it ({error}); try again")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(
            f"{path}: the disk refused to read or write ({error}): a quota, a size limit or a "
            f"failing device. Nothing that was stored is lost{going_on}"
        )
    return StoreError(f"{path}: {error}")


def _is_full(path: Path) -> bool:
    try:
        room = os.statvfs(path.parent)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _LEAST_FREE


def make_file(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) where there is no store yet.

    SQLite gives `-wal` and `-shm` the mode of the main file. Raises `StoreReadOnlyError`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            must_be_file(path, os.fstat(descriptor).st_mode)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unwritable(path, error) from error


def must_be_file(path: Path, mode: int) -> None:
    """Refuse what SQLite would wait for or take for empty. Raises StoreError."""
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise StoreError(f"{path}: is {what}, not a file: choose another store with --db")


def make_private(path: Path) -> None:
    """0600 for a store that was made with more. Raises `StoreReadOnlyError`."""
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        file = path.with_name(name)
        try:
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unwritable(file, error) from error


def _unwritable(path: Path, error: OSError) -> StoreReadOnlyError:
    return StoreReadOnlyError(
        f"{path}: cannot be written ({error.strerror}); check the permissions of the file "
        "and its folder, or choose another store with --db"
    )


def inspect(path: Path, connection: sqlite3.Connection, known: int) -> int:
    """The schema version of an open store, 0 for an empty file.

    Raises `StoreNewerError` for a store of a newer costtui and `StoreError` for a file that is
    not ours; neither has been touched then.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    ours = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if tables and ours != APPLICATION_ID:
        raise StoreError(
            f"{path}: is an SQLite file of another program. It was not touched: choose another "
            "store with --db"
        )
    if version > known:
        raise StoreNewerError(
            f"{path}: written by a newer costtui (schema {version}, this one knows {known}). "
            "It was not touched: upgrade costtui or choose another store with --db"
        )
    return version


def check_before_writing(path: Path, known: int) -> None:
    """Refuse, through a connection that cannot write, what must not be written.

    A writing connection would already fold the `-wal` of a newer store into it.
    """
    with store_errors(path):
        connection = open_reader(path)
        try:
            inspect(path, connection, known)
        finally:
            connection.close()


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, also to a store that is being written.

    A store whose writer ended has no `-wal` and `-shm`, and SQLite makes them to read; where the
    folder cannot be written the file is opened as immutable, which is right as long as there is
    no writer. Raises `sqlite3.Error`, and StoreError for what is no file.
    """
    with suppress(OSError):  # what cannot be looked at, SQLite tells
        must_be_file(path, path.stat().st_mode)
    uri = "file:" + quote(str(path.absolute()))
    try:
        return _connect_ro(uri + "?mode=ro")
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
        wal = path.with_name(path.name + "-wal")
        no_room = code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        if not no_room or wal.exists() or not os.access(path, os.R_OK):
            raise
    return _connect_ro(uri + "?immutable=1")


def _connect_ro(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=BUSY_MS / 1000, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA query_only=ON")
        # A mapped file would count as the viewer's memory; the kernel caches it anyway.
        connection.execute("PRAGMA cache_size=-8000")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
