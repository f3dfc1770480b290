"""What the table of keys is made of: keys, sections, lists and mappings of them."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from costtui.config.kinds import (
    Kind,
    Text,
    Written,
)
from costtui.config.presets import preset_types
from costtui.config.words import did_you_mean


@dataclass(eq=False, repr=False)
class Preset(Text):
    """The name of a preset."""

    def parse(self, written: Written) -> str:
        text = super().parse(written)
        known = preset_types()
        if text not in known:
            near = did_you_mean(text, known)
            raise ValueError(f"is not a preset{near}; there are {', '.join(sorted(known))}")
        return text


@dataclass(slots=True, eq=False, repr=False)
class Key:
    """One key of a section."""

    name: str
    kind: Shape
    doc: str
    fields: tuple[str, ...] = ()
    """The fields of the section's dataclass that it fills; () is the field of its own name."""
    required: bool = False
    default: str | None = None
    """What the manual says, where the dataclass cannot say it."""
    only: tuple[str, ...] = ()
    """The values of the section's `chosen` that it is for; () is all of them."""
    shown: bool = True
    """False for another way to write a field that `config show` prints under its first key."""

    @property
    def targets(self) -> tuple[str, ...]:
        return self.fields or (self.name,)


@dataclass(slots=True, eq=False, repr=False)
class Section:
    """A mapping with known keys."""

    cls: type
    keys: tuple[Key, ...]
    chosen: str = "type"
    """The field of the dataclass that decides which keys with `only` mean something."""
    choices: tuple[str, ...] = ()
    """Its values."""
    only_doc: str = "for `type: "
    """How the manual begins to say which; "" where the keys' own words do."""
    by_name: dict[str, Key] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {key.name: key for key in self.keys}

    def foreign(self, key: Key, choice: str) -> bool:
        """Does `key` mean nothing where `choice` was chosen?"""
        return bool(key.only) and choice not in key.only

    def default(self, key: Key) -> Any:
        """The dataclass's default for `key`, or MISSING."""
        for one in fields(self.cls):
            if one.name == key.targets[0]:
                return one.default_factory() if callable(one.default_factory) else one.default
        return MISSING


@dataclass(slots=True, eq=False, repr=False)
class ListOf:
    item: Shape
    single: bool = False
    """One item may stand without the brackets."""
    program: bool = False
    """A program and its arguments: a text was meant as a line for the shell."""


@dataclass(slots=True, eq=False, repr=False)
class MapOf:
    """A mapping whose keys the user chooses."""

    key: Kind
    item: Shape
    placeholder: str
    """How the manual calls a key."""


@dataclass(slots=True, eq=False, repr=False)
class Free:
    """A mapping that its source understands; kept as it is, with `${NAME}` filled in."""


Shape = Kind | Section | ListOf | MapOf | Free
