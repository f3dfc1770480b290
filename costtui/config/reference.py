"""The key reference of `docs/configuration.md`, made from the table of keys."""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any

from costtui.config.keys import ROOT
from costtui.config.kinds import Kind
from costtui.config.sections import Free, Key, ListOf, MapOf, Preset, Section, Shape


def markdown() -> str:
    """One table a section, in the order of the file."""
    return "\n".join(_tables(ROOT, "Top level")) + "\n"


def _tables(section: Section, title: str) -> list[str]:
    lines = [f"### {title}", "", "| key | value | default | meaning |", "|---|---|---|---|"]
    inner: list[str] = []
    for key in section.keys:
        cells = (f"`{key.name}`", _value(key.kind), _default(section, key), _doc(section, key))
        lines.append(f"| {' | '.join(cells)} |")
        found = _inside(key.kind)
        if found is not None:
            prefix = "" if section is ROOT else title.strip("`") + "."
            inner += ["", *_tables(found, f"`{prefix}{key.name}{_steps(key.kind)}`")]
    return lines + inner


def _doc(section: Section, key: Key) -> str:
    return _only(section, key) + key.doc.replace("|", "\\|")


def _only(section: Section, key: Key) -> str:
    """Beside which choices of the section the key means something."""
    if not key.only or not section.only_doc or section.chosen in key.targets:
        return ""
    others = [choice for choice in section.choices if choice not in key.only]
    if len(others) == 1 and len(key.only) > 2:
        return f"Not {section.only_doc}{others[0]}`. "
    return f"Only {section.only_doc}{'` or `'.join(key.only)}`. "


def _default(section: Section, key: Key) -> str:
    if key.required:
        return "required"
    if key.default is not None:
        return key.default
    value: Any = section.default(key)
    never = getattr(key.kind, "never", "")
    if not isinstance(key.kind, Kind) or value is MISSING:
        return ""
    return (
        "" if value in (None, "") and not never else "`" + key.kind.render(value).strip('"') + "`"
    )


def _value(shape: Shape) -> str:
    if isinstance(shape, Preset):
        return "preset (`costtui presets`)"
    if isinstance(shape, Kind):
        return shape.describe()
    if isinstance(shape, ListOf):
        inner = shape.item
        many = "list of mappings" if isinstance(inner, Section) else f"list of {_value(inner)}"
        return f"{_value(inner)} or {many}" if shape.single else many
    if isinstance(shape, MapOf):
        inner = shape.item
        what = "mapping" if isinstance(inner, Section) else _value(inner)
        return f"mapping of {shape.placeholder} to {what}"
    return "any mapping" if isinstance(shape, Free) else "mapping"


def _inside(shape: Shape) -> Section | None:
    if isinstance(shape, Section):
        return shape
    return _inside(shape.item) if isinstance(shape, ListOf | MapOf) else None


def _steps(shape: Shape) -> str:
    if isinstance(shape, ListOf):
        return "[]" + _steps(shape.item)
    if isinstance(shape, MapOf):
        return f".<{shape.placeholder}>" + _steps(shape.item)
    return ""
