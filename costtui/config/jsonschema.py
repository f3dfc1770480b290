"""`costtui config schema`: the keys as JSON Schema (draft 2020-12), for editors.

It says what one value may be. What keys mean beside each other (two sources for one gateway,
`until` before `from`) only `config check` can say.
"""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any

from costtui.config.keys import PRICE, ROOT
from costtui.config.kinds import ENV_SCHEMA, Bool, Kind
from costtui.config.presets import preset_types
from costtui.config.schema import RATE_KEYS, Secret
from costtui.config.sections import Free, Key, ListOf, MapOf, Preset, Section, Shape
from costtui.config.source_keys import SOURCE, SOURCE_TYPES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The JSON Schema of a configuration file, as plain values for `json.dumps`."""
    env = {
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}",
        "description": "Filled in from the environment: ${NAME}.",
    }
    return {
        "$schema": DIALECT,
        "title": "costtui configuration",
        **_section(ROOT),
        "$defs": {"env": env},
    }


def _section(section: Section) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": ["object", "null"] if not _required(section) else "object",
        "additionalProperties": False,
        "properties": {key.name: _key(section, key) for key in section.keys},
    }
    if _required(section):
        made["required"] = _required(section)
    if section is SOURCE:
        made["allOf"] = [_of_type(kind) for kind in SOURCE_TYPES]
        made["anyOf"] = [{"required": [name]} for name in ("preset", "fields", "queries")]
    if section is PRICE:
        rates: dict[str, Any] = {"anyOf": [{"required": [rate]} for rate in RATE_KEYS]}
        made["oneOf"] = [
            rates,
            {"required": ["per_request"]},
            {"required": ["free"], "properties": {"free": {"not": {"const": False}}}},
        ]
    return made


def _required(section: Section) -> list[str]:
    return [key.name for key in section.keys if key.required]


def _of_type(kind: str) -> dict[str, Any]:
    """Keys of another source type are not allowed; something to read is required."""
    foreign = {key.name: False for key in SOURCE.keys if key.only and kind not in key.only}
    then: dict[str, Any] = {"properties": foreign}
    if kind == "jsonl":
        then["oneOf"] = [{"required": ["path"]}, {"required": ["paths"]}]
    else:
        then["required"] = ["url"]
    return {"if": {"properties": {"type": {"const": kind}}}, "then": then}


def _key(section: Section, key: Key) -> dict[str, Any]:
    made = {"description": key.doc, **_shape(key.kind)}
    default = section.default(key)
    if isinstance(key.kind, Kind) and key.default is None and default is not MISSING:
        if isinstance(key.kind, Bool):
            made |= {} if default is None else {"default": default}
        elif default not in (None, "") and not isinstance(default, Secret):
            made["default"] = key.kind.render(default).strip('"')
    return made


def _shape(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, Preset):
        return {"anyOf": [{"enum": sorted(preset_types())}, ENV_SCHEMA]}
    if isinstance(shape, Kind):
        return shape.schema()
    if isinstance(shape, Section):
        return _section(shape)
    if isinstance(shape, ListOf):
        if shape.single:
            item = _shape(shape.item)
            return {"anyOf": [item, {"type": "array", "items": item}]}
        return {"type": ["array", "null"], "items": _shape(shape.item)}
    made: dict[str, Any] = {"type": ["object", "null"]}
    if isinstance(shape, MapOf):
        made["additionalProperties"] = _shape(shape.item)
        names = shape.key.schema()
        if "anyOf" in names:  # a choice; a key is never filled in from the environment
            made["propertyNames"] = names["anyOf"][0]
        elif "pattern" in names:
            made["propertyNames"] = names
    else:
        assert isinstance(shape, Free)
    return made
