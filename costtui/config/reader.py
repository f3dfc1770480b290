"""A YAML tree, held against the table of keys: values with their lines, or problems.

It goes on after each problem, so that one run tells all of them. What one key means beside
another (a source with two ways to log in, two sources for one gateway) is `build`'s business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from costtui.config import yamltree
from costtui.config.kinds import Kind, Place, Written, fill_in
from costtui.config.sections import Key, ListOf, MapOf, Section, Shape
from costtui.config.words import Problems, did_you_mean, quoted
from costtui.config.yamltree import Node, Scalar, Sequence
from costtui.model.safetext import visible

_SHELL = re.compile(r"[\s|&;<>()$`*?\"']")
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(slots=True, eq=False, repr=False)
class Value:
    """What one key was given."""

    data: Any
    line: int
    key: str
    """Dotted path."""
    raw: str = ""
    """As written; "" for lists and mappings."""


@dataclass(slots=True, eq=False, repr=False)
class Values:
    """What one section was given. Keys that were given wrongly are in `broken` only."""

    line: int
    key: str
    given: dict[str, Value] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    """Their lines."""
    unknown: list[str] = field(default_factory=list)
    """Keys that the section does not have."""

    def get(self, name: str, default: Any = None) -> Any:
        found = self.given.get(name)
        return default if found is None else found.data

    def line_of(self, name: str) -> int:
        found = self.given.get(name)
        return self.broken.get(name, self.line) if found is None else found.line

    def path_of(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key else name

    def __contains__(self, name: str) -> bool:
        """Was it given, rightly or wrongly?"""
        return name in self.given or name in self.broken


class Reader:
    """Reads one file's tree; problems go to `problems`, lines of good keys to `lines`."""

    def __init__(self, place: Place, problems: Problems) -> None:
        self._place = place
        self._problems = problems
        self.lines: dict[str, int] = {}
        """Dotted path → line of everything that was read."""
        self.filled: set[str] = set()
        """Dotted paths of texts that hold the value of an environment variable."""

    def section(self, node: Node | None, section: Section, path: str = "") -> Values:
        """The keys of `section`. A missing or empty node has none."""
        values = Values(node.line if node else 1, path)
        if node is None or (isinstance(node, Scalar) and node.is_null):
            self._required(section, values)
            return values
        if not isinstance(node, yamltree.Mapping):
            self._problems.add(node.line, path, f"expected a mapping of keys, not {_called(node)}")
            values.broken.update(dict.fromkeys(section.by_name, node.line))
            return values
        self._repeated(node, path)
        for name, child in node.items:
            key = section.by_name.get(name.text)
            where = _dotted(path, name.text)
            if key is None:
                self._unknown(name, where, section.by_name)
                values.unknown.append(name.text)
                continue
            value = self._value(child, key.kind, where, name.line)
            if value is None:
                values.broken[key.name] = name.line
            else:
                values.given[key.name] = value
        self._required(section, values)
        return values

    def _required(self, section: Section, values: Values) -> None:
        missing = [key.name for key in section.keys if key.required and key.name not in values]
        for name in missing:
            self._problems.add(values.line, values.path_of(name), "is missing")

    def _unknown(self, name: Scalar, where: str, known: Mapping[str, Key]) -> None:
        if name.text == "<<":
            message = "merge keys are not read: repeat the keys, or use an alias for a whole value"
        else:
            message = "unknown key" + (
                "" if self._problems.full else did_you_mean(name.text, known)
            )
        self._problems.add(name.line, where, message)

    def _repeated(self, node: yamltree.Mapping, path: str) -> None:
        for name, first in node.repeated:
            message = f"is given twice: first on line {first}"
            self._problems.add(name.line, _dotted(path, name.text), message)

    def _value(self, node: Node, shape: Shape, path: str, line: int) -> Value | None:
        """`line` is the key's, which is what the user looks for."""
        # An alias can put one node under many keys; each key has its own line.
        self.lines[path] = line
        if isinstance(shape, Kind):
            return self._scalar(node, shape, path, line)
        if isinstance(node, Scalar) and node.is_null and not isinstance(shape, Section):
            # `alerts:` with every entry commented out.
            if isinstance(shape, ListOf) and shape.single:
                self._problems.add(line, path, "has no value: write [] for none")
                return None
            return Value([] if isinstance(shape, ListOf) else {}, line, path)
        if isinstance(shape, Section):
            before = len(self._problems.found)
            values = self.section(node, shape, path)
            broken = len(self._problems.found) > before and not values.given
            return None if broken else Value(values, line, path)
        if isinstance(shape, ListOf):
            return self._list(node, shape, path, line)
        if isinstance(shape, MapOf):
            return self._map(node, shape, path, line)
        return self._free(node, path, line)

    def _list(self, node: Node, shape: ListOf, path: str, line: int) -> Value | None:
        if shape.single and isinstance(node, Scalar):
            item = self._value(node, shape.item, path, line)
            return None if item is None else Value([item], line, path)
        if not isinstance(node, Sequence):
            hint = ""
            if isinstance(node, Scalar) and _short(node):
                line_of_shell = shape.program and _SHELL.search(node.text)
                text = json.dumps(node.text, ensure_ascii=False)
                hint = f": write [{f'sh, -c, {text}' if line_of_shell else node.text}]"
            message = f"expected a list, not {_called(node)}{hint}"
            self._problems.add(node.line, path, message)
            return None
        items = [
            self._value(child, shape.item, f"{path}[{index}]", child.line)
            for index, child in enumerate(node.items)
        ]
        good = [item for item in items if item is not None]
        return Value(good, line, path) if len(good) == len(items) or good else None

    def _map(self, node: Node, shape: MapOf, path: str, line: int) -> Value | None:
        if not isinstance(node, yamltree.Mapping):
            self._problems.add(node.line, path, f"expected a mapping, not {_called(node)}")
            return None
        self._repeated(node, path)
        found: dict[str, Value] = {}
        for name, child in node.items:
            where = _dotted(path, name.text)
            try:
                shape.key.parse(Written(name.text, name.text, False, self._place))
            except ValueError as error:
                self._problems.add(name.line, path, f"{quoted(name.text)} {error}")
                continue
            value = self._value(child, shape.item, where, name.line)
            if value is not None:
                found[name.text] = value
        return Value(found, line, path)

    def _scalar(self, node: Node, kind: Kind, path: str, line: int) -> Value | None:
        if not isinstance(node, Scalar):
            self._problems.add(node.line, path, f"expected one value, not {_called(node)}")
            return None
        if node.is_null:
            self._problems.add(line, path, "has no value: leave the key out for its default")
            return None
        text = self._filled(node, path)
        if text is None:
            return None
        written = Written(text, node.text, node.plain or text != node.text, self._place)
        try:
            data = kind.parse(written)
        except ValueError as error:
            named = "" if kind.secret else quoted(node.text) + " "
            self._problems.add(node.line, path, f"{named}{error}")
            return None
        return Value(data, line, path, node.text)

    def _free(self, node: Node, path: str, line: int) -> Value | None:
        if not isinstance(node, yamltree.Mapping):
            self._problems.add(node.line, path, f"expected a mapping, not {_called(node)}")
            return None
        return Value(self._plain(node, path), line, path)

    def _plain(self, node: Node, path: str) -> Any:
        """Plain Python values, as JSON would give them."""
        self.lines.setdefault(path, node.line)
        if isinstance(node, Sequence):
            return [self._plain(child, f"{path}[{i}]") for i, child in enumerate(node.items)]
        if isinstance(node, yamltree.Mapping):
            self._repeated(node, path)
            return {
                name.text: self._plain(child, _dotted(path, name.text))
                for name, child in node.items
            }
        text = self._filled(node, path)
        return _resolved(text) if text is not None and node.plain else text

    def _filled(self, node: Scalar, path: str) -> str | None:
        try:
            text = fill_in(node.text, self._place.env)
        except ValueError as error:
            self._problems.add(node.line, path, str(error))
            return None
        if text != node.text:
            self.filled.add(path)
        return text


def _resolved(text: str) -> Any:
    """A plain scalar by YAML 1.2's core rules: `no` is a word, not False."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and len(text) < 40 else text


def _dotted(path: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
        return f"{path}[{quoted(name)}]"
    return f"{path}.{name}" if path else name


def _short(node: Scalar) -> bool:
    return 0 < len(node.text) <= 60 and node.text.isprintable()


def _called(node: Node) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, yamltree.Mapping):
        return "a mapping"
    return f'the text "{visible(node.text, 60)}"' if not node.is_null else "nothing"
