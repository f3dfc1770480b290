"""Which files the configured paths mean, and which others are their rotated generations.

`glob` is not used: it hides folders that cannot be read, and follows links to folders in
circles.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from fnmatch import translate
from functools import lru_cache
from itertools import islice
from time import monotonic
from typing import NamedTuple

MAX_FILES = 20_000
"""Files one source follows; beyond it a note says so."""

MAX_LOOKED = 500_000
"""Names that one pattern looks at, at most."""
MAX_SECONDS = 5.0
"""How long it looks for them. `/proc/**` has no end: what is there changes while one looks."""

_MAGIC = re.compile(r"[*?\[]")
_ROTATION = r"(?:\d{1,4}|\d{4}-?\d\d-?\d\d(?:[-_T.]?\d{1,6})*|\d{10})"


class Seen(NamedTuple):
    """A file that is there now."""

    path: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    configured: bool = True

    @property
    def inode(self) -> tuple[int, int]:
        return self.dev, self.ino


def look(path: str, configured: bool) -> Seen | None:
    """The regular file at `path`, links followed, or None. Raises OSError but for absence."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Seen(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, configured)


def has_magic(path: str) -> bool:
    """Is this a pattern?"""
    return _MAGIC.search(path) is not None


def fixed_folder(pattern: str) -> str:
    """The longest folder of `pattern` without a wildcard."""
    folder = os.path.dirname(os.path.abspath(pattern))
    while has_magic(folder):
        folder = os.path.dirname(folder)
    return folder


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def expand(pattern: str, problems: list[str]) -> Iterator[str]:
    """The files a path or glob names. `**` is any number of folders, links to folders are not
    entered by it; hidden names only match a pattern that starts with a dot."""
    pattern = os.path.abspath(pattern)
    if not has_magic(pattern):
        yield pattern
        return
    parts = [p for p in pattern.split(os.sep) if p]
    try:
        yield from _walk(os.sep, parts, problems, _Bound())
    except _TooMuchError:
        problems.append(
            f"{pattern}: not looked through to its end, after {MAX_LOOKED} names or "
            f"{MAX_SECONDS:g} s: name a folder with less in it"
        )


class _TooMuchError(Exception):
    """The search went on for too long."""


class _Bound:
    """How far one search may still go."""

    def __init__(self) -> None:
        self.left = MAX_LOOKED
        self.ends = monotonic() + MAX_SECONDS

    def listed(self, folder: str) -> list[os.DirEntry[str]]:
        """The entries of `folder`. Raises OSError, and `_TooMuchError`."""
        if self.left <= 0 or monotonic() > self.ends:
            raise _TooMuchError
        with os.scandir(folder) as entries:
            found = list(islice(entries, self.left + 1))
        self.left -= len(found)
        if self.left < 0:
            raise _TooMuchError
        return found


def _walk(folder: str, parts: list[str], problems: list[str], bound: _Bound) -> Iterator[str]:
    while len(parts) > 1 and not has_magic(parts[0]):
        folder, parts = os.path.join(folder, parts[0]), parts[1:]
    first, rest = parts[0], parts[1:]
    if not has_magic(first):
        yield os.path.join(folder, first)
        return
    deep = first == "**"
    if deep and not rest:
        rest = ["*"]
    if deep:
        yield from _walk(folder, rest, problems, bound)
    try:
        listed = bound.listed(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        problems.append(f"{folder}: {error.strerror}")
        return
    match = _matcher("*" if deep else first).match
    for entry in listed:
        if not match(entry.name) or (entry.name.startswith(".") and not first.startswith(".")):
            continue
        if deep:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, parts, problems, bound)
        elif not rest:
            yield entry.path
        elif entry.is_dir():
            yield from _walk(entry.path, rest, problems, bound)


def names(pattern: str, path: str) -> bool:
    """Would `expand(pattern)` yield `path`, if it were there? Linked folders aside."""
    return _names(os.path.abspath(pattern).split(os.sep), path.split(os.sep))


def _names(parts: list[str], steps: list[str]) -> bool:
    if not parts or not steps:
        return not parts and not steps
    first, rest = parts[0], parts[1:]
    if first == "**":
        return any(_names(rest or ["*"], steps[index:]) for index in range(len(steps)))
    if first != steps[0] and not (has_magic(first) and _matcher(first).match(steps[0])):
        return False
    return _names(rest, steps[1:])


def stem_of(name: str) -> str:
    """What all generations of a log have in front: `app` of `app.log`."""
    return name.lstrip(".").split(".", 1)[0]


def siblings(paths: Iterable[str]) -> Iterator[str]:
    """Files beside `paths` that share a stem with one of them."""
    folders: dict[str, set[str]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        folders.setdefault(folder, set()).add(stem_of(name))
    for folder, stems in folders.items():
        heads = tuple(s for s in stems if s)
        try:
            with os.scandir(folder) as entries:
                yield from [e.path for e in entries if e.name.lstrip(".").startswith(heads)]
        except OSError:
            continue  # the path's own look-up reports what is wrong with the folder


def is_generation(path: str, origin: str) -> bool:
    """Is `path` named as a rotated generation of `origin` (`app.log.1`, `app-20260131.log.gz`)?"""
    if os.path.dirname(path) != os.path.dirname(origin):
        return False
    name = os.path.basename(origin)
    stem, dot, suffix = name.partition(".")
    shapes = [rf"{re.escape(name)}[.-]{_ROTATION}"]
    if dot:
        shapes.append(rf"{re.escape(stem)}[.-]{_ROTATION}\.{re.escape(suffix)}")
    pattern = rf"(?:{'|'.join(shapes)})(?:\.gz)?"
    return re.fullmatch(pattern, os.path.basename(path)) is not None
