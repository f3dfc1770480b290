"""One consistent read of a store that may be written, replaced or missing meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

from costtui.config.schema import Consumer
from costtui.errors import StoreError, StoreOlderError
from costtui.store.catalogue import Catalogue
from costtui.store.connection import inspect, must_be_file, open_reader, store_errors
from costtui.store.levels import Floors, read_floors
from costtui.store.lock import WriterLock
from costtui.store.migrate import migrations, newest
from costtui.store.overview import Panels
from costtui.store.sums import SumCache


class Reading:
    """A read-only connection and what is cached of the store."""

    def __init__(
        self, path: Path, *, zone: tzinfo, consumers: Sequence[tuple[str, Consumer]] = ()
    ) -> None:
        self.path = path
        self._zone = zone
        self._consumers = consumers
        self._lock = WriterLock(path)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0
        self._catalogue = Catalogue(consumers)
        self._cache = SumCache(self._catalogue)
        self._panels = Panels(self._catalogue)
        self._floors = Floors()
        self._revision = 0
        self._heartbeat = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """May be called twice; the next call of anything else opens the store again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._file = None

    # One read

    def _open(self) -> sqlite3.Connection:
        """The connection, opened (again) where the file appeared or was replaced."""
        try:
            stat = self.path.stat()
            must_be_file(self.path, stat.st_mode)
            file = (stat.st_dev, stat.st_ino) if stat.st_size else None
        except FileNotFoundError:
            file = None
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be read ({error.strerror})") from error
        if self._connection is not None and file == self._file:
            return self._connection
        self.close()
        self._catalogue = Catalogue(self._consumers)
        self._cache = SumCache(self._catalogue)
        self._panels = Panels(self._catalogue)
        connection = None
        if file is not None:
            connection = open_reader(self.path)
            try:
                version = inspect(self.path, connection, newest())
            except BaseException:
                connection.close()
                raise
            if not version:  # its collector is just making it
                connection.close()
                connection, file = None, None
            elif version < newest():
                connection.close()
                raise StoreOlderError(
                    f"{self.path}: was written by an older costtui; the next collector of this one "
                    "brings it up to date (one that runs is of the older: stop it, then `costtui` "
                    "or `costtui collect --once`)"
                )
        if connection is None:
            connection = _empty_store()
        self._connection, self._file = connection, file
        self._opened += 1
        return connection

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with store_errors(self.path):
            connection = self._open()
            connection.execute("BEGIN")
            try:
                meta = dict(connection.execute("SELECT key, value FROM meta"))
                self._revision = int(meta["revision"])
                self._heartbeat = float(meta["heartbeat"])
                self._floors = read_floors(meta)
                self._catalogue.refresh(connection)
                self._cache.refresh(connection, self._revision)
                yield connection
            finally:
                connection.rollback()

    def data_version(self) -> int:
        """Changes when anything was written to the store, status included. Microseconds."""
        with store_errors(self.path):
            connection = self._open()
            version = int(connection.execute("PRAGMA data_version").fetchone()[0])
            return self._opened << 32 | version

    def revision(self) -> int:
        """Changes when usage, gaps or alerts changed: without a new one, no query is needed."""
        with store_errors(self.path):
            row = self._open().execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()
            return int(row[0])


def _empty_store() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for _, sql in migrations():
        connection.executescript(sql)
    return connection
