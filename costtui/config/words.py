"""How problems are worded: quoting what was written, and the nearest right spelling."""

from __future__ import annotations

from collections.abc import Iterable

from costtui.errors import ConfigError, Problem
from costtui.model.safetext import redact, visible

PROBLEM_LIMIT = 100
"""Problems that are told; a file with more is not the file that was meant."""


def quoted(text: str) -> str:
    """`text` between quotation marks, bounded, harmless, and without the secrets in it."""
    return f'"{visible(redact(text), 60)}"'


def nearest(word: str, known: Iterable[str]) -> str:
    """The spelling in `known` that was probably meant, or `""`."""
    import difflib  # 1 ms that only a mistake pays

    # Dashes that all options begin with make none of them nearer: `--frob` is no `--db`.
    spellings = {name.lower().lstrip("-"): name for name in known}
    if len(word) > 60:
        return ""
    found = difflib.get_close_matches(word.lower().lstrip("-"), spellings, n=1, cutoff=0.6)
    return spellings[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean "x"?)`, or `""` when nothing is near."""
    near = nearest(word, known)
    return f' (did you mean "{near}"?)' if near else ""


class Problems:
    """Collects what is wrong with one file, so that all of it is told at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []
        self.more = 0

    def add(self, line: int, key: str, message: str, *, file: str = "") -> None:
        """`line` 0: it belongs to no line. `file` names another place, such as a flag."""
        if len(self.found) < PROBLEM_LIMIT:
            self.found.append(Problem(file or self.file, line, key, message))
        else:
            self.more += 1

    @property
    def full(self) -> bool:
        return len(self.found) >= PROBLEM_LIMIT

    def raise_any(self) -> None:
        """Raises `ConfigError` with every problem in the order of the file, if there are any."""
        if not self.found:
            return
        ordered = sorted(self.found, key=lambda p: (p.file != self.file, p.line))
        if self.more:
            ordered.append(Problem(self.file, 0, "", f"and {self.more} more problems"))
        raise ConfigError(ordered)
