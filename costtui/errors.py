"""Every error costtui raises on purpose.

CosttuiError                 exit code 1
├── ConfigError              exit code 2: all problems of a file at once
├── UsageError               exit code 2: a flag or argument is wrong
├── StoreError
│   ├── StoreBusyError       another process holds the writer lock
│   ├── StoreNewerError      written by a newer costtui; never touched
│   ├── StoreCorruptError    SQLite says the file is damaged
│   ├── StoreFullError       the disk is full; nothing was lost, it is retried
│   └── StoreReadOnlyError   the file or its folder cannot be written
├── SourceError              one poll of one source failed; a gap, retried for ever
│   ├── SourceUnreachableError
│   │   └── SourceRefusedError   it wants other credentials, or any
│   ├── SourceOverloadedError  the server says that it was asked for too much
│   └── SourceFormatError
│       └── SourceTooLargeError
└── PricingError
"""

from __future__ import annotations

from dataclasses import dataclass


class CosttuiError(Exception):
    """Root of every error raised on purpose; `exit_code` is what the CLI exits with."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration file."""

    file: str
    line: int
    """1-based; 0 when the problem belongs to no line."""
    key: str
    """Dotted path, for example `sources[1].interval`."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(CosttuiError):
    """The configuration cannot be used. Carries every problem, not the first."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


class UsageError(CosttuiError):
    """A command line that cannot be understood."""

    exit_code = 2


class StoreError(CosttuiError):
    """The local store cannot be used; the message says which file and what to do."""


class StoreBusyError(StoreError):
    """Another process is the writer of this store."""


class StoreNewerError(StoreError):
    """The store was written by a newer costtui. It was not touched."""


class StoreOlderError(StoreError):
    """The store was written by an older costtui, and no collector has brought it up to date."""


class StoreCorruptError(StoreError):
    """SQLite reports a damaged file."""


class StoreFullError(StoreError):
    """The disk is full. The transaction was rolled back whole and is retried."""


class StoreReadOnlyError(StoreError):
    """The store or its folder cannot be written."""


class SourceError(CosttuiError):
    """One poll of one source failed. The poller records a gap and tries again."""


class SourceUnreachableError(SourceError):
    """Refused, timed out, unreadable, or an HTTP status that is not success."""


class SourceTimeoutError(SourceUnreachableError):
    """There was no whole answer in time."""


class SourceOverloadedError(SourceError):
    """The server refused because a query was too large or it is busy: ask for less, or later."""


class SourceRefusedError(SourceUnreachableError):
    """HTTP 401 or 403."""


class SourceFormatError(SourceError):
    """It answered, but not with what the preset expects."""


class SourceTooLargeError(SourceFormatError):
    """An answer is larger than what is read of one."""


class PricingError(CosttuiError):
    """A price file or override cannot be used."""
