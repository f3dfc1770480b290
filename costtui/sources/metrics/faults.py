"""What is wrong with a shape: key, sentence, and the nearest right spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class Faults:
    """Collects (key, message) pairs while a shape is read."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, key: str, message: str) -> None:
        self.found.append((key, message))

    def one_of(self, key: str, value: Any, allowed: Iterable[str]) -> bool:
        """Complain unless `value` is one of `allowed`."""
        names = list(allowed)
        if isinstance(value, str) and value in names:
            return True
        self.add(key, f"{value!r} is not one of {', '.join(names)}{nearest(str(value), names)}")
        return False

    def keys(self, key: str, data: Mapping[Any, Any], allowed: Iterable[str]) -> None:
        names = list(allowed)
        for name in data:
            if name not in names:
                self.add(join(key, str(name)), f"unknown key{nearest(str(name), names)}")


def nearest(word: str, names: Iterable[str]) -> str:
    """` (did you mean "x"?)`, or nothing."""
    close = difflib.get_close_matches(word, list(names), 1, 0.6)
    return f' (did you mean "{close[0]}"?)' if close else ""


def words(data: Any, faults: Faults, key: str) -> tuple[str, ...]:
    """A text or a list of texts."""
    items = data if isinstance(data, list) else [data]
    if any(isinstance(i, (Mapping, list)) or i is None or isinstance(i, bool) for i in items):
        faults.add(key, "must be a text or a list of texts")
        return ()
    return tuple(str(item) for item in items)


def flag(data: Mapping[Any, Any], name: str, faults: Faults, key: str) -> bool:
    """A switch that is off unless it is written."""
    value = data.get(name, False)
    if not isinstance(value, bool):
        faults.add(join(key, name), "must be true or false")
    return bool(value)


def join(key: str, name: str) -> str:
    """A dotted path."""
    return f"{key}.{name}" if key else name
