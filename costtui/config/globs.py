"""Does a glob of `paths:` mean this file? Answered without looking at the disk."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase


def matches(pattern: str, path: str) -> bool:
    """Is absolute `path` among what absolute `pattern` stands for? `**` is any folders or none.

    `fnmatch` alone would let `*` cross a slash, and a log one folder deeper would be taken for
    one that is read already.
    """
    if _matches(pattern.split("/"), path.split("/")):
        return True
    real = os.path.realpath(path)
    return real != path and _matches(pattern.split("/"), real.split("/"))


def _matches(pattern: list[str], path: list[str]) -> bool:
    # One row of the table "do the first i parts of the pattern match the first j of the path";
    # plain recursion takes exponential time on many `**`.
    row = [True] + [False] * len(path)
    for part in pattern:
        if part == "**":
            seen = False
            for j, value in enumerate(row):
                seen = seen or value
                row[j] = seen
        else:
            after = [row[j] and _one(part, path[j]) for j in range(len(path))]
            row = [False, *after]
    return row[-1]


def _one(pattern: str, name: str) -> bool:
    hidden = name.startswith(".") and not pattern.startswith(".")
    return fnmatchcase(name, pattern) and (not hidden or pattern == name)
