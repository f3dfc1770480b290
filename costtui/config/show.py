"""`costtui config show`: the effective configuration as YAML, each value with its origin.

Secrets are masked by their kind, and so is whatever an environment variable put into a free-form
mapping or behind the `?` of a URL, because what it is for is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from costtui.config.alert_keys import ALERT, BUDGET
from costtui.config.keys import PRICE, ROOT
from costtui.config.kinds import Kind, yaml_text
from costtui.config.load import Loaded
from costtui.config.schema import RATE_KEYS, Secret
from costtui.config.sections import Free, Key, ListOf, MapOf, Section, Shape
from costtui.model.safetext import redact

_MASK = str(Secret(""))


def effective(loaded: Loaded) -> str:
    """YAML text. Money and rates are shown per 1M tokens, durations in their largest unit."""
    lines = list(_Show(loaded).section(ROOT, loaded.config, "", ""))
    return "\n".join(lines) + "\n"


class _AsWritten(str):
    """Shown as the file spelled it."""


class _Show:
    def __init__(self, loaded: Loaded) -> None:
        self._origins = loaded.origins
        self._filled = loaded.filled

    def section(
        self, section: Section, value: Any, path: str, indent: str, usual: str = "default"
    ) -> Iterator[str]:
        """`usual` is the origin of what has none of its own."""
        for key in section.keys:
            if not key.shown or (key.only and section.foreign(key, getattr(value, section.chosen))):
                continue
            found = _read(section, key, value)
            if found is None and not getattr(key.kind, "never", ""):
                continue
            where = f"{path}.{key.name}" if path else key.name
            origin = self._origin(section, key, path, usual)
            yield from self._value(key.name, key.kind, found, where, indent, origin)

    def _origin(self, section: Section, key: Key, path: str, usual: str) -> str:
        for other in section.keys:
            if other is key or (other.targets == key.targets and not other.shown):
                origin = self._origins.get(f"{path}.{other.name}" if path else other.name)
                if origin:
                    return origin
        return usual

    def _value(
        self, name: str, shape: Shape, value: Any, path: str, indent: str, origin: str
    ) -> Iterator[str]:
        start = f"{indent}{yaml_text(name)}:"
        if isinstance(shape, Kind):
            yield f"{start} {self._text(shape, value, path)}  # {origin}"
        elif isinstance(shape, Section):
            yield start
            yield from self.section(shape, value, path, indent + "  ")
        elif not value:
            empty = "[]" if isinstance(shape, ListOf) else "{}"
            yield f"{start} {empty}  # {origin}"
        elif isinstance(shape, ListOf):
            yield from self._list(start, shape, value, path, indent, origin)
        elif isinstance(shape, MapOf):
            yield start
            for inner, item in dict(value).items():
                where = f"{path}.{inner}"
                told = self._origins.get(where, origin)
                yield from self._value(inner, shape.item, item, where, indent + "  ", told)
        elif isinstance(shape, Free):
            yield f"{start}  # {origin}"
            yield from self._free(value, path, indent + "  ")

    def _list(
        self, start: str, shape: ListOf, items: Any, path: str, indent: str, origin: str
    ) -> Iterator[str]:
        if isinstance(shape.item, Kind):
            texts = [self._text(shape.item, item, f"{path}[{i}]") for i, item in enumerate(items)]
            yield f"{start} [{', '.join(texts)}]  # {origin}"
            return
        assert isinstance(shape.item, Section)
        yield start
        for index, item in enumerate(items):
            where = f"{path}[{index}]"
            told = self._origins.get(where, "")
            usual = told if told.startswith("env") else "default"
            lines = self.section(shape.item, item, where, indent + "    ", usual)
            for number, line in enumerate(lines):
                yield f"{indent}  - {line[len(indent) + 4 :]}" if number == 0 else line

    def _text(self, kind: Kind, value: Any, path: str) -> str:
        if isinstance(value, _AsWritten):
            return yaml_text(value)
        if path in self._filled and path.startswith("notifiers["):
            return yaml_text(_MASK)
        if path.endswith(".url"):
            page, question, _ = str(value).partition("?")
            asked = question and path in self._filled
            return kind.render(f"{page}?{_MASK}" if asked else redact(str(value)))
        return kind.render(value)

    def _free(self, value: Any, path: str, indent: str) -> Iterator[str]:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in pairs:
            listed = not isinstance(value, dict)
            where = f"{path}[{name}]" if listed else f"{path}.{name}"
            start = f"{indent}-" if listed else f"{indent}{yaml_text(str(name))}:"
            if isinstance(item, dict | list) and item:
                yield start
                yield from self._free(item, where, indent + "  ")
            else:
                yield f"{start} {self._plain(item, where)}"

    def _plain(self, item: Any, path: str) -> str:
        if path in self._filled:
            return yaml_text(_MASK)
        if isinstance(item, str):
            return yaml_text(redact(item))
        # What is left is null, true, false, a number, {} or []: JSON spells them as YAML does.
        return json.dumps(item)


def _read(section: Section, key: Key, value: Any) -> Any:
    """The value of `key` in a dataclass of `schema`; None for what is not set."""
    if section is PRICE and key.name in RATE_KEYS:
        return dict(value.rates).get(key.name)
    if section is PRICE and key.name == "unit":
        return "1M" if value.rates else None
    if section is BUDGET and key.name.endswith("_window") and value.burn_over is None:
        return None  # they mean nothing then
    if section is ALERT and key.name == "window" and value.window_name:
        return _AsWritten(value.window_name)
    found = getattr(value, key.targets[0])
    if isinstance(key.kind, Kind) and found == "" and section.default(key) == "":
        return None
    return found
