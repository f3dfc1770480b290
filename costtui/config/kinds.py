"""The kinds of values a key can have.

A kind knows four things about a value: how to read it from text, what JSON Schema says about it,
how it is written back, and what to call it. Keys are made of kinds in `keys`; nothing else knows
how a value is spelled. Kinds are constants; they are plain dataclasses only because the
viewer imports them before its first paint, and a frozen one takes 0.7 ms more to make.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Final

from costtui.config.durations import duration_text, parse_duration
from costtui.config.locate import expand_home
from costtui.config.words import did_you_mean
from costtui.model.dimension import TAG_NAME

ENV_SCHEMA: Final = {"$ref": "#/$defs/env"}
_PLAIN_YAML: Final = re.compile(r"[A-Za-z_./~$][A-Za-z0-9_./@$+-]*")
_WORDS: Final = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", ".nan", ".inf"}
_DECIMAL: Final = re.compile(r"[+-]?(\d{1,20}\.?\d{0,30}|\.\d{1,30})([eE][+-]?\d{1,2})?", re.ASCII)
_VARIABLE: Final = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{[^}]*\}?")


@dataclass(slots=True, eq=False, repr=False)
class Place:
    """What text is read against."""

    env: Mapping[str, str]
    folder: Path
    """Relative paths begin here: the folder of the configuration file."""


@dataclass(slots=True, eq=False, repr=False)
class Written:
    """One scalar of the file."""

    text: str
    """With every `${NAME}` filled in."""
    raw: str
    plain: bool
    """Without quotation marks, or filled in: then a word may also be a number or a boolean."""
    place: Place

    @property
    def from_env(self) -> bool:
        return from_env(self.raw)


def from_env(raw: str) -> bool:
    """Does this text of the file take anything from the environment?"""
    return any(found.group(1) for found in _VARIABLE.finditer(raw))


def fill_in(raw: str, env: Mapping[str, str]) -> str:
    """`raw` with `${NAME}` replaced and `$${` turned into `${`. Raises ValueError."""

    def replace(found: re.Match[str]) -> str:
        name = found.group(1)
        if found.group() == "$${":
            return "${"
        if name is None:
            raise ValueError(
                "an environment variable is written ${NAME}; for a literal ${ write $${"
            )
        if name not in env:
            near = did_you_mean(name, env)
            raise ValueError(f"the environment variable {name} is not set{near}")
        return env[name]

    return _VARIABLE.sub(replace, raw) if "${" in raw else raw


def yaml_text(text: str) -> str:
    """`text` as a YAML scalar that reads back as this text."""
    if _PLAIN_YAML.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    # JSON's own escapes write a character beyond U+FFFF as two, which is no YAML.
    return "".join(c if c.isprintable() else _escaped(c) for c in quoted)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Kind:
    """One kind of scalar. `parse` raises ValueError with what is wrong, for the user."""

    label: ClassVar[str] = "text"

    def parse(self, written: Written) -> Any:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def render(self, value: Any) -> str:
        return yaml_text(str(value))

    def describe(self) -> str:
        return self.label

    @property
    def secret(self) -> bool:
        return False


@dataclass(eq=False, repr=False)
class Text(Kind):
    """Printable text."""

    empty: bool = False
    limit: int = 4096
    lines: bool = False
    """It may have several."""

    def parse(self, written: Written) -> str:
        if written.plain and written.text.lower() in ("true", "false"):
            raise ValueError("expected text, not a boolean: put it in quotation marks")
        if not self.lines:
            return plain_text(written.text, empty=self.empty, limit=self.limit)
        flat = written.text.replace("\n", " ").replace("\t", " ")
        plain_text(flat, empty=self.empty, limit=self.limit)
        return written.text

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number"], **({} if self.empty else {"minLength": 1})}


def plain_text(text: str, *, empty: bool = False, limit: int = 4096) -> str:
    """`text` itself, when it can be shown. Raises ValueError."""
    if not text and not empty:
        raise ValueError("is empty")
    if len(text) > limit:
        raise ValueError(f"is longer than {limit} characters")
    if not text.isprintable():
        raise ValueError("holds a line break or another character that cannot be shown")
    return text


@dataclass(eq=False, repr=False)
class Glob(Text):
    """A shell pattern."""

    label: ClassVar[str] = "glob"

    def parse(self, written: Written) -> str:
        return checked_glob(super().parse(written))


def checked_glob(text: str) -> str:
    """`text`, a pattern that means what it says. Raises ValueError.

    `fnmatch` takes an unclosed bracket as a plain character, so it would silently match nothing.
    """
    rest = text
    while "[" in rest:
        start = rest.index("[")
        # A `]` directly behind `[` or `[!` is a member of the set, not its end.
        skip = start + (2 if rest[start + 1 : start + 2] == "!" else 1)
        end = rest.find("]", skip + 1)
        if end < 0:
            raise ValueError('is not a glob: "[" is never closed (write [[] for the character)')
        rest = rest[end + 1 :]
    return text


@dataclass(eq=False, repr=False)
class Choice(Kind):
    """One of some words."""

    values: tuple[str, ...]
    enum: type[Enum] | None = None
    """The values are this enumeration's names in lower case."""

    def parse(self, written: Written) -> Any:
        if written.text not in self.values:
            near = did_you_mean(written.text, self.values)
            raise ValueError(f"is not one of {', '.join(self.values)}{near}")
        return self.enum[written.text.upper()] if self.enum else written.text

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.values)}, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        return yaml_text(value.name.lower() if isinstance(value, Enum) else value)

    def describe(self) -> str:
        return " \\| ".join(f"`{value}`" for value in self.values)


class TagName(Kind):
    """What a tag is called: it is typed as `tag:NAME` in filters and on the command line."""

    label = "tag"

    def parse(self, written: Written) -> str:
        if not TAG_NAME.fullmatch(written.text):
            raise ValueError(
                "is not a name for a tag: use letters, digits and _ . / -, at most 63 of them"
            )
        return written.text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{TAG_NAME.pattern}$"}


class Bool(Kind):
    label = "true or false"

    def parse(self, written: Written) -> bool:
        word = written.text.lower()
        if word in ("true", "false") and written.plain:
            return word == "true"
        if word in ("true", "false"):
            raise ValueError(f"expected {word} without quotation marks")
        meant = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false"}.get(word)
        near = f' (did you mean "{meant}"?)' if meant else ""
        raise ValueError(f"expected true or false{near}")

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        return "true" if value else "false"


@dataclass(eq=False, repr=False)
class Duration(Kind):
    """Seconds."""

    plain: bool = False
    """A number without a unit is seconds."""
    never: str = ""
    """The word that stands for None."""
    least: str = "1s"
    """The shortest that is allowed."""
    whole_minutes: bool = False
    fraction: bool = False
    """The value is a float, otherwise an int."""

    def parse(self, written: Written) -> float | int | None:
        if self.never and written.text == self.never:
            return None
        if written.text.startswith("-"):
            raise ValueError("must not be negative")
        try:
            seconds = parse_duration(written.text, plain=self.plain)
        except ValueError as error:
            near = did_you_mean(written.text, [self.never]) if self.never else ""
            raise ValueError(f"{error}{near}") from None
        if seconds < parse_duration(self.least):
            raise ValueError(f"is too short: the least is {self.least}")
        if self.whole_minutes and seconds % 60:
            raise ValueError("must be whole minutes")
        if self.fraction:
            return float(seconds)
        if seconds != int(seconds):
            raise ValueError("must be whole seconds")
        return int(seconds)

    def schema(self) -> dict[str, Any]:
        text = r"^\d+(\.\d+)? ?[smhdw]" + ("?$" if self.plain else "$")
        options: list[dict[str, Any]] = [{"type": "string", "pattern": text}]
        if self.plain:
            options.append({"type": "number", "exclusiveMinimum": 0})
        if self.never:
            options.append({"const": self.never})
        return {"anyOf": [*options, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        return self.never if value is None else duration_text(value)

    def describe(self) -> str:
        words = "seconds or duration" if self.plain else "duration"
        return f"{words} or `{self.never}`" if self.never else words


class Money(Kind):
    """USD. Read as text, so that 0.1 stays one tenth."""

    label = "USD"

    def parse(self, written: Written) -> Decimal:
        text = written.text
        if text.startswith("-") and _DECIMAL.fullmatch(text):
            raise ValueError("must not be negative")
        if not _DECIMAL.fullmatch(text):
            raise ValueError("is not an amount in USD: write a number such as 0.25")
        value = Decimal(text)
        if value > 1_000_000_000:
            raise ValueError("is more than a billion USD")
        return value

    def schema(self) -> dict[str, Any]:
        number = {"type": "number", "minimum": 0, "maximum": 1_000_000_000}
        text = {"type": "string", "pattern": r"^[+]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$"}
        return {"anyOf": [number, text, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


class Day(Kind):
    label = "date"

    def parse(self, written: Written) -> date:
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", written.text, re.ASCII):
                raise ValueError
            return date.fromisoformat(written.text)
        except ValueError:
            raise ValueError("is not a date: write 2026-11-30") from None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "format": "date"}, ENV_SCHEMA]}

    def render(self, value: Any) -> str:
        return str(value)


@dataclass(eq=False, repr=False)
class File(Kind):
    """A path; `~` and paths relative to the configuration file are made absolute."""

    label: ClassVar[str] = "path"
    must_exist: bool = False
    glob: bool = False

    def parse(self, written: Written) -> str:
        text = plain_text(written.text)
        if self.glob:
            checked_glob(text)
            if any("**" in part and part != "**" for part in text.split("/")):
                raise ValueError("is not a glob: ** must stand alone between slashes")
        path = os.path.join(written.place.folder, expand_home(text, written.place.env))
        if self.must_exist and not os.path.isfile(path):
            raise ValueError("is not a file" if os.path.exists(path) else "no such file")
        if self.must_exist and not os.access(path, os.R_OK):
            raise ValueError("may not be read by this user")
        return os.path.normpath(path)


class Zone(Kind):
    label = "IANA name or `local`"

    def parse(self, written: Written) -> str:
        if written.text == "local":
            return "local"
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

        try:
            ZoneInfo(written.text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = did_you_mean(written.text, available_timezones())
            raise ValueError(f"is not a known time zone{near}") from None
        return written.text
