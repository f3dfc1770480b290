"""YAML text → a small tree that knows its lines.

`yaml.safe_load` forgets lines, lets the last of two equal keys win, turns `0.1` into a float and
`no` into False, and expands a kilobyte of nested aliases into gigabytes. So the tree is built
from YAML's events, scalars stay as they were written, and depth and size are bounded. Composing
by events instead of `yaml.compose` also keeps the depth in our hands: composing recurses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from costtui.config.files import read_bytes
from costtui.config.words import Problems, quoted
from costtui.errors import ConfigError, Problem

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 40
MAX_NODES: Final = 50_000
"""Nodes with every alias expanded. The sample has about 400."""

_NOT_TEXT: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""Listing what YAML allows instead took 15 ms to compile, this takes 0.5 ms."""
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True, eq=False, repr=False)
class Scalar:
    line: int
    text: str
    plain: bool
    """Written without quotation marks."""
    size: int = 1

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in _NULL


@dataclass(slots=True, eq=False, repr=False)
class Sequence:
    line: int
    items: list[Node] = field(default_factory=list)
    size: int = 1
    """Nodes in here, aliases expanded."""


@dataclass(slots=True, eq=False, repr=False)
class Mapping:
    line: int
    items: list[tuple[Scalar, Node]] = field(default_factory=list)
    """Every key once."""
    repeated: list[tuple[Scalar, int]] = field(default_factory=list)
    """Keys that were there before, and the line of the first."""
    size: int = 1


Node = Scalar | Sequence | Mapping


def read_text(path: Path) -> str:
    """The text of a configuration file. Raises `ConfigError`."""
    try:
        data = read_bytes(path, MAX_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError([Problem(str(path), 0, "", f"cannot be read: {reason}")]) from None
    if len(data) > MAX_BYTES:
        raise ConfigError([Problem(str(path), 0, "", "is larger than 1 MiB: not a configuration")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8: byte 0x{data[error.start]:02x}"
        raise ConfigError([Problem(str(path), line, "", message)]) from None


def parse(text: str, problems: Problems, *, loader: Any = None) -> Node | None:
    """The tree of `text`, or None for a file that says nothing.

    Raises `ConfigError` where it cannot be read on (syntax, depth, size, alias cycle); what can
    be read past (an equal key, a tag) is added to `problems`. `loader` is a yaml loader class;
    by default libyaml's where PyYAML was built with it (9 times faster).
    """
    lines = len(text.splitlines()) or 1
    bad = _NOT_TEXT.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise _stop(
            problems, line, f"the character U+{ord(bad.group()):04X} is not allowed in YAML"
        )
    import yaml  # 20 ms, and without a configuration file nobody needs it

    loader = loader or getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Composer(yaml.parse(text, Loader=loader), problems, lines).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, lines) if mark else 1
        raise _stop(problems, line, _syntax(error, text, line)) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML's own scanner lets chr() and int() of impossible escapes through as they are.
        raise _stop(problems, 1, f"is not YAML: {visible_line(error)}") from None


def visible_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _syntax(error: Any, text: str, line: int) -> str:
    written = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
    if "\t" in written[: len(written) - len(written.lstrip())] or "'\\t'" in str(error.problem):
        return "a tab cannot indent in YAML: use spaces"
    if "nesting depth" in str(error.problem):  # PyYAML since 6.0.4 has a limit of its own
        return f"nested deeper than {MAX_DEPTH} levels"
    parts = [part for part in (error.context, error.problem) if part]
    flow = "${" in written and "flow" in str(error.context)
    hint = " (inside [] and {}, put ${NAME} in quotation marks)" if flow else ""
    return "not YAML: " + ", ".join(parts) + hint


def _stop(problems: Problems, line: int, message: str) -> ConfigError:
    problems.add(line, "", message)
    return ConfigError(sorted(problems.found, key=lambda p: p.line))


class _Composer:
    """Builds one document; an instance is used once."""

    def __init__(self, events: Iterator[Any], problems: Problems, lines: int) -> None:
        self._events = events
        self._problems = problems
        self._lines = lines
        self._anchors: dict[str, Node | None] = {}
        self._aliases = False
        """Was any met so far?"""

    def document(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self._events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    message = "a second document (---): a configuration is one document"
                    raise _stop(self._problems, event.start_mark.line + 1, message)
            elif kind not in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
                root = self._node(event, 0)
        return None if isinstance(root, Scalar) and root.is_null else root

    def _node(self, event: Any, depth: int) -> Node:
        # A value that is missing at the end of the file stands on the line behind it.
        line: int = min(event.start_mark.line + 1, self._lines)
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event.anchor, line)
        if event.tag not in (None, "!"):
            self._problems.add(line, "", f"the tag {quoted(event.tag)} is not used here")
        if kind == "ScalarEvent":
            return self._named(event, self._scalar(event, line))
        if depth >= MAX_DEPTH:
            raise _stop(self._problems, line, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor:
            self._anchors[event.anchor] = None  # under construction: an alias to it is a cycle
        if kind == "SequenceStartEvent":
            return self._named(event, self._sequence(line, depth))
        return self._named(event, self._mapping(line, depth))

    def _named(self, event: Any, node: Node) -> Node:
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _scalar(self, event: Any, line: int) -> Scalar:
        text: str = event.value
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._problems.add(line, "", "half of a surrogate pair is not a character")
            text = ""
        return Scalar(line, text, event.style in (None, ""))

    def _alias(self, name: str, line: int) -> Node:
        if name not in self._anchors:
            raise _stop(self._problems, line, f"the alias *{name} names nothing above it")
        self._aliases = True
        node = self._anchors[name]
        if node is None:
            raise _stop(self._problems, line, f"the alias *{name} is inside what it names")
        return node

    def _sequence(self, line: int, depth: int) -> Sequence:
        node = Sequence(line)
        for event in self._until("SequenceEndEvent"):
            child = self._node(event, depth + 1)
            node.items.append(child)
            node.size = self._grown(node.size + child.size, line)
        return node

    def _mapping(self, line: int, depth: int) -> Mapping:
        node = Mapping(line)
        seen: dict[str, int] = {}
        for event in self._until("MappingEndEvent"):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            node.size = self._grown(node.size + key.size + value.size, line)
            if not isinstance(key, Scalar):
                self._problems.add(key.line, "", "a key must be a word, not a list or a mapping")
            elif key.text in seen:
                node.repeated.append((key, seen[key.text]))
            else:
                seen[key.text] = key.line
                node.items.append((key, value))
        return node

    def _until(self, end: str) -> Iterator[Any]:
        for event in self._events:
            if type(event).__name__ == end:
                return
            yield event

    def _grown(self, size: int, line: int) -> int:
        if size > MAX_NODES:
            message = f"more than {MAX_NODES} values" + (
                " once its aliases are filled in" if self._aliases else ": not a configuration"
            )
            raise _stop(self._problems, line, message)
        return size
