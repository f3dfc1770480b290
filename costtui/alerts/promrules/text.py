"""PromQL strings, patterns and templates that any text can stand in, and the YAML around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from textwrap import wrap
from typing import Final

from costtui.config.durations import duration_text
from costtui.config.kinds import yaml_text
from costtui.model.dimension import NO_VALUE

NO_VALUES: Final = "(?i:" + "|".join(re.escape(v) for v in sorted(NO_VALUE) if v) + ")"
"""The spellings of "no value", but for the empty one, as a pattern."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One recording or alerting rule."""

    name: str
    expr: str
    labels: tuple[tuple[str, str], ...] = ()
    alert: bool = False
    hold: int = 0
    keep: int = 0
    annotations: tuple[tuple[str, str], ...] = ()
    comment: tuple[str, ...] = ()


@dataclass(slots=True)
class Group:
    name: str
    interval: int
    rules: list[Rule] = field(default_factory=list)


def quote(text: str) -> str:
    """`text` as a PromQL string: Go's escapes, so that no character is a line or a command."""
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escaped(c) for c in out) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_of(values: Iterable[str]) -> str:
    """A pattern that is exactly one of `values`. Prometheus anchors patterns itself."""
    return "|".join(re.escape(value) for value in sorted(values))


def replacement(text: str) -> str:
    """`text` as what `label_replace` puts in, where `$` begins a group."""
    return text.replace("$", "$$")


def template_text(text: str) -> str:
    """`text` in a label or an annotation of an alert, which are Go templates."""
    return text.replace("{{", '{{ "{{" }}')


def number(value: Decimal | int) -> str:
    """A number in full, without an exponent."""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def milliseconds(ms: int) -> str:
    return f"{ms}ms" if ms % 1000 else duration_text(ms // 1000)


def indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))


def comment(lines: Iterable[str], by: int = 0) -> list[str]:
    """Comment lines; a character that could end one is a blank."""
    return [
        f"{' ' * by}# {line}".rstrip()
        for text in lines
        for line in wrapped("".join(c if c.isprintable() else " " for c in text), 96 - by)
    ]


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a paragraph; those of a list item are set in."""
    return wrap(text, width, subsequent_indent="  " * text.startswith("- ")) or [""]


def rendered(head: Sequence[str], groups: Iterable[Group]) -> str:
    """A rule file."""
    lines = [*comment(head), "groups:"]
    for group in groups:
        lines += [f"  - name: {yaml_text(group.name)}", f"    interval: {group.interval}s"]
        lines.append("    rules:")
        for rule in group.rules:
            lines += _rule(rule)
    return "\n".join(lines) + "\n"


def _rule(rule: Rule) -> list[str]:
    lines = comment(rule.comment, 6)
    lines.append(f"      - {'alert' if rule.alert else 'record'}: {yaml_text(rule.name)}")
    lines += ["        expr: |-", indented(rule.expr, 10)]
    if rule.hold:
        lines.append(f"        for: {duration_text(rule.hold)}")
    if rule.keep:
        lines.append(f"        keep_firing_for: {duration_text(rule.keep)}")
    lines += _mapping("labels", dict(rule.labels))
    lines += _mapping("annotations", dict(rule.annotations))
    return lines


def _mapping(name: str, values: Mapping[str, str]) -> list[str]:
    if not values:
        return []
    return [f"        {name}:", *(f"          {k}: {yaml_text(v)}" for k, v in values.items())]
